//! What the steps need beyond cargo: found, or installed where that is safe, or named with the way to get it.

use std::ffi::OsStr;
use std::path::PathBuf;

use crate::step::{Failed, Step, Steps, output, root, target, works};

/// Node's own test runner and npm.
pub(crate) fn node() -> Result<(), Failed> {
    let version = output("node", &["--version"]).unwrap_or_default();
    if major(&version).is_some_and(|major| major >= 20) && works("npm", &["--version"]) {
        return Ok(());
    }
    let found = if version.is_empty() { "no node".to_owned() } else { format!("node {version}") };
    Err(Failed::new(format!(
        "the JavaScript tests need Node.js 20 or newer with npm, and found {found}.\n\
         Get it from your system (Debian 13, Ubuntu 25.04 or newer: apt-get install nodejs npm; macOS: brew install node)\n\
         or from nodejs.org, then repeat: cargo xtask test js (or node)"
    )))
}

/// The pinned packages of a folder.
pub(crate) fn node_packages(name: &str, folder: &str) -> Step {
    Step::new(name, "npm").args(&["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).dir(folder)
}

/// Fetches the Node.js of a line that npm has, pinned in `test/runtime`, unless the machine's own is of it.
pub(crate) fn fetch_node_runtime(line: u32) -> Option<Step> {
    (!is_of_line("node", line)).then(|| node_packages(&format!("Node.js {line}"), &runtime_folder(line)))
}

/// The Node.js of a line: the machine's own, or the one that was fetched.
pub(crate) fn node_runtime(line: u32) -> Result<PathBuf, Failed> {
    if is_of_line("node", line) {
        return Ok("node".into());
    }
    let folder = runtime_folder(line);
    let node = root().join(&folder).join("node_modules/.bin/node");
    if is_of_line(&node, line) {
        return Ok(node);
    }
    Err(Failed::new(format!(
        "the tests of the Node package run on Node.js {line} too, and npm brought none: it could not be fetched, \
         or there is none for this platform ({folder}/package.json names them).\n\
         Put a Node.js {line} first on the PATH and repeat: cargo xtask test node"
    )))
}

fn is_of_line(node: impl AsRef<OsStr>, line: u32) -> bool {
    major(&output(node, &["--version"]).unwrap_or_default()) == Some(line)
}

fn runtime_folder(line: u32) -> String {
    format!("crates/node/test/runtime/{line}")
}

/// The 20 of `v20.1.0`.
fn major(version: &str) -> Option<u32> {
    version.trim_start_matches('v').split('.').next()?.parse().ok()
}

/// A Python environment of our own under `target`, with the pinned packages of `clients/python`, and the steps that make it.
pub(crate) fn python_environment() -> Result<(PathBuf, Vec<Step>), Failed> {
    let new_enough = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
    if !works("python3", &["-c", new_enough]) {
        return Err(Failed::new(
            "the Python and AWS CLI client tests need Python 3.10 or newer with its venv module.\n\
             Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python3\n\
             then repeat: cargo xtask test python",
        ));
    }
    let requirements = root().join("clients/python/requirements.txt");
    let home = target().join("clients-python");
    let (python, stamp) = (home.join("bin/python"), home.join("installed.txt"));
    // The stamp is written last, so an environment that was left half made is made anew.
    let same = |wanted| std::fs::read_to_string(&stamp).is_ok_and(|installed| wanted == installed);
    if std::fs::read_to_string(&requirements).is_ok_and(same) {
        return Ok((python, Vec::new()));
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    let copy = "import shutil, sys; shutil.copyfile(*sys.argv[1:])";
    let steps = vec![
        Step::new("Python environment", "python3").args(&["-m", "venv", "--clear"]).arg(home),
        Step::new("Python packages for the Python and AWS CLI clients", &python).args(&pip).arg(&requirements),
        Step::new("Python environment, complete", &python).args(&["-c", copy]).arg(requirements).arg(stamp),
    ];
    Ok((python, steps))
}

/// A cargo subcommand at the version we test with, built from source if this machine lacks it.
///
/// Unoptimised: it runs for seconds, and building it well would take minutes.
pub(crate) fn cargo_tool(steps: &mut Steps, tool: &'static str, version: &str) -> Result<(), Failed> {
    let subcommand = tool.trim_start_matches("cargo-");
    if works("cargo", &[subcommand, "--version"]) {
        return Ok(());
    }
    steps.run(
        &Step::cargo(tool, &["install", "--locked", "--debug", "--version", version, tool])
            .env("CARGO_PROFILE_DEV_DEBUG", "0"),
    )
}
