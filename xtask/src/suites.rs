//! All tests: the workspace's own, then real SDK clients against the gateway that was just built.

use std::path::PathBuf;

use crate::step::{Failed, Step, Steps, root, target};
use crate::tools;

pub(crate) fn all(steps: &mut Steps) -> Result<(), Failed> {
    rust(steps)?;
    js(steps)?;
    node(steps)?;
    python(steps)?;
    examples(steps)
}

/// Unit, property, vector, command-line and Rust client tests.
pub(crate) fn rust(steps: &mut Steps) -> Result<(), Failed> {
    if tools::nextest() {
        steps.run(&Step::cargo("tests", &["nextest", "run"]).args(WORKSPACE))?;
    } else {
        steps.run(&Step::cargo("tests", &["test", "--lib", "--bins", "--tests"]).args(WORKSPACE))?;
    }
    steps.run(&Step::cargo("documentation examples", &["test", "--doc"]).args(WORKSPACE))
}

/// The AWS SDK for JavaScript v3, and the libraries over it.
pub(crate) fn js(steps: &mut Steps) -> Result<(), Failed> {
    tools::node_packages(steps, "npm packages for the JavaScript clients", "clients/js")?;
    let binary = dynaseal(steps)?;
    let tests = Step::new("JavaScript clients", "node").args(&["--test"]);
    steps.run(&tests.dir("clients/js").env("DYNASEAL", binary))
}

/// The Node package: built without optimisation, against a real store and a KMS, and as packed; the oldest line of Node.js with
/// the oldest version of the AWS SDK, the middle one with the middle one, the newest with the newest.
pub(crate) fn node(steps: &mut Steps) -> Result<(), Failed> {
    node_on(steps, Some)
}

/// The same with every version of the SDK on every line of Node.js.
pub(crate) fn node_matrix(steps: &mut Steps) -> Result<(), Failed> {
    node_on(steps, |_| None)
}

fn node_on(steps: &mut Steps, sdk: impl Fn(&'static str) -> Option<&'static str>) -> Result<(), Failed> {
    node_package(steps)?;
    for (name, folder) in OLDER_SDKS {
        tools::node_packages(steps, name, folder)?;
    }
    let binary = dynaseal(steps)?;
    let kms = target().join("debug/examples/fake_kms");
    for (name, line, beside) in RUNTIMES {
        let node = tools::node_runtime(steps, line)?;
        let mut tests = Step::new(name, node).arg("scripts/test.mjs").dir(NODE);
        if let Some(version) = sdk(beside) {
            tests = tests.arg(version);
        }
        steps.run(&tests.env("DYNASEAL", &binary).env("FAKE_KMS", &kms))?;
    }
    Ok(())
}

/// The Node package, built without optimisation.
pub(crate) fn node_package(steps: &mut Steps) -> Result<(), Failed> {
    tools::node_packages(steps, "npm packages for the Node package", NODE)?;
    steps.run(&Step::new("the Node package", "node").args(&["scripts/build.mjs", "--debug"]).dir(NODE))
}

/// boto3, PynamoDB and the AWS CLI; moto, which the KMS for tests is held to; and OpenBao.
pub(crate) fn python(steps: &mut Steps) -> Result<(), Failed> {
    let python = tools::python_environment(steps)?;
    let binary = dynaseal(steps)?;
    steps.run(
        &Step::new("Python and AWS CLI clients", &python)
            .args(&["-m", "pytest", "-q", "-p", "no:cacheprovider", "clients/python"])
            .env("DYNASEAL", binary),
    )?;
    let beside = Step::cargo("the KMS for tests beside moto", &["test", "--test", "moto"]).args(WORKSPACE);
    steps.run(&beside.env("MOTO_PYTHON", &python))?;
    let vault = Step::cargo("keys of Vault on OpenBao", &["test", "--test", "openbao"]).args(WORKSPACE);
    steps.run(&vault.env("OPENBAO_PYTHON", python))
}

/// The example services, each against the contract that both obey.
pub(crate) fn examples(steps: &mut Steps) -> Result<(), Failed> {
    let binary = dynaseal(steps)?;
    let contract = |name, service: &[String]| {
        let step = Step::new(name, "node").args(&["--test"]).dir("examples/contract");
        step.env("DYNASEAL", &binary).env("SERVICE", format!("{service:?}"))
    };
    let path = |path: PathBuf| path.to_string_lossy().into_owned();
    steps.run(&contract("the Rust example's contract", &[path(target().join("debug/users-axum"))]))?;

    node_package(steps)?;
    tools::node_packages(steps, "npm packages for the Koa example", KOA)?;
    steps.run(&Step::new("the Koa example", "npm").args(&["run", "build"]).dir(KOA))?;
    let main = root().join(KOA).join("dist/main.js");
    steps.run(&contract("the Koa example's contract", &["node".to_owned(), path(main)]))
}

/// CPU time per request of the gateway, protected beside pass-through and nginx. Rewrites its table of
/// `docs/BENCHMARKS.md`.
pub(crate) fn gateway_bench(steps: &mut Steps) -> Result<(), Failed> {
    let bench = ["bench", "--package", "dynaseal-gateway", "--bench", "gateway", "--", "--write"];
    steps.run(&Step::cargo("CPU per gateway request", &bench))
}

/// Builds the program, and the programs that other suites start. An example among them makes cargo take the features that the
/// tests were built with, so that nothing is compiled twice.
pub(crate) fn dynaseal(steps: &mut Steps) -> Result<PathBuf, Failed> {
    let programs = ["build", "--bin", "dynaseal", "--bin", "users-axum", "--example", "fake_kms"];
    steps.run(&Step::cargo("the programs", &programs).args(WORKSPACE))?;
    Ok(target().join("debug/dynaseal"))
}

pub(crate) const NODE: &str = "crates/node";
const KOA: &str = "examples/users-koa";
/// The lines of Node.js that are supported, each with the version of the SDK that it is tested with on every change.
const RUNTIMES: [(&str, u32, &str); 3] = [
    ("Node package tests on Node.js 20", 20, "3.300"),
    ("Node package tests on Node.js 22", 22, "3.848"),
    ("Node package tests on Node.js 24", 24, "newest"),
];
const OLDER_SDKS: [(&str, &str); 2] =
    [("AWS SDK 3.300", "crates/node/test/sdk/3.300"), ("AWS SDK 3.848", "crates/node/test/sdk/3.848")];
const WORKSPACE: &[&str] = &["--workspace", "--all-features"];
