//! The one place that turns errors into words on stderr.

#[cfg(feature = "items")]
use std::io::{self, Write as _};

use dynaseal_engine::Fault;

use crate::error::Error;
#[cfg(feature = "items")]
use crate::items::LineFailure;
use crate::output::Stream;

/// Says what went wrong and what to do.
pub(crate) fn error(error: &Error) {
    let mut out = Vec::new();
    match error {
        Error::Config(errors) => faults(errors.iter(), errors.more(), &mut out),
        other => block(&format!("error[{}]: {other}", other.code()), other.hint(), &mut out),
    }
    // Nothing can be said when stderr is gone.
    let _ = Stream::Err.write(&out);
}

/// Every fault of a configuration, as a compiler would say it; of very many the first ones, and how many `more` there are.
pub(crate) fn faults<'f>(faults: impl IntoIterator<Item = &'f Fault>, more: usize, out: &mut Vec<u8>) {
    let mut count = more;
    for fault in faults {
        self::fault("error", fault, out);
        count += 1;
    }
    let shown = if more == 0 { String::new() } else { format!("; {more} of them are not shown") };
    wrap(&format!("{count} {} in the configuration{shown}", if count == 1 { "error" } else { "errors" }), "", out);
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

/// Writes to stdout what was asked for.
pub(crate) fn page(text: &[u8]) -> Result<(), Error> {
    Stream::Out.write(text)
}

/// Writes failed items to stderr, one JSON object a line. Which they are is part of the answer, so it may not be lost.
#[cfg(feature = "items")]
pub(crate) fn line_failures(failures: &[LineFailure]) -> Result<(), Error> {
    let mut out = Vec::new();
    for failure in failures {
        json(failure, false, &mut out)?;
    }
    Stream::Err.write(&out)
}

/// An id as it is, on a terminal and in a sentence: blanks that would be lost there are shown, too.
#[cfg(feature = "items")]
pub(crate) fn id(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let end = text.trim_end().len();
    for (at, char) in text.char_indices() {
        let is_lost = char.is_whitespace() && (char != ' ' || before.is_whitespace() || at >= end);
        if is_lost {
            out.extend(char.escape_unicode());
        } else {
            out.push_str(&printable(char.encode_utf8(&mut [0; 4])));
        }
        before = char;
    }
    out
}

/// Text from elsewhere without what would command a terminal, or show it other than it is: escapes, the marks that turn the
/// direction of writing around, and what cannot be seen.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if is_unprintable(char) { out.extend(char.escape_default()) } else { out.push(char) }
    }
    out
}

/// Appends plain data as JSON that is safe to look at: what [`printable`] escapes stands as JSON escapes.
#[cfg(feature = "items")]
pub(crate) fn json(value: &impl serde::Serialize, is_pretty: bool, out: &mut Vec<u8>) -> Result<(), Error> {
    let text = if is_pretty { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
    let text = text.map_err(io::Error::from).map_err(|source| Error::Output { name: "stdout", source })?;
    for char in text.chars() {
        // Outside of strings there is none but line breaks.
        if is_unprintable(char) && char != '\n' {
            for unit in char.encode_utf16(&mut [0; 2]) {
                // Writing into a vector cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    out.push(b'\n');
    Ok(())
}

fn is_unprintable(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Appends `lead` and, to the right of it, `text` in lines of at most 80 columns.
#[cfg(feature = "items")]
pub(crate) fn wrap_columns(lead: &str, text: &str, out: &mut Vec<u8>) {
    let indent = " ".repeat(lead.chars().count());
    let mut wrapped = Vec::new();
    wrap(&format!("{indent}{text}"), &indent, &mut wrapped);
    out.extend_from_slice(printable(lead).as_bytes());
    out.extend_from_slice(wrapped.get(indent.len()..).unwrap_or_default());
}

/// Appends `text`, as far as it is [`printable`], in lines of at most 80 columns; lines after the first start with `indent`.
pub(crate) fn wrap(text: &str, indent: &str, out: &mut Vec<u8>) {
    let text = printable(text);
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
    fn nothing_commands_the_terminal() {
        let name = "a\u{1b}[31mb\u{9b}2J\rc\nd\u{202e}e\u{2066}f\u{200b}g\u{e0041}h";
        let mut out = Vec::new();
        wrap(name, "", &mut out);
        wrap_columns(name, name, &mut out);
        json(&name, false, &mut out).unwrap();
        json(&[name], true, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.chars().any(|char| is_unprintable(char) && char != '\n'), "{text:?}");
        assert_eq!(text.lines().next().unwrap(), r"a\u{1b}[31mb\u{9b}2J\rc\nd\u{202e}e\u{2066}f\u{200b}g\u{e0041}h");
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(serde_json::from_str::<String>(lines[2]).unwrap(), name);
        assert_eq!(serde_json::from_str::<Vec<String>>(&lines[3..].concat()).unwrap(), [name]);
        assert_eq!(printable("Größe 名前 👍"), "Größe 名前 👍");
    }

    #[test]
    fn an_id_is_shown_with_its_blanks() {
        assert_eq!((id("acme"), id("a b")), ("acme".to_owned(), "a b".to_owned()));
        assert_eq!(id("  lead"), r"\u{20}\u{20}lead");
        assert_eq!(id("trail "), r"trail\u{20}");
        assert_eq!(id("a  b"), r"a \u{20}b");
        assert_eq!(id(" "), r"\u{20}");
        assert_eq!(id("a\u{a0}b\n\u{202e}"), r"a\u{a0}b\u{a}\u{202e}");
    }

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
