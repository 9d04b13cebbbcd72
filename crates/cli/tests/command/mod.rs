//! Running the `dynaseal` binary on some input.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

/// A test key: it protects nothing.
pub(crate) const TEST_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A configuration of one table, `Users`, under the test key.
pub(crate) const CONFIG: &str = r#"
[keys.main]
type = "raw-aes"
namespace = "test"
name = "test-key"
key_env = "DYNASEAL_TEST_KEY"

[tables.Users]
keys = "main"
partition_key = "id"
suite = "hmac"
unsigned = ["visits"]
[tables.Users.attributes]
note = "encrypt_and_sign"
tags = "encrypt_and_sign"
data = "encrypt_and_sign"
age = "sign_only"
"#;

/// What a run left behind.
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

#[allow(dead_code, reason = "not every test has items that fail")]
impl Ran {
    /// The items that failed, as they stand on stderr.
    pub(crate) fn failures(&self) -> Vec<serde_json::Value> {
        self.said("line")
    }

    /// The sum at the end, if there is one.
    pub(crate) fn sum(&self) -> Option<serde_json::Value> {
        self.said("lines").pop()
    }

    fn said(&self, member: &str) -> Vec<serde_json::Value> {
        let objects = self.stderr.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        objects.filter(|object| object.get(member).is_some()).collect()
    }
}

/// The command, in `folder`, with the test key in its environment.
pub(crate) fn dynaseal(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dynaseal"));
    command.args(args).current_dir(folder).env("DYNASEAL_TEST_KEY", TEST_KEY);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end on `input`.
pub(crate) fn run(folder: &Path, args: &[&str], input: impl AsRef<[u8]>) -> Ran {
    finish(dynaseal(folder, args), input)
}

/// The same of a command that is made already.
pub(crate) fn finish(mut command: Command, input: impl AsRef<[u8]>) -> Ran {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.as_ref().to_vec();
    // A program that ends early closes its input; what it says is checked by the caller.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// A folder with the configuration.
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("dynaseal.toml"), CONFIG).unwrap();
    folder
}
