//! Names and tags as they stand in a text.

use super::values::{byte, is_quote, window};

/// A name that was met, and what stands around it.
pub(super) struct Name<'t> {
    pub text: &'t str,
    pub start: usize,
    /// Behind its quotes and brackets.
    pub end: usize,
    pub quoted: bool,
    /// Whether a bracket was closed behind it.
    pub closes: bool,
}

/// With what may stand between a name and its sign: quotes, brackets, an index, marks of a text's format.
pub(super) fn name_at(text: &str, start: usize, end: usize) -> Name<'_> {
    let (mut at, mut quoted, mut closes) = (end, false, false);
    for _ in 0..MAX_TAIL {
        match byte(text, at) {
            char if is_quote(char) && !quoted => quoted = true,
            b'[' => {
                let inside = window(text, at + 1, 65);
                let close = inside.find(|char: char| char == ']' || char.is_whitespace());
                match close.filter(|close| byte(inside, *close) == b']') {
                    Some(close) => at += close + 1,
                    None => break,
                }
            }
            b')' | b']' | b'}' => closes = true,
            b'*' | b'?' | b'!' => {}
            _ => break,
        }
        at += 1;
    }
    Name { text: text.get(start..end).unwrap_or_default(), start, end: at, quoted, closes }
}

pub(super) fn is_name_start(text: &str, at: usize) -> bool {
    let byte = byte(text, at);
    is_name_byte(byte) && byte != b'-' && byte != b'.'
}

pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | 0x80..)
}

/// A dot or a dash belongs to a name if the name goes on behind it.
pub(super) fn name_end(text: &str, start: usize) -> usize {
    let mut at = start;
    while at < text.len() && is_name_byte(byte(text, at)) {
        at += 1;
    }
    while at > start + 1 && matches!(byte(text, at - 1), b'-' | b'.') {
        at -= 1;
    }
    at
}

pub(super) fn tag_name_end(text: &str, start: usize) -> usize {
    let mut at = start;
    while at < text.len() && (is_name_byte(byte(text, at)) || byte(text, at) == b':') {
        at += 1;
    }
    at
}

/// The `>` of a tag.
pub(super) fn tag_end(text: &str, start: usize) -> Option<usize> {
    let mut quote = 0;
    for at in start..text.len().min(start + MAX_TAG) {
        match byte(text, at) {
            char if quote != 0 => quote = if char == quote { 0 } else { quote },
            char @ (b'"' | b'\'') => quote = char,
            b'>' => return Some(at),
            _ => {}
        }
    }
    None
}

const MAX_TAIL: usize = 8;
const MAX_TAG: usize = 2048;
