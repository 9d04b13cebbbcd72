//! INSERT, UPDATE, DELETE and EXISTS as the actions that say the same. What PartiQL says besides is said as a condition:
//! an INSERT makes a new item, an UPDATE changes one that is there, a DELETE of none does nothing.

use dynaseal_item::{Item, Value, json};

use crate::doc::{Node, Object};
use crate::expr::ast::{Condition, Path, Update, check_paths};
use crate::expr::error::{Error as ExpressionError, Fault as ExpressionFault};
use crate::expr::print::Printer;
use crate::expressions::placeholders;

use super::Fault;
use super::ast::{Returning, Select, Statement};
use super::key::{Keys, Part, joined};

/// A write as an action of a transaction; with `Item` at its end its name is that of a call.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) name: &'static str,
    /// The members of the action.
    pub(super) members: Object<'static>,
    pub(super) returning: Option<Returning>,
}

/// The key of the item that a statement writes or checks, as far as it names one.
///
/// # Errors
/// DynamoDB refuses the statement.
pub(super) fn key(statement: &Statement, keys: &Keys) -> Result<Item<'static>, Fault> {
    match statement {
        Statement::Insert { item, .. } => {
            let mut key = item.clone();
            key.retain(|name| keys.has(name));
            Ok(key)
        }
        Statement::Update { condition, .. }
        | Statement::Delete { condition, .. }
        | Statement::Exists(Select { condition, .. })
        | Statement::Select(Select { condition, .. }) => keys.split(condition).map(|(key, _)| key.into_owned()),
    }
}

/// The action that a statement stands for.
///
/// # Errors
/// DynamoDB refuses the statement.
pub(super) fn action(statement: &Statement, keys: &Keys) -> Result<Action, Fault> {
    if !matches!(statement, Statement::Select(_)) && statement.target().index.is_some() {
        return Err(invalid("This operation is not supported on an index"));
    }
    match statement {
        Statement::Select(_) => Err(invalid("A read is no action")),
        Statement::Insert { target, item } => {
            let mut action = Action::new("Put", &target.table);
            action.printed("Item", |out| json::write_item(item, out));
            let new = Condition::NotExists(Path::attribute(keys.partition.as_str()));
            Ok(action.finish(Printer::default(), Some(new)))
        }
        Statement::Update { target, update, condition, returning } => {
            let (key, rest) = keys.split(condition)?;
            check_update(update, keys)?;
            let mut action = Action { returning: *returning, ..Action::new("Update", &target.table) };
            action.key(&key);
            let mut printer = Printer::default();
            let update = update.by_ref();
            let text = printer.update(&update);
            action.printed("UpdateExpression", |out| json::write_text(&text, out));
            let is_there = Condition::Exists(Path::attribute(keys.partition.as_str()));
            Ok(action.finish(printer, joined([vec![is_there], rest].concat())))
        }
        Statement::Delete { target, condition, returning } => {
            if let Some([which, when]) = returning.filter(|what| *what != Returning::AllOld).map(Returning::words) {
                return Err(Fault::Invalid(format!(
                    "Invalid returning clause: RETURNING {which} {when} *. Only RETURNING ALL OLD * is allowed in \
                     DELETE statements."
                )));
            }
            let (key, rest) = keys.split(condition)?;
            let mut action = Action { returning: *returning, ..Action::new("Delete", &target.table) };
            action.key(&key);
            let is_gone = Condition::NotExists(Path::attribute(keys.partition.as_str()));
            Ok(action.finish(Printer::default(), joined(rest).map(|rest| is_gone.or(rest))))
        }
        Statement::Exists(Select { target, condition, .. }) => {
            let (key, rest) = keys.split(condition)?;
            let mut action = Action::new("ConditionCheck", &target.table);
            action.key(&key);
            let is_there = Condition::Exists(Path::attribute(keys.partition.as_str()));
            Ok(action.finish(Printer::default(), joined([vec![is_there], rest].concat())))
        }
    }
}

/// What UpdateItem would find wrong after it looked for the item, and PartiQL finds before.
fn check_update(update: &Update<Value<'static>>, keys: &Keys) -> Result<(), Fault> {
    let paths = || update.actions.iter().map(|(path, _)| path);
    if let Some(path) = paths().find(|path| !path.is_nested() && keys.has(&path.root)) {
        return Err(expression(ExpressionFault::KeyUpdate(path.root.clone())));
    }
    // PartiQL names the later of two paths first.
    check_paths(&paths().rev()).map_err(expression)
}

impl Action {
    fn new(name: &'static str, table: &str) -> Self {
        let mut action = Self { name, members: Object::default(), returning: None };
        action.printed("TableName", |out| json::write_text(table, out));
        action
    }

    fn key(&mut self, key: &Item<'_>) {
        self.printed("Key", |out| json::write_item(key, out));
    }

    fn printed(&mut self, name: &'static str, print: impl FnOnce(&mut Vec<u8>)) {
        let mut out = Vec::new();
        print(&mut out);
        self.members.insert(name.to_owned(), Node::Printed(out));
    }

    fn finish<'s>(mut self, mut printer: Printer<'s>, condition: Option<Part<'s>>) -> Self {
        if let Some(condition) = condition {
            let text = printer.condition(&condition);
            self.printed("ConditionExpression", |out| json::write_text(&text, out));
        }
        for (name, map) in placeholders(&printer) {
            self.members.insert(name.to_owned(), Node::Printed(map));
        }
        self
    }
}

fn expression(fault: ExpressionFault) -> Fault {
    Fault::Invalid(ExpressionError { expression: None, fault }.message())
}

fn invalid(message: &str) -> Fault {
    Fault::Invalid(message.to_owned())
}
