//! What protection costs the gateway: CPU time per request of `dynaseal gateway`, the release build in a process of its
//! own with the embedded database in memory, for a protected table and for one that passes through.
//!
//! ```text
//!  load (here) ── 16 connections ──> dynaseal gateway ──> embedded database     its CPU: /proc/PID/stat
//!       └──────── 16 connections ──> nginx ──> the same gateway                 nginx's CPU likewise
//! ```
//!
//! It also measures how long a caller waits for a page of signed items (`cores.rs`).
//!
//! `cargo bench -p dynaseal-gateway` prints the tables; `-- --write` also puts them into docs/BENCHMARKS.md; `-- cores` measures
//! pages alone. It fails if a ratio is above its target. `DYNASEAL` names another binary to measure. Linux only, since it reads
//! /proc.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench: it stops at the first thing that is not as it should be, and prints"
)]

mod cores;
mod load;
mod log;
mod page;
mod process;
mod shape;
mod table;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use load::Load;
use process::{Gateway, Nginx, Service};
use shape::{Operation, PLAIN, PROTECTED};
use table::{Cell, Report, Row};

fn main() -> ExitCode {
    if !cfg!(target_os = "linux") {
        println!("skipped: this bench reads CPU times from /proc, which only Linux has");
        return ExitCode::SUCCESS;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let cores = cores::measure(folder.path());
    println!("{}", cores.section());
    if page::wanted("--write") {
        page::write("Pages of the gateway", &cores.section()).expect("docs/BENCHMARKS.md can be written");
    }
    if page::wanted("cores") {
        return ended(cores.within_target());
    }
    let gateway = Gateway::start(folder.path());
    let nginx = Nginx::start(folder.path(), gateway.address());
    if nginx.is_none() {
        println!("nginx is not installed, so there is no row for it (Debian: apt-get install nginx-light)");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let report = runtime.block_on(async {
        tokio::time::timeout(WHOLE, measure(&gateway, nginx.as_ref())).await.expect("done long before this limit")
    });
    println!("{}", report.markdown());
    let log =
        async { tokio::time::timeout(WHOLE, log::compare(folder.path())).await.expect("done long before this limit") };
    println!("{}", runtime.block_on(log));
    if page::wanted("--write") {
        page::write("Gateway", &report.section()).expect("docs/BENCHMARKS.md can be written");
    }
    ended(report.within_target() && cores.within_target())
}

fn ended(within_target: bool) -> ExitCode {
    if within_target {
        println!("all within their targets");
        ExitCode::SUCCESS
    } else {
        println!("above target; a machine that does other work at the time can cause that");
        ExitCode::FAILURE
    }
}

/// All cells take turns, so that a slow moment of the machine strikes all of them.
async fn measure(gateway: &Gateway, nginx: Option<&Nginx>) -> Report {
    let mut direct = Load::connect(gateway.address()).await;
    prepare(&mut direct).await;
    let mut proxied = match nginx {
        Some(nginx) => Some((nginx, Load::connect(nginx.address()).await)),
        None => None,
    };
    let mut rows = Operation::ALL.map(Row::new);
    for round in 0..=ROUNDS {
        for row in &mut rows {
            let (plain, protected) = (row.operation.requests(PLAIN), row.operation.requests(PROTECTED));
            let passed = timed(gateway, &mut direct, &plain).await;
            let sealed = timed(gateway, &mut direct, &protected).await;
            let through = match &mut proxied {
                Some((nginx, load)) => Some(timed(*nginx, load, &plain).await),
                None => None,
            };
            // The first round warms connections, caches and allocators.
            if round > 0 {
                row.add(passed, sealed, through);
            }
        }
    }
    Report { rows, rounds: ROUNDS, requests: REQUESTS }
}

/// CPU time per request of a service, and requests per second, over one bounded run.
async fn timed(service: &impl Service, load: &mut Load, requests: &[Vec<u8>]) -> Cell {
    let (cpu, start) = (service.cpu(), Instant::now());
    load.run(requests, REQUESTS).await;
    let (cpu, time) = (service.cpu() - cpu, start.elapsed());
    Cell { cpu: cpu / REQUESTS, requests_per_second: f64::from(REQUESTS) / time.as_secs_f64() }
}

/// Makes and fills the tables. A fast wrong answer is worth nothing: what was put must come back, and only the protected
/// table may refuse a reserved name.
async fn prepare(load: &mut Load) {
    for table in [PLAIN, PROTECTED] {
        load.call("CreateTable", &shape::create(table), 200).await;
        for put in Operation::Put.requests(table) {
            load.send(&put).await;
        }
        let got = load.call("GetItem", &shape::get(table, 0), 200).await;
        assert_eq!(got["Item"], shape::item(0));
        let refused = table == PROTECTED;
        let answer = load.call("PutItem", &shape::put_under_condition(table), 400).await;
        assert_eq!(answer["message"].as_str().expect("a message").starts_with("DSL-"), refused, "{table}: {answer}");
    }
}

/// Rounds that count; their median is printed.
const ROUNDS: u32 = 9;
/// Requests of one cell in one round: about a second of CPU time, read in steps of 10 ms.
const REQUESTS: u32 = 16_000;
const WHOLE: Duration = Duration::from_secs(600);
