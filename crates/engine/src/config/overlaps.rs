//! Sections that stand for the same table: which one holds, and whether that is what somebody can have meant.
//!
//! | two sections | and they protect otherwise | |
//! |---|---|---|
//! | patterns of the same tables | or not | error: one of them never holds |
//! | patterns, neither inside the other | and no section of its own holds for what both match | error: nobody said which |
//! | a pattern inside another | | warning that names the one that holds |
//! | a name inside a pattern | and the name's section protects less | warning |

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::explain::TableExplanation;
use super::fault::{Faults, OVERLAP, SAME_TABLES, SHADOWED, Span};
use super::names::{is_pattern, title};
use crate::pattern::sets::{closest_first, collapsed, common, contains, example, overlap};

/// A section of `[tables]`.
pub(super) struct Place<'r> {
    pub(super) name: &'r str,
    pub(super) span: Span,
    /// What it does; `None` if it has a fault.
    pub(super) explained: Option<TableExplanation>,
}

/// Looks at each pair of sections of which one is a pattern.
pub(super) fn check(places: &[Place<'_>], faults: &mut Faults<'_>) {
    let (patterns, names): (Vec<_>, Vec<_>) = places.iter().partition(|place| is_pattern(place.name));
    let mut sets: BTreeMap<String, &str> = BTreeMap::new();
    let mut twice = BTreeSet::new();
    for pattern in &patterns {
        if let Some(first) = sets.insert(collapsed(pattern.name), pattern.name) {
            let message = format!("{} stands for the same tables as {}", title(pattern.name), title(first));
            faults.error(&pattern.span, SAME_TABLES, message, "keep one of the two");
            twice.insert(pattern.name);
        }
    }
    let mut patterns: Vec<_> = patterns.into_iter().filter(|pattern| !twice.contains(pattern.name)).collect();
    patterns.sort_by(|one, other| closest_first(one.name, other.name));
    for (at, winner) in patterns.iter().enumerate() {
        for loser in patterns.iter().skip(at + 1).filter(|loser| overlap(winner.name, loser.name)) {
            if faults.are_many() {
                return;
            }
            patterns_overlap(winner, loser, &patterns, &names, faults);
        }
    }
    for name in names {
        for pattern in patterns.iter().filter(|pattern| contains(pattern.name, name.name)) {
            if faults.are_many() {
                return;
            }
            let Some(found) = Difference::of(name, pattern) else { continue };
            if let Some(less) = found.less() {
                let message = format!(
                    "{} protects less than {}, which it is taken from: {less}",
                    title(name.name),
                    title(pattern.name)
                );
                faults.warn(
                    &name.span,
                    SHADOWED,
                    message,
                    "if that is not meant, correct the section of the name: it holds",
                );
            }
        }
    }
}

/// Two patterns of which the first holds for what both match.
fn patterns_overlap(
    winner: &Place<'_>,
    loser: &Place<'_>,
    patterns: &[&Place<'_>],
    names: &[&Place<'_>],
    faults: &mut Faults<'_>,
) {
    let Some(found) = Difference::of(winner, loser) else { return };
    let (holds, yields, differ) = (title(winner.name), title(loser.name), found.all());
    if contains(loser.name, winner.name) {
        let how = if found.less().is_some() { "LESS or otherwise" } else { "otherwise" };
        let message = format!("{holds} holds for its tables, not {yields}, and protects them {how}: {differ}");
        let hint =
            "if that is not meant, correct the section that holds: it is the one with more characters that are no *";
        faults.warn(&winner.span, SHADOWED, message, hint);
        return;
    }
    let shared = common(winner.name, loser.name);
    let closer = |section: &str| [winner, loser].iter().all(|one| closest_first(section, one.name) == Ordering::Less);
    let is_settled = |part: &String| {
        // What is no table's name needs no section.
        let named = !part.contains('*') && (part.len() < 3 || names.iter().any(|name| name.name == part));
        named || patterns.iter().any(|section| closer(section.name) && contains(section.name, part))
    };
    let unsettled = shared.as_ref().and_then(|shared| shared.iter().find(|part| !is_settled(part)));
    if shared.is_some() && unsettled.is_none() {
        return;
    }
    let table = match unsettled {
        Some(part) if !part.contains('*') => part.clone(),
        _ => example(winner.name, loser.name),
    };
    let message = format!("{holds} and {yields} both stand for table \"{table}\" and protect it differently: {differ}");
    let own = unsettled.map_or_else(|| title(&table), |part| title(part));
    let hint = format!("give what both match a section of its own, {own}, or make the two alike");
    faults.error(&winner.span, OVERLAP, message, hint);
}

/// How a section that holds differs from one that does not.
#[derive(Default)]
struct Difference {
    /// Each in words, and whether it protects less.
    parts: Vec<(String, bool)>,
}

impl Difference {
    /// `None` if they protect alike, or if one of them has a fault.
    fn of(holds: &Place<'_>, yields: &Place<'_>) -> Option<Self> {
        let (holds, yields) = (holds.explained.as_ref()?, yields.explained.as_ref()?);
        let mut found = Self::default();
        let is_looser = looseness(holds.plaintext) > looseness(yields.plaintext);
        found.part("plaintext", Some(holds.plaintext), Some(yields.plaintext), is_looser);
        found.action("any other attribute", holds.other_attributes, yields.other_attributes);
        let listed = holds.attributes.iter().chain(&yields.attributes);
        // A table's own keys are readable, as they must be.
        let is_key = |name: &str| holds.attributes.iter().any(|own| own.name == name && own.key.is_some());
        let names: BTreeSet<&str> = listed.map(|one| one.name.as_str()).filter(|name| !is_key(name)).collect();
        for name in names {
            found.action(&format!("\"{name}\""), action(holds, name), action(yields, name));
        }
        let prefix = |of: &TableExplanation| of.unsigned_prefix.as_ref().map(|prefix| format!("\"{prefix}\""));
        let (own, other) = (prefix(holds), prefix(yields));
        let none = |prefix: &Option<String>| prefix.clone().unwrap_or_else(|| "none".to_owned());
        found.part("unsigned_prefix", Some(&none(&own)), Some(&none(&other)), own.is_some());
        found.part("keys", Some(&holds.keys.name), Some(&yields.keys.name), false);
        found.part("suite", Some(holds.suite), Some(yields.suite), false);
        (!found.parts.is_empty()).then_some(found)
    }

    fn action(&mut self, what: &str, own: Option<&str>, other: Option<&str>) {
        self.part(what, own, other, strength(own) < strength(other) && own != Some(ENCRYPTED));
    }

    fn part(&mut self, what: &str, own: Option<&str>, other: Option<&str>, is_less: bool) {
        if own != other {
            let word = |word: Option<&str>| word.unwrap_or("refused").to_owned();
            self.parts.push((format!("{what} ({} instead of {})", word(own), word(other)), is_less));
        }
    }

    fn all(&self) -> String {
        listed(self.parts.iter().map(|(words, _)| words.as_str()).collect())
    }

    /// In what it protects less, if in anything.
    fn less(&self) -> Option<String> {
        let less: Vec<_> = self.parts.iter().filter(|(_, is_less)| *is_less).map(|(words, _)| words.as_str()).collect();
        (!less.is_empty()).then(|| listed(less))
    }
}

fn listed(parts: Vec<&str>) -> String {
    let more = parts.len().saturating_sub(SHOWN);
    let shown = parts.into_iter().take(SHOWN).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// The action of an attribute, as the configuration spells it; `None` if an item that has it is refused.
fn action<'e>(explained: &'e TableExplanation, name: &str) -> Option<&'e str> {
    let listed = explained.attributes.iter().find(|one| one.name == name).map(|one| one.action);
    let prefixed = || explained.unsigned_prefix.as_ref().is_some_and(|prefix| name.starts_with(prefix.as_str()));
    listed.or_else(|| prefixed().then_some(UNSIGNED)).or(explained.other_attributes)
}

fn strength(action: Option<&str>) -> u8 {
    match action {
        None => 3,
        Some(ENCRYPTED) => 2,
        Some(UNSIGNED) => 0,
        Some(_) => 1,
    }
}

fn looseness(plaintext: &str) -> u8 {
    match plaintext {
        "forbid" => 0,
        "read" => 1,
        _ => 2,
    }
}

const ENCRYPTED: &str = "encrypt_and_sign";
const UNSIGNED: &str = "do_nothing";
/// How many differences a message lists.
const SHOWN: usize = 3;
