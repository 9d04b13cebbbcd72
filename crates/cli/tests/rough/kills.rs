//! Commands that are killed at any moment: a branch key is there whole or not at all, and the audit log names what may be.

use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::Duration;

use dynaseal_keys::testing::Trouble;
use dynaseal_keys::{BranchKeyState, KeyStore as _, KeyVersion, SystemClock};

use super::{STORE, World, key_store, objects};

/// Starts it, and kills it once so many calls were made.
fn killed(world: &World, args: &[&str], calls: usize) {
    let made = || world.aws.kms.calls().len() + world.aws.table.calls().len();
    let before = made();
    let mut running = world.program(&[&["keys"], args, &["--audit-log", "log"]].concat()).start();
    while made() < before + calls && running.is_running() {
        thread::sleep(Duration::from_millis(1));
    }
    if running.is_running() {
        running.kill();
    }
}

/// The versions that records name which say that something began.
fn begun(world: &World) -> BTreeSet<String> {
    let log = fs::read_to_string(world.path("log")).unwrap();
    assert_eq!(objects(&log).len(), log.lines().count(), "each line is whole: {log}");
    let begun = objects(&log).into_iter().filter(|record| record["phase"] == "started");
    begun.map(|record| record["versions"][0].as_str().unwrap().to_owned()).collect()
}

/// Every version of a branch key opens, and each was written down before it was made.
fn assert_whole(world: &World, id: &str, begun: &BTreeSet<String>) {
    let (store, io) = (key_store(), world.io(&SystemClock));
    let described = world.runtime.block_on(store.describe(id, io)).unwrap();
    assert_eq!((described.summary.state, described.has_beacon_key), (BranchKeyState::Enabled, true));
    let active = world.runtime.block_on(store.active(id, io)).unwrap();
    assert_eq!(Some(active.version()), described.summary.active);
    for version in described.history {
        let version: KeyVersion = version.version;
        world.runtime.block_on(store.version(id, version, io)).unwrap();
        assert!(begun.contains(&version.to_string()), "{version} stands in no record");
    }
}

#[test]
fn a_killed_creation_or_rotation_leaves_whole_keys() {
    let world = World::with_store();
    // Calls take a while, so that kills meet each of them.
    world.aws.kms.trouble(Trouble::Slow(Duration::from_millis(10)), None, usize::MAX);
    let first = world.keys(&["create", "acme", "--context", "a=b", "--audit-log", "log"]);
    assert_eq!(first.code(), Some(0), "{}", first.stderr);
    // A rotation makes six calls, a creation five: some come to their end.
    for number in 0..30 {
        killed(&world, &["rotate", "acme"], number % 8);
        killed(&world, &["create", &format!("t{number}"), "--context", "a=b"], number % 8);
    }
    let begun = begun(&world);
    let ids: BTreeSet<String> = world
        .aws
        .table
        .items(STORE)
        .iter()
        .map(|item| item["branch-key-id"]["S"].as_str().unwrap().to_owned())
        .collect();
    ids.iter().for_each(|id| assert_whole(&world, id, &begun));
    assert!((2..=30).contains(&ids.len()) && world.versions("acme") > 1, "{} {}", ids.len(), world.versions("acme"));
    assert!(begun.len() > ids.len() + world.versions("acme") - 1, "no kill met one at work");
}
