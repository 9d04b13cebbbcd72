//! Statements carried out: one by itself here, several in `batch.rs` and `transaction.rs`.

use dynaseal_keys::{Answer, BoxFuture, Call, Invocation, Io, Service, Wire};

use crate::doc::{Node, NotJson, Object};
use crate::error::Error;
use crate::run::Engine;
use crate::table::Table;

use super::answer::{Shape, capacity, failure, list, sum};
use super::ast::{Select, Statement};
use super::batch::{self, Batch};
use super::index::{Way, index_keys};
use super::key::Keys;
use super::read::{self, Read};
use super::token::Place;
use super::transaction::{self, Transaction};
use super::write::{self, Action};
use super::{Fault, Planned};

/// Statements, of which at least one is about a protected table.
#[derive(Debug)]
pub(crate) enum Job<'e, 'a> {
    /// ExecuteStatement.
    One(Box<Planned<'e>>, &'e Table),
    /// BatchExecuteStatement.
    Batch(Batch<'e, 'a>),
    /// ExecuteTransaction.
    Transaction(Transaction<'e, 'a>),
}

const OPERATION: &str = "ExecuteStatement";

impl Job<'_, '_> {
    pub(crate) async fn carry_out(
        self,
        engine: &Engine,
        invocation: Option<&Invocation>,
        io: Io<'_>,
    ) -> Result<Answer, Error> {
        let runner = |operation| Runner { operation, engine, invocation, io };
        match self {
            Job::One(planned, table) => runner(OPERATION).one(&planned, table).await,
            Job::Batch(batch) => batch.carry_out(runner(batch::OPERATION)).await,
            Job::Transaction(transaction) => transaction.carry_out(runner(transaction::OPERATION)).await,
        }
    }
}

/// What statements are carried out with.
#[derive(Clone, Copy)]
pub(super) struct Runner<'r> {
    pub(super) operation: &'r str,
    pub(super) engine: &'r Engine,
    /// Whose attempt it is, so that a later one does not carry out again what this one did.
    pub(super) invocation: Option<&'r Invocation>,
    pub(super) io: Io<'r>,
}

impl Runner<'_> {
    /// One statement on a protected table.
    pub(super) async fn one(self, planned: &Planned<'_>, table: &Table) -> Result<Answer, Error> {
        if let Err(fault) = planned.check() {
            return fault.settle(self.operation, table);
        }
        match &planned.statement {
            Statement::Select(select) => {
                let Way { keys, whole } = match self.way(planned, select, table).await? {
                    Ok(way) => way,
                    Err(outcome) => return outcome,
                };
                let place = match planned.beside_text("NextToken").map(|token| Place::of_token(&token, planned)) {
                    None => Place::default(),
                    Some(Ok(place)) => place,
                    Some(Err(fault)) => return fault.settle(self.operation, table),
                };
                match read::read(select, &keys) {
                    Ok(read) => self.select(planned, &Read { whole, ..read }, place).await,
                    Err(fault) => fault.settle(self.operation, table),
                }
            }
            Statement::Exists(_) => {
                let exists = Fault::Unmapped {
                    what: "EXISTS stands outside a transaction",
                    instead: "use EXISTS in ExecuteTransaction, or SELECT",
                };
                exists.settle(self.operation, table)
            }
            statement => {
                if planned.beside("NextToken").is_some() {
                    let message = "NextToken is only valid on a SELECT statement".to_owned();
                    return Fault::Invalid(message).settle(self.operation, table);
                }
                match write::action(statement, &Keys::of(table.schema())) {
                    Ok(action) => self.write(planned, action).await,
                    Err(fault) => fault.settle(self.operation, table),
                }
            }
        }
    }

    /// How a SELECT is read, or why that cannot be known.
    async fn way(
        self,
        planned: &Planned<'_>,
        select: &Select,
        table: &Table,
    ) -> Result<Result<Way, Result<Answer, Error>>, Error> {
        let of_table = || Way { keys: Keys::of(table.schema()), whole: false };
        let Some(index) = &select.target.index else { return Ok(Ok(of_table())) };
        let described = match self.describe(&select.target.table).await? {
            Ok(described) => described,
            Err(answer) => return Ok(Err(Ok(answer))),
        };
        let is_consistent = planned.beside("ConsistentRead") == Some("true");
        Ok(index_keys(&described, index, select, is_consistent).map_err(|fault| fault.settle(self.operation, table)))
    }

    /// Reads partition after partition, until the limit or the end of a page.
    async fn select(self, planned: &Planned<'_>, read: &Read, mut place: Place) -> Result<Answer, Error> {
        let shape = Shape { operation: self.operation, paths: &read.paths };
        let filter = read.filter.as_ref().map(|filter| filter.parse()).transpose();
        let filter = match filter {
            Ok(filter) => filter,
            Err(fault) => return Ok(failure(crate::answers::expression(self.operation, &fault), false)),
        };
        let limit = planned.beside("Limit");
        let mut left = limit.and_then(|limit| limit.parse::<usize>().ok());
        let (mut items, mut consumed, mut last) = (Vec::new(), Vec::new(), None);
        let mut request_id = None;
        while let Some(body) = read.bodies.get(place.partition) {
            let mut body = body.clone();
            for name in ["ConsistentRead", "ReturnConsumedCapacity"] {
                body.insert_raw(name, planned.beside(name));
            }
            let limit_left = left.map(|left| left.to_string());
            body.insert_raw("Limit", limit_left.as_deref().or(limit));
            body.insert_raw("ExclusiveStartKey", place.after.as_deref());
            body.insert_raw("Select", read.whole.then_some("\"ALL_ATTRIBUTES\""));
            let answer = self.call(read.operation, body.print(&[], 512)).await?;
            if !answer.ok() {
                return Ok(failure(answer, false));
            }
            let page = shape.body(&answer)?;
            items.extend(shape.items(page.raw("Items").unwrap_or("[]"), filter.as_ref())?);
            consumed.extend(capacity(&page));
            let scanned = page.raw("ScannedCount").and_then(|count| count.parse::<usize>().ok());
            left = left.map(|left| left.saturating_sub(scanned.unwrap_or_default()));
            last = page.raw("LastEvaluatedKey").map(str::to_owned);
            place = match &last {
                Some(key) => Place { after: Some(key.clone()), ..place },
                None => Place { partition: place.partition.saturating_add(1), after: None },
            };
            request_id = answer.request_id;
            if last.is_some() || left == Some(0) {
                break;
            }
        }
        let mut body = Object::default();
        body.insert("Items".to_owned(), list(items));
        if place.partition < read.bodies.len() {
            body.insert("NextToken".to_owned(), Node::Raw(format!("\"{}\"", place.token(planned)).into()));
            body.insert_raw("LastEvaluatedKey", last.as_deref());
        }
        body.insert_raw("ConsumedCapacity", sum(&consumed).as_deref());
        Ok(Answer { request_id, ..Answer::new(200, body.print(&[], 1024)) })
    }

    async fn write(self, planned: &Planned<'_>, action: Action) -> Result<Answer, Error> {
        let Action { name, members: mut body, returning, .. } = action;
        for name in ["ReturnConsumedCapacity", "ReturnValuesOnConditionCheckFailure"] {
            body.insert_raw(name, planned.beside(name));
        }
        if let Some(returning) = returning {
            body.insert("ReturnValues".to_owned(), Node::Raw(format!("\"{}\"", returning.return_values()).into()));
        }
        let answer = self.call(&format!("{name}Item"), body.print(&[], 1024)).await?;
        if !answer.ok() {
            return Ok(failure(answer, name == "Put"));
        }
        let written = Shape { operation: self.operation, paths: &[] }.body(&answer)?;
        let item = written.raw("Attributes").map(|item| item.as_bytes().to_vec());
        let mut body = Object::default();
        body.insert("Items".to_owned(), list(item));
        body.insert_raw("ConsumedCapacity", capacity(&written).as_deref());
        Ok(Answer { body: body.print(&[], 256), ..answer })
    }

    /// What a table is, or the upstream's refusal to say.
    pub(super) async fn describe(self, table: &str) -> Result<Result<serde_json::Value, Answer>, Error> {
        let body = serde_json::json!({ "TableName": table }).to_string().into_bytes();
        let answer = self.call("DescribeTable", body).await?;
        if !answer.ok() {
            return crate::reply::refusal(self.operation, answer).map(Err);
        }
        let unread = |_| Shape { operation: self.operation, paths: &[] }.bad(NotJson("the table's description"));
        let mut described: serde_json::Value = serde_json::from_slice(&answer.body).map_err(unread)?;
        Ok(Ok(described.get_mut("Table").map(serde_json::Value::take).unwrap_or_default()))
    }

    /// Another call, through the same plan as if an application had made it.
    pub(super) async fn call(self, operation: &str, body: Vec<u8>) -> Result<Answer, Error> {
        let call = Call::new(Service::DynamoDb, operation.to_owned(), body).attempt_of(self.invocation.cloned());
        boxed(self.engine, self.io.wire, call).await.map_err(|error| error.within(self.operation))
    }
}

/// A future of its own size, since this one is a part of it.
fn boxed<'f>(engine: &'f Engine, wire: &'f dyn Wire, call: Call) -> BoxFuture<'f, Result<Answer, Error>> {
    Box::pin(engine.call(wire, call))
}

impl Planned<'_> {
    fn beside_text(&self, name: &str) -> Option<String> {
        // What is no string is no token of ours.
        Some(crate::doc::text(self.beside(name)?).map(std::borrow::Cow::into_owned).unwrap_or_default())
    }
}

/// The key of the item that a SELECT names, and by nothing else.
pub(super) fn key_of(select: &Select, keys: &Keys, refusal: &str) -> Result<dynaseal_item::Item<'static>, Fault> {
    let key = if select.target.index.is_none() { keys.exactly(&select.condition)? } else { None };
    key.map(dynaseal_item::Item::into_owned).ok_or_else(|| Fault::Invalid(refusal.to_owned()))
}
