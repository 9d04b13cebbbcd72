//! COMMANDS: the `dynaseal` binary. A command is a library call plus words.
//!
//! ```text
//!  arguments ── args.rs ──> Command ── cmd/ ──> Outcome ──> exit code 0 done, 1 found something
//!                                        |
//!                                        └────> Error ───── say.rs ──> what, code and hint on stderr, exit code 2
//! ```

mod args;
mod cmd;
mod error;
#[cfg(feature = "items")]
mod items;
#[cfg(feature = "items")]
mod keys;
#[cfg(feature = "items")]
mod network;
#[cfg(feature = "items")]
mod report;
mod say;
#[cfg(feature = "items")]
mod tables;
#[cfg(feature = "dev")]
mod whole_file;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match cmd::run(args::Args::parse().command) {
        Ok(cmd::Outcome::Done) => ExitCode::SUCCESS,
        #[cfg(any(feature = "dev", feature = "items"))]
        Ok(cmd::Outcome::Found) => ExitCode::from(1),
        // Whoever read our output has seen enough of it.
        #[cfg(any(feature = "dev", feature = "items"))]
        Err(error::Error::Output { source }) if source.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            say::error(&error);
            ExitCode::from(2)
        }
    }
}
