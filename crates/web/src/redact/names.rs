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
        Self { facts, parts, compounds, several }
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
            names.words.contains(word) || names.words.contains(bare)
        };
        self.has_part(&rest) || words.iter().any(tells) || self.has_compound(words)
    }

    fn has_part(&self, name: &str) -> bool {
        name.char_indices().any(|(at, first)| {
            let starts = |part: &String| name.get(at..).is_some_and(|rest| rest.starts_with(part));
            self.parts.get(&first).is_some_and(|parts| parts.iter().any(starts))
        })
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

const LONGEST_COMPOUND: usize = 4;
