//! What is too long for every change, and what building the whole workspace at once hides: a feature that only compiles beside
//! another, a compiler that is too old, a dependency older than what is used of it, a crate that cannot be packed.

use std::fs;

use crate::step::{Failed, Step, Steps, output, root, target};
use crate::{fuzz, interop, lint, suites};

/// All of it.
pub(crate) fn run(steps: &mut Steps) -> Result<(), Failed> {
    features(steps)?;
    oldest_compiler(steps)?;
    oldest_dependencies(steps)?;
    lint::deny(steps)?;
    steps.run(&Step::cargo("advisories", &["deny", "--all-features", "check", "advisories"]))?;
    suites::run(steps, &[suites::NODE_MATRIX])?;
    interop::long(steps)?;
    fuzz::run(steps, &fuzz::Options::long())
}

/// Each feature of each crate that has some, alone, and each crate without any.
pub(crate) fn features(steps: &mut Steps) -> Result<(), Failed> {
    for (package, features) in ALONE {
        for feature in std::iter::once(&"").chain(features) {
            let name = if feature.is_empty() { "no feature".to_owned() } else { format!("feature {feature} alone") };
            let check = Step::cargo(format!("{package}, {name}"), &["check", "--package", package]);
            let check = check.args(&["--no-default-features", "--features", feature]);
            steps.run(&check.env("RUSTFLAGS", "-D warnings"))?;
        }
    }
    Ok(())
}

/// The compiler that `Cargo.toml` promises.
fn oldest_compiler(steps: &mut Steps) -> Result<(), Failed> {
    let manifest =
        fs::read_to_string(root().join("Cargo.toml")).map_err(|error| Failed::new(format!("Cargo.toml: {error}")))?;
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = \"")?.strip_suffix('"'));
    let version = version.ok_or_else(|| Failed::new("Cargo.toml has no rust-version"))?;
    let install = ["toolchain", "install", version, "--profile", "minimal", "--no-self-update"];
    steps.run(&Step::new("the oldest compiler", "rustup").args(&install))?;
    let check = Step::cargo("the workspace by the oldest compiler", &[&format!("+{version}"), "check"]);
    steps.run(&check.args(&["--workspace", "--all-features", "--target-dir"]).arg(target().join("oldest-compiler")))
}

/// The oldest versions that our own manifests allow, in a copy, since they need a lock file of their own.
fn oldest_dependencies(steps: &mut Steps) -> Result<(), Failed> {
    let copy = target().join("oldest-dependencies");
    fs::create_dir_all(&copy).map_err(|error| Failed::new(format!("{}: {error}", copy.display())))?;
    let archive = copy.join("source.tar");
    steps.run(
        &Step::new("a copy of what is committed", "git").args(&["archive", "--output"]).arg(&archive).arg("HEAD"),
    )?;
    steps.run(&Step::new("the copy, unpacked", "tar").arg("xf").arg(&archive).arg("-C").arg(&copy))?;
    let update = Step::cargo("the oldest dependencies", &["update", "-Z", "direct-minimal-versions"]);
    steps.run(&update.env("RUSTC_BOOTSTRAP", "1").dir(&copy))?;
    let check = ["check", "--workspace", "--all-features", "--exclude", "xtask"];
    steps.run(&Step::cargo("the workspace on its oldest dependencies", &check).dir(&copy))
}

/// Every crate that will be published, packed and built from what was packed.
pub(crate) fn package(steps: &mut Steps) -> Result<(), Failed> {
    let packages: Vec<_> = PUBLISHED.iter().flat_map(|package| ["--package", package]).collect();
    let dirty = output("git", &["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty());
    let pack = Step::cargo("packages", &["package"]).args(&packages);
    steps.run(&if dirty { pack.arg("--allow-dirty") } else { pack })
}

/// Crates with features, and these.
const ALONE: [(&str, &[&str]); 5] = [
    ("dynaseal-item", &["aws-sdk"]),
    ("dynaseal-http", &["network"]),
    ("dynaseal-web", &["layers", "aws-sdk"]),
    ("dynaseal", &["default-https-client", "kms", "streams", "vault"]),
    // Without any it is the image of a server: `dynaseal gateway` alone.
    ("dynaseal-cli", &["dev", "items"]),
];
/// In the order in which they depend on each other. The Node crate is published as npm packages.
const PUBLISHED: [&str; 8] = [
    "dynaseal-item",
    "dynaseal-keys",
    "dynaseal-engine",
    "dynaseal-http",
    "dynaseal-web",
    "dynaseal-gateway",
    "dynaseal",
    "dynaseal-cli",
];
