//! Secrets out of JSON, for logs: by the names of members, and by patterns inside of texts. It gives a copy and never
//! changes what it was given, and it fails closed: what is too deep, too large or too long to look at is redacted. It hides
//! what `redact()` of the Node package does: both read `facts/redact.json`, and `facts/redact.cases.json` holds them to it.
//!
//! ```text
//!   facts    names, shapes and limits, as data          names    which members are hidden whole
//!   text     what is hidden inside of texts, over
//!   view     the text as a reader takes it              shapes   what tells by its shape
//!   pairs    what tells by the name before it, over
//!   tokens   names and tags in a text                   values   where a value ends
//! ```

mod facts;
mod names;
mod pairs;
mod shapes;
mod statements;
mod text;
mod tokens;
mod values;
mod view;

use std::collections::HashSet;
use std::sync::LazyLock;

use regex_lite::Regex;
use serde_json::{Map, Value};
use thiserror::Error;

use facts::FACTS;
pub use names::is_sensitive_name;
use names::{are_field_names, canonical};

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
    max_list: usize,
    max_text: usize,
    /// Texts of one value are looked at until they are so many times the longest one: it is the slow part.
    max_texts: usize,
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
            max_depth: FACTS.as_ref().map_or(0, |facts| facts.limits.depth),
            max_nodes: FACTS.as_ref().map_or(0, |facts| facts.limits.nodes),
            max_list: FACTS.as_ref().map_or(0, |facts| facts.limits.list),
            max_text: FACTS.as_ref().map_or(0, |facts| facts.limits.text),
            max_texts: FACTS.as_ref().map_or(0, |facts| facts.limits.texts),
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
        match FACTS.as_ref() {
            Some(facts) if characters(text) <= self.max_text => {
                let rules = text::Rules {
                    is_sensitive: &|name| self.is_sensitive(name),
                    is_nothing: &|name, value| self.is_nothing(name, value),
                };
                text::clean(text, facts, &self.patterns, MARK, &rules)
            }
            _ => MARK.to_owned(),
        }
    }

    fn is_sensitive(&self, name: &str) -> bool {
        if self.names.is_empty() && self.kept.is_empty() {
            return is_sensitive_name(name);
        }
        let canonical = canonical(name);
        self.names.contains(&canonical) || (!self.kept.contains(&canonical) && is_sensitive_name(name))
    }

    /// Whether a value says nothing of a secret, although its name is sensitive. Names that were added hide all.
    fn is_nothing(&self, name: &str, value: &str) -> bool {
        let is_added = || !self.names.is_empty() && self.names.contains(&canonical(name));
        value.len() <= LONGEST_NOTHING && names::is_nothing(name, value) && !is_added()
    }

    /// Whether a member is hidden whole by its name.
    fn hides(&self, name: &str, value: &Value) -> bool {
        let nothing = match value {
            Value::Null => true,
            Value::Bool(one) => self.is_nothing(name, if *one { "true" } else { "false" }),
            Value::Number(number) => self.is_nothing(name, &number.to_string()),
            Value::String(text) => self.is_nothing(name, text),
            _ => false,
        };
        !nothing && self.is_sensitive(name)
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
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Number(number) if is_card_number(&number.to_string()) => MARK.into(),
            Value::Number(_) => value.clone(),
            Value::String(text) => self.text(text).into(),
            Value::Array(_) | Value::Object(_) if depth > self.rules.max_depth => MARK.into(),
            Value::Array(all) => self.list(all, depth + 1),
            Value::Object(members) => self.members(members, depth + 1),
        }
    }

    /// Lists of alternating names and values (`rawHeaders`) and pairs hide what follows a sensitive name.
    fn list(&mut self, all: &[Value], depth: usize) -> Value {
        let mut copied = Vec::with_capacity(all.len().min(self.rules.max_list));
        let mut before = None;
        for one in all.iter().take(self.rules.max_list) {
            if self.is_spent() {
                break;
            }
            let is_field_list = |name: &str| {
                one.as_str().is_some_and(|next| is_label(next) && are_field_names(name, next, all.len() > 2))
            };
            let secret =
                before.is_some_and(|name| is_label(name) && !is_field_list(name) && self.rules.hides(name, one));
            copied.push(if secret { MARK.into() } else { self.copy(one, depth) });
            before = one.as_str();
        }
        if copied.len() < all.len() {
            copied.push(MARK.into());
        }
        Value::Array(copied)
    }

    fn members(&mut self, members: &Map<String, Value>, depth: usize) -> Value {
        let named = Named::of(members, self.rules);
        let mut copied = Map::new();
        for (name, value) in members {
            if self.is_spent() {
                copied.insert(MARK.into(), MARK.into());
                break;
            }
            let secret = (named.hides(name) && !value.is_null()) || self.rules.hides(name, value);
            let value = if secret { MARK.into() } else { self.copy(value, depth) };
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
        self.characters = self.characters.saturating_add(characters(text));
        let most = self.rules.max_text.saturating_mul(self.rules.max_texts);
        if self.characters > most { MARK.into() } else { self.rules.text(text) }
    }

    fn is_spent(&mut self) -> bool {
        self.nodes += 1;
        self.nodes > self.rules.max_nodes
    }
}

/// What an object says of its own members.
#[derive(Default)]
struct Named {
    /// `{"S": "x"}` is an attribute value of DynamoDB: its attribute may be a secret, so it is one.
    is_attribute_value: bool,
    /// `{"name": "authorization", "value": "x"}`, as HAR files and some frameworks write headers.
    is_named: bool,
    /// `{"type": "password", "value": "x"}`, but also `{"type": "email", "data": …}`.
    is_kind: bool,
    /// A key as JOSE writes it.
    is_key: bool,
}

impl Named {
    fn of(members: &Map<String, Value>, rules: &Redactor) -> Self {
        if members.len() > MAX_NAMED {
            return Self::default();
        }
        let is_attribute_value = members.len() == 1 && members.keys().all(|name| VALUE_TYPES.contains(&name.as_str()));
        let is_named_by = |list: fn(&facts::Names) -> &HashSet<String>| {
            members.iter().any(|(name, label)| is_one_of(name, list) && is_sensitive_label(label, rules))
        };
        Self {
            is_attribute_value,
            is_named: is_named_by(|names| &names.labels),
            is_kind: is_named_by(|names| &names.kinds),
            is_key: members.contains_key("kty"),
        }
    }

    fn hides(&self, name: &str) -> bool {
        self.is_attribute_value
            || (self.is_named && is_one_of(name, |names| &names.values))
            || (self.is_kind && is_one_of(name, |names| &names.plain_values))
            || (self.is_key && KEY_PARTS.contains(&name))
    }
}

fn is_one_of(name: &str, list: fn(&facts::Names) -> &HashSet<String>) -> bool {
    if name.len() > LONGEST_LABEL_NAME {
        return false;
    }
    let canonical = name.replace(['_', '-'], "").to_lowercase();
    FACTS.as_ref().is_some_and(|facts| list(&facts.names).contains(&canonical))
}

/// A name as a label holds it: one or a few words, a path, or a list of names.
fn is_sensitive_label(label: &Value, rules: &Redactor) -> bool {
    if let Value::Array(parts) = label {
        return parts.iter().any(|part| part.is_string() && is_sensitive_label(part, rules));
    }
    label.as_str().is_some_and(|name| {
        let words = name.split(' ');
        let is_plain = words.clone().count() <= 4 && words.into_iter().all(is_label);
        is_plain && characters(name) <= 64 && rules.is_sensitive(name)
    })
}

/// Whole numbers alone: others have a point somewhere between their digits.
fn is_card_number(number: &str) -> bool {
    number.bytes().all(|byte| byte.is_ascii_digit()) && shapes::holds_card_number(number)
}

/// As JavaScript counts them, so that both languages hide the same texts.
fn characters(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// Whether a text may be the name of what follows it.
fn is_label(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && !text.contains(char::is_whitespace)
}

const MARK: &str = "[redacted]";
const VALUE_TYPES: [&str; 6] = ["S", "N", "B", "SS", "NS", "BS"];
/// The secret members of a JSON web key.
const KEY_PARTS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// An object with more members is no pair of a name and its value.
const MAX_NAMED: usize = 64;
const LONGEST_LABEL_NAME: usize = 20;
const LONGEST_NOTHING: usize = 12;

#[cfg(test)]
mod tests;
