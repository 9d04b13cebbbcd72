//! Everything a reviewer should not have to say.

use std::fs;

use crate::step::{Failed, Step, Steps, output, root};
use crate::tools;

pub(crate) fn all(steps: &mut Steps) -> Result<(), Failed> {
    quick(steps)?;
    steps.run(&Step::cargo(
        "clippy",
        &["clippy", "--workspace", "--all-features", "--all-targets", "--", "-D", "warnings"],
    ))?;
    steps.run(
        &Step::cargo("rustdoc", &["doc", "--workspace", "--all-features", "--no-deps"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    dependencies(steps)
}

/// What is linked in changes with few changes, and its check takes minutes to build: so it runs if these files are others than
/// when it last passed. The nightly script asks in any case.
fn dependencies(steps: &mut Steps) -> Result<(), Failed> {
    let checked = root().join(CHECKED_DEPENDENCIES);
    let found = digest().map_err(Failed::new)?;
    if fs::read_to_string(&checked).is_ok_and(|text| text == found) {
        eprintln!(
            "\n==> cargo deny: passed for these very manifests, says {CHECKED_DEPENDENCIES}; delete it to ask again"
        );
        return Ok(());
    }
    deny(steps)?;
    fs::write(&checked, found).map_err(|error| Failed::new(format!("{CHECKED_DEPENDENCIES}: {error}")))?;
    eprintln!("wrote {CHECKED_DEPENDENCIES}: commit it, so that nobody needs to ask again");
    Ok(())
}

/// Advisories are left out: their database is a git repository, which a closed network cannot fetch.
pub(crate) fn deny(steps: &mut Steps) -> Result<(), Failed> {
    tools::cargo_tool(steps, "cargo-deny", DENY)?;
    steps.run(&Step::cargo("cargo deny", &["deny", "--all-features", "check", "bans", "licenses", "sources"]))
}

/// Of all that decides what cargo-deny says: its version, its rules, each manifest and the lock file.
fn digest() -> Result<String, String> {
    let decides = |path: &String| path.ends_with("Cargo.toml") || path == "Cargo.lock" || path == "deny.toml";
    let mut lines = vec![format!("cargo-deny {DENY}")];
    for path in tracked()?.into_iter().filter(decides) {
        let hash = output("git", &["hash-object", "--no-filters", &path]).ok_or("git hash-object failed")?;
        lines.push(format!("{hash} {path}"));
    }
    Ok(lines.join("\n") + "\n")
}

/// What needs no build, for the hook before each commit.
pub(crate) fn quick(steps: &mut Steps) -> Result<(), Failed> {
    steps.run(&Step::cargo("format", &["fmt", "--all", "--check"]))?;
    for (name, manifest) in [("format, interop", "interop/Cargo.toml"), ("format, fuzz", "fuzz/Cargo.toml")] {
        steps.run(&Step::cargo(name, &["fmt", "--manifest-path", manifest, "--check"]))?;
    }
    steps.check("files stay short", "cargo xtask lint quick", short_files)?;
    steps.check("no unsafe in the Node crate's sources", "cargo xtask lint quick", no_unsafe)?;
    steps.check("no machine's path or registry's host in a file", "cargo xtask lint quick", no_machine_words)?;
    steps.check("workflows and hooks name commands that exist", "cargo xtask lint quick", known_commands)
}

/// 400 lines is the rule for a source file; a few lines over are no reason for a worse cut.
fn short_files() -> Result<String, String> {
    let mut longest = (0, String::new());
    let mut long = Vec::new();
    for path in tracked()?.into_iter().filter(|path| path.starts_with("crates/") && is_source(path)) {
        let lines = fs::read_to_string(root().join(&path)).map_err(|error| format!("{path}: {error}"))?.lines().count();
        if lines > MOST_LINES && (path.contains("/src/") || path.contains("/ts/")) {
            long.push(format!("{path} has {lines} lines"));
        }
        longest = longest.max((lines, path));
    }
    if long.is_empty() {
        Ok(format!("the longest is {} with {} lines", longest.1, longest.0))
    } else {
        Err(format!("files over {MOST_LINES} lines; split them by stage or operation:\n  {}", long.join("\n  ")))
    }
}

/// The one crate whose lints allow unsafe, for what `#[napi]` expands to, has none of its own.
fn no_unsafe() -> Result<String, String> {
    let files: Vec<_> = tracked()?.into_iter().filter(|path| path.starts_with("crates/node/src/")).collect();
    for path in &files {
        let text = fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))?;
        if text.lines().any(|line| line.split("//").next().unwrap_or(line).contains("unsafe")) {
            return Err(format!("{path} says unsafe"));
        }
    }
    Ok(format!("{} files read", files.len()))
}

/// A path or host of the machine something was written on says nothing to anyone else, and tells what need not be told.
fn no_machine_words() -> Result<String, String> {
    let mut found = Vec::new();
    let paths = tracked()?;
    for path in &paths {
        // Files that are not text hold no words to check.
        let Ok(text) = fs::read_to_string(root().join(path)) else { continue };
        for (number, line) in (1..).zip(text.lines()) {
            if let Some((a, b)) = MACHINE_WORDS.iter().find(|(a, b)| line.contains(&format!("{a}{b}"))) {
                found.push(format!("{path}:{number}: {a}{b}"));
            }
        }
    }
    if found.is_empty() { Ok(format!("{} files read", paths.len())) } else { Err(found.join("\n  ")) }
}

/// A workflow or a guide that names a command which is no more fails on somebody else's machine.
fn known_commands() -> Result<String, String> {
    let exists = |call: &str, word: &str| match call {
        SCRIPT => root().join(".ci").join(word).is_file(),
        _ => word.is_empty() || word == "help" || crate::HELP.contains(&format!("{call}{word}")),
    };
    let guides = tracked()?.into_iter().filter(|path| path.starts_with('.') || path.ends_with(".md"));
    let mut count = 0;
    for path in guides {
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        for call in [COMMAND, SCRIPT] {
            for rest in text.split(call).skip(1) {
                let word = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                count += 1;
                if !exists(call, word) {
                    return Err(format!("{path} names `{call}{word}`, which does not exist"));
                }
            }
        }
    }
    Ok(format!("{count} names read"))
}

/// The files that git tracks and that still exist.
fn tracked() -> Result<Vec<String>, String> {
    let list = output("git", &["ls-files"]).ok_or("git ls-files failed: is this a git work tree?")?;
    Ok(list.lines().filter(|path| root().join(path).is_file()).map(ToOwned::to_owned).collect())
}

fn is_source(path: &str) -> bool {
    path.ends_with(".rs") || path.ends_with(".ts")
}

const COMMAND: &str = "cargo xtask ";
const SCRIPT: &str = "bash .ci/";
const DENY: &str = "0.20.2";
const CHECKED_DEPENDENCIES: &str = "deny.checked";
const MOST_LINES: usize = 420;

/// In two halves, so that this file does not find itself.
const MACHINE_WORDS: [(&str, &str); 8] = [
    ("/ro", "ot/"),
    ("/wo", "rk/"),
    ("registry.npm", "js"),
    ("python", "hosted"),
    ("pypi", ".org"),
    ("static.crates", ".io"),
    ("index.crates", ".io"),
    ("deb.deb", "ian.org"),
];
