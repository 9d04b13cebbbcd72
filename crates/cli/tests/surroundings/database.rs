//! What `database` names is a database of ours, or becomes one; all else stays as it is.

use std::fs;
use std::path::Path;
use std::process::Command;

use dynaseal_testkit::{Ended, FullDisk, Program, call};

use crate::{CREATE, EMBEDDED, LIMIT, gateway, reached};

fn over(folder: &Path, database: &Path) -> (Program, String) {
    gateway(folder, &format!("{EMBEDDED}\ndatabase = \"{}\"", database.display()))
}

#[track_caller]
fn refused(database: &Path, words: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let before = fs::read(database).ok();
    let ended = over(folder.path(), database).0.run(LIMIT);
    assert_eq!(ended.code(), Some(2), "{}", ended.stderr);
    let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in words {
        assert!(said.contains(word), "{word} is not in: {said}");
    }
    assert!(said.contains("error[DSL-7007]") && said.contains("help:"), "{said}");
    for jargon in ["feature", "new_encrypted", "dynoxide", "Error code"] {
        assert!(!said.contains(jargon), "{jargon} is in: {said}");
    }
    assert_eq!(fs::read(database).ok(), before, "it was touched");
    ended
}

/// A database that another program made, without its language's library: Python's has SQLite.
fn made_by_python(file: &Path, script: &str) -> bool {
    let script = format!(
        "import sqlite3, sys\ndb = sqlite3.connect(sys.argv[1])\ndb.executescript({script:?})\ndb.commit()\ndb.close()"
    );
    Command::new("python3").args(["-c", &script]).arg(file).status().is_ok_and(|status| status.success())
}

#[test]
fn a_database_of_another_program_is_refused_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for (name, script) in [
        ("notes", "create table notes(text); insert into notes values('mine');"),
        ("wal", "pragma journal_mode=wal; create table notes(text); insert into notes values('mine');"),
        ("id", "pragma application_id = 252006675; create table _tables(x);"),
        ("alike", "create table _tables(name); create table _config(key, value);"),
        ("view", "create view v as select 1;"),
    ] {
        let file = folder.path().join(name);
        if !made_by_python(&file, script) {
            eprintln!("skipped: there is no Python with SQLite");
            return;
        }
        refused(&file, &["another program's database", "name another file"]);
    }
}

#[test]
fn what_is_no_database_is_told_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).unwrap();
        folder.path().join(name)
    };
    refused(&file("text", "what somebody wrote down\n".repeat(500).as_bytes()), &["is not a database"]);
    refused(&file("short", b"x"), &["is not a database"]);
    refused(&file("zeros", &[0; 8192]), &["is not a database"]);
    let mut header = b"SQLite format 3\0".to_vec();
    header.extend([0xff; 4096]);
    refused(&file("header", &header), &["is damaged"]);
    refused(folder.path(), &["is a folder"]);
    refused(&folder.path().join("nowhere/items.db"), &["the folder", "is not there"]);
    let fifo = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let ended = over(tempfile::tempdir().unwrap().path(), &fifo).0.run(LIMIT);
    assert!(ended.code() == Some(2) && ended.stderr.contains("is no file"), "{}", ended.stderr);
    refused(Path::new("/dev/null"), &["is no file"]);
}

#[test]
fn a_file_that_cannot_be_written_is_told() {
    let Some(disk) = FullDisk::mount(4 << 20) else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = disk.path().join("items.db");
    let (program, address) = over(folder.path(), &file);
    let mut running = program.start();
    reached(&mut running, &address);
    running.signal("TERM");
    assert_eq!(running.end(LIMIT).code(), Some(0));
    disk.make_read_only();
    refused(&file, &["cannot be written"]);
    refused(&disk.path().join("new.db"), &["cannot be written"]);
}

#[test]
fn an_empty_file_becomes_a_database_and_ours_opens_again_however_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("items.db");
    fs::write(&file, "").unwrap();
    for round in 0..3 {
        let (program, address) = over(folder.path(), &file);
        let mut running = program.start();
        reached(&mut running, &address);
        let made = call(&address, "CreateTable", CREATE, LIMIT).unwrap();
        assert_eq!(made.status, if round == 0 { 200 } else { 400 }, "{}", made.body);
        // Killed, it leaves what it wrote last in a file beside.
        running.kill();
    }
}
