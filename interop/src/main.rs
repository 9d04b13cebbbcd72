//! Dynaseal beside AWS's own crate, `aws-db-esdk`, on random items: each opens what the other sealed, and both refuse
//! the same changed items and the same faulty ones.
//!
//! `cargo run -- --items 2000 --seed 1` runs the cases 0 to 1999 of seed 1; `--only 17` runs one of them.
//! `--node ../crates/node/test/aws/exchange.mjs` has the Node package, as it was built, do our part.

mod args;

use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use args::Args;
use dynaseal_interop::report::Report;
use dynaseal_interop::{aws, keystore, node, rings, run};

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let rsa = rings::RsaPair::generate();
    let sides = run::Sides::new(&rsa);
    aws::silence_panics();

    let numbers = args.numbers();
    let report = match &args.node {
        Some(script) => match node_package(&sides, &rsa, &args, script) {
            Ok(report) => report,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        },
        None => {
            let mut report = in_threads(&sides, &args);
            run::require_all(numbers.clone(), &mut report);
            keystore::exchange(&sides, &mut report);
            report
        }
    };
    println!("seed {}, cases {} to {}", args.seed, numbers.start, numbers.end.saturating_sub(1));
    if report.print() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn in_threads(sides: &run::Sides, args: &Args) -> Report {
    let numbers = args.numbers();
    let next = AtomicU64::new(numbers.start);
    let worker = || {
        let mut report = Report::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers.end {
                return report;
            }
            run::case(sides, args.seed, number, &mut report);
        }
    };
    let mut report = Report::default();
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, |cores| cores.get());
        let start = || thread::Builder::new().stack_size(STACK).spawn_scoped(scope, worker).expect("a thread");
        let workers: Vec<_> = (0..threads).map(|_| start()).collect();
        for worker in workers {
            report.merge(worker.join().expect("a worker catches what its cases throw"));
        }
    });
    report
}

fn node_package(sides: &run::Sides, rsa: &rings::RsaPair, args: &Args, script: &Path) -> Result<Report, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/node");
    let run = || node::exchange(sides, rsa, args.seed, args.items, script, &folder);
    thread::scope(|scope| {
        let started = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run);
        started.expect("a thread").join().expect("a panic of ours was printed")
    })
}

/// AWS's crate joins byte strings by recursion, piece by piece: long values overflow the usual two megabytes.
const STACK: usize = 256 << 20;
