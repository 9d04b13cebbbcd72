//! What the calls of KMS for a record carry, told without opening it: for questions about permissions.

use std::collections::BTreeMap;

use dynaseal_item::{Context, Item, Value};
use serde_json::json;

use crate::error::Error;
use crate::keyring::Io;
use crate::store::error::{RecordName, StoreError};
use crate::store::record::{ID, Record, RecordType, TABLE_NAME, TYPE};
use crate::store::table::KeyStoreTable;

/// A record, as the calls of KMS for it say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundRecord {
    /// Which.
    pub record: RecordName,
    /// Whether it is the one that seals.
    pub seals: bool,
    /// The keys of KMS that are asked, one after the other.
    pub keys: Vec<String>,
    /// The encryption context.
    pub context: Context,
}

/// What stands in a key store, as far as KMS is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// For each KMS key that records name, one record that seals and one that opens, where there are such.
    pub records: Vec<BoundRecord>,
    /// For each KMS key that records name and the configuration does not let be called: why.
    pub refused: Vec<StoreError>,
}

impl KeyStoreTable {
    /// What is known of the encryption context of every call of KMS.
    #[must_use]
    pub fn shared_context(&self) -> Context {
        let mut context = Context::new();
        context.insert(TABLE_NAME, self.logical_name.as_str());
        context
    }

    /// What is known of it for one branch key, whose records need not be there.
    #[must_use]
    pub fn context_of(&self, id: &str) -> Context {
        let mut context = self.shared_context();
        context.insert(ID, id);
        context
    }

    /// A branch key's records that seal and open: the active one, and that of the same version.
    ///
    /// # Errors
    /// No such branch key, a record that cannot be used, or a failure of DynamoDB.
    pub async fn bound(&self, id: &str, io: Io<'_>) -> Result<[BoundRecord; 2], Error> {
        let missing = || Error::NoBranchKey { id: id.to_owned() };
        let active = self.existing(RecordType::Active.of(id), missing, io).await?;
        let version = active.version.ok_or_else(missing)?;
        let missing = || Error::NoVersion { id: id.to_owned(), version: version.to_string() };
        let opening = self.existing(RecordType::Version(version).of(id), missing, io).await?;
        Ok([self.as_asked(&active)?, self.as_asked(&opening)?])
    }

    /// Looks through the whole table.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn survey(&self, io: Io<'_>) -> Result<Survey, Error> {
        let mut found = BTreeMap::<(String, bool), Record>::new();
        let scan = json!({ "TableName": self.table.name, "ConsistentRead": true });
        let each = |item: Item<'static>| {
            if let Some(record) = usable(&item) {
                let name = (record.attributes.kms_arn().to_owned(), !is_active(&record));
                found.entry(name).or_insert(record);
            }
        };
        self.table.pages("Scan", scan, io, each).await?;
        let mut survey = Survey::default();
        for ((key, _), record) in found {
            match self.as_asked(&record) {
                Ok(record) => survey.records.push(record),
                Err(error) => {
                    let told =
                        |told: &StoreError| matches!(told, StoreError::OtherKey { stored, .. } if **stored == *key);
                    if !survey.refused.iter().any(told) {
                        survey.refused.push(error);
                    }
                }
            }
        }
        Ok(survey)
    }

    fn as_asked(&self, record: &Record) -> Result<BoundRecord, StoreError> {
        Ok(BoundRecord {
            record: record.name.clone(),
            seals: is_active(record),
            keys: self.keys.for_record(record.attributes.kms_arn(), &record.name)?,
            context: record.attributes.bound(&self.logical_name),
        })
    }
}

/// A record that seals or opens; what cannot be read is nobody's.
fn usable(item: &Item<'_>) -> Option<Record> {
    let text = |name| match item.get(name) {
        Some(Value::S(text)) => Some(text.as_ref()),
        _ => None,
    };
    let record = Record::read(RecordName::new(text(ID)?, text(TYPE)?), item).ok()?;
    record.version.is_some().then_some(record)
}

fn is_active(record: &Record) -> bool {
    RecordType::parse(&record.name.r#type) == Some(RecordType::Active)
}
