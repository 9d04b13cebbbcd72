//! `dynaseal keys` in whole processes: a key store in a database file, a KMS over HTTP, and items sealed under its keys.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, not tests themselves"
)]

mod command;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use command::{Ran, dynaseal, finish};
use dynaseal_gateway::RuntimeClock;
use dynaseal_keys::testing::{FakeKms, KeyState, Trouble};
use dynaseal_testkit::fake_aws;
use serde_json::Value;
use tempfile::TempDir;

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const SECRET: &str = "canary-7be1d2";

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_key_from_its_making_to_its_end() {
    let world = World::start().await;
    let refused = world.keys(&["list"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(refused.stderr.contains("DSL-4121") && refused.stderr.contains("dynaseal keys create-store"));
    for made in ["was created", "is there already"] {
        assert!(world.done(&["create-store"]).contains(made));
    }
    for tenant in ["acme", "globex"] {
        let context = format!("tenant={tenant}");
        world.done(&["create", tenant, "--context", &context]);
    }
    let twice = world.keys(&["create", "acme", "--context", "tenant=acme"]);
    assert!(twice.status.code() == Some(2) && twice.stderr.contains("DSL-4136"), "{}", twice.stderr);

    // What a version sealed stays readable after the next ones.
    let sealed: Vec<_> = (0..3)
        .map(|_| {
            let sealed = world.seal("acme").stdout;
            world.done(&["rotate", "acme"]);
            sealed
        })
        .collect();
    let version = |line: &str| world.inspected(line)["data_keys"][0]["branch_key_version"].clone();
    assert!(version(&sealed[0]) != version(&sealed[1]) && version(&sealed[1]) != version(&sealed[2]));
    for line in &sealed {
        assert!(world.open(line).stdout.contains(SECRET));
    }

    let listed = world.lines(&["list", "--json"]);
    assert_eq!(listed.len(), 2);
    assert_eq!(
        (&listed[0]["id"], &listed[0]["versions"], &listed[0]["state"]),
        (&"acme".into(), &4.into(), &"enabled".into())
    );
    let described = &world.lines(&["describe", "acme", "--json"])[0];
    assert_eq!((&described["context"]["tenant"], described["history"].as_array().unwrap().len()), (&"acme".into(), 4));

    // For a scheduler: what is due, and only that.
    assert_eq!(world.lines(&["rotate", "--older-than", "1d", "--json"]).len(), 0);
    let dry = world.lines(&["rotate", "--older-than", "0m", "--dry-run", "--json"]);
    assert_eq!(dry.iter().map(|line| line["action"].as_str().unwrap()).collect::<Vec<_>>(), ["would-rotate"; 2]);
    assert_eq!(world.lines(&["list", "--json"])[0]["versions"], 4);
    assert_eq!(world.lines(&["rotate", "--older-than", "0m", "--json"]).len(), 2);
    assert_eq!(world.lines(&["list", "--json"])[1]["versions"], 2);

    // Out of use, and back as it was.
    assert_eq!(world.keys(&["disable", "acme"]).status.code(), Some(2));
    world.done(&["disable", "acme", "--confirm", "acme"]);
    for failed in [world.open(&sealed[0]), world.seal("acme")] {
        assert!(failed.status.code() == Some(1) && failed.stderr.contains("DSL-4137"), "{}", failed.stderr);
    }
    world.done(&["enable", "acme"]);
    assert!(world.open(&sealed[0]).stdout.contains(SECRET));

    // Erasure: nothing without a record and the id typed twice, then for ever, and the neighbour is not touched.
    let neighbour = world.seal("globex").stdout;
    assert!(world.keys(&["destroy", "acme", "--confirm", "acme"]).stderr.contains("DSL-8010"));
    for confirm in [
        &["destroy", "acme", "--audit-log", "audit"][..],
        &["destroy", "acme", "--audit-log", "audit", "--confirm", "globex"],
    ] {
        assert!(world.keys(confirm).stderr.contains("DSL-8008"));
    }
    world.done(&["destroy", "acme", "--dry-run"]);
    assert!(world.open(&sealed[0]).stdout.contains(SECRET));
    let destroyed = world.done(&["destroy", "acme", "--audit-log", "audit", "--confirm", "acme"]);
    assert!(destroyed.contains("5 versions in 7 records"), "{destroyed}");
    for line in &sealed {
        let failed = world.open(line);
        assert!(failed.status.code() == Some(1) && failed.stderr.contains("DSL-4006"), "{}", failed.stderr);
    }
    assert!(world.open(&neighbour).stdout.contains(SECRET));

    let audit = fs::read_to_string(world.folder.path().join("audit")).unwrap();
    let audit: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(audit.iter().map(|line| line["phase"].as_str().unwrap()).collect::<Vec<_>>(), ["started", "finished"]);
    assert!(
        audit.iter().all(|line| line["branch_key_id"] == "acme" && line["versions"].as_array().unwrap().len() == 5)
    );
    world.assert_nothing_written();
}

#[tokio::test(flavor = "multi_thread")]
async fn troubles_are_told_and_the_other_keys_are_rotated_all_the_same() {
    let world = World::start().await;
    world.done(&["create-store"]);
    for tenant in ["acme", "globex"] {
        world.done(&["create", tenant, "--context", "a=b"]);
    }
    // Two calls of KMS prove and make a version; the first branch key's are refused.
    world.kms.trouble(Trouble::AccessDenied, None, 1);
    let ran = world.keys(&["rotate", "--older-than", "0m", "--json", "--audit-log", "audit"]);
    assert_eq!(ran.status.code(), Some(1), "{}", ran.stderr);
    let [failed, rotated]: [Value; 2] = [&ran.stderr, &ran.stdout].map(|line| serde_json::from_str(line).unwrap());
    assert_eq!((&failed["action"], &failed["code"]), (&"failed".into(), &"DSL-4103".into()));
    assert_eq!((&rotated["action"], &rotated["id"]), (&"rotate".into(), &"globex".into()));
    let audit = fs::read_to_string(world.folder.path().join("audit")).unwrap();
    assert_eq!(audit.matches("\"failed\"").count(), 1, "{audit}");

    world.kms.set_state(KEY, KeyState::Disabled);
    for args in [&["create"][..], &["rotate", "acme"]] {
        let ran = world.keys(args);
        assert!(ran.status.code() == Some(2) && ran.stderr.contains("DSL-4106"), "{}", ran.stderr);
    }
    // What only reads the table needs no key.
    assert!(world.done(&["list"]).contains("globex"));
    let ran = world.keys(&["list", "--keys", "main"]);
    assert!(ran.status.code() == Some(2) && ran.stderr.contains("DSL-8007"), "{}", ran.stderr);
    let ran = world.keys(&["list", "--keys", "tenant"]);
    let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("(did you mean \"tenants\"?)"), "{said}");
    let ran = world.keys(&["destroy", "acme", "--confirm", "acme", "--audit-log", "no/such/folder"]);
    assert!(ran.status.code() == Some(2) && ran.stderr.contains("DSL-8009"), "{}", ran.stderr);
    assert!(world.done(&["list"]).contains("acme"));
}

/// A folder with a configuration and a database, and a KMS.
struct World {
    folder: TempDir,
    kms: FakeKms,
}

impl World {
    async fn start() -> Self {
        let kms = FakeKms::with_clock(Arc::new(RuntimeClock)).with_key(KEY);
        let address = fake_aws::serve(kms.clone()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            r#"
[keys.tenants]
type = "hierarchical"
key_store_table = "KeyStore"
kms_key_arn = "{KEY}"
branch_key_id_attribute = "tenant"

[tables.Users]
keys = "tenants"
partition_key = "tenant"
suite = "hmac"
default_action = "encrypt_and_sign"
[tables.Users.attributes]
tenant = "sign_only"

[gateway]
upstream = "embedded"
database = "dynaseal.db"
region = "eu-west-1"
kms_endpoint = "http://{address}"
"#
        );
        fs::write(folder.path().join("dynaseal.toml"), config).unwrap();
        Self { folder, kms }
    }

    fn keys(&self, args: &[&str]) -> Ran {
        self.run(&[&["keys"], args].concat(), "")
    }

    fn done(&self, args: &[&str]) -> String {
        let ran = self.keys(args);
        assert!(ran.status.success() && ran.stderr.is_empty(), "{args:?}: {} {}", ran.stdout, ran.stderr);
        ran.stdout
    }

    fn lines(&self, args: &[&str]) -> Vec<Value> {
        self.done(args).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn seal(&self, tenant: &str) -> Ran {
        let item = format!(r#"{{"tenant":{{"S":"{tenant}"}},"email":{{"S":"{SECRET}"}}}}"#);
        self.run(&["seal", "--config", "dynaseal.toml", "--table", "Users"], &item)
    }

    fn open(&self, line: &str) -> Ran {
        self.run(&["open", "--config", "dynaseal.toml", "--table", "Users"], line)
    }

    fn inspected(&self, line: &str) -> Value {
        serde_json::from_str(&self.run(&["inspect", "--json"], line).stdout).unwrap()
    }

    fn run(&self, args: &[&str], input: &str) -> Ran {
        let mut command = dynaseal(self.folder.path(), args);
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        finish(command, input)
    }

    /// The database and the log hold nothing of an item.
    fn assert_nothing_written(&self) {
        let holds = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap()).contains(SECRET);
        let files = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        assert_eq!(files.filter(|path| path.is_file() && holds(path)).count(), 0);
    }
}
