//! `dynaseal check --credentials` in whole processes, with a KMS over HTTP that allows some operations and no other.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, not tests themselves"
)]

mod command;
#[path = "../../gateway/examples/fake_kms/server.rs"]
mod server;

use std::fs;

use dynaseal_keys::testing::{FakeKms, KeyState, Trouble};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// A KMS, a configuration with one key, and the command.
struct World {
    kms: FakeKms,
    folder: tempfile::TempDir,
    _runtime: Runtime,
}

impl World {
    fn new(key: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let kms = FakeKms::default().with_key(KEY);
        let address = runtime.block_on(server::serve(kms.clone())).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = format!(
            "[gateway]\nupstream = \"embedded\"\nkms_endpoint = \"http://{address}\"\n\
             [keys.k]\n{key}\n\
             [tables.Users]\nkeys = \"k\"\npartition_key = \"id\"\ndefault_action = \"encrypt_and_sign\"\n"
        );
        fs::write(folder.path().join("dynaseal.toml"), config).unwrap();
        Self { kms, folder, _runtime: runtime }
    }

    fn branch_keys() -> Self {
        Self::new(&format!(
            "type = \"hierarchical\"\nkey_store_table = \"Keys\"\nkms_key_arn = \"{KEY}\"\nbranch_key_id = \"t\""
        ))
    }

    fn data_keys() -> Self {
        Self::new(&format!("type = \"aws-kms\"\nkey_arn = \"{KEY}\""))
    }

    fn run(&self, args: &[&str]) -> command::Ran {
        let args = [&["check", "dynaseal.toml"], args].concat();
        let mut command = command::dynaseal(self.folder.path(), &args);
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test").env("AWS_REGION", "eu-west-1");
        command.env("AWS_EC2_METADATA_DISABLED", "true").env_remove("AWS_PROFILE");
        command::finish(command, "")
    }

    /// The exit code, and what was said of the key.
    fn ask(&self, role: &str) -> (Option<i32>, Value) {
        let ran = self.run(&[role, "--json"]);
        assert_eq!(ran.stderr, "");
        let said: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(said["sufficient"], json!(ran.status.code() == Some(0)));
        (ran.status.code(), said["keys"][0].clone())
    }
}

fn codes(findings: &Value) -> Vec<&str> {
    findings.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect()
}

#[test]
fn a_service_that_may_only_decrypt_is_right_for_branch_keys() {
    let world = World::branch_keys();
    world.kms.allow(&["Decrypt"]);
    let (code, said) = world.ask("--credentials");
    assert_eq!((code, &said["errors"], &said["warnings"]), (Some(0), &json!([]), &json!([])), "{said}");
    assert_eq!(said["allowed"], json!(["Decrypt"]));
    let refused = ["GenerateDataKey", "Encrypt", "GenerateDataKeyWithoutPlaintext", "ReEncrypt", "CreateGrant"];
    assert_eq!(said["refused"], json!(refused));
    // DescribeKey is not needed, and that it is refused is said.
    assert!(said["unknown"][0].as_str().unwrap().starts_with("DescribeKey"), "{said}");
    let text = world.run(&["--credentials"]);
    assert_eq!(text.status.code(), Some(0));
    assert!(text.stdout.contains("needed and allowed: Decrypt"), "{}", text.stdout);
}

#[test]
fn what_is_missing_is_an_error_with_the_policy_to_look_up() {
    let world = World::branch_keys();
    world.kms.allow(&["DescribeKey"]);
    let (code, said) = world.ask("--credentials");
    assert_eq!((code, codes(&said["errors"])), (Some(1), vec!["DSL-4103"]));
    let error = &said["errors"][0];
    assert!(error["message"].as_str().unwrap().contains("Decrypt with the \"aws-kms\" key"), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("docs/KEYS.md"), "{error}");
    // Nothing was answered as a dry run, so nothing that gives rights away was asked.
    assert_eq!(world.kms.count("CreateGrant"), 0);
    let text = world.run(&["--credentials"]);
    assert!(text.stdout.contains("error[DSL-4103]"), "{}", text.stdout);
}

#[test]
fn what_is_not_needed_is_a_warning_that_names_operation_and_key() {
    let world = World::branch_keys();
    let (code, said) = world.ask("--credentials");
    assert_eq!((code, said["warnings"].as_array().unwrap().len()), (Some(0), 5), "{said}");
    for (warning, operation) in said["warnings"].as_array().unwrap().iter().zip([
        "GenerateDataKey ",
        "Encrypt ",
        "GenerateDataKeyWithoutPlaintext ",
        "ReEncrypt ",
        "CreateGrant ",
    ]) {
        assert_eq!(warning["code"], "DSL-8201");
        let message = warning["message"].as_str().unwrap();
        assert!(message.starts_with(operation) && message.contains(KEY) && message.contains("broader"), "{message}");
    }
    let text = world.run(&["--credentials"]);
    assert_eq!(text.status.code(), Some(0));
    assert_eq!(text.stdout.matches("warning[DSL-8201]").count(), 5, "{}", text.stdout);
}

#[test]
fn each_role_needs_its_own() {
    let world = World::data_keys();
    world.kms.allow(&["GenerateDataKey", "Decrypt"]);
    for (role, allowed, warnings) in [
        ("--credentials", json!(["GenerateDataKey", "Decrypt"]), 0),
        ("--credentials=reads", json!(["Decrypt"]), 1),
        ("--credentials=writes", json!(["GenerateDataKey"]), 1),
    ] {
        let (code, said) = world.ask(role);
        assert_eq!((code, &said["allowed"]), (Some(0), &allowed), "{role}: {said}");
        assert_eq!(codes(&said["warnings"]).len(), warnings, "{role}: {said}");
    }
    world.kms.allow(&["Decrypt"]);
    assert_eq!(world.ask("--credentials=reads").0, Some(0));
    assert_eq!(world.ask("--credentials=writes").0, Some(1));
}

#[test]
fn a_key_that_cannot_be_used_is_an_error() {
    for seen in [true, false] {
        let world = World::data_keys();
        if !seen {
            world.kms.allow(&["GenerateDataKey", "Decrypt"]);
        }
        for (state, wanted) in [(KeyState::Disabled, "DSL-4106"), (KeyState::PendingDeletion, "DSL-4107")] {
            world.kms.set_state(KEY, state);
            let (code, said) = world.ask("--credentials");
            assert_eq!((code, codes(&said["errors"])[0]), (Some(1), wanted), "{said}");
        }
        world.kms.delete_key(KEY);
        assert_eq!(codes(&world.ask("--credentials").1["errors"])[0], "DSL-4105");
    }
    let world = World::data_keys();
    world.kms.trouble(Trouble::Throttle, None, usize::MAX);
    assert_eq!(codes(&world.ask("--credentials").1["errors"]), ["DSL-4101"]);
}

#[test]
fn an_endpoint_that_knows_no_dry_runs_proves_nothing() {
    let world = World::data_keys();
    world.kms.trouble(Trouble::Garbage, Some("GenerateDataKey"), usize::MAX);
    let (code, said) = world.ask("--credentials");
    assert_eq!((code, codes(&said["errors"])), (Some(1), vec!["DSL-4113"]), "{said}");
    assert_eq!(world.kms.count("CreateGrant"), 0);
}

#[test]
fn without_keys_of_kms_nothing_is_asked() {
    let world = World::new("type = \"aws-kms-discovery\"\naccounts = [\"111122223333\"]");
    let ran = world.run(&["--credentials"]);
    assert_eq!(ran.status.code(), Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("names no key of AWS KMS"), "{}", ran.stdout);
    assert!(world.kms.calls().is_empty());
}
