//! Dynaseal beside AWS's own crate, `aws-db-esdk`, on random items: each opens what the other sealed, and both refuse
//! the same changed items and the same faulty ones.
//!
//! `cargo run --release -- --items 2000 --seed 1` runs the cases 0 to 1999 of seed 1; `--only 17` runs one of them.

mod args;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use args::Args;
use dynaseal_interop::report::Report;
use dynaseal_interop::{aws, ours, rings, run};

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let rsa = rings::RsaPair::generate();
    let sides = run::Sides { aws: aws::Aws::new(&rsa), ours: ours::Ours::new(&rsa) };
    aws::silence_panics();

    let numbers = args.numbers();
    let next = AtomicU64::new(numbers.start);
    let worker = || {
        let mut report = Report::default();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers.end {
                return report;
            }
            run::case(&sides, args.seed, number, &mut report);
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
    println!("seed {}, cases {} to {}", args.seed, numbers.start, numbers.end.saturating_sub(1));
    if report.print() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// AWS's crate joins byte strings by recursion, piece by piece: long values overflow the usual two megabytes.
const STACK: usize = 256 << 20;
