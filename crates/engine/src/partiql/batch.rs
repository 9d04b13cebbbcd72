//! BatchExecuteStatement. Each statement on a protected table is a call of its own; the others are sent as one smaller
//! batch. Every statement is answered in its place, also where it fails.

use dynaseal_item::{Item, json};
use dynaseal_keys::Answer;

use crate::answers;
use crate::doc::{Node, NotJson, Object, array};
use crate::error::Error;
use crate::size::is_of_long_key;
use crate::table::Table;

use super::answer::{Shape, by_table, capacity, list, same_key};
use super::ast::Statement;
use super::key::Keys;
use super::run::{Runner, key_of};
use super::{Fault, Planned, write};

/// A batch, of which at least one statement is about a protected table.
#[derive(Debug)]
pub(crate) struct Batch<'e, 'a> {
    /// The request without its statements.
    pub(crate) body: Object<'a>,
    pub(crate) entries: Vec<Entry<'e, 'a>>,
}

/// One statement.
#[derive(Debug)]
pub(crate) enum Entry<'e, 'a> {
    /// About a protected table.
    Protected(Box<Planned<'e>>, &'e Table),
    /// About a protected table that is not there.
    Missing(Box<Planned<'e>>),
    /// About another table, as it stands in the request; and what it says, if it could be read.
    Plain(&'a str, Option<Box<Planned<'e>>>),
}

pub(super) const OPERATION: &str = "BatchExecuteStatement";
const CAPACITY: &str = "ReturnConsumedCapacity";

impl Batch<'_, '_> {
    pub(super) async fn carry_out(mut self, runner: Runner<'_>) -> Result<Answer, Error> {
        let capacity = self.body.raw(CAPACITY).map(str::to_owned);
        for entry in &mut self.entries {
            if let (Entry::Protected(planned, _), Some(capacity)) = (entry, &capacity) {
                planned.beside.push((CAPACITY, capacity.clone()));
            }
        }
        if let Err(refused) = self.check() {
            return refused;
        }
        // First, so that a batch which DynamoDB refuses has done nothing yet.
        let (mut plain, mut consumed) = match self.plain(runner).await? {
            Ok((plain, consumed)) => (plain.into_iter(), Vec::from_iter(consumed)),
            Err(answer) => return Ok(answer),
        };
        let mut responses = Vec::with_capacity(self.entries.len());
        let mut unverified = None;
        for (number, entry) in self.entries.iter().enumerate() {
            match entry {
                Entry::Plain(..) => responses.push(plain.next().unwrap_or_else(|| b"{}".to_vec())),
                Entry::Missing(planned) => {
                    let table = &planned.statement.target().table;
                    responses.push(failed("ResourceNotFound", "Requested resource not found", None, Some(table)));
                }
                Entry::Protected(planned, table) => match response(runner, planned, table, &mut consumed).await {
                    Ok(response) => responses.push(response),
                    Err(error) if planned.statement.is_read() => return Err(error),
                    Err(error) => unverified = unverified.or(Some(error.of_statement(number))),
                },
            }
        }
        if let Some(error) = unverified {
            return Err(error);
        }
        let mut body = Object::default();
        body.insert("Responses".to_owned(), list(responses));
        body.insert_raw("ConsumedCapacity", by_table(&consumed).as_deref());
        Ok(Answer::new(200, body.print(&[], 1024)))
    }

    /// What DynamoDB refuses of a whole batch.
    fn check(&self) -> Result<(), Result<Answer, Error>> {
        let invalid = |message: &str| Err(Ok(answers::validation(message)));
        let statements = || {
            let planned = self.entries.iter().filter_map(|entry| match entry {
                Entry::Protected(planned, _) | Entry::Missing(planned) => Some(planned),
                Entry::Plain(_, planned) => planned.as_ref(),
            });
            planned.filter(|planned| planned.check().is_ok()).map(|planned| &planned.statement)
        };
        if statements().any(Statement::is_read) && statements().any(|statement| !statement.is_read()) {
            return invalid("Read and write requests together in the same batch is not supported.");
        }
        let mut seen: Vec<(&str, Item<'_>)> = Vec::new();
        for entry in &self.entries {
            let Entry::Protected(planned, table) = entry else { continue };
            if planned.check().is_err() {
                continue;
            }
            // A SELECT with more conditions is refused later, and counts here.
            let known = key(&planned.statement, table);
            let known = known.or_else(|_| write::key(&planned.statement, &Keys::of(table.schema())));
            let Ok(key) = known else { continue };
            if seen.iter().any(|(other, seen)| *other == table.name() && same_key(seen, &key)) {
                return invalid("Provided list of item keys contains duplicates");
            }
            seen.push((table.name(), key));
        }
        Ok(())
    }

    /// The answers to the statements about other tables, or DynamoDB's refusal of them all.
    async fn plain(&self, runner: Runner<'_>) -> Result<Result<(Vec<Vec<u8>>, Option<String>), Answer>, Error> {
        let statements = self.entries.iter().filter_map(|entry| match entry {
            Entry::Plain(text, _) => Some(Node::Raw((*text).into())),
            Entry::Protected(..) | Entry::Missing(_) => None,
        });
        let statements: Vec<_> = statements.collect();
        let count = statements.len();
        if count == 0 {
            return Ok(Ok((Vec::new(), None)));
        }
        let mut body = self.body.clone();
        body.set("Statements", Node::Array(statements));
        let answer = runner.call(OPERATION, body.print(&[], 1024)).await?;
        if !answer.ok() {
            return Ok(Err(answer));
        }
        let shape = Shape { operation: OPERATION, paths: &[] };
        let body = shape.body(&answer)?;
        let responses = array(body.raw("Responses").unwrap_or("[]")).map_err(|error| shape.bad(error))?;
        if responses.len() != count {
            return Err(shape.bad(NotJson("it does not answer every statement")));
        }
        let responses = responses.into_iter().map(|text| text.as_bytes().to_vec()).collect();
        Ok(Ok((responses, capacity(&body))))
    }
}

/// The item that a statement is about.
fn key(statement: &Statement, table: &Table) -> Result<Item<'static>, Fault> {
    const REFUSAL: &str =
        "Select statements within BatchExecuteStatement must specify the primary key in the where clause.";
    let keys = Keys::of(table.schema());
    match statement {
        Statement::Select(select) => key_of(select, &keys, REFUSAL),
        other => write::key(other, &keys),
    }
}

/// One statement's place in the answer. An item that does not verify is no such thing: it fails the whole, so that it is
/// noticed wherever one is.
async fn response(
    runner: Runner<'_>,
    planned: &Planned<'_>,
    table: &Table,
    consumed: &mut Vec<String>,
) -> Result<Vec<u8>, Error> {
    let shape = Shape { operation: OPERATION, paths: &[] };
    let outcome = match planned.check().and_then(|()| key(&planned.statement, table)) {
        Ok(_) => runner.one(planned, table).await,
        Err(fault) => fault.settle(OPERATION, table),
    };
    let answer = match outcome {
        Ok(answer) => answer,
        Err(error) if error.kind() == dynaseal_item::Kind::Data => return Err(error),
        // Other statements were carried out, so this one's failure is its own.
        Err(error) => return Ok(failed(error_code(&error), &message(&error), None, None)),
    };
    let body = shape.body(&answer)?;
    let name = &planned.statement.target().table;
    if answer.ok() {
        consumed.extend(capacity(&body));
        let items = array(body.raw("Items").unwrap_or("[]")).map_err(|error| shape.bad(error))?;
        let mut response = Object::default();
        response.insert_raw("Item", items.first().copied());
        let mut text = Vec::new();
        json::write_text(name, &mut text);
        response.insert("TableName".to_owned(), Node::Printed(text));
        return Ok(response.print(&[], 256));
    }
    let text = |member| body.text(member).ok().flatten();
    let kind = text("__type").unwrap_or_default();
    let message = text("message").or_else(|| text("Message")).unwrap_or_default();
    let code = short_code(kind.rsplit('#').next().unwrap_or_default());
    // DynamoDB names the table where the statement was carried out, and where it was refused for its key.
    const OF_KEY: &str = "One or more parameter values were invalid: Cannot update attribute ";
    let names_table = code != "ValidationError" || is_of_long_key(&message) || message.starts_with(OF_KEY);
    let table = names_table.then_some(name.as_str());
    Ok(failed(code, &message, body.raw("Item"), table))
}

fn failed(code: &str, message: &str, item: Option<&str>, table: Option<&str>) -> Vec<u8> {
    let string = |text: &str| {
        let mut out = Vec::new();
        json::write_text(text, &mut out);
        Node::Printed(out)
    };
    let mut error = Object::default();
    error.insert("Code".to_owned(), string(code));
    error.insert("Message".to_owned(), string(message));
    error.insert_raw("Item", item);
    let mut response = Object::default();
    response.insert("Error".to_owned(), Node::Object(error));
    if let Some(table) = table {
        response.insert("TableName".to_owned(), string(table));
    }
    response.print(&[], 256)
}

/// The names that errors have inside a batch.
fn short_code(kind: &str) -> &str {
    match kind {
        "ValidationException" => "ValidationError",
        "ThrottlingException" => "ThrottlingError",
        other => other.strip_suffix("Exception").unwrap_or(other),
    }
}

fn error_code(error: &Error) -> &'static str {
    match (error, error.kind()) {
        (Error::Contended { .. }, _) => "ThrottlingError",
        (_, dynaseal_item::Kind::Outage) => "InternalServerError",
        (_, dynaseal_item::Kind::Keys) => "AccessDenied",
        _ => "ValidationError",
    }
}

/// As a gateway words it.
fn message(error: &Error) -> String {
    let mut hint = error.hint().chars();
    let first = hint.next().map(|first| first.to_ascii_uppercase());
    format!("{}: {error}. {}.", error.code(), first.into_iter().chain(hint).collect::<String>())
}
