//! Gives a branch key a new version (FORMAT 12.4).
//! Spec: `framework/branch-key-store.md#versionkey`.

use serde::Serialize;

use super::{absent, holds};
use crate::branch::store::KeyVersion;
use crate::error::Error;
use crate::keyring::Io;
use crate::store::error::StoreError;
use crate::store::record::RecordType;
use crate::store::table::{KeyStoreTable, authentic};
use crate::store::time::CreateTime;

/// A branch key that has a new version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rotated {
    /// Its id.
    pub id: String,
    /// The version that sealed until now, and opens what it sealed.
    pub old: KeyVersion,
    /// The version that seals from now on.
    pub new: KeyVersion,
    /// When it was made.
    pub create_time: CreateTime,
}

/// A new version of a branch key that is to be made.
#[derive(Clone, Copy, Debug)]
pub struct Rotation<'a> {
    /// The branch key's id.
    pub id: &'a str,
    /// The version that seals until then, as whoever decided on the rotation saw it. If it is another one by now, nothing
    /// is done. `None` for whichever it is.
    pub from: Option<KeyVersion>,
    /// The version that is to be made.
    pub to: KeyVersion,
}

impl KeyStoreTable {
    /// The version that seals, as the table says without proof; `None` if there is none.
    ///
    /// # Errors
    /// A record that cannot be read, or a failure of DynamoDB.
    pub async fn active_version(&self, id: &str, io: Io<'_>) -> Result<Option<KeyVersion>, Error> {
        Ok(self.record(RecordType::Active.of(id), io).await?.and_then(|active| active.version))
    }

    /// Makes a new version of a branch key and has it seal from now on. The versions before it keep opening, and the
    /// beacon key stays. Of several rotations at once, one wins; the others fail with [`StoreError::Raced`].
    ///
    /// # Errors
    /// No such branch key, one that is not authentic or of another KMS key, or a failure of KMS or DynamoDB. If the answer
    /// to the write was lost and the table does not show it either, the version may come to be there later.
    pub async fn rotate(&self, id: &str, io: Io<'_>) -> Result<Rotated, Error> {
        self.rotate_from(Rotation { id, from: None, to: KeyVersion::random()? }, io).await
    }

    /// Makes the version that was planned, unless another has been made since.
    ///
    /// # Errors
    /// As [`rotate`](Self::rotate), and [`StoreError::Raced`] if another version seals than the plan goes on from.
    pub async fn rotate_from(&self, rotation: Rotation<'_>, io: Io<'_>) -> Result<Rotated, Error> {
        let Rotation { id, from, to: new } = rotation;
        let raced = || StoreError::Raced { id: id.to_owned(), to_be: "rotated" };
        let kms_key = self.keys.for_writing()?;
        let name = RecordType::Active.of(id);
        let missing = || Error::NoBranchKey { id: id.to_owned() };
        let Some(active) = self.record(name.clone(), io).await? else {
            let disabled = self.is_disabled(&name, io).await?;
            return Err(if disabled { StoreError::Disabled { id: id.to_owned() }.into() } else { missing() });
        };
        let old = active.version.ok_or_else(missing)?;
        if from.is_some_and(|from| from != old) {
            return Err(raced().into());
        }
        self.keys.for_record(active.attributes.kms_arn(), &name)?;
        let context = active.attributes.bound(&self.logical_name);
        // KMS says whether the record is authentic without giving its key away.
        let proven = self.kms.re_encrypt(kms_key, &active.wrapped, &context, &context, io).await;
        proven.map_err(|error| authentic(error, &name))?;

        let create_time = CreateTime::new(io.clock.now());
        let next = active.attributes.next(new, &create_time);
        let [wrapped, wrapped_active] = self.fresh(kms_key, &next, io).await?;
        // The second condition is what DB-ESDK leaves out: with it, a rotation in between is noticed.
        let actions = [
            self.put(&next.item(&wrapped), &absent()),
            self.put(&next.active().item(&wrapped_active), &holds(&active.wrapped)),
        ];
        match self.write_version(&actions, id, new, io).await? {
            None => Ok(Rotated { id: id.to_owned(), old, new, create_time }),
            Some(_) => Err(raced().into()),
        }
    }
}
