//! What a log that nobody reads costs callers: two gateways that write a line for each request, the standard error of one of
//! which is read and of the other is a full pipe.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use dynaseal_testkit::{Program, Running, Stream, free_address};

use crate::load::Load;
use crate::process::binary;
use crate::shape::{self, Operation, PLAIN};

/// Requests a second of the blocked one beside the other's, in words.
pub(crate) async fn compare(folder: &Path) -> String {
    let (mut blocked, mut read) =
        (Logged::start(folder, Stream::Unread).await, Logged::start(folder, Stream::Read).await);
    let (mut rates, mut others) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let pair = (blocked.rate().await, read.rate().await);
        // The first round fills the pipe.
        if round > 0 {
            rates.push(pair.0);
            others.push(pair.1);
        }
    }
    let (blocked, read) = (median(rates), median(others));
    let ratio = blocked / read;
    let verdict = if ratio >= LEAST { "within its target" } else { "BELOW its target" };
    format!("log blocked {blocked:.0} requests/s, log read {read:.0}: {ratio:.2}x, {verdict} of {LEAST}x")
}

struct Logged {
    _running: Running,
    load: Load,
    requests: Vec<Vec<u8>>,
}

impl Logged {
    async fn start(folder: &Path, log: Stream) -> Self {
        let address = free_address();
        let config = folder.join(format!("{log:?}.toml"));
        fs::write(&config, shape::CONFIG.replace("127.0.0.1:0", &address)).expect("a configuration");
        let program = Program::new(binary()).args(["gateway", "--log", "debug", "--config"]).args([&config]);
        let running = program.env("DYNASEAL_BENCH_KEY", shape::KEY).stderr(log).start();
        let deadline = Instant::now() + START;
        while TcpStream::connect(&address).is_err() {
            assert!(Instant::now() < deadline, "the gateway did not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut load = Load::connect(&address).await;
        crate::prepare(&mut load).await;
        Self { _running: running, load, requests: Operation::Get.requests(PLAIN) }
    }

    async fn rate(&mut self) -> f64 {
        let start = Instant::now();
        self.load.run(&self.requests, REQUESTS).await;
        f64::from(REQUESTS) / start.elapsed().as_secs_f64()
    }
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

const ROUNDS: u32 = 5;
const REQUESTS: u32 = 16_000;
const LEAST: f64 = 0.9;
const START: Duration = Duration::from_secs(20);
