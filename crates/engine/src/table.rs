//! A protected table: its schema, its keys, and what it lets pass unsealed.

mod repair;

use std::collections::BTreeSet;

use dynaseal_item::{Action, Draft, Item, Kind, Schema, Sealed};
use dynaseal_keys::{CacheReadings, Io, Provider, Service};
use thiserror::Error;

use crate::run::not_reserved;

/// Attribute that stands on an item for the moment in which it is sealed (`modify/mark.rs`). Nobody is ever shown it.
pub(crate) const MARK: &str = "aws_dbe_sealing";

/// What may be stored and read unsealed; for migrations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plaintext {
    /// Every item is sealed, and an unsealed one is an error (DB-ESDK: `FORBID_PLAINTEXT_WRITE_FORBID_PLAINTEXT_READ`).
    #[default]
    Forbid,
    /// Items are sealed when written; unsealed ones may be read (`FORBID_PLAINTEXT_WRITE_ALLOW_PLAINTEXT_READ`).
    Read,
    /// Items are written unsealed; both kinds are read (`FORCE_PLAINTEXT_WRITE_ALLOW_PLAINTEXT_READ`).
    Write,
}

/// A table with a configuration.
#[derive(Clone, Debug)]
pub struct Table {
    name: String,
    schema: Schema,
    provider: Provider,
    plaintext: Plaintext,
    /// Attributes that the configuration hides, although DynamoDB describes them as keys of an index.
    hidden_index_keys: BTreeSet<String>,
}

/// Why one item could not be sealed or opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Failure {
    /// The item is wrong, or is not what was sealed.
    #[error(transparent)]
    Item(#[from] dynaseal_item::Error),
    /// No key was given.
    #[error(transparent)]
    Keys(#[from] dynaseal_keys::Error),
    /// The item has an attribute that is the key of an index and must not be stored readable.
    #[error("\"{attribute}\" is a key of an index, but the configuration does not store it readable")]
    IndexKey {
        /// The attribute.
        attribute: String,
    },
    /// The item, sealed or not, is not one that was asked for.
    #[error("{0}")]
    NotAsked(&'static str),
}

impl Table {
    /// Puts a checked table together.
    #[must_use]
    pub fn new(name: String, schema: Schema, provider: Provider, plaintext: Plaintext) -> Self {
        Self { name, schema, provider, plaintext, hidden_index_keys: BTreeSet::new() }
    }

    /// Refuses to seal items with these attributes: DynamoDB wants to read them, and the configuration hides them.
    pub(crate) fn with_hidden_index_keys(mut self, keys: impl IntoIterator<Item = String>) -> Self {
        self.hidden_index_keys.extend(keys);
        self
    }

    /// Keys of indexes that the configuration hides, in byte order.
    pub(crate) fn hidden_index_keys(&self) -> impl Iterator<Item = &str> {
        self.hidden_index_keys.iter().map(String::as_str)
    }

    /// The table's name in DynamoDB.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What happens to each attribute.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Whether the table's keys come from a service.
    #[must_use]
    pub fn needs(&self, service: Service) -> bool {
        self.provider.needs(service)
    }

    /// What the caches of its key ring have done.
    pub(crate) fn caches(&self) -> CacheReadings {
        self.provider.caches()
    }

    /// What may pass unsealed.
    #[must_use]
    pub fn plaintext(&self) -> Plaintext {
        self.plaintext
    }

    /// Seals one item, or leaves it alone where the table is written unsealed.
    ///
    /// # Errors
    /// The item does not fit the schema, or no key was given.
    pub async fn seal<'a>(&self, io: Io<'_>, item: Item<'a>) -> Result<Item<'a>, Failure> {
        if self.plaintext == Plaintext::Write {
            return Ok(item);
        }
        if let Some(attribute) = self.hidden_index_keys().find(|key| item.get(key).is_some()) {
            return Err(Failure::IndexKey { attribute: attribute.to_owned() });
        }
        let draft = Draft::new(&self.schema, item)?;
        let keys = self.provider.seal_keys(draft.suite(), draft.context(), io).await?;
        let message_id = dynaseal_keys::message_id()?;
        Ok(draft.seal(keys, &message_id)?)
    }

    /// Seals an item as a caller gave it. One with a name that belongs to the format is refused: what has it would be
    /// dropped without a word, and an item that is sealed already would be sealed once more.
    ///
    /// # Errors
    /// As [`Table::seal`].
    pub async fn seal_given<'a>(&self, io: Io<'_>, item: Item<'a>) -> Result<Item<'a>, Failure> {
        not_reserved(&item)?;
        self.seal(io, item).await
    }

    /// Verifies and opens one item where it lies.
    ///
    /// # Errors
    /// The item is not what was sealed, is unsealed where that is forbidden, or no key was given.
    pub async fn open<'a>(&'a self, io: Io<'_>, item: &'a mut Item<'_>) -> Result<Item<'a>, Failure> {
        if self.plaintext != Plaintext::Forbid && Sealed::is_plain(item) {
            item.retain(|name| name != MARK);
            return Ok(std::mem::take(item));
        }
        let sealed = Sealed::parse(&self.schema, item)?;
        let keys = self.provider.open_keys(sealed.suite(), sealed.data_keys(), sealed.context(), io).await?;
        Ok(sealed.verify(&keys)?.open()?)
    }

    /// An attribute that is encrypted in a stored item and would stand readable in the one that takes its place, although
    /// no line of the configuration names it.
    pub(crate) fn exposed(&self, stored: &Item<'_>, new: &Item<'_>) -> Option<String> {
        let mut stored = stored.clone();
        let sealed = Sealed::parse(&self.schema, &mut stored).ok()?;
        let is_hidden = |name: &str| self.schema.action(name) == Some(Action::EncryptAndSign);
        let exposed = |name: &&str| !is_hidden(name) && !self.schema.lists(name) && new.get(name).is_some();
        sealed.encrypted().find(exposed).map(str::to_owned)
    }
}

impl Failure {
    /// The stable code, listed in `docs/ERRORS.md`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Failure::Item(error) => error.code(),
            Failure::Keys(error) => error.code(),
            Failure::IndexKey { .. } => KEY_NOT_READABLE,
            Failure::NotAsked(_) => NOT_ASKED,
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Failure::Item(error) => error.kind(),
            Failure::Keys(error) => error.kind(),
            Failure::IndexKey { .. } => Kind::Caller,
            Failure::NotAsked(_) => Kind::Data,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Failure::Item(error) => error.hint(),
            Failure::Keys(error) => error.hint(),
            Failure::IndexKey { .. } => READABLE_KEYS,
            Failure::NotAsked(_) => NOT_ASKED_HINT,
        }
    }
}

/// The code of every refusal of a key that DynamoDB names and the configuration does not store readable.
pub(crate) const KEY_NOT_READABLE: &str = "DSL-2009";
pub(crate) const READABLE_KEYS: &str = "if it may be stored readable, list it as sign_only under the attributes of the \
     section that protects the table, as in [tables.\"*\".attributes]; if nobody made it a key on purpose, find out who did";
/// Of an answer that is for another item than was asked for.
pub(crate) const NOT_ASKED: &str = "DSL-3011";
pub(crate) const NOT_ASKED_HINT: &str = "something between here and DynamoDB changes requests or answers, or is not DynamoDB; nothing of the answer was used";
