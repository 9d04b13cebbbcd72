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
mod statement;
mod stream;
mod token;
mod transact;
mod unmark;

use std::borrow::Cow;
use std::collections::BTreeMap;

use dynaseal_keys::{Call, Invocation};

use crate::doc::{NotJson, Object};
use crate::error::Error;
use crate::expr::projection::Projection;
use crate::expressions::Expressions;
use crate::learn::Tables;
use crate::modify::{Modify, Transact};
use crate::operation::{self, Handling, Operation};
use crate::partiql::Job;
use crate::table::Table;

pub use others::OtherTables;
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
    /// One item under a name; also under `Item` in a failed condition's error.
    One { field: &'static str, view: View<'e> },
    /// Attributes as they are stored on success; one item under `Item` in a failed condition's error.
    Condition(View<'e>),
    /// A list of items under `Items`, and how many of them a filter here leaves.
    Items { view: View<'e>, filter: Option<Filter> },
    /// Lists of items by table under `Responses`; unprocessed keys get the caller's projections back.
    ByTable(BTreeMap<String, BatchView<'e, 'a>>),
    /// Unprocessed puts by table.
    Unprocessed(BTreeMap<String, &'e Table>),
    /// One item for each get; `None` for tables without a configuration.
    Responses(Vec<Option<View<'e>>>),
    /// Nothing on success; an item for each action in a cancelled transaction's reasons.
    Reasons(Vec<Option<View<'e>>>),
    /// A shard iterator, or stream records and the next one.
    Stream(Stream<'e>),
}

/// How an item is opened and what of it is shown.
#[derive(Debug)]
pub(crate) struct View<'e> {
    pub(crate) table: &'e Table,
    pub(crate) projection: Option<Projection>,
    /// The table as the request names it, a JSON string, if an index of it was read: its items may lack attributes that
    /// the footer covers.
    pub(crate) index_of: Option<String>,
}

/// A filter that DynamoDB could not ask, since it reads encrypted attributes.
#[derive(Debug)]
pub(crate) struct Filter {
    pub(crate) expressions: Expressions,
    /// Whether the caller wants the count alone.
    pub(crate) count_only: bool,
}

#[derive(Debug)]
pub(crate) struct BatchView<'e, 'a> {
    pub(crate) view: View<'e>,
    /// The members that were taken out of the request, for unprocessed keys.
    pub(crate) taken: Taken<'a>,
}

/// Members by name, as they stood in the request.
pub(crate) type Taken<'a> = Vec<(&'static str, Cow<'a, str>)>;

impl<'e> View<'e> {
    pub(crate) fn whole(table: &'e Table) -> Self {
        Self { table, projection: None, index_of: None }
    }
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
    let text = std::str::from_utf8(&call.body).map_err(|_| not_json(NotJson("it is not UTF-8")))?;
    let body = Object::parse(text).map_err(not_json)?;
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
