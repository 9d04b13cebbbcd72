//! One table of the file while it is read: typed access to its keys, and a fault for every key that nothing asked for.

use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Faults, MISSING, Span, TYPE, UNKNOWN_KEY, VALUE, shown};
use crate::nearest::nearest;

/// A table of the file and the keys that were asked for.
pub(super) struct Section<'r, 'i> {
    /// As the file writes it, such as `[tables.Users]`; for messages.
    pub(super) title: String,
    /// Where it begins.
    pub(super) span: Span,
    table: &'r DeTable<'i>,
    asked: Vec<&'static str>,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) span: Span,
    pub(super) value: T,
}

impl<'r, 'i> Section<'r, 'i> {
    pub(super) fn new(title: impl Into<String>, table: &'r DeTable<'i>, span: Span) -> Self {
        Self { title: title.into(), span, table, asked: Vec::new() }
    }

    /// Whether the key is there, whatever its value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The place of a key's value, or else of the section.
    pub(super) fn place(&self, key: &str) -> Span {
        self.table.get(key).map_or_else(|| self.span.clone(), Spanned::span)
    }

    /// Keys and values as they stand, for sections whose keys are names.
    pub(super) fn entries(&self) -> impl Iterator<Item = (At<&'r str>, &'r Spanned<DeValue<'i>>)> + use<'r, 'i> {
        self.table.iter().map(|(key, value)| (At { span: key.span(), value: key.get_ref().as_ref() }, value))
    }

    pub(super) fn text(&mut self, key: &'static str, faults: &mut Faults<'_>) -> Option<At<&'r str>> {
        let value = self.value(key)?;
        self.typed(key, value, value.get_ref().as_str(), "text in quotes", faults)
    }

    /// Text that is not empty.
    pub(super) fn name(&mut self, key: &'static str, faults: &mut Faults<'_>) -> Option<At<&'r str>> {
        let text = self.text(key, faults)?;
        if text.value.is_empty() {
            let message = format!("{key} in {} is empty", self.title);
            faults.error(&text.span, VALUE, message, "give it a name");
            return None;
        }
        Some(text)
    }

    /// A [`Section::name`] that must be there.
    pub(super) fn required(
        &mut self,
        key: &'static str,
        example: &str,
        faults: &mut Faults<'_>,
    ) -> Option<At<&'r str>> {
        if self.has(key) {
            return self.name(key, faults);
        }
        self.missing(key, &format!("\"{example}\""), faults);
        None
    }

    pub(super) fn flag(&mut self, key: &'static str, faults: &mut Faults<'_>) -> Option<bool> {
        let value = self.value(key)?;
        let flag = self.typed(key, value, value.get_ref().as_bool(), "true or false", faults)?;
        Some(flag.value)
    }

    /// A whole number of seconds, from 1 to a day.
    pub(super) fn whole_seconds(&mut self, key: &'static str, faults: &mut Faults<'_>) -> Option<Duration> {
        let seconds = self.count(key, DAY, faults)?;
        u64::try_from(seconds).ok().map(Duration::from_secs)
    }

    /// A number of seconds above 0, of at most a day.
    pub(super) fn seconds(&mut self, key: &'static str, faults: &mut Faults<'_>) -> Option<Duration> {
        let value = self.value(key)?;
        let number = self.typed(key, value, number(value.get_ref()), "a number of seconds", faults)?;
        if number.value > 0.0 && number.value <= 86_400.0 {
            return Some(Duration::from_secs_f64(number.value));
        }
        let message = format!("{key} in {} is out of range", self.title);
        faults.error(&number.span, VALUE, message, "give seconds above 0, at most 86400");
        None
    }

    /// A part of a whole, from 0 to 0.9.
    pub(super) fn share(&mut self, key: &'static str, faults: &mut Faults<'_>) -> Option<f64> {
        let value = self.value(key)?;
        let share = self.typed(key, value, number(value.get_ref()), "a number", faults)?;
        if (0.0..=0.9).contains(&share.value) {
            return Some(share.value);
        }
        let message = format!("{key} in {} is out of range", self.title);
        faults.error(&share.span, VALUE, message, "give a share from 0 to 0.9");
        None
    }

    /// A whole number from 1 to `most`.
    pub(super) fn count(&mut self, key: &'static str, most: usize, faults: &mut Faults<'_>) -> Option<usize> {
        let value = self.value(key)?;
        let text = value.get_ref().as_integer().filter(|number| number.radix() == 10);
        let number = self.typed(key, value, text, "a whole number", faults)?;
        if let Some(count) = number.value.as_str().parse().ok().filter(|count| (1..=most).contains(count)) {
            return Some(count);
        }
        let message = format!("{key} in {} is out of range", self.title);
        faults.error(&number.span, VALUE, message, format!("give a whole number from 1 to {most}"));
        None
    }

    /// One of some words, each with its meaning.
    pub(super) fn one_of<T: Clone>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
        faults: &mut Faults<'_>,
    ) -> Option<At<T>> {
        let text = self.text(key, faults)?;
        let value = word(&text, words, &format!("{key} in {}", self.title), faults)?;
        Some(At { span: text.span, value })
    }

    /// A [`Section::one_of`] that must be there.
    pub(super) fn required_one_of<T: Clone>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
        example: &str,
        faults: &mut Faults<'_>,
    ) -> Option<At<T>> {
        if self.has(key) {
            return self.one_of(key, words, faults);
        }
        self.required(key, example, faults);
        None
    }

    /// A list of names.
    pub(super) fn names(&mut self, key: &'static str, faults: &mut Faults<'_>) -> Vec<At<&'r str>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(list) = self.typed(key, value, value.get_ref().as_array(), "a list such as [\"a\", \"b\"]", faults)
        else {
            return Vec::new();
        };
        let mut names = Vec::new();
        for one in list.value {
            names.extend(self.typed(key, one, one.get_ref().as_str(), "a list of texts in quotes", faults));
        }
        names
    }

    /// [`Section::names`] that must be there, each of them text.
    pub(super) fn required_names(
        &mut self,
        key: &'static str,
        example: &str,
        faults: &mut Faults<'_>,
    ) -> Option<Vec<At<&'r str>>> {
        let Some(value) = self.table.get(key) else {
            self.missing(key, &format!("[\"{example}\"]"), faults);
            return None;
        };
        let names = self.names(key, faults);
        (value.get_ref().as_array()?.len() == names.len()).then_some(names)
    }

    /// A section inside this one; an absent one is `None`.
    pub(super) fn section(&mut self, key: &'static str, title: String, faults: &mut Faults<'_>) -> Option<Self> {
        let value = self.value(key)?;
        let table = self.typed(key, value, value.get_ref().as_table(), &format!("a section {title}"), faults)?;
        let place = self.table.get_key_value(key).map_or(table.span, |(key, _)| key.span());
        Some(Self::new(title, table.value, place))
    }

    /// Reports every key that was not asked for.
    pub(super) fn finish(self, faults: &mut Faults<'_>) {
        for (key, value) in self.entries() {
            if self.asked.contains(&key.value) {
                continue;
            }
            let message = format!("unknown key {} in {}", shown(key.value), self.title);
            let hint = match nearest(key.value, self.asked.iter().copied()) {
                Some(word) => format!("did you mean {word}?"),
                // `[tables.my.table]` is a table `my` with a section `table`.
                None if value.get_ref().is_table() && self.title.starts_with("[tables.") => {
                    "a table name with a dot must stand in quotes".to_owned()
                }
                None => format!("it may hold {}", self.asked.join(", ")),
            };
            faults.error(&key.span, UNKNOWN_KEY, message, hint);
        }
    }

    fn missing(&mut self, key: &'static str, example: &str, faults: &mut Faults<'_>) {
        self.asked.push(key);
        let message = format!("{} has no {key}", self.title);
        faults.error(&self.span, MISSING, message, format!("add {key} = {example}"));
    }

    fn value(&mut self, key: &'static str) -> Option<&'r Spanned<DeValue<'i>>> {
        self.asked.push(key);
        self.table.get(key)
    }

    fn typed<T>(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        typed: Option<T>,
        expected: &str,
        faults: &mut Faults<'_>,
    ) -> Option<At<T>> {
        if typed.is_none() {
            let message = format!("{key} in {} is of type {}", self.title, value.get_ref().type_str());
            faults.error(&value.span(), TYPE, message, format!("it must be {expected}"));
        }
        typed.map(|typed| At { span: value.span(), value: typed })
    }
}

/// The meaning of one of some words; `what` names the place in messages.
pub(super) fn word<T: Clone>(text: &At<&str>, words: &[(&str, T)], what: &str, faults: &mut Faults<'_>) -> Option<T> {
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
        return Some(value.clone());
    }
    let names = || words.iter().map(|(word, _)| *word);
    let hint = match nearest(text.value, names()) {
        Some(word) => format!("did you mean \"{word}\"?"),
        None => format!("write one of {}", names().collect::<Vec<_>>().join(", ")),
    };
    faults.error(&text.span, VALUE, format!("{what} cannot be {}", shown(text.value)), hint);
    None
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(number) if number.radix() == 10 => number.as_str().parse().ok(),
        DeValue::Float(number) => number.as_str().parse().ok(),
        _ => None,
    }
}

const DAY: usize = 86_400;
