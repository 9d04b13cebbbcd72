//! An item that verifies but for attributes which a writer without Dynaseal added: sealed again with them, once the rest
//! has been verified. Who asks for it names them, since nothing tells an honest addition from a forged one.

use dynaseal_item::{Item, Sealed};
use dynaseal_keys::Io;

use crate::doc::{Node, Object};
use crate::error::Error;
use crate::expr::ast;
use crate::expr::print::Printer;
use crate::expr::syntax::MAX_BYTES;
use crate::expressions::placeholders;
use crate::run::seal_item;
use crate::table::Table;

use super::current::FOOTER;
use super::guard::equal;
use super::update::actions;
use super::{printed_item, printed_text};

/// Verifies the item without `added`, and seals it with them.
///
/// # Errors
/// The rest is not what was sealed, an addition has no action, or no key was given.
pub(crate) async fn adopt(
    table: &Table,
    stored: &Item<'_>,
    added: &[String],
    operation: &str,
    io: Io<'_>,
) -> Result<Item<'static>, Error> {
    let failed = |failure| Error::of_item(operation, table, None, failure);
    let mut rest = stored.clone();
    let added: Vec<_> = added.iter().filter_map(|name| rest.take(name)).collect();
    if Sealed::is_plain(&rest) {
        return Err(failed(dynaseal_item::Error::Unsealed.into()));
    }
    let mut item = table.open(io, &mut rest).await.map_err(failed)?.into_owned();
    for (name, value) in added {
        item.insert(name.into_owned(), value.into_owned());
    }
    Ok(seal_item(table, item, None, operation, io).await?.into_owned())
}

/// The update that stores an adoption, under a guard: the footer and the additions are those that were read.
pub(crate) struct Update {
    members: Vec<(&'static str, Vec<u8>)>,
}

impl Update {
    /// `None` if it is longer than an expression may be.
    pub(crate) fn of(table: &Table, stored: &Item<'_>, sealed: &Item<'_>, added: &[String]) -> Option<Self> {
        let schema = table.schema();
        let mut printer = Printer::default();
        let nothing = ast::Update { actions: Vec::new(), legacy: false };
        let update = printer.update(&actions((Some(stored), false), sealed, &nothing, schema));
        let footer = equal(FOOTER, stored.get(FOOTER)?);
        let added = added.iter().filter_map(|name| stored.get(name).map(|value| equal(name, value)));
        let guard = printer.condition(&added.fold(footer, |guard, one| guard.and(one)));
        if update.len().max(guard.len()) > MAX_BYTES {
            return None;
        }
        let mut key = stored.clone();
        key.retain(|name| schema.keys().any(|key| key == name));
        let mut members = vec![
            ("Key", printed_item(&key)),
            ("UpdateExpression", printed_text(&update)),
            ("ConditionExpression", printed_text(&guard)),
        ];
        members.extend(placeholders(&printer));
        Some(Self { members })
    }

    /// The request, of a table whose name is given as JSON.
    pub(crate) fn body(&self, table_name: &str) -> Vec<u8> {
        let mut body = Object::default();
        body.set("TableName", Node::Raw(table_name.into()));
        for (name, json) in &self.members {
            body.set(name, Node::Printed(json.clone()));
        }
        body.print(&[], 1024)
    }
}
