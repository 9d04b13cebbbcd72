//! Disables a branch key, and enables it again. DB-ESDK has no such state, so it is made of one that its clients obey too:
//! the records are put aside under other types, where no reader looks. To every client the branch key is not there.
//!
//! Each record moves in one transaction, so it is never there twice and never gone. Nothing of it but its `type` changes.

use dynaseal_item::{Value, json};
use serde::Serialize;

use super::{Stored, absent, uuid};
use crate::error::Error;
use crate::keyring::Io;
use crate::store::error::{RecordName, StoreError, TableRefusal};
use crate::store::record::{DISABLED, TYPE};
use crate::store::table::KeyStoreTable;

/// A branch key whose records were moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Switched {
    /// Its id.
    pub id: String,
    /// How many records were moved; none if it was in that state already.
    pub moved: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum To {
    Disabled,
    Enabled,
}

impl KeyStoreTable {
    /// Keeps a branch key from sealing and opening, once caches have expired, until it is enabled again. If it is
    /// interrupted, run it again.
    ///
    /// # Errors
    /// No such branch key, or a failure of DynamoDB, after which a part may be disabled.
    pub async fn disable(&self, id: &str, io: Io<'_>) -> Result<Switched, Error> {
        self.switch(id, To::Disabled, io).await
    }

    /// Gives a disabled branch key back. If it is interrupted, run it again.
    ///
    /// # Errors
    /// No such branch key, another that was made under its id meanwhile, or a failure of DynamoDB, after which a part may
    /// be enabled.
    pub async fn enable(&self, id: &str, io: Io<'_>) -> Result<Switched, Error> {
        self.switch(id, To::Enabled, io).await
    }

    async fn switch(&self, id: &str, to: To, io: Io<'_>) -> Result<Switched, Error> {
        let mut switched = Switched { id: id.to_owned(), moved: 0 };
        for _ in 0..ROUNDS {
            let mut found = self.stored(id, io).await?;
            found.retain(|record| record.r#type.is_some());
            if found.is_empty() {
                return Err(Error::NoBranchKey { id: id.to_owned() });
            }
            let twice = |record: &&Stored| {
                let others = found.iter().filter(|other| other.r#type == record.r#type);
                record.disabled && others.count() > 1
            };
            if let Some(record) = found.iter().find(twice) {
                return Err(StoreError::Twice { record: to.place(record) }.into());
            }
            found.retain(|record| record.disabled != (to == To::Disabled));
            if found.is_empty() {
                return Ok(switched);
            }
            // What seals goes first and comes back last, so that nothing is sealed that cannot be opened.
            let first = found.iter().any(|record| record.is_active() == (to == To::Disabled));
            found.retain(|record| !first || record.is_active() == (to == To::Disabled));
            for batch in found.chunks(BATCH) {
                let moves = batch.iter().map(|record| self.moved(record, to)).collect::<Result<Vec<_>, _>>()?.concat();
                match self.table.transact(&moves, &uuid()?.to_string(), io).await {
                    Ok(()) => switched.moved += batch.len(),
                    // Someone was faster; the next round sees what is left.
                    Err(StoreError::Refused { refusal: TableRefusal::Condition | TableRefusal::Conflict, .. }) => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        let to_be = if to == To::Disabled { "disabled" } else { "enabled" };
        Err(StoreError::Restless { id: id.to_owned(), to_be }.into())
    }

    /// The two halves of a move.
    fn moved(&self, record: &Stored, to: To) -> Result<[serde_json::Value; 2], Error> {
        let mut item = record.item.clone();
        item.insert(TYPE, Value::S(to.place(record).r#type.into_string().into()));
        let mut text = Vec::new();
        json::write_item(&item, &mut text);
        let item = serde_json::from_slice(&text).map_err(|_| Error::Library { at: "writing a record" })?;
        Ok([self.put(&item, &absent()), self.delete(&record.name, &record.unchanged())])
    }
}

impl To {
    /// Where a record is to stand.
    fn place(self, record: &Stored) -> RecordName {
        let RecordName { id, r#type } = &record.name;
        let plain = r#type.strip_prefix(DISABLED).unwrap_or(r#type);
        let r#type = if self == To::Disabled { format!("{DISABLED}{plain}") } else { plain.to_owned() };
        RecordName::new(id.clone(), r#type)
    }
}

/// Two actions for each record, of the hundred that DynamoDB allows in a transaction.
const BATCH: usize = 50;
/// Two suffice if nobody else changes the branch key.
const ROUNDS: u32 = 20;
