//! `dynaseal dev` as a newcomer runs it: in a directory of its own, from the outside.
#![cfg(feature = "dev")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, not tests themselves")]

use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

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
        "listen http://127.0.0.1:",
        "plain  http://127.0.0.1:",
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

    // The story takes what the configuration takes.
    let strict = template.replace("default_action = \"encrypt_and_sign\"", "").replace("unsigned = [\"visits\"]", "");
    std::fs::write(&path, strict.replace("tier = \"sign_only\"", "email = \"encrypt_and_sign\"")).unwrap();
    let (status, text, _) = once(directory.path());
    assert!(status == Some(0) && text.contains("Refused.") && !text.contains("visits"), "{text}");

    let (status, text, _) = with("tables.Users", "tables.Orders");
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("has no table Users"), "{text}");

    let (status, text, _) = with("tier = \"sign_only\"", "tier = \"sign_only\"\nemail = \"sign_only\"");
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
    let (mut child, mut lines) = serving(directory.path());
    let address = address(&mut lines, "listen");
    assert!(lines.any(|line| line.contains("Serving until Ctrl-C")));
    assert!(std::net::TcpStream::connect(&address).is_ok());
    let told = Command::new("kill").args(["-INT", &child.0.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert_eq!(child.0.wait().unwrap().code(), Some(0));
    assert!(std::net::TcpStream::connect(&address).is_err());
}

/// A program that seals by itself finds its database at the second address, and the story is told to whoever listens.
#[cfg(unix)]
#[test]
fn the_second_address_shows_what_is_stored() {
    let directory = tempfile::tempdir().unwrap();
    let (_child, mut lines) = serving(directory.path());
    let (sealing, plain) = (address(&mut lines, "listen"), address(&mut lines, "plain"));
    assert!(lines.any(|line| line.contains(&plain) && line.contains("as they are stored")));
    let get = r#"{"TableName":"Users","Key":{"userId":{"S":"ada"}}}"#;
    let (opened, stored) = (ask(&sealing, "GetItem", get), ask(&plain, "GetItem", get));
    assert!(opened.contains("ada@example.com") && !opened.contains("aws_dbe_head"), "{opened}");
    assert!(!stored.contains("ada@example.com") && stored.contains("aws_dbe_head"), "{stored}");
    // What is stored there is stored as it came, and a sealed item that comes to the first is told.
    let item = stored.split_once(r#""Item":"#).unwrap().1.strip_suffix('}').unwrap();
    let put = format!(r#"{{"TableName":"Users","Item":{item}}}"#);
    assert!(ask(&plain, "PutItem", &put).starts_with("HTTP/1.1 200"));
    let refused = ask(&sealing, "PutItem", &put);
    assert!(refused.contains("DSL-1001") && refused.contains("wo sealers stand in line"), "{refused}");
    let own = r#"{"TableName":"Sessions","BillingMode":"PAY_PER_REQUEST",
        "KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}]}"#;
    assert!(ask(&plain, "CreateTable", own).starts_with("HTTP/1.1 200"));
    assert!(ask(&sealing, "ListTables", "{}").contains("Sessions"));
}

#[cfg(unix)]
#[test]
fn a_second_port_that_is_taken_is_another_one_unless_it_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let before = (port - 1).to_string();
    // Where another program has the port before this one, nothing is shown.
    if TcpListener::bind(("127.0.0.1", port - 1)).is_ok() {
        let (status, text, errors) = texts(&dev(directory.path(), &["--once", "--port", &before]).output().unwrap());
        assert_eq!((status, errors.as_str()), (Some(0), ""), "{text}");
    }
    let asked = ["--once", "--port", "0", "--plain-port", &port.to_string()];
    let (status, _, errors) = texts(&dev(directory.path(), &asked).output().unwrap());
    assert!(status == Some(2) && errors.contains("DSL-8005") && errors.contains(&port.to_string()), "{errors}");
}

#[cfg(unix)]
#[test]
fn who_has_read_enough_ends_it_quietly() {
    let directory = tempfile::tempdir().unwrap();
    let mut child =
        dev(directory.path(), &["--port", "0"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    // As `head -1` does.
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let output = Running(child).ended(Duration::from_secs(60));
    // As a shell tells of SIGPIPE: what was to be said is not whole.
    assert_eq!(output, (Some(141), String::new()));
}

/// One call of an SDK, unsigned; the answer with its head.
#[cfg(unix)]
fn ask(address: &str, operation: &str, body: &str) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nX-Amz-Target: DynamoDB_20120810.{operation}\r\n\
         Content-Type: application/x-amz-json-1.0\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A `dev` that serves, and the lines that it prints.
#[cfg(unix)]
fn serving(directory: &Path) -> (Running, impl Iterator<Item = String> + use<>) {
    let mut child = Running(dev(directory, &["--port", "0"]).stdout(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    (child, lines)
}

/// The address on the next line that starts with a word.
#[cfg(unix)]
fn address(lines: &mut impl Iterator<Item = String>, word: &str) -> String {
    let line = lines.find(|line| line.trim_start().starts_with(word)).unwrap();
    line.split("http://").nth(1).unwrap().split(' ').next().unwrap().to_owned()
}

/// Ends its process whatever becomes of the test.
struct Running(Child);

impl Running {
    /// How it ended, and what it said on stderr; it is ended if it takes longer.
    #[cfg(unix)]
    fn ended(mut self, limit: Duration) -> (Option<i32>, String) {
        let started = std::time::Instant::now();
        while started.elapsed() < limit && self.0.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(20));
        }
        let status = self.0.try_wait().unwrap().and_then(|status| status.code());
        let mut said = String::new();
        if status.is_some() {
            self.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        }
        (status, said)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
