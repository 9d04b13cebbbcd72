//! What is redacted inside of texts. Every search is linear or bounded, so a long text costs no more than its length.

use std::ops::Range;

use regex_lite::Regex;

use super::facts::Facts;
use super::pairs::sensitive_pairs;
use super::shapes::secret_shapes;
use super::statements::statement_values;
use super::view::View;

/// What a redactor goes by.
pub(super) struct Rules<'r> {
    pub is_sensitive: &'r dyn Fn(&str) -> bool,
    /// Whether a value of a sensitive name says nothing.
    pub is_nothing: &'r dyn Fn(&str, &str) -> bool,
}

/// The text with a mark for what tells by its shape, for what the patterns match, and for values after a sensitive name.
pub(super) fn clean(text: &str, facts: &Facts, patterns: &[Regex], mark: &str, rules: &Rules<'_>) -> String {
    let mut found = Vec::new();
    let mut view = View::new(text, facts);
    for level in 0.. {
        // So many encodings one inside of the other have nothing to say.
        if level > facts.limits.levels {
            return mark.to_owned();
        }
        let mut parts = secret_shapes(&view.text, facts);
        parts.extend(patterns.iter().flat_map(|pattern| pattern.find_iter(&view.text).map(|found| found.range())));
        parts.extend(sensitive_pairs(&view.text, rules));
        parts.extend(statement_values(&view.text, rules));
        found.extend(parts.into_iter().map(|part| view.source(part.start, part.end)));
        let Some(next) = view.decoded(facts) else { break };
        view = next;
    }
    marked(text, found.into_iter().map(|(start, end)| start..end).collect(), mark)
}

/// The text with one mark for each part; parts that meet or overlap become one.
fn marked(text: &str, mut parts: Vec<Range<usize>>, mark: &str) -> String {
    parts.sort_by(|a, b| a.start.cmp(&b.start).then(b.end.cmp(&a.end)));
    let (mut clean, mut done) = (String::with_capacity(text.len()), None);
    for part in parts {
        let before = done.unwrap_or(0);
        let is_new = done.is_none_or(|done| part.start > done || (part.start == done && !part.is_empty()));
        if is_new {
            clean += text.get(before..part.start).unwrap_or_default();
            clean += mark;
        }
        done = Some(before.max(part.end));
    }
    clean + text.get(done.unwrap_or(0)..).unwrap_or_default()
}
