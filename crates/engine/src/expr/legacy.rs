//! The parameters that came before expressions, translated to what expressions mean.
//!
//! | parameter                                    | becomes                                  |
//! |----------------------------------------------|------------------------------------------|
//! | `Expected`, `QueryFilter`, `ScanFilter`      | a condition, its parts joined by one operator |
//! | `KeyConditions`                              | a key condition                          |
//! | `AttributeUpdates`                           | an update whose ADD also takes lists     |
//! | `AttributesToGet`                            | a projection                             |

use std::cmp::Ordering;
use std::collections::BTreeSet;

use dynaseal_item::Value;

use super::ast::{Action, Comparator, Condition, Operand, Path, SetValue, Update};
use super::compare::order;
use super::error::{Error, Fault};
use super::key::{Clause, KeyCondition};
use super::projection::Projection;
use super::stored::{EMPTY_NAME, Layer};

mod json;

pub use json::{read_attributes, read_conditions, read_updates};

/// One attribute's part of `Expected`, `KeyConditions`, `QueryFilter` or `ScanFilter`.
#[derive(Clone, Debug, Default)]
pub struct LegacyCondition<'v> {
    /// The attribute.
    pub attribute: String,
    /// `ComparisonOperator`.
    pub operator: Option<String>,
    /// `AttributeValueList`.
    pub list: Option<Vec<Value<'v>>>,
    /// `Value`, of `Expected` only.
    pub value: Option<Value<'v>>,
    /// `Exists`, of `Expected` only.
    pub exists: Option<bool>,
}

/// One attribute's part of `AttributeUpdates`.
#[derive(Clone, Debug)]
pub struct LegacyUpdate<'v> {
    /// The attribute.
    pub attribute: String,
    /// `Action`; PUT if there is none.
    pub action: Option<String>,
    /// `Value`.
    pub value: Option<Value<'v>>,
}

impl LegacyCondition<'_> {
    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> LegacyCondition<'static> {
        let Self { attribute, operator, list, value, exists } = self;
        let list = list.map(|all| all.into_iter().map(Value::into_owned).collect());
        LegacyCondition { attribute, operator, list, value: value.map(Value::into_owned), exists }
    }
}

impl LegacyUpdate<'_> {
    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> LegacyUpdate<'static> {
        let Self { attribute, action, value } = self;
        LegacyUpdate { attribute, action, value: value.map(Value::into_owned) }
    }
}

/// What a condition over values of the request is.
pub type Bound<'v> = Condition<&'v Value<'v>>;

/// `Expected` with its `ConditionalOperator`; `None` where it asks nothing.
///
/// # Errors
/// What DynamoDB finds wrong with it.
pub fn expected<'v>(all: &'v [LegacyCondition<'v>], operator: Option<&str>) -> Result<Option<Bound<'v>>, Error> {
    all.iter().try_for_each(check_structure)?;
    join(all, operator, |one| {
        let path = || Path::attribute(one.attribute.clone());
        match (&one.operator, one.exists, &one.value) {
            (Some(operator), _, _) => condition(one, operator),
            (None, Some(false), _) => Ok(Condition::NotExists(path())),
            (None, _, Some(value)) => {
                Ok(Condition::Compare(Operand::Path(path()), Comparator::Equal, Operand::Value(value)))
            }
            (None, _, None) => Ok(Condition::Exists(path())),
        }
    })
}

/// `QueryFilter` or `ScanFilter` with its `ConditionalOperator`; `None` where it asks nothing.
///
/// # Errors
/// What DynamoDB finds wrong with it.
pub fn filter<'v>(all: &'v [LegacyCondition<'v>], operator: Option<&str>) -> Result<Option<Bound<'v>>, Error> {
    join(all, operator, |one| condition(one, one.operator.as_deref().unwrap_or_default()))
}

/// `KeyConditions`.
///
/// # Errors
/// What DynamoDB finds wrong with them.
pub fn key_conditions<'v>(all: &'v [LegacyCondition<'v>]) -> Result<KeyCondition<&'v Value<'v>>, Error> {
    let clause = |one: &'v LegacyCondition<'v>| {
        let operator = one.operator.as_deref().unwrap_or_default();
        let clause = match condition(one, operator)? {
            Condition::Compare(_, comparator, Operand::Value(value)) if comparator != Comparator::NotEqual => {
                Clause::Compare(comparator, value)
            }
            Condition::Between(_, Operand::Value(low), Operand::Value(high)) => Clause::Between(low, high),
            Condition::BeginsWith(_, Operand::Value(value)) => Clause::BeginsWith(value),
            _ => return Err(parameter(format!("Unsupported KeyConditions ComparisonOperator: {operator}"))),
        };
        Ok((one.attribute.clone(), clause))
    };
    Ok(KeyCondition { clauses: all.iter().map(clause).collect::<Result<_, _>>()? })
}

/// `AttributeUpdates`.
///
/// # Errors
/// What DynamoDB finds wrong with them.
pub fn attribute_updates<'v>(all: &'v [LegacyUpdate<'v>]) -> Result<Update<&'v Value<'v>>, Error> {
    const ENUM: &str = "Member must satisfy enum value set: [ADD, DELETE, PUT]' for Action";
    let action_of = |one: &'v LegacyUpdate<'v>| one.action.as_deref().unwrap_or("PUT");
    if all.iter().any(|one| !["ADD", "DELETE", "PUT"].contains(&action_of(one))) {
        return Err(parameter(ENUM.to_owned()));
    }
    let action = |one: &'v LegacyUpdate<'v>| {
        let action = match (action_of(one), &one.value) {
            ("DELETE", None) => Action::Remove,
            (_, None) => {
                return Err(misused("Only DELETE action is allowed when no attribute value is specified"));
            }
            ("DELETE", Some(value @ (Value::Ss(_) | Value::Ns(_) | Value::Bs(_)))) => Action::Delete(value),
            ("DELETE", Some(value)) => {
                let kind = value.type_name();
                return Err(misused(&format!("DELETE action with value is not supported for the type {kind}")));
            }
            ("ADD", Some(value @ (Value::N(_) | Value::Ss(_) | Value::Ns(_) | Value::Bs(_) | Value::L(_)))) => {
                Action::Add(value)
            }
            ("ADD", Some(value)) => {
                let kind = value.type_name();
                return Err(misused(&format!("ADD action is not supported for the type {kind}")));
            }
            (_, Some(value)) => Action::Set(SetValue::Value(value)),
        };
        Ok((Path::attribute(one.attribute.clone()), action))
    };
    Ok(Update { actions: all.iter().map(action).collect::<Result<_, _>>()?, legacy: true })
}

/// Refuses a `ConditionalOperator` that joins nothing, or that DynamoDB does not have.
///
/// # Errors
/// What DynamoDB finds wrong with it.
pub fn check_operator(operator: Option<&str>, conditions: usize) -> Result<(), Error> {
    let misuse = match (operator, conditions) {
        (None, _) | (Some("AND" | "OR"), 2..) => return Ok(()),
        (Some(_), 0) => "ConditionalOperator cannot be used without Filter or Expected",
        (Some(_), 1) => "ConditionalOperator can only be used when Filter or Expected has two or more elements",
        (Some(_), _) => "Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]",
    };
    Err(parameter(misuse.to_owned()))
}

/// Refuses names and values in `Expected` that DynamoDB does not take.
///
/// # Errors
/// What DynamoDB finds wrong with them.
pub fn check_expected(all: &[LegacyCondition<'_>], layer: Layer) -> Result<(), Error> {
    all.iter().try_for_each(|one| check_name(&one.attribute))?;
    all.iter().try_for_each(check_structure)?;
    check_filter(all, layer)
}

/// The same of values in the others, of which DynamoDB does not look at the names.
///
/// # Errors
/// What DynamoDB finds wrong with them.
pub fn check_filter(all: &[LegacyCondition<'_>], layer: Layer) -> Result<(), Error> {
    let values = |one: &'_ LegacyCondition<'_>| {
        one.list.iter().flatten().chain(&one.value).try_for_each(|value| layer.check(value))
    };
    all.iter().try_for_each(values)
}

/// The same of `AttributeUpdates`.
///
/// # Errors
/// What DynamoDB finds wrong with them.
pub fn check_updates(all: &[LegacyUpdate<'_>], layer: Layer) -> Result<(), Error> {
    all.iter().try_for_each(|one| check_name(&one.attribute))?;
    all.iter().flat_map(|one| &one.value).try_for_each(|value| layer.check_update(value))
}

fn check_name(name: &str) -> Result<(), Error> {
    if name.is_empty() { Err(parameter(EMPTY_NAME.to_owned())) } else { Ok(()) }
}

/// `AttributesToGet`.
///
/// # Errors
/// An attribute that stands twice.
pub fn attributes_to_get(names: Vec<String>) -> Result<Projection, Error> {
    let mut seen = BTreeSet::new();
    names.iter().try_for_each(|name| check_name(name))?;
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => Err(invalid(&format!("Duplicate value in attribute name: {name}"))),
        None => Ok(Projection::of_paths(names.into_iter().map(Path::attribute).collect())),
    }
}

fn join<'v>(
    all: &'v [LegacyCondition<'v>],
    operator: Option<&str>,
    translate: impl Fn(&'v LegacyCondition<'v>) -> Result<Bound<'v>, Error>,
) -> Result<Option<Bound<'v>>, Error> {
    check_operator(operator, all.len())?;
    let mut joined: Option<Bound<'v>> = None;
    for one in all {
        let one = translate(one)?;
        joined = Some(match joined {
            None => one,
            Some(left) if operator == Some("OR") => left.or(one),
            Some(left) => left.and(one),
        });
    }
    Ok(joined)
}

/// What `Expected` must be before its operator counts.
fn check_structure(one: &LegacyCondition<'_>) -> Result<(), Error> {
    let of = |text: &str| Err(invalid(&format!("{text} for Attribute: {}", one.attribute)));
    match one {
        LegacyCondition { exists: Some(_), operator: Some(_), .. } => {
            of("Exists and ComparisonOperator cannot be used together")
        }
        LegacyCondition { value: Some(_), list: Some(_), .. } => {
            of("Value and AttributeValueList cannot be used together")
        }
        LegacyCondition { list: Some(_), operator: None, .. } => {
            of("AttributeValueList can only be used with a ComparisonOperator")
        }
        LegacyCondition { operator: Some(operator), list: None, value: None, .. } if takes(operator) > Some(0) => {
            of(&format!("Value or AttributeValueList must be used with ComparisonOperator: {operator}"))
        }
        LegacyCondition { exists: Some(true), value: None, .. } => of("Value must be provided when Exists is true"),
        LegacyCondition { exists: Some(false), value: Some(_), .. } => of("Value cannot be used when Exists is false"),
        LegacyCondition { exists: None, operator: None, value: None, .. } => {
            of("Value must be provided when Exists is null")
        }
        _ => Ok(()),
    }
}

/// An operator with its values.
fn condition<'v>(one: &'v LegacyCondition<'v>, operator: &str) -> Result<Bound<'v>, Error> {
    let values: Vec<&'v Value<'v>> = match (&one.list, &one.value) {
        (Some(list), _) => list.iter().collect(),
        (None, value) => value.iter().collect(),
    };
    let Some(wanted) = takes(operator) else { return Err(invalid("Invalid comparison operator")) };
    if values.len() < wanted || (values.len() > wanted && operator != "IN") {
        return Err(invalid(&format!("Invalid number of argument(s) for the {operator} ComparisonOperator")));
    }
    check_values(operator, &values)?;
    let path = Path::attribute(one.attribute.clone());
    let compare =
        |comparator, value| Condition::Compare(Operand::Path(path.clone()), comparator, Operand::Value(value));
    Ok(match (operator, values.as_slice()) {
        ("NULL", _) => Condition::NotExists(path),
        ("EQ", [value]) => compare(Comparator::Equal, *value),
        ("NE", [value]) => compare(Comparator::NotEqual, *value),
        ("LT", [value]) => compare(Comparator::Less, *value),
        ("LE", [value]) => compare(Comparator::LessOrEqual, *value),
        ("GT", [value]) => compare(Comparator::Greater, *value),
        ("GE", [value]) => compare(Comparator::GreaterOrEqual, *value),
        ("BEGINS_WITH", [value]) => Condition::BeginsWith(Operand::Path(path), Operand::Value(*value)),
        ("CONTAINS", [value]) => Condition::Contains(Operand::Path(path), Operand::Value(*value)),
        // Unlike NOT contains(…), it does not hold for an attribute that is not there (ScyllaDB's Alternator tests).
        ("NOT_CONTAINS", [value]) => {
            let contains = Condition::Contains(Operand::Path(path.clone()), Operand::Value(*value));
            Condition::Exists(path).and(contains.not())
        }
        ("BETWEEN", [low, high]) => {
            Condition::Between(Operand::Path(path), Operand::Value(*low), Operand::Value(*high))
        }
        ("IN", all) => Condition::In(Operand::Path(path), all.iter().map(|value| Operand::Value(*value)).collect()),
        _ => Condition::Exists(path),
    })
}

/// How many values an operator takes; IN takes any number but none.
fn takes(operator: &str) -> Option<usize> {
    match operator {
        "NULL" | "NOT_NULL" => Some(0),
        "EQ" | "NE" | "LT" | "LE" | "GT" | "GE" | "BEGINS_WITH" | "CONTAINS" | "NOT_CONTAINS" | "IN" => Some(1),
        "BETWEEN" => Some(2),
        _ => None,
    }
}

fn check_values(operator: &str, values: &[&Value<'_>]) -> Result<(), Error> {
    let allowed: &[&str] = match operator {
        "LT" | "LE" | "GT" | "GE" | "IN" | "BETWEEN" => &["S", "N", "B"],
        "BEGINS_WITH" => &["S", "B"],
        "CONTAINS" | "NOT_CONTAINS" => &["S", "N", "B", "BOOL", "NULL"],
        _ => return Ok(()),
    };
    let mut kinds = values.iter().map(|value| value.type_name());
    if let Some(kind) = kinds.clone().find(|kind| !allowed.contains(kind)) {
        let text = format!("ComparisonOperator {operator} is not valid for {kind} AttributeValue type");
        return Err(invalid(&text));
    }
    let first = kinds.next();
    if kinds.any(|kind| Some(kind) != first) {
        return Err(invalid("AttributeValues inside AttributeValueList must be of same type"));
    }
    let descends = match (operator, values) {
        ("BETWEEN", [low, high]) => order(low, high).map_err(|fault| parameter(fault.text().to_owned()))?,
        _ => None,
    };
    if descends == Some(Ordering::Greater) {
        let text = "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound";
        return Err(parameter(text.to_owned()));
    }
    Ok(())
}

fn invalid(text: &str) -> Error {
    parameter(format!("One or more parameter values were invalid: {text}"))
}

fn misused(text: &str) -> Error {
    let text = format!("One or more parameter values were invalid: {text}");
    Error { expression: None, fault: Fault::AttributeUpdate(text) }
}

fn parameter(text: String) -> Error {
    Error { expression: None, fault: Fault::Parameter(text) }
}

#[cfg(test)]
mod tests;
