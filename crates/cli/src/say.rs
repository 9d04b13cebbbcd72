//! The one place that turns errors into words on stderr.

use std::io::{self, Write};

use dynaseal_engine::Fault;

use crate::error::Error;
#[cfg(feature = "items")]
use crate::items::LineFailure;

/// Says what went wrong and what to do.
pub(crate) fn error(error: &Error) {
    let mut out = Vec::new();
    match error {
        Error::Config(errors) => faults(errors.iter(), &mut out),
        other => block(&format!("error[{}]: {other}", other.code()), other.hint(), &mut out),
    }
    // Nothing can be said when stderr is gone.
    let _ = io::stderr().write_all(&out);
}

/// Every fault of a configuration, as a compiler would say it.
pub(crate) fn faults<'f>(faults: impl IntoIterator<Item = &'f Fault>, out: &mut Vec<u8>) {
    let mut count = 0;
    for fault in faults {
        self::fault("error", fault, out);
        count += 1;
    }
    wrap(&format!("{count} {} in the configuration", if count == 1 { "error" } else { "errors" }), "", out);
}

/// One fault or warning.
pub(crate) fn fault(grade: &str, fault: &Fault, out: &mut Vec<u8>) {
    let place = format!("{}:{}:{}", fault.file, fault.line, fault.column);
    block(&format!("{place}: {grade}[{}]: {}", fault.code, fault.message), &fault.hint, out);
}

pub(crate) fn block(what: &str, hint: &str, out: &mut Vec<u8>) {
    wrap(what, "    ", out);
    wrap(&format!("  help: {hint}"), "        ", out);
}

/// Whether someone still reads stdout.
#[cfg(feature = "items")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    There,
    /// Whoever read our output has seen enough of it; that is no error.
    Gone,
}

/// Writes to stdout what was asked for.
#[cfg(feature = "items")]
pub(crate) fn page(text: &[u8]) -> Result<Reader, Error> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(source) => Err(Error::Output { source }),
    }
}

/// Writes failed items to stderr, one JSON object a line.
#[cfg(feature = "items")]
pub(crate) fn line_failures(failures: &[LineFailure]) {
    let mut out = Vec::new();
    for failure in failures {
        // Serialising plain data into memory cannot fail.
        if serde_json::to_writer(&mut out, failure).is_ok() {
            out.push(b'\n');
        }
    }
    // Nothing can be said when stderr is gone; the exit code still tells.
    let _ = io::stderr().write_all(&out);
}

/// Text from an item without what would command a terminal.
#[cfg(feature = "items")]
pub(crate) fn printable(text: &str) -> String {
    let char = |char: char| if char.is_control() { char.escape_default().to_string() } else { char.to_string() };
    text.chars().map(char).collect()
}

/// Appends `lead` and, to the right of it, `text` in lines of at most 80 columns.
#[cfg(feature = "items")]
pub(crate) fn wrap_columns(lead: &str, text: &str, out: &mut Vec<u8>) {
    let indent = " ".repeat(lead.chars().count());
    let mut wrapped = Vec::new();
    wrap(&format!("{indent}{text}"), &indent, &mut wrapped);
    out.extend_from_slice(lead.as_bytes());
    out.extend_from_slice(wrapped.get(indent.len()..).unwrap_or_default());
}

/// Appends `text` in lines of at most 80 columns; lines after the first start with `indent`.
pub(crate) fn wrap(text: &str, indent: &str, out: &mut Vec<u8>) {
    let mut line: String = text.chars().take_while(|char| *char == ' ').collect();
    let mut empty = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !empty && line.chars().count() + 1 + word.chars().count() > COLUMNS {
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
            indent.clone_into(&mut line);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    out.extend_from_slice(line.as_bytes());
    out.push(b'\n');
}

const COLUMNS: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_keep_their_indent() {
        let mut out = Vec::new();
        wrap(&format!("  help: {} end", "word ".repeat(15)), "        ", &mut out);
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() <= COLUMNS), "{text}");
        assert_eq!((lines.len(), &lines[0][..12], lines[1]), (2, "  help: word", "        word end"));
    }
}
