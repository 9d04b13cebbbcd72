//! Records that were changed or moved: each is refused, and told for what it is.

use dynaseal_item::Kind;
use dynaseal_keys::{Error, StoreError};
use serde_json::json;

use super::*;

#[track_caller]
fn refused(world: &World, id: &str, code: &str) -> String {
    let error = world.active(id).unwrap_err();
    assert_eq!((error.code(), error.kind() == Kind::Outage), (code, false), "{error}");
    assert!(error.to_string().contains(&format!("branch key \"{id}\"")), "{error}");
    let rotated = run(world.store.rotate(id, world.io())).unwrap_err();
    assert_eq!(rotated.code(), code, "{rotated}");
    error.to_string()
}

#[test]
fn a_record_moved_to_another_tenant_is_not_authentic() {
    let world = World::new();
    world.create("a");
    world.create("b");
    // The whole record of one tenant, under the other's id.
    world.aws.table.edit(TABLE, |items| {
        let mut own = items
            .iter()
            .find(|item| item["branch-key-id"]["S"] == "a" && item["type"]["S"] == active_type())
            .unwrap()
            .clone();
        own["branch-key-id"] = json!({ "S": "b" });
        items.retain(|item| item["branch-key-id"]["S"] != "b" || item["type"]["S"] != active_type());
        items.push(own);
    });
    assert!(refused(&world, "b", "DSL-4132").contains("branch:ACTIVE"));
    world.active("a").unwrap();
}

#[test]
fn a_wrapped_key_of_another_tenant_is_not_authentic() {
    let world = World::new();
    world.create("a");
    world.create("b");
    let enc = world
        .items()
        .iter()
        .find(|item| item["branch-key-id"]["S"] == "a" && item["type"]["S"] == active_type())
        .unwrap()["enc"]
        .clone();
    world.set("b", active_type(), "enc", Some(enc));
    refused(&world, "b", "DSL-4132");
}

#[test]
fn every_attribute_is_bound() {
    let text = |text: &str| Some(json!({ "S": text }));
    let other_version = text("branch:version:e9ce18a3-edb5-4272-9f86-1cacb7997ff6");
    let changes = [
        ("aws-crypto-ec:tenant", text("another")),
        ("aws-crypto-ec:tenant", None),
        ("aws-crypto-ec:more", text("x")),
        ("more", text("x")),
        ("create-time", text("2030-01-01T00:00:00.000000Z")),
        ("version", other_version),
    ];
    for (attribute, value) in changes {
        let world = World::new();
        world.create("t");
        world.set("t", active_type(), attribute, value);
        refused(&world, "t", "DSL-4132");
    }
    // The key it names is the one that is asked, so it is another key's record.
    let world = World::new();
    world.create("t");
    world.set("t", active_type(), "kms-arn", text(MRK));
    refused(&world, "t", "DSL-4133");
    let error = run(store(discovery(&[])).active("t", world.io())).unwrap_err();
    assert_eq!(error.code(), "DSL-4132", "{error}");
}

#[test]
fn the_logical_name_is_bound() {
    let world = World::new();
    world.create("t");
    let options = KeyStoreOptions {
        table: TABLE.into(),
        logical_name: "Another".into(),
        kms: Arc::new(AwsKms::default()),
        keys: KmsConfiguration::Key(KEY.into()),
    };
    let error = run(KeyStoreTable::new(options).unwrap().active("t", world.io())).unwrap_err();
    assert!(error.code() == "DSL-4132" && error.hint().contains("logical_key_store_name"), "{error}");
}

#[test]
fn a_version_record_may_not_stand_for_another() {
    let world = World::new();
    let old = world.create("t").version;
    let new = run(world.store.rotate("t", world.io())).unwrap().new;
    let r#type = |version| format!("branch:version:{version}");
    // The bytes of the old version's record under the new one's type.
    world.aws.table.edit(TABLE, |items| {
        let mut record = items.iter().find(|item| item["type"]["S"] == r#type(old)).unwrap().clone();
        record["type"] = json!({ "S": r#type(new) });
        items.retain(|item| item["type"]["S"] != r#type(new));
        items.push(record);
    });
    let error = run(world.store.version("t", new, world.io())).unwrap_err();
    assert!(error.code() == "DSL-4132" && error.to_string().contains(&r#type(new)), "{error}");
    run(world.store.version("t", old, world.io())).unwrap();
}

/// DynamoDB would not do this, so the wire does: it answers with another record than was asked for.
#[test]
fn an_answer_with_another_record_is_refused() {
    use dynaseal_keys::{Answer, BoxFuture, Call, WireError};

    struct Swap<'a>(&'a World);
    impl Wire for Swap<'_> {
        fn send(&self, mut call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
            if call.operation == "GetItem" {
                call.body = String::from_utf8(call.body).unwrap().replace("\"b\"", "\"a\"").into_bytes();
            }
            self.0.aws.send(call)
        }
    }
    let world = World::new();
    world.create("a");
    let swap = Swap(&world);
    let error = run(world.store.active("b", world.io_over(&swap))).unwrap_err();
    assert!(error.code() == "DSL-4130" && error.to_string().contains("another record"), "{error}");
}

#[test]
fn what_is_not_a_record_is_told_why() {
    let text = |text: &str| Some(json!({ "S": text }));
    let cases = [
        ("enc", None, "enc is missing"),
        ("enc", text("AAAA"), "enc must be binary"),
        ("enc", Some(json!({ "B": "" })), "enc must be binary and not empty"),
        ("kms-arn", None, "kms-arn is missing"),
        ("create-time", None, "create-time is missing"),
        ("create-time", Some(json!({ "N": "1" })), "\"create-time\" must be a string"),
        ("hierarchy-version", None, "hierarchy-version is missing"),
        ("hierarchy-version", text("1"), "hierarchy-version must be a number"),
        ("version", None, "version is missing"),
        ("version", text("e9ce18a3-edb5-4272-9f86-1cacb7997ff6"), "version is not"),
        ("version", text("branch:version:E9CE18A3-EDB5-4272-9F86-1CACB7997FF6"), "version is not"),
        ("tablename", text(LOGICAL), "tablename must not be stored"),
        ("more", Some(json!({ "BOOL": true })), "\"more\" must be a string"),
    ];
    for (attribute, value, why) in cases {
        let world = World::new();
        world.create("t");
        world.set("t", active_type(), attribute, value);
        let told = refused(&world, "t", "DSL-4130");
        assert!(told.contains(why), "{told}");
        assert_eq!(world.aws.kms.count("Decrypt"), 0, "KMS is not asked about it");
    }
    let world = World::new();
    let version = world.create("t").version;
    world.set("t", &format!("branch:version:{version}"), "version", text("branch:version:x"));
    assert_eq!(run(world.store.version("t", version, world.io())).unwrap_err().code(), "DSL-4130");
}

#[test]
fn other_hierarchy_versions_are_refused_by_number() {
    for version in ["0", "2", "10"] {
        let world = World::new();
        world.create("t");
        // What version 2 changes besides must not hide that it is version 2.
        world.set("t", active_type(), "hierarchy-version", Some(json!({ "N": version })));
        world.set("t", active_type(), "create-time", None);
        let told = refused(&world, "t", "DSL-4131");
        assert!(told.contains(&format!("hierarchy-version {version}")), "{told}");
        assert!(
            matches!(world.active("t"), Err(Error::Store(error)) if matches!(*error, StoreError::HierarchyVersion { .. }))
        );
    }
}
