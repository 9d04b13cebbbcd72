//! Erasure: nothing stays, nothing else is touched, and an interrupted one is finished by running it again.

use dynaseal_keys::testing::TableTrouble;
use dynaseal_keys::{Erasure, KeyVersion, StoreError, WireError};
use serde_json::json;

use super::*;

const WRITE: &str = "TransactWriteItems";

/// A branch key with so many versions, and a neighbour.
fn with_versions(count: usize) -> (World, Vec<KeyVersion>) {
    let world = World::new();
    world.create("neighbour");
    let mut versions = vec![world.create("t").version];
    for _ in 1..count {
        versions.push(run(world.store.rotate("t", world.io())).unwrap().new);
    }
    (world, versions)
}

#[test]
fn a_destroyed_branch_key_is_gone_everywhere() {
    let (world, versions) = with_versions(3);
    let neighbour: Vec<_> =
        world.items().into_iter().filter(|item| item["branch-key-id"]["S"] == "neighbour").collect();
    let dry = run(world.store.destroy("t", Erasure::DryRun, world.io())).unwrap();
    assert_eq!(world.types("t").len(), 5, "a dry run changes nothing");
    let destroyed = run(world.store.destroy("t", Erasure::ForGood, world.io())).unwrap();
    assert_eq!(dry, destroyed);
    assert_eq!((destroyed.versions, destroyed.records.len()), (3, 5));
    assert_eq!(destroyed.records.first().map(String::as_str), Some("branch:ACTIVE"));
    assert_eq!(destroyed.records.last().map(String::as_str), Some("beacon:ACTIVE"));
    assert_eq!(world.items(), neighbour);
    assert_eq!(world.active("t"), Err(Error::NoBranchKey { id: "t".into() }));
    for version in versions {
        let error = run(world.store.version("t", version, world.io())).unwrap_err();
        assert_eq!(error, Error::NoVersion { id: "t".into(), version: version.to_string() });
    }
    world.active("neighbour").unwrap();
    for erasure in [Erasure::DryRun, Erasure::ForGood] {
        let again = run(world.store.destroy("t", erasure, world.io()));
        assert_eq!(again, Err(Error::NoBranchKey { id: "t".into() }));
    }
}

#[test]
fn many_versions_go_in_batches() {
    let (world, versions) = with_versions(230);
    let before = world.aws.table.count(WRITE);
    let destroyed = run(world.store.destroy("t", Erasure::ForGood, world.io())).unwrap();
    assert_eq!((destroyed.versions, destroyed.records.len()), (versions.len(), versions.len() + 2));
    assert_eq!(world.aws.table.count(WRITE) - before, 1 + 3);
    assert!(world.types("t").is_empty() && world.types("neighbour").len() == 3);
}

#[test]
fn an_interrupted_erasure_never_seals_and_is_finished_later() {
    // One call for the active record, two for 130 versions and the beacon: interrupted at each, in each way.
    for after in 0..3 {
        for trouble in [TableTrouble::Down(WireError::Broken), TableTrouble::Lost(WireError::Broken)] {
            let (world, _) = with_versions(130);
            world.aws.table.trouble(trouble, WRITE, after, 1);
            let interrupted = run(world.store.destroy("t", Erasure::ForGood, world.io()));
            assert_eq!(interrupted.unwrap_err().code(), "DSL-4127");
            let left = world.types("t");
            let gone = [0, 1, 101][after]
                + if trouble == TableTrouble::Down(WireError::Broken) { 0 } else { [1, 100, 31][after] };
            assert_eq!(left.len(), 132 - gone, "after {after}");
            if after > 0 {
                // What is left seals nothing and takes no new version.
                assert!(!left.iter().any(|r#type| r#type == active_type()));
                assert_eq!(world.active("t"), Err(Error::NoBranchKey { id: "t".into() }));
                assert_eq!(run(world.store.rotate("t", world.io())), Err(Error::NoBranchKey { id: "t".into() }));
            }
            if !left.is_empty() {
                let finished = run(world.store.destroy("t", Erasure::ForGood, world.io())).unwrap();
                assert_eq!(finished.records.len(), left.len());
            }
            assert!(world.types("t").is_empty() && world.types("neighbour").len() == 3);
        }
    }
}

#[test]
fn a_rotation_in_between_is_erased_too() {
    use dynaseal_keys::{Answer, BoxFuture, Call};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Rotates once, just before the active record would go.
    struct Rotate<'a>(&'a World, AtomicBool);
    impl Wire for Rotate<'_> {
        fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
            if call.operation == WRITE && !self.1.swap(true, Ordering::SeqCst) {
                run(self.0.store.rotate("t", self.0.io())).unwrap();
            }
            self.0.aws.send(call)
        }
    }
    let (world, _) = with_versions(2);
    let rotate = Rotate(&world, AtomicBool::new(false));
    let destroyed = run(world.store.destroy("t", Erasure::ForGood, world.io_over(&rotate))).unwrap();
    assert_eq!(destroyed.versions, 3);
    assert!(world.types("t").is_empty());
}

#[test]
fn a_disabled_branch_key_can_be_destroyed() {
    let (world, _) = with_versions(2);
    run(world.store.disable("t", world.io())).unwrap();
    let destroyed = run(world.store.destroy("t", Erasure::ForGood, world.io())).unwrap();
    assert_eq!(destroyed.versions, 2);
    assert_eq!(destroyed.records[0], "dynaseal:disabled:branch:ACTIVE");
    assert!(world.types("t").is_empty());
}

#[test]
fn records_that_are_damaged_are_destroyed_too() {
    let (world, versions) = with_versions(2);
    world.set("t", active_type(), "enc", None);
    world.set("t", &format!("branch:version:{}", versions[0]), "hierarchy-version", Some(json!({ "N": "2" })));
    run(world.store.destroy("t", Erasure::ForGood, world.io())).unwrap();
    assert!(world.types("t").is_empty());
}

#[test]
fn a_branch_key_that_keeps_changing_is_given_up() {
    let (world, _) = with_versions(1);
    world.aws.table.trouble(TableTrouble::Refuse("TransactionConflictException"), WRITE, 0, usize::MAX);
    let error = run(world.store.destroy("t", Erasure::ForGood, world.io())).unwrap_err();
    assert_eq!(error, StoreError::Restless { id: "t".into(), to_be: "destroyed" }.into());
}
