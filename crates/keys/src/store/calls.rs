//! The calls of DynamoDB that a key store makes. They go straight to the [`Wire`](crate::Wire): nothing seals them.

use std::collections::BTreeSet;
use std::time::Duration;

use dynaseal_item::Item;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::keyring::Io;
use crate::store::error::{RecordName, StoreError, TableRefusal};
use crate::store::record::{self, ID, TYPE};
use crate::wire::{Answer, Call, Service};

/// The key store's table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
}

impl Table {
    /// Reads one item; what was written before is seen.
    pub(crate) async fn get(&self, record: &RecordName, io: Io<'_>) -> Result<Option<Item<'static>>, StoreError> {
        let body = json!({ "TableName": self.name, "Key": key(record), "ConsistentRead": true });
        let answer = self.call("GetItem", &body, io).await?;
        let answer: OneItem<'_> = self.read("GetItem", &answer)?;
        answer.item.map(|text| self.item("GetItem", text)).transpose()
    }

    /// Writes all or nothing. The same token makes a second try of the same call harmless.
    pub(crate) async fn transact(&self, actions: &[Value], token: &str, io: Io<'_>) -> Result<(), StoreError> {
        let body = json!({ "TransactItems": actions, "ClientRequestToken": token });
        let answer = self.call(WRITE, &body, io).await?;
        self.read(WRITE, &answer).map(|_: Done| ())
    }

    /// Every item that a Query or Scan gives, page by page. A page that DynamoDB has no capacity for is asked for again, so
    /// that a long table is not given up for one page.
    pub(crate) async fn pages(
        &self,
        operation: &'static str,
        mut body: Value,
        io: Io<'_>,
        mut each: impl FnMut(Item<'static>) + Send,
    ) -> Result<(), StoreError> {
        let mut starts = BTreeSet::new();
        loop {
            let answer = self.patient(operation, &body, io).await?;
            let page: Page<'_> = self.read(operation, &answer)?;
            for text in page.items {
                each(self.item(operation, text)?);
            }
            let Some(last) = page.last else { return Ok(()) };
            let last: Value = self.read(operation, last.get().as_bytes())?;
            // Pages that lead back to one that was read would never end, and what they left out would not be missed.
            if !starts.insert(last.to_string()) {
                return Err(self.unusable(operation, "its LastEvaluatedKey stood in an earlier page already"));
            }
            if let Some(fields) = body.as_object_mut() {
                fields.insert("ExclusiveStartKey".to_owned(), last);
            }
        }
    }

    async fn patient(&self, operation: &'static str, body: &Value, io: Io<'_>) -> Result<Vec<u8>, StoreError> {
        for pause in PAUSES {
            match self.call(operation, body, io).await {
                Err(StoreError::Refused { refusal: TableRefusal::Throttled | TableRefusal::Unavailable, .. }) => {
                    io.clock.sleep(Duration::from_millis(pause)).await;
                }
                answer => return answer,
            }
        }
        self.call(operation, body, io).await
    }

    /// One call, and the body of its answer.
    pub(crate) async fn call(&self, operation: &'static str, body: &Value, io: Io<'_>) -> Result<Vec<u8>, StoreError> {
        let call = Call::new(Service::DynamoDb, operation, body.to_string().into_bytes()).aside();
        let answer = io.wire.send(call).await.map_err(|source| StoreError::NoAnswer {
            operation,
            table: self.name.clone(),
            source,
        })?;
        if answer.ok() {
            return Ok(answer.body);
        }
        let refusal = refusal(&answer);
        Err(StoreError::Refused { operation, table: self.name.clone(), refusal })
    }

    /// Reads an answer's body.
    pub(crate) fn read<'a, T: Deserialize<'a>>(
        &self,
        operation: &'static str,
        body: &'a [u8],
    ) -> Result<T, StoreError> {
        // Serde takes an array for a struct whose fields may all be missing.
        let object = body.trim_ascii_start().starts_with(b"{").then_some(body);
        let read = object.and_then(|body| serde_json::from_slice(body).ok());
        read.ok_or_else(|| self.unusable(operation, "it is not what DynamoDB answers"))
    }

    pub(crate) fn unusable(&self, operation: &'static str, what: &'static str) -> StoreError {
        StoreError::Answer { operation, table: self.name.clone(), what }
    }

    fn item(&self, operation: &'static str, text: &RawValue) -> Result<Item<'static>, StoreError> {
        let item = record::read_item(text.get());
        item.map(Item::into_owned).ok_or_else(|| self.unusable(operation, "an item of it cannot be read"))
    }
}

/// The key of a record, as calls name it.
pub(crate) fn key(record: &RecordName) -> Value {
    json!({ ID: { "S": record.id }, TYPE: { "S": record.r#type } })
}

/// The call that writes.
pub(crate) const WRITE: &str = "TransactWriteItems";

/// An answer that brings nothing but that it is one.
#[derive(Deserialize)]
struct Done {}

#[derive(Deserialize)]
struct OneItem<'a> {
    #[serde(borrow, rename = "Item", default)]
    item: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow, rename = "Items")]
    items: Vec<&'a RawValue>,
    #[serde(borrow, rename = "LastEvaluatedKey", default)]
    last: Option<&'a RawValue>,
}

/// Why a call was refused.
fn refusal(answer: &Answer) -> TableRefusal {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let named = body.get("__type").and_then(Value::as_str);
    let name = named.and_then(|name| name.rsplit('#').next()).unwrap_or_default();
    match name {
        "ResourceNotFoundException" => TableRefusal::NoTable,
        "AccessDeniedException" => TableRefusal::AccessDenied,
        "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "ExpiredTokenException" => TableRefusal::Credentials,
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "LimitExceededException"
        | "RequestLimitExceeded" => TableRefusal::Throttled,
        "InternalServerError" | "InternalServerFailure" | "ServiceUnavailable" | "ServiceUnavailableException" => {
            TableRefusal::Unavailable
        }
        "ResourceInUseException" => TableRefusal::InUse,
        "ConditionalCheckFailedException" => TableRefusal::Condition,
        "TransactionConflictException" | "TransactionInProgressException" | "ReplicatedWriteConflictException" => {
            TableRefusal::Conflict
        }
        "TransactionCanceledException" => cancelled(&body),
        _ if answer.status >= 500 => TableRefusal::Unavailable,
        _ if answer.status == 429 => TableRefusal::Throttled,
        other => TableRefusal::Other(printable(other)),
    }
}

/// The reason that says most: a condition that does not hold stays so, the others pass.
fn cancelled(body: &Value) -> TableRefusal {
    let reasons = body.get("CancellationReasons").and_then(Value::as_array);
    let codes: Vec<_> = reasons.into_iter().flatten().filter_map(|reason| reason.get("Code")?.as_str()).collect();
    let known = [
        ("ConditionalCheckFailed", TableRefusal::Condition),
        ("TransactionConflict", TableRefusal::Conflict),
        ("ThrottlingError", TableRefusal::Throttled),
        ("ProvisionedThroughputExceeded", TableRefusal::Throttled),
    ];
    let found = known.into_iter().find(|(code, _)| codes.contains(code)).map(|(_, refusal)| refusal);
    let other = || codes.iter().find(|code| **code != "None").copied().unwrap_or("TransactionCanceledException");
    found.unwrap_or_else(|| TableRefusal::Other(printable(other())))
}

/// A name of DynamoDB's; what it says in prose can quote the request.
fn printable(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).take(60).collect()
}

/// Milliseconds to wait before a page is asked for again.
const PAUSES: [u64; 6] = [100, 200, 400, 800, 1600, 3200];

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> TableRefusal {
        refusal(&Answer::new(status, body.as_bytes().to_vec()))
    }

    #[test]
    fn refusals_are_read_by_name_and_status() {
        let name = |name: &str| refused(400, &format!("{{\"__type\":\"com.amazonaws.dynamodb.v20120810#{name}\"}}"));
        assert_eq!(name("ResourceNotFoundException"), TableRefusal::NoTable);
        assert_eq!(name("ProvisionedThroughputExceededException"), TableRefusal::Throttled);
        assert_eq!(name("New\\n\\u001b[31mThing"), TableRefusal::Other("New31mThing".into()));
        assert_eq!(refused(500, "<html>"), TableRefusal::Unavailable);
        assert_eq!(refused(429, ""), TableRefusal::Throttled);
        assert_eq!(refused(400, ""), TableRefusal::Other(String::new()));
    }

    #[test]
    fn a_cancelled_transaction_says_why() {
        let because = |codes: &[&str]| {
            let reasons: Vec<_> = codes.iter().map(|code| json!({ "Code": code })).collect();
            let body = json!({ "__type": "x#TransactionCanceledException", "CancellationReasons": reasons });
            refused(400, &body.to_string())
        };
        assert_eq!(because(&["None", "ConditionalCheckFailed"]), TableRefusal::Condition);
        assert_eq!(because(&["TransactionConflict", "ConditionalCheckFailed"]), TableRefusal::Condition);
        assert_eq!(because(&["None", "TransactionConflict"]), TableRefusal::Conflict);
        assert_eq!(because(&["ThrottlingError"]), TableRefusal::Throttled);
        assert_eq!(because(&["None", "ValidationError"]), TableRefusal::Other("ValidationError".into()));
        assert_eq!(because(&[]), TableRefusal::Other("TransactionCanceledException".into()));
    }
}
