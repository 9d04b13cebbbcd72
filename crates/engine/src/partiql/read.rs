//! SELECT as Query, one for each partition that it names, or as Scan. What a key condition cannot say of the key, and a
//! Query's filter may not, is asked of the items that come back.

use std::borrow::Cow;
use std::cmp::Ordering;

use dynaseal_item::{Value, json};

use crate::doc::{Node, Object};
use crate::expr::ast::{Comparator, Condition, Operand, Path};
use crate::expr::compare::{equal, order};
use crate::expr::error::Kind;
use crate::expr::names::{Names, Values};
use crate::expr::print::Printer;
use crate::expressions::{Expressions, placeholders};

use super::Fault;
use super::ast::{Order, Select};
use super::key::{Keys, Part, comparison, conjuncts, is, joined, key_value, pins};

/// A SELECT as calls.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) operation: &'static str,
    /// One for each partition, in the order in which they are read.
    pub(super) bodies: Vec<Object<'static>>,
    /// What is asked of the items that come back.
    pub(super) filter: Option<Expressions>,
    /// What to show of them; nothing for everything.
    pub(super) paths: Vec<Path>,
    /// Whether a local index gives all of the table's attributes.
    pub(super) whole: bool,
}

/// The calls that a SELECT stands for, of a table or an index with these keys.
///
/// # Errors
/// DynamoDB refuses the statement.
pub(super) fn read(select: &Select, keys: &Keys) -> Result<Read, Fault> {
    let parts = conjuncts(&select.condition);
    check_order(select, keys)?;
    let pin = parts.iter().enumerate().find_map(|(at, part)| Some((at, pins(part, &keys.partition)?)));
    let (pin, partitions) = match pin {
        Some((at, values)) => (at, partitions(values, keys, &select.order)?),
        None if !select.order.is_empty() => {
            return Err(invalid(
                "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.",
            ));
        }
        None => return Ok(scan(select)),
    };
    let sort = match &keys.sort {
        Some(name) => sort_condition(&parts, name)?,
        None => Sort::default(),
    };
    let rest = parts.iter().enumerate().filter(|(at, _)| *at != pin && !sort.covers.contains(at));
    let (local, native): (Vec<_>, Vec<_>) = rest.map(|(_, part)| *part).partition(|part| keys.are_in(*part));
    let native: Vec<Part<'_>> = native.into_iter().map(Condition::by_ref).collect();
    let body = |value: &Value<'static>| {
        let partition = Operand::Path(Path::attribute(keys.partition.as_str()));
        let key = Condition::Compare(partition, Comparator::Equal, Operand::Value(value));
        let key = sort.condition.iter().cloned().fold(key, Condition::and);
        let mut body = target(select);
        let mut printer = Printer::default();
        set(&mut body, "KeyConditionExpression", &printer.condition(&key));
        if let Some(filter) = joined(native.clone()) {
            set(&mut body, "FilterExpression", &printer.condition(&filter));
        }
        if let Some(forward) = forward(select, keys) {
            body.insert("ScanIndexForward".to_owned(), Node::Printed(forward.to_string().into_bytes()));
        }
        with_placeholders(body, &printer)
    };
    let bodies = partitions.into_iter().map(body).collect();
    let local = joined(local.into_iter().map(Condition::by_ref).collect());
    Ok(Read { operation: "Query", bodies, filter: local.as_ref().map(kept), paths: select.paths.clone(), whole: false })
}

fn scan(select: &Select) -> Read {
    let mut body = target(select);
    let mut printer = Printer::default();
    if let Some(condition) = &select.condition {
        set(&mut body, "FilterExpression", &printer.condition(&condition.by_ref()));
    }
    let bodies = vec![with_placeholders(body, &printer)];
    Read { operation: "Scan", bodies, filter: None, paths: select.paths.clone(), whole: false }
}

/// Which table or index is read.
fn target(select: &Select) -> Object<'static> {
    let mut body = Object::default();
    set(&mut body, "TableName", &select.target.table);
    if let Some(index) = &select.target.index {
        set(&mut body, "IndexName", index);
    }
    body
}

/// The partitions in the order in which they are read.
fn partitions<'s>(
    mut values: Vec<&'s Value<'static>>,
    keys: &Keys,
    terms: &[Order],
) -> Result<Vec<&'s Value<'static>>, Fault> {
    for (at, value) in values.iter().enumerate() {
        key_value(&keys.partition, value)?;
        if values.iter().take(at).any(|other| equal(other, value) == Ok(true)) {
            return Err(invalid("Overlapping conditions with range keys are not supported in where clause"));
        }
    }
    if values.len() > MOST_PARTITIONS {
        return Err(Fault::Unmapped {
            what: "the statement reads more than 100 partitions",
            instead: "divide the list of partition keys over several statements",
        });
    }
    if terms.is_empty() {
        return Ok(values);
    }
    let term = terms.iter().find(|term| term.attribute == keys.partition);
    if values.len() > 1 && term.is_none() {
        return Err(invalid(
            "Must have hash key in ORDER BY clause when more than one hash key condition specified in WHERE clause.",
        ));
    }
    values.sort_by(|one, two| order(one, two).ok().flatten().unwrap_or(Ordering::Equal));
    if term.is_some_and(|term| term.descending) {
        values.reverse();
    }
    Ok(values)
}

/// ORDER BY names key attributes only.
fn check_order(select: &Select, keys: &Keys) -> Result<(), Fault> {
    if select.order.is_empty() {
        return Ok(());
    }
    if select.condition.is_none() {
        return Err(invalid("Must have WHERE clause in the statement when using ORDER BY clause."));
    }
    match select.order.iter().find(|term| !keys.has(&term.attribute)) {
        Some(Order { attribute, .. }) => {
            Err(Fault::Invalid(format!("Attribute {attribute} in ORDER BY clause must be part of the primary key")))
        }
        None => Ok(()),
    }
}

/// The direction in a partition. DynamoDB reads it backwards where ORDER BY names the partition key alone.
fn forward(select: &Select, keys: &Keys) -> Option<bool> {
    let sort = keys.sort.as_deref()?;
    let term = select.order.iter().find(|term| term.attribute == sort);
    (!select.order.is_empty()).then(|| term.is_some_and(|term| !term.descending))
}

/// What a key condition says of the sort key, and the parts of the clause that say no more than that.
#[derive(Default)]
struct Sort<'s> {
    condition: Option<Part<'s>>,
    covers: Vec<usize>,
}

/// The narrowest key condition that the parts allow: one of them, or a range made of two.
fn sort_condition<'s>(parts: &[&'s Condition<Value<'static>>], name: &str) -> Result<Sort<'s>, Fault> {
    let path = || Operand::Path(Path::attribute(name));
    let (mut equal, mut other, mut low, mut high) = (None, None, None, None);
    for (at, part) in parts.iter().enumerate() {
        if let Some([value]) = pins(part, name).as_deref() {
            key_value(name, value)?;
            equal.get_or_insert((at, Condition::Compare(path(), Comparator::Equal, Operand::Value(*value))));
        }
        let is_whole = match part {
            Condition::BeginsWith(Operand::Path(one), Operand::Value(_))
            | Condition::Between(Operand::Path(one), Operand::Value(_), Operand::Value(_)) => is(one, name),
            _ => false,
        };
        if is_whole {
            other.get_or_insert((at, part.by_ref()));
        }
        match comparison(part, name) {
            Some((sign @ (Comparator::Greater | Comparator::GreaterOrEqual), value)) => {
                low.get_or_insert((at, sign, key_value(name, value)?));
            }
            Some((sign @ (Comparator::Less | Comparator::LessOrEqual), value)) => {
                high.get_or_insert((at, sign, key_value(name, value)?));
            }
            _ => {}
        }
    }
    if let Some((at, condition)) = equal.or(other) {
        return Ok(Sort { condition: Some(condition), covers: vec![at] });
    }
    if let (Some((_, _, lower)), Some((_, _, upper))) = (&low, &high)
        && matches!(order(lower, upper), Ok(Some(Ordering::Less | Ordering::Equal)))
    {
        let condition = Condition::Between(path(), Operand::Value(*lower), Operand::Value(*upper));
        let exact = |bound: &Option<(usize, Comparator, _)>, sign| {
            bound.as_ref().filter(|(_, found, _)| *found == sign).map(|(at, _, _)| *at)
        };
        let covers = [exact(&low, Comparator::GreaterOrEqual), exact(&high, Comparator::LessOrEqual)];
        return Ok(Sort { condition: Some(condition), covers: covers.into_iter().flatten().collect() });
    }
    let bound = low.or(high).map(|(at, sign, value)| (at, Condition::Compare(path(), sign, Operand::Value(value))));
    Ok(match bound {
        Some((at, condition)) => Sort { condition: Some(condition), covers: vec![at] },
        None => Sort::default(),
    })
}

/// A condition with its placeholders, to be asked later.
fn kept(condition: &Part<'_>) -> Expressions {
    let mut printer = Printer::default();
    let text = printer.condition(condition);
    let names: Names<'static> =
        printer.names().map(|(placeholder, name)| (Cow::Owned(placeholder), Cow::Owned(name.to_owned()))).collect();
    let values: Values<'static> =
        printer.values().map(|(placeholder, value)| (Cow::Owned(placeholder), value.clone().into_owned())).collect();
    Expressions {
        names: Some(names).filter(|names| !names.is_empty()),
        values: Some(values).filter(|values| !values.is_empty()),
        condition: Some((Kind::Filter, text)),
        ..Expressions::default()
    }
}

fn set(body: &mut Object<'static>, name: &str, text: &str) {
    let mut out = Vec::new();
    json::write_text(text, &mut out);
    body.insert(name.to_owned(), Node::Printed(out));
}

fn with_placeholders(mut body: Object<'static>, printer: &Printer<'_>) -> Object<'static> {
    for (name, map) in placeholders(printer) {
        body.insert(name.to_owned(), Node::Printed(map));
    }
    body
}

fn invalid(message: &str) -> Fault {
    Fault::Invalid(message.to_owned())
}

/// One call is sent for each.
const MOST_PARTITIONS: usize = 100;

#[cfg(test)]
mod tests;
