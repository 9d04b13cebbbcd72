//! Makes the table.
//! Spec: `framework/branch-key-store.md#createkeystore`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::error::Error;
use crate::keyring::Io;
use crate::store::calls::Table;
use crate::store::error::{StoreError, TableRefusal};
use crate::store::record::{ID, TYPE};
use crate::store::table::KeyStoreTable;

/// A table that can hold branch keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct KeyStoreReady {
    /// Whether it was made now; it was there already otherwise.
    pub created: bool,
    /// Whether DynamoDB refuses to delete it.
    pub deletion_protection: bool,
}

impl KeyStoreTable {
    /// Makes the table, billed by request and protected from being deleted, and waits until it can be used. A table that
    /// is there already is left as it is, if its keys are those of a key store.
    ///
    /// Losing the table loses everything that was sealed, so it should have backups, such as point-in-time recovery. A
    /// branch key that is destroyed can be restored for as long as a backup that holds it is kept.
    ///
    /// # Errors
    /// A table of this name with other keys, one that is being deleted, or a failure of DynamoDB.
    pub async fn create_table(&self, io: Io<'_>) -> Result<KeyStoreReady, Error> {
        let body = json!({
            "TableName": self.table.name,
            "AttributeDefinitions": KEYS.map(|(name, _)| json!({ "AttributeName": name, "AttributeType": "S" })),
            "KeySchema": KEYS.map(|(name, kind)| json!({ "AttributeName": name, "KeyType": kind })),
            "BillingMode": "PAY_PER_REQUEST",
            "DeletionProtectionEnabled": true,
        });
        let created = match self.table.call("CreateTable", &body, io).await {
            Ok(answer) => {
                self.table.read::<Made>("CreateTable", &answer)?.table.is(&self.table)?;
                true
            }
            Err(StoreError::Refused { refusal: TableRefusal::InUse, .. }) => false,
            Err(error) => return Err(error.into()),
        };
        for _ in 0..LOOKS {
            if let Some(table) = self.described(created, io).await? {
                return Ok(KeyStoreReady { created, deletion_protection: table.deletion_protection });
            }
            io.clock.sleep(PAUSE).await;
        }
        let (operation, table) = ("DescribeTable", self.table.name.clone());
        Err(StoreError::Refused { operation, table, refusal: TableRefusal::InUse }.into())
    }

    /// The table, once it can be used.
    async fn described(&self, created: bool, io: Io<'_>) -> Result<Option<Description>, Error> {
        let body = json!({ "TableName": self.table.name });
        let answer = match self.table.call("DescribeTable", &body, io).await {
            // A table is not seen everywhere at the moment it is made.
            Err(StoreError::Refused { refusal: TableRefusal::NoTable, .. }) if created => return Ok(None),
            answer => answer?,
        };
        let table = self.table.read::<Answer>("DescribeTable", &answer)?.table;
        table.of.is(&self.table)?;
        let unfit = |what| Err(StoreError::TableShape { table: self.table.name.clone(), what }.into());
        let keys = table.keys.iter().map(|key| (key.name.as_str(), key.kind.as_str()));
        if !keys.eq(KEYS) {
            return unfit("its keys are not branch-key-id and type");
        }
        let is_text = |key: &str| table.types.iter().any(|defined| defined.name == key && defined.kind == "S");
        if !KEYS.iter().all(|(name, _)| is_text(name)) {
            return unfit("its keys are not strings");
        }
        match table.status.as_str() {
            "CREATING" => Ok(None),
            "ACTIVE" | "UPDATING" => Ok(Some(table)),
            _ => unfit("it is being deleted, or DynamoDB cannot use it"),
        }
    }
}

#[derive(Deserialize)]
struct Made {
    #[serde(rename = "TableDescription")]
    table: Named,
}

/// What every description says of a table.
#[derive(Deserialize)]
struct Named {
    #[serde(rename = "TableName")]
    name: String,
}

impl Named {
    fn is(&self, table: &Table) -> Result<(), StoreError> {
        if self.name == table.name {
            return Ok(());
        }
        Err(table.unusable("DescribeTable", "it describes another table"))
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Table")]
    table: Description,
}

#[derive(Deserialize)]
struct Description {
    #[serde(flatten)]
    of: Named,
    #[serde(rename = "KeySchema")]
    keys: Vec<Key>,
    #[serde(rename = "AttributeDefinitions")]
    types: Vec<Defined>,
    #[serde(rename = "TableStatus")]
    status: String,
    #[serde(rename = "DeletionProtectionEnabled", default)]
    deletion_protection: bool,
}

#[derive(Deserialize)]
struct Key {
    #[serde(rename = "AttributeName")]
    name: String,
    #[serde(rename = "KeyType")]
    kind: String,
}

#[derive(Deserialize)]
struct Defined {
    #[serde(rename = "AttributeName")]
    name: String,
    #[serde(rename = "AttributeType")]
    kind: String,
}

const KEYS: [(&str, &str); 2] = [(ID, "HASH"), (TYPE, "RANGE")];
/// Two minutes: a table takes seconds.
const LOOKS: u32 = 60;
const PAUSE: Duration = Duration::from_secs(2);
