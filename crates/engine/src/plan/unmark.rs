//! An update that is left to DynamoDB takes a mark away, as every update of ours does (`modify/mark.rs`).

use crate::doc::{Node, Object};
use crate::error::Error;
use crate::expr::ast::{Action, Path};
use crate::expr::print::Printer;
use crate::expr::syntax::MAX_BYTES;
use crate::expressions::placeholders;
use crate::table::MARK;

use super::scope::{NAMES, Scope, UPDATES, VALUES, Work};

pub(super) fn unmark(scope: &Scope<'_, '_>, object: &mut Object<'_>, work: &Work) -> Result<(), Error> {
    if let Some(text) = object.raw(UPDATES).map(str::to_owned) {
        let mut updates = Object::parse(&text).map_err(|error| scope.bad(UPDATES, error))?;
        updates.set(MARK, Node::Raw("{\"Action\":\"DELETE\"}".into()));
        let updates = updates.print(&[], text.len());
        object.set(UPDATES, Node::Printed(updates));
        return Ok(());
    }
    let parsed = work.expressions.parse().map_err(|fault| Error::expression(scope.operation, fault))?;
    let Some(mut update) = parsed.update else { return Ok(()) };
    update.actions.push((Path::attribute(MARK), Action::Remove));
    let mut printer = Printer::default();
    let update = printer.update(&update);
    let condition = parsed.condition.map(|condition| printer.condition(&condition));
    if update.len().max(condition.as_ref().map_or(0, String::len)) > MAX_BYTES {
        // It goes as it came. A mark only says that nobody was there, and equality is guarded beside it.
        return Ok(());
    }
    object.remove(NAMES);
    object.remove(VALUES);
    for (name, map) in placeholders(&printer) {
        object.set(name, Node::Printed(map));
    }
    let texts = [("UpdateExpression", Some(update)), ("ConditionExpression", condition)];
    for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text?))) {
        let mut printed = Vec::new();
        dynaseal_item::json::write_text(&text, &mut printed);
        object.set(name, Node::Printed(printed));
    }
    Ok(())
}
