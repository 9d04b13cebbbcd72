//! One file per command.

#[cfg(feature = "items")]
pub(crate) mod check;
#[cfg(feature = "dev")]
pub(crate) mod dev;
mod explain;
pub(crate) mod gateway;
#[cfg(feature = "items")]
pub(crate) mod inspect;
#[cfg(feature = "items")]
pub(crate) mod repair;
#[cfg(feature = "items")]
pub(crate) mod seal;

use crate::args::Command;
use crate::error::Error;

/// How a command ended that could be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well.
    Done,
    /// It ran to its end and found something wrong: an item that does not open, a configuration with faults.
    #[cfg(any(feature = "dev", feature = "items"))]
    Found,
    /// It stopped in between, and may go on later.
    #[cfg(feature = "items")]
    Later,
    /// It ran to its end, and this process has not the right to do a part of it.
    #[cfg(feature = "items")]
    Refused,
}

pub(crate) fn run(command: Command) -> Result<Outcome, Error> {
    match command {
        #[cfg(feature = "dev")]
        Command::Dev(args) => dev::run(&args),
        Command::Gateway(args) => gateway::run(&args),
        #[cfg(feature = "items")]
        Command::Seal(args) => seal::seal(&args),
        #[cfg(feature = "items")]
        Command::Open(args) => seal::open(&args),
        #[cfg(feature = "items")]
        Command::Repair(args) => repair::run(&args),
        #[cfg(feature = "items")]
        Command::Inspect(args) => inspect::run(&args),
        #[cfg(feature = "items")]
        Command::Check(args) => check::run(&args),
        #[cfg(feature = "items")]
        Command::Keys(args) => crate::keys::run(&args),
        Command::Explain(args) => explain::run(&args),
    }
}
