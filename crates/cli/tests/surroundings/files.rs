//! Files that the command writes: whole or not at all.

use std::fs;

use dynaseal_testkit::FullDisk;

use crate::{LIMIT, dynaseal};

const DEV: &[&str] = &["dev", "--once", "--port", "0"];

#[test]
fn dev_on_a_full_disk_leaves_nothing_behind() {
    let Some(disk) = FullDisk::mount(256 << 10) else { return };
    disk.fill();
    let ended = dynaseal(disk.path(), DEV).run(LIMIT);
    assert_eq!(ended.code(), Some(2), "{}", ended.stderr);
    assert!(ended.stderr.contains("DSL-8006") && ended.stderr.contains("space"), "{}", ended.stderr);
    let left: Vec<_> = fs::read_dir(disk.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["filler"], "{left:?}");
    disk.empty();
    let ended = dynaseal(disk.path(), DEV).run(LIMIT);
    assert_eq!(ended.code(), Some(0), "{}{}", ended.stdout, ended.stderr);
}

#[test]
fn an_empty_key_is_named_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("dynaseal-dev.key");
    let told = || {
        let ended = dynaseal(folder.path(), DEV).run(LIMIT);
        (ended.code(), ended.stderr.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    for text in ["", "\n"] {
        fs::write(&key, text).unwrap();
        let (code, said) = told();
        assert_eq!(code, Some(2), "{said}");
        assert!(
            said.contains("dynaseal-dev.key is empty") && said.contains("remove it and run `dynaseal dev`"),
            "{said}"
        );
        assert!(!folder.path().join("dynaseal.toml").exists(), "nothing is built on an empty key");
    }
    fs::remove_file(&key).unwrap();
    assert_eq!(told().0, Some(0));
    // A configuration that is there is used as it is; what is wrong with its key is told, and how it gets another.
    fs::write(&key, "").unwrap();
    let (code, said) = told();
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("DSL-5012") && said.contains("dynaseal-dev.key") && said.contains("is empty"), "{said}");
    assert!(said.contains("openssl rand -hex 32 > FILE"), "{said}");
}
