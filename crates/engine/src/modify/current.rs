//! An item as it is stored, or its absence.

use dynaseal_item::{Item, Value, json};
use dynaseal_keys::{Answer, fingerprint};

use crate::doc::{NotJson, Object};
use crate::error::Error;
use crate::plan::canonical;

pub(super) const FOOTER: &str = "aws_dbe_foot";

/// What tells one version of an item from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Absent,
    Sealed(Value<'static>),
    /// A hash of all attributes.
    Plain(String),
}

/// What a read or a failed guard showed.
#[derive(Clone, Debug)]
pub(super) struct Current {
    /// The stored item's JSON.
    text: Option<String>,
}

impl Current {
    /// The `Item` of a GetItem, or of a failed condition that was asked for it.
    pub(super) fn from_answer(operation: &str, answer: &Answer) -> Result<Self, Error> {
        let bad = |reason: &str| Error::Answer { operation: operation.to_owned(), reason: reason.to_owned() };
        let body = std::str::from_utf8(&answer.body).map_err(|_| bad("it is not UTF-8"))?;
        let body = Object::parse(body).map_err(|NotJson(reason)| bad(reason))?;
        let current = Self { text: body.raw("Item").map(str::to_owned) };
        match current.text.as_deref().map(json::read_item) {
            Some(Err(_)) => Err(bad("an item in it is malformed")),
            _ => Ok(current),
        }
    }

    /// No item.
    pub(super) fn none() -> Self {
        Self { text: None }
    }

    /// What a write leaves, by the JSON that is sent.
    pub(super) fn of(item: &[u8]) -> Self {
        Self { text: Some(String::from_utf8_lossy(item).into_owned()) }
    }

    /// The stored item, sealed or not.
    pub(super) fn item(&self) -> Option<Item<'_>> {
        // That it can be read was checked.
        self.text.as_deref().and_then(|text| json::read_item(text).ok())
    }

    pub(super) fn exists(&self) -> bool {
        self.text.is_some()
    }

    pub(super) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    pub(super) fn version(&self) -> Version {
        let (Some(text), Some(item)) = (&self.text, self.item()) else { return Version::Absent };
        match item.get(FOOTER) {
            Some(footer) => Version::Sealed(footer.clone().into_owned()),
            // Of the same attributes in any order; that it is JSON was checked.
            None => Version::Plain(fingerprint(&[&canonical(text).unwrap_or_default()])),
        }
    }

    /// Whether this is what a write left that made `footer`.
    pub(super) fn has_footer(&self, footer: &Value<'_>) -> bool {
        self.item().is_some_and(|item| item.get(FOOTER) == Some(footer))
    }
}
