//! What the steps need beyond cargo: found, or installed where that is safe, or named with the way to get it.

use std::path::PathBuf;

use crate::step::{Failed, Step, Steps, output, root, target, works};

/// Whether the tests run under nextest; `cargo test` does the same work, slower.
pub(crate) fn nextest() -> bool {
    works("cargo", &["nextest", "--version"])
}

/// Node's own test runner and npm, and the pinned packages of a folder.
pub(crate) fn node_packages(steps: &mut Steps, name: &'static str, folder: &str) -> Result<(), Failed> {
    let version = output("node", &["--version"]).unwrap_or_default();
    let major = major(&version);
    if major.is_none_or(|major| major < 20) || !works("npm", &["--version"]) {
        let found = if version.is_empty() { "no node".to_owned() } else { format!("node {version}") };
        return Err(Failed::new(format!(
            "the JavaScript tests need Node.js 20 or newer with npm, and found {found}.\n\
             Get it from your system (Debian 13, Ubuntu 25.04 or newer: apt-get install nodejs npm; macOS: brew install node)\n\
             or from nodejs.org, then repeat: cargo xtask test js (or node)"
        )));
    }
    steps.run(&Step::new(name, "npm").args(&["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).dir(folder))
}

/// The machine's own Node.js if it is of this line; otherwise the one that npm has, pinned in `test/runtime`.
pub(crate) fn node_runtime(steps: &mut Steps, line: u32) -> Result<PathBuf, Failed> {
    if major(&output("node", &["--version"]).unwrap_or_default()) == Some(line) {
        return Ok("node".into());
    }
    let folder = format!("crates/node/test/runtime/{line}");
    node_packages(steps, "another Node.js", &folder)?;
    let node = root().join(&folder).join("node_modules/.bin/node");
    let found = output(&node, &["--version"]).unwrap_or_default();
    if major(&found) != Some(line) {
        return Err(Failed::new(format!(
            "the tests of the Node package run on Node.js {line} too, and npm brought none: it could not be fetched, \
             or there is none for this platform ({folder}/package.json names them).\n\
             Put a Node.js {line} first on the PATH and repeat: cargo xtask test node"
        )));
    }
    Ok(node)
}

/// The 20 of `v20.1.0`.
fn major(version: &str) -> Option<u32> {
    version.trim_start_matches('v').split('.').next()?.parse().ok()
}

/// A Python environment of our own under `target`, with the pinned packages of `clients/python`.
pub(crate) fn python_environment(steps: &mut Steps) -> Result<PathBuf, Failed> {
    let new_enough = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";
    if !works("python3", &["-c", new_enough]) {
        return Err(Failed::new(
            "the Python and AWS CLI client tests need Python 3.10 or newer with its venv module.\n\
             Debian, Ubuntu: apt-get install python3 python3-venv; macOS: brew install python3\n\
             then repeat: cargo xtask test python",
        ));
    }
    let requirements = root().join("clients/python/requirements.txt");
    let wanted =
        std::fs::read_to_string(&requirements).map_err(|error| Failed::new(format!("requirements.txt: {error}")))?;
    let home = target().join("clients-python");
    let python = home.join("bin/python");
    let stamp = home.join("installed.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    steps.run(&Step::new("Python environment", "python3").args(&["-m", "venv", "--clear"]).arg(&home))?;
    steps.run(
        &Step::new("Python packages for the Python and AWS CLI clients", &python)
            .args(&["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(&requirements),
    )?;
    std::fs::write(&stamp, wanted).map_err(|error| Failed::new(format!("Python environment: {error}")))?;
    Ok(python)
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
