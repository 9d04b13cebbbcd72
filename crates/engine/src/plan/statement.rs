//! PartiQL. A statement on a protected table is carried out by `partiql/`; one that cannot be read is refused as soon as it
//! could mean such a table (FORMAT T24). What is about other tables alone passes byte for byte.

use dynaseal_keys::{Answer, Call};

use crate::answers::{self, Failed};
use crate::bounds::{BATCH, Listed, TRANSACTION};
use crate::doc::{Object, list};
use crate::error::Error;
use crate::operation::{First, STATEMENT_IN_BATCH, STATEMENT_IN_TRANSACTION};
use crate::partiql::{Batch, Entry, Fault, Job, Planned, Transaction};
use crate::table::Table;

use super::checks::{lower, missing};
use super::concern::not_known;
use super::scope::Scope;
use super::{Plan, Request};

const STATEMENT: &str = "Statement";

/// What a statement turned out to be.
enum Read<'e> {
    /// About a protected table.
    Protected(Planned<'e>, &'e Table),
    /// About a table of a pattern that is not there.
    Missing(Planned<'e>),
    /// About another table, or not to be read.
    Other(Result<Planned<'e>, Fault>),
}

/// Whether a call goes on although a table that it names is not there: the statements of a batch fail one by one.
pub(crate) fn can_go_on(call: &Call, refusal: &Answer) -> bool {
    call.operation == BATCH.operation && answers::failed(refusal) == Some(Failed::NotFound)
}

pub(crate) fn execute<'e, 'a>(request: &Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    match read(request, &request.body)? {
        Read::Other(_) => request.forward(),
        Read::Missing(planned) => Err(not_there(request, &planned)),
        Read::Protected(planned, table) => {
            Scope { operation: request.operation, table }.known(&request.body, request.known.members)?;
            Ok(Plan::Statements(Box::new(Job::One(Box::new(planned), table))))
        }
    }
}

pub(crate) fn batch<'e, 'a>(mut request: Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    const LIST: &str = "Statements";
    let (mut entries, mut first, mut missing, unclassed) = (Vec::new(), None, None, First::default());
    for (number, text) in listed(&request, BATCH)?.into_iter().enumerate() {
        let holder = Object::parse(text).map_err(|error| request.bad(error))?;
        unclassed.look(STATEMENT_IN_BATCH, &holder, None).map_err(|error| request.bad(error))?;
        entries.push(match read(&request, &holder)? {
            Read::Other(planned) => Entry::Plain(text, planned.ok().map(Box::new)),
            Read::Missing(planned) => {
                missing = missing.or_else(|| Some(planned.statement.target().table.clone()));
                Entry::Missing(Box::new(planned))
            }
            Read::Protected(planned, table) => {
                let scope = Scope { operation: request.operation, table };
                scope.known_at(&place(LIST, number), &holder, STATEMENT_IN_BATCH)?;
                first = first.or(Some(table));
                Entry::Protected(Box::new(planned), table)
            }
        });
    }
    let unknown = unclassed.0.borrow().clone();
    match (first, missing, unknown) {
        (Some(table), ..) => all_known(&request, table, &unclassed)?,
        (None, Some(table), Some(member)) => return Err(not_known(request.operation, &table, &member)),
        (None, Some(_), None) => {}
        (None, None, _) => return request.forward_seen(Some(LIST), &unclassed),
    }
    request.body.remove(LIST);
    Ok(Plan::Statements(Box::new(Job::Batch(Batch { body: request.body, entries }))))
}

pub(crate) fn transaction<'e, 'a>(mut request: Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    const LIST: &str = "TransactStatements";
    let (mut statements, mut holders, mut unread, mut found) = (Vec::new(), Vec::new(), None, None);
    let unclassed = First::default();
    for text in listed(&request, TRANSACTION)? {
        let holder = Object::parse(text).map_err(|error| request.bad(error))?;
        unclassed.look(STATEMENT_IN_TRANSACTION, &holder, None).map_err(|error| request.bad(error))?;
        match read(&request, &holder)? {
            Read::Other(Ok(planned)) => statements.push(planned),
            Read::Missing(planned) => return Err(not_there(&request, &planned)),
            Read::Other(Err(fault)) => unread = unread.or(Some(fault)),
            Read::Protected(planned, table) => {
                statements.push(planned);
                found = Some(table);
            }
        }
        holders.push(holder);
    }
    let Some(table) = found else { return request.forward_seen(Some(LIST), &unclassed) };
    all_known(&request, table, &unclassed)?;
    let scope = Scope { operation: request.operation, table };
    let known = |(number, holder)| scope.known_at(&place(LIST, number), holder, STATEMENT_IN_TRANSACTION);
    holders.iter().enumerate().try_for_each(known)?;
    if let Some(fault) = unread {
        return Err(fault.refusal(request.operation, table.name()));
    }
    request.body.remove(LIST);
    Ok(Plan::Statements(Box::new(Job::Transaction(Transaction { body: request.body, statements, table }))))
}

/// What is not known of another table's statement cannot go along either.
fn all_known(request: &Request<'_, '_>, table: &Table, unclassed: &First) -> Result<(), Error> {
    Scope { operation: request.operation, table }.known(&request.body, request.known.members)?;
    match unclassed.0.borrow().as_deref() {
        None => Ok(()),
        Some(member) => Err(not_known(request.operation, table.name(), member)),
    }
}

/// The refusal of what cannot go on without a table.
fn not_there(request: &Request<'_, '_>, planned: &Planned<'_>) -> Error {
    let table = planned.statement.target().table.clone();
    Error::Unlearned { operation: request.operation.to_owned(), table }
}

/// Where a statement stands, as DynamoDB's messages have it.
fn place(list: &str, number: usize) -> String {
    format!("{}.{}.member.", lower(list), number.saturating_add(1))
}

fn listed<'a>(request: &Request<'_, 'a>, limit: Listed) -> Result<Vec<&'a str>, Error> {
    let text = request.body.borrowed(limit.member).ok_or_else(|| missing(request.operation, &lower(limit.member)))?;
    list(text, limit.most).map_err(|error| Error::listed(limit, error))
}

/// Reads a statement, and looks its table up.
fn read<'e>(request: &Request<'e, '_>, holder: &Object<'_>) -> Result<Read<'e>, Error> {
    if holder.is_empty() {
        return Ok(Read::Other(Err(Fault::Unreadable { at: 0, expected: "a statement" })));
    }
    let text = holder.text(STATEMENT).map_err(|error| request.bad(error))?;
    let text = text.ok_or_else(|| missing(request.operation, "statement"))?;
    let tables = request.tables;
    let table = |name: &str| if tables.is_missing(name) { None } else { tables.table(name) };
    let planned = match Planned::read(holder, &text, table) {
        Ok(planned) => planned,
        Err(fault) => {
            return match tables.directory().could_be_named(|name| names(&text, name)) {
                None => Ok(Read::Other(Err(fault))),
                Some(name) => Err(fault.refusal(request.operation, name)),
            };
        }
    };
    if let Some(table) = planned.table {
        return Ok(Read::Protected(planned, table));
    }
    if tables.is_missing(&planned.statement.target().table) {
        return Ok(Read::Missing(planned));
    }
    let name = super::table_name(&planned.statement.target().table);
    match tables.directory().in_other_case(name) {
        None => Ok(Read::Other(Ok(planned))),
        Some(other) => Err(OTHER_CASE.refusal(request.operation, other)),
    }
}

const OTHER_CASE: Fault = Fault::Unmapped {
    what: "the statement names a table that differs from this one in capital letters alone",
    instead: "write the table's name as DynamoDB has it",
};

/// Whether a statement that cannot be read could name a table: its name stands somewhere as a whole word, in any case and
/// in any quotation, text literals and comments included.
pub(super) fn names(statement: &str, table: &str) -> bool {
    let (statement, table) = (statement.to_ascii_lowercase(), table.to_ascii_lowercase());
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    statement.match_indices(&table).any(|(at, found)| {
        let before = statement.get(..at).and_then(|text| text.chars().next_back());
        let after = statement.get(at + found.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_wherever_it_stands() {
        for statement in [
            "SELECT * FROM Users",
            "select * from \"USERS\".\"by\"",
            "UPDATE Users-- x",
            "SELECT * FROM a WHERE EXISTS(SELECT * FROM Users)",
            "SELECT * FROM a -- '\n, Users -- '",
            "INSERT INTO \"arn:aws:dynamodb:eu-west-1:1:table/Users\" VALUE {}",
        ] {
            assert!(names(statement, "Users"), "{statement}");
        }
        assert!(!names("SELECT * FROM UsersArchive, MyUsers, users_old", "Users"));
    }
}
