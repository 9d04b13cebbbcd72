//! The few expressions that a key store sends. What is not known, or given and not used, is refused as DynamoDB does.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Item, Refused, validation};

/// The names and values of an expression, each of which must be used.
pub(super) struct Used<'a> {
    body: &'a Value,
    seen: BTreeSet<&'a str>,
}

impl<'a> Used<'a> {
    pub(super) fn new(body: &'a Value) -> Self {
        Self { body, seen: BTreeSet::new() }
    }

    /// Conditions joined by AND; nothing else is known.
    pub(super) fn holds(&mut self, condition: &'a str, item: Option<&Item>) -> Result<bool, Refused> {
        let mut holds = true;
        for part in condition.split(" AND ") {
            let function = |name: &str| part.strip_prefix(name)?.strip_suffix(')');
            let get = |name: &str| item.and_then(|item| item.get(name));
            holds &= if let Some(name) = function("attribute_exists(") {
                get(self.name(name)?).is_some()
            } else if let Some(name) = function("attribute_not_exists(") {
                get(self.name(name)?).is_none()
            } else {
                let (name, value) = part.split_once(" = ").ok_or_else(validation)?;
                let stored = get(self.name(name)?);
                let value = self.value(value)?;
                stored == Some(value)
            };
        }
        Ok(holds)
    }

    pub(super) fn name(&mut self, placeholder: &'a str) -> Result<&'a str, Refused> {
        self.seen.insert(placeholder);
        let names = self.body.get("ExpressionAttributeNames");
        names.and_then(|names| names.get(placeholder)?.as_str()).ok_or_else(validation)
    }

    pub(super) fn value(&mut self, placeholder: &'a str) -> Result<&'a Value, Refused> {
        self.seen.insert(placeholder);
        let values = self.body.get("ExpressionAttributeValues");
        values.and_then(|values| values.get(placeholder)).ok_or_else(validation)
    }

    pub(super) fn all(&self) -> Result<(), Refused> {
        let given =
            ["ExpressionAttributeNames", "ExpressionAttributeValues"].map(|map| self.body.get(map)?.as_object());
        let mut given = given.into_iter().flatten().flat_map(Map::keys);
        if given.all(|name| self.seen.contains(name.as_str())) { Ok(()) } else { Err(validation()) }
    }
}

pub(super) fn projected(body: &Value, item: &Item) -> Result<Value, Refused> {
    let Some(projection) = body.get("ProjectionExpression") else { return Ok(item.clone().into()) };
    let mut used = Used::new(body);
    let mut out = Map::new();
    for placeholder in projection.as_str().ok_or_else(validation)?.split(", ") {
        let name = used.name(placeholder)?;
        out.extend(item.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    used.all()?;
    Ok(out.into())
}
