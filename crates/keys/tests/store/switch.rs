//! Disabling and enabling: nobody can use a disabled branch key, and it comes back as it was.

use dynaseal_keys::testing::TableTrouble;
use dynaseal_keys::{BranchKeyState, StoreError, WireError};
use serde_json::{Value, json};

use super::*;

const WRITE: &str = "TransactWriteItems";

fn state(world: &World, id: &str) -> BranchKeyState {
    let described = run(world.store.describe(id, world.io())).unwrap().summary;
    let listed = run(world.store.list(world.io())).unwrap();
    assert_eq!(listed.iter().find(|key| key.id == id), Some(&described), "list and description agree");
    described.state
}

#[test]
fn a_disabled_branch_key_comes_back_byte_for_byte() {
    let world = World::new();
    world.create("neighbour");
    let old = world.create("t").version;
    let new = run(world.store.rotate("t", world.io())).unwrap().new;
    world.aws.table.edit(TABLE, |items| {
        // An attribute that no record may have, to show that records are moved and not written anew.
        items.last_mut().unwrap()["odd"] = json!({ "L": [{ "NS": ["2", "1"] }, { "M": { "x": { "NULL": true } } }] });
    });
    let before = world.items();
    assert_eq!(run(world.store.disable("t", world.io())).unwrap().moved, 4);
    assert_eq!(state(&world, "t"), BranchKeyState::Disabled);
    assert_eq!(state(&world, "neighbour"), BranchKeyState::Enabled);

    let disabled = |error: Error| {
        assert_eq!(error, StoreError::Disabled { id: "t".into() }.into());
        assert_eq!(error.code(), "DSL-4137");
    };
    disabled(world.active("t").unwrap_err());
    disabled(run(world.store.version("t", old, world.io())).unwrap_err());
    disabled(run(world.store.version("t", new, world.io())).unwrap_err());
    disabled(run(world.store.rotate("t", world.io())).unwrap_err());
    disabled(run(world.store.create(tenant("t"), world.io())).unwrap_err());
    // What DB-ESDK asks for is not there.
    assert!(world.types("t").iter().all(|r#type| r#type.starts_with("dynaseal:disabled:")));

    assert_eq!(run(world.store.disable("t", world.io())).unwrap().moved, 0);
    assert_eq!(run(world.store.enable("t", world.io())).unwrap().moved, 4);
    assert_eq!(world.items(), before);
    assert_eq!(state(&world, "t"), BranchKeyState::Enabled);
    assert_eq!(world.active("t").unwrap(), new.to_string());
    assert_eq!(run(world.store.enable("t", world.io())).unwrap().moved, 0);
    for result in [run(world.store.disable("x", world.io())), run(world.store.enable("x", world.io()))] {
        assert_eq!(result, Err(Error::NoBranchKey { id: "x".into() }));
    }
}

#[test]
fn an_interrupted_change_can_be_run_again_or_taken_back() {
    for after in 0..3 {
        for trouble in [TableTrouble::Down(WireError::Broken), TableTrouble::Lost(WireError::Broken)] {
            let world = World::new();
            world.create("t");
            for _ in 0..60 {
                run(world.store.rotate("t", world.io())).unwrap();
            }
            let before = world.items();
            let in_use = |items: &[Value]| items.iter().any(|item| item["type"]["S"] == active_type());
            world.aws.table.trouble(trouble, WRITE, after, 1);
            assert_eq!(run(world.store.disable("t", world.io())).unwrap_err().code(), "DSL-4127");
            assert_eq!(world.items().len(), before.len(), "no record is lost");
            if after > 0 {
                assert!(!in_use(&world.items()), "what seals goes first");
            }
            run(world.store.disable("t", world.io())).unwrap();
            assert_eq!(state(&world, "t"), BranchKeyState::Disabled);

            world.aws.table.trouble(trouble, WRITE, after, 1);
            assert_eq!(run(world.store.enable("t", world.io())).unwrap_err().code(), "DSL-4127");
            if after < 2 {
                assert!(!in_use(&world.items()), "what seals comes back last");
                let unfinished = after > 0 || trouble == TableTrouble::Lost(WireError::Broken);
                assert_eq!(state(&world, "t") == BranchKeyState::Unfinished, unfinished);
            }
            run(world.store.enable("t", world.io())).unwrap();
            assert_eq!(world.items(), before);
        }
    }
}

#[test]
fn another_branch_key_made_meanwhile_is_not_overwritten() {
    let world = World::new();
    world.create("t");
    let aside = world.items();
    run(world.store.disable("t", world.io())).unwrap();
    // DB-ESDK finds the id free.
    world.aws.table.edit(TABLE, |items| items.extend(aside.clone()));
    for result in [run(world.store.enable("t", world.io())), run(world.store.disable("t", world.io()))] {
        assert_eq!(result.unwrap_err().code(), "DSL-4140");
    }
    assert_eq!(world.items().len(), 6);
    assert_eq!(state(&world, "t"), BranchKeyState::Unfinished);
}
