//! Answers that are lost: what was done is found out, and never done twice.

use dynaseal_item::Kind;
use dynaseal_keys::testing::TableTrouble;
use dynaseal_keys::{Destroyed, Erasure, StoreError, WireError};

use super::*;

const WRITE: &str = "TransactWriteItems";

#[test]
fn a_rotation_that_was_carried_out_is_recognised() {
    // The answer to the first try is lost, or to both; the same token makes the second harmless.
    for times in [1, 2] {
        let world = World::new();
        world.create("t");
        world.aws.table.trouble(TableTrouble::Lost(WireError::Broken), WRITE, 0, times);
        let rotated = run(world.store.rotate("t", world.io())).unwrap();
        assert_eq!(world.active("t").unwrap(), rotated.new.to_string());
        assert_eq!((world.items().len(), world.aws.table.count(WRITE)), (4, 3));
        let tokens: Vec<_> = world.aws.table.calls().into_iter().filter(|(name, _)| name == WRITE).collect();
        assert_eq!(tokens[1].1["ClientRequestToken"], tokens[2].1["ClientRequestToken"]);
        assert_ne!(tokens[0].1["ClientRequestToken"], tokens[1].1["ClientRequestToken"]);
    }
}

#[test]
fn a_creation_that_was_carried_out_is_recognised() {
    let world = World::new();
    world.aws.table.trouble(TableTrouble::Lost(WireError::Timeout), WRITE, 0, 2);
    let created = world.create("t");
    assert_eq!(world.active("t").unwrap(), created.version.to_string());
    assert_eq!(world.items().len(), 3);
}

#[test]
fn a_call_that_did_not_arrive_is_sent_again() {
    let world = World::new();
    world.create("t");
    world.aws.table.trouble(TableTrouble::Down(WireError::Broken), WRITE, 0, 1);
    let rotated = run(world.store.rotate("t", world.io())).unwrap();
    assert_eq!(world.active("t").unwrap(), rotated.new.to_string());
}

#[test]
fn an_outage_is_told_and_leaves_things_as_they_were() {
    let world = World::new();
    let created = world.create("t");
    let before = world.items();
    for trouble in [TableTrouble::Down(WireError::Unreachable), TableTrouble::Refuse("InternalServerError")] {
        world.aws.table.trouble(trouble, WRITE, 0, usize::MAX);
        let error = run(world.store.rotate("t", world.io())).unwrap_err();
        assert_eq!(error.kind(), Kind::Outage, "{error}");
        assert!(["DSL-4125", "DSL-4127"].contains(&error.code()));
        assert_eq!(run(world.store.create(tenant("u"), world.io())).unwrap_err().code(), error.code());
        world.aws.table.calm();
        assert_eq!((world.active("t").unwrap(), world.items()), (created.version.to_string(), before.clone()));
    }
    run(world.store.rotate("t", world.io())).unwrap();
    world.create("u");
}

#[test]
fn a_success_that_was_none_is_an_error() {
    let world = World::new();
    world.create("t");
    let before = world.items();
    for trouble in [TableTrouble::Feigned, TableTrouble::Garbage] {
        world.aws.table.trouble(trouble, WRITE, 0, usize::MAX);
        assert_eq!(run(world.store.create(tenant("u"), world.io())).unwrap_err().code(), "DSL-4128");
        assert_eq!(run(world.store.rotate("t", world.io())).unwrap_err().code(), "DSL-4128");
        for result in [run(world.store.disable("t", world.io())), run(world.store.enable("t", world.io()))] {
            assert!(result.is_err() || result.is_ok_and(|switched| switched.moved == 0));
        }
        let mut destroyed = Destroyed::nothing_of("t");
        run(world.store.destroy_into(&mut destroyed, Erasure::ForGood, world.io())).unwrap_err();
        assert_eq!(destroyed, Destroyed::nothing_of("t"));
        world.aws.table.calm();
        assert_eq!(world.items(), before);
    }
    // It was written, and nobody can say so.
    world.aws.table.trouble(TableTrouble::Refuse("AccessDeniedException"), "GetItem", 1, 1);
    let error = run(world.store.rotate("t", world.io())).unwrap_err();
    assert_eq!((error.code(), error.kind(), world.items().len()), ("DSL-4141", Kind::Outage, 4));
    assert!(error.to_string().contains(&world.active("t").unwrap()), "{error}");
}

#[test]
fn what_was_destroyed_is_known_where_an_answer_is_lost() {
    for (trouble, gone) in [(TableTrouble::Lost(WireError::Broken), 3), (TableTrouble::Down(WireError::Broken), 1)] {
        let world = World::new();
        let version = world.create("t").version;
        world.aws.table.trouble(trouble, WRITE, 1, 1);
        let mut destroyed = Destroyed::nothing_of("t");
        run(world.store.destroy_into(&mut destroyed, Erasure::ForGood, world.io())).unwrap_err();
        assert_eq!((destroyed.records.len(), world.items().len()), (gone, 3 - gone));
        let versions: Vec<_> = destroyed.version_ids().collect();
        assert_eq!(versions, if gone == 3 { vec![version] } else { Vec::new() });
    }
}

#[test]
fn a_conflict_of_transactions_can_be_tried_again() {
    let world = World::new();
    world.create("t");
    world.aws.table.trouble(TableTrouble::Refuse("TransactionConflictException"), WRITE, 0, 2);
    let raced = |to_be| Error::from(StoreError::Raced { id: "t".into(), to_be });
    assert_eq!(run(world.store.rotate("t", world.io())), Err(raced("rotated")));
    assert_eq!(run(world.store.create(tenant("t"), world.io())), Err(raced("created")));
    run(world.store.rotate("t", world.io())).unwrap();
}

#[test]
fn a_rotation_that_another_has_replaced_already_was_carried_out_all_the_same() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use dynaseal_keys::{Answer, BoxFuture, Call};

    /// Loses the answer to the first write, and rotates once more before the second try of it.
    struct Overtaken<'a>(&'a World, AtomicUsize);
    impl Wire for Overtaken<'_> {
        fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
            if call.operation == WRITE {
                match self.1.fetch_add(1, Ordering::SeqCst) {
                    0 => {
                        run(self.0.aws.send(call)).unwrap();
                        return Box::pin(std::future::ready(Err(WireError::Broken)));
                    }
                    _ => drop(run(self.0.store.rotate("t", self.0.io())).unwrap()),
                }
                // An engine that does not know tokens.
                self.0.aws.table.trouble(TableTrouble::Refuse("ConditionalCheckFailedException"), WRITE, 0, 1);
            }
            self.0.aws.send(call)
        }
    }
    let world = World::new();
    world.create("t");
    let overtaken = Overtaken(&world, AtomicUsize::new(0));
    let rotated = run(world.store.rotate("t", world.io_over(&overtaken))).unwrap();
    assert_ne!(world.active("t").unwrap(), rotated.new.to_string());
    run(world.store.version("t", rotated.new, world.io())).unwrap();
    assert_eq!(world.types("t").len(), 5);
}

#[test]
fn a_write_that_may_be_at_work_still_is_not_called_undone() {
    let world = World::new();
    world.create("t");
    world.aws.table.trouble(TableTrouble::Down(WireError::Timeout), WRITE, 0, 1);
    world.aws.table.trouble(TableTrouble::Refuse("TransactionInProgressException"), WRITE, 0, 1);
    assert_eq!(run(world.store.rotate("t", world.io())).unwrap_err().code(), "DSL-4127");
}
