//! SQL statements that name columns in one place and values in another.

use std::ops::Range;
use std::sync::LazyLock;

use regex_lite::Regex;

use super::text::Rules;
use super::values::{Pattern, byte, matches, skip_space};

/// The values of statements that name a sensitive column, all of them: which is whose cannot be told without reading SQL.
pub(super) fn statement_values(text: &str, rules: &Rules<'_>) -> Vec<Range<usize>> {
    if !matches(&MAY_BE, text) {
        return Vec::new();
    }
    let heads = HEAD.iter().flat_map(|head| head.captures_iter(text));
    let values = |head: regex_lite::Captures<'_>| {
        let (whole, columns) = (head.get(0)?, head.get(1)?);
        let bare = |column: &str| column.replace(|char: char| char.is_whitespace() || "\"'`[]".contains(char), "");
        if !columns.as_str().split(',').any(|column| (rules.is_sensitive)(&bare(column))) {
            return None;
        }
        // The last byte of the values' word is a blank or a bracket, which is not a part of it.
        let is_copied = whole.as_str().to_ascii_lowercase().ends_with("stdin");
        let last = whole.end().saturating_sub(1);
        let behind = if !is_copied && byte(text, last) == b'(' { last } else { whole.end() };
        let start = skip_space(text, behind);
        let end = if is_copied { copied_end(text, start) } else { statement_end(text, start) };
        let range = start..end.max(start);
        (!matches(&PLACEHOLDERS, text.get(range.clone()).unwrap_or_default())).then_some(range)
    };
    heads.filter_map(values).collect()
}

/// The `;` behind a statement, outside of its texts.
fn statement_end(text: &str, start: usize) -> usize {
    let mut quote = 0;
    for at in start..text.len() {
        match byte(text, at) {
            one if quote != 0 => quote = if one == quote { 0 } else { quote },
            one @ (b'\'' | b'"') => quote = one,
            b';' => return at,
            _ => {}
        }
    }
    text.len()
}

/// The lines of COPY end with one of their own.
fn copied_end(text: &str, start: usize) -> usize {
    text.get(start..).and_then(|rest| rest.find("\n\\.")).map_or(text.len(), |end| start + end)
}

static MAY_BE: Pattern = LazyLock::new(|| Regex::new(r"(?i)\b(?:into|copy)\b").ok());
static HEAD: Pattern = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:into|copy)\s[^;()]{0,200}\(([^()]{1,4000})\)\s{0,20}(?:values?[\s(]|select\s|from\s{1,9}stdin\b)",
    )
    .ok()
});
static PLACEHOLDERS: Pattern = LazyLock::new(|| {
    let one = r"(?:\?|\$[0-9]+|[:@]\w+|%s|%\(\w+\)s|null|default)";
    Regex::new(&format!(r"(?i)^[\s,()]*(?:{one}[\s,()]+)*{one}?$")).ok()
});
