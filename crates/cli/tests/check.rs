//! `dynaseal check`: what it says is kept beside the configurations it says it about, in `check/`.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

mod command;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use command::run;
use serde_json::{Value, json};

/// Runs in a folder with the configurations, so that no path of this machine is in the text.
fn check(args: &[&str]) -> command::Ran {
    request("", args)
}

/// The same with a request on stdin.
fn request(body: &str, args: &[&str]) -> command::Ran {
    let folder = tempfile::tempdir().unwrap();
    for name in ["faults.toml", "good.toml"] {
        fs::copy(kept(name), folder.path().join(name)).unwrap();
    }
    run(folder.path(), &[&["check"], args].concat(), body)
}

fn kept(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/check").join(name)
}

/// Compares with the kept text; `KEEP=1` keeps the new one instead.
fn assert_kept(name: &str, text: &str) {
    if std::env::var_os("KEEP").is_some() {
        fs::write(kept(name), text).unwrap();
    }
    let before = fs::read_to_string(kept(name)).unwrap();
    for (number, (new, old)) in text.lines().zip(before.lines()).enumerate() {
        assert_eq!(new, old, "line {} of {name}; run with KEEP=1 to keep the new text", number + 1);
    }
    assert_eq!(text.len(), before.len(), "{name} ends otherwise; run with KEEP=1 to keep the new text");
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?}");
}

#[test]
fn every_fault_is_said_at_once() {
    let ran = check(&["faults.toml"]);
    assert_eq!((ran.status.code(), ran.stderr.as_str()), (Some(1), ""));
    assert_kept("faults.txt", &ran.stdout);
    assert!(ran.stdout.matches("error[DSL-").count() >= 10, "{}", ran.stdout);
}

#[test]
fn json_holds_the_same_faults() {
    let (text, json) = (check(&["faults.toml"]), check(&["faults.toml", "--json"]));
    assert_eq!(json.status.code(), Some(1));
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    let errors = json["errors"].as_array().unwrap();
    assert_eq!(errors.len(), text.stdout.matches("error[DSL-").count());
    for error in errors {
        let place =
            format!("faults.toml:{}:{}: error[{}]", error["line"], error["column"], error["code"].as_str().unwrap());
        assert!(text.stdout.contains(&place), "{place}");
    }
}

#[test]
fn a_right_configuration_is_explained() {
    let ran = check(&["good.toml"]);
    assert_eq!((ran.status.code(), ran.stderr.as_str()), (Some(0), ""));
    assert_kept("good.txt", &ran.stdout);
}

#[test]
fn the_explanation_is_there_as_json() {
    let ran = check(&["good.toml", "--json"]);
    assert_eq!(ran.status.code(), Some(0));
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    let users = &json["tables"][1];
    assert_eq!(
        (&users["table"], &users["logical_name"], &users["version"]),
        (&json!("Users"), &json!("users-v1"), &json!(2))
    );
    let email = json!({
        "name": "email", "key": null, "action": "encrypt_and_sign",
        "encrypted": true, "signed": true, "in_context": false,
    });
    assert!(users["attributes"].as_array().unwrap().contains(&email), "{users}");
    assert_eq!(users["keys"]["children"][1]["name"], json!("spare"));
    assert_eq!(json["warnings"][0]["code"], json!("DSL-5203"));
}

/// Every kind of plan and every family of operations. The requests are in `requests.txt`, an operation and a body a line.
#[test]
fn plans_of_requests_are_explained() {
    let mut text = String::new();
    let mut plans = BTreeSet::new();
    for line in fs::read_to_string(kept("requests.txt")).unwrap().lines() {
        let (operation, body) = line.split_once(' ').unwrap();
        let explain = |more: &[&str]| request(body, &[&["good.toml", "--explain", operation], more].concat());
        let (ran, json) = (explain(&[]), explain(&["--json"]));
        assert_eq!((ran.stderr.as_str(), json.stderr.as_str()), ("", ""));
        let report: Value = serde_json::from_str(&json.stdout).unwrap();
        let refused = report.get("refused").is_some();
        assert_eq!((ran.status.code(), json.status.code()), (Some(refused.into()), Some(refused.into())), "{line}");
        plans.insert(report["plan"].as_str().unwrap_or("refused").to_owned());
        // In every request a canary stands for each value.
        assert!(!ran.stdout.contains(CANARY) && !json.stdout.contains(CANARY), "{line}: {}", json.stdout);
        assert!(body.contains(CANARY) || ["ListTables", "CreateTable"].contains(&operation), "{line}");
        text.push_str(&ran.stdout);
        text.push('\n');
    }
    assert_eq!(
        plans.into_iter().collect::<Vec<_>>(),
        ["edit", "forward", "modify", "native_update", "refused", "statements", "transact"]
    );
    assert_kept("requests.plans.txt", &text);
}

#[test]
fn a_plan_is_there_as_json() {
    let requests = fs::read_to_string(kept("requests.txt")).unwrap();
    let body = requests.lines().find_map(|line| line.strip_prefix("UpdateItem ")).unwrap();
    let ran = request(body, &["good.toml", "--explain", "UpdateItem", "--json"]);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    let email = json!({"name": "email", "action": "encrypt_and_sign"});
    let (name, tenant) = (json!({"name": "name", "action": "sign_only"}), "sign_and_include_in_encryption_context");
    let write = &json["writes"][0];
    assert_eq!(write["condition"], json!([email, name]));
    let update = json!({
        "here": [email, name, {"name": "tenant", "action": tenant}], "reads": [name],
        "left": [{"name": "visits", "action": "do_nothing"}],
    });
    assert_eq!(write["update"], update);
    assert_eq!(write["guard"], json!(["aws_dbe_foot"]));
    assert_eq!(json["opened"][0]["projection"], json!(["email", "name", "tenant", "visits"]));
    assert_eq!((&json["calls"]["least"], &json["calls"]["most"]), (&json!(2), &json!(36)));
}

#[test]
fn what_is_no_operation_is_said_before_anything_is_read() {
    let ran = request("{}", &["none.toml", "--explain", "Update Item"]);
    assert_eq!((ran.status.code(), ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("DynamoDB_20120810.UpdateItem"), "{}", ran.stderr);
}

#[test]
fn no_request_is_explained_by_a_configuration_with_faults() {
    let (ran, alone) = (request("{}", &["faults.toml", "--explain", "Scan"]), check(&["faults.toml"]));
    assert_eq!((ran.status.code(), ran.stdout), (Some(1), alone.stdout));
}

#[test]
fn a_file_that_cannot_be_read_is_neither_right_nor_wrong() {
    let ran = check(&["none.toml"]);
    assert_eq!((ran.status.code(), ran.stdout.as_str()), (Some(2), ""));
    assert!(
        ran.stderr.starts_with("none.toml:1:1: error[DSL-5000]: the configuration cannot be read"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_table_that_is_not_configured_is_said_before_any_input_is_read() {
    let folder = command::folder();
    let ran = run(folder.path(), &["seal", "--config", "dynaseal.toml", "--table", "Nope"], "");
    assert_eq!(ran.status.code(), Some(2));
    assert!(ran.stderr.starts_with("error[DSL-8001]: dynaseal.toml has no table \"Nope\"\n  help: "), "{}", ran.stderr);
}

const CANARY: &str = "canary-71d0";

/// Patterns that nest, as a configuration in use has them.
const NESTED: &str = r#"
[keys.main]
type = "raw-aes"
namespace = "test"
name = "test-key"
key_env = "DYNASEAL_TEST_KEY"

[tables."*"]
keys = "main"
default_action = "encrypt_and_sign"
[tables."*".attributes]
id = "sign_only"

[tables."open-*"]
keys = "main"
default_action = "sign_only"
"#;

fn nested(config: &str, args: &[&str], body: &str) -> command::Ran {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("dynaseal.toml"), config).unwrap();
    run(folder.path(), &[&["check", "dynaseal.toml"], args].concat(), body)
}

#[test]
fn the_section_that_holds_is_named_with_and_without_a_request() {
    let told = nested(NESTED, &["--table", "open-Notes"], "");
    assert_eq!(told.status.code(), Some(0), "{}", told.stderr);
    let text = "[tables.\"open-*\"] holds for table open-Notes.\nIt also matches [tables.\"*\"], which yield to it.\n";
    assert!(told.stdout.starts_with(text), "{}", told.stdout);
    let json: Value = serde_json::from_str(&nested(NESTED, &["--table", "Notes", "--json"], "").stdout).unwrap();
    assert_eq!((&json["section"], &json["others"]), (&json!("[tables.\"*\"]"), &json!([])));
    assert_eq!(json["protection"]["other_attributes"], json!("encrypt_and_sign"));
    // DynamoDB alone tells the keys of a pattern's table; the section is named all the same.
    let told = nested(NESTED, &["--explain", "GetItem"], r#"{"TableName":"open-Notes","Key":{"id":{"S":"1"}}}"#);
    assert_eq!(told.status.code(), Some(1), "{}", told.stderr);
    assert!(told.stdout.contains("section    [tables.\"open-*\"] holds for open-Notes"), "{}", told.stdout);
    // The weaker one is warned of, and where no section holds, that is found.
    assert!(nested(NESTED, &[], "").stdout.contains("warning[DSL-5209]"));
    let only = NESTED.replace("[tables.\"*\"", "[tables.\"prod-*\"");
    let none = nested(&only, &["--table", "Notes"], "");
    assert_eq!((none.status.code(), none.stderr.as_str()), (Some(1), ""));
    assert!(
        none.stdout.contains("No section holds for table Notes: it passes through UNPROTECTED."),
        "{}",
        none.stdout
    );
    let refusing = format!("other_tables = \"refuse\"\n{only}");
    assert!(nested(&refusing, &["--table", "Notes"], "").stdout.contains("calls on it are refused"));
}

#[test]
fn of_very_many_faults_the_first_are_told_and_the_others_counted() {
    let table =
        |number| format!("[tables.Table{number}]\nkeys = \"none{number}\"\npartition_key = \"id\"\nunknown = 1\n");
    let many: String = (0..8000).map(table).collect();
    let ran = nested(&many, &[], "");
    assert_eq!(ran.status.code(), Some(1));
    assert_eq!(ran.stdout.matches("error[DSL-").count(), 200);
    assert!(
        ran.stdout.ends_with("16000 errors in the configuration; 15800 of them are not shown\n"),
        "{}",
        ran.stdout.len()
    );
    let json: Value = serde_json::from_str(&nested(&many, &["--json"], "").stdout).unwrap();
    assert_eq!((json["errors"].as_array().unwrap().len(), &json["more"]), (200, &json!(15800)));
}
