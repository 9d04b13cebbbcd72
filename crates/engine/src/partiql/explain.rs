//! The calls that statements stand for, as `dynaseal check --explain` shows them.

use dynaseal_keys::{Call, Service};

use crate::doc::{Node, Object};
use crate::error::Error;
use crate::table::Table;

use super::ast::Statement;
use super::batch::Entry;
use super::key::Keys;
use super::run::Job;
use super::{Fault, Planned, read, write};

/// A statement on a protected table, or a transaction of them.
#[derive(Debug)]
pub(crate) struct Stated {
    /// Its place in a batch, from 0.
    pub(crate) number: Option<usize>,
    /// The first call that it stands for; `None` where that takes keys which only DynamoDB can tell.
    pub(crate) call: Option<Call>,
    /// How many such calls it takes at least.
    pub(crate) count: usize,
}

impl Job<'_, '_> {
    /// What is carried out here. Statements of a batch that are not listed pass as they came.
    pub(crate) fn stated(&self, operation: &str) -> Result<Vec<Stated>, Error> {
        let refused = |table: &Table| {
            let table = table.name().to_owned();
            move |fault: Fault| fault.refusal(operation, &table)
        };
        match self {
            Job::One(planned, table) => Ok(vec![one(planned, table, None).map_err(refused(table))?]),
            Job::Batch(batch) => {
                let entries = batch.entries.iter().enumerate();
                let protected = entries.filter_map(|(number, entry)| match entry {
                    Entry::Protected(planned, table) => Some(one(planned, table, Some(number)).map_err(refused(table))),
                    Entry::Plain(..) | Entry::Missing(_) => None,
                });
                protected.collect()
            }
            Job::Transaction(transaction) => {
                let call = transaction.call().map_err(refused(transaction.table))?;
                Ok(vec![Stated { number: None, call, count: 1 }])
            }
        }
    }
}

fn one(planned: &Planned<'_>, table: &Table, number: Option<usize>) -> Result<Stated, Fault> {
    planned.check()?;
    let keys = Keys::of(table.schema());
    let (operation, mut body, count) = match &planned.statement {
        Statement::Select(select) if select.target.index.is_some() => {
            return Ok(Stated { number, call: None, count: 2 });
        }
        Statement::Select(select) => {
            let read = read::read(select, &keys)?;
            let count = read.bodies.len().max(1);
            (read.operation.to_owned(), read.bodies.into_iter().next().unwrap_or_default(), count)
        }
        statement => {
            let write::Action { name, members, returning } = write::action(statement, &keys)?;
            let mut body = members;
            if let Some(returning) = returning {
                body.insert("ReturnValues".to_owned(), Node::Raw(format!("\"{}\"", returning.return_values()).into()));
            }
            (format!("{name}Item"), body, 1)
        }
    };
    for name in ["ConsistentRead", "Limit", "ReturnValuesOnConditionCheckFailure"] {
        body.insert_raw(name, planned.beside(name));
    }
    Ok(Stated { number, call: Some(call(operation, &body)), count })
}

pub(super) fn call(operation: String, body: &Object<'_>) -> Call {
    Call::new(Service::DynamoDb, operation, body.print(&[], 1024))
}
