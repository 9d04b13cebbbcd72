//! Secrets out of JSON, for logs: by the names of members, and by patterns inside of texts. It gives a copy and never
//! changes what it was given, and it fails closed: what is too deep, too large or too long to look at is redacted.

use regex_lite::{Captures, Regex};
use serde_json::{Map, Value};
use std::sync::LazyLock;
use thiserror::Error;

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
    patterns: Option<Vec<Regex>>,
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
        // Should one not be understood, no text passes at all.
        let patterns = PATTERNS.iter().map(|pattern| Regex::new(pattern).ok()).collect();
        Self { names: Vec::new(), kept: Vec::new(), patterns, max_depth: 32, max_nodes: 10_000, max_text: 16_384 }
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
        let pattern = Regex::new(pattern).map_err(BadPattern)?;
        if let Some(patterns) = &mut self.patterns {
            patterns.push(pattern);
        }
        Ok(self)
    }

    /// A redacted copy.
    #[must_use]
    pub fn redact(&self, value: &Value) -> Value {
        Copier { rules: self, nodes: 0 }.copy(value, 0)
    }

    /// A text without what the patterns match.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let Some(patterns) = self.patterns.as_ref().filter(|_| text.len() <= self.max_text) else { return MARK.into() };
        let clean = patterns.iter().fold(text.to_owned(), |text, pattern| match pattern.find(&text) {
            Some(_) => pattern.replace_all(&text, MARK).into_owned(),
            None => text,
        });
        self.without_pairs(&clean)
    }

    /// `password=x`, `"token": "x"`: the value goes with the rest of its line.
    fn without_pairs(&self, text: &str) -> String {
        let (mut clean, mut rest) = (String::new(), text);
        loop {
            let is_sensitive = |found: &Captures<'_>| found.get(1).is_some_and(|name| self.is_sensitive(name.as_str()));
            let Some(end) = PAIR.captures_iter(rest).find(is_sensitive).and_then(|found| Some(found.get(0)?.end()))
            else {
                return clean + rest;
            };
            let (head, tail) = rest.split_at(end);
            clean = clean + head + MARK;
            match tail.find('\n') {
                Some(line) => rest = tail.split_at(line).1,
                None => return clean,
            }
        }
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

/// Whether a member, a header or a parameter of this name holds a secret by default.
#[must_use]
pub fn is_sensitive_name(name: &str) -> bool {
    // A name that long is none that a programmer chose.
    if name.len() > LONGEST_NAME {
        return true;
    }
    let canonical = canonical(name);
    let word_tells = words(name).any(|word| WORDS.contains(&word.as_str()));
    EXACT.contains(&canonical.as_str()) || PARTS.iter().any(|part| canonical.contains(part)) || word_tells
}

struct Copier<'r> {
    rules: &'r Redactor,
    nodes: usize,
}

impl Copier<'_> {
    fn copy(&mut self, value: &Value, depth: usize) -> Value {
        self.nodes += 1;
        if self.nodes > self.rules.max_nodes || depth > self.rules.max_depth {
            return MARK.into();
        }
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            // A number can be a card's or a phone's.
            Value::Number(number) => match number.to_string() {
                digits if self.rules.text(&digits) == digits => value.clone(),
                _ => MARK.into(),
            },
            Value::String(text) => self.rules.text(text).into(),
            Value::Array(all) => {
                let left = self.rules.max_nodes.saturating_sub(self.nodes);
                let mut copied: Vec<_> = all.iter().take(left).map(|one| self.copy(one, depth + 1)).collect();
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
            // A name can be a secret too: members by e-mail address, say.
            copied.insert(self.rules.text(name), value);
        }
        Value::Object(copied)
    }
}

/// Letters and digits alone, in lower case.
fn canonical(name: &str) -> String {
    name.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// `customerSsn`, `db_pass`: one of their words alone tells, but not as a part of another (compass).
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut spaced = String::with_capacity(name.len() + 8);
    let mut after_small = false;
    for char in name.chars() {
        if char.is_uppercase() && after_small {
            spaced.push(' ');
        }
        after_small = char.is_lowercase() || char.is_numeric();
        spaced.extend(char.to_lowercase());
    }
    let words: Vec<_> = spaced.split(|char: char| !char.is_alphanumeric()).map(str::to_owned).collect();
    words.into_iter()
}

const MARK: &str = "[redacted]";
const LONGEST_NAME: usize = 256;
const VALUE_TYPES: [&str; 6] = ["S", "N", "B", "SS", "NS", "BS"];
const PARTS: [&str; 25] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "masterkey",
    "authorization",
    "credential",
    "cookie",
    "session",
    "jwt",
    "bearer",
    "csrf",
    "xsrf",
    "email",
    "phone",
    "creditcard",
    "cardnumber",
    "socialsecurity",
];
const WORDS: [&str; 15] = [
    "pwd", "pass", "pin", "otp", "totp", "cvv", "cvc", "cvv2", "ssn", "auth", "iban", "dob", "mail", "passport", "pan",
];
const EXACT: [&str; 22] = [
    "mfa",
    "mfacode",
    "sid",
    "dateofbirth",
    "birthdate",
    "mobile",
    "taxid",
    "nationalid",
    "signature",
    "sig",
    "bankaccount",
    "accountnumber",
    "xamzsignature",
    // DynamoDB: maps of values and keys.
    "expressionattributevalues",
    "exclusivestartkey",
    "lastevaluatedkey",
    "attributeupdates",
    "keyconditions",
    "queryfilter",
    "scanfilter",
    "requestitems",
    "transactitems",
];
const PATTERNS: [&str; 9] = [
    r"(?s)-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(-----END [A-Z ]{0,40}-----|$)",
    // JWT, and other JSON in base64.
    r"\beyJ[A-Za-z0-9+/_-]{10,}={0,2}(\.[A-Za-z0-9_-]*){0,4}",
    r"(?i)\b(bearer|basic|digest|negotiate)\s{1,4}[A-Za-z0-9._~+/=-]{6,}",
    r"\bAWS4-HMAC-SHA256\s[^\n]*",
    // AWS: ids of keys and principals.
    r"\b(AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA|ANVA|APKA)[A-Z0-9]{12,}",
    r"\b(gh[pousr]_|github_pat_|glpat-|npm_|xox[abeprs]-|sk-|[spr]k_(live|test)_|whsec_)[A-Za-z0-9_-]{10,}",
    // E-mail addresses, percent-encoded too.
    r#"[^\s@<>"'(),:;\[\]\\/=&?]{1,64}(@|%40)[^\s@<>"'(),:;\[\]\\/=&?.!]{1,63}(\.[^\s@<>"'(),:;\[\]\\/=&?.!]{1,63}){1,8}"#,
    // The user and password of a URL.
    r"\b[a-z][a-z0-9+.-]{0,20}://[^\s/?#@]{1,512}@",
    // What may be the number of a payment card, or of a person.
    r"\b([0-9][ -]?){12,18}[0-9]\b|\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
];

/// A name before its value.
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "a constant, and every test of this file reads it")]
    Regex::new(r#"([A-Za-z_][A-Za-z0-9_.-]{0,127})\\{0,4}["'`]?\s{0,4}(=>|=|:)\s{0,4}"#).unwrap()
});

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_sensitive_however_they_are_written() {
        for name in
            ["password", "newPassword", "ACCESS-TOKEN", "access_token", "customerSsn", "db_pass", "E-Mail", "Cookie"]
        {
            assert!(is_sensitive_name(name), "{name}");
        }
        for name in ["compass", "name", "id", "plan", "spinner", "author", "expands", "count"] {
            assert!(!is_sensitive_name(name), "{name}");
        }
        assert!(is_sensitive_name(&"x".repeat(1000)));
    }

    #[test]
    fn secrets_go_at_any_depth_and_the_rest_stays() {
        let value = json!({
            "id": 7, "ok": true, "none": null,
            "user": {"Password": "canary", "tags": ["a", {"session_id": {"x": "canary"}}]},
            "headers": [{"name": "Authorization", "value": "canary"}, {"name": "accept", "value": "json"}],
            "Item": {"email": {"S": "canary"}, "note": {"S": "canary"}},
            "canary@example.com": 1,
        });
        assert_eq!(
            redact(&value),
            json!({
                "id": 7, "ok": true, "none": null,
                "user": {"Password": MARK, "tags": ["a", {"session_id": MARK}]},
                "headers": [{"name": "Authorization", "value": MARK}, {"name": "accept", "value": "json"}],
                "Item": {"email": MARK, "note": {"S": MARK}},
                MARK: 1,
            })
        );
    }

    #[test]
    fn secrets_go_out_of_texts() {
        for (text, clean) in [
            ("mail to ada.b+c@exämple.co.uk now", "mail to [redacted] now"),
            ("Bearer abc.def-ghi", "[redacted]"),
            ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig", "jwt [redacted]"),
            ("key AKIAIOSFODNN7EXAMPLE.", "key [redacted]."),
            ("postgres://u:p@host/db", "[redacted]host/db"),
            ("card 4111 1111 1111 1111", "card [redacted]"),
            ("password=hunter2 x\nnext", "password=[redacted]\nnext"),
            ("{\"token\": \"abc\"}", "{\"token\": [redacted]"),
            ("a=1 secretKey: x", "a=1 secretKey: [redacted]"),
            ("nothing here: 12 items", "nothing here: 12 items"),
        ] {
            assert_eq!(Redactor::new().text(text), clean);
        }
        assert_eq!(redact(&json!(4_111_111_111_111_111_u64)), json!(MARK));
    }

    #[test]
    fn what_cannot_be_looked_at_is_redacted() {
        let deep = (0..100).fold(json!("canary"), |inner, _| json!([inner]));
        let wide = json!(vec!["canary-that-is-late"; 20_000]);
        let long = json!("x".repeat(100_000) + "canary");
        assert!(!redact(&deep).to_string().contains("canary"));
        assert!(redact(&wide).as_array().unwrap().len() <= 10_001);
        assert_eq!(redact(&long), json!(MARK));
        let lines = "pin=7\n".repeat(2700);
        assert_eq!(Redactor::new().text(&lines), format!("pin={MARK}\n").repeat(2700));
    }

    #[test]
    fn names_and_patterns_are_added_and_kept() {
        let redactor = Redactor::new().name("nick").keep("session").pattern(r"\bX-\d+\b").unwrap();
        let value = json!({"nick": "a", "session": "open", "note": "X-12 and y"});
        assert_eq!(redactor.redact(&value), json!({"nick": MARK, "session": "open", "note": "[redacted] and y"}));
        assert!(Redactor::new().pattern("(").is_err());
    }

    proptest! {
        /// Wherever a secret stands under a sensitive name, it does not come through.
        #[test]
        fn a_sensitive_member_never_passes(path in prop::collection::vec("[a-z]{1,6}", 0..6), list in any::<bool>()) {
            let secret = json!({"password": "canary-7d1f"});
            let value = path.iter().fold(secret, |inner, name| if list { json!([{name: inner}]) } else { json!({name: inner}) });
            prop_assert!(!redact(&value).to_string().contains("canary-7d1f"));
        }
    }
}
