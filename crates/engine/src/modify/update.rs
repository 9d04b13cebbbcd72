//! UpdateItem on signed or encrypted attributes: the update is applied to plaintext, the item sealed anew, and what
//! changed of it is written. What concerns unsigned attributes alone stays DynamoDB's own work in the same call, so a plain
//! counter beside sealed fields never loses an update.

use std::collections::BTreeSet;

use dynaseal_item::{Action, Item, Schema, Value, json};
use dynaseal_keys::Io;

use crate::doc::NotJson;
use crate::error::Error;
use crate::expr::apply::apply;
use crate::expr::ast::{self, Path, SetValue, Update};
use crate::expr::error::Error as Fault;
use crate::expr::touch::{Touch, Usage, of_update};
use crate::expressions::Parsed;
use crate::run::seal_item;
use crate::size::{LIMIT, value_size};
use crate::table::MARK;

use super::Modify;

/// What became of an update.
pub(super) enum Updated {
    /// It was applied: the new item, sealed, and the paths that were written.
    Sealed(Item<'static>, Vec<Path>),
    /// There is nothing to take away from.
    Nothing,
    /// The item does not allow it.
    Invalid(Fault),
}

pub(super) async fn updated(
    operation: &str,
    modify: &Modify<'_, '_>,
    parsed: &Parsed<'_>,
    opened: Option<Item<'_>>,
    io: Io<'_>,
) -> Result<Updated, Error> {
    let key = json::read_item(&modify.key);
    let (Some(update), Ok(key)) = (&parsed.update, &key) else {
        return Err(Error::request(operation, NotJson("an update needs a key and an UpdateExpression")));
    };
    is_storable(operation, modify, update)?;
    let applied = match apply(update, opened.as_ref(), key) {
        Ok(applied) => applied,
        Err(fault) => return Ok(Updated::Invalid(fault)),
    };
    // Taking away from nothing leaves nothing.
    let Some(new) = applied.item else { return Ok(Updated::Nothing) };
    let sealed = seal_item(modify.table, new, None, operation, io).await?.into_owned();
    Ok(Updated::Sealed(sealed, applied.written))
}

/// Refuses a value that no item has room for, before it is copied into one.
fn is_storable(operation: &str, modify: &Modify<'_, '_>, update: &Update<&Value<'_>>) -> Result<(), Error> {
    let is_encrypted = |path: &Path| modify.table.schema().action(&path.root) == Some(Action::EncryptAndSign);
    let size_of = |(path, action): &(Path, ast::Action<&Value<'_>>)| match action {
        ast::Action::Set(SetValue::Value(value)) if is_encrypted(path) => value.size_in_bytes(),
        ast::Action::Set(SetValue::Value(value)) => value_size(value),
        _ => 0,
    };
    match update.actions.iter().map(size_of).max() {
        Some(size) if size > LIMIT => Err(Error::too_large(operation, modify.table, size)),
        _ => Ok(()),
    }
}

/// Sets what is new or different, removes what is gone, and leaves the rest to the caller's own actions. A mark goes, be it
/// there or come in the meantime: what this writes is not what was marked.
pub(super) fn actions<'v>(
    (stored, unmark): (Option<&'v Item<'v>>, bool),
    sealed: &'v Item<'v>,
    update: &Update<&'v Value<'v>>,
    schema: &Schema,
) -> Update<&'v Value<'v>> {
    let split = Split::of(update, schema);
    let is_key = |name: &str| schema.keys().any(|key| key == name);
    let here = |name: &str| !is_key(name) && (is_sealed(schema, name) || split.here.contains(name));
    let (before, after) = (stored.map(Item::by_name).unwrap_or_default(), sealed.by_name());
    let mut actions = Vec::new();
    for (name, value) in sealed.iter().filter(|(name, _)| here(name)) {
        if before.get(name) != Some(&value) {
            actions.push((Path::attribute(name), ast::Action::Set(SetValue::Value(value))));
        }
    }
    let gone = stored.into_iter().flat_map(Item::iter).filter(|(name, _)| !after.contains_key(name));
    for (name, _) in gone.filter(|(name, _)| here(name)) {
        actions.push((Path::attribute(name), ast::Action::Remove));
    }
    if unmark {
        actions.push((Path::attribute(MARK), ast::Action::Remove));
    }
    let native = update.only(|root| !here(root));
    actions.extend(native.into_iter().flat_map(|native| native.actions));
    Update { actions, legacy: false }
}

/// Whether an attribute is written from the sealed item: what is signed, and what belongs to the format. Beacons of another
/// writer would be stale, and go.
pub(super) fn is_sealed(schema: &Schema, name: &str) -> bool {
    name.starts_with("aws_dbe_") || schema.in_signature_scope(name)
}

/// Who does what of an update.
pub(crate) struct Split {
    /// Attributes whose actions are worked out here: signed ones, unsigned ones that become what was encrypted, and lists
    /// that `AttributeUpdates` adds to, for which there is no expression.
    pub(crate) here: BTreeSet<String>,
    /// The attributes that this reads.
    pub(crate) reads: BTreeSet<String>,
}

impl Split {
    pub(crate) fn of(update: &Update<&Value<'_>>, schema: &Schema) -> Self {
        let mut split = Self { here: BTreeSet::new(), reads: BTreeSet::new() };
        let each =
            || update.actions.iter().map(|action| Update { actions: vec![action.clone()], legacy: update.legacy });
        let encrypted = |touch: &Touch<'_>| schema.action(touch.attribute) == Some(Action::EncryptAndSign);
        for one in each() {
            let read = of_update(&one).iter().any(|touch| touch.usage != Usage::Presence && encrypted(touch));
            let is_here = |(path, action): &&(Path, ast::Action<&Value<'_>>)| {
                read || is_sealed(schema, &path.root) || matches!(action, ast::Action::Add(Value::L(_)))
            };
            split.here.extend(one.actions.iter().filter(is_here).map(|(path, _)| path.root.clone()));
        }
        for one in each().filter(|one| one.actions.iter().any(|(path, _)| split.here.contains(&path.root))) {
            // Part of an attribute is replaced by writing the whole of it again.
            let read = of_update(&one).into_iter().filter(|touch| touch.nested || touch.usage != Usage::Write);
            split.reads.extend(read.map(|touch| touch.attribute.to_owned()));
        }
        split
    }
}
