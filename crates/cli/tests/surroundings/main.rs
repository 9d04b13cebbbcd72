//! The command in surroundings that are not as they should be: a log that nobody reads, signals, full disks, too few
//! descriptors, files that are not what they should be.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests, not tests themselves"
)]

mod database;
mod files;
mod limits;
mod log;
mod signals;

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use dynaseal_testkit::{Program, Running, free_address};

/// The command, in `folder`.
fn dynaseal(folder: &Path, args: &[&str]) -> Program {
    Program::new(env!("CARGO_BIN_EXE_dynaseal"))
        .args(args)
        .folder(folder)
        .env("DYNASEAL_TEST_KEY", "5a17".repeat(16))
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "us-east-1")
}

/// A gateway over an embedded database, and where it will listen; `section` is added to `[gateway]`.
fn gateway(folder: &Path, section: &str) -> (Program, String) {
    let address = free_address();
    let config = CONFIG.replace("[gateway]", &format!("[gateway]\nlisten = \"{address}\"\n{section}"));
    fs::write(folder.join("dynaseal.toml"), config).unwrap();
    (dynaseal(folder, &["gateway"]), address)
}

/// Waits until it can be reached.
fn reached(running: &mut Running, address: &str) {
    let deadline = Instant::now() + LIMIT;
    while TcpStream::connect(address).is_err() {
        assert!(running.is_running() && Instant::now() < deadline, "it does not listen:\n{}", running.text(2));
        std::thread::sleep(Duration::from_millis(10));
    }
}

const CONFIG: &str = r#"
[gateway]

[keys.main]
type = "raw-aes"
namespace = "test"
name = "test-key"
key_env = "DYNASEAL_TEST_KEY"

[tables.Users]
keys = "main"
partition_key = "id"
suite = "hmac"
default_action = "encrypt_and_sign"
[tables.Users.attributes]
id = "sign_only"
"#;

const EMBEDDED: &str = "upstream = \"embedded\"";
const CREATE: &str = r#"{"TableName":"Users","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
    "AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}"#;
const LIMIT: Duration = Duration::from_secs(20);
