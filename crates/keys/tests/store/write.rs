//! What is written: tables, branch keys and versions, to the letter, and what happens when several write at once.

use std::sync::Barrier;

use dynaseal_item::Kind;
use dynaseal_keys::testing::{TableTrouble, Trouble};
use dynaseal_keys::{Answer, BoxFuture, Call, KeyVersion, Rotation, StoreError, WireError};
use serde_json::json;

use super::*;

#[test]
fn a_table_is_made_once() {
    let world = World::new();
    let ready = run(world.store.create_table(world.io())).unwrap();
    assert!(!ready.created && ready.deletion_protection);
    let (_, body) = &world.aws.table.calls()[0];
    let wanted = json!({
        "TableName": TABLE,
        "AttributeDefinitions": [
            { "AttributeName": "branch-key-id", "AttributeType": "S" }, { "AttributeName": "type", "AttributeType": "S" }
        ],
        "KeySchema": [
            { "AttributeName": "branch-key-id", "KeyType": "HASH" }, { "AttributeName": "type", "KeyType": "RANGE" }
        ],
        "BillingMode": "PAY_PER_REQUEST", "DeletionProtectionEnabled": true,
    });
    assert_eq!(*body, wanted);
}

#[test]
fn another_table_of_the_name_is_refused() {
    for (keys, types) in [(["type", "branch-key-id"], "S"), (["id", "sk"], "S"), (["branch-key-id", "type"], "B")] {
        let world = World::new();
        let body = json!({
            "TableName": "Other",
            "AttributeDefinitions": keys.map(|key| json!({ "AttributeName": key, "AttributeType": types })),
            "KeySchema": [{ "AttributeName": keys[0], "KeyType": "HASH" }, { "AttributeName": keys[1], "KeyType": "RANGE" }],
        });
        let call = Call::new(dynaseal_keys::Service::DynamoDb, "CreateTable", body.to_string().into_bytes());
        assert!(run(world.aws.send(call)).unwrap().ok());
        let options = KeyStoreOptions {
            table: "Other".into(),
            logical_name: LOGICAL.into(),
            kms: Arc::new(AwsKms::default()),
            keys: discovery(&[]),
        };
        let error = run(KeyStoreTable::new(options).unwrap().create_table(world.io())).unwrap_err();
        assert_eq!(error.code(), "DSL-4129", "{error}");
    }
    let world = World::new();
    world.aws.table.trouble(TableTrouble::Refuse("AccessDeniedException"), "CreateTable", 0, 1);
    assert_eq!(run(world.store.create_table(world.io())).unwrap_err().code(), "DSL-4122");
}

#[test]
fn a_branch_key_is_three_records() {
    let world = World::new();
    let created = world.create("tenant-é");
    let version = format!("branch:version:{}", created.version);
    let text = |text: &str| json!({ "S": text });
    let base = |r#type: &str| {
        json!({
            "branch-key-id": text("tenant-é"), "type": text(r#type), "kms-arn": text(KEY),
            "create-time": text("2024-01-01T00:00:00.123456Z"), "hierarchy-version": { "N": "1" },
            "aws-crypto-ec:tenant": text("tenant-é"),
        })
    };
    let mut wanted = vec![base("beacon:ACTIVE"), base("branch:ACTIVE"), base(&version)];
    wanted[1]["version"] = text(&version);
    let mut items = world.items();
    let mut wrapped = Vec::new();
    for item in &mut items {
        wrapped.push(item.as_object_mut().unwrap().remove("enc").unwrap()["B"].clone());
    }
    assert_eq!(items, wanted);
    assert!(wrapped[0] != wrapped[1] && wrapped[1] != wrapped[2]);
    assert_eq!(created.create_time.as_str(), "2024-01-01T00:00:00.123456Z");

    // The key is never in the clear, and version and active record hold the same one.
    let calls: Vec<_> = world.aws.kms.calls().into_iter().map(|(name, _)| name).collect();
    assert_eq!(calls, ["GenerateDataKeyWithoutPlaintext", "ReEncrypt", "GenerateDataKeyWithoutPlaintext"]);
    let store = Arc::new(world.store.clone());
    assert!(opens(store.clone(), store, "tenant-é", world.io()).unwrap());
}

#[test]
fn an_id_is_chosen_or_random() {
    let world = World::new();
    let random = |_| run(world.store.create(CreateKey::default(), world.io())).unwrap();
    let made = [(); 2].map(random);
    for created in &made {
        let id = uuid(&created.id);
        assert!(id[6] >> 4 == 4 && id[8] >> 6 == 2, "{} is not a random UUID", created.id);
        let version = created.version.as_bytes();
        assert!(version[6] >> 4 == 4 && version[8] >> 6 == 2);
    }
    assert_ne!(made[0].id, made[1].id);
    let bare = CreateKey { id: Some("t".into()), ..CreateKey::default() };
    let error = run(world.store.create(bare, world.io())).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("DSL-4135", Kind::Caller));
    for id in [String::new(), "x".repeat(2049)] {
        assert_eq!(run(world.store.create(tenant(&id), world.io())).unwrap_err().code(), "DSL-5101");
    }
}

fn uuid(text: &str) -> [u8; 16] {
    *KeyVersion::parse(text).unwrap().as_bytes()
}

#[test]
fn an_id_that_is_taken_is_left_alone() {
    let world = World::new();
    world.create("t");
    let before = world.items();
    let error = run(world.store.create(tenant("t"), world.io())).unwrap_err();
    assert_eq!(error, StoreError::Exists { id: "t".into() }.into());
    assert_eq!(world.items(), before);
}

#[test]
fn discovery_writes_nothing() {
    let world = World::new();
    world.create("t");
    let calls = (world.aws.kms.calls().len(), world.aws.table.calls().len());
    for keys in [discovery(&[]), discovery(&["us-east-1"])] {
        let store = store(keys);
        assert_eq!(run(store.create(tenant("u"), world.io())).unwrap_err().code(), "DSL-4134");
        assert_eq!(run(store.rotate("t", world.io())).unwrap_err().code(), "DSL-4134");
    }
    assert_eq!((world.aws.kms.calls().len(), world.aws.table.calls().len()), calls);
}

#[test]
fn a_rotation_adds_a_version() {
    let world = World::new();
    let created = world.create("t");
    let before = world.items();
    world.clock.advance(Duration::from_secs(60));
    let kms = world.aws.kms.calls().len();
    let rotated = run(world.store.rotate("t", world.io())).unwrap();
    assert_eq!((rotated.old, rotated.create_time.as_str()), (created.version, "2024-01-01T00:01:00.123456Z"));
    let calls: Vec<_> = world.aws.kms.calls().split_off(kms).into_iter().map(|(name, _)| name).collect();
    assert_eq!(calls, ["ReEncrypt", "GenerateDataKeyWithoutPlaintext", "ReEncrypt"]);

    let new = format!("branch:version:{}", rotated.new);
    let items = world.items();
    assert_eq!(items.len(), 4);
    let find = |items: &[Value], r#type: &str| items.iter().find(|item| item["type"]["S"] == r#type).unwrap().clone();
    let old = format!("branch:version:{}", rotated.old);
    for kept in ["beacon:ACTIVE", &old] {
        assert_eq!(find(&items, kept), find(&before, kept));
    }
    let active = find(&items, active_type());
    assert_eq!(active["version"]["S"], json!(new));
    for record in [&active, &find(&items, &new)] {
        assert_eq!(record["create-time"]["S"], "2024-01-01T00:01:00.123456Z");
        assert_eq!(record["aws-crypto-ec:tenant"]["S"], "t");
    }
    // The condition that DB-ESDK leaves out.
    let (_, body) = world.aws.table.calls().into_iter().rfind(|(name, _)| name == "TransactWriteItems").unwrap();
    let put = &body["TransactItems"][1]["Put"];
    assert_eq!(put["ConditionExpression"], "attribute_exists(#id) AND #enc = :enc");
    assert_eq!(put["ExpressionAttributeValues"][":enc"], find(&before, active_type())["enc"]);

    assert_eq!(world.active("t").unwrap(), rotated.new.to_string());
    run(world.store.version("t", rotated.old, world.io())).unwrap();
    let store = Arc::new(world.store.clone());
    assert!(opens(store.clone(), store, "t", world.io()).unwrap());
}

#[test]
fn a_multi_region_key_rotates_from_its_replica() {
    let world = World::new();
    run(store(KmsConfiguration::MultiRegionKey(MRK.into())).create(tenant("t"), world.io())).unwrap();
    let replica = store(KmsConfiguration::MultiRegionKey(REPLICA.into()));
    let before = world.aws.kms.calls().len();
    let rotated = run(replica.rotate("t", world.io())).unwrap();
    assert!(world.aws.kms.calls().split_off(before).iter().all(|(_, key)| key == REPLICA));
    // As in DB-ESDK the records go on naming the key that they were made with.
    assert!(world.items().iter().all(|item| item["kms-arn"]["S"] == MRK));
    assert_eq!(run(replica.active("t", world.io())).unwrap().version(), rotated.new);
}

#[test]
fn nothing_is_written_without_kms() {
    let world = World::new();
    world.create("t");
    let before = world.items();
    for operation in ["GenerateDataKeyWithoutPlaintext", "ReEncrypt"] {
        world.aws.kms.trouble(Trouble::AccessDenied, Some(operation), 2);
        assert_eq!(run(world.store.create(tenant("u"), world.io())).unwrap_err().code(), "DSL-4103");
        assert_eq!(run(world.store.rotate("t", world.io())).unwrap_err().code(), "DSL-4103");
    }
    assert_eq!(world.items(), before);
    assert_eq!(run(world.store.rotate("u", world.io())), Err(Error::NoBranchKey { id: "u".into() }));
}

/// Lets nobody write before everybody wants to.
struct Together<'a> {
    aws: &'a FakeAws,
    all: Barrier,
}

impl Wire for Together<'_> {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        if call.operation == "TransactWriteItems" {
            self.all.wait();
        }
        self.aws.send(call)
    }
}

#[test]
fn a_rotation_goes_on_from_the_version_that_was_seen() {
    let world = World::new();
    let first = world.create("t").version;
    let from = |from, to| run(world.store.rotate_from(Rotation { id: "t", from: Some(from), to }, world.io()));
    let second = KeyVersion::random().unwrap();
    assert_eq!(from(first, second).unwrap().new, second);
    let (kms, before) = (world.aws.kms.calls().len(), world.items());
    let raced = Err(StoreError::Raced { id: "t".into(), to_be: "rotated" }.into());
    assert_eq!(from(first, KeyVersion::random().unwrap()), raced);
    assert_eq!((world.aws.kms.calls().len(), world.items()), (kms, before));
    assert_eq!(run(world.store.active_version("t", world.io())), Ok(Some(second)));
    assert_eq!(run(world.store.active_version("u", world.io())), Ok(None));
}

#[test]
fn what_is_made_was_planned() {
    let world = World::new();
    let planned = world.store.plan(tenant("t")).unwrap();
    assert!(world.items().is_empty() && planned.id == "t");
    let version = planned.version;
    assert_eq!(run(world.store.create_planned(planned, world.io())).unwrap().version, version);
    let random = world.store.plan(CreateKey::default()).unwrap();
    uuid(&random.id);
    for id in ["  ", " t", "t\n", "\u{feff}t", "\u{202e}t"] {
        let error = world.store.plan(tenant(id)).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("DSL-4142", Kind::Caller), "{id:?}");
    }
}

#[test]
fn of_sixteen_rotations_at_once_one_wins() {
    let world = World::new();
    let mut versions = vec![world.create("t").version];
    for round in 0..8 {
        let together = Together { aws: &world.aws, all: Barrier::new(16) };
        let io = world.io_over(&together);
        let rotate = || run(world.store.rotate("t", io));
        let results: Vec<_> = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..16).map(|_| scope.spawn(rotate)).collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 15), "round {round}");
        let won = won.into_iter().next().unwrap().unwrap();
        assert_eq!(won.old, *versions.last().unwrap());
        versions.push(won.new);
        for error in lost.into_iter().map(Result::unwrap_err) {
            assert_eq!(error, StoreError::Raced { id: "t".into(), to_be: "rotated" }.into());
            assert_eq!((error.code(), error.kind()), ("DSL-4138", Kind::Outage));
        }
    }
    // The losers left nothing, and no version was lost.
    assert_eq!(world.items().len(), versions.len() + 2);
    for version in versions {
        run(world.store.version("t", version, world.io())).unwrap();
    }
}

#[test]
fn of_eight_creations_at_once_one_wins() {
    let world = World::new();
    let together = Together { aws: &world.aws, all: Barrier::new(8) };
    let io = world.io_over(&together);
    let create = || run(world.store.create(tenant("t"), io));
    let results: Vec<_> = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..8).map(|_| scope.spawn(create)).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let others = results.into_iter().filter_map(Result::err);
    assert!(others.into_iter().all(|error| error == StoreError::Exists { id: "t".into() }.into()));
    assert_eq!(world.items().len(), 3);
}
