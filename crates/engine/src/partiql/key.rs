//! What a WHERE clause says of the key: its conjuncts, and which of them name an item.

use std::borrow::Cow;

use dynaseal_item::{Item, Schema, Value};

use crate::expr::ast::{Comparator, Condition, Operand, Path};
use crate::expr::compare::equal;
use crate::expr::touch::of_condition;

use super::Fault;
use super::ast::Where;

/// The names of a table's or an index's key attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) partition: String,
    pub(super) sort: Option<String>,
}

/// A condition over the values of a statement.
pub(super) type Part<'s> = Condition<&'s Value<'static>>;

impl Keys {
    /// Of a configured table.
    pub(super) fn of(schema: &Schema) -> Self {
        let mut names = schema.keys().map(str::to_owned);
        Self { partition: names.next().unwrap_or_default(), sort: names.next() }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.partition.as_str()).chain(self.sort.as_deref())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names().any(|key| key == name)
    }

    /// Whether a condition says anything of a key attribute.
    pub(super) fn are_in<V>(&self, condition: &Condition<V>) -> bool {
        of_condition(condition).iter().any(|touch| self.has(touch.attribute))
    }

    /// The item that a write names by equality on each key attribute, and what else its condition says.
    pub(super) fn split<'s>(&self, condition: &'s Where) -> Result<(Item<'s>, Vec<Part<'s>>), Fault> {
        let conjuncts = conjuncts(condition);
        let mut key = Item::new();
        for name in self.names() {
            let mut values = conjuncts.iter().filter_map(|conjunct| equality(conjunct, name));
            let Some(value) = values.next() else {
                let missing = "Where clause does not contain a mandatory equality on all key attributes";
                return Err(Fault::Invalid(missing.to_owned()));
            };
            if !values.all(|other| equal(value, other) == Ok(true)) {
                return Err(Fault::Invalid(format!(
                    "Multiple conditions on same key {name}. Only single item Update/Insert/Delete are supported"
                )));
            }
            key.insert(Cow::Owned(name.to_owned()), key_value(name, value)?.clone());
        }
        let rest =
            conjuncts.into_iter().filter(|conjunct| !self.names().any(|name| equality(conjunct, name).is_some()));
        Ok((key, rest.map(Condition::by_ref).collect()))
    }

    /// The item that a clause names by its key and by nothing else, each attribute once.
    pub(super) fn exactly<'s>(&self, condition: &'s Where) -> Result<Option<Item<'s>>, Fault> {
        let mut key = Item::new();
        for conjunct in conjuncts(condition) {
            let pinned = self.names().find_map(|name| match pins(conjunct, name)?.as_slice() {
                [value] => Some((name, *value)),
                _ => None,
            });
            let Some((name, value)) = pinned else { return Ok(None) };
            let value = key_value(name, value)?;
            if key.get(name).is_some_and(|other| equal(other, value) != Ok(true)) {
                return Ok(None);
            }
            key.insert(Cow::Owned(name.to_owned()), value.clone());
        }
        Ok(Some(key).filter(|key| self.names().all(|name| key.get(name).is_some())))
    }
}

/// The parts that a clause joins by AND.
pub(super) fn conjuncts(condition: &Where) -> Vec<&Condition<Value<'static>>> {
    let (mut open, mut all): (Vec<_>, _) = (condition.iter().collect(), Vec::new());
    while let Some(part) = open.pop() {
        match part {
            Condition::And(left, right) => open.extend([right.as_ref(), left.as_ref()]),
            other => all.push(other),
        }
    }
    all
}

/// All parts as one condition again.
pub(super) fn joined<'s>(parts: Vec<Part<'s>>) -> Option<Part<'s>> {
    parts.into_iter().reduce(Condition::and)
}

/// The value of `name = value`.
fn equality<'s>(condition: &'s Condition<Value<'static>>, name: &str) -> Option<&'s Value<'static>> {
    match comparison(condition, name)? {
        (Comparator::Equal, value) => Some(value),
        _ => None,
    }
}

/// A comparison of an attribute with a value, the attribute on the left.
pub(super) fn comparison<'s>(
    condition: &'s Condition<Value<'static>>,
    name: &str,
) -> Option<(Comparator, &'s Value<'static>)> {
    match condition {
        Condition::Compare(Operand::Path(path), comparator, Operand::Value(value)) if is(path, name) => {
            Some((*comparator, value))
        }
        Condition::Compare(Operand::Value(value), comparator, Operand::Path(path)) if is(path, name) => {
            Some((comparator.mirrored(), value))
        }
        _ => None,
    }
}

/// The values of `name = value` or `name IN [value, …]`.
pub(super) fn pins<'s>(condition: &'s Condition<Value<'static>>, name: &str) -> Option<Vec<&'s Value<'static>>> {
    let value = |operand: &'s Operand<Value<'static>>| match operand {
        Operand::Value(value) => Some(value),
        _ => None,
    };
    match condition {
        Condition::In(Operand::Path(path), members) if is(path, name) => members.iter().map(value).collect(),
        other => equality(other, name).map(|value| vec![value]),
    }
}

pub(super) fn is(path: &Path, name: &str) -> bool {
    !path.is_nested() && path.root == name
}

/// A value, if it can be one of a key.
pub(super) fn key_value<'v, 'a>(name: &str, value: &'v Value<'a>) -> Result<&'v Value<'a>, Fault> {
    match value {
        Value::S(_) | Value::N(_) | Value::B(_) => Ok(value),
        other => Err(Fault::Invalid(format!(
            "Key value must be of type S, N, or B. Key name: {name}, Key type: {}",
            other.type_name()
        ))),
    }
}
