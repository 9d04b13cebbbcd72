//! The audit log where the disk is full, or what was named is no log.

use std::fs;
use std::process::Command;

use dynaseal_testkit::{Ended, FullDisk};
use serde_json::Value;

use super::{LIMIT, World, objects};

const LOG: [&str; 2] = ["--audit-log", "log"];

fn logged(world: &World) -> Vec<Value> {
    objects(&fs::read_to_string(world.path("log")).unwrap())
}

/// A log with a record of this length, line end included.
fn log_of(world: &World, length: usize) {
    let record = |store: &str| {
        format!(
            "{{\"time\":\"t\",\"action\":\"rotate\",\"phase\":\"finished\",\"key_store\":\"{store}\",\"dynaseal\":\"0\"}}\n"
        )
    };
    fs::write(world.path("log"), record(&"x".repeat(length - record("").len()))).unwrap();
}

/// Runs with files bounded to 2,048 bytes, of which `room` are left in the log.
fn bounded(world: &World, room: usize, args: &[&str]) -> Ended {
    log_of(world, 2048 - room);
    world.program(&[&["keys"], args, &LOG].concat()).bound("-f 4").ignoring("XFSZ").run(LIMIT)
}

#[test]
fn each_action_is_between_two_records_with_its_id_and_version() {
    let world = World::with_store();
    let created = world.keys(&[&["create", "--json"], &LOG[..]].concat());
    let id = objects(&created.stdout)[0]["id"].as_str().unwrap().to_owned();
    for args in [
        &["rotate", id.as_str(), "--json"][..],
        &["disable", &id, "--confirm", &id],
        &["enable", &id],
        &["create-store"],
        &["destroy", &id, "--confirm", &id],
    ] {
        assert_eq!(world.keys(&[args, &LOG].concat()).code(), Some(0), "{args:?}");
    }
    let log = logged(&world);
    let actions = ["create", "rotate", "disable", "enable", "create-store", "destroy"];
    assert_eq!(log.len(), 2 * actions.len());
    for (pair, action) in log.chunks(2).zip(actions) {
        assert_eq!((&pair[0]["phase"], &pair[1]["phase"]), (&"started".into(), &"finished".into()));
        assert!(pair.iter().all(|record| record["action"] == action));
        assert_eq!(pair[0]["versions"], pair[1]["versions"], "known before it is done");
        let expected = if action == "create-store" { Value::Null } else { id.as_str().into() };
        assert!(pair.iter().all(|record| record["branch_key_id"] == expected), "{pair:?}");
    }
    let count = |at: usize| log[2 * at]["versions"].as_array().unwrap().len();
    assert_eq!([count(0), count(1), count(2), count(5)], [1, 1, 0, 2]);
}

#[test]
fn nothing_is_done_without_room_for_its_beginning() {
    let world = World::with_store();
    world.create_at("acme", 2020);
    for args in [
        &["create"][..],
        &["rotate", "acme"],
        &["rotate", "--older-than", "1d"],
        &["destroy", "acme", "--confirm", "acme"],
    ] {
        let before = world.aws.table.items(super::STORE);
        let ran = bounded(&world, 20, args);
        assert!(ran.code() == Some(2) && ran.stderr.contains("DSL-8009"), "{args:?}: {}", ran.stderr);
        assert_eq!((ran.stdout.as_str(), &world.aws.table.items(super::STORE)), ("", &before), "{args:?}");
    }
}

#[test]
fn what_was_done_is_said_where_its_end_has_no_room() {
    let world = World::with_store();
    world.create_at("acme", 2020);
    for (args, said) in [
        (&["create"][..], "Created branch key "),
        (&["rotate", "acme"], "Rotated acme: version "),
        (&["destroy", "acme", "--confirm", "acme"], "Destroyed acme: 2 versions"),
    ] {
        // As long as the beginning is, which is the same each time, and some bytes more.
        let probe = world.keys(&[&["rotate", "acme"], &LOG[..]].concat());
        if probe.code() == Some(0) {
            let _ = fs::remove_file(world.path("log"));
        }
        let ran = (150..500).step_by(12).map(|room| bounded(&world, room, args)).find(|ran| !ran.stdout.is_empty());
        let ran = ran.expect("the beginning has room, and the end has not");
        assert!(ran.code() == Some(2) && ran.stderr.contains("DSL-8009"), "{args:?}: {} {}", ran.stdout, ran.stderr);
        assert!(ran.stdout.starts_with(said) || args[0] == "destroy", "{}", ran.stdout);
        if args[0] == "create" {
            let id = ran.stdout.split(' ').nth(3).unwrap().trim_end_matches(',');
            assert_eq!(world.versions(id), 1, "{}", ran.stdout);
        }
        // What is cut off keeps its line, and the next records have theirs.
        let cut = fs::read_to_string(world.path("log")).unwrap();
        assert!(!cut.ends_with('\n'), "{cut}");
        let next = world.keys(&[&["create"], &LOG[..]].concat());
        assert_eq!(next.code(), Some(0), "{}", next.stderr);
        let whole = fs::read_to_string(world.path("log")).unwrap();
        assert!(whole.starts_with(&format!("{cut}\n{{\"time\"")), "{whole}");
        assert_eq!((objects(&whole).len(), whole.lines().count()), (4, 5), "{whole}");
    }
}

#[test]
fn a_full_disk_stops_it_before_anything_is_done() {
    let Some(disk) = FullDisk::mount(64 << 10) else { return };
    let world = World::with_store();
    world.create_at("acme", 2020);
    let log = disk.path().join("log").display().to_string();
    assert_eq!(world.keys(&["rotate", "acme", "--audit-log", &log]).code(), Some(0));
    disk.fill();
    // What is left of the last page still takes some records.
    let mut ran = world.keys(&["rotate", "acme", "--audit-log", &log]);
    for _ in 0..40 {
        if ran.code() != Some(0) {
            break;
        }
        ran = world.keys(&["rotate", "acme", "--audit-log", &log]);
    }
    assert!(ran.code() == Some(2) && ran.stderr.contains("DSL-8009"), "{}", ran.stderr);
    disk.empty();
    assert_eq!(world.keys(&["rotate", "acme", "--audit-log", &log]).code(), Some(0));
    let text = fs::read_to_string(&log).unwrap();
    let finished = objects(&text).iter().filter(|record| record["phase"] == "finished").count();
    let told = usize::from(ran.stdout.starts_with("Rotated"));
    assert_eq!(world.versions("acme"), 1 + finished + told, "{text}");
}

#[test]
fn only_a_log_is_appended_to() {
    let world = World::with_store();
    world.create_at("acme", 2020);
    let config = fs::read_to_string(world.path("dynaseal.toml")).unwrap();
    fs::write(world.path("notes"), "some notes").unwrap();
    fs::write(world.path("items"), "{\"id\":{\"S\":\"1\"}}\n").unwrap();
    fs::write(world.path("empty"), "").unwrap();
    assert!(Command::new("mkfifo").arg(world.path("pipe")).status().unwrap().success());
    std::os::unix::fs::symlink("empty", world.path("link")).unwrap();
    for name in
        ["dynaseal.toml", "notes", "items", "pipe", "link", ".", "/dev/null", "/dev/stdout", "/proc/self/status"]
    {
        for args in [&["rotate", "acme"][..], &["destroy", "acme", "--confirm", "acme"], &["create"], &["create-store"]]
        {
            let ran = world.keys(&[args, &["--audit-log", name]].concat());
            assert_eq!((ran.code(), ran.stdout.as_str()), (Some(2), ""), "{name} {args:?}: {}", ran.stderr);
            assert!(ran.stderr.contains("DSL-8016"), "{name}: {}", ran.stderr);
        }
    }
    assert_eq!(world.versions("acme"), 1);
    assert_eq!(fs::read_to_string(world.path("dynaseal.toml")).unwrap(), config);
    assert_eq!(world.keys(&["rotate", "acme", "--audit-log", "empty"]).code(), Some(0));
    assert_eq!(world.keys(&["rotate", "acme", "--audit-log", "no/such/folder"]).code(), Some(2));
}
