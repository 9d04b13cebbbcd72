//! Which names are sensitive. Case and separators do not count: `access_token`, `accessToken` and `ACCESS-TOKEN` are one name;
//! nor does how they are written: letters of other scripts that look alike, and percent-encoded ones. The names themselves:
//! `facts/redact.json`.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::facts::{FACTS, Facts};
use super::view::plain;

/// Whether a member, a header or a parameter of this name holds a secret by default.
#[must_use]
pub fn is_sensitive_name(name: &str) -> bool {
    let Some(names) = Names::get() else { return true };
    // A name that long is none that a programmer chose.
    let is_long = name.len() > names.facts.limits.name && name.encode_utf16().count() > names.facts.limits.name;
    is_long || names.is_sensitive(&words(name, names.facts))
}

/// Whether the last words of a text, which have a blank between them, are one of our names of several words: `card number`.
pub(super) fn ends_in_sensitive_words(text: &str) -> bool {
    let Some(names) = Names::get() else { return true };
    let words = words(text, names.facts);
    (0..words.len().saturating_sub(1)).any(|at| {
        let name: String = words.iter().skip(at).map(String::as_str).collect();
        names.compounds.contains(name.as_str()) || names.several.contains(&name)
    })
}

/// Whether a value, a text without blanks, says nothing of what such a name holds: true and false; a small number of things
/// (`tokens: 5`); a state (`session: started`) of what nobody makes up.
pub(super) fn is_nothing(name: &str, value: &str) -> bool {
    let Some(names) = Names::get() else { return false };
    if ["true", "false", "True", "False", "TRUE", "FALSE"].contains(&value) {
        return true;
    }
    let (words, nothing) = (words(name, names.facts), &names.facts.nothing);
    if (1..=6).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit()) {
        let counted = words.last().and_then(|last| last.strip_suffix('s'));
        return counted.is_some_and(|one| nothing.counted.contains(one));
    }
    let canonical = words.concat();
    nothing.states.contains(&value.to_lowercase())
        && nothing.stateful.iter().any(|part| canonical.contains(part))
        && !is_chosen(&canonical, names.facts)
}

/// Whether a list has two of our names one after the other, and so is one of names: `["email", "password"]`. A password may be
/// called `token`, so that behind a name of what somebody makes up there must be `more` elements, as in no pair.
pub(super) fn are_field_names(name: &str, next: &str, more: bool) -> bool {
    let Some(names) = Names::get() else { return false };
    let is_field =
        |name: &str| names.several.contains(name) || names.words.contains(name) || names.compounds.contains(name);
    let (one, two) = (canonical(name), canonical(next));
    is_field(&one) && is_field(&two) && (more || !is_chosen(&one, names.facts))
}

/// Whether somebody makes up what it holds, which may be any word.
fn is_chosen(canonical: &str, facts: &Facts) -> bool {
    facts.nothing.chosen.iter().any(|part| canonical.contains(part))
}

/// Letters and digits alone, in lower case, in their plain form.
pub(super) fn canonical(name: &str) -> String {
    FACTS.as_ref().map_or_else(|| name.to_lowercase(), |facts| words(name, facts).concat())
}

struct Names {
    facts: &'static Facts,
    /// Inside of any name, by their first letters: so long that no other word holds them.
    parts: HashMap<char, Vec<String>>,
    compounds: HashSet<&'static str>,
    several: HashSet<String>,
    words: HashSet<String>,
}

impl Names {
    fn get() -> Option<&'static Self> {
        static NAMES: LazyLock<Option<Names>> = LazyLock::new(|| FACTS.as_ref().map(Names::new));
        NAMES.as_ref()
    }

    fn new(facts: &'static Facts) -> Self {
        let (names, mut parts) = (&facts.names, HashMap::<char, Vec<String>>::new());
        let anywhere = names.compounds.iter().filter(|compound| compound.anywhere).map(|compound| &compound.name);
        for part in names.parts.iter().chain(anywhere).map(|part| words(part, facts).concat()) {
            parts.entry(part.chars().next().unwrap_or_default()).or_default().push(part);
        }
        let several = names.exact.iter().chain(&names.parts).map(|name| words(name, facts).concat()).collect();
        let compounds = names.compounds.iter().map(|compound| compound.name.as_str()).collect();
        let words = names.words.iter().map(|name| words(name, facts).concat()).collect();
        Self { facts, parts, compounds, several, words }
    }

    fn is_sensitive(&self, words: &[String]) -> bool {
        let names = &self.facts.names;
        let mut rest = words.concat();
        if names.exact.contains(&rest) {
            return true;
        }
        if names.harmless.contains(&rest) || self.is_about(words) {
            return false;
        }
        for part in &names.harmless {
            if rest.contains(part) {
                rest = rest.replace(part, " ");
            }
        }
        let tells = |word: &String| {
            let bare = word.trim_end_matches(|char: char| char.is_ascii_digit());
            self.words.contains(word) || self.words.contains(bare)
        };
        self.has_part(&rest) || self.is_disguised(&rest) || words.iter().any(tells) || self.has_compound(words)
    }

    fn has_part(&self, name: &str) -> bool {
        name.char_indices().any(|(at, first)| {
            let starts = |part: &String| name.get(at..).is_some_and(|rest| rest.starts_with(part));
            self.parts.get(&first).is_some_and(|parts| parts.iter().any(starts))
        })
    }

    /// `passw0rd`, `p4ssword`: digits that are read as letters.
    fn is_disguised(&self, name: &str) -> bool {
        let bytes = name.as_bytes();
        let is_between = |(at, digit): (usize, &u8)| {
            let before = bytes.get(..at).unwrap_or_default().iter().rev().find(|byte| !LEET.contains(byte));
            let after = bytes.get(at..).unwrap_or_default().iter().find(|byte| !LEET.contains(byte));
            LEET.contains(digit)
                && before.is_some_and(u8::is_ascii_lowercase)
                && after.is_some_and(u8::is_ascii_lowercase)
        };
        if !bytes.iter().enumerate().any(is_between) {
            return false;
        }
        let read = |one: char| -> String {
            let letter = |char| match char {
                '0' => 'o',
                '1' => one,
                '3' => 'e',
                '4' => 'a',
                '5' => 's',
                '7' => 't',
                other => other,
            };
            name.chars().map(letter).collect()
        };
        self.has_part(&read('i')) || self.has_part(&read('l'))
    }

    fn has_compound(&self, words: &[String]) -> bool {
        (0..words.len()).any(|at| {
            let mut name = String::new();
            words.iter().skip(at).take(LONGEST_COMPOUND).any(|word| {
                name.push_str(word);
                self.compounds.contains(name.as_str())
            })
        })
    }

    /// `tokenCount`, `hasPassword`, `maxTokens`: what is said of a secret is none.
    fn is_about(&self, words: &[String]) -> bool {
        let [first, .., last] = words else { return false };
        let names = &self.facts.names;
        let counts = names.quantities.contains(first) && last.ends_with('s') && last != "pass";
        names.metadata.contains(last) || names.flags.contains(first) || counts
    }
}

/// `customerSSN`, `APIKey`, `db_pass`: in lower case. One of their words alone tells, but not as a part of another (compass).
fn words(name: &str, facts: &Facts) -> Vec<String> {
    let plain = plain(name, facts);
    let mut spaced = String::with_capacity(plain.len() + 8);
    let mut chars = plain.chars().peekable();
    let mut before = ' ';
    while let Some(char) = chars.next() {
        let after_small = before.is_lowercase() || before.is_numeric();
        let starts_word = before.is_uppercase() && chars.peek().is_some_and(|next| next.is_lowercase());
        if char.is_uppercase() && (after_small || starts_word) {
            spaced.push(' ');
        }
        spaced.push(char);
        before = char;
    }
    let spaced = spaced.to_lowercase();
    spaced.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Digits that stand for letters.
const LEET: [u8; 6] = *b"013457";
const LONGEST_COMPOUND: usize = 4;
