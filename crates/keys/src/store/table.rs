//! The key store as key rings see it (FORMAT 12.5).
//! Spec: `framework/branch-key-store.md#getactivebranchkey`, `#getbranchkeyversion`.

use std::sync::Arc;

use crate::branch::store::{BranchKey, KeyStore, KeyVersion};
use crate::error::Error;
use crate::keyring::Io;
use crate::kms::error::{KmsError, Refusal};
use crate::kms::{KeyBytes, Kms};
use crate::store::calls::Table;
use crate::store::error::{RecordName, StoreError};
use crate::store::keys::{KmsConfiguration, RING};
use crate::store::record::{DISABLED, Record, RecordType};
use crate::wire::{BoxFuture, Service};

/// What a key store needs.
#[derive(Clone, Debug)]
pub struct KeyStoreOptions {
    /// The name of the table.
    pub table: String,
    /// The name to which every key is bound; it stays when the table is restored or copied under another name.
    pub logical_name: String,
    /// The key management service.
    pub kms: Arc<dyn Kms>,
    /// Which of its keys.
    pub keys: KmsConfiguration,
}

/// Branch keys in a table of DynamoDB, each wrapped by KMS.
#[derive(Clone, Debug)]
pub struct KeyStoreTable {
    pub(crate) table: Table,
    pub(crate) logical_name: String,
    pub(crate) kms: Arc<dyn Kms>,
    pub(crate) keys: KmsConfiguration,
}

impl KeyStoreTable {
    /// A key store over a table, which need not exist yet.
    ///
    /// # Errors
    /// An empty name, or an ARN that is not a KMS key's.
    pub fn new(options: KeyStoreOptions) -> Result<Self, Error> {
        let KeyStoreOptions { table, logical_name, kms, keys } = options;
        let empty = |field| Err(Error::Config { ring: RING, field, what: "is empty" });
        if table.is_empty() {
            return empty("key_store_table");
        }
        if logical_name.is_empty() {
            return empty("logical_key_store_name");
        }
        keys.check()?;
        Ok(Self { table: Table { name: table }, logical_name, kms, keys })
    }

    /// The table's name.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table.name
    }

    /// The name to which its keys are bound.
    #[must_use]
    pub fn logical_name(&self) -> &str {
        &self.logical_name
    }

    /// Reads a record; `None` if there is none.
    pub(crate) async fn record(&self, name: RecordName, io: Io<'_>) -> Result<Option<Record>, Error> {
        // DynamoDB would refuse the call, and there can be no such record.
        if !is_id(&name.id) {
            return Ok(None);
        }
        let item = self.table.get(&name, io).await?;
        Ok(item.map(|item| Record::read(name, &item)).transpose()?)
    }

    /// Whether a record was put aside by [`disable`](Self::disable).
    pub(crate) async fn is_disabled(&self, name: &RecordName, io: Io<'_>) -> Result<bool, Error> {
        let aside = RecordName::new(name.id.clone(), format!("{DISABLED}{}", name.r#type));
        Ok(is_id(&name.id) && self.table.get(&aside, io).await?.is_some())
    }

    /// Reads a record that must be there.
    pub(crate) async fn existing(
        &self,
        name: RecordName,
        missing: impl Fn() -> Error + Send,
        io: Io<'_>,
    ) -> Result<Record, Error> {
        if let Some(record) = self.record(name.clone(), io).await? {
            return Ok(record);
        }
        let disabled = self.is_disabled(&name, io).await?;
        Err(if disabled { StoreError::Disabled { id: name.id.into() }.into() } else { missing() })
    }

    /// Reads a record and opens its key.
    async fn open(
        &self,
        name: RecordName,
        missing: impl Fn() -> Error + Send + Sync,
        io: Io<'_>,
    ) -> Result<Arc<BranchKey>, Error> {
        let record = self.existing(name, &missing, io).await?;
        let key = self.unwrap(&record, io).await?;
        let version = record.version.ok_or_else(missing)?;
        Ok(Arc::new(BranchKey::new(version, &key)))
    }

    /// Asks each key that may open the record, until one does.
    async fn unwrap(&self, record: &Record, io: Io<'_>) -> Result<KeyBytes, Error> {
        let context = record.attributes.bound(&self.logical_name);
        let mut errors = Vec::new();
        for key in self.keys.for_record(record.attributes.kms_arn(), &record.name)? {
            match self.kms.decrypt(&key, &record.wrapped, &context, io).await {
                Ok(key) => return Ok(key),
                Err(error) => errors.push(authentic(error, &record.name)),
            }
        }
        Err(Error::collect(errors).unwrap_or(Error::Library { at: "choosing a KMS key" }))
    }
}

impl KeyStore for KeyStoreTable {
    fn active<'a>(&'a self, id: &'a str, io: Io<'a>) -> BoxFuture<'a, Result<Arc<BranchKey>, Error>> {
        let missing = || Error::NoBranchKey { id: id.to_owned() };
        Box::pin(self.open(RecordType::Active.of(id), missing, io))
    }

    fn version<'a>(
        &'a self,
        id: &'a str,
        version: KeyVersion,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Arc<BranchKey>, Error>> {
        let missing = move || Error::NoVersion { id: id.to_owned(), version: version.to_string() };
        Box::pin(self.open(RecordType::Version(version).of(id), missing, io))
    }

    fn needs(&self, service: Service) -> bool {
        service == Service::DynamoDb || service == self.kms.service()
    }
}

/// What KMS says of a record that it does not open: changed, moved from another branch key or another table, or wrapped by
/// another key than it names.
pub(crate) fn authentic(error: Error, record: &RecordName) -> Error {
    match error {
        Error::Kms(KmsError::Refused { refusal: Refusal::InvalidCiphertext | Refusal::IncorrectKey, .. }) => {
            StoreError::NotAuthentic { record: record.clone() }.into()
        }
        other => other,
    }
}

/// Whether a text can be a partition key.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len())
}

/// What DynamoDB allows for a partition key.
const LONGEST_ID: usize = 2048;
