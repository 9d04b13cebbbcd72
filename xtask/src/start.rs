//! What the first seal of a process costs, in two builds: seeded by the operating system, as everything here is built, and by the
//! jitter of the CPU, as AWS-LC is built unless told otherwise. New processes of both take turns.

use std::path::PathBuf;
use std::process::Command;

use crate::step::{Failed, Step, Steps, target};

pub(crate) fn bench(steps: &mut Steps) -> Result<(), Failed> {
    let folder = target().join(FOLDER);
    for Build { name, program, switch } in &BUILDS {
        let build =
            Step::cargo(*name, &["build", "--release", "--package", "dynaseal-engine", "--example", "first_seal"]);
        // An environment variable goes before the one of `.cargo/config.toml`. What does not see it is built once.
        steps.run(&build.arg("--target-dir").arg(&folder).env(SWITCH, switch))?;
        let built = folder.join("release/examples/first_seal");
        std::fs::copy(&built, folder.join(program))
            .map_err(|error| Failed::new(format!("{}: {error}", built.display())))?;
    }
    steps.check("the first seal of a process", "cargo xtask bench start", compare)
}

fn compare() -> Result<String, String> {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..PROCESSES {
        for (build, times) in BUILDS.iter().zip(&mut times) {
            times.push(run(&target().join(FOLDER).join(build.program))?);
        }
    }
    let mut lines = String::new();
    for (build, times) in BUILDS.iter().zip(&times) {
        let (first, second) = (median(times, |time| time.0), median(times, |time| time.1));
        lines.push_str(&format!("\n    {:<40} first {first:>6} µs   second {second:>4} µs", build.name));
    }
    let [os, jitter] = times.map(|times| median(&times, |time| time.0));
    let words = format!("CPU, medians of {PROCESSES} processes each{lines}\n    one part in {}", jitter / os.max(1));
    if os * LEAST_GAIN <= jitter { Ok(words) } else { Err(format!("{words}; the target is 1 in {LEAST_GAIN}")) }
}

fn run(program: &PathBuf) -> Result<(u64, u64), String> {
    let output = Command::new(program).env("DYNASEAL_BENCH_KEY", "7e".repeat(31) + "7f").output();
    let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = |word: Option<&str>| word.and_then(|word| word.parse().ok());
    let mut words = text.split_whitespace();
    match (number(words.next()), number(words.next())) {
        (Some(first), Some(second)) => Ok((first, second)),
        _ => Err(format!("{} printed {text:?} {}", program.display(), String::from_utf8_lossy(&output.stderr))),
    }
}

fn median(times: &[(u64, u64)], which: impl Fn(&(u64, u64)) -> u64) -> u64 {
    let mut sorted: Vec<_> = times.iter().map(which).collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

struct Build {
    name: &'static str,
    program: &'static str,
    switch: &'static str,
}

const BUILDS: [Build; 2] = [
    Build { name: "seeded by the operating system", program: "seeded-by-os", switch: "1" },
    Build { name: "seeded by jitter of the CPU", program: "seeded-by-jitter", switch: "0" },
];
const FOLDER: &str = "first-seal";
const SWITCH: &str = "AWS_LC_SYS_NO_JITTER_ENTROPY";
const PROCESSES: usize = 21;
/// The first seal is to cost at most one part in so many.
const LEAST_GAIN: u64 = 10;
