//! Calls on tables that the configuration does not protect: they pass, or every one is refused, so that a table whose name
//! was forgotten or misspelt in the configuration never stores plaintext.

use std::cell::{Cell, RefCell};

use dynaseal_keys::{Call, Service};

use super::stream;
use crate::doc::{NotJson, Object};
use crate::error::Error;
use crate::learn::Directory;
use crate::operation::{Operation, Visit, walk};
use crate::partiql::table_of;

/// What becomes of calls on tables that are not protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OtherTables {
    /// They pass through untouched.
    #[default]
    Pass,
    /// They are refused, whatever they would do.
    Refuse,
}

impl OtherTables {
    /// The word of the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            OtherTables::Pass => "pass",
            OtherTables::Refuse => "refuse",
        }
    }
}

/// Refuses a call on another table than the protected ones, where that is configured. A call that must name a table and
/// names none that can be recognised is refused, too.
pub(super) fn judge(directory: &Directory, call: &Call, known: Option<&Operation>) -> Result<(), Error> {
    let is_ours = matches!(call.service, Service::DynamoDb | Service::DynamoDbStreams);
    if directory.others() == OtherTables::Pass || !is_ours {
        return Ok(());
    }
    let operation = call.operation.as_ref();
    // Of an operation that is not known nobody can tell which tables it is about.
    let Some(known) = known else { return Err(Error::UnknownOperation { operation: operation.to_owned() }) };
    let named = Named { directory, any: Cell::new(false), unreadable: Cell::new(false), other: RefCell::default() };
    if operation == "GetRecords" {
        let body = std::str::from_utf8(&call.body).ok().and_then(|text| Object::parse(text).ok());
        let iterator = body.as_ref().and_then(|body| body.text("ShardIterator").ok().flatten());
        // One that was not made here is refused for that.
        match iterator.as_deref().map(stream::unwrap) {
            Some(Some((name, _))) => named.judge(name),
            _ => return Ok(()),
        }
    } else {
        walk(Some(known), &call.body, &named).map_err(|error| Error::request(operation, error))?;
    }
    match named.other.into_inner() {
        None if named.unreadable.get() => Err(Error::request(
            operation,
            NotJson("a statement that cannot be read could be about a table that is refused"),
        )),
        Some(table) => {
            let near = directory.suggestion(&table);
            Err(Error::OtherTable { operation: operation.to_owned(), table, near })
        }
        None if named.any.get() || NAMELESS.contains(&operation) => Ok(()),
        None => Err(Error::request(operation, NotJson("it names no table, and other tables are refused"))),
    }
}

/// What a request names.
struct Named<'d> {
    directory: &'d Directory,
    any: Cell<bool>,
    /// A statement that cannot be read could name anything.
    unreadable: Cell<bool>,
    /// The first table that is not protected.
    other: RefCell<Option<String>>,
}

impl Named<'_> {
    fn judge(&self, name: &str) {
        self.any.set(true);
        if !self.directory.protects(name) {
            self.other.borrow_mut().get_or_insert_with(|| super::table_name(name).to_owned());
        }
    }
}

impl Visit for Named<'_> {
    fn table(&self, name_or_arn: &str) {
        if !is_of_no_table(name_or_arn) {
            self.judge(name_or_arn);
        }
    }

    fn statement(&self, text: &str) {
        match table_of(text) {
            Some(name) => self.judge(&name),
            None => self.unreadable.set(true),
        }
    }
}

/// Whether it is the ARN of something else, such as of a stream of Kinesis.
fn is_of_no_table(name: &str) -> bool {
    name.starts_with("arn:") && !name.contains(":table/") && !name.contains(":dynamodb:")
}

/// Operations that need not name a table.
const NAMELESS: [&str; 9] = [
    "DescribeEndpoints",
    "DescribeLimits",
    "ListBackups",
    "ListContributorInsights",
    "ListExports",
    "ListGlobalTables",
    "ListImports",
    "ListStreams",
    "ListTables",
];

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dynaseal_item::{Action, SchemaSpec};
    use dynaseal_keys::{Provider, RawAes};

    use super::*;
    use crate::operation::find;
    use crate::pattern::Pattern;
    use crate::table::{Plaintext, Table};

    fn directory() -> Directory {
        let provider = Provider::new(Arc::new(RawAes::new("test", "test key", &[7; 32]).unwrap()));
        let actions = vec![("id".to_owned(), Action::SignOnly)];
        let (name, key) = ("Users".to_owned(), "id".to_owned());
        let spec = SchemaSpec { logical_name: name.clone(), partition_key: key, actions, ..SchemaSpec::default() };
        let table = Table::new(name, spec.clone().build().unwrap(), provider.clone(), Plaintext::Forbid);
        let mut directory = Directory::new([table]);
        directory.add_patterns([Pattern::new("prod-*".to_owned(), spec, provider, Plaintext::Forbid)]);
        directory.set_others(OtherTables::Refuse);
        directory
    }

    fn judged(operation: &'static str, body: &str) -> Result<(), &'static str> {
        let streams = ["GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"].contains(&operation);
        let service = if streams { Service::DynamoDbStreams } else { Service::DynamoDb };
        let call = Call::new(service, operation, body.as_bytes().to_vec());
        judge(&directory(), &call, find(service, operation)).map_err(|error| error.code())
    }

    #[test]
    fn calls_on_protected_tables_and_on_none_pass() {
        for (operation, body) in [
            (
                "PutItem",
                r#"{"TableName":"Users","Item":{"TableName":{"S":"Other"},"Arn":{"S":"arn:aws:dynamodb:r:1:table/Other"}}}"#,
            ),
            ("PutItem", r#"{"TableName":"arn:aws:dynamodb:eu-west-1:1:table/prod-Orders"}"#),
            ("BatchGetItem", r#"{"RequestItems":{"Users":{},"prod-Orders":{}}}"#),
            ("ExecuteStatement", r#"{"Statement":"SELECT * FROM \"prod-Orders\".\"by\" WHERE a = 'Other'"}"#),
            ("ListTables", r#"{"ExclusiveStartTableName":"Other"}"#),
            ("ListTables", "{}"),
            ("DescribeLimits", "{}"),
            ("GetRecords", r#"{"ShardIterator":"dynaseal-1/Users/AAAA"}"#),
            ("DescribeStream", r#"{"StreamArn":"arn:aws:dynamodb:eu-west-1:1:table/Users/stream/x"}"#),
            (
                "EnableKinesisStreamingDestination",
                r#"{"TableName":"Users","StreamArn":"arn:aws:kinesis:eu-west-1:1:stream/x"}"#,
            ),
        ] {
            assert_eq!(judged(operation, body), Ok(()), "{operation} {body}");
        }
    }

    #[test]
    fn the_table_that_may_have_been_meant_is_named() {
        let said = |name: &str| {
            let body = format!(r#"{{"TableName":"{name}","Item":{{}}}}"#).into_bytes();
            let call = Call::new(Service::DynamoDb, "PutItem", body);
            judge(&directory(), &call, find(Service::DynamoDb, "PutItem")).unwrap_err().to_string()
        };
        for near in ["users", "Usres", "User"] {
            assert!(said(near).ends_with("(did you mean \"Users\"?)"), "{}", said(near));
        }
        assert!(!said("Orders").contains("did you mean"));
        let call = Call::new(Service::DynamoDb, "PutItems", Vec::new());
        let unknown = judge(&directory(), &call, None).unwrap_err().to_string();
        assert!(unknown.ends_with("(did you mean \"PutItem\"?)"), "{unknown}");
    }

    #[test]
    fn calls_on_other_tables_are_refused_however_they_name_them() {
        for (operation, body) in [
            ("PutItem", r#"{"TableName":"users","Item":{}}"#),
            ("PutItem", r#"{"TableName":"\u0055ser","Item":{}}"#),
            ("GetItem", r#"{"TableName":"arn:aws:dynamodb:eu-west-1:1:table/Other","Key":{}}"#),
            ("BatchWriteItem", r#"{"RequestItems":{"Users":[],"Other":[]}}"#),
            ("TransactGetItems", r#"{"TransactItems":[{"Get":{"TableName":"Users"}},{"Get":{"TableName":"Other"}}]}"#),
            ("ExecuteStatement", r#"{"Statement":"INSERT INTO Other VALUE {'id':'1'}"}"#),
            ("ExecuteTransaction", r#"{"TransactStatements":[{"Statement":"SELECT * FROM Other WHERE a = 'Users'"}]}"#),
            ("CreateTable", r#"{"TableName":"Other"}"#),
            ("DescribeTable", r#"{"TableName":"Other"}"#),
            (
                "RestoreTableFromBackup",
                r#"{"TargetTableName":"Other","BackupArn":"arn:aws:dynamodb:r:1:table/Users/backup/1"}"#,
            ),
            ("CreateGlobalTable", r#"{"GlobalTableName":"Other"}"#),
            ("TagResource", r#"{"ResourceArn":"arn:aws:dynamodb:eu-west-1:1:table/Other"}"#),
            ("ListBackups", r#"{"TableName":"Other"}"#),
            ("GetRecords", r#"{"ShardIterator":"dynaseal-1/Other/AAAA"}"#),
            ("GetShardIterator", r#"{"StreamArn":"arn:aws:dynamodb:eu-west-1:1:table/Other/stream/x"}"#),
        ] {
            assert_eq!(judged(operation, body), Err("DSL-2011"), "{operation} {body}");
        }
        for (operation, body) in [
            ("PutItem", r#"{"tableName":"Users","Item":{}}"#),
            ("PutItem", "{}"),
            ("PutItem", r#"{"TableName":"Users""#),
            ("ExecuteStatement", r#"{"Statement":"SELECT * FROM Users -- Other"}"#),
        ] {
            assert_eq!(judged(operation, body), Err("DSL-2001"), "{operation} {body}");
        }
        for body in ["{}", r#"{"TableName":"Users"}"#, r#"{"TableName":"Other"}"#] {
            assert_eq!(judged("SomethingNew", body), Err("DSL-2002"), "{body}");
        }
    }
}
