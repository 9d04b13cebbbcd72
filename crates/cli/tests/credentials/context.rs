//! Policies with conditions on the encryption context: the questions have the context that the real calls have.

use dynaseal_keys::testing::{Allow, TableTrouble};
use serde_json::json;

use super::*;

/// What a service of one tenant may do.
fn tenant(id: &str) -> Allow {
    Allow::operations(&["Decrypt"]).bound_to("tablename", "Keys").bound_to("branch-key-id", id)
}

#[test]
fn a_tenants_policy_is_asked_with_its_branch_key() {
    let world = World::branch_keys();
    for id in ["acme", "globex"] {
        world.create(id, KEY);
    }
    world.aws.kms.allow_only([tenant("acme")]);

    // Without the branch key the question has less than a call, so a refusal is one of this question.
    let (code, said) = world.ask(&["--credentials"]);
    assert_eq!((code, codes(&said["errors"]), &said["record"]), (Some(1), vec!["DSL-4103"], &json!(null)), "{said}");
    assert_eq!((&said["context"], &said["errors"][0]["in_context"]), (&json!(["tablename"]), &json!(true)));
    assert!(said["errors"][0]["hint"].as_str().unwrap().contains("--branch-key ID"), "{said}");

    let (code, said) = world.all(&["--credentials", "--branch-key", "acme"]);
    assert_eq!((code, &said["key_stores"], &said["not_asked"]), (Some(0), &json!([]), &json!([])), "{said}");
    assert_eq!(each(&said, "allowed"), [&json!(["Decrypt"]); 2]);
    assert!(each(&said, "warnings").iter().all(|found| **found == json!([])), "{said}");
    let records = each(&said, "record");
    assert_eq!(records[0], &json!({ "branch_key_id": "acme", "type": "branch:ACTIVE" }));
    assert!(records[1]["type"].as_str().unwrap().starts_with("branch:version:"), "{said}");
    let names = ["aws-crypto-ec:tier", "branch-key-id", "create-time", "hierarchy-version", "kms-arn", "tablename"];
    assert_eq!(said["keys"][1]["context"], json!([&names[..], &["type"]].concat()));
    assert_eq!(said["keys"][0]["context"], json!([&names[..], &["type", "version"]].concat()));

    // The neighbour's is refused, and no more can be said of it: this is what a call for it has.
    let (code, said) = world.all(&["--credentials", "--branch-key", "acme", "--branch-key", "globex"]);
    assert_eq!((code, said["keys"].as_array().unwrap().len()), (Some(1), 4), "{said}");
    for (key, wanted) in said["keys"].as_array().unwrap().iter().zip([&[][..], &[], &["DSL-4103"], &["DSL-4103"]]) {
        assert_eq!(codes(&key["errors"]), wanted, "{key}");
    }
    let error = &said["keys"][2]["errors"][0];
    assert!(error["message"].as_str().unwrap().ends_with("for the encryption context asked"), "{error}");
    assert!(!error["hint"].as_str().unwrap().contains("--branch-key"), "{error}");

    // What the command line says of the context instead, nothing being read.
    let before = world.aws.table.calls().len();
    let (code, said) = world.ask(&["--credentials", "--context", "branch-key-id=acme"]);
    assert_eq!((code, &said["context"]), (Some(0), &json!(["branch-key-id", "tablename"])), "{said}");
    assert_eq!(world.aws.table.calls().len(), before);
}

#[test]
fn a_role_is_asked_with_the_records_that_it_reads() {
    let world = World::branch_keys();
    world.create("acme", KEY);
    for (r#type, role, other) in [("branch:ACTIVE", "writes", "reads"), ("branch:version:*", "reads", "writes")] {
        world.aws.kms.allow_only([tenant("acme").bound_to("type", r#type)]);
        let of = |role: &str| world.ask(&[&format!("--credentials={role}"), "--branch-key", "acme"]);
        assert_eq!(of(role).1["allowed"], json!(["Decrypt"]), "{role}");
        assert_eq!((of(role).0, of(other).0), (Some(0), Some(1)), "{role}");
    }
    world.aws.kms.allow_only([tenant("acme").bound_to("aws-crypto-ec:tier", "gold")]);
    assert_eq!(world.all(&["--credentials", "--branch-key", "acme"]).0, Some(0));
    world.aws.kms.allow_only([tenant("acme").bound_to("aws-crypto-ec:tier", "silver")]);
    assert_eq!(world.all(&["--credentials", "--branch-key", "acme"]).0, Some(1));
}

#[test]
fn the_branch_key_of_the_configuration_is_asked_about_by_itself() {
    let world = World::store(&format!("kms_key_arn = \"{KEY}\""), "branch_key_id = \"acme\"");
    world.create("acme", KEY);
    world.aws.kms.allow_only([tenant("acme")]);
    // What was made was read back.
    let before = world.aws.table.count("GetItem");
    let (code, said) = world.all(&["--credentials"]);
    assert_eq!((code, each(&said, "allowed")), (Some(0), vec![&json!(["Decrypt"]); 2]), "{said}");
    assert_eq!((world.aws.table.count("GetItem") - before, world.aws.table.count("Scan")), (2, 0));
    let text = world.run(&["--credentials"]).stdout;
    let lines = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(lines.contains("asked as for the record branch:ACTIVE of branch key \"acme\""), "{text}");
    assert!(lines.contains("needed and allowed: Decrypt"), "{text}");
    assert!(lines.contains("not needed and not allowed: CreateGrant"), "{text}");
    assert!(lines.contains("not needed and not allowed for the context asked: GenerateDataKey, Encrypt"), "{text}");
}

#[test]
fn a_branch_key_that_cannot_be_read_is_an_error_and_kms_is_asked_all_the_same() {
    let world = World::branch_keys();
    world.create("acme", KEY);
    world.aws.kms.allow_only([tenant("acme")]);
    world.aws.table.trouble(TableTrouble::Refuse("AccessDeniedException"), "GetItem", 0, usize::MAX);
    let (code, said) = world.all(&["--credentials", "--branch-key", "acme"]);
    assert_eq!((code, codes(&said["key_stores"][0]["errors"])), (Some(1), vec!["DSL-4122"]), "{said}");
    assert_eq!(said["keys"][0]["context"], json!(["branch-key-id", "tablename"]));
    assert_eq!((&said["keys"][0]["allowed"], &said["keys"][0]["record"]), (&json!(["Decrypt"]), &json!(null)));
    let text = world.run(&["--credentials", "--branch-key", "acme"]).stdout;
    assert!(text.contains("the key store Keys") && text.contains("error[DSL-4122]"), "{text}");

    world.aws.table.calm();
    let (code, said) = world.all(&["--credentials", "--branch-key", "nobody"]);
    assert_eq!((code, codes(&said["key_stores"][0]["errors"])), (Some(1), vec!["DSL-4005"]), "{said}");
}

#[test]
fn items_are_asked_with_the_context_of_their_tables() {
    let key = format!("type = \"aws-kms\"\nkey_arn = \"{KEY}\"");
    let tables = "[tables.Orders]\nkeys = \"k\"\npartition_key = \"order\"\nsort_key = \"line\"\n\
                  [tables.Users]\nkeys = \"k\"\npartition_key = \"id\"\nlogical_name = \"People\"\n";
    let world = World::with_tables(&key, tables);
    let table = |name: &str| Allow::operations(&["GenerateDataKey", "Decrypt"]).bound_to("aws-crypto-table-name", name);
    world.aws.kms.allow_only([
        table("Orders").bound_to("aws-crypto-partition-name", "order").bound_to("aws-crypto-sort-name", "line"),
        table("People").bound_to("aws-crypto-partition-name", "id"),
    ]);
    let (code, said) = world.all(&["--credentials"]);
    assert_eq!((code, each(&said, "allowed")), (Some(0), vec![&json!(["GenerateDataKey", "Decrypt"]); 2]), "{said}");
    // A right on one of the tables is none on the other.
    world.aws.kms.allow_only([table("People")]);
    let (code, said) = world.all(&["--credentials"]);
    assert_eq!((code, codes(&said["keys"][0]["errors"])), (Some(1), vec!["DSL-4103"; 2]), "{said}");
    assert_eq!(codes(&said["keys"][1]["errors"]), Vec::<&str>::new(), "{said}");
}

#[test]
fn what_a_policy_asks_of_items_besides_is_given_and_not_printed() {
    let world = World::data_keys();
    let table = Allow::operations(&["GenerateDataKey", "Decrypt"]).bound_to("aws-crypto-table-name", "Users");
    world.aws.kms.allow_only([table.bound_to("aws-crypto-attr.id", "canary-4c1f")]);
    let (code, said) = world.ask(&["--credentials"]);
    assert!(code == Some(1) && said["errors"][0]["hint"].as_str().unwrap().contains("--context NAME=VALUE"), "{said}");
    let given = ["--credentials", "--context", "aws-crypto-attr.id=canary-4c1f"];
    let (code, said) = world.ask(&given);
    assert_eq!((code, &said["errors"]), (Some(0), &json!([])), "{said}");
    let text = world.run(&given);
    assert!(text.stdout.contains("aws-crypto-attr.id") && !text.stdout.contains("canary"), "{}", text.stdout);
    assert!(!said.to_string().contains("canary") && !text.stderr.contains("canary"));
}

#[test]
fn what_no_question_comes_of_is_refused() {
    let foreign = ["--key", FOREIGN];
    for (world, useless) in [
        (World::data_keys(), &["--branch-key", "acme"][..]),
        (World::data_keys(), &["--context", "branch-key-id=acme"]),
        (World::branch_keys(), &["--context", "aws-crypto-attr.id=acme"]),
        (World::branch_keys(), &foreign),
    ] {
        let calls = world.aws.table.calls().len();
        let ran = world.run(&[&["--credentials"], useless].concat());
        assert_eq!((ran.status.code(), ran.stdout.as_str()), (Some(2), ""), "{useless:?}");
        assert!(ran.stderr.contains("DSL-8011") && ran.stderr.contains(useless[0]), "{}", ran.stderr);
        assert!(world.aws.kms.calls().is_empty() && world.aws.table.calls().len() == calls);
        let ran = world.run(useless);
        assert!(ran.status.code() == Some(2) && ran.stderr.contains("--credentials"), "{}", ran.stderr);
    }
    for wrong in [["--key", "alias/app"], ["--context", "acme"]] {
        assert_eq!(World::data_keys().run(&[&["--credentials"], &wrong[..]].concat()).status.code(), Some(2));
    }
}
