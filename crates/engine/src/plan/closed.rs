//! Tables that callers do not reach: the key stores. What a gateway may read there, it reads for its keys; a caller who
//! could use its credentials to change or delete a record would take away every item under that branch key.

use std::cell::Cell;
use std::collections::BTreeSet;

use dynaseal_keys::Call;

use super::{statement, table_name};
use crate::error::Error;
use crate::operation::{Operation, Visit, walk};

/// The names of the tables.
#[derive(Debug, Default)]
pub(crate) struct Closed(BTreeSet<String>);

impl Closed {
    pub(crate) fn add(&mut self, names: impl IntoIterator<Item = String>) {
        self.0.extend(names);
    }

    /// Refuses a call that names one of the tables, whatever it would do there.
    pub(crate) fn judge(&self, call: &Call, operation: Option<&Operation>) -> Result<(), Error> {
        if self.0.is_empty() || !self.0.iter().any(|name| may_name(&call.body, name)) {
            return Ok(());
        }
        let found = Named { closed: self, found: Cell::new(None) };
        let read = walk(operation, &call.body, &found);
        match (found.found.get(), read) {
            (None, Ok(())) => Ok(()),
            // What cannot be read to its end could name anything.
            (None, Err(error)) => Err(Error::request(&call.operation, error)),
            (Some(name), _) => Err(Error::Refused {
                operation: call.operation.clone().into_owned(),
                table: name.to_owned(),
                what: "the table is the key store of a configured key, which callers do not reach".to_owned(),
                instead: "use `dynaseal keys`, or another client with rights of its own",
            }),
        }
    }
}

/// Keeps the first of the tables that a request names.
struct Named<'c> {
    closed: &'c Closed,
    found: Cell<Option<&'c str>>,
}

impl<'c> Named<'c> {
    fn note(&self, found: Option<&'c String>) {
        self.found.set(self.found.get().or(found.map(String::as_str)));
    }
}

impl Visit for Named<'_> {
    fn table(&self, name_or_arn: &str) {
        self.note(self.closed.0.get(table_name(name_or_arn)));
    }

    fn statement(&self, text: &str) {
        self.loose(text);
    }

    fn loose(&self, text: &str) {
        self.note(self.closed.0.iter().find(|name| statement::names(text, name)));
    }
}

/// Whether a body could name a table: most do not hold its name at all, and then nothing else is looked at. An escape could
/// hide it, and PartiQL takes it in any letters in which it cannot be told from another.
fn may_name(body: &[u8], name: &str) -> bool {
    body.contains(&b'\\') || body.windows(name.len()).any(|part| part.eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use dynaseal_keys::Service;

    use super::*;
    use crate::operation::find;

    fn refused(operation: &'static str, body: &str) -> bool {
        let mut closed = Closed::default();
        closed.add(["KeyStore".to_owned()]);
        let service = if operation == "GetShardIterator" { Service::DynamoDbStreams } else { Service::DynamoDb };
        let call = Call::new(service, operation, body.as_bytes().to_vec());
        let judged = closed.judge(&call, find(service, operation));
        judged.is_err_and(|error| error.code() == "DSL-2003")
    }

    #[test]
    fn a_key_store_is_named_in_many_ways() {
        for (operation, body) in [
            ("GetItem", r#"{"TableName":"KeyStore","Key":{}}"#),
            ("PutItem", r#"{"TableName":"\u004beyStore","Item":{}}"#),
            ("DeleteItem", r#"{"TableName":"arn:aws:dynamodb:eu-west-1:1:table/KeyStore"}"#),
            ("Query", r#"{"TableName":"arn:aws:dynamodb:eu-west-1:1:table/KeyStore/index/x"}"#),
            ("BatchWriteItem", r#"{"RequestItems":{"Users":[],"KeyStore":[]}}"#),
            ("BatchGetItem", r#"{"RequestItems":{"arn:aws:dynamodb:eu-west-1:1:table/KeyStore":{}}}"#),
            (
                "TransactWriteItems",
                r#"{"TransactItems":[{"Put":{"TableName":"Users"}},{"Delete":{"TableName":"KeyStore"}}]}"#,
            ),
            ("ExecuteStatement", r#"{"Statement":"DELETE FROM \"KeyStore\" WHERE x = 1"}"#),
            ("BatchExecuteStatement", r#"{"Statements":[{"Statement":"select * from keystore"}]}"#),
            ("ExecuteTransaction", r#"{"TransactStatements":[{"Statement":"DELETE FROM KeyStore"}]}"#),
            ("DeleteTable", r#"{"TableName":"KeyStore"}"#),
            ("DeleteTable", r#"{"TableName":"KeyStore","TableName":"Users"}"#),
            ("UpdateTimeToLive", r#"{"TableName":"KeyStore"}"#),
            ("RestoreTableFromBackup", r#"{"TargetTableName":"KeyStore","BackupArn":"x"}"#),
            (
                "RestoreTableFromBackup",
                r#"{"TargetTableName":"x","BackupArn":"arn:aws:dynamodb:eu-west-1:1:table/KeyStore/backup/1"}"#,
            ),
            ("ExportTableToPointInTime", r#"{"TableArn":"arn:aws:dynamodb:eu-west-1:1:table/KeyStore"}"#),
            ("PutResourcePolicy", r#"{"ResourceArn":"arn:aws:dynamodb:eu-west-1:1:table/KeyStore","Policy":"{}"}"#),
            ("GetShardIterator", r#"{"StreamArn":"arn:aws:dynamodb:eu-west-1:1:table/KeyStore/stream/x"}"#),
            ("DeleteTable", r#"{"tablename":"KeyStore"}"#),
            ("PutItem", r#"{"TableName":"Users","Item":{},"Copy":[{"To":"copy-of-keystore"}]}"#),
            ("SomethingNew", r#"{"Tables":["Users","KeyStore"]}"#),
            ("ImportTable", r#"{"TableCreationParameters":{"TableName":"KeyStore"}}"#),
        ] {
            assert!(refused(operation, body), "{operation} {body}");
        }
    }

    #[test]
    fn what_cannot_be_read_to_its_end_does_not_pass() {
        let deep = format!(r#"{{"x":{}{},"TableName":"KeyStore"}}"#, "[".repeat(500), "]".repeat(500));
        let mut closed = Closed::default();
        closed.add(["KeyStore".to_owned()]);
        for body in [deep.as_str(), "KeyStore", r#"{"TableName":"Users\u00"}"#] {
            let call = Call::new(Service::DynamoDb, "DeleteTable", body.as_bytes().to_vec());
            let judged = closed.judge(&call, find(call.service, &call.operation));
            assert!(judged.is_err_and(|error| error.code() == "DSL-2001"), "{body}");
        }
    }

    #[test]
    fn what_only_looks_like_it_passes() {
        for (operation, body) in [
            ("PutItem", r#"{"TableName":"Users","Item":{"TableName":{"S":"KeyStore"},"KeyStore":{"S":"x"}}}"#),
            ("PutItem", r#"{"TableName":"Users","Item":{"m":{"M":{"RequestItems":{"M":{"KeyStore":{"S":"x"}}}}}}}"#),
            ("GetItem", r#"{"TableName":"KeyStore2","Key":{}}"#),
            ("GetItem", r#"{"TableName":"keystore","Key":{}}"#),
            ("ExecuteStatement", r#"{"Statement":"SELECT * FROM MyKeyStores"}"#),
        ] {
            assert!(!refused(operation, body), "{operation} {body}");
        }
    }
}
