//! Items on stdin, one a line: read, worked on by all cores, written in order, in bounded memory.
//!
//! ```text
//!  input.rs ── lines.rs ──> Batch ──┬──> worker ──┐
//!                                   ├──> worker ──┤ one answer slot per batch
//!                                   └──> worker ──┘        |
//!           queue of slots, in order, bounded  ─────> tally.rs ──> stdout, failures on stderr, and the sum
//! ```

pub(crate) mod document;
pub(crate) mod input;
pub(crate) mod lines;
mod progress;
pub(crate) mod stream;
mod tally;
pub(crate) mod wrapped;

use dynaseal_engine::{Error as EngineError, Failure};
use dynaseal_item::Kind;
use dynaseal_keys::Error as KeysError;
use serde::Serialize;

/// A line whose item failed, as it stands on stderr.
#[derive(Debug, Serialize)]
pub(crate) struct LineFailure {
    /// The line, from 1.
    pub(crate) line: u64,
    /// The stable code, listed in `docs/ERRORS.md`.
    pub(crate) code: &'static str,
    /// What, where and what to do; never a value.
    pub(crate) message: String,
}

/// What a failure says of the lines that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Nothing: it is this line that is wrong, or the key of its own item.
    Line,
    /// This process was turned away; other items may have other keys.
    Refused,
    /// A service does not answer.
    Outage,
}

impl Cause {
    fn of_keys(error: &KeysError) -> Self {
        match error {
            error if error.is_passing() => Self::Outage,
            error if error.is_refusal() => Self::Refused,
            _ => Self::Line,
        }
    }

    /// Of an item that was sealed or opened.
    pub(crate) fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Keys(error) => Self::of_keys(error),
            _ => Self::Line,
        }
    }

    /// Of records, or of a call that was made for an item.
    pub(crate) fn of_call(error: &EngineError) -> Self {
        match error {
            EngineError::Keys { source, .. } => Self::of_keys(source),
            EngineError::Record { source, .. } => Self::of(source),
            error => match error.kind() {
                Kind::Outage => Self::Outage,
                Kind::Config | Kind::Internal => Self::Refused,
                _ => Self::Line,
            },
        }
    }
}

/// Code and message of a failure, before its line is known.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) cause: Cause,
}

impl Failed {
    /// Of a line that is wrong.
    pub(crate) fn new(code: &'static str, what: impl std::fmt::Display, hint: &str) -> Self {
        Self { code, message: format!("{what}; {hint}"), cause: Cause::Line }
    }

    pub(crate) fn because(self, cause: Cause) -> Self {
        Self { cause, ..self }
    }

    /// The same, of item `number` of several on a line.
    pub(crate) fn of_item(self, number: usize) -> Self {
        Self { message: format!("item {number} of the answer: {}", self.message), ..self }
    }

    pub(crate) fn at(self, line: u64) -> LineFailure {
        LineFailure { line, code: self.code, message: self.message }
    }
}
