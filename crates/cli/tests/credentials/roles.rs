//! What each role needs, what it should not have, and keys that cannot be used.

use dynaseal_keys::testing::{KeyState, Trouble};
use serde_json::json;

use super::*;

#[test]
fn a_service_that_may_only_decrypt_is_right_for_branch_keys() {
    let world = World::branch_keys();
    world.aws.kms.allow(&["Decrypt"]);
    let (code, said) = world.ask(&["--credentials"]);
    assert_eq!((code, &said["errors"], &said["warnings"]), (Some(0), &json!([]), &json!([])), "{said}");
    assert_eq!(said["allowed"], json!(["Decrypt"]));
    let refused = ["GenerateDataKey", "Encrypt", "GenerateDataKeyWithoutPlaintext", "ReEncrypt"];
    assert_eq!((&said["refused_in_context"], &said["refused"]), (&json!(refused), &json!(["CreateGrant"])));
    // DescribeKey is not needed, and that it is refused is said.
    assert!(said["unknown"][0].as_str().unwrap().starts_with("DescribeKey"), "{said}");
    let text = world.run(&["--credentials"]);
    assert_eq!(text.status.code(), Some(0));
    assert!(text.stdout.contains("needed and allowed: Decrypt"), "{}", text.stdout);
}

#[test]
fn what_is_missing_is_an_error_with_the_policy_to_look_up() {
    let world = World::branch_keys();
    world.aws.kms.allow(&["DescribeKey"]);
    let (code, said) = world.ask(&["--credentials"]);
    assert_eq!((code, codes(&said["errors"])), (Some(1), vec!["DSL-4103"]));
    let error = &said["errors"][0];
    assert!(error["message"].as_str().unwrap().contains("Decrypt with the \"aws-kms\" key"), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("`dynaseal explain KEYS.md`"), "{error}");
    // Nothing was answered as a dry run, so nothing that gives rights away was asked.
    assert_eq!(world.aws.kms.count("CreateGrant"), 0);
    let text = world.run(&["--credentials"]);
    assert!(text.stdout.contains("error[DSL-4103]"), "{}", text.stdout);
}

#[test]
fn what_is_not_needed_is_a_warning_that_names_operation_and_key() {
    let world = World::branch_keys();
    let (code, said) = world.ask(&["--credentials"]);
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
    world.aws.kms.allow(&["GenerateDataKey", "Decrypt"]);
    for (role, allowed, warnings) in [
        ("--credentials", json!(["GenerateDataKey", "Decrypt"]), 0),
        ("--credentials=reads", json!(["Decrypt"]), 1),
        ("--credentials=writes", json!(["GenerateDataKey"]), 1),
    ] {
        let (code, said) = world.ask(&[role]);
        assert_eq!((code, &said["allowed"]), (Some(0), &allowed), "{role}: {said}");
        assert_eq!(codes(&said["warnings"]).len(), warnings, "{role}: {said}");
    }
    world.aws.kms.allow(&["Decrypt"]);
    assert_eq!(world.ask(&["--credentials=reads"]).0, Some(0));
    assert_eq!(world.ask(&["--credentials=writes"]).0, Some(1));
}

#[test]
fn a_key_that_cannot_be_used_is_an_error() {
    for seen in [true, false] {
        let world = World::data_keys();
        if !seen {
            world.aws.kms.allow(&["GenerateDataKey", "Decrypt"]);
        }
        for (state, wanted) in [(KeyState::Disabled, "DSL-4106"), (KeyState::PendingDeletion, "DSL-4107")] {
            world.aws.kms.set_state(KEY, state);
            let (code, said) = world.ask(&["--credentials"]);
            assert_eq!((code, codes(&said["errors"])[0]), (Some(1), wanted), "{said}");
        }
        world.aws.kms.delete_key(KEY);
        assert_eq!(codes(&world.ask(&["--credentials"]).1["errors"])[0], "DSL-4105");
    }
    let world = World::data_keys();
    world.aws.kms.trouble(Trouble::Throttle, None, usize::MAX);
    assert_eq!(codes(&world.ask(&["--credentials"]).1["errors"]), ["DSL-4101"]);
}

#[test]
fn an_endpoint_that_knows_no_dry_runs_proves_nothing() {
    let world = World::data_keys();
    world.aws.kms.trouble(Trouble::Garbage, Some("GenerateDataKey"), usize::MAX);
    let (code, said) = world.ask(&["--credentials"]);
    assert_eq!((code, codes(&said["errors"])), (Some(1), vec!["DSL-4113"]), "{said}");
    assert_eq!(world.aws.kms.count("CreateGrant"), 0);
}
