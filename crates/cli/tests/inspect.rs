//! `dynaseal inspect`: headers, without keys.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

mod command;

use command::{folder, run};
use serde_json::{Value, json};

const WITH_TABLE: &[&str] = &["inspect", "--json", "--config", "dynaseal.toml", "--table", "Users"];

fn seal(folder: &std::path::Path, item: &Value) -> String {
    let sealed = run(folder, &["seal", "--config", "dynaseal.toml", "--table", "Users"], item.to_string());
    assert_eq!(sealed.status.code(), Some(0), "{}", sealed.stderr);
    sealed.stdout
}

#[test]
fn the_header_is_told_without_keys() {
    let folder = folder();
    let item = json!({"id": {"S": "1"}, "note": {"S": "hello"}, "age": {"N": "1"}});
    let ran = run(folder.path(), &["inspect", "--json"], seal(folder.path(), &item));
    assert_eq!((ran.status.code(), ran.stderr.as_str()), (Some(0), ""));
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        (&report["version"], &report["suite"]["id"], &report["suite"]["signed"]),
        (&json!(1), &json!("0x6700"), &json!(false))
    );
    assert_eq!(report["message_id"].as_str().map(str::len), Some(64));
    let attributes = json!([
        {"name": "id", "action": "sign_only"},
        {"name": "age", "action": "sign_only"},
        {"name": "note", "action": "encrypt_and_sign"},
    ]);
    assert_eq!(report["attributes"], attributes);
    assert_eq!(report["context"], json!({"public_key": null, "others": []}));
    let key = &report["data_keys"][0];
    assert_eq!(
        (&key["provider_id"], &key["key"], &key["ciphertext_bytes"]),
        (&json!("test"), &json!("test-key"), &json!(96))
    );
    // Five letters, the type and the tag.
    assert_eq!((&report["sizes"]["footer"], &report["sizes"]["encrypted"]), (&json!(48), &json!(5 + 18)));
}

#[test]
fn unsigned_attributes_are_known_from_the_configuration_only() {
    let folder = folder();
    let sealed = seal(folder.path(), &json!({"id": {"S": "1"}, "visits": {"N": "1"}}));
    let attributes = |args: &[&str]| {
        let ran = run(folder.path(), args, &sealed);
        assert_eq!(ran.status.code(), Some(0), "{}", ran.stderr);
        serde_json::from_str::<Value>(&ran.stdout).unwrap()["attributes"].clone()
    };
    assert_eq!(attributes(&["inspect", "--json"]), Value::Null);
    assert_eq!(attributes(WITH_TABLE), json!([{"name": "id", "action": "sign_only"}]));
}

#[test]
fn the_text_fits_a_terminal_and_cannot_command_it() {
    let folder = folder();
    let config = command::CONFIG.replace("suite = \"hmac\"\n", "") + "\"a\\u001b[31m\" = \"sign_only\"\n";
    std::fs::write(folder.path().join("dynaseal.toml"), config).unwrap();
    let sealed = seal(folder.path(), &json!({"id": {"S": "1"}, "a\u{1b}[31m": {"S": "x"}}));
    let ran = run(folder.path(), &["inspect"], &sealed);
    assert_eq!(ran.status.code(), Some(0), "{}", ran.stderr);
    assert!(ran.stdout.starts_with("item of line 1\n  version       1\n  suite         0x6701\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("a\\u{1b}[31m: sign_only") && !ran.stdout.contains('\u{1b}'), "{}", ran.stdout);
    assert!(ran.stdout.contains("public key") && ran.stdout.contains("data key      test: test-key, 96 bytes"));
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 84), "{}", ran.stdout);
}

#[test]
fn an_item_without_a_whole_header_is_named_by_line() {
    let folder = folder();
    let sealed = seal(folder.path(), &json!({"id": {"S": "1"}}));
    let mut half: Value = serde_json::from_str(&sealed).unwrap();
    half.as_object_mut().unwrap().remove("aws_dbe_foot");
    let ran = run(folder.path(), &["inspect", "--json"], format!("{sealed}{{\"id\":{{\"S\":\"1\"}}}}\n{half}\n"));
    assert_eq!((ran.status.code(), ran.stdout.lines().count()), (Some(1), 1));
    let failures: Vec<Value> = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failures: Vec<_> = failures.iter().map(|failure| (&failure["line"], &failure["code"])).collect();
    assert_eq!(failures, [(&json!(2), &json!("DSL-3001")), (&json!(3), &json!("DSL-3002"))]);
}

/// In text and JSON, on stdout and stderr, of `inspect` and of `check`.
#[test]
fn names_stand_without_what_a_terminal_obeys() {
    let folder = folder();
    let name = "a\u{1b}[31m\u{9b}2J\u{202e}b\u{2066}c\u{200b}";
    let escaped = r"a\u001b[31m\u009b2J\u202eb\u2066c\u200b";
    let config = command::CONFIG.to_owned() + &format!("\"{escaped}\" = \"sign_only\"\n");
    std::fs::write(folder.path().join("dynaseal.toml"), &config).unwrap();
    std::fs::write(folder.path().join("wrong.toml"), format!("{config}\"{escaped}x\" = \"{escaped}\"\n")).unwrap();
    let item = json!({"id": {"S": "1"}, name: {"S": "x"}});
    let sealed = seal(folder.path(), &item);
    let other: Value = serde_json::from_str(&sealed.replace(escaped, "other")).unwrap_or_default();
    let put = json!({"TableName": "Users", "Item": item}).to_string();
    let plain = |char: char| !char.is_control() && !('\u{200b}'..='\u{206f}').contains(&char);
    for (args, input) in [
        (&["inspect"][..], sealed.as_str()),
        (&["inspect", "--json"], &sealed),
        (WITH_TABLE, &sealed),
        (WITH_TABLE, &other.to_string()),
        (&["check", "dynaseal.toml"], ""),
        (&["check", "dynaseal.toml", "--json"], ""),
        (&["check", "wrong.toml"], ""),
        (&["check", "wrong.toml", "--json"], ""),
        (&["check", "dynaseal.toml", "--explain", "PutItem"], &put),
        (&["check", "dynaseal.toml", "--explain", "PutItem", "--json"], &put),
    ] {
        let ran = run(folder.path(), args, input);
        for text in [&ran.stdout, &ran.stderr] {
            assert!(text.chars().all(|char| plain(char) || char == '\n'), "{args:?}: {text:?}");
        }
        assert!(!ran.stdout.is_empty() || !ran.stderr.is_empty(), "{args:?}");
    }
}
