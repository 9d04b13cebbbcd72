//! Running `dynaseal gateway` processes, for whole-system tests.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running gateway; killed by SIGKILL when dropped, so that a test that fails leaves none behind.
pub(crate) struct Gateway {
    child: Child,
    /// Its address, such as `127.0.0.1:4711`.
    pub(crate) address: String,
    /// Where its standard output and error go.
    log: PathBuf,
}

impl Gateway {
    /// Starts a gateway whose configuration and log lie in `folder` under `name`.
    pub(crate) fn start(folder: &Path, name: &str, config: &str, args: &[&str], key: &str) -> Self {
        let file = folder.join(format!("{name}.toml"));
        let log = folder.join(format!("{name}.log"));
        fs::write(&file, config).unwrap();
        let out = File::create(&log).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_dynaseal"));
        command.arg("gateway").arg("--config").arg(&file).args(args).current_dir(folder);
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test").env("AWS_REGION", "us-east-1");
        command.env("DYNASEAL_TEST_KEY", key).env("TMPDIR", folder);
        command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
        // A child that nobody owns would outlive a failure to start.
        let mut gateway = Self { child: command.spawn().unwrap(), address: String::new(), log };
        gateway.address = wait_for_address(&mut gateway.child, &gateway.log);
        gateway
    }

    /// Ends it as it is, by SIGKILL, though it must be well until then.
    pub(crate) fn kill(&mut self) {
        assert!(self.child.try_wait().unwrap().is_none(), "the gateway ended before it was killed");
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to drain and end, and gives what it printed once it has ended well.
    pub(crate) fn stop(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(pid).status().unwrap().success());
        let deadline = Instant::now() + Duration::from_secs(30);
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(Instant::now() < deadline, "the gateway does not end"),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        let printed = fs::read_to_string(&self.log).unwrap();
        assert!(status.success(), "the gateway ended with {status}:\n{printed}");
        printed
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for_address(child: &mut Child, log: &Path) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let printed = fs::read_to_string(log).unwrap();
        if let Some(address) = printed.lines().find_map(address) {
            TcpStream::connect(&address).unwrap();
            return address;
        }
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none() && Instant::now() < deadline, "the gateway did not start ({ended:?}):\n{printed}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The address in a line that says where the gateway listens.
fn address(line: &str) -> Option<String> {
    let after = line.split_once("listening")?.1;
    let port = after.split_once("127.0.0.1:")?.1;
    let port: String = port.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty() && port != "0").then(|| format!("127.0.0.1:{port}"))
}

/// A test key: it protects nothing.
pub(crate) const TEST_KEY: &str = "7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e";
