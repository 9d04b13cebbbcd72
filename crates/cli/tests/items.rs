//! `dynaseal seal` and `dynaseal open` on streams of items.
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

mod command;

use std::io::{BufRead as _, BufReader, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use command::{dynaseal, folder, run};
use serde_json::{Value, json};

const SEAL: &[&str] = &["seal", "--config", "dynaseal.toml", "--table", "Users"];
const OPEN: &[&str] = &["open", "--config", "dynaseal.toml", "--table", "Users"];

/// An item that differs with its number; all ten types occur.
fn item(number: u64) -> Value {
    let data = match number % 5 {
        0 => json!({"B": "AAECAw=="}),
        1 => json!({"M": {"a": {"L": [{"NULL": true}, {"BOOL": true}, {"N": "1.5"}]}, "é\"": {"S": "\u{1f511}\n"}}}),
        2 => json!({"NS": ["-1", "10", "2"]}),
        3 => json!({"BS": ["AA==", "AQ=="]}),
        _ => json!({"S": "x".repeat(usize::try_from(number % 3000).unwrap())}),
    };
    let mut item = json!({
        "id": {"S": format!("user-{number}")},
        "note": {"S": format!("note {number}")},
        "tags": {"SS": ["a", "b"]},
        "age": {"N": (number % 90).to_string()},
        "visits": {"N": number.to_string()},
        "data": data,
    });
    if number.is_multiple_of(7) {
        item.as_object_mut().unwrap().remove("note");
    }
    item
}

fn lines(items: &[Value]) -> String {
    items.iter().map(|item| format!("{item}\n")).collect()
}

fn parsed(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn ten_thousand_items_come_back_in_order() {
    let folder = folder();
    let items: Vec<_> = (0..10_000).map(item).collect();
    let sealed = run(folder.path(), SEAL, lines(&items));
    assert_eq!((sealed.status.code(), sealed.stderr.as_str()), (Some(0), ""));
    let stored = parsed(&sealed.stdout);
    for (item, stored) in items.iter().zip(&stored) {
        assert_eq!((&stored["id"], &stored["age"], &stored["visits"]), (&item["id"], &item["age"], &item["visits"]));
        assert!(stored["tags"]["B"].is_string() && stored["aws_dbe_head"]["B"].is_string());
    }
    let opened = run(folder.path(), OPEN, &sealed.stdout);
    assert_eq!((opened.status.code(), opened.stderr.as_str()), (Some(0), ""));
    assert!(parsed(&opened.stdout) == items, "what was opened differs from what was sealed");
}

#[test]
fn every_key_type_opens_what_it_sealed() {
    let folder = folder();
    for (name, text) in
        [("private.pem", PRIVATE), ("ec.pem", EC_PRIVATE), ("ec-public.pem", EC_PUBLIC), ("branch.json", BRANCH)]
    {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    std::fs::write(folder.path().join("dynaseal.toml"), EVERY_KEY).unwrap();
    let items = [json!({"id": {"S": "tenant-1"}, "note": {"S": "hello"}})];
    for table in ["Aes", "Rsa", "Ecdh", "Branch", "Tenant", "Multi"] {
        let args = |command| [command, "--config", "dynaseal.toml", "--table", table];
        let sealed = run(folder.path(), &args("seal"), lines(&items));
        assert_eq!((sealed.status.code(), sealed.stderr.as_str()), (Some(0), ""), "{table}");
        assert!(!sealed.stdout.contains("hello"), "{table}");
        let opened = run(folder.path(), &args("open"), &sealed.stdout);
        assert_eq!(parsed(&opened.stdout), items, "{table}: {}", opened.stderr);
        // The logical name is bound: the same keys under another table do not open it.
        let moved = ["open", "--config", "dynaseal.toml", "--table", "Other"];
        let moved = run(folder.path(), &moved, &sealed.stdout);
        assert_eq!((moved.status.code(), moved.stdout.as_str()), (Some(1), ""), "{table}");
        let inspected = run(folder.path(), &["inspect", "--json"], &sealed.stdout).stdout;
        assert_eq!(inspected.contains("\"P-256 to "), table == "Ecdh", "{inspected}");
        let version = inspected.contains("\"6f3bcd5e-5c1f-");
        assert_eq!(version, ["Branch", "Tenant", "Multi"].contains(&table), "{table}");
    }
}

#[test]
fn failing_items_are_named_by_line_and_the_others_go_on() {
    let folder = folder();
    let sealed = run(folder.path(), SEAL, lines(&[item(1), item(2), item(3)])).stdout;
    let sealed: Vec<_> = sealed.lines().collect();
    let changed = sealed[1].replace(r#""age":{"N":"2"}"#, r#""age":{"N":"3"}"#);
    assert_ne!(changed, sealed[1]);
    // Empty lines, line ends of Windows and a last line without an end are all counted alike.
    let input = format!("{}\r\n\n{changed}\n{{\"id\":{{\"S\":\"1\"}}}}\n{{\n{}", sealed[0], sealed[2]);
    let opened = run(folder.path(), OPEN, input);
    assert_eq!(opened.status.code(), Some(1));
    assert_eq!(parsed(&opened.stdout), [item(1), item(3)]);
    let failures: Vec<_> = opened.failures().iter().map(|f| (f["line"].as_u64(), f["code"].clone())).collect();
    assert_eq!(failures, [(Some(3), json!("DSL-3008")), (Some(4), json!("DSL-3001")), (Some(5), json!("DSL-1006"))]);
    let all_fields = |failure: &Value| failure.as_object().unwrap().len() == 3 && failure["message"].is_string();
    assert!(opened.failures().iter().all(all_fields), "{}", opened.stderr);
    assert_eq!(parsed(&opened.stderr).last(), Some(&json!({"lines": 5, "done": 2, "failed": 3})));
}

#[test]
fn an_export_keeps_its_wrapper() {
    let folder = folder();
    let sealed = run(folder.path(), SEAL, lines(&[item(1), item(2)])).stdout;
    let export: String = sealed.lines().map(|line| format!("{{\"Item\":{line}}}\n")).collect();
    let opened = run(folder.path(), OPEN, format!("{export}{sealed}"));
    assert_eq!((opened.status.code(), opened.stderr.as_str()), (Some(0), ""));
    let expected = [json!({"Item": item(1)}), json!({"Item": item(2)}), item(1), item(2)];
    assert_eq!(parsed(&opened.stdout), expected);
}

#[test]
fn a_value_of_a_failing_item_is_never_said() {
    let folder = folder();
    const CANARY: &str = "canary-5ec2e7";
    let texts = [
        json!({"id": {"S": CANARY}, "unknown": {"S": CANARY}}).to_string(),
        json!({"note": {"S": CANARY}}).to_string(),
        json!({"id": {"S": CANARY}, "age": {"N": CANARY}}).to_string(),
        json!({"id": {"S": CANARY}, "tags": {"SS": [CANARY, CANARY]}}).to_string(),
        json!({"id": {"S": CANARY}, "note": {CANARY: CANARY}}).to_string(),
        json!({"id": CANARY}).to_string(),
        format!("{{\"id\":{{\"S\":\"{CANARY}\"}}}} {CANARY}"),
        format!("{CANARY}{{"),
    ];
    let sealed = run(folder.path(), SEAL, texts.join("\n"));
    assert_eq!((sealed.status.code(), sealed.stdout.as_str()), (Some(1), ""));
    assert_eq!(sealed.failures().len(), texts.len(), "{}", sealed.stderr);
    let opened = run(folder.path(), OPEN, texts.join("\n"));
    assert_eq!(opened.failures().len(), texts.len(), "{}", opened.stderr);
    let inspected = run(folder.path(), &["inspect"], texts.join("\n"));
    assert_eq!(inspected.stderr.lines().count(), texts.len(), "{}", inspected.stderr);
    for said in [sealed.stderr, opened.stderr, opened.stdout, inspected.stderr, inspected.stdout] {
        assert!(!said.contains(CANARY), "{said}");
    }
}

#[test]
fn a_line_that_is_too_long_fails_alone() {
    let folder = folder();
    let long = format!("{{\"id\":{{\"S\":\"{}\"}}}}", "x".repeat(17 << 20));
    let sealed = run(folder.path(), SEAL, format!("{}\n{long}\n{}\n", item(1), item(2)));
    assert_eq!(sealed.status.code(), Some(1));
    assert_eq!(sealed.stdout.lines().count(), 2);
    let failures = sealed.failures();
    assert_eq!((failures.len(), &failures[0]["line"], &failures[0]["code"]), (1, &json!(2), &json!("DSL-8101")));
}

#[test]
fn each_line_is_answered_before_the_next_one_comes() {
    let folder = folder();
    let mut child = dynaseal(folder.path(), SEAL).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    for number in 0..3 {
        writeln!(stdin, "{}", item(number)).unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert!(line.contains(&format!("user-{number}\"")), "{line}");
    }
    drop(stdin);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let folder = folder();
    let mut child = dynaseal(folder.path(), SEAL).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Input that would never end keeps the program running unless it notices that nobody reads.
    let writer = thread::spawn(move || while writeln!(stdin, "{}", item(1)).is_ok() {});
    let mut first = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut first).unwrap();
    drop(stdout);
    let status = wait(&mut child, Duration::from_secs(60));
    writer.join().unwrap();
    // As a shell tells of SIGPIPE: what was asked for is not whole.
    assert_eq!(status, Some(141));
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(said, "");
}

/// The exit code, if it comes in time; otherwise the child is killed.
fn wait(child: &mut std::process::Child, limit: Duration) -> Option<i32> {
    let started = Instant::now();
    while started.elapsed() < limit {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    None
}

#[test]
#[cfg(target_os = "linux")]
fn memory_stays_flat() {
    let folder = folder();
    let (short, long) = (peak_memory(folder.path(), 2_000), peak_memory(folder.path(), 200_000));
    println!("peak memory: {short} KB for 2,000 items, {long} KB for 200,000");
    assert!(long < short + 8 * 1024, "{short} KB grew to {long} KB");
    assert!(long < 64 * 1024, "{long} KB");
}

/// The most memory a run on so many items had at once, in KB.
#[cfg(target_os = "linux")]
fn peak_memory(folder: &std::path::Path, count: usize) -> u64 {
    let args = [SEAL, &["--threads", "2"]].concat();
    let mut child = dynaseal(folder, &args).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let line = json!({"id": {"S": "user"}, "note": {"S": "n"}}).to_string() + "\n";
    // The input stays open until memory was read, since a process that has ended has none.
    let writer = thread::spawn(move || {
        for _ in 0..count {
            stdin.write_all(line.as_bytes()).unwrap();
        }
        stdin
    });
    let sealed = BufReader::new(child.stdout.take().unwrap()).lines().take(count).filter(Result::is_ok).count();
    assert_eq!(sealed, count);
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak = peak.split_whitespace().next().unwrap().parse().unwrap();
    drop(writer.join().unwrap());
    child.wait().unwrap();
    peak
}

const PRIVATE: &str = include_str!("../../keys/tests/data/test-rsa-private-pkcs8.pem");
const EC_PRIVATE: &str = include_str!("../../keys/tests/data/test-ec-p256-a-private.pem");
const EC_PUBLIC: &str = include_str!("../../keys/tests/data/test-ec-p256-b-public.pem");
/// A test key.
const BRANCH: &str = r#"{
  "branch_key_id": "tenant-1",
  "active_version": "6f3bcd5e-5c1f-4c0c-9d0b-0d2c3f1f7a11",
  "versions": { "6f3bcd5e-5c1f-4c0c-9d0b-0d2c3f1f7a11": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" }
}"#;
const EVERY_KEY: &str = r#"
keys.aes = { type = "raw-aes", namespace = "test", name = "aes", key_env = "DYNASEAL_TEST_KEY" }
keys.rsa = { type = "raw-rsa", namespace = "test", name = "rsa", padding = "OAEP_SHA256", private_key_file = "private.pem" }
keys.ecdh = { type = "raw-ecdh", scheme = "static", curve = "P-256", private_key_file = "ec.pem", public_key_file = "ec-public.pem" }
keys.branch = { type = "branch-key-file", file = "branch.json", branch_key_id = "tenant-1" }
keys.tenant = { type = "branch-key-file", file = "branch.json", branch_key_id_attribute = "id" }
keys.multi = { type = "multi", generator = "rsa", children = ["aes", "branch"] }
tables.Aes = { keys = "aes", partition_key = "id", default_action = "encrypt_and_sign" }
tables.Rsa = { keys = "rsa", partition_key = "id", default_action = "encrypt_and_sign" }
tables.Ecdh = { keys = "ecdh", partition_key = "id", default_action = "encrypt_and_sign" }
tables.Branch = { keys = "branch", partition_key = "id", default_action = "encrypt_and_sign" }
tables.Tenant = { keys = "tenant", partition_key = "id", default_action = "encrypt_and_sign" }
tables.Multi = { keys = "multi", partition_key = "id", default_action = "encrypt_and_sign" }
tables.Other = { keys = "multi", partition_key = "id", default_action = "encrypt_and_sign" }
"#;
