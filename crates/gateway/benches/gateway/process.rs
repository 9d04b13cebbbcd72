//! The processes that are measured. Each ends, by its own id, when its handle is dropped.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::shape;

/// What a load runs against.
pub(crate) trait Service {
    /// The CPU time that it has used so far, in user and system mode.
    fn cpu(&self) -> Duration;
}

/// `dynaseal gateway` with the embedded database in memory.
pub(crate) struct Gateway {
    child: Child,
    address: String,
}

impl Gateway {
    pub(crate) fn start(folder: &Path) -> Self {
        let (config, log) = (folder.join("dynaseal.toml"), folder.join("gateway.log"));
        fs::write(&config, shape::CONFIG).expect("a configuration");
        let out = File::create(&log).expect("a log");
        let child = Command::new(binary())
            .args(["gateway", "--config"])
            .arg(&config)
            .env("DYNASEAL_BENCH_KEY", shape::KEY)
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a log"))
            .stderr(out)
            .spawn()
            .expect("dynaseal starts");
        let mut gateway = Self { child, address: String::new() };
        gateway.address = wait(&mut gateway.child, &log, |printed| {
            let after = printed.split_once("127.0.0.1:")?.1;
            let port: String = after.chars().take_while(char::is_ascii_digit).collect();
            Some(format!("127.0.0.1:{port}"))
        });
        gateway
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Service for Gateway {
    fn cpu(&self) -> Duration {
        stat(self.child.id()).expect("a gateway that runs").cpu
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// nginx as a proxy that changes nothing: two workers, connections to the backend kept open, no access log.
pub(crate) struct Nginx {
    child: Child,
    address: String,
}

impl Nginx {
    /// `None` if nginx is not installed.
    pub(crate) fn start(folder: &Path, backend: &str) -> Option<Self> {
        let folder = folder.join("nginx");
        fs::create_dir(&folder).expect("a folder");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
        let (config, log) = (folder.join("nginx.conf"), folder.join("error.log"));
        fs::write(&config, nginx_config(&free.to_string(), backend)).expect("a configuration");
        let child = Command::new("nginx")
            .args(["-p".as_ref(), folder.as_os_str(), "-c".as_ref(), config.as_os_str()])
            .args(["-e", "error.log"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut nginx = Self { child: child.ok()?, address: free.to_string() };
        let address = nginx.address.clone();
        wait(&mut nginx.child, &log, |_| TcpStream::connect(&address).ok());
        Some(nginx)
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Service for Nginx {
    /// Of the master and its workers.
    fn cpu(&self) -> Duration {
        let master = self.child.id();
        let processes = fs::read_dir("/proc").expect("/proc").filter_map(|entry| {
            let id = entry.ok()?.file_name().to_str()?.parse().ok()?;
            stat(id).filter(|stat| id == master || stat.parent == master)
        });
        processes.map(|stat| stat.cpu).sum()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its workers when it is asked to end, not when it is killed.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let deadline = Instant::now() + START;
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            if Instant::now() > deadline {
                let _ = self.child.kill();
                let _ = self.child.wait();
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// The binary in `DYNASEAL`, or the release build, made up to date.
pub(crate) fn binary() -> PathBuf {
    if let Some(named) = std::env::var_os("DYNASEAL") {
        return named.into();
    }
    let build = ["build", "--release", "--package", "dynaseal-cli", "--bin", "dynaseal"];
    let built = Command::new(env!("CARGO")).args(build).current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(built.expect("cargo runs").success(), "dynaseal does not build");
    // This program is TARGET/release/deps/NAME.
    let own = std::env::current_exe().expect("a path");
    own.ancestors().nth(2).expect("a folder").join("dynaseal")
}

/// Waits until a process is ready.
fn wait<T>(child: &mut Child, log: &Path, mut ready: impl FnMut(&str) -> Option<T>) -> T {
    let deadline = Instant::now() + START;
    loop {
        let printed = fs::read_to_string(log).unwrap_or_default();
        if let Some(ready) = ready(&printed) {
            return ready;
        }
        let ended = child.try_wait().expect("a child");
        assert!(ended.is_none() && Instant::now() < deadline, "a server did not start ({ended:?}):\n{printed}");
        std::thread::sleep(PAUSE);
    }
}

/// The CPU time of this process.
pub(crate) fn own_cpu() -> Duration {
    stat(std::process::id()).expect("itself").cpu
}

struct Stat {
    parent: u32,
    cpu: Duration,
}

/// Reads `/proc/ID/stat`. Behind the program's name, which stands in parentheses and may hold anything, field 2 is the
/// parent, and 12 and 13 are the clock ticks in user and system mode.
fn stat(id: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields[11].parse::<u32>().ok()? + fields[12].parse::<u32>().ok()?;
    Some(Stat { parent: fields[1].parse().ok()?, cpu: TICK * ticks })
}

fn nginx_config(listen: &str, backend: &str) -> String {
    format!(
        "daemon off;
worker_processes 2;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_requests 100000000;
  upstream backend {{ server {backend}; keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen {listen};
    location / {{
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection \"\";
    }}
  }}
}}
"
    )
}

/// Linux counts in hundredths of a second on every machine that Dynaseal is built for.
const TICK: Duration = Duration::from_millis(10);
const START: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);
