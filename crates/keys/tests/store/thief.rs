//! What each stolen credential can do alone, and what it cannot: the table of docs/KEYS.md, "What a stolen credential can do",
//! as far as KMS and the key store decide it. The item table is in `thief_items.rs`.

use dynaseal_keys::testing::{Allow, NoWire};
use dynaseal_keys::{BranchKeyFile, Call, Erasure, Service};
use serde_json::json;

use super::*;

/// A record, as whoever reads the key store or a backup of it has it.
fn record(world: &World, id: &str, r#type: &str) -> Value {
    let is_it = |item: &Value| item["branch-key-id"]["S"] == id && item["type"]["S"] == r#type;
    world.items().into_iter().find(is_it).unwrap()
}

/// Puts records into the table, over what is there.
fn put(world: &World, records: &[Value]) {
    world.aws.table.edit(TABLE, |items| items.extend(records.iter().cloned()));
}

fn version_type(version: impl std::fmt::Display) -> String {
    format!("branch:version:{version}")
}

/// One call of KMS with the thief's credentials: the answer, or the name of the refusal.
fn call_kms(world: &World, operation: &'static str, body: &Value) -> Result<Value, String> {
    let call = Call::new(Service::Kms, operation, body.to_string().into_bytes());
    let answer = run(world.aws.send(call)).unwrap();
    let read: Value = serde_json::from_slice(&answer.body).unwrap();
    if answer.ok() { Ok(read) } else { Err(read["__type"].as_str().unwrap().to_owned()) }
}

/// What KMS binds a record to.
fn context(record: &Value) -> Value {
    let fields = record.as_object().unwrap().iter().filter(|(name, _)| *name != "enc");
    let text = |value: &Value| value.as_object().unwrap().values().next().unwrap().clone();
    let mut context: Value = fields.map(|(name, value)| (name.clone(), text(value))).collect();
    context["tablename"] = LOGICAL.into();
    context
}

/// The branch key in a record, by `kms:Decrypt`.
fn unwrap(world: &World, record: &Value) -> Result<String, String> {
    let body = json!({ "KeyId": KEY, "CiphertextBlob": record["enc"]["B"], "EncryptionContext": context(record) });
    call_kms(world, "Decrypt", &body).map(|answer| answer["Plaintext"].as_str().unwrap().to_owned())
}

/// A key store that holds one key, wherever it came from.
fn file(id: &str, version: &str, key: &str) -> Arc<dyn KeyStore> {
    let file = json!({ "branch_key_id": id, "active_version": version, "versions": { version: key } });
    Arc::new(BranchKeyFile::parse(&file.to_string()).unwrap())
}

// Writing the key store, without KMS.

#[test]
fn a_writer_puts_an_older_active_record_back_and_services_seal_under_it() {
    let world = World::new();
    let old = world.create("t").version;
    let copy = record(&world, "t", active_type());
    let new = run(world.store.rotate("t", world.io())).unwrap().new;
    put(&world, &[copy]);
    assert_eq!(world.active("t").unwrap(), old.to_string());
    let store: Arc<dyn KeyStore> = Arc::new(world.store.clone());
    assert!(opens(store.clone(), store, "t", world.io()).unwrap());

    // What shows it: the version that seals is not the newest.
    let seen = run(world.store.describe("t", world.io())).unwrap();
    assert_eq!((seen.summary.active, seen.history.len()), (Some(old), 2));
    assert!(seen.history.iter().any(|one| one.version == new));
    // What mends it: a rotation, which goes on from there.
    let mended = run(world.store.rotate("t", world.io())).unwrap();
    assert_eq!((mended.old, world.active("t").unwrap()), (old, mended.new.to_string()));
    for version in [old, new, mended.new] {
        run(world.store.version("t", version, world.io())).unwrap();
    }
}

#[test]
fn a_writer_with_a_copy_brings_a_destroyed_branch_key_back() {
    let world = World::new();
    world.create("t");
    let backup = world.items();
    run(world.store.destroy("t", Erasure::ForGood, world.io())).unwrap();
    assert_eq!(world.active("t"), Err(Error::NoBranchKey { id: "t".into() }));
    put(&world, &backup);
    world.active("t").unwrap();
}

#[test]
fn a_writer_brings_a_disabled_branch_key_back_without_a_copy() {
    let world = World::new();
    world.create("t");
    run(world.store.disable("t", world.io())).unwrap();
    assert_eq!(world.active("t").unwrap_err().code(), "DSL-4137");
    world.aws.table.edit(TABLE, |items| {
        for item in items {
            item["type"]["S"] = item["type"]["S"].as_str().unwrap().trim_start_matches("dynaseal:disabled:").into();
        }
    });
    world.active("t").unwrap();
}

#[test]
fn a_writer_deletes_a_version_and_its_items_alone_are_unreadable_until_a_backup() {
    let world = World::new();
    let old = world.create("t").version;
    let copy = record(&world, "t", &version_type(old));
    let new = run(world.store.rotate("t", world.io())).unwrap().new;
    world.aws.table.edit(TABLE, |items| items.retain(|item| *item != copy));
    let error = run(world.store.version("t", old, world.io())).unwrap_err();
    assert_eq!(error, Error::NoVersion { id: "t".into(), version: old.to_string() });
    run(world.store.version("t", new, world.io())).unwrap();
    assert_eq!(world.active("t").unwrap(), new.to_string());
    put(&world, &[copy]);
    run(world.store.version("t", old, world.io())).unwrap();
}

#[test]
fn a_writer_swaps_nothing_between_tenants() {
    let world = World::new();
    let versions = ["a", "b"].map(|id| world.create(id).version);
    let before = world.items();
    let swap = |types: [&str; 2]| {
        let [of_a, of_b] = [record(&world, "a", types[0]), record(&world, "b", types[1])];
        for (mut moved, id, r#type) in [(of_a, "b", types[1]), (of_b, "a", types[0])] {
            moved["branch-key-id"]["S"] = id.into();
            moved["type"]["S"] = r#type.into();
            put(&world, &[moved]);
        }
    };
    // Each record where the other's was.
    swap([active_type(); 2]);
    for id in ["a", "b"] {
        assert_eq!(world.active(id).unwrap_err().code(), "DSL-4132", "{id}");
    }
    put(&world, &before);
    let types = versions.map(version_type);
    swap([&types[0], &types[1]]);
    for (id, version) in ["a", "b"].into_iter().zip(versions) {
        assert_eq!(run(world.store.version(id, version, world.io())).unwrap_err().code(), "DSL-4132", "{id}");
    }
    put(&world, &before);
    for id in ["a", "b"] {
        world.active(id).unwrap();
    }
}

#[test]
fn a_writer_gives_a_record_no_other_part() {
    let world = World::new();
    let old = world.create("t").version;
    let new = run(world.store.rotate("t", world.io())).unwrap().new;
    let stands_for_active = |mut record: Value, version: &str| {
        record["type"] = json!({ "S": active_type() });
        record["version"] = json!({ "S": version });
        record
    };
    let [old_type, new_type] = [old, new].map(version_type);
    let active = record(&world, "t", active_type());
    // The beacon key, an old version and the new one: none of them seals in the place of the active record.
    for other in ["beacon:ACTIVE", &old_type, &new_type] {
        for version in [&old_type, &new_type] {
            put(&world, &[stands_for_active(record(&world, "t", other), version)]);
            assert_eq!(world.active("t").unwrap_err().code(), "DSL-4132", "{other}");
        }
    }
    // Nor does the active record, or the beacon key, open what a version sealed.
    put(&world, std::slice::from_ref(&active));
    for mut moved in [active, record(&world, "t", "beacon:ACTIVE")] {
        moved.as_object_mut().unwrap().remove("version");
        moved["type"] = json!({ "S": new_type });
        put(&world, &[moved]);
        assert_eq!(run(world.store.version("t", new, world.io())).unwrap_err().code(), "DSL-4132");
    }
}

#[test]
fn a_writer_who_may_choose_a_key_reads_what_services_seal() {
    let world = World::new();
    let version = world.create("t").version;
    let service: Arc<dyn KeyStore> = Arc::new(world.store.clone());
    let own = record(&world, "t", active_type());
    for (operation, request) in [
        ("Encrypt", json!({ "KeyId": KEY, "Plaintext": base64_simd::STANDARD.encode_to_string([7; 32]) })),
        ("GenerateDataKey", json!({ "KeyId": KEY, "NumberOfBytes": 32 })),
    ] {
        let mut request = request;
        request["EncryptionContext"] = context(&own);
        // The policy of the documents refuses both.
        world.aws.kms.allow_only([Allow::operations(&["Decrypt"]).bound_to("tablename", LOGICAL)]);
        assert_eq!(call_kms(&world, operation, &request).unwrap_err(), "AccessDeniedException");
        // Without it the thief knows the key under which services seal from now on.
        world.aws.kms.allow(&["Decrypt", operation]);
        let answer = call_kms(&world, operation, &request).unwrap();
        let known = answer["Plaintext"].as_str().or(request["Plaintext"].as_str()).unwrap();
        let mut planted = own.clone();
        planted["enc"]["B"] = answer["CiphertextBlob"].clone();
        put(&world, &[planted]);
        let thief = file("t", &version.to_string(), known);
        assert!(opens(service.clone(), thief, "t", world.io()).unwrap(), "{operation}");
    }
}

// Reading it, and `kms:Decrypt`.

#[test]
fn a_reader_of_the_key_store_unwraps_nothing() {
    let world = World::new();
    world.create("t");
    world.aws.kms.allow(&[]);
    assert_eq!(unwrap(&world, &record(&world, "t", active_type())).unwrap_err(), "AccessDeniedException");
    assert_eq!(world.active("t").unwrap_err().code(), "DSL-4103");
}

#[test]
fn decrypt_alone_opens_the_records_it_has_within_its_conditions_and_nothing_else() {
    let world = World::new();
    for id in ["a", "b"] {
        world.create(id);
    }
    let backup = ["a", "b"].map(|id| record(&world, id, active_type()));
    let tenant = Allow::operations(&["Decrypt"]).bound_to("tablename", LOGICAL).bound_to("branch-key-id", "a");
    world.aws.kms.allow_only([tenant]);
    // An old backup will do, whatever stands in the table now.
    world.aws.table.edit(TABLE, Vec::clear);
    assert_eq!(unwrap(&world, &backup[0]).unwrap().len(), 44);
    assert_eq!(unwrap(&world, &backup[1]).unwrap_err(), "AccessDeniedException");
    // To say that it is the own tenant's gets past the policy, and not past the record.
    let mut lie = backup[1].clone();
    lie["branch-key-id"]["S"] = "a".into();
    assert_eq!(unwrap(&world, &lie).unwrap_err(), "InvalidCiphertextException");
    let mut elsewhere = json!({ "KeyId": KEY, "CiphertextBlob": backup[0]["enc"]["B"] });
    assert_eq!(call_kms(&world, "Decrypt", &elsewhere).unwrap_err(), "AccessDeniedException");
    elsewhere["EncryptionContext"] = json!({ "tablename": "Another", "branch-key-id": "a" });
    assert_eq!(call_kms(&world, "Decrypt", &elsewhere).unwrap_err(), "AccessDeniedException");
}

#[test]
fn both_together_open_and_forge_after_they_are_withdrawn() {
    let world = World::new();
    let version = world.create("t").version.to_string();
    world.aws.kms.allow(&["Decrypt"]);
    let key = unwrap(&world, &record(&world, "t", &version_type(&version))).unwrap();
    let (thief, service) = (file("t", &version, &key), Arc::new(world.store.clone()));
    // Withdrawn, and offline: what the service sealed opens, and what the thief seals the service takes.
    assert!(opens(service.clone(), thief.clone(), "t", world.io()).unwrap());
    assert!(opens(thief.clone(), service.clone(), "t", world.io()).unwrap());
    let calls = world.aws.kms.calls().len();
    let offline = world.io_over(&NoWire);
    assert!(opens(thief.clone(), thief.clone(), "t", offline).unwrap());
    assert_eq!(world.aws.kms.calls().len(), calls);
    // What a rotation seals is out of reach, what was sealed before is not.
    run(async {
        world.aws.kms.allow(&["Decrypt", "GenerateDataKeyWithoutPlaintext", "ReEncrypt"]);
        world.store.rotate("t", world.io()).await
    })
    .unwrap();
    assert!(opens(service.clone(), thief.clone(), "t", world.io()).is_err());
    assert!(opens(thief, service, "t", world.io()).unwrap(), "a forgery under the old version is still taken");
}

// The operator.

#[test]
fn the_operator_makes_and_rotates_and_learns_no_key() {
    let world = World::new();
    let keys = ["GenerateDataKeyWithoutPlaintext", "ReEncrypt"];
    world.aws.kms.allow_only([Allow::operations(&keys).on(&[KEY]).bound_to("tablename", LOGICAL)]);
    world.create("t");
    let rotated = run(world.store.rotate("t", world.io())).unwrap();
    for r#type in [active_type(), "beacon:ACTIVE", &version_type(rotated.new)] {
        assert_eq!(unwrap(&world, &record(&world, "t", r#type)).unwrap_err(), "AccessDeniedException");
    }
    assert_eq!(world.active("t").unwrap_err().code(), "DSL-4103");
    // Nor can it have a branch key wrapped for a KMS key that it may use.
    let own = record(&world, "t", active_type());
    let mut request = json!({
        "CiphertextBlob": own["enc"]["B"], "SourceKeyId": KEY, "SourceEncryptionContext": context(&own),
        "DestinationKeyId": MRK, "DestinationEncryptionContext": { "tablename": LOGICAL },
    });
    assert_eq!(call_kms(&world, "ReEncrypt", &request).unwrap_err(), "AccessDeniedException");
    // With the same key it can only move it within this key store.
    request["DestinationKeyId"] = KEY.into();
    request["DestinationEncryptionContext"] = json!({});
    assert_eq!(call_kms(&world, "ReEncrypt", &request).unwrap_err(), "AccessDeniedException");
}
