//! `dynaseal gateway` as a child whose log is read.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::program::{Program, Running, Stream};

/// A running gateway; killed by SIGKILL when dropped.
#[derive(Debug)]
pub struct Gateway {
    running: Running,
    /// Its address, such as `127.0.0.1:4711`.
    pub address: String,
    /// Where its standard output and error go.
    log: PathBuf,
}

impl Gateway {
    /// Starts the program as a gateway whose configuration and log lie in `folder` under `name`.
    #[must_use]
    pub fn start(program: &str, folder: &Path, name: &str, config: &str, args: &[&str], key: &str) -> Self {
        let file = folder.join(format!("{name}.toml"));
        let log = folder.join(format!("{name}.log"));
        fs::write(&file, config).unwrap();
        let _ = fs::remove_file(&log);
        let program = Program::new(program).args(["gateway", "--config"]).args([&file]).args(args).folder(folder);
        let program = program.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        let program = program.env("AWS_REGION", "us-east-1").env("DYNASEAL_TEST_KEY", key).env("TMPDIR", folder);
        let running = program.stdout(Stream::File(log.clone())).stderr(Stream::File(log.clone())).start();
        let mut gateway = Self { running, address: String::new(), log };
        gateway.address = gateway.wait_for_address();
        gateway
    }

    /// The process.
    pub fn process(&mut self) -> &mut Running {
        &mut self.running
    }

    /// What it printed so far.
    #[must_use]
    pub fn printed(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Ends it as it is, by SIGKILL, though it must be well until then.
    pub fn kill(&mut self) {
        assert!(self.running.is_running(), "the gateway ended before it was killed");
        self.running.kill();
    }

    /// Asks it to drain and end, and gives what it printed once it has ended well.
    pub fn stop(mut self) -> String {
        self.running.signal("TERM");
        let status = self.running.ends(END).expect("the gateway does not end");
        let printed = self.printed();
        assert!(status.success(), "the gateway ended with {status}:\n{printed}");
        printed
    }

    fn wait_for_address(&mut self) -> String {
        let deadline = Instant::now() + START;
        loop {
            let running = self.running.is_running();
            let printed = self.printed();
            if let Some(address) = printed.lines().find_map(address) {
                TcpStream::connect(&address).unwrap();
                return address;
            }
            assert!(running && Instant::now() < deadline, "the gateway did not start (runs: {running}):\n{printed}");
            thread::sleep(PAUSE);
        }
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
pub const TEST_KEY: &str = "7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e";
const START: Duration = Duration::from_secs(20);
const END: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);
