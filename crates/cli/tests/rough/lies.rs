//! A store that says that it did what it did not, or says nothing that can be understood.

use dynaseal_testkit::Wrong;
use serde_json::json;

use super::{STORE, World};

const WRITE: &str = "TransactWriteItems";

#[test]
fn a_success_that_was_none_is_no_success() {
    let world = World::with_store();
    world.create_at("acme", 2020);
    let before = world.aws.table.items(STORE);
    let done = ["Created", "Rotated", "is disabled", "is enabled", "Destroyed"];
    for body in ["{}", "", "[]", "null", "<html>", "{", r#"{"__type":"x"}"#] {
        world.stand_in.order(Some(WRITE), Wrong::Says(200, body.to_owned()), usize::MAX);
        for args in [
            &["create"][..],
            &["create", "globex", "--context", "a=b"],
            &["rotate", "acme"],
            &["rotate", "--older-than", "1d"],
            &["disable", "acme", "--confirm", "acme"],
            &["destroy", "acme", "--confirm", "acme", "--audit-log", "log"],
        ] {
            let ran = world.keys(args);
            assert_ne!(ran.code(), Some(0), "{body:?} {args:?}: {}", ran.stdout);
            assert!(!done.iter().any(|word| ran.stdout.contains(word)), "{body:?} {args:?}: {}", ran.stdout);
        }
        world.stand_in.calm();
        assert_eq!(world.aws.table.items(STORE), before, "{body:?}");
    }
}

#[test]
fn what_was_done_is_recognised_whatever_was_said_of_it() {
    let world = World::with_store();
    for (number, wrong) in [
        Wrong::CarriesOutAndSays(200, "<html>".to_owned()),
        Wrong::CarriesOutAndSays(200, String::new()),
        Wrong::CarriesOutAndSays(500, "{}".to_owned()),
        Wrong::CarriesOutAndCloses,
        Wrong::CutsShort,
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("t{number}");
        for args in [&["create", id.as_str(), "--context", "a=b"][..], &["rotate", &id]] {
            world.stand_in.order(Some(WRITE), wrong.clone(), 1);
            let ran = world.keys(args);
            assert_eq!(ran.code(), Some(0), "{wrong:?} {args:?}: {}", ran.stderr);
        }
        assert_eq!(world.versions(&id), 2, "{wrong:?}: once and not twice");
    }
}

#[test]
fn a_write_that_cannot_be_looked_at_is_told_with_its_version() {
    let world = World::with_store();
    world.stand_in.order(Some("GetItem"), Wrong::Says(500, "{}".to_owned()), usize::MAX);
    let ran = world.keys(&["create", "acme", "--context", "a=b"]);
    assert!(ran.code() == Some(3) && ran.stderr.contains("DSL-4141"), "{}", ran.stderr);
    let items = world.aws.table.items(STORE);
    let version = items.iter().find_map(|item| item["type"]["S"].as_str().unwrap().strip_prefix("branch:version:"));
    assert!(ran.stderr.contains(version.unwrap()), "{}", ran.stderr);
}

#[test]
fn a_table_is_ready_when_its_description_says_so() {
    let world = World::new();
    let other = json!({"Table": {"TableName": "Other", "TableStatus": "ACTIVE", "KeySchema": [
        {"AttributeName": "branch-key-id", "KeyType": "HASH"}, {"AttributeName": "type", "KeyType": "RANGE"}],
        "AttributeDefinitions": [{"AttributeName": "branch-key-id", "AttributeType": "S"},
            {"AttributeName": "type", "AttributeType": "S"}]}})
    .to_string();
    for (operation, body) in [
        ("CreateTable", "{}"),
        ("CreateTable", ""),
        ("CreateTable", r#"{"TableDescription":{"TableName":"Other"}}"#),
        ("DescribeTable", "{}"),
        ("DescribeTable", "<html>"),
        ("DescribeTable", other.as_str()),
    ] {
        // What only DescribeTable says is asked of a table that is there.
        world.stand_in.order(Some(operation), Wrong::Says(200, body.to_owned()), 1);
        let ran = world.keys(&["create-store"]);
        assert!(
            ran.code() == Some(2) && ran.stderr.contains("DSL-4128"),
            "{operation} {body}: {} {}",
            ran.stdout,
            ran.stderr
        );
        assert!(ran.stdout.is_empty(), "{}", ran.stdout);
        world.stand_in.calm();
    }
    let ran = world.keys(&["create-store"]);
    assert!(ran.code() == Some(0) && ran.stdout.contains(STORE), "{}", ran.stderr);
}
