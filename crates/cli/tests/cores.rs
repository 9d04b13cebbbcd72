//! A page of signed items is opened by the cores of the machine, and not by the one thread that carries the call.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test stops at the first surprise")]

mod support;

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use dynaseal_testkit::call as send;
use serde_json::{Value, json};
use support::{Gateway, PROGRAM, TEST_KEY};

#[test]
fn a_page_of_signed_items_is_shared_by_threads() {
    if thread::available_parallelism().unwrap().get() == 1 {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut gateway = Gateway::start(PROGRAM, folder.path(), "gateway", CONFIG, &[], TEST_KEY);
    let address = gateway.address.clone();
    let call = |operation: &str, body: &Value| -> Value {
        let answer = send(&address, operation, &body.to_string(), Duration::from_secs(60)).unwrap();
        assert_eq!(answer.status, 200, "{operation}: {}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    };
    let table = json!({ "TableName": "Users", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }] });
    call("CreateTable", &table);
    for from in [0, 25] {
        let put = |number: usize| json!({ "PutRequest": { "Item": { "id": { "S": number.to_string() }, "email": { "S": "x" } } } });
        call("BatchWriteItem", &json!({ "RequestItems": { "Users": (from..from + 25).map(put).collect::<Vec<_>>() } }));
    }
    let (process, seen) = (gateway.process().id(), AtomicBool::new(false));
    let (seen, over) = (&seen, &AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(move || {
            while !seen.load(Ordering::Relaxed) && !over.load(Ordering::Relaxed) {
                seen.fetch_or(names_of_threads(process).any(|name| name.trim_end() == HELPER), Ordering::Relaxed);
            }
        });
        for _ in 0..200 {
            assert_eq!(call("Scan", &json!({ "TableName": "Users" }))["Count"], 50);
            if seen.load(Ordering::Relaxed) {
                break;
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(seen.load(Ordering::Relaxed), "no thread of the name {HELPER} was seen");
}

/// Threads that have ended in the meantime have none.
fn names_of_threads(process: u32) -> impl Iterator<Item = String> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("comm")).ok())
}

const HELPER: &str = "dynaseal-helper";
const CONFIG: &str = r#"
[gateway]
listen = "127.0.0.1:0"
upstream = "embedded"

[keys.test]
type = "raw-aes"
namespace = "test"
name = "test key"
key_env = "DYNASEAL_TEST_KEY"

[tables.Users]
keys = "test"
partition_key = "id"
default_action = "encrypt_and_sign"
"#;
