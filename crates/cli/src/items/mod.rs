//! Items on stdin, one a line: read, worked on by all cores, written in order, in bounded memory.
//!
//! ```text
//!  input.rs ── lines.rs ──> Batch ──┬──> worker ──┐
//!                                   ├──> worker ──┤ one answer slot per batch
//!                                   └──> worker ──┘        |
//!           queue of slots, in order, bounded  ─────> writer ──> stdout, failures on stderr
//! ```

pub(crate) mod document;
pub(crate) mod input;
pub(crate) mod lines;
mod progress;
pub(crate) mod stream;
pub(crate) mod wrapped;

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

/// Code and message of a failure, before its line is known.
pub(crate) struct Failed {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Failed {
    pub(crate) fn new(code: &'static str, what: impl std::fmt::Display, hint: &str) -> Self {
        Self { code, message: format!("{what}; {hint}") }
    }

    /// The same, of item `number` of several on a line.
    pub(crate) fn of_item(self, number: usize) -> Self {
        Self { message: format!("item {number} of the answer: {}", self.message), ..self }
    }

    pub(crate) fn at(self, line: u64) -> LineFailure {
        LineFailure { line, code: self.code, message: self.message }
    }
}
