//! Single items, without a call of DynamoDB: for exports, streams and queues.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal_engine::{Engine, Failure, SystemClock, Table, did_you_mean};
use dynaseal_item::Item;
use dynaseal_keys::Io;
use thiserror::Error;

use crate::services::Services;

/// Seals an item for a table of the engine, as a PutItem would store it. With keys that a service holds:
/// [`Sealing::seal_item`](crate::Sealing::seal_item).
///
/// # Errors
/// The table is not configured by name, the item does not fit its schema, or no key was given.
pub async fn seal_item(engine: &Engine, table: &str, item: &AwsItem) -> Result<AwsItem, ItemError> {
    seal_with(engine, &Services::NONE, table, item).await
}

/// Verifies and opens an item of a table of the engine, as a GetItem would return it. With keys that a service holds:
/// [`Sealing::open_item`](crate::Sealing::open_item).
///
/// # Errors
/// The table is not configured by name, the item is not what was sealed, or no key was given.
pub async fn open_item(engine: &Engine, table: &str, item: &AwsItem) -> Result<AwsItem, ItemError> {
    open_with(engine, &Services::NONE, table, item).await
}

/// An item as the SDK has it.
pub type AwsItem = HashMap<String, AttributeValue>;

/// Why an item was neither sealed nor opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ItemError {
    /// The configuration names no such table.
    #[error("{}: table {table}: the configuration has no such table{near}. {}", self.code(), self.hint())]
    NoTable {
        /// The name that was asked for.
        table: String,
        /// The one that may have been meant, ready to print.
        near: String,
    },
    /// The item or its keys.
    #[error("{}: table {table}: {source}. {}", self.code(), self.hint())]
    Failed {
        /// The table.
        table: String,
        /// Why.
        source: Failure,
    },
}

impl ItemError {
    /// The stable code, listed in `docs/ERRORS.md`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ItemError::NoTable { .. } => "DSL-9308",
            ItemError::Failed { source, .. } => source.code(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            ItemError::NoTable { .. } => "Add [tables.NAME] to dynaseal.toml, or correct the name",
            ItemError::Failed { source, .. } => source.hint(),
        }
    }
}

pub(crate) async fn seal_with(
    engine: &Engine,
    services: &Services,
    table: &str,
    item: &AwsItem,
) -> Result<AwsItem, ItemError> {
    let of = |source| ItemError::Failed { table: table.to_owned(), source };
    let item = Item::try_from(item).map_err(|error| of(error.into()))?;
    let sealed = known(engine, table)?.seal_given(io(services), item).await.map_err(of)?;
    Ok(sealed.into())
}

pub(crate) async fn open_with(
    engine: &Engine,
    services: &Services,
    table: &str,
    item: &AwsItem,
) -> Result<AwsItem, ItemError> {
    let of = |source| ItemError::Failed { table: table.to_owned(), source };
    let mut item = Item::try_from(item).map_err(|error| of(error.into()))?;
    let opened = known(engine, table)?.open(io(services), &mut item).await.map_err(of)?;
    Ok(opened.into())
}

fn known<'e>(engine: &'e Engine, table: &str) -> Result<&'e Table, ItemError> {
    engine.table(table).ok_or_else(|| {
        let near = did_you_mean(table, engine.protected().into_iter());
        ItemError::NoTable { table: table.to_owned(), near }
    })
}

fn io(services: &Services) -> Io<'_> {
    Io { wire: services, clock: &SystemClock }
}
