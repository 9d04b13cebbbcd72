//! Rotations of many keys: two at once, clocks that are wrong, and a signal in between; and what is destroyed meanwhile.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use dynaseal_keys::SystemClock;
use dynaseal_keys::testing::Trouble;
use dynaseal_testkit::Wrong;

use super::{LIMIT, World, key_store, objects};

#[test]
fn two_schedulers_rotate_each_key_once() {
    let world = World::with_store();
    let ids: Vec<_> = (0..6).map(|number| format!("t{number}")).collect();
    ids.iter().for_each(|id| world.create_at(id, 2020));
    // Each call of KMS takes so long that both have their list before any key is rotated.
    world.aws.kms.trouble(Trouble::Slow(Duration::from_millis(100)), None, usize::MAX);
    let start = || world.program(&["keys", "rotate", "--older-than", "90d", "--json"]).start();
    let both = [start(), start(), start()].map(|running| running.end(LIMIT));
    let said: Vec<_> = both.iter().flat_map(|ran| objects(&ran.stdout)).collect();
    for id in &ids {
        assert_eq!(world.versions(id), 2, "{said:?}");
        let rotated = said.iter().filter(|one| one["action"] == "rotate" && one["id"] == **id);
        assert_eq!(rotated.count(), 1);
    }
    assert!(said.iter().any(|one| one["action"] == "changed-meanwhile"), "they did not meet: {said:?}");
    for ran in &both {
        assert_eq!((ran.code(), ran.stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn a_version_from_the_future_is_told_and_is_due() {
    let world = World::with_store();
    world.create_at("new", 9999);
    world.create_at("old", 2020);
    for command in ["list", "describe"] {
        let args = if command == "list" { vec![command] } else { vec![command, "new"] };
        let ran = world.keys(&args);
        assert!(ran.stdout.contains("in the FUTURE"), "{}", ran.stdout);
    }
    let dry = world.keys(&["rotate", "--older-than", "1d", "--dry-run"]);
    assert!(dry.stdout.contains("Would rotate new") && dry.stderr.contains("It counts as due."), "{}", dry.stderr);
    let ran = world.keys(&["rotate", "--older-than", "1d"]);
    assert_eq!((ran.code(), ran.stdout.lines().count()), (Some(0), 2), "{}", ran.stdout);
    assert!(ran.stderr.contains("The active version of new is dated 9999-"), "{}", ran.stderr);
    let again = world.keys(&["rotate", "--older-than", "1d"]);
    assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("No branch key is due.\n", ""));
}

#[test]
fn a_signal_lets_the_key_at_work_come_to_its_end() {
    for signal in ["TERM", "INT", "HUP"] {
        let world = World::with_store();
        (0..20).for_each(|number| world.create_at(&format!("t{number:02}"), 2020));
        world.aws.kms.trouble(Trouble::Slow(Duration::from_millis(100)), None, usize::MAX);
        let args = ["keys", "rotate", "--older-than", "1d", "--json", "--audit-log", "log"];
        let mut running = world.program(&args).start();
        // It is said as it happens, not at the end.
        running.wait_for(1, LIMIT, |said| said.contains("\"t00\"").then_some(()));
        running.signal(signal);
        let ran = running.end(LIMIT);
        let (said, told) = (objects(&ran.stdout), objects(&ran.stderr));
        assert_eq!((ran.code(), &told[0]["action"]), (Some(3), &"stopped".into()), "{}", ran.stderr);
        assert!((1..20).contains(&said.len()));
        assert_eq!(told[0]["left"], 20 - said.len());
        let rotated = (0..20).filter(|number| world.versions(&format!("t{number:02}")) == 2).count();
        assert_eq!(rotated, said.len(), "{}", ran.stdout);
        let log = objects(&fs::read_to_string(world.path("log")).unwrap());
        let phases: Vec<_> = log.iter().map(|line| line["phase"].as_str().unwrap()).collect();
        assert!(phases.chunks(2).all(|pair| pair == ["started", "finished"]) && phases.len() == 2 * said.len());
    }
}

#[test]
fn failures_are_on_stderr_and_an_outage_ends_it() {
    let world = World::with_store();
    (0..4).for_each(|number| world.create_at(&format!("t{number}"), 2020));
    world.aws.kms.trouble(Trouble::AccessDenied, None, 1);
    let ran = world.keys(&["rotate", "--older-than", "1d"]);
    assert_eq!((ran.code(), ran.stdout.lines().count()), (Some(1), 3), "{} {}", ran.stdout, ran.stderr);
    assert!(ran.stderr.starts_with("NOT rotated: t0: [DSL-4103]") && !ran.stdout.contains("NOT"), "{}", ran.stderr);
    world.stand_in.order(Some("ReEncrypt"), Wrong::Closes, usize::MAX);
    let ran = world.keys(&["rotate", "--older-than", "0m", "--json"]);
    assert_eq!((ran.code(), ran.stdout.as_str()), (Some(3), ""), "{}", ran.stderr);
    let told = objects(&ran.stderr);
    assert_eq!((&told[0]["id"], &told[1]["action"], &told[1]["left"]), (&"t0".into(), &"stopped".into(), &3.into()));
    let ran = world.keys(&["rotate", "t0"]);
    assert!(ran.code() == Some(3) && ran.stderr.contains("DSL-4112"), "{}", ran.stderr);
}

/// Both sides count the same, whoever rotates meanwhile.
#[test]
fn what_is_said_to_be_destroyed_is_what_the_audit_log_has() {
    let world = World::with_store();
    for round in 0..5 {
        let id = format!("t{round}");
        world.create_at(&id, 2020);
        let (ended, clock) = (AtomicBool::new(false), SystemClock);
        let ran = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Ordering::SeqCst) {
                    let _ = world.runtime.block_on(key_store().rotate(&id, world.io(&clock)));
                    std::thread::sleep(Duration::from_millis(5));
                }
            });
            let ran = world.keys(&["destroy", &id, "--confirm", &id, "--audit-log", "log", "--json"]);
            ended.store(true, Ordering::SeqCst);
            ran
        });
        assert_eq!((ran.code(), world.versions(&id)), (Some(0), 0), "{}", ran.stderr);
        let said = objects(&ran.stdout).remove(0);
        let log = objects(&fs::read_to_string(world.path("log")).unwrap());
        let last = log.last().unwrap();
        assert_eq!((&last["phase"], &last["branch_key_id"]), (&"finished".into(), &id.as_str().into()));
        let logged: Vec<_> = last["versions"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        let records =
            said["records"].as_array().unwrap().iter().filter_map(|one| one.as_str()?.strip_prefix("branch:version:"));
        assert_eq!((records.collect::<Vec<_>>(), said["versions"].clone()), (logged.clone(), logged.len().into()));
    }
}

#[test]
fn what_was_destroyed_before_a_failure_is_said() {
    let world = World::with_store();
    world.create_at("acme", 2020);
    // The active record goes first and alone, the rest then meets an outage.
    world.aws.table.trouble(
        dynaseal_keys::testing::TableTrouble::Refuse("InternalServerError"),
        "TransactWriteItems",
        1,
        usize::MAX,
    );
    let args = ["destroy", "acme", "--confirm", "acme", "--audit-log", "log"];
    let ran = world.keys(&args);
    assert_eq!(ran.code(), Some(3), "{}", ran.stderr);
    assert!(ran.stdout.starts_with("Destroyed a PART of acme: 0 versions in 1 records."), "{}", ran.stdout);
    let log = objects(&fs::read_to_string(world.path("log")).unwrap());
    assert_eq!((&log[1]["phase"], log[0]["versions"].as_array().unwrap().len()), (&"failed".into(), 1));
    world.aws.table.calm();
    let ran = world.keys(&args);
    assert!(ran.code() == Some(0) && ran.stdout.contains("1 version in 2 records"), "{}", ran.stdout);
}
