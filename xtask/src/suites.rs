//! All tests: the workspace's own, then real SDK clients against the programs that were just built.
//!
//! A suite says what must be fetched, and which chains of steps it consists of once everything is built. So several suites are fetched
//! for while cargo builds, and wait for their servers at the same time.

use std::path::PathBuf;

use crate::programs::{self, Programs};
use crate::step::{Failed, Step, Steps, root};
use crate::tools;

/// A suite, by its name on the command line.
pub(crate) struct Suite {
    /// Chains of steps that need nothing but a network.
    fetched: fn() -> Result<Vec<Vec<Step>>, Failed>,
    /// Whether the workspace's tests are run.
    wants_tests: bool,
    /// Whether the Node package is under test.
    wants_node_package: bool,
    tests: fn(&Programs) -> Result<Vec<Vec<Step>>, Failed>,
}

/// Unit, property, vector, command-line and Rust client tests.
pub(crate) const RUST: Suite =
    Suite { fetched: || Ok(Vec::new()), wants_tests: true, wants_node_package: false, tests: rust_tests };
/// The AWS SDK for JavaScript v3, and the libraries over it.
pub(crate) const JS: Suite =
    Suite { fetched: js_packages, wants_tests: false, wants_node_package: false, tests: js_tests };
/// The Node package, against a real store and a KMS, and as packed; the oldest line of Node.js with the oldest version of the AWS
/// SDK, the middle one with the middle one, the newest with the newest.
pub(crate) const NODE: Suite =
    Suite { fetched: node_runtimes, wants_tests: false, wants_node_package: true, tests: |_| node_tests(true) };
/// The same with every version of the SDK on every line of Node.js.
pub(crate) const NODE_MATRIX: Suite =
    Suite { fetched: node_runtimes, wants_tests: false, wants_node_package: true, tests: |_| node_tests(false) };
/// boto3, PynamoDB and the AWS CLI; moto, which the KMS for tests is held to; and OpenBao.
pub(crate) const PYTHON: Suite =
    Suite { fetched: python_packages, wants_tests: true, wants_node_package: false, tests: python_tests };
/// The example services, each against the contract that both obey.
pub(crate) const EXAMPLES: Suite =
    Suite { fetched: koa_packages, wants_tests: false, wants_node_package: true, tests: example_tests };

/// Those that take longest begin first.
pub(crate) const ALL: [Suite; 5] = [NODE, RUST, PYTHON, EXAMPLES, JS];

pub(crate) fn run(steps: &mut Steps, suites: &[Suite]) -> Result<(), Failed> {
    let tests = suites.iter().any(|suite| suite.wants_tests);
    let node_package = suites.iter().any(|suite| suite.wants_node_package);
    let mut fetched = Vec::new();
    if node_package {
        tools::node()?;
        fetched.push(vec![tools::node_packages("npm packages for the Node package", programs::NODE)]);
    }
    for suite in suites {
        fetched.extend((suite.fetched)()?);
    }
    // npm's cache and the network are shared, so one after another, beside cargo.
    let fetched: Vec<Step> = fetched.into_iter().flatten().collect();
    steps.run_chains(vec![programs::build(tests), fetched])?;
    if node_package {
        steps.run(&programs::node_package())?;
    }
    let programs = if tests { programs::list(steps)? } else { Programs::default() };
    let mut chains = Vec::new();
    for suite in suites {
        chains.extend((suite.tests)(&programs)?);
    }
    steps.run_chains(chains)
}

fn rust_tests(programs: &Programs) -> Result<Vec<Vec<Step>>, Failed> {
    let mut chains: Vec<_> = programs.tests().map(|test| vec![test]).collect();
    chains.push(vec![Step::cargo("documentation examples", &["test", "--doc"]).args(programs::WORKSPACE)]);
    Ok(chains)
}

fn js_packages() -> Result<Vec<Vec<Step>>, Failed> {
    tools::node()?;
    Ok(vec![vec![tools::node_packages("npm packages for the JavaScript clients", "clients/js")]])
}

fn js_tests(_: &Programs) -> Result<Vec<Vec<Step>>, Failed> {
    let tests = Step::new("JavaScript clients", "node").args(&["--test"]);
    Ok(vec![vec![tests.dir("clients/js").env("DYNASEAL", programs::dynaseal())]])
}

fn node_runtimes() -> Result<Vec<Vec<Step>>, Failed> {
    tools::node()?;
    let sdks = OLDER_SDKS.iter().map(|(name, folder)| tools::node_packages(name, folder)).collect();
    Ok(vec![sdks, RUNTIMES.iter().filter_map(|(_, line, _)| tools::fetch_node_runtime(*line)).collect()])
}

/// One chain, since the tests pack their folder and listen to the one garbage collector.
fn node_tests(diagonal: bool) -> Result<Vec<Vec<Step>>, Failed> {
    let on = |(name, line, beside): &(&str, u32, &str)| {
        let mut tests = Step::new(*name, tools::node_runtime(*line)?).arg("scripts/test.mjs").dir(programs::NODE);
        if diagonal {
            tests = tests.arg(beside);
        }
        Ok(tests.env("DYNASEAL", programs::dynaseal()).env("FAKE_KMS", programs::fake_kms()))
    };
    Ok(vec![RUNTIMES.iter().map(on).collect::<Result<_, _>>()?])
}

fn python_packages() -> Result<Vec<Vec<Step>>, Failed> {
    Ok(vec![tools::python_environment()?.1])
}

fn python_tests(programs: &Programs) -> Result<Vec<Vec<Step>>, Failed> {
    let (python, _) = tools::python_environment()?;
    let clients = Step::new("Python and AWS CLI clients", &python)
        .args(&["-m", "pytest", "-q", "-p", "no:cacheprovider", "clients/python"])
        .env("DYNASEAL", programs::dynaseal());
    let beside = programs.test("moto")?.named("the KMS for tests beside moto").env("MOTO_PYTHON", &python);
    let vault = programs.test("openbao")?.named("keys of Vault on OpenBao").env("OPENBAO_PYTHON", &python);
    Ok(vec![vec![clients], vec![beside, vault]])
}

fn koa_packages() -> Result<Vec<Vec<Step>>, Failed> {
    Ok(vec![vec![tools::node_packages("npm packages for the Koa example", KOA)]])
}

fn example_tests(_: &Programs) -> Result<Vec<Vec<Step>>, Failed> {
    let contract = |name: &str, service: &[String]| {
        let step = Step::new(name, "node").args(&["--test"]).dir("examples/contract");
        step.env("DYNASEAL", programs::dynaseal()).env("SERVICE", format!("{service:?}"))
    };
    let path = |path: PathBuf| path.to_string_lossy().into_owned();
    let rust = contract("the Rust example's contract", &[path(programs::users_axum())]);
    let build = Step::new("the Koa example", "npm").args(&["run", "build"]).dir(KOA);
    let main = root().join(KOA).join("dist/main.js");
    let koa = contract("the Koa example's contract", &["node".to_owned(), path(main)]);
    Ok(vec![vec![rust, build, koa]])
}

/// CPU time per request of the gateway, protected beside pass-through and nginx. Rewrites its table of
/// `docs/BENCHMARKS.md`.
pub(crate) fn gateway_bench(steps: &mut Steps) -> Result<(), Failed> {
    let bench = ["bench", "--package", "dynaseal-gateway", "--bench", "gateway", "--", "--write"];
    steps.run(&Step::cargo("CPU per gateway request", &bench))
}

const KOA: &str = "examples/users-koa";
/// The lines of Node.js that are supported, each with the version of the SDK that it is tested with on every change.
const RUNTIMES: [(&str, u32, &str); 3] = [
    ("Node package tests on Node.js 20", 20, "3.300"),
    ("Node package tests on Node.js 22", 22, "3.848"),
    ("Node package tests on Node.js 24", 24, "newest"),
];
const OLDER_SDKS: [(&str, &str); 2] =
    [("AWS SDK 3.300", "crates/node/test/sdk/3.300"), ("AWS SDK 3.848", "crates/node/test/sdk/3.848")];
