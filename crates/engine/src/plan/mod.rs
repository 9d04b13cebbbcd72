//! Request to plan: which calls pass, which are edited, which are refused. Pure; nothing is sent here.

mod batch;
mod checks;
pub(crate) mod closed;
mod concern;
mod export;
mod item;
mod others;
mod query;
mod schema;
mod scope;
mod settings;
mod statement;
mod stream;
mod token;
mod transact;
mod unmark;

use std::borrow::Cow;
use std::collections::BTreeMap;

use dynaseal_keys::{Call, Invocation};

use crate::cost::to_open;
use crate::doc::{IS_NULL, NOT_AN_OBJECT, NOT_UTF8, NotJson, Object};
use crate::error::Error;
use crate::expr::projection::Projection;
use crate::expressions::Expressions;
use crate::learn::Tables;
use crate::modify::{Modify, Transact};
use crate::operation::{self, Handling, Operation};
use crate::partiql::Job;
use crate::table::Table;

pub use others::OtherTables;
pub(crate) use scope::{VALUES, not_mixed};
pub(crate) use statement::can_go_on;
pub(crate) use stream::Stream;
pub(crate) use token::{Token, canonical};

/// What to do with a call.
#[derive(Debug)]
pub(crate) enum Plan<'e, 'a> {
    /// Send it as it came, and give the answer back as it comes.
    Forward,
    /// Send an edited request and open what comes back.
    Edit(Box<Edit<'e, 'a>>),
    /// Read the item, decide, and write under a guard.
    Modify(Box<Modify<'e, 'a>>),
    /// The same for a whole transaction.
    Transact(Box<Transact<'e, 'a>>),
    /// Make other calls that say the same, and answer in the shape that was asked for.
    Statements(Box<Job<'e, 'a>>),
}

/// An edited request.
#[derive(Debug)]
pub(crate) struct Edit<'e, 'a> {
    /// The request; its holes are filled with the sealed `puts`.
    pub(crate) body: Object<'a>,
    pub(crate) body_size: usize,
    pub(crate) puts: Vec<Put<'e, 'a>>,
    pub(crate) reply: Reply<'e, 'a>,
}

/// An item to seal.
#[derive(Debug)]
pub(crate) struct Put<'e, 'a> {
    pub(crate) table: &'e Table,
    pub(crate) text: Cow<'a, str>,
    /// Its place in the call, if the call can hold several.
    pub(crate) number: Option<usize>,
}

/// Where items lie in the answer.
#[derive(Debug)]
pub(crate) enum Reply<'e, 'a> {
    /// One item under `Item`.
    One(View<'e, 'a>),
    /// What a write of one item shows under `Attributes`; also the item under `Item` in a failed condition's error.
    Write { shown: Shown, view: View<'e, 'a> },
    /// A page of items under `Items`.
    Items(Box<Listing<'e, 'a>>),
    /// Lists of items by table under `Responses`; `None` for tables without a configuration. Unprocessed keys come back as
    /// the caller wrote them.
    ByTable(BTreeMap<String, Option<BatchView<'e, 'a>>>),
    /// Unprocessed writes by table, which come back as the caller wrote them; `None` for tables without a configuration.
    Unprocessed(BTreeMap<String, Option<Writes<'e, 'a>>>),
    /// One item for each get; `None` for tables without a configuration.
    Responses(Vec<Option<View<'e, 'a>>>),
    /// Nothing on success; an item for each action in a cancelled transaction's reasons.
    Reasons(Vec<Option<View<'e, 'a>>>),
    /// A shard iterator, or stream records and the next one.
    Stream(Stream<'e>),
}

/// How an item is opened, what it must be and what of it is shown.
#[derive(Debug)]
pub(crate) struct View<'e, 'a> {
    pub(crate) table: &'e Table,
    pub(crate) projection: Option<Projection>,
    /// JSON of an item that has the key which was asked for. Without one no single item can be answered.
    pub(crate) asked: Option<&'a str>,
    /// Whether the caller wants the item on which a condition failed.
    pub(crate) on_failure: bool,
}

impl View<'_, '_> {
    /// About how long it takes to open such an item of an answer, in microseconds.
    pub(crate) fn cost_of(&self, text: &str) -> usize {
        to_open(self.table.schema().suite(), text.len())
    }
}

/// What the answer to a write of one item shows.
#[derive(Debug)]
pub(crate) enum Shown {
    Nothing,
    /// The whole item, as it was or as it is.
    Item,
    /// What DynamoDB itself updated of these attributes, none of which is signed.
    Updated(Vec<String>),
}

/// A page of a Query or Scan.
#[derive(Debug)]
pub(crate) struct Listing<'e, 'a> {
    pub(crate) view: View<'e, 'a>,
    /// The index that is read, if it is one: its items may lack attributes that the footer covers.
    pub(crate) index: Option<IndexRead>,
    /// The key condition of a Query.
    pub(crate) key_condition: Option<Expressions>,
    pub(crate) filter: Option<Filter>,
}

/// The reading of an index.
#[derive(Debug)]
pub(crate) struct IndexRead {
    /// The table as the request names it, a JSON string.
    pub(crate) table: String,
    pub(crate) index: String,
    /// The attributes that the caller wants to see, if not all that the index holds.
    pub(crate) shown: Vec<String>,
    /// The attributes that a filter here reads.
    pub(crate) filtered: Vec<String>,
    /// Whether it is known to be global: then it gives what it holds, and a local one what the table holds.
    pub(crate) is_global: bool,
    /// Whether all attributes of the items are asked for.
    pub(crate) whole: bool,
}

/// A filter that DynamoDB could not ask, since it reads encrypted attributes.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) expressions: Expressions,
    /// Whether the caller wants the count alone.
    pub(crate) count_only: bool,
}

/// The part of a BatchGetItem that is about one table.
#[derive(Debug)]
pub(crate) struct BatchView<'e, 'a> {
    pub(crate) view: View<'e, 'a>,
    /// The keys, as the caller wrote them.
    pub(crate) keys: Vec<&'a str>,
    /// All that the caller wrote about the table.
    pub(crate) written: &'a str,
}

/// The writes of a BatchWriteItem on one table, as the caller wrote them.
#[derive(Debug)]
pub(crate) struct Writes<'e, 'a> {
    pub(crate) table: &'e Table,
    pub(crate) written: Vec<&'a str>,
}

impl<'e, 'a> View<'e, 'a> {
    /// The whole item with the key in `asked`.
    pub(crate) fn of(table: &'e Table, asked: Option<&'a str>) -> Self {
        Self { table, projection: None, asked, on_failure: false }
    }

    /// The item that the action `part` is about: the one with its `Key`, or that it puts.
    pub(crate) fn of_part(table: &'e Table, part: &Object<'a>) -> Self {
        let asked = part.borrowed("Key").or(part.borrowed("Item"));
        let on_failure = shows_on_failure(part);
        Self { on_failure, ..Self::of(table, asked) }
    }
}

/// Whether a write asks for the item on which its condition fails.
pub(crate) fn shows_on_failure(part: &Object<'_>) -> bool {
    matches!(part.text("ReturnValuesOnConditionCheckFailure"), Ok(Some(what)) if what == "ALL_OLD")
}

/// A request whose body was read one level deep.
pub(crate) struct Request<'e, 'a> {
    pub(crate) tables: &'e Tables<'e>,
    pub(crate) operation: &'a str,
    /// What is known of the operation.
    pub(crate) known: &'static Operation,
    pub(crate) body: Object<'a>,
    /// The body as it came.
    pub(crate) text: &'a str,
    pub(crate) invocation: Option<&'a Invocation>,
}

pub(crate) fn of<'e, 'a>(tables: &'e Tables<'e>, call: &'a Call) -> Result<Plan<'e, 'a>, Error> {
    let (operation, directory) = (call.operation.as_ref(), tables.directory());
    let known = operation::find(call.service, operation);
    directory.closed().judge(call, known)?;
    others::judge(directory, call, known)?;
    if directory.is_empty() {
        return Ok(Plan::Forward);
    }
    let Some(known) = known else { return concern::unknown(tables, call) };
    match known.handling {
        Handling::Planned => {}
        Handling::Passes => return concern::passing(tables, call, known),
        Handling::Refused { .. } => return concern::refused(tables, call, known),
        Handling::LeadsAway => return Err(Error::LeadsAway { operation: operation.to_owned() }),
    }
    let not_json = |error| Error::request(operation, error);
    let text = std::str::from_utf8(&call.body).map_err(|_| not_json(NOT_UTF8))?;
    // A body that is null is none.
    let body = Object::parse(text).map_err(|error| not_json(if error == IS_NULL { NOT_AN_OBJECT } else { error }))?;
    if body.is_empty() {
        // DynamoDB says what is missing.
        return Ok(Plan::Forward);
    }
    let request = Request { tables, operation, known, body, text, invocation: call.invocation.as_ref() };
    match operation {
        "PutItem" => item::put(request),
        "GetItem" => item::get(request),
        "DeleteItem" => item::delete(request),
        "UpdateItem" => item::update(request),
        "BatchWriteItem" => batch::write(request),
        "BatchGetItem" => batch::get(request),
        "Query" | "Scan" => query::read(request),
        "TransactWriteItems" => transact::write(request),
        "TransactGetItems" => transact::get(request),
        "ExecuteStatement" => statement::execute(&request),
        "BatchExecuteStatement" => statement::batch(request),
        "ExecuteTransaction" => statement::transaction(request),
        "CreateTable" => schema::create(&request),
        "UpdateTable" => schema::update(&request),
        "UpdateTimeToLive" => schema::time_to_live(&request),
        "ImportTable" => schema::import(&request),
        "RestoreTableFromBackup" | "RestoreTableToPointInTime" => schema::restore(&request),
        "ExportTableToPointInTime" => export::export(&request),
        "GetShardIterator" => stream::shard_iterator(request),
        "GetRecords" => stream::records(request),
        _ => Err(Error::UnknownOperation { operation: operation.to_owned() }),
    }
}

impl<'e, 'a> Request<'e, 'a> {
    /// The table that a call on items is about, if it is protected. A call that names none is refused: nobody could say
    /// that what it holds is not for a protected one.
    pub(crate) fn table(&self) -> Result<Option<&'e Table>, Error> {
        let name = checks::table_name(self.operation, &self.body, "tableName")?;
        Ok(self.tables.table(&name))
    }

    /// The protected table that a member names by name or ARN, if it is there.
    pub(crate) fn named(&self, member: &str) -> Result<Option<&'e Table>, Error> {
        let name = self.body.text(member).map_err(|error| self.bad(error))?;
        Ok(name.and_then(|name| self.tables.table(&name)))
    }

    pub(crate) fn edit(self, puts: Vec<Put<'e, 'a>>, reply: Reply<'e, 'a>) -> Plan<'e, 'a> {
        Plan::Edit(Box::new(Edit { body: self.body, body_size: self.text.len(), puts, reply }))
    }

    pub(crate) fn bad(&self, error: NotJson) -> Error {
        Error::request(self.operation, error)
    }
}

/// The table's name in a name or an ARN, `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME`. What stands before `:table/` is
/// not looked at: a misspelt ARN of a protected table must not pass as the name of some other one (found by fuzzing).
pub(crate) fn table_name(name_or_arn: &str) -> &str {
    let Some((_, rest)) = name_or_arn.split_once(":table/") else { return name_or_arn };
    rest.split('/').next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_its_table() {
        assert_eq!(table_name("arn:aws:dynamodb:eu-west-1:111122223333:table/Users"), "Users");
        assert_eq!(table_name("arn:aws-cn:dynamodb:cn-north-1:111122223333:table/Users/index/x"), "Users");
        assert_eq!(table_name("a.rn:aws:dynamodb:eu-west-1:111122223333:table/Users"), "Users");
        assert_eq!(table_name("Users"), "Users");
    }
}
