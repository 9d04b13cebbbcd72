//! Conditions and filters: from the grammar's tree to what they mean.

use std::cmp::Ordering;

use super::ast::{Comparator, Condition, Operand};
use super::compare::order;
use super::error::{Error, Fault, Kind};
use super::names::Resolve;
use super::resolve::{Place, arity, check_defined, check_words, path, ungroup, value};
use super::syntax::{Cursor, Node};

/// Reads a condition, a filter or, as such, a key condition.
///
/// # Errors
/// What DynamoDB finds wrong with the expression alone.
pub fn parse<R: Resolve>(text: &str, kind: Kind, resolver: &mut R) -> Result<Condition<R::Value>, Error> {
    read(text, resolver).map_err(|fault| Error::of(kind, fault))
}

pub(super) fn read<R: Resolve>(text: &str, resolver: &mut R) -> Result<Condition<R::Value>, Fault> {
    let mut cursor = Cursor::new(text)?;
    let tree = cursor.condition()?;
    cursor.end()?;
    check_words(&tree, Place::Condition, &mut 0)?;
    lower(&tree, resolver)
}

/// Checks go from condition to condition, and in each from what is undefined to what has the wrong type.
fn lower<R: Resolve>(node: &Node<'_>, resolver: &mut R) -> Result<Condition<R::Value>, Fault> {
    match node {
        Node::Group(inner) => lower(inner, resolver),
        Node::Not(inner) => Ok(lower(inner, resolver)?.not()),
        Node::And(both) => {
            let [left, right] = both.as_ref();
            Ok(lower(left, resolver)?.and(lower(right, resolver)?))
        }
        Node::Or(both) => {
            let [left, right] = both.as_ref();
            Ok(lower(left, resolver)?.or(lower(right, resolver)?))
        }
        leaf => {
            check_defined(leaf, resolver)?;
            lower_leaf(leaf, resolver)
        }
    }
}

fn lower_leaf<R: Resolve>(leaf: &Node<'_>, resolver: &mut R) -> Result<Condition<R::Value>, Fault> {
    match leaf {
        Node::Compare(comparator, both) => {
            let [left, right] = both.as_ref();
            let (left, right) = (operand(left, resolver)?, operand(right, resolver)?);
            let sign = comparator.sign();
            distinct(sign, &left, [&right])?;
            if !matches!(comparator, Comparator::Equal | Comparator::NotEqual) {
                check_kinds::<R>(sign, [&left, &right], &["S", "N", "B"])?;
            }
            Ok(Condition::Compare(left, *comparator, right))
        }
        Node::Between(all) => {
            let [one, low, high] = all.as_ref();
            let (one, low, high) = (operand(one, resolver)?, operand(low, resolver)?, operand(high, resolver)?);
            distinct("BETWEEN", &one, [&low, &high])?;
            check_kinds::<R>("BETWEEN", [&one, &low, &high], &["S", "N", "B"])?;
            check_bounds::<R>(&low, &high)?;
            Ok(Condition::Between(one, low, high))
        }
        Node::In(one, all) => {
            let one = operand(one, resolver)?;
            let all = all.iter().map(|each| operand(each, resolver)).collect::<Result<Vec<_>, _>>()?;
            if all.len() > MAX_IN_OPERANDS {
                return Err(Fault::TooManyInOperands(all.len()));
            }
            distinct("IN", &one, &all)?;
            Ok(Condition::In(one, all))
        }
        Node::Call(name, operands) => function(name, operands, resolver),
        // The words were checked: nothing else stands here.
        _ => Err(Fault::FunctionPlace(String::new())),
    }
}

fn function<R: Resolve>(name: &str, operands: &[Node<'_>], resolver: &mut R) -> Result<Condition<R::Value>, Fault> {
    let (first, second) = match operands {
        [one] if PRESENCE.contains(&name) => {
            let Operand::Path(path) = operand(one, resolver)? else {
                return Err(Fault::NeedsPath(name.to_owned()));
            };
            return Ok(if name == "attribute_exists" { Condition::Exists(path) } else { Condition::NotExists(path) });
        }
        [first, second] if !PRESENCE.contains(&name) => (operand(first, resolver)?, operand(second, resolver)?),
        _ => return Err(Fault::OperandCount { operator: name.to_owned(), count: operands.len() }),
    };
    distinct(name, &first, [&second])?;
    match name {
        "begins_with" => {
            check_kinds::<R>(name, [&first, &second], &["S", "B"])?;
            Ok(Condition::BeginsWith(first, second))
        }
        "contains" => Ok(Condition::Contains(first, second)),
        _ => attribute_type::<R>(first, &second),
    }
}

fn attribute_type<R: Resolve>(
    first: Operand<R::Value>,
    second: &Operand<R::Value>,
) -> Result<Condition<R::Value>, Fault> {
    const ANY: &str = "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}";
    const NAME: &str = "attribute_type";
    let Operand::Value(value) = second else {
        return Err(Fault::OperandKind { operator: NAME.to_owned(), kind: kind::<R>(second).unwrap_or(ANY) });
    };
    check_kinds::<R>(NAME, [second], &["S"])?;
    match R::known(value) {
        Some(dynaseal_item::Value::S(name)) if !TYPES.contains(&name.as_ref()) => Err(Fault::AttributeTypeName),
        _ => Ok(Condition::Type(first, *value)),
    }
}

fn operand<R: Resolve>(node: &Node<'_>, resolver: &mut R) -> Result<Operand<R::Value>, Fault> {
    match ungroup(node) {
        Node::Path(parts) => path(parts, resolver).map(Operand::Path),
        Node::Value(name) => value(name, resolver).map(Operand::Value),
        Node::Call(name, operands) => {
            arity(name, operands, 1)?;
            let [inner] = operands.as_slice() else { return Err(Fault::FunctionPlace((*name).to_owned())) };
            let inner = operand(inner, resolver)?;
            check_kinds::<R>(name, [&inner], &["S", "B", "SS", "NS", "BS", "L", "M"])?;
            Ok(Operand::Size(Box::new(inner)))
        }
        // The words were checked: nothing else stands here.
        _ => Err(Fault::FunctionPlace(String::new())),
    }
}

/// The type of an operand where it does not depend on the item.
fn kind<R: Resolve>(operand: &Operand<R::Value>) -> Option<&'static str> {
    match operand {
        Operand::Path(_) => None,
        Operand::Value(value) => R::known(value).map(dynaseal_item::Value::type_name),
        Operand::Size(_) => Some("N"),
    }
}

fn check_kinds<'o, R: Resolve>(
    operator: &str,
    operands: impl IntoIterator<Item = &'o Operand<R::Value>>,
    allowed: &[&str],
) -> Result<(), Fault>
where
    R::Value: 'o,
{
    match operands.into_iter().filter_map(kind::<R>).find(|kind| !allowed.contains(kind)) {
        Some(kind) => Err(Fault::OperandKind { operator: operator.to_owned(), kind }),
        None => Ok(()),
    }
}

fn distinct<'o, V: 'o>(
    operator: &str,
    first: &Operand<V>,
    rest: impl IntoIterator<Item = &'o Operand<V>>,
) -> Result<(), Fault> {
    let Operand::Path(first) = first else { return Ok(()) };
    if rest.into_iter().any(|other| matches!(other, Operand::Path(other) if other == first)) {
        return Err(Fault::SameOperand { operator: operator.to_owned(), first: first.clone() });
    }
    Ok(())
}

fn check_bounds<R: Resolve>(low: &Operand<R::Value>, high: &Operand<R::Value>) -> Result<(), Fault> {
    let (Operand::Value(low), Operand::Value(high)) = (low, high) else { return Ok(()) };
    let (Some(low), Some(high)) = (R::known(low), R::known(high)) else { return Ok(()) };
    if low.type_name() != high.type_name() {
        return Err(Fault::BoundTypes { lower: low.type_name(), upper: high.type_name() });
    }
    match order(low, high).map_err(Fault::Number)? {
        Some(Ordering::Greater) => Err(Fault::BoundOrder { kind: low.type_name() }),
        _ => Ok(()),
    }
}

const PRESENCE: [&str; 2] = ["attribute_exists", "attribute_not_exists"];
const TYPES: [&str; 10] = ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"];
const MAX_IN_OPERANDS: usize = 100;

#[cfg(test)]
mod tests;
