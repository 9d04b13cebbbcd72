//! Beside AWS's own crate, which takes minutes to build and so lives in a workspace of its own, `interop/`.

use crate::step::{Failed, Step, Steps};

/// Each opens what the other sealed, and both refuse the same items.
pub(crate) fn run(steps: &mut Steps) -> Result<(), Failed> {
    steps.run(&interop("interop with aws-db-esdk", &["run", "--release"]).args(&["--", "--items", "2000"]))
}

/// CPU time per item, ours beside AWS's crate and beside the bare cipher calls.
pub(crate) fn bench(steps: &mut Steps) -> Result<(), Failed> {
    steps.run(&interop("bench beside aws-db-esdk", &["bench"]))
}

fn interop(name: &'static str, command: &[&str]) -> Step {
    Step::cargo(name, command).args(&["--manifest-path", "interop/Cargo.toml"])
}
