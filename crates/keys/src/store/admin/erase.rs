//! Destroys a branch key: what was sealed with it can be opened by nobody any more, once caches have expired and backups of
//! the key store are gone. DB-ESDK has no such operation, and needs none: to it the branch key is not there.

use serde::Serialize;

use super::{Stored, uuid};
use crate::branch::store::KeyVersion;
use crate::error::Error;
use crate::keyring::Io;
use crate::store::error::{StoreError, TableRefusal};
use crate::store::record::{DISABLED, RecordType};
use crate::store::table::KeyStoreTable;

/// Whether to destroy, or only to say what would be destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Erasure {
    /// Nothing is changed.
    DryRun,
    /// Everything under the id is deleted.
    ForGood,
}

/// What was destroyed, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Destroyed {
    /// The branch key's id.
    pub id: String,
    /// How many versions it had.
    pub versions: usize,
    /// The types of all that was deleted, in the order in which it was.
    pub records: Vec<String>,
}

impl Destroyed {
    /// Nothing yet.
    #[must_use]
    pub fn nothing_of(id: &str) -> Self {
        Self { id: id.to_owned(), versions: 0, records: Vec::new() }
    }

    /// The versions among what was deleted.
    pub fn version_ids(&self) -> impl Iterator<Item = KeyVersion> {
        self.records.iter().filter_map(|r#type| {
            match RecordType::parse(r#type.strip_prefix(DISABLED).unwrap_or(r#type)) {
                Some(RecordType::Version(version)) => Some(version),
                _ => None,
            }
        })
    }

    fn note<'r>(&mut self, records: impl IntoIterator<Item = &'r Stored>) {
        self.records.extend(records.into_iter().map(|record| record.name.r#type.to_string()));
        self.versions = self.version_ids().count();
    }

    /// Takes back what stands in the table, whatever was answered when it was to be deleted.
    fn take_back(&mut self, found: &[Stored]) {
        self.records.retain(|r#type| !found.iter().any(|record| *record.name.r#type == **r#type));
        self.versions = self.version_ids().count();
    }
}

impl KeyStoreTable {
    /// Deletes everything that stands under an id, disabled records included. There is no way back but a backup.
    ///
    /// The active record goes first, so that nothing is sealed with a key that is about to go, and no rotation adds to
    /// what is there. If it is interrupted, running it again deletes the rest.
    ///
    /// # Errors
    /// No such branch key, or a failure of DynamoDB, after which a part may be gone.
    pub async fn destroy(&self, id: &str, erasure: Erasure, io: Io<'_>) -> Result<Destroyed, Error> {
        let mut destroyed = Destroyed::nothing_of(id);
        self.destroy_into(&mut destroyed, erasure, io).await.map(|()| destroyed)
    }

    /// The same, with what was destroyed told whatever happens: `destroyed` has what is known to be gone also where it fails.
    ///
    /// # Errors
    /// As [`destroy`](Self::destroy).
    pub async fn destroy_into(&self, destroyed: &mut Destroyed, erasure: Erasure, io: Io<'_>) -> Result<(), Error> {
        let id = destroyed.id.clone();
        for _ in 0..ROUNDS {
            let mut found = self.stored(&id, io).await?;
            destroyed.take_back(&found);
            if found.is_empty() && destroyed.records.is_empty() {
                return Err(Error::NoBranchKey { id });
            }
            found.sort_by_key(order);
            if erasure == Erasure::DryRun {
                destroyed.note(&found);
            }
            if erasure == Erasure::DryRun || found.is_empty() {
                return Ok(());
            }
            // The active record on its own, then a fresh look at the rest.
            let active = found.iter().filter(|record| record.is_active()).count();
            found.truncate(if active > 0 { active } else { found.len() });
            for batch in found.chunks(BATCH) {
                let deletes: Vec<_> =
                    batch.iter().map(|record| self.delete(&record.name, &record.unchanged())).collect();
                match self.table.transact(&deletes, &uuid()?.to_string(), io).await {
                    Ok(()) => destroyed.note(batch),
                    // Someone was faster; the next round sees what is left.
                    Err(StoreError::Refused { refusal: TableRefusal::Condition | TableRefusal::Conflict, .. }) => break,
                    Err(error) => {
                        // An answer that was lost says nothing; the table does, if it can be asked.
                        if let Ok(left) = self.stored(&id, io).await {
                            let is_left = |gone: &&Stored| left.iter().any(|record| record.name == gone.name);
                            destroyed.note(batch.iter().filter(|record| !is_left(record)));
                        }
                        return Err(error.into());
                    }
                }
            }
        }
        destroyed.take_back(&self.stored(&id, io).await?);
        Err(StoreError::Restless { id, to_be: "destroyed" }.into())
    }
}

/// What seals, what opens, what finds, and what is not known.
fn order(record: &Stored) -> u8 {
    match record.r#type {
        Some(RecordType::Active) => 0,
        Some(RecordType::Version(_)) => 1,
        Some(RecordType::Beacon) => 2,
        None => 3,
    }
}

/// What DynamoDB allows in a transaction.
const BATCH: usize = 100;
/// Two suffice if nobody else changes the branch key.
const ROUNDS: u32 = 20;
