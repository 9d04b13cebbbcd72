//! What is wrong in a configuration, and where.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use serde::Serialize;
use thiserror::Error;

/// One thing that is wrong in a configuration, or that is allowed but worth a second look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Fault {
    /// The file, as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The stable code, listed in `docs/ERRORS.md`.
    pub code: &'static str,
    /// What is wrong. Never holds key material.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, code, message, hint } = self;
        write!(f, "{file}:{line}:{column}: {code}: {message}; {hint}")
    }
}

/// Everything that is wrong in a configuration, in the order of the file; at least one fault. Of very many the first some
/// hundred are told, and of the others how many there are.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct ConfigErrors {
    faults: Vec<Fault>,
    more: usize,
}

impl ConfigErrors {
    /// The faults, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter()
    }

    /// How many more there are.
    #[must_use]
    pub fn more(&self) -> usize {
        self.more
    }

    /// The faults themselves.
    #[must_use]
    pub fn into_faults(self) -> Vec<Fault> {
        self.faults
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.faults.iter().enumerate() {
            let line_break = if at == 0 { "" } else { "\n" };
            write!(f, "{line_break}{fault}")?;
        }
        if self.more > 0 { write!(f, "\nand {} more", self.more) } else { Ok(()) }
    }
}

/// The faults found so far, and the text that tells their lines.
pub(super) struct Faults<'i> {
    file: String,
    places: Places<'i>,
    errors: Vec<Fault>,
    warnings: Vec<Fault>,
}

/// A place in the text.
pub(super) type Span = Range<usize>;

impl<'i> Faults<'i> {
    pub(super) fn new(file: &str, text: &'i str) -> Self {
        Self { file: file.to_owned(), places: Places::of(text), errors: Vec::new(), warnings: Vec::new() }
    }

    pub(super) fn error(&mut self, at: &Span, code: &'static str, message: impl Into<String>, hint: impl Into<String>) {
        let fault = self.fault(at, code, message.into(), hint.into());
        self.errors.push(fault);
    }

    pub(super) fn warn(&mut self, at: &Span, code: &'static str, message: impl Into<String>, hint: impl Into<String>) {
        let fault = self.fault(at, code, message.into(), hint.into());
        self.warnings.push(fault);
    }

    /// Drops what only follows from other faults. From text that could not be read: those in the same lines, and keys that
    /// seem missing.
    pub(super) fn drop_consequences(&mut self) {
        let unread: BTreeSet<_> =
            self.errors.iter().filter(|fault| fault.code == SYNTAX).map(|fault| fault.line).collect();
        if !unread.is_empty() {
            let follows = |fault: &Fault| [MISSING, UNDEFINED].contains(&fault.code) || unread.contains(&fault.line);
            self.errors.retain(|fault| fault.code == SYNTAX || !follows(fault));
        }
        // Where something else is wrong, such as the word `tables`, this may be all that follows from it.
        if self.errors.len() > 1 {
            self.errors.retain(|fault| fault.code != NOTHING_PROTECTED);
        }
    }

    /// Whether there are so many that not all will be told: what costs time is not worked out for more.
    pub(super) fn are_many(&self) -> bool {
        self.errors.len() >= TOLD || self.warnings.len() >= TOLD
    }

    /// Whether another fault may cost a search through so many words.
    pub(super) fn may_search(&self, words: usize) -> bool {
        self.errors.len().saturating_mul(words) < SEARCHED
    }

    /// The warnings, or the errors if there are any.
    pub(super) fn finish(self) -> Result<Vec<Fault>, ConfigErrors> {
        let Self { mut errors, mut warnings, .. } = self;
        for list in [&mut errors, &mut warnings] {
            list.sort_by_key(|fault| (fault.line, fault.column));
            list.dedup();
        }
        if errors.is_empty() {
            return Ok(warnings);
        }
        let more = errors.len().saturating_sub(TOLD);
        errors.truncate(TOLD);
        Err(ConfigErrors { faults: errors, more })
    }

    /// The errors of a configuration that was not even read.
    pub(super) fn into_errors(self) -> ConfigErrors {
        ConfigErrors { faults: self.errors, more: 0 }
    }

    fn fault(&self, at: &Span, code: &'static str, message: String, hint: String) -> Fault {
        let (line, column) = self.places.of_byte(at.start);
        Fault { file: self.file.clone(), line, column, code, message, hint }
    }
}

/// Where the lines of a text begin, and how many characters stand before each of its pieces: so that no fault costs a walk
/// through all of it.
struct Places<'i> {
    text: &'i str,
    lines: Vec<usize>,
    characters: Vec<usize>,
}

impl<'i> Places<'i> {
    fn of(text: &'i str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let counted = text.as_bytes().chunks(PIECE).scan(0, |before, piece| {
            let own = *before;
            *before += begun(piece);
            Some(own)
        });
        Self { text, lines, characters: counted.collect() }
    }

    /// Line and column of a byte, both from 1.
    fn of_byte(&self, at: usize) -> (usize, usize) {
        let at = at.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= at);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        (line, self.before(at).saturating_sub(self.before(start)) + 1)
    }

    /// How many characters begin before a byte.
    fn before(&self, at: usize) -> usize {
        let piece = at / PIECE;
        let rest = self.text.as_bytes().get(piece * PIECE..at).unwrap_or_default();
        match self.characters.get(piece) {
            Some(before) => before + begun(rest),
            // At the end of a text whose last piece is full.
            None => self.text.chars().count(),
        }
    }
}

/// How many characters begin in a piece of UTF-8.
fn begun(piece: &[u8]) -> usize {
    piece.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

const PIECE: usize = 256;
/// How many words are looked at for what may have been meant, all in all.
const SEARCHED: usize = 100_000;
/// How many faults are told.
const TOLD: usize = 200;

/// A value as a fault may show it: short words only, so that a key that was put into the wrong place is not shown.
pub(super) fn shown(value: &str) -> String {
    let hex = value.chars().filter(char::is_ascii_hexdigit).count();
    let word = value.len() <= 48 && hex < 24 && !value.chars().any(char::is_control);
    if word { format!("\"{value}\"") } else { "(not shown: it may be a secret)".to_owned() }
}

/// The configuration itself cannot be read.
pub(super) const UNREADABLE: &str = "DSL-5000";
/// The text is not TOML.
pub(super) const SYNTAX: &str = "DSL-5001";
/// A key that nothing reads.
pub(super) const UNKNOWN_KEY: &str = "DSL-5002";
/// A key that must be there.
pub(super) const MISSING: &str = "DSL-5003";
/// A value of another type.
pub(super) const TYPE: &str = "DSL-5004";
/// A value that is not one of those allowed, or out of range.
pub(super) const VALUE: &str = "DSL-5005";
/// Two keys that contradict each other.
pub(super) const CONTRADICTION: &str = "DSL-5006";
/// The name of a key that is not defined.
pub(super) const UNDEFINED: &str = "DSL-5007";
/// A multi key that contains itself.
pub(super) const CYCLE: &str = "DSL-5008";
/// An environment variable that is not set.
pub(super) const ENVIRONMENT: &str = "DSL-5010";
/// A file that cannot be read.
pub(super) const FILE: &str = "DSL-5011";
/// Key material that cannot be used.
pub(super) const KEY_MATERIAL: &str = "DSL-5012";
/// A table whose rules contradict the format's.
pub(super) const SCHEMA: &str = "DSL-5013";
/// Two tables of one logical name.
pub(super) const SHARED_NAME: &str = "DSL-5014";
/// A name that no table can have.
pub(super) const TABLE_NAME: &str = "DSL-5015";
/// No table is protected, and nothing says that this is meant.
pub(super) const NOTHING_PROTECTED: &str = "DSL-5016";
/// Two patterns stand for the same tables.
pub(super) const SAME_TABLES: &str = "DSL-5017";
/// Two patterns match a table and protect it differently, and none is inside the other.
pub(super) const OVERLAP: &str = "DSL-5018";
/// Warning: a section takes tables from a pattern that protects them otherwise.
pub(super) const SHADOWED: &str = "DSL-5209";
/// Warning: others can read a key file.
pub(super) const OPEN_FILE: &str = "DSL-5201";
/// Warning: no table uses a key.
pub(super) const UNUSED: &str = "DSL-5202";
/// Warning: a table takes or gives unsealed items.
pub(super) const UNSEALED: &str = "DSL-5203";
/// Warning: no table is protected, as the configuration says.
pub(super) const NO_TABLES: &str = "DSL-5204";
/// Warning: a key that can be guessed.
pub(super) const GUESSABLE: &str = "DSL-5206";
/// Warning: others can write to a file, or put another one in its place.
pub(super) const WRITABLE: &str = "DSL-5207";
/// Warning: the upstream is called without TLS, as the configuration says.
pub(super) const PLAIN: &str = "DSL-5208";
/// Warning: a key opens what anybody sealed.
pub(super) const ANY_SENDER: &str = "DSL-5205";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_key_is_not_shown() {
        assert_eq!(shown("ENCRYPTION_KEY"), "\"ENCRYPTION_KEY\"");
        assert!(!shown("00112233445566778899aabbccddeeff").contains("0011"));
        assert!(!shown("-----BEGIN PRIVATE KEY-----\nMII").contains("MII"));
    }
}
