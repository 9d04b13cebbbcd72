//! `dynaseal repair`: what a writer without Dynaseal added to a sealed item is named and taken in, and nothing else is.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "the helpers of tests are tests")]

mod command;

use std::path::Path;

use command::{Ran, folder, run};
use serde_json::{Value, json};

const SEAL: &[&str] = &["seal", "--config", "dynaseal.toml", "--table", "Users"];
const OPEN: &[&str] = &["open", "--config", "dynaseal.toml", "--table", "Users"];
const REPAIR: &[&str] = &["repair", "--config", "dynaseal.toml", "--table", "Users"];

fn plain(id: &str) -> Value {
    json!({"id": {"S": id}, "note": {"S": "hello"}, "data": {"N": "1"}, "visits": {"N": "7"}})
}

fn sealed(folder: &Path, id: &str) -> Value {
    serde_json::from_str(&run(folder, SEAL, plain(id).to_string()).stdout).unwrap()
}

/// An item to which `age` and `tags` were added after it was sealed.
fn broken(folder: &Path) -> Value {
    let mut item = sealed(folder, "1");
    item["age"] = json!({"N": "40"});
    item["tags"] = json!({"SS": ["a"]});
    item
}

fn repair(folder: &Path, names: &[&str], item: &Value) -> Ran {
    let names = names.iter().flat_map(|name| ["--attribute", *name]);
    run(folder, &REPAIR.iter().copied().chain(names).collect::<Vec<_>>(), item.to_string())
}

#[track_caller]
fn assert_refused(ran: &Ran, code: &str) {
    assert_eq!((ran.status.code(), ran.stdout.as_str()), (Some(1), ""), "{}", ran.stderr);
    let failures = ran.failures();
    assert_eq!((failures.len(), &failures[0]["code"]), (1, &json!(code)), "{failures:?}");
}

/// Carries out what the request says on an item, as DynamoDB would.
fn applied(request: &Value, item: &Value) -> Value {
    let name = |text: &str| request["ExpressionAttributeNames"][text].as_str().unwrap().to_owned();
    for clause in request["ConditionExpression"].as_str().unwrap().split(" AND ") {
        let (left, right) = clause.split_once(" = ").unwrap();
        assert_eq!(item[name(left)], request["ExpressionAttributeValues"][right], "{clause}");
    }
    let mut item = item.clone();
    let update = request["UpdateExpression"].as_str().unwrap().strip_prefix("SET ").unwrap();
    for action in update.split(", ") {
        let (left, right) = action.split_once(" = ").unwrap();
        item[name(left)] = request["ExpressionAttributeValues"][right].clone();
    }
    item
}

#[test]
fn additions_are_named_and_taken_in() {
    let folder = folder();
    let item = broken(folder.path());
    let opened = run(folder.path(), OPEN, item.to_string());
    assert_refused(&opened, "DSL-3004");
    assert!(opened.stderr.contains("dynaseal repair"), "{}", opened.stderr);

    let named = repair(folder.path(), &[], &item);
    assert_refused(&named, "DSL-8104");
    assert!(named.stderr.contains(r#"\"age\", \"tags\""#), "{}", named.stderr);

    let ran = repair(folder.path(), &["age", "tags"], &json!({"Item": item}));
    assert_eq!((ran.status.code(), ran.stderr.as_str()), (Some(0), ""));
    let request: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&request["TableName"], &request["Key"]), (&json!("Users"), &json!({"id": {"S": "1"}})));
    // A counter outside the signature is left to its own writers.
    let names = request["ExpressionAttributeNames"].as_object().unwrap();
    assert!(!names.values().any(|name| name == "visits"), "{request}");
    let mended = applied(&request, &item);
    let opened = run(folder.path(), OPEN, mended.to_string());
    let mut expected = plain("1");
    (expected["age"], expected["tags"]) = (item["age"].clone(), item["tags"].clone());
    assert_eq!(serde_json::from_str::<Value>(&opened.stdout).unwrap(), expected);
    assert!(mended["tags"]["B"].is_string(), "what is configured to be encrypted is encrypted");

    // What verifies as it stands is no matter for this command.
    for item in [mended, sealed(folder.path(), "2")] {
        let ran = repair(folder.path(), &[], &item);
        assert_eq!((ran.status.code(), ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
        assert_refused(&repair(folder.path(), &["note"], &item), "DSL-3004");
    }
}

#[test]
fn what_was_tampered_with_is_never_taken_in() {
    let folder = folder();
    let item = broken(folder.path());
    let other = sealed(folder.path(), "2");
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut item = item.clone();
        change(&mut item);
        item
    };
    let both: &[&str] = &["age", "tags"];
    let cases: [(Value, &[&str], &str); 12] = [
        // Not all, and too many, and others.
        (item.clone(), &["age"], "DSL-3004"),
        (item.clone(), &["age", "tags", "note"], "DSL-3004"),
        (item.clone(), &["tags", "note"], "DSL-3010"),
        (item.clone(), &["id", "age"], "DSL-2003"),
        (item.clone(), &["visits", "age"], "DSL-2003"),
        (item.clone(), &["aws_dbe_head", "age"], "DSL-2003"),
        (item.clone(), &["lockedBy"], "DSL-2003"),
        // A value, two values, a footer, an attribute, a key.
        (changed(&|item| item["note"] = other["note"].clone()), both, "DSL-3008"),
        (
            changed(&|item| (item["note"], item["data"]) = (item["data"].clone(), item["note"].clone())),
            both,
            "DSL-3008",
        ),
        (changed(&|item| item["aws_dbe_foot"] = other["aws_dbe_foot"].clone()), both, "DSL-3008"),
        (changed(&|item| drop(item.as_object_mut().unwrap().remove("note"))), both, "DSL-3004"),
        (changed(&|item| item["id"] = json!({"S": "2"})), both, "DSL-4003"),
    ];
    for (number, (item, names, code)) in cases.iter().enumerate() {
        let ran = repair(folder.path(), names, item);
        assert!(ran.stderr.contains(code), "{number}: {}", ran.stderr);
        assert_refused(&ran, code);
    }
    // A signed attribute in plain is not one that was added, whatever stands in its place.
    let mut plan = sealed(folder.path(), "3");
    plan["note"] = json!({"S": "forged"});
    assert_refused(&repair(folder.path(), &[], &plan), "DSL-3010");
    assert_refused(&repair(folder.path(), &["note"], &plan), "DSL-3004");
    // An item that is not sealed is not mended into one.
    assert_refused(&repair(folder.path(), &["note"], &plain("4")), "DSL-3001");
}
