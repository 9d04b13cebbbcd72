//! `dynaseal dev` as a newcomer runs it: in a directory of its own, from the outside.
#![cfg(feature = "dev")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, not tests themselves")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn dev(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dynaseal"));
    command.current_dir(directory).arg("dev").args(arguments).stdin(Stdio::null());
    command
}

fn once(directory: &Path) -> (Option<i32>, String, String) {
    texts(&dev(directory, &["--once", "--port", "0"]).output().unwrap())
}

fn texts(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_story_goes_as_told_twice_and_leaves_key_and_configuration_alone() {
    let directory = tempfile::tempdir().unwrap();
    let (status, first, errors) = once(directory.path());
    assert_eq!((status, errors.as_str()), (Some(0), ""), "{first}");
    for told in [
        "wrote  dynaseal-dev.key",
        "wrote  dynaseal.toml",
        "email         S    ada@example.com",
        "email         B      33 bytes",
        "aws_dbe_foot  B",
        "ItemVerificationException: DSL-3008: GetItem on table Users",
        "Refused.",
    ] {
        assert!(first.contains(told), "{told} is not in:\n{first}");
    }
    assert!(first.lines().all(|line| line.chars().count() <= 80), "{first}");

    let files = || {
        let read = |name| std::fs::read_to_string(directory.path().join(name)).unwrap();
        (read("dynaseal-dev.key"), read("dynaseal.toml"))
    };
    let before = files();
    assert_eq!(before.0.trim_end().len(), 64);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = std::fs::metadata(directory.path().join("dynaseal-dev.key")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
    }
    let (status, second, errors) = once(directory.path());
    assert_eq!((status, errors.as_str()), (Some(0), ""), "{second}");
    assert!(second.contains("found  dynaseal.toml") && !second.contains("wrote"), "{second}");
    assert_eq!(files(), before);

    // A key without a configuration is kept, too.
    std::fs::remove_file(directory.path().join("dynaseal.toml")).unwrap();
    let (status, third, _) = once(directory.path());
    assert_eq!(status, Some(0), "{third}");
    assert_eq!(files(), before);
}

#[test]
fn a_configuration_of_ones_own_is_used_and_the_story_says_what_does_not_fit() {
    let directory = tempfile::tempdir().unwrap();
    let (status, text, _) = once(directory.path());
    assert_eq!(status, Some(0), "{text}");
    let path = directory.path().join("dynaseal.toml");
    let template = std::fs::read_to_string(&path).unwrap();
    let with = |from: &str, to: &str| {
        assert!(template.contains(from), "{from}");
        std::fs::write(&path, template.replace(from, to)).unwrap();
        once(directory.path())
    };

    let (status, text, _) = with("tables.Users", "tables.Orders");
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("has no table Users"), "{text}");

    let (status, text, _) = with("plan = \"sign_only\"", "plan = \"sign_only\"\nemail = \"sign_only\"");
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("does not encrypt it"), "{text}");

    let (status, text, _) = with("partition_key = \"userId\"", "partition_key = \"tenant\"\nsort_key = \"userId\"");
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("(key tenant,"), "{text}");
    let (status, text, _) = with("userId = \"sign_only\"", "userId = \"sign_only\"\n[tables.Users.more]");
    assert_eq!(status, Some(2), "{text}");

    let database = "upstream = \"embedded\"\ndatabase = \"dev.db\"";
    for _ in 0..2 {
        let (status, text, _) = with("upstream = \"embedded\"", database);
        assert_eq!(status, Some(0), "{text}");
        assert!(text.contains("dev.db"), "{text}");
    }
    let stored = std::fs::read(directory.path().join("dev.db")).unwrap();
    assert!(!stored.windows(15).any(|window| window == b"ada@example.com"));
    let (_, text, _) = once(directory.path());
    assert!(text.contains("It is there already."), "{text}");
}

#[test]
fn a_taken_port_is_named_and_another_one_advised() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (status, _, errors) = texts(&dev(directory.path(), &["--once", "--port", &port]).output().unwrap());
    assert_eq!(status, Some(2));
    assert!(errors.contains("DSL-8005") && errors.contains(&port) && errors.contains("--port 0"), "{errors}");
}

#[cfg(unix)]
#[test]
fn it_serves_until_it_is_told_to_stop() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = Running(dev(directory.path(), &["--port", "0"]).stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let listens = lines.find(|line| line.contains("listen")).unwrap();
    let address = listens.split("http://").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    assert!(lines.any(|line| line.contains("Serving until Ctrl-C")));
    assert!(std::net::TcpStream::connect(&address).is_ok());
    let told = Command::new("kill").args(["-INT", &child.0.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    assert!(std::net::TcpStream::connect(&address).is_err());
}

/// Ends its process whatever becomes of the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
