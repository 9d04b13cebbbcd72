//! Makes a branch key (FORMAT 12.3).
//! Spec: `framework/branch-key-store.md#createkey`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;

use super::id;
use super::{absent, merge, uuid};
use crate::branch::store::KeyVersion;
use crate::error::Error;
use crate::keyring::Io;
use crate::store::calls::key;
use crate::store::error::{RecordName, StoreError, TableRefusal};
use crate::store::keys::RING;
use crate::store::record::{Attributes, DISABLED, RecordType};
use crate::store::table::{KeyStoreTable, is_id};
use crate::store::time::CreateTime;

/// A branch key that is to be made.
#[derive(Clone, Debug, Default)]
pub struct CreateKey {
    /// Its id; a random UUID if there is none.
    pub id: Option<String>,
    /// What KMS binds it to, for audits and key policies. It is stored in the clear and may not be empty beside an id.
    pub context: BTreeMap<String, String>,
}

/// A branch key that is to be made, with all that tells it apart.
#[derive(Clone, Debug)]
pub struct PlannedKey {
    /// Its id.
    pub id: String,
    /// Its first version.
    pub version: KeyVersion,
    /// Whether the id was somebody's choice.
    chosen: bool,
    context: BTreeMap<String, String>,
}

/// A branch key that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Created {
    /// Its id.
    pub id: String,
    /// Its first version.
    pub version: KeyVersion,
    /// When it was made.
    pub create_time: CreateTime,
}

impl KeyStoreTable {
    /// Chooses what [`create_planned`](Self::create_planned) makes, so that it can be written down before it is there.
    ///
    /// # Errors
    /// An id that no branch key should have, or a configuration without a KMS key.
    pub fn plan(&self, new: CreateKey) -> Result<PlannedKey, Error> {
        self.keys.for_writing()?;
        let chosen = new.id.is_some();
        let id = match new.id {
            Some(_) if new.context.is_empty() => return Err(StoreError::NoContext.into()),
            Some(id) if !is_id(&id) => {
                let what = "must have 1 to 2,048 bytes";
                return Err(Error::Config { ring: RING, field: "branch_key_id", what });
            }
            Some(id) => match id::fault(&id) {
                Some(what) => return Err(StoreError::Id { what }.into()),
                None => id,
            },
            None => uuid()?.to_string(),
        };
        Ok(PlannedKey { id, version: KeyVersion::random()?, chosen, context: new.context })
    }

    /// Makes a branch key and the beacon key beside it, unless there is one of this id.
    ///
    /// # Errors
    /// An id that is taken, a configuration without a KMS key, or a failure of KMS or DynamoDB. If the answer to the write
    /// was lost and the table does not show it either, the branch key may come to be there later.
    pub async fn create(&self, new: CreateKey, io: Io<'_>) -> Result<Created, Error> {
        self.create_planned(self.plan(new)?, io).await
    }

    /// Makes the branch key that was planned.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub async fn create_planned(&self, planned: PlannedKey, io: Io<'_>) -> Result<Created, Error> {
        let kms_key = self.keys.for_writing()?;
        let PlannedKey { id, version, chosen, context } = planned;
        let create_time = CreateTime::new(io.clock.now());
        let first = Attributes::first(&id, version, &create_time, kms_key, &context);
        let [wrapped, wrapped_active] = self.fresh(kms_key, &first, io).await?;
        let beacon = first.beacon();
        let wrapped_beacon = self.kms.generate(kms_key, &beacon.bound(&self.logical_name), io).await?;

        let mut actions = vec![
            self.put(&first.item(&wrapped), &absent()),
            self.put(&first.active().item(&wrapped_active), &absent()),
            self.put(&beacon.item(&wrapped_beacon), &absent()),
        ];
        let active = RecordType::Active.of(&id);
        if chosen {
            // One that is disabled is taken, too.
            let aside = RecordName::new(id.as_str(), format!("{DISABLED}{}", active.r#type));
            let mut check = json!({ "TableName": self.table.name, "Key": key(&aside) });
            merge(&mut check, &absent());
            actions.push(json!({ "ConditionCheck": check }));
        }
        match self.write_version(&actions, &id, version, io).await? {
            None => Ok(Created { id, version, create_time }),
            Some(TableRefusal::Conflict) => Err(StoreError::Raced { id, to_be: "created" }.into()),
            Some(_) if self.is_disabled(&active, io).await? => Err(StoreError::Disabled { id }.into()),
            Some(_) => Err(StoreError::Exists { id }.into()),
        }
    }
}
