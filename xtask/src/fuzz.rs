//! Fuzzing: each target of `fuzz/` for a bounded time, from the seeds kept in the repository.

use crate::step::{Failed, Step, Steps, output, root, works};
use crate::tools;

/// What to fuzz and for how long.
pub(crate) struct Options {
    seconds: u32,
    target: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { seconds: 30, target: None }
    }
}

impl Options {
    /// For a night.
    pub(crate) fn long() -> Self {
        Self { seconds: 600, target: None }
    }

    pub(crate) fn parse(args: &[&str]) -> Result<Self, Failed> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match *arg {
                "--seconds" => {
                    let seconds = args.next().and_then(|text| text.parse().ok()).filter(|&seconds| seconds > 0);
                    options.seconds = seconds.ok_or_else(|| Failed::new("--seconds takes a whole number above 0"))?;
                }
                name if names().any(|target| target == name) => options.target = Some(name.to_owned()),
                other => {
                    let names: Vec<_> = names().collect();
                    return Err(Failed::new(format!("fuzz: unknown word {other}; targets: {}", names.join(" "))));
                }
            }
        }
        Ok(options)
    }
}

pub(crate) fn run(steps: &mut Steps, options: &Options) -> Result<(), Failed> {
    tools::cargo_tool(steps, "cargo-fuzz", "0.13.2")?;
    steps.run(&cargo_fuzz("fuzz targets, built", &["build"]))?;
    let wanted = |target: &&(&str, &str)| options.target.as_deref().is_none_or(|wanted| wanted == target.0);
    let targets: Vec<_> = TARGETS.iter().filter(wanted).collect();
    let runs = targets.into_iter().map(|(target, name)| Ok(vec![target_run(target, name, options.seconds)?]));
    steps.run_chains(runs.collect::<Result<_, _>>()?)
}

fn target_run(target: &'static str, name: &'static str, seconds: u32) -> Result<Step, Failed> {
    let (corpus, seeds) = (format!("fuzz/corpus/{target}"), format!("fuzz/seeds/{target}"));
    std::fs::create_dir_all(root().join(&corpus)).map_err(|error| Failed::new(format!("{corpus}: {error}")))?;
    let seconds = format!("-max_total_time={seconds}");
    // New findings go to the first folder, which git ignores; the seeds are only read.
    let run = cargo_fuzz(name, &["run", target, &corpus, &seeds, "--", &seconds]);
    let run = run.args(&["-timeout=10", "-rss_limit_mb=3072", "-print_final_stats=1"]);
    let words = root().join(format!("fuzz/{target}.dict"));
    Ok(if words.exists() { run.arg(format!("-dict=fuzz/{target}.dict")) } else { run })
}

/// The sanitizer flags are unstable. Without a nightly toolchain the pinned compiler is told to allow them: the
/// runtime it needs comes with every toolchain.
fn cargo_fuzz(name: &'static str, args: &[&str]) -> Step {
    if works("rustc", &["+nightly", "--version"]) {
        Step::cargo(name, &["+nightly", "fuzz"]).args(args)
    } else {
        let version = output("rustc", &["--version"]).unwrap_or_default();
        eprintln!("no nightly toolchain here; using {version} with RUSTC_BOOTSTRAP=1");
        Step::cargo(name, &["fuzz"]).args(args).env("RUSTC_BOOTSTRAP", "1")
    }
}

fn names() -> impl Iterator<Item = &'static str> {
    TARGETS.iter().map(|(target, _)| *target)
}

/// The targets, and their steps' names.
const TARGETS: [(&str, &str); 6] = [
    ("header", "fuzz header"),
    ("footer", "fuzz footer"),
    ("terminal", "fuzz terminal"),
    ("json", "fuzz json"),
    ("request", "fuzz request"),
    ("answer", "fuzz answer"),
];
