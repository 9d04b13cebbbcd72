//! Keys that the configuration does not name: those that records name, those that are given, and none.

use dynaseal_keys::testing::{Allow, TableTrouble};
use serde_json::json;

use super::*;

const ACCOUNT: &str = "accounts = [\"111122223333\"]";

/// A key store in discovery.
fn found() -> World {
    World::store(&format!("kms = \"discovery\"\n{ACCOUNT}"), "branch_key_id_attribute = \"id\"")
}

fn keys(said: &Value) -> Vec<&str> {
    each(said, "key").into_iter().map(|key| key.as_str().unwrap()).collect()
}

#[test]
fn without_a_key_nothing_is_asked_and_that_is_said() {
    let world = World::new(&format!("type = \"aws-kms-discovery\"\n{ACCOUNT}"));
    let (code, said) = world.all(&["--credentials"]);
    assert_eq!((code, &said["keys"], &said["not_asked"][0]["name"]), (Some(0), &json!([]), &json!("k")), "{said}");
    let text = world.run(&["--credentials"]).stdout;
    assert!(text.contains("key k: not asked") && text.contains("--key ARN"), "{text}");
    assert!(world.aws.kms.calls().is_empty());
    let local = World::new("type = \"raw-aes\"\nnamespace = \"n\"\nname = \"k\"\nkey_env = \"DYNASEAL_TEST_KEY\"");
    assert!(local.run(&["--credentials"]).stdout.contains("uses no key of AWS KMS"));
}

#[test]
fn keys_that_items_name_are_given() {
    let world = World::new(&format!("type = \"aws-kms-discovery\"\n{ACCOUNT}"));
    world.aws.kms.allow_only([Allow::operations(&["Decrypt"]).on(&[KEY]).bound_to("aws-crypto-table-name", "Users")]);
    let (code, said) = world.all(&["--credentials", "--key", KEY, "--key", OTHER]);
    assert_eq!((code, keys(&said)), (Some(1), vec![KEY, OTHER]), "{said}");
    assert_eq!(each(&said, "allowed"), [&json!(["Decrypt"]), &json!([])]);
    assert_eq!((codes(&said["keys"][0]["errors"]).len(), codes(&said["keys"][1]["errors"])), (0, vec!["DSL-4103"]));
    // It cannot seal, so that it could is too much; who only seals needs nothing of it.
    world.aws.kms.allow(&["Decrypt", "GenerateDataKey"]);
    let (code, said) = world.ask(&["--credentials", "--key", KEY]);
    assert_eq!((code, &said["allowed"], codes(&said["warnings"])), (Some(0), &json!(["Decrypt"]), vec!["DSL-8201"]));
    let (_, said) = world.ask(&["--credentials=writes", "--key", KEY]);
    assert_eq!((&said["allowed"], codes(&said["warnings"]).len()), (&json!([]), 2), "{said}");
    let foreign = world.run(&["--credentials", "--key", FOREIGN]);
    assert!(foreign.status.code() == Some(2) && foreign.stderr.contains("DSL-8011"), "{}", foreign.stderr);
}

#[test]
fn of_a_multi_region_key_the_replicas_are_asked_that_would_be_called() {
    let world =
        World::new(&format!("type = \"aws-kms-mrk-discovery\"\n{ACCOUNT}\nregions = [\"us-east-1\", \"eu-west-1\"]"));
    world.aws.kms.allow_only([Allow::operations(&["Decrypt"]).on(&[MRK])]);
    let (code, said) = world.all(&["--credentials", "--key", MRK]);
    assert_eq!((code, keys(&said)), (Some(1), vec![REPLICA, MRK]), "{said}");
    assert_eq!(each(&said, "allowed"), [&json!([]), &json!(["Decrypt"])]);
}

#[test]
fn the_keys_that_records_name_are_asked_with_the_context_of_a_record() {
    let world = found();
    for (id, key) in [("acme", KEY), ("globex", OTHER), ("initech", OTHER)] {
        world.create(id, key);
    }
    let bound = |key, id| Allow::operations(&["Decrypt"]).on(&[key]).bound_to("branch-key-id", id);
    world.aws.kms.allow_only([bound(KEY, "acme"), bound(OTHER, "globex")]);
    let (code, said) = world.all(&["--credentials"]);
    assert_eq!((code, keys(&said)), (Some(0), vec![KEY, KEY, OTHER, OTHER]), "{said}");
    assert_eq!(each(&said, "allowed"), [&json!(["Decrypt"]); 4]);
    let ids: Vec<_> = each(&said, "record").into_iter().map(|record| &record["branch_key_id"]).collect();
    assert_eq!(ids, ["acme", "acme", "globex", "globex"]);
    // That the table may be looked through at all is more than a service needs.
    assert_eq!(codes(&said["key_stores"][0]["warnings"]), ["DSL-8201"]);
    assert_eq!(keys(&world.all(&["--credentials=reads"]).1), [KEY, OTHER]);

    world.aws.kms.allow_only([bound(KEY, "acme")]);
    let (code, said) = world.all(&["--credentials"]);
    assert_eq!((code, codes(&said["keys"][2]["errors"])), (Some(1), vec!["DSL-4103"]), "{said}");

    // A record of another account's key would not be opened, so it is not asked about.
    world.aws.kms.allow(&["GenerateDataKeyWithoutPlaintext", "ReEncrypt"]);
    world.create("stranger", FOREIGN);
    world.aws.kms.allow_only([bound(KEY, "acme"), bound(OTHER, "globex")]);
    let (code, said) = world.all(&["--credentials"]);
    assert_eq!((code, codes(&said["key_stores"][0]["errors"])), (Some(1), vec!["DSL-4133"]), "{said}");
    assert!(
        !keys(&said).contains(&FOREIGN) && world.aws.kms.calls().iter().filter(|(_, key)| key == FOREIGN).count() == 3
    );
}

#[test]
fn where_records_cannot_be_listed_branch_keys_or_keys_are_given() {
    let world = found();
    world.create("acme", KEY);
    world.aws.kms.allow(&["Decrypt"]);
    world.aws.table.trouble(TableTrouble::Refuse("AccessDeniedException"), "Scan", 0, usize::MAX);
    let (code, said) = world.all(&["--credentials"]);
    assert_eq!((code, &said["keys"], &said["key_stores"]), (Some(0), &json!([]), &json!([])), "{said}");
    let told = &said["not_asked"][0];
    assert!(told["why"].as_str().unwrap().contains("Scan on the key store"), "{told}");
    assert!(told["hint"].as_str().unwrap().contains("--branch-key ID"), "{told}");

    let scans = world.aws.table.count("Scan");
    let (code, said) = world.all(&["--credentials", "--branch-key", "acme", "--key", KEY, "--key", OTHER]);
    assert_eq!((code, keys(&said), world.aws.table.count("Scan")), (Some(0), vec![KEY, KEY, OTHER], scans), "{said}");
    // The last has no record, so only what is known of every call is asked.
    assert_eq!((&said["keys"][2]["record"], &said["keys"][2]["context"]), (&json!(null), &json!(["tablename"])));

    // Any other failure is none of permissions.
    world.aws.table.calm();
    world.aws.table.trouble(TableTrouble::Refuse("ResourceNotFoundException"), "Scan", 0, usize::MAX);
    let (code, said) = world.all(&["--credentials"]);
    assert_eq!((code, codes(&said["key_stores"][0]["errors"])), (Some(1), vec!["DSL-4121"]), "{said}");
}

#[test]
fn an_empty_key_store_names_no_key() {
    let (code, said) = found().all(&["--credentials"]);
    assert_eq!((code, &said["keys"]), (Some(0), &json!([])), "{said}");
    assert!(said["not_asked"][0]["why"].as_str().unwrap().contains("holds no branch key"), "{said}");
}

/// The scheme `discovery` is one of senders: the key is the configuration's own.
#[test]
fn an_ecdh_key_in_discovery_is_named() {
    let pem = concat!(env!("CARGO_MANIFEST_DIR"), "/../keys/tests/data/test-ec-p256-a-private.pem");
    let arn = KEY.replace("1234abcd", "eeeeabcd");
    let world =
        World::new(&format!("type = \"aws-kms-ecdh\"\nkey_arn = \"{arn}\"\ncurve = \"P-256\"\nscheme = \"discovery\""));
    let _ = world.aws.kms.clone().with_private_key(&arn, &fs::read_to_string(pem).unwrap());
    world.aws.kms.allow(&["DeriveSharedSecret", "GetPublicKey"]);
    let (code, said) = world.ask(&["--credentials"]);
    assert_eq!((code, &said["allowed"]), (Some(0), &json!(["DeriveSharedSecret", "GetPublicKey"])), "{said}");
    assert_eq!((&said["key"], &said["context"]), (&json!(arn), &json!(null)));
    assert_eq!((&said["refused"], &said["refused_in_context"]), (&json!(["CreateGrant"]), &json!([])));
    // Without an encryption context there is nothing that another one could allow.
    world.aws.kms.allow(&["GetPublicKey"]);
    let (_, said) = world.ask(&["--credentials"]);
    assert_eq!((&said["errors"][0]["in_context"], codes(&said["errors"])), (&json!(false), vec!["DSL-4103"]), "{said}");
}
