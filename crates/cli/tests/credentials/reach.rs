//! Keys that must be out of reach.

use dynaseal_keys::testing::{Allow, KeyState};
use serde_json::json;

use super::*;

#[test]
fn a_right_on_every_key_shows_on_another_key() {
    let world = World::branch_keys();
    let keys = Allow::operations(&["Decrypt"]).bound_to("tablename", "Keys");
    world.aws.kms.allow_only([keys.clone()]);
    let args = ["--credentials", "--other-key", OTHER];
    let (code, said) = world.all(&args);
    assert_eq!((code, codes(&said["keys"][1]["errors"])), (Some(1), vec!["DSL-8202"]), "{said}");
    assert_eq!((&said["keys"][1]["name"], &said["keys"][1]["key"]), (&json!(null), &json!(OTHER)));
    assert_eq!((codes(&said["keys"][0]["errors"]).len(), &said["keys"][0]["name"]), (0, &json!("k")));
    let text = world.run(&args).stdout;
    assert!(text.contains("should be out of reach") && text.contains("error[DSL-8202]: Decrypt"), "{text}");

    world.aws.kms.allow_only([keys.on(&[KEY])]);
    let (code, said) = world.all(&args);
    assert_eq!((code, &said["keys"][1]["errors"]), (Some(0), &json!([])), "{said}");
    assert_eq!(said["keys"][1]["refused_in_context"].as_array().unwrap().len(), 5, "{said}");
}

#[test]
fn it_is_asked_with_every_context_and_told_where_it_cannot_be_used() {
    let world = World::branch_keys();
    for id in ["acme", "globex"] {
        world.create(id, KEY);
    }
    let own = Allow::operations(&["Decrypt"]).on(&[KEY]);
    world.aws.kms.allow_only([own, Allow::operations(&["Decrypt"]).bound_to("branch-key-id", "globex")]);
    let args = ["--credentials=reads", "--branch-key", "acme", "--branch-key", "globex", "--other-key", OTHER];
    let (code, said) = world.all(&args);
    assert_eq!((code, said["keys"].as_array().unwrap().len()), (Some(1), 4), "{said}");
    assert_eq!(codes(&said["keys"][2]["errors"]), Vec::<&str>::new(), "{said}");
    assert_eq!(
        (codes(&said["keys"][3]["errors"]), &said["keys"][3]["record"]["branch_key_id"]),
        (vec!["DSL-8202"], &json!("globex"))
    );

    // Disabled or gone it cannot be used, which proves nothing of permissions, and so it does not pass.
    world.aws.kms.allow(&["Decrypt", "DescribeKey"]);
    world.aws.kms.set_state(OTHER, KeyState::Disabled);
    let (code, said) = world.all(&args);
    assert_eq!((code, codes(&said["keys"][2]["errors"])), (Some(1), vec!["DSL-4106"]), "{said}");
    world.aws.kms.delete_key(OTHER);
    let (code, said) = world.all(&args);
    assert_eq!((code, codes(&said["keys"][2]["errors"])), (Some(1), vec!["DSL-4105"]), "{said}");
}
