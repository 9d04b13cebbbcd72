//! Secrets out of JSON, for logs: by the names of members, and by patterns inside of texts. It gives a copy and never
//! changes what it was given, and it fails closed: what is too deep, too large or too long to look at is redacted. It hides
//! what `redact()` of the Node package does: `redact/cases.json` holds both to that.

mod names;
mod text;

use std::sync::LazyLock;

use regex_lite::Regex;
use serde_json::{Map, Value};
use thiserror::Error;

use names::canonical;
pub use names::is_sensitive_name;

/// A redacted copy, by the default names and patterns.
///
/// ```
/// let body = serde_json::json!({"name": "Ada", "password": "hunter2", "note": "mail ada@example.com"});
/// let clean = serde_json::json!({"name": "Ada", "password": "[redacted]", "note": "mail [redacted]"});
/// assert_eq!(dynaseal_web::redact(&body), clean);
/// ```
#[must_use]
pub fn redact(value: &Value) -> Value {
    static DEFAULT: LazyLock<Redactor> = LazyLock::new(Redactor::new);
    DEFAULT.redact(value)
}

/// What is redacted.
#[derive(Clone, Debug)]
pub struct Redactor {
    names: Vec<String>,
    kept: Vec<String>,
    patterns: Vec<Regex>,
    max_depth: usize,
    max_nodes: usize,
    max_text: usize,
}

/// A pattern that is not a regular expression.
#[derive(Debug, Error)]
#[error("the pattern is not a regular expression: {0}")]
pub struct BadPattern(#[source] regex_lite::Error);

impl Redactor {
    /// The default names and patterns.
    #[must_use]
    pub fn new() -> Self {
        Self {
            names: Vec::new(),
            kept: Vec::new(),
            patterns: Vec::new(),
            max_depth: 32,
            max_nodes: 10_000,
            max_text: 16_384,
        }
    }

    /// Redacts members of this name too. Case and separators do not count: `access_token` is `AccessToken`.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.names.push(canonical(name));
        self
    }

    /// Keeps members of this name, although it is one of the default ones. Patterns still apply to their texts.
    #[must_use]
    pub fn keep(mut self, name: &str) -> Self {
        self.kept.push(canonical(name));
        self
    }

    /// Redacts what a pattern matches inside of texts.
    ///
    /// # Errors
    /// It is not a regular expression.
    pub fn pattern(mut self, pattern: &str) -> Result<Self, BadPattern> {
        self.patterns.push(Regex::new(pattern).map_err(BadPattern)?);
        Ok(self)
    }

    /// A redacted copy.
    #[must_use]
    pub fn redact(&self, value: &Value) -> Value {
        Copier { rules: self, nodes: 0, characters: 0, names: 1 }.copy(value, 0)
    }

    /// A text without what the patterns match.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let clean = if text.len() > self.max_text {
            None
        } else {
            text::clean(text, &self.patterns, MARK, |name| self.is_sensitive(name))
        };
        clean.unwrap_or_else(|| MARK.to_owned())
    }

    fn is_sensitive(&self, name: &str) -> bool {
        let canonical = canonical(name);
        self.names.contains(&canonical) || (!self.kept.contains(&canonical) && is_sensitive_name(name))
    }
}

impl Default for Redactor {
    fn default() -> Self {
        Self::new()
    }
}

struct Copier<'r> {
    rules: &'r Redactor,
    nodes: usize,
    characters: usize,
    /// Names that were redacted are numbered.
    names: usize,
}

impl Copier<'_> {
    fn copy(&mut self, value: &Value, depth: usize) -> Value {
        self.nodes += 1;
        if self.nodes > self.rules.max_nodes || depth > self.rules.max_depth {
            return MARK.into();
        }
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Number(number) if text::holds_card_number(&number.to_string()) => MARK.into(),
            Value::Number(_) => value.clone(),
            Value::String(text) => self.text(text).into(),
            Value::Array(all) => {
                let left = self.rules.max_nodes.saturating_sub(self.nodes);
                let mut copied = Vec::with_capacity(all.len().min(left));
                let mut before = None;
                for one in all.iter().take(left) {
                    // Names and values that take turns, as in `rawHeaders`, and pairs.
                    let secret = before.is_some_and(|name| is_label(name) && self.rules.is_sensitive(name));
                    copied.push(if secret && !one.is_null() { MARK.into() } else { self.copy(one, depth + 1) });
                    before = one.as_str();
                }
                if all.len() > left {
                    copied.push(MARK.into());
                }
                Value::Array(copied)
            }
            Value::Object(members) => self.members(members, depth + 1),
        }
    }

    fn members(&mut self, members: &Map<String, Value>, depth: usize) -> Value {
        // `{"S": "x"}` is an attribute value of DynamoDB: its attribute may be a secret, so it is one.
        let is_attribute_value = members.len() == 1 && members.keys().all(|name| VALUE_TYPES.contains(&name.as_str()));
        // `{"name": "authorization", "value": "x"}`, as HAR files and some frameworks write headers.
        let named = ["name", "key", "field"].iter().filter_map(|label| members.get(*label)?.as_str());
        let is_named = named.into_iter().any(|name| self.rules.is_sensitive(name));
        let mut copied = Map::new();
        for (name, value) in members {
            if self.nodes > self.rules.max_nodes {
                copied.insert(MARK.into(), MARK.into());
                break;
            }
            let secret = is_attribute_value || self.rules.is_sensitive(name) || (is_named && name == "value");
            let value = if secret && !value.is_null() { MARK.into() } else { self.copy(value, depth) };
            // A name can be a secret too: members by e-mail address, say. None hides another.
            let shown = self.text(name);
            let mut free = shown.clone();
            while copied.contains_key(&free) {
                self.names += 1;
                free = format!("{shown} {}", self.names);
            }
            copied.insert(free, value);
        }
        Value::Object(copied)
    }

    /// A text, while there is time for it.
    fn text(&mut self, text: &str) -> String {
        self.characters = self.characters.saturating_add(text.len());
        if self.characters > self.rules.max_text.saturating_mul(TEXTS) { MARK.into() } else { self.rules.text(text) }
    }
}

/// Whether a text may be the name of what follows it.
fn is_label(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && !text.contains(char::is_whitespace)
}

const MARK: &str = "[redacted]";
const VALUE_TYPES: [&str; 6] = ["S", "N", "B", "SS", "NS", "BS"];
/// Texts of one value are looked at until they are so many times the longest one: looking for patterns is the slow part.
const TEXTS: usize = 16;

#[cfg(test)]
mod tests;
