//! An item as it is stored, or its absence.

use dynaseal_item::{Item, Value, json};
use dynaseal_keys::{Answer, fingerprint};

use crate::doc::{NotJson, Object};
use crate::error::Error;
use crate::plan::canonical;
use crate::table::MARK;

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
    /// The mark on it.
    mark: Option<Value<'static>>,
}

impl Current {
    /// The `Item` of a GetItem, or of a failed condition that was asked for it.
    pub(super) fn from_answer(operation: &str, answer: &Answer) -> Result<Self, Error> {
        Self::from_member(operation, answer, "Item")
    }

    /// The same under another name.
    pub(super) fn from_member(operation: &str, answer: &Answer, member: &str) -> Result<Self, Error> {
        let bad = |reason: &str| Error::answer(operation, reason);
        let body = std::str::from_utf8(&answer.body).map_err(|_| bad("it is not UTF-8"))?;
        let body = Object::parse(body).map_err(|NotJson(reason)| bad(reason))?;
        let text = body.raw(member);
        let mut item = text.map(json::read_item).transpose().map_err(|_| bad("an item in it is malformed"))?;
        let mark = item.as_mut().and_then(|item| item.take(MARK)).map(|(_, mark)| mark.into_owned());
        Ok(Self { text: text.map(str::to_owned), mark })
    }

    /// No item.
    pub(super) fn none() -> Self {
        Self { text: None, mark: None }
    }

    /// What a write leaves.
    pub(super) fn of(item: &Item<'_>) -> Self {
        Self { text: Some(String::from_utf8_lossy(&super::printed_item(item)).into_owned()), mark: None }
    }

    /// The stored item, sealed or not, without a mark.
    pub(super) fn item(&self) -> Option<Item<'_>> {
        // That it can be read was checked.
        let mut item = self.text.as_deref().and_then(|text| json::read_item(text).ok())?;
        if self.mark.is_some() {
            item.retain(|name| name != MARK);
        }
        Some(item)
    }

    /// The mark on it.
    pub(super) fn mark(&self) -> Option<&Value<'static>> {
        self.mark.as_ref()
    }

    pub(super) fn exists(&self) -> bool {
        self.text.is_some()
    }

    pub(super) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// A mark does not count.
    pub(super) fn version(&self) -> Version {
        let Some(item) = self.item() else { return Version::Absent };
        match item.get(FOOTER) {
            Some(footer) => Version::Sealed(footer.clone().into_owned()),
            // Of the same attributes in any order; that it is JSON was checked.
            None => {
                let printed = super::printed_item(&item);
                let text = std::str::from_utf8(&printed).unwrap_or_default();
                Version::Plain(fingerprint(&[&canonical(text).unwrap_or_default()]))
            }
        }
    }

    /// Whether this is what a write left that made `footer`.
    pub(super) fn has_footer(&self, footer: &Value<'_>) -> bool {
        self.item().is_some_and(|item| item.get(FOOTER) == Some(footer))
    }
}
