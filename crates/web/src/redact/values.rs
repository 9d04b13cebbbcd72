//! Where the value after a sensitive name ends. Whoever cannot tell takes the rest of the text.

use std::ops::Range;
use std::sync::LazyLock;

use regex_lite::Regex;

use super::facts::FACTS;

/// How a value stands behind its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Line,
    Word,
    Cell,
    Element,
}

/// The value that starts at `at` or behind blanks; `indent` is that of its name's line.
pub(super) fn value_at(text: &str, at: usize, sign: Sign, indent: usize) -> Range<usize> {
    let start = continued(text, skip_blanks(text, at));
    let first = byte(text, start);
    if start >= text.len() || is_break(first) {
        return match sign {
            Sign::Line => block_at(text, start, indent),
            Sign::Word => word_below(text, at, start),
            Sign::Cell | Sign::Element => at..at,
        };
    }
    if matches(&ABSENT, window(text, start, 16)) {
        return start..start;
    }
    if sign == Sign::Cell {
        return start..start + length_until(text, start, |byte| matches!(byte, b'\t' | b'|' | b'\r' | b'\n'));
    }
    if is_quote(first) {
        return start..quoted_end(text, start).unwrap_or(text.len());
    }
    if closing(first).is_some() {
        let end = balanced_end(text, start).unwrap_or(text.len());
        return start..if sign == Sign::Word { word_end(text, end) } else { end };
    }
    match sign {
        Sign::Element => start..element_end(text, start),
        Sign::Word => start..list_end(text, at, start).unwrap_or_else(|| scheme_end(text, start)),
        _ => match NUMBER.as_ref().and_then(|number| number.captures(window(text, start, 48))?.get(1)) {
            Some(number) => start..start + number.len(),
            None => start..block_end(text, line_end(text, start), indent),
        },
    }
}

/// Behind the end of a line whose end is escaped.
fn continued(text: &str, at: usize) -> usize {
    let is_escaped = byte(text, at) == b'\\' && is_break(byte(text, at + 1));
    if is_escaped { skip_blanks(text, after_break(text, at + 1)) } else { at }
}

/// The value on the line below its name's, if that line is no pair of its own.
fn word_below(text: &str, at: usize, line_break: usize) -> Range<usize> {
    let next = skip_blanks(text, after_break(text, line_break));
    let line = text.get(next..line_end(text, next)).unwrap_or_default();
    if line.is_empty() || line.contains(['=', ':']) || matches(&FRAME, line) {
        return at..at;
    }
    value_at(text, next, Sign::Word, 0)
}

/// A value that is one word or one small number and ends there, with nothing on deeper lines: one of which it may be said that
/// it tells nothing.
pub(super) fn scalar_at(text: &str, at: usize, sign: Sign) -> Option<&str> {
    let start = at + length_until(text, at, |byte| !is_blank(byte)).min(8);
    let quote = Some(byte(text, start)).filter(|byte| is_quote(*byte));
    let from = start + usize::from(quote.is_some());
    let letters = length_until(text, from, |byte| !byte.is_ascii_alphabetic());
    let digits = length_until(text, from, |byte| !byte.is_ascii_digit());
    let length = Some(letters).filter(|length| (1..=12).contains(length));
    let length = length.or(Some(digits).filter(|length| (1..=6).contains(length)))?;
    let mut end = from + length;
    let scalar = text.get(from..end)?;
    if let Some(quote) = quote {
        if byte(text, end) != quote {
            return None;
        }
        end += 1;
    }
    if sign == Sign::Line {
        end += length_until(text, end, |byte| !is_blank(byte)).min(4);
    }
    let ends = match byte(text, end) {
        _ if end >= text.len() => true,
        b',' | b';' | b'}' | b']' | b')' => true,
        b'&' | b' ' | b'\t' => sign != Sign::Line,
        b'\r' if byte(text, end + 1) != b'\n' => false,
        b'\r' | b'\n' => sign != Sign::Line || !is_blank(byte(text, after_break(text, end))),
        _ => false,
    };
    ends.then_some(scalar)
}

/// The end of a quoted text, with what is glued to it; `None` if the quote stays open.
fn quoted_end(text: &str, start: usize) -> Option<usize> {
    let quote = byte(text, start);
    let triple = [quote; 3];
    let bytes = text.as_bytes();
    if bytes.get(start..).is_some_and(|rest| rest.starts_with(&triple)) {
        let rest = bytes.get(start + 3..)?;
        return Some(rest.windows(3).position(|three| three == triple)? + start + 6);
    }
    let (mut start, mut at) = (start, start + 1);
    loop {
        let quote = byte(text, start);
        while at < text.len() && byte(text, at) != quote {
            at += if byte(text, at) == b'\\' { 2 } else { 1 };
        }
        if at >= text.len() {
            return None;
        }
        // 'it''s', 'a'"b", 'a' + 'b'
        let end = at
            + 1
            + PLUS
                .as_ref()
                .and_then(|plus| plus.captures(window(text, at + 1, 136))?.get(1))
                .map_or(0, |plus| plus.len());
        if at == start + 1 || !is_quote(byte(text, end)) {
            return Some(end);
        }
        (start, at) = (end, end + 1);
    }
}

/// The end of what a bracket opens; `None` if it stays open.
fn balanced_end(text: &str, start: usize) -> Option<usize> {
    let (mut open, mut at) = (Vec::new(), start);
    while at < text.len() {
        let byte = byte(text, at);
        at += 1;
        match byte {
            b'\\' => at += 1,
            // One that stays open is an apostrophe.
            b'"' | b'\'' => at = quoted_end(text, at - 1).unwrap_or(at),
            b']' | b'}' | b')' => {
                if open.pop() != Some(byte) {
                    return None;
                }
                if open.is_empty() {
                    return Some(at);
                }
            }
            _ => open.extend(closing(byte)),
        }
    }
    None
}

/// Up to a blank or `&`, which may stand in quotes and brackets.
fn word_end(text: &str, start: usize) -> usize {
    let mut at = start;
    // One that stays open is looked for once.
    let mut open: Vec<u8> = Vec::new();
    while at < text.len() && !matches!(byte(text, at), b' ' | b'\t' | b'\r' | b'\n' | b'&') {
        let byte = byte(text, at);
        let end = match byte {
            _ if open.contains(&byte) => Some(at + 1),
            _ if is_quote(byte) => quoted_end(text, at),
            _ if closing(byte).is_some() => balanced_end(text, at),
            _ => Some(at + 1),
        };
        if end.is_none() {
            open.push(byte);
        }
        at = end.unwrap_or(at + 1);
    }
    at.min(text.len())
}

/// A word; after `Bearer` and its like another one.
fn scheme_end(text: &str, start: usize) -> usize {
    let end = word_end(text, start);
    let word = text.get(start..end).unwrap_or_default().to_ascii_lowercase();
    let next = skip_blanks(text, end);
    let leads = FACTS.as_ref().is_some_and(|facts| facts.schemes.contains(&word));
    if leads && next > end { word_end(text, next) } else { end }
}

/// In `a=x; b=y` a value ends with its semicolon and may have blanks; `None` if it stands in no such list.
fn list_end(text: &str, at: usize, start: usize) -> Option<usize> {
    let line = window(text, start, MAX_ITEM);
    let line = line.split(is_line_break).next().unwrap_or_default();
    if let Some(semicolon) = line.find([';', '&']).filter(|end| byte(line, *end) == b';')
        && matches(&ITEM, line.get(semicolon..).unwrap_or_default())
    {
        return Some(start + semicolon);
    }
    if !matches(&ITEM_BEFORE, window_before(text, at, 80)) {
        return None;
    }
    let last = line.find([';', '&', '"', '\'', '`']).unwrap_or(line.len());
    Some((start + last).max(word_end(text, start)))
}

fn element_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    if rest.starts_with("<![CDATA[") {
        return rest.find("]]>").map_or(text.len(), |end| start + end + 3);
    }
    rest.find('<').map_or(text.len(), |end| start + end)
}

/// The value on the lines below a name: those that are deeper than its own, or the next one if it is no pair.
fn block_at(text: &str, line_break: usize, indent: usize) -> Range<usize> {
    let end = block_end(text, line_break, indent);
    if end > line_break {
        return skip_space(text, line_break)..end;
    }
    let next = after_break(text, line_break);
    let line = text.get(next..line_end(text, next)).unwrap_or_default();
    if line.trim().is_empty() || line.contains(['=', ':']) || matches(&FRAME, line) {
        return line_break..line_break;
    }
    next..next + line.len()
}

/// The end of the lines that are deeper than `indent`.
fn block_end(text: &str, from: usize, indent: usize) -> usize {
    let (mut end, mut next) = (from, after_break(text, from));
    while next < text.len() {
        let stop = line_end(text, next);
        let line = text.get(next..stop).unwrap_or_default();
        if !line.trim().is_empty() {
            if line.len() - line.trim_start().len() <= indent || matches(&FRAME, line) {
                break;
            }
            end = stop;
        }
        if stop >= text.len() {
            break;
        }
        next = after_break(text, stop);
    }
    end
}

fn line_end(text: &str, at: usize) -> usize {
    at + length_until(text, at, is_break)
}

fn after_break(text: &str, at: usize) -> usize {
    let is_pair = byte(text, at) == b'\r' && byte(text, at + 1) == b'\n';
    text.len().min(at + if is_pair { 2 } else { 1 })
}

pub(super) fn skip_blanks(text: &str, at: usize) -> usize {
    at + length_until(text, at, |byte| !is_blank(byte))
}

pub(super) fn skip_space(text: &str, at: usize) -> usize {
    at + length_until(text, at, |byte| !is_blank(byte) && !is_break(byte))
}

/// How many bytes there are before one that `ends`.
fn length_until(text: &str, at: usize, ends: impl Fn(u8) -> bool) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    rest.iter().position(|byte| ends(*byte)).unwrap_or(rest.len())
}

/// The byte at a place; 0 behind the end.
pub(super) fn byte(text: &str, at: usize) -> u8 {
    text.as_bytes().get(at).copied().unwrap_or(0)
}

/// The text from a place on, as much of it as is asked for.
pub(super) fn window(text: &str, at: usize, length: usize) -> &str {
    let end = (at.saturating_add(length).min(text.len())..=text.len()).find(|end| text.is_char_boundary(*end));
    text.get(at..end.unwrap_or(text.len())).unwrap_or_default()
}

/// The text before a place, as much of it as is asked for.
pub(super) fn window_before(text: &str, at: usize, length: usize) -> &str {
    let start = (at.saturating_sub(length)..=at).find(|start| text.is_char_boundary(*start));
    text.get(start.unwrap_or(at)..at).unwrap_or_default()
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

pub(super) fn is_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

fn is_line_break(char: char) -> bool {
    matches!(char, '\r' | '\n')
}

pub(super) fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

fn closing(opening: u8) -> Option<u8> {
    match opening {
        b'[' => Some(b']'),
        b'{' => Some(b'}'),
        b'(' => Some(b')'),
        _ => None,
    }
}

pub(super) type Pattern = LazyLock<Option<Regex>>;

pub(super) fn matches(pattern: &Pattern, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

const MAX_ITEM: usize = 1100;
static ABSENT: Pattern =
    LazyLock::new(|| Regex::new(r"^(?:null|undefined|None|nil|NULL)[ \t]{0,4}(?:[,}\])\r\n]|$)").ok());
/// Without this, a number inside of `{ pin: 7, page: 2 }` would take the rest of the line with it.
static NUMBER: Pattern = LazyLock::new(|| Regex::new(r"^(-?[0-9][0-9.eE+-]{0,30})[ \t]{0,4}[,}\])]").ok());
static PLUS: Pattern = LazyLock::new(|| Regex::new(r#"^([ \t\r\n]{0,64}\+[ \t\r\n]{0,64})["'`]"#).ok());
static ITEM: Pattern = LazyLock::new(|| Regex::new(r"^;[ \t]{0,4}[A-Za-z][A-Za-z0-9_ .-]{0,64}=").ok());
static ITEM_BEFORE: Pattern = LazyLock::new(|| Regex::new(r";[ \t]{0,4}[A-Za-z][A-Za-z0-9_ .-]{0,64}=$").ok());
static FRAME: Pattern = LazyLock::new(|| Regex::new(r"^[ \t]*at .*[:(][^()]*[0-9)>]$").ok());
