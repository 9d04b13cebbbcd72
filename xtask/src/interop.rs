//! Beside AWS's own crate, which takes minutes to build and so lives in a workspace of its own, `interop/`; and the
//! gateway beside a pass-through.

use std::time::SystemTime;

use crate::step::{Failed, Step, Steps, root};
use crate::{programs, tools};

/// Each opens what the other sealed, and both refuse the same items; then the same of the Node package, over a real store.
pub(crate) fn run(steps: &mut Steps) -> Result<(), Failed> {
    tools::node()?;
    let packages = tools::node_packages("npm packages for the Node package", programs::NODE);
    steps.run_chains(vec![programs::build(false), vec![packages]])?;
    steps.run(&programs::node_package())?;
    // Both workspaces build into one folder, so one waits for the other in any case.
    steps.run(&random_items("600"))?;
    let script = root().join(programs::NODE).join("test/aws/exchange.mjs");
    let node = Step::cargo("interop of the Node package", &["run", "--", "--node"]).arg(script);
    steps.run(&node.dir(INTEROP).env("DYNASEAL", programs::dynaseal()))
}

/// Each opens what the other sealed, of other items every night. The seed is printed.
pub(crate) fn long(steps: &mut Steps) -> Result<(), Failed> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    steps.run(&random_items("20000").args(&["--seed", &now.as_secs().to_string()]))
}

fn random_items(count: &str) -> Step {
    Step::cargo("interop with aws-db-esdk", &["run", "--", "--items", count]).dir(INTEROP)
}

/// CPU time and allocations per item, ours beside AWS's crate and beside the bare cipher calls, rewriting the tables of
/// `docs/BENCHMARKS.md`.
pub(crate) fn bench(steps: &mut Steps) -> Result<(), Failed> {
    for (name, bench) in [("time per item", "items"), ("allocations per item", "allocations")] {
        steps.run(&Step::cargo(name, &["bench", "--bench", bench, "--", "--write"]).dir(INTEROP))?;
    }
    Ok(())
}

const INTEROP: &str = "interop";
