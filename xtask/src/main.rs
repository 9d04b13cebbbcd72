//! The project's own commands, run as `cargo xtask <command>`.
//!
//! Every command is a list of steps. A step prints its name and the command it runs, then its time; a failing step
//! prints the line that repeats it. Only the standard library is used, so this builds in a second.
//!
//! ```text
//!   main -> { suites, interop, lint, fuzz, nightly } -> programs (what cargo builds, and its tests one by one)
//!                                            -> tools    (find or install what a step needs)
//!                                            -> step     (run one command, time it, say how to repeat it)
//!        capacity                               (arithmetic, no steps)
//! ```
#![expect(clippy::print_stderr, reason = "a command's words are its output")]

mod capacity;
mod fuzz;
mod interop;
mod lint;
mod nightly;
mod programs;
mod start;
mod step;
mod suites;
mod tools;

use std::process::ExitCode;

use step::{Failed, Steps};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut steps = Steps::default();
    let outcome = run(&args, &mut steps);
    steps.print_table();
    steps.keep();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("xtask: {failed}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str], steps: &mut Steps) -> Result<(), Failed> {
    match *args {
        ["test"] => suites::run(steps, &suites::ALL),
        ["test", "rust"] => suites::run(steps, &[suites::RUST]),
        ["test", "js"] => suites::run(steps, &[suites::JS]),
        ["test", "node"] => suites::run(steps, &[suites::NODE]),
        ["test", "python"] => suites::run(steps, &[suites::PYTHON]),
        ["test", "examples"] => suites::run(steps, &[suites::EXAMPLES]),
        ["lint"] => lint::all(steps),
        ["lint", "quick"] => lint::quick(steps),
        ["interop"] => interop::run(steps),
        ["bench"] => {
            interop::bench(steps)?;
            suites::gateway_bench(steps)?;
            start::bench(steps)
        }
        ["bench", "start"] => start::bench(steps),
        ["capacity", ref rest @ ..] => capacity::run(rest),
        ["fuzz", ref rest @ ..] => fuzz::run(steps, &fuzz::Options::parse(rest)?),
        ["features"] => nightly::features(steps),
        ["package"] => nightly::package(steps),
        ["nightly"] => nightly::run(steps),
        ["ci"] => {
            suites::run(steps, &suites::ALL)?;
            interop::run(steps)?;
            lint::all(steps)?;
            fuzz::run(steps, &fuzz::Options::default())
        }
        [] | ["help" | "-h" | "--help"] => {
            eprint!("{HELP}");
            Ok(())
        }
        _ => Err(Failed::new(format!("unknown command: {}\n\n{HELP}", args.join(" ")))),
    }
}

const HELP: &str = "\
cargo xtask test                      every test: the workspace, SDK clients against the built gateway, the Node package,
                                      the example services
cargo xtask test rust|js|node|python|examples   one of them
cargo xtask lint quick                what needs no build: rustfmt, file lengths, machine paths; the hook before each commit
cargo xtask lint                      rustfmt, clippy, rustdoc, cargo-deny, file lengths, machine paths
cargo xtask interop                   600 random items in each direction beside AWS's own crate; 220 from the Node package
cargo xtask bench                     time per item beside AWS's crate and the bare cipher calls; the gateway per request;
                                      the first seal of a process
cargo xtask bench start               the last of these
cargo xtask capacity [--help]         KMS requests, key-store reads and cost of a load, and where it breaks
cargo xtask fuzz [--seconds N] [TARGET]   each fuzz target for N seconds (30), or one of them
cargo xtask ci                        test, interop, lint and fuzz, as .ci/run does
cargo xtask features                  each feature of each crate alone
cargo xtask package                   every crate that will be published, packed and built from its package
cargo xtask nightly                   what is too long for every change: features, the oldest compiler and dependencies,
                                      advisories, each AWS SDK on each line of Node.js, 20,000 items of interop, ten minutes
                                      of each fuzz target
";
