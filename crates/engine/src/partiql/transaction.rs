//! ExecuteTransaction as TransactGetItems or TransactWriteItems. All statements go in one transaction, so those about
//! tables without a configuration are carried out the same way; their keys are asked of DynamoDB.

use dynaseal_item::{Item, json};
use dynaseal_keys::{Answer, Call};

use crate::answers::{self, Failed};
use crate::doc::{Node, Object, array};
use crate::error::Error;
use crate::table::Table;

use super::answer::{Shape, failure, list, same_key};
use super::ast::Statement;
use super::index::keys_of;
use super::key::Keys;
use super::run::{Runner, key_of};
use super::{Fault, Planned, explain, write};

/// A transaction, of which at least one statement is about a protected table.
#[derive(Debug)]
pub(crate) struct Transaction<'e, 'a> {
    /// The request without its statements.
    pub(crate) body: Object<'a>,
    pub(crate) statements: Vec<Planned<'e>>,
    /// A table that makes the transaction one of ours; refusals name it.
    pub(crate) table: &'e Table,
}

pub(super) const OPERATION: &str = "ExecuteTransaction";
const WRITES: &str = "TransactWriteItems";

/// The transaction that the statements stand for.
struct Translated {
    operation: &'static str,
    items: Vec<Node<'static>>,
    /// The table and key of each, as far as known.
    targets: Vec<(String, Item<'static>)>,
}

impl Transaction<'_, '_> {
    pub(super) async fn carry_out(self, runner: Runner<'_>) -> Result<Answer, Error> {
        if let Err(fault) = self.check() {
            return fault.settle(OPERATION, self.table);
        }
        let keys = match self.keys(runner).await? {
            Ok(keys) => keys,
            Err(refused) => return refused,
        };
        let translated = match self.translate(&keys) {
            Ok(translated) => translated,
            Err(fault) => return fault.settle(OPERATION, self.table),
        };
        let operation = translated.operation;
        let answer = runner.call(operation, self.request(translated).print(&[], 4096)).await?;
        if answer.ok() { self.responses(answer) } else { self.cancelled(failure(answer, false)) }
    }

    fn request(&self, translated: Translated) -> Object<'_> {
        let mut body = Object::default();
        body.insert("TransactItems".to_owned(), Node::Array(translated.items));
        body.insert_raw("ReturnConsumedCapacity", self.body.raw("ReturnConsumedCapacity"));
        // SDKs fill it in by themselves, also where statements only read, which are not told apart by one.
        if translated.operation == WRITES {
            body.insert_raw("ClientRequestToken", self.body.raw("ClientRequestToken"));
        }
        body
    }

    /// The call that it stands for, if the keys of all its tables are known without asking.
    pub(super) fn call(&self) -> Result<Option<Call>, Fault> {
        self.check()?;
        let keys = self.statements.iter().map(|planned| planned.table.map(|table| Keys::of(table.schema())));
        let Some(keys) = keys.collect::<Option<Vec<_>>>() else { return Ok(None) };
        let translated = self.translate(&keys)?;
        Ok(Some(explain::call(translated.operation.to_owned(), &self.request(translated))))
    }

    /// What DynamoDB refuses before it looks at any table.
    fn check(&self) -> Result<(), Fault> {
        for (number, planned) in self.statements.iter().enumerate() {
            if let Err(Fault::Invalid(message)) = planned.check() {
                return Err(Fault::Invalid(of_statement(number, &message)));
            }
            let refusal = match &planned.statement {
                Statement::Update { returning: Some(_), .. } | Statement::Delete { returning: Some(_), .. } => {
                    "RETURNING clause is not supported in ExecuteTransaction."
                }
                statement if statement.is_read() && statement.target().index.is_some() => {
                    "Reads on indices are not supported within transactions."
                }
                _ => continue,
            };
            return Err(Fault::Invalid(of_statement(number, refusal)));
        }
        let reads = self.statements.iter().filter(|planned| planned.statement.is_read()).count();
        if reads > 0 && reads < self.statements.len() {
            return Err(Fault::Invalid(
                "ExecuteTransaction API does not support both read and write operations in the same request."
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// The keys of each statement's table, or why they cannot be known.
    async fn keys(&self, runner: Runner<'_>) -> Result<Result<Vec<Keys>, Result<Answer, Error>>, Error> {
        let mut all: Vec<Keys> = Vec::with_capacity(self.statements.len());
        for (number, planned) in self.statements.iter().enumerate() {
            let name = &planned.statement.target().table;
            let before = self.statements.iter().take(number).position(|other| other.statement.target().table == *name);
            all.push(if let Some(table) = planned.table {
                Keys::of(table.schema())
            } else if let Some(known) = before.and_then(|at| all.get(at)) {
                known.clone()
            } else {
                match runner.describe(name).await? {
                    Ok(described) => match keys_of(&described) {
                        Ok(keys) => keys,
                        Err(fault) => return Ok(Err(fault.settle(OPERATION, self.table))),
                    },
                    Err(answer) => return Ok(Err(Ok(answer))),
                }
            });
        }
        Ok(Ok(all))
    }

    fn translate(&self, keys: &[Keys]) -> Result<Translated, Fault> {
        let reads = self.statements.iter().all(|planned| planned.statement.is_read());
        let operation = if reads { "TransactGetItems" } else { WRITES };
        let mut translated = Translated { operation, items: Vec::new(), targets: Vec::new() };
        for (number, (planned, keys)) in self.statements.iter().zip(keys).enumerate() {
            let (name, key, members) = part(planned, keys).map_err(|fault| match fault {
                Fault::Invalid(message) => Fault::Invalid(of_statement(number, &message)),
                other => other,
            })?;
            let mut item = Object::default();
            item.insert(name.to_owned(), Node::Object(members));
            translated.items.push(Node::Object(item));
            let table = crate::plan::table_name(&planned.statement.target().table).to_owned();
            if translated.targets.iter().any(|(other, seen)| *other == table && same_key(seen, &key)) {
                let twice = "Transaction request cannot include multiple operations on one item";
                return Err(Fault::Invalid(twice.to_owned()));
            }
            translated.targets.push((table, key));
        }
        Ok(translated)
    }

    /// A read shows each item as its statement asks; a write shows nothing.
    fn responses(&self, answer: Answer) -> Result<Answer, Error> {
        let shape = Shape { operation: OPERATION, paths: &[] };
        let done = shape.body(&answer)?;
        let mut responses = Vec::new();
        let items = array(done.raw("Responses").unwrap_or("[]")).map_err(|error| shape.bad(error))?;
        for (planned, response) in self.statements.iter().zip(items) {
            let mut response = Object::parse(response).map_err(|error| shape.bad(error))?;
            if let (Statement::Select(select), Some(item)) = (&planned.statement, response.take_raw("Item")) {
                let shown = Shape { operation: OPERATION, paths: &select.paths }.shown(&item)?;
                response.replace("Item", Node::Printed(shown));
            }
            responses.push(response.print(&[], 256));
        }
        let mut body = Object::default();
        body.insert("Responses".to_owned(), list(responses));
        body.insert_raw("ConsumedCapacity", done.raw("ConsumedCapacity"));
        Ok(Answer { body: body.print(&[], 1024), ..answer })
    }

    /// An INSERT of an item that is there is a duplicate, in the reasons and in the message that lists them.
    fn cancelled(&self, answer: Answer) -> Result<Answer, Error> {
        if answers::failed(&answer) != Some(Failed::Transaction) {
            return Ok(answer);
        }
        let shape = Shape { operation: OPERATION, paths: &[] };
        let mut body = shape.body(&answer)?;
        let Some(reasons) = body.take_raw("CancellationReasons") else { return Ok(answer) };
        let (mut told, mut codes) = (Vec::new(), Vec::new());
        for (planned, reason) in self.statements.iter().zip(array(&reasons).map_err(|error| shape.bad(error))?) {
            let reason = Object::parse(reason).map_err(|error| shape.bad(error))?;
            let code = reason.text("Code").map_err(|error| shape.bad(error))?.unwrap_or_default().into_owned();
            if matches!(planned.statement, Statement::Insert { .. }) && code == "ConditionalCheckFailed" {
                told.push(DUPLICATE.to_vec());
                codes.push("DuplicateItem".to_owned());
            } else {
                told.push(reason.print(&[], 256));
                codes.push(code);
            }
        }
        body.replace("CancellationReasons", list(told));
        let message = format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            codes.join(", ")
        );
        let mut text = Vec::new();
        json::write_text(&message, &mut text);
        for member in ["message", "Message"] {
            body.replace(member, Node::Printed(text.clone()));
        }
        Ok(Answer { body: body.print(&[], answer.body.len()), ..answer })
    }
}

/// One statement's action: its name, the key of its item, its members.
fn part(planned: &Planned<'_>, keys: &Keys) -> Result<(&'static str, Item<'static>, Object<'static>), Fault> {
    const REFUSAL: &str =
        "Select statements within ExecuteTransaction must specify the primary key in the where clause.";
    let Statement::Select(select) = &planned.statement else {
        let mut action = write::action(&planned.statement, keys)?;
        const RETURNS: &str = "ReturnValuesOnConditionCheckFailure";
        action.members.insert_raw(RETURNS, planned.beside(RETURNS));
        return Ok((action.name, write::key(&planned.statement, keys)?, action.members));
    };
    let key = key_of(select, keys, REFUSAL)?;
    let (mut members, mut table, mut printed) = (Object::default(), Vec::new(), Vec::new());
    json::write_text(&select.target.table, &mut table);
    json::write_item(&key, &mut printed);
    members.insert("TableName".to_owned(), Node::Printed(table));
    members.insert("Key".to_owned(), Node::Printed(printed));
    Ok(("Get", key, members))
}

fn of_statement(number: usize, message: &str) -> String {
    format!("Validation failed in TransactStatements[{number}]: {message}")
}

const DUPLICATE: &[u8] = br#"{"Code":"DuplicateItem","Message":"Duplicate primary key exists in table"}"#;
