//! Which tables are protected: names that no table can have, in every head that reads a configuration in Rust; tables that
//! nobody configured; and what the gateway says of both when it starts.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of a test may panic, as the test may")]

#[expect(dead_code, reason = "each test binary uses its part")]
mod command;
mod support;
#[expect(dead_code, reason = "each test binary uses its part")]
mod vault;

use std::fs;
use std::path::Path;

use command::run;
use serde_json::{Value, json};
use support::{Gateway, PROGRAM, TEST_KEY};
use vault::http;

const GATEWAY: &str = "[gateway]\nlisten = \"127.0.0.1:0\"\nupstream = \"embedded\"\n";

fn config(name: &str) -> String {
    let name: String = name.chars().map(|one| format!("\\U{:08X}", u32::from(one))).collect();
    let key = if name.contains("0000002A") { "" } else { "partition_key = \"id\"\n" };
    format!(
        "{GATEWAY}[keys.main]\ntype = \"raw-aes\"\nnamespace = \"test\"\nname = \"key\"\nkey_file = \"test.key\"\n\
         [tables.\"{name}\"]\nkeys = \"main\"\n{key}default_action = \"encrypt_and_sign\"\n\
         [tables.\"{name}\".attributes]\nid = \"sign_only\"\n"
    )
}

fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("test.key"), TEST_KEY).unwrap();
    fs::write(folder.path().join("dynaseal.toml"), config).unwrap();
    folder
}

/// The names of the file that the tests of the other heads read, too.
fn names() -> Vec<(String, bool)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/names/tables.json");
    let names: Vec<Value> = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    names.iter().map(|one| (one["name"].as_str().unwrap().to_owned(), one["possible"] == true)).collect()
}

#[test]
fn heads_agree_on_which_names_a_table_can_have() {
    let names = names();
    assert!(names.iter().filter(|(_, possible)| *possible).count() >= 8 && names.len() >= 40);
    for (name, possible) in names {
        let folder = folder(&config(&name));
        let file = folder.path().join("dynaseal.toml");
        let checked = run(folder.path(), &["check", "dynaseal.toml"], "");
        assert_eq!(checked.status.code(), Some(i32::from(!possible)), "check {name:?}: {}", checked.stdout);
        assert_eq!(checked.stdout.contains("DSL-5015"), !possible, "{name:?}: {}", checked.stdout);
        let clean =
            |text: &str| text.chars().all(|one| one == '\n' || one == '…' || one.is_ascii_graphic() || one == ' ');
        assert!(clean(&checked.stdout), "{:?}", checked.stdout);
        let loaded = dynaseal::load(&file);
        assert_eq!(loaded.is_ok(), possible, "the Rust crate, {name:?}");
        if !possible {
            // It does not start, so it ends by itself.
            let started = run(folder.path(), &["gateway", "--config", "dynaseal.toml"], "");
            assert!(started.stderr.contains("DSL-5015"), "gateway {name:?}: {}", started.stderr);
            assert_eq!(started.status.code(), Some(2));
        }
    }
}

#[test]
fn a_configuration_that_protects_nothing_must_say_so() {
    for none in [GATEWAY.to_owned(), String::new(), format!("tables = {{}}\n{GATEWAY}")] {
        let folder = folder(&none);
        let checked = run(folder.path(), &["check", "dynaseal.toml"], "");
        assert!(checked.status.code() == Some(1) && checked.stdout.contains("DSL-5016"), "{}", checked.stdout);
        let started = run(folder.path(), &["gateway", "--config", "dynaseal.toml"], "");
        assert!(started.status.code() == Some(2) && started.stderr.contains("DSL-5016"), "{}", started.stderr);
        let error = dynaseal::load(folder.path().join("dynaseal.toml")).unwrap_err();
        assert_eq!(error.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["DSL-5016"]);
    }
    let folder = folder(&format!("allow_no_tables = true\n{GATEWAY}"));
    let checked = run(folder.path(), &["check", "dynaseal.toml"], "");
    assert!(checked.status.success() && checked.stdout.contains("warning[DSL-5204]"), "{}", checked.stdout);
}

fn call(gateway: &Gateway, operation: &str, body: &Value) -> (u16, String) {
    http(&gateway.address, "POST", "/", Some(operation), body.to_string().as_bytes())
}

fn table(name: &str) -> Value {
    json!({
        "TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    })
}

#[test]
fn other_tables_are_refused_where_that_is_configured() {
    let folder = folder("");
    let refusing = format!("other_tables = \"refuse\"\n{}", config("Users"));
    let gateway = Gateway::start(PROGRAM, folder.path(), "refusing", &refusing, &[], TEST_KEY);
    assert_eq!(call(&gateway, "CreateTable", &table("Users")).0, 200);
    let item = json!({"id": {"S": "1"}, "ssn": {"S": "078-05-1120"}});
    assert_eq!(call(&gateway, "PutItem", &json!({"TableName": "Users", "Item": item})).0, 200);
    assert_eq!(call(&gateway, "ListTables", &json!({})).0, 200);
    for (operation, body) in [
        ("CreateTable", table("Orders")),
        ("PutItem", json!({"TableName": "users", "Item": item})),
        ("BatchWriteItem", json!({"RequestItems": {"Orders": [{"PutRequest": {"Item": item}}]}})),
        ("ExecuteStatement", json!({"Statement": "INSERT INTO Orders VALUE {'id':'1'}"})),
        ("DescribeTable", json!({"TableName": "Orders"})),
    ] {
        let (status, answer) = call(&gateway, operation, &body);
        assert!(
            status == 400 && answer.contains("DSL-2011") && !answer.contains("078"),
            "{operation}: {status} {answer}"
        );
    }
    let said = gateway.stop();
    assert!(said.contains("protected=\"Users\" other_tables=\"refuse\""), "{said}");
    fs::write(folder.path().join("dynaseal.toml"), &refusing).unwrap();
    let checked = run(folder.path(), &["check", "dynaseal.toml"], "").stdout;
    assert!(checked.contains("that are not named here are refused"), "{checked}");
}

#[test]
fn the_start_says_which_tables_are_protected_and_that_others_pass() {
    let folder = folder("");
    let gateway = Gateway::start(PROGRAM, folder.path(), "passing", &config("prod-*"), &[], TEST_KEY);
    assert_eq!(call(&gateway, "CreateTable", &table("Orders")).0, 200);
    let said = gateway.stop();
    assert!(said.contains("protected=\"prod-*\" other_tables=\"pass\""), "{said}");
}
