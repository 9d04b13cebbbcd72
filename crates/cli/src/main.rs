//! COMMANDS: the `dynaseal` binary. A command is a library call plus words.
//!
//! ```text
//!  arguments ── args.rs ──> Command ── cmd/ ──> Outcome ──> exit code 0 done, 1 found something in the data
//!                                        |
//!                                        └────> Error ───── say.rs ──> what, code and hint on stderr, exit code 2, or 3 if
//!                                                                      trying again later may help
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
mod output;
#[cfg(feature = "items")]
mod report;
mod say;
#[cfg(feature = "items")]
mod tables;
#[cfg(feature = "dev")]
mod whole_file;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clap::Parser as _;

use crate::cmd::Outcome;
use crate::error::Error;
use crate::output::Stream;

fn main() -> ExitCode {
    let outcome = match args::Args::try_parse() {
        Ok(args) => cmd::run(args.command),
        Err(usage) if usage.use_stderr() => {
            let text = words(&usage, io::stderr().is_terminal());
            // Nothing can be said when stderr is gone.
            let _ = Stream::Err.write(text.as_bytes());
            return ExitCode::from(COULD_NOT);
        }
        // What --help and --version say is what was asked for.
        Err(help) => say::page(words(&help, io::stdout().is_terminal()).as_bytes()).map(|()| Outcome::Done),
    };
    match outcome {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        #[cfg(any(feature = "dev", feature = "items"))]
        Ok(Outcome::Found) => ExitCode::from(1),
        #[cfg(feature = "items")]
        Ok(Outcome::Refused) => ExitCode::from(COULD_NOT),
        #[cfg(feature = "items")]
        Ok(Outcome::Later) => ExitCode::from(LATER),
        // Whoever read our output has seen enough of it. It is not whole, and there is nothing to say to anybody.
        Err(Error::Output { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(READER_GONE),
        Err(error) => {
            say::error(&error);
            ExitCode::from(if error.is_passing() { LATER } else { COULD_NOT })
        }
    }
}

fn words(message: &clap::Error, is_terminal: bool) -> String {
    let text = message.render();
    let is_plain = !is_terminal || std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
    if is_plain { text.to_string() } else { text.ansi().to_string() }
}

/// Usage, configuration, or an output that cannot be written.
const COULD_NOT: u8 = 2;
const LATER: u8 = 3;
/// As a shell tells that a program was ended by SIGPIPE.
const READER_GONE: u8 = 141;
