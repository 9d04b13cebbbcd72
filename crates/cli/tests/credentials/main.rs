//! `dynaseal check --credentials` in whole processes, with a KMS and a DynamoDB over HTTP that allow some operations, keys and
//! encryption contexts and no other.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, not tests themselves"
)]

#[path = "../command/mod.rs"]
mod command;
mod context;
mod discovery;
mod reach;
mod roles;

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use dynaseal_keys::testing::FakeAws;
use dynaseal_keys::{AwsKms, CreateKey, Io, KeyStoreOptions, KeyStoreTable, KmsConfiguration, SystemClock};
use dynaseal_testkit::fake_aws;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const OTHER: &str = "arn:aws:kms:eu-west-1:111122223333:key/2222abcd-12ab-34cd-56ef-1234567890ab";
const FOREIGN: &str = "arn:aws:kms:eu-west-1:444455556666:key/3333abcd-12ab-34cd-56ef-1234567890ab";
const MRK: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
const REPLICA: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";

/// An account, a configuration with one key, and the command.
struct World {
    aws: FakeAws,
    folder: tempfile::TempDir,
    runtime: Runtime,
}

impl World {
    fn new(key: &str) -> Self {
        Self::with_tables(key, "[tables.Users]\nkeys = \"k\"\npartition_key = \"id\"\n")
    }

    fn with_tables(key: &str, tables: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let aws = FakeAws::default();
        let _ = [KEY, OTHER, FOREIGN, MRK, REPLICA].into_iter().fold(aws.kms.clone(), |kms, key| kms.with_key(key));
        let address = runtime.block_on(fake_aws::serve_through(aws.kms.clone(), Arc::new(aws.clone()))).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "[gateway]\nupstream = \"http://{address}\"\nkms_endpoint = \"http://{address}\"\n[keys.k]\n{key}\n{tables}"
        );
        fs::write(folder.path().join("dynaseal.toml"), config).unwrap();
        Self { aws, folder, runtime }
    }

    fn data_keys() -> Self {
        Self::new(&format!("type = \"aws-kms\"\nkey_arn = \"{KEY}\""))
    }

    /// A key store whose items name their branch keys.
    fn branch_keys() -> Self {
        Self::store(&format!("kms_key_arn = \"{KEY}\""), "branch_key_id_attribute = \"id\"")
    }

    fn store(kms: &str, id: &str) -> Self {
        let world = Self::new(&format!("type = \"hierarchical\"\nkey_store_table = \"Keys\"\n{kms}\n{id}"));
        let made = world.runtime.block_on(key_store(KEY).create_table(world.io()));
        assert!(made.unwrap().created);
        world
    }

    /// A branch key of a tenant.
    fn create(&self, id: &str, kms_key: &str) {
        let new =
            CreateKey { id: Some(id.to_owned()), context: BTreeMap::from([("tier".to_owned(), "gold".to_owned())]) };
        self.runtime.block_on(key_store(kms_key).create(new, self.io())).unwrap();
    }

    fn io(&self) -> Io<'_> {
        Io { wire: &self.aws, clock: &SystemClock }
    }

    fn run(&self, args: &[&str]) -> command::Ran {
        let args = [&["check", "dynaseal.toml"], args].concat();
        let mut command = command::dynaseal(self.folder.path(), &args);
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test").env("AWS_REGION", "eu-west-1");
        command.env("AWS_EC2_METADATA_DISABLED", "true").env_remove("AWS_PROFILE");
        command::finish(command, "")
    }

    /// The exit code, and all that was said.
    fn all(&self, args: &[&str]) -> (Option<i32>, Value) {
        let ran = self.run(&[args, &["--json"]].concat());
        assert_eq!(ran.stderr, "");
        let said: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(said["sufficient"], json!(ran.status.code() == Some(0)), "{said}");
        (ran.status.code(), said)
    }

    /// The exit code, and what was said of the one key.
    fn ask(&self, args: &[&str]) -> (Option<i32>, Value) {
        let (code, said) = self.all(args);
        assert_eq!(said["keys"].as_array().unwrap().len(), 1, "{said}");
        (code, said["keys"][0].clone())
    }
}

fn key_store(kms_key: &str) -> KeyStoreTable {
    let (table, keys) = ("Keys".to_owned(), KmsConfiguration::Key(kms_key.to_owned()));
    let options = KeyStoreOptions { logical_name: table.clone(), table, kms: Arc::new(AwsKms::default()), keys };
    KeyStoreTable::new(options).unwrap()
}

fn codes(findings: &Value) -> Vec<&str> {
    findings.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
}

/// One member of every key that was asked.
fn each<'v>(said: &'v Value, member: &str) -> Vec<&'v Value> {
    said["keys"].as_array().unwrap().iter().map(|key| &key[member]).collect()
}
