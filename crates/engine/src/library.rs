//! What is sealed and opened apart from any call: single items, stream records and Lambda events.

use dynaseal_item::{Item, json};
use dynaseal_keys::{Io, Wire};

use crate::error::Error;
use crate::learn::Tables;
use crate::reply;
use crate::run::Engine;
use crate::table::{Failure, Table};

impl Engine {
    /// Seals one item of a table, given and returned as DynamoDB JSON.
    ///
    /// # Errors
    /// The table is not configured, the item does not fit it, or no key was given.
    pub async fn seal_item(&self, wire: &dyn Wire, table: &str, item: &str) -> Result<Vec<u8>, Error> {
        self.one_item(wire, Direction::Seal, table, item).await
    }

    /// Verifies and opens one item of a table, given and returned as DynamoDB JSON.
    ///
    /// # Errors
    /// The table is not configured, the item is not what was sealed, or no key was given.
    pub async fn open_item(&self, wire: &dyn Wire, table: &str, item: &str) -> Result<Vec<u8>, Error> {
        self.one_item(wire, Direction::Open, table, item).await
    }

    /// Opens the images in an answer of GetRecords, in a Lambda event, or in one record of either, and leaves the rest as
    /// it is. `table` names the table that the records are of; without it each must name its own, as those of Lambda
    /// events do, and records of tables without a configuration are left alone.
    ///
    /// # Errors
    /// The text is none of these, a record's table is not known, or an image could not be verified or opened.
    pub async fn open_records(&self, wire: &dyn Wire, table: Option<&str>, text: &str) -> Result<Vec<u8>, Error> {
        let io = self.io(wire);
        loop {
            let tables = self.known();
            let opened = reply::open_records(&tables, table, text, io, self.crew()).await;
            if !learned("open", &tables, io).await? {
                return opened;
            }
        }
    }

    async fn one_item(&self, wire: &dyn Wire, direction: Direction, name: &str, text: &str) -> Result<Vec<u8>, Error> {
        let (io, operation) = (self.io(wire), direction.operation());
        loop {
            let tables = self.known();
            if let Some(table) = tables.table(name) {
                let done = direction.carry_out(table, text, io).await;
                return done.map_err(|failure| Error::of_item(operation, table, None, failure));
            }
            if !learned(operation, &tables, io).await? {
                return Err(Error::Refused {
                    operation: operation.to_owned(),
                    table: name.to_owned(),
                    what: format!("the configuration has no such table{}", tables.directory().suggestion(name)),
                    instead: "add it to the configuration's tables, or correct the name",
                });
            }
        }
    }
}

/// Asks DynamoDB for the keys of tables that were looked for in vain; false if there was nothing to ask.
async fn learned(operation: &str, tables: &Tables<'_>, io: Io<'_>) -> Result<bool, Error> {
    let unknown = tables.unknown();
    let Some(table) = unknown.keys().next().cloned() else { return Ok(false) };
    match tables.directory().learn(operation, unknown, io).await {
        Ok(None) => Ok(true),
        Ok(Some(_)) | Err(Error::Wire { .. }) => Err(Error::Unlearned { operation: operation.to_owned(), table }),
        Err(error) => Err(error),
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Seal,
    Open,
}

impl Direction {
    fn operation(self) -> &'static str {
        match self {
            Direction::Seal => "seal",
            Direction::Open => "open",
        }
    }

    async fn carry_out(self, table: &Table, text: &str, io: Io<'_>) -> Result<Vec<u8>, Failure> {
        let mut item = json::read_item(text)?;
        Ok(match self {
            Direction::Seal => printed(&table.seal_given(io, item).await?),
            Direction::Open => printed(&table.open(io, &mut item).await?),
        })
    }
}

fn printed(item: &Item<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    json::write_item(item, &mut out);
    out
}
