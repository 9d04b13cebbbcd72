//! What a table's description says of keys and indexes. The configuration does not know them, so DynamoDB is asked.

use serde_json::Value;

use crate::expr::touch::of_condition;

use super::Fault;
use super::ast::Select;
use super::key::{Keys, conjuncts, pins};

/// How a SELECT of an index is read.
pub(super) struct Way {
    pub(super) keys: Keys,
    /// Whether it shows what a local index does not hold, which DynamoDB then takes from the table.
    pub(super) whole: bool,
}

/// How a SELECT of an index is read.
///
/// # Errors
/// There is no such index, or it lacks what the statement names.
pub(super) fn index_keys(table: &Value, index: &str, select: &Select, is_consistent: bool) -> Result<Way, Fault> {
    let find = |kind: &str| {
        let mut all = table.get(kind).and_then(Value::as_array).into_iter().flatten();
        all.find(|one| one.get("IndexName").and_then(Value::as_str) == Some(index))
    };
    let (found, is_global) = match (find("GlobalSecondaryIndexes"), find("LocalSecondaryIndexes")) {
        (Some(found), _) => (found, true),
        (None, Some(found)) => (found, false),
        (None, None) => {
            return Err(Fault::Invalid(format!("The table does not have the specified index: {index}")));
        }
    };
    if is_global && is_consistent {
        let unsupported = "Strongly consistent read is not supported on Global Secondary Indexes";
        return Err(Fault::Invalid(unsupported.to_owned()));
    }
    let keys = keys_of(found)?;
    let has = |name: &str| keys.has(name) || projects(table, found, name);
    let shown: Vec<_> = select.paths.iter().map(|path| path.root.as_str()).filter(|name| !has(name)).collect();
    if !shown.is_empty() && is_global {
        return Err(lacks(&format!("Global secondary index {index} does not project"), &shown));
    }
    let by_key = conjuncts(&select.condition).into_iter().any(|part| pins(part, &keys.partition).is_some());
    let read = select.condition.iter().flat_map(of_condition).map(|touch| touch.attribute);
    let read: Vec<_> = read.filter(|name| !has(name)).collect();
    if by_key && !read.is_empty() {
        let what = format!("Secondary index {index} does not project one or more filter attributes:");
        return Err(lacks(&what, &read));
    }
    Ok(Way { keys, whole: !shown.is_empty() })
}

/// The keys in a description of a table or of an index.
pub(super) fn keys_of(described: &Value) -> Result<Keys, Fault> {
    match (named(described, "HASH").as_slice(), named(described, "RANGE").as_slice()) {
        ([partition], []) => Ok(Keys { partition: (*partition).to_owned(), sort: None }),
        ([partition], [sort]) => Ok(Keys { partition: (*partition).to_owned(), sort: Some((*sort).to_owned()) }),
        _ => Err(Fault::Unmapped {
            what: "a key is not made of one partition key and at most one sort key",
            instead: "use Query or Scan",
        }),
    }
}

/// The key attributes of one kind.
fn named<'d>(described: &'d Value, kind: &str) -> Vec<&'d str> {
    let schema = described.get("KeySchema").and_then(Value::as_array).into_iter().flatten();
    let of_kind = schema.filter(|key| key.get("KeyType").and_then(Value::as_str) == Some(kind));
    of_kind.filter_map(|key| key.get("AttributeName")?.as_str()).collect()
}

/// Whether an index holds an attribute besides its own key.
fn projects(table: &Value, index: &Value, name: &str) -> bool {
    let projection = |member: &str| index.get("Projection").and_then(|projection| projection.get(member));
    if projection("ProjectionType").and_then(Value::as_str) == Some("ALL") {
        return true;
    }
    let more = projection("NonKeyAttributes").and_then(Value::as_array);
    let mut held = ["HASH", "RANGE"].into_iter().flat_map(|kind| named(table, kind));
    held.any(|held| held == name) || more.into_iter().flatten().any(|held| held.as_str() == Some(name))
}

fn lacks(what: &str, names: &[&str]) -> Fault {
    Fault::Invalid(format!("One or more parameter values were invalid: {what} [{}]", names.join(", ")))
}
