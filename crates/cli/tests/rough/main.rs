//! The commands under rough hands: lines that are cut off, services that are down, refuse or lie, outputs that cannot be
//! written, two operators at once, clocks that are wrong.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, not tests themselves"
)]

mod audit;
mod kills;
mod lies;
mod lines;
mod outage;
mod output;
mod rotation;
mod usage;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use dynaseal_gateway::RuntimeClock;
use dynaseal_keys::testing::{FakeAws, FakeKms, FixedClock};
use dynaseal_keys::{AwsKms, CreateKey, Io, KeyStoreOptions, KeyStoreTable, KmsConfiguration, SystemClock};
use dynaseal_testkit::{Ended, Input, Program, StandIn, fake_aws};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const STORE: &str = "KeyStore";
/// A test key: it protects nothing.
const TEST_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const LIMIT: Duration = Duration::from_secs(60);

/// An account behind a stand-in, and a folder with a configuration: the table `Users` under a key of KMS, `Tenants` under
/// branch keys, `Local` under a key that needs no network.
struct World {
    aws: FakeAws,
    stand_in: StandIn,
    folder: TempDir,
    runtime: Runtime,
}

impl World {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let aws =
            FakeAws { kms: FakeKms::with_clock(Arc::new(RuntimeClock)).with_key(KEY), table: FakeAws::default().table };
        let address = runtime.block_on(fake_aws::serve_through(aws.kms.clone(), Arc::new(aws.clone()))).unwrap();
        let stand_in = StandIn::before(address.to_string());
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("dynaseal.toml"), config(&stand_in.url())).unwrap();
        Self { aws, stand_in, folder, runtime }
    }

    /// With an empty key store.
    fn with_store() -> Self {
        let world = Self::new();
        assert!(world.runtime.block_on(key_store().create_table(world.io(&SystemClock))).unwrap().created);
        world
    }

    fn io<'a>(&'a self, clock: &'a dyn dynaseal_keys::Clock) -> Io<'a> {
        Io { wire: &self.aws, clock }
    }

    /// A branch key that was made at a time.
    fn create_at(&self, id: &str, year: u64) {
        let clock = FixedClock::new(Duration::from_secs((year - 1970) * 31_556_952));
        let new = CreateKey { id: Some(id.to_owned()), context: BTreeMap::from([("t".to_owned(), id.to_owned())]) };
        self.runtime.block_on(key_store().create(new, self.io(&clock))).unwrap();
    }

    /// How many versions a branch key has.
    fn versions(&self, id: &str) -> usize {
        let is_version = |item: &&Value| {
            item["branch-key-id"]["S"] == id && item["type"]["S"].as_str().unwrap().starts_with("branch:version:")
        };
        self.aws.table.items(STORE).iter().filter(is_version).count()
    }

    fn program(&self, args: &[&str]) -> Program {
        let program = Program::new(env!("CARGO_BIN_EXE_dynaseal")).args(args).folder(self.folder.path());
        let program = program.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        let program = program.env("AWS_REGION", "eu-west-1").env("AWS_EC2_METADATA_DISABLED", "true");
        program.env("DYNASEAL_TEST_KEY", TEST_KEY)
    }

    fn run(&self, args: &[&str]) -> Ended {
        self.program(args).run(LIMIT)
    }

    fn keys(&self, args: &[&str]) -> Ended {
        self.run(&[&["keys"], args].concat())
    }

    /// `seal`, `open` or `repair` on a table.
    fn items(&self, command: &str, table: &str, more: &[&str], input: impl Into<Vec<u8>>) -> Ended {
        let args = [&[command, "--config", "dynaseal.toml", "--table", table], more].concat();
        self.program(&args).input(Input::Bytes(input.into())).run(LIMIT)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn key_store() -> KeyStoreTable {
    let (table, keys) = (STORE.to_owned(), KmsConfiguration::Key(KEY.to_owned()));
    let options = KeyStoreOptions { logical_name: table.clone(), table, kms: Arc::new(AwsKms::default()), keys };
    KeyStoreTable::new(options).unwrap()
}

/// The JSON objects among the lines of a text.
fn objects(text: &str) -> Vec<Value> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).filter(Value::is_object).collect()
}

/// Items with such numbers, one a line, each after a blank.
fn lines(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| format!(" {{\"id\":{{\"S\":\"{number}\"}},\"note\":{{\"S\":\"n\"}}}}\n")).collect()
}

fn config(url: &str) -> String {
    let table = |name: &str, keys: &str| {
        format!(
            "[tables.{name}]\nkeys = \"{keys}\"\npartition_key = \"id\"\nsuite = \"hmac\"\n\
             default_action = \"encrypt_and_sign\"\n"
        )
    };
    format!(
        "[gateway]\nupstream = \"{url}\"\nkms_endpoint = \"{url}\"\ntimeout = 2\n\
         [keys.kms]\ntype = \"aws-kms\"\nkey_arn = \"{KEY}\"\n\
         [keys.tenants]\ntype = \"hierarchical\"\nkey_store_table = \"{STORE}\"\nkms_key_arn = \"{KEY}\"\n\
         branch_key_id_attribute = \"id\"\n\
         [keys.local]\ntype = \"raw-aes\"\nnamespace = \"n\"\nname = \"n\"\nkey_env = \"DYNASEAL_TEST_KEY\"\n{}{}{}",
        table("Users", "kms"),
        table("Tenants", "tenants"),
        table("Local", "local"),
    )
}
