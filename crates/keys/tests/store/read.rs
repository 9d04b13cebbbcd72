//! What is read: records as DB-ESDK writes them, each configuration of the KMS key, and exact errors when there is nothing.

use std::sync::Arc;

use dynaseal_item::Kind;
use dynaseal_keys::testing::{KeyState, TableTrouble, Trouble};
use dynaseal_keys::{BranchKeyFile, Error, KeyVersion, Service, StoreError, TableRefusal, WireError};
use serde_json::{Value, json};

use super::*;

const ID: &str = "tenant-é";
const VERSION: &str = "e9ce18a3-edb5-4272-9f86-1cacb7997ff6";

/// A branch key's records, written from the specification and not by the code under test.
fn records_of_another_program(world: &World, key: [u8; 32]) -> Vec<Value> {
    let record = |r#type: &str, version: Option<&str>| {
        let mut context = json!({
            "branch-key-id": ID, "type": r#type, "create-time": "2023-06-03T19:03:29.358000Z", "kms-arn": KEY,
            "hierarchy-version": "1", "aws-crypto-ec:department": "Finance", "team": "of another program",
        });
        if let Some(version) = version {
            context["version"] = json!(version);
        }
        let mut item: Value =
            context.as_object().unwrap().iter().map(|(name, text)| (name.clone(), json!({ "S": text }))).collect();
        item["hierarchy-version"] = json!({ "N": "1" });
        context["tablename"] = json!(LOGICAL);
        let body = json!({ "KeyId": KEY, "Plaintext": base64(&key), "EncryptionContext": context });
        let answer = world.aws.kms.answer("Encrypt", body.to_string().as_bytes());
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        item["enc"] = json!({ "B": answer["CiphertextBlob"] });
        item
    };
    let version = format!("branch:version:{VERSION}");
    vec![record(&version, None), record("branch:ACTIVE", Some(&version))]
}

fn base64(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

#[test]
fn an_item_with_many_data_keys_of_a_branch_key_costs_no_call() {
    let world = World::new();
    world.create("t");
    assert_bounded(&world.store, "t", world.io(), &|| world.aws.table.count("GetItem"));
}

#[test]
fn records_of_another_program_open() {
    let world = World::new();
    let records = records_of_another_program(&world, [0x5a; 32]);
    world.aws.table.edit(TABLE, |items| items.extend(records.clone()));
    assert_eq!(world.active(ID).unwrap(), VERSION);
    let file = json!({ "branch_key_id": ID, "active_version": VERSION, "versions": { VERSION: base64(&[0x5a; 32]) } });
    let file = Arc::new(BranchKeyFile::parse(&file.to_string()).unwrap());
    let table = Arc::new(world.store.clone());
    assert!(opens(file.clone(), table.clone(), ID, world.io()).unwrap(), "the version record");
    assert!(opens(table.clone(), file, ID, world.io()).unwrap(), "the active record");

    // It rotates, and what nobody here knows stays and stays bound.
    let rotated = run(world.store.rotate(ID, world.io())).unwrap();
    assert_eq!(rotated.old.to_string(), VERSION);
    assert!(world.items().iter().all(|item| item["team"]["S"] == "of another program"));
    assert!(opens(table.clone(), table, ID, world.io()).unwrap());
}

#[test]
fn reads_are_consistent_and_open_only_what_they_must() {
    let world = World::new();
    let created = world.create("t");
    let before = (world.aws.kms.calls().len(), world.aws.table.calls().len());
    assert_eq!(world.active("t").unwrap(), created.version.to_string());
    run(world.store.version("t", created.version, world.io())).unwrap();
    let kms = world.aws.kms.calls().split_off(before.0);
    assert_eq!(kms, vec![("Decrypt".to_owned(), KEY.to_owned()); 2]);
    let calls = world.aws.table.calls().split_off(before.1);
    assert!(calls.len() == 2 && calls.iter().all(|(name, body)| name == "GetItem" && body["ConsistentRead"] == true));
}

#[test]
fn what_is_not_there_is_told() {
    let world = World::new();
    let created = world.create("t");
    assert_eq!(world.active("x"), Err(Error::NoBranchKey { id: "x".into() }));
    let other = KeyVersion::parse(VERSION).unwrap();
    let missing = |id: &str, version: KeyVersion| Error::NoVersion { id: id.into(), version: version.to_string() };
    let version = |id: &str, version| run(world.store.version(id, version, world.io())).unwrap_err();
    assert_eq!(version("t", other), missing("t", other));
    assert_eq!(version("x", created.version), missing("x", created.version));
    // Nothing can stand under these, and DynamoDB is not asked.
    let calls = world.aws.table.calls().len();
    for id in ["", &"x".repeat(2049)] {
        assert_eq!(world.active(id), Err(Error::NoBranchKey { id: id.into() }));
    }
    assert_eq!(world.aws.table.calls().len(), calls);
}

#[test]
fn each_configuration_opens_what_it_may() {
    let world = World::new();
    run(store(KmsConfiguration::MultiRegionKey(MRK.into())).create(tenant("m"), world.io())).unwrap();
    world.create("t");
    let active = |keys: KmsConfiguration, id: &str| {
        let before = world.aws.kms.calls().len();
        run(store(keys).active(id, world.io())).map(|_| world.aws.kms.calls().split_off(before)[0].1.clone())
    };
    let other_key = |result: Result<String, Error>| {
        let error = result.unwrap_err();
        assert_eq!((error.code(), error.kind()), ("DSL-4133", Kind::Config), "{error}");
        assert!(error.to_string().contains(KEY) || error.to_string().contains(MRK), "{error}");
    };
    assert_eq!(active(KmsConfiguration::Key(MRK.into()), "m").unwrap(), MRK);
    other_key(active(KmsConfiguration::Key(REPLICA.into()), "m"));
    other_key(active(KmsConfiguration::Key(KEY.into()), "m"));
    assert_eq!(active(KmsConfiguration::MultiRegionKey(REPLICA.into()), "m").unwrap(), REPLICA);
    other_key(active(KmsConfiguration::MultiRegionKey(REPLICA.into()), "t"));
    assert_eq!(active(discovery(&[]), "m").unwrap(), MRK);
    assert_eq!(active(discovery(&[]), "t").unwrap(), KEY);
    assert_eq!(active(discovery(&["us-east-1"]), "m").unwrap(), REPLICA);
    other_key(active(discovery(&["us-east-1"]), "t"));
    // Whoever can write to the table cannot bring a key of their own.
    let KmsConfiguration::Discovery(mut keys) = discovery(&[]) else { panic!() };
    keys.accounts = ["444455556666".to_owned()].into();
    other_key(active(KmsConfiguration::Discovery(keys), "t"));
}

#[test]
fn a_replica_that_is_down_is_no_outage() {
    let world = World::new();
    run(store(KmsConfiguration::MultiRegionKey(MRK.into())).create(tenant("t"), world.io())).unwrap();
    let both = store(discovery(&["us-east-1", "eu-west-1"]));
    world.aws.kms.set_state(REPLICA, KeyState::Disabled);
    run(both.active("t", world.io())).unwrap();
    world.aws.kms.set_state(MRK, KeyState::Disabled);
    assert_eq!(run(both.active("t", world.io())).unwrap_err().code(), "DSL-4002");
}

#[test]
fn a_key_store_says_what_it_calls() {
    let needs = |service| store(discovery(&[])).needs(service);
    assert!(needs(Service::DynamoDb) && needs(Service::Kms) && !needs(Service::Vault));
}

#[test]
fn trouble_with_dynamodb_is_exact() {
    let world = World::new();
    world.create("t");
    let cases = [
        (TableTrouble::Refuse("AccessDeniedException"), "DSL-4122", Kind::Keys),
        (TableTrouble::Refuse("ExpiredTokenException"), "DSL-4123", Kind::Keys),
        (TableTrouble::Refuse("ProvisionedThroughputExceededException"), "DSL-4124", Kind::Outage),
        (TableTrouble::Refuse("ThrottlingException"), "DSL-4124", Kind::Outage),
        (TableTrouble::Refuse("InternalServerError"), "DSL-4125", Kind::Outage),
        (TableTrouble::Refuse("ValidationException"), "DSL-4126", Kind::Internal),
        (TableTrouble::Down(WireError::Unreachable), "DSL-4127", Kind::Outage),
        (TableTrouble::Garbage, "DSL-4128", Kind::Internal),
    ];
    for (trouble, code, kind) in cases {
        world.aws.table.trouble(trouble, "GetItem", 0, 1);
        let error = world.active("t").unwrap_err();
        assert_eq!((error.code(), error.kind()), (code, kind), "{error}");
        assert!(error.to_string().contains("GetItem") && error.to_string().contains(TABLE), "{error}");
        world.active("t").unwrap();
    }
    let nowhere = KeyStoreOptions {
        table: "Nowhere".into(),
        logical_name: LOGICAL.into(),
        kms: Arc::new(AwsKms::default()),
        keys: discovery(&[]),
    };
    let error = run(KeyStoreTable::new(nowhere).unwrap().active("t", world.io())).unwrap_err();
    let refused = StoreError::Refused { operation: "GetItem", table: "Nowhere".into(), refusal: TableRefusal::NoTable };
    assert_eq!(error, refused.into());
    assert!(error.code() == "DSL-4121" && error.hint().contains("dynaseal keys create-store"));
}

#[test]
fn trouble_with_kms_is_kms_trouble() {
    let world = World::new();
    world.create("t");
    world.aws.kms.trouble(Trouble::Throttle, Some("Decrypt"), 1);
    assert_eq!(world.active("t").unwrap_err().code(), "DSL-4101");
    world.aws.kms.set_state(KEY, KeyState::Disabled);
    assert_eq!(world.active("t").unwrap_err().code(), "DSL-4106");
    world.aws.kms.set_state(KEY, KeyState::Enabled);
    world.active("t").unwrap();
}

#[test]
fn options_are_checked() {
    let kms: Arc<AwsKms> = Arc::default();
    let refused = |table: &str, logical: &str, keys| {
        let options = KeyStoreOptions { table: table.into(), logical_name: logical.into(), kms: kms.clone(), keys };
        let Err(Error::Config { field, .. }) = KeyStoreTable::new(options) else { panic!("{table} {logical}") };
        field
    };
    assert_eq!(refused("", "l", discovery(&[])), "key_store_table");
    assert_eq!(refused("t", "", discovery(&[])), "logical_key_store_name");
    assert_eq!(refused("t", "l", KmsConfiguration::Key("alias/x".into())), "kms_key_arn");
    assert_eq!(refused("t", "l", KmsConfiguration::MultiRegionKey(String::new())), "kms_mrk_key_arn");
}
