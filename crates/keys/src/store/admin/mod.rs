//! What operators do with a key store. Nothing here opens a key.

pub(crate) mod create;
pub(crate) mod erase;
mod id;
pub(crate) mod list;
pub(crate) mod rotate;
pub(crate) mod setup;
pub(crate) mod switch;

use dynaseal_item::Item;
use serde_json::{Value, json};
use uuid::{Builder, Uuid};

use crate::branch::store::KeyVersion;
use crate::error::Error;
use crate::keyring::Io;
use crate::secret::random;
use crate::store::calls::{WRITE, key};
use crate::store::error::{RecordName, StoreError, TableRefusal};
use crate::store::record::{Attributes, DISABLED, ENC, ID, RecordType, TYPE};
use crate::store::table::KeyStoreTable;

impl KeyStoreTable {
    /// A fresh key, wrapped for a version record and for the active record beside it.
    async fn fresh(&self, kms_key: &str, version: &Attributes, io: Io<'_>) -> Result<[Vec<u8>; 2], Error> {
        let from = version.bound(&self.logical_name);
        let to = version.active().bound(&self.logical_name);
        let wrapped = self.kms.generate(kms_key, &from, io).await?;
        let active = self.kms.re_encrypt(kms_key, &wrapped, &from, &to, io).await?;
        Ok([wrapped, active])
    }

    /// Writes a new version of a branch key, all or nothing. Whether it was carried out shows in the table, since no other
    /// write makes this version: a success brings nothing of its own that could be checked, and the answer to a write that
    /// was carried out may be lost. `None` if it was, or why it was not.
    async fn write_version(
        &self,
        actions: &[Value],
        id: &str,
        version: KeyVersion,
        io: Io<'_>,
    ) -> Result<Option<TableRefusal>, Error> {
        let token = uuid()?.to_string();
        let first = self.table.transact(actions, &token, io).await;
        let lost = first.as_ref().err().filter(|error| matches!(error, StoreError::NoAnswer { .. })).cloned();
        let last = if lost.is_some() { self.table.transact(actions, &token, io).await } else { first };
        match (self.record(RecordType::Version(version).of(id), io).await, last) {
            (Ok(Some(_)), _) => Ok(None),
            (Ok(None), Ok(())) => {
                let what = "it says that the write was carried out, and what was written is not there";
                Err(self.table.unusable(WRITE, what).into())
            }
            (Err(source), Ok(())) => {
                let (id, version) = (id.to_owned(), version.to_string());
                Err(StoreError::Unconfirmed { id, version, source: Box::new(source) }.into())
            }
            (_, Err(StoreError::Refused { refusal, .. }))
                if matches!(refusal, TableRefusal::Condition | TableRefusal::Conflict) =>
            {
                match lost {
                    // The first try may be at work still.
                    Some(first) if refusal == TableRefusal::Conflict => Err(first.into()),
                    _ => Ok(Some(refusal)),
                }
            }
            (_, Err(error)) => Err(error.into()),
        }
    }

    /// Puts an item, under a condition.
    fn put(&self, item: &Value, condition: &Value) -> Value {
        let mut put = json!({ "TableName": self.table.name, "Item": item });
        merge(&mut put, condition);
        json!({ "Put": put })
    }

    /// Deletes an item, under a condition.
    fn delete(&self, record: &RecordName, condition: &Value) -> Value {
        let mut delete = json!({ "TableName": self.table.name, "Key": key(record) });
        merge(&mut delete, condition);
        json!({ "Delete": delete })
    }

    /// Everything that stands in the table under an id.
    async fn stored(&self, id: &str, io: Io<'_>) -> Result<Vec<Stored>, Error> {
        let mut found = Vec::new();
        if crate::store::table::is_id(id) {
            let query = json!({
                "TableName": self.table.name, "ConsistentRead": true, "KeyConditionExpression": "#id = :id",
                "ExpressionAttributeNames": { "#id": ID }, "ExpressionAttributeValues": { ":id": { "S": id } },
            });
            self.table.pages("Query", query, io, |item| found.extend(Stored::new(item))).await?;
        }
        Ok(found)
    }
}

/// An item of the table, whatever it holds.
struct Stored {
    name: RecordName,
    /// What its type says, if that is known; whether it is disabled makes no difference.
    r#type: Option<RecordType>,
    disabled: bool,
    item: Item<'static>,
}

impl Stored {
    /// `None` for an item without the key attributes, which DynamoDB does not store.
    fn new(item: Item<'static>) -> Option<Self> {
        let text = |name| match item.get(name) {
            Some(dynaseal_item::Value::S(text)) => Some(text.clone().into_owned()),
            _ => None,
        };
        let name = RecordName::new(text(ID)?, text(TYPE)?);
        let aside = name.r#type.strip_prefix(DISABLED);
        let (r#type, disabled) = (RecordType::parse(aside.unwrap_or(&name.r#type)), aside.is_some());
        Some(Self { name, r#type, disabled, item })
    }

    fn is_active(&self) -> bool {
        self.r#type == Some(RecordType::Active)
    }

    /// The condition that the item still holds the same key.
    fn unchanged(&self) -> Value {
        match self.item.get(ENC) {
            Some(dynaseal_item::Value::B(wrapped)) => holds(wrapped),
            _ => json!({}),
        }
    }
}

/// The condition that there is no such record.
fn absent() -> Value {
    json!({ "ConditionExpression": "attribute_not_exists(#id)", "ExpressionAttributeNames": { "#id": ID } })
}

/// The condition that the record is there and holds this wrapped key.
fn holds(wrapped: &[u8]) -> Value {
    json!({
        "ConditionExpression": "attribute_exists(#id) AND #enc = :enc",
        "ExpressionAttributeNames": { "#id": ID, "#enc": ENC },
        "ExpressionAttributeValues": { ":enc": { "B": base64_simd::STANDARD.encode_to_string(wrapped) } },
    })
}

fn merge(action: &mut Value, condition: &Value) {
    if let (Some(action), Some(condition)) = (action.as_object_mut(), condition.as_object()) {
        action.extend(condition.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
}

/// A random UUID (version 4).
fn uuid() -> Result<Uuid, Error> {
    Ok(Builder::from_random_bytes(random()?).into_uuid())
}

impl KeyVersion {
    /// One that was never there.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn random() -> Result<Self, Error> {
        Ok(Self::from_bytes(uuid()?.into_bytes()))
    }
}
