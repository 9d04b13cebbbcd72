//! Legacy parameters as they stand in requests.

use dynaseal_item::{Value, json};

use super::{LegacyCondition, LegacyUpdate};
use crate::doc::{MOST_ENTRIES, NOT_A_FLAG, NOT_AN_OBJECT, NotJson, Object, TOO_MANY, has_more_members, list, text};

/// Reads `Expected`, `KeyConditions`, `QueryFilter` or `ScanFilter`.
///
/// # Errors
/// Says what was expected, without any of the text.
pub fn read_conditions(parameter: &str) -> Result<Vec<LegacyCondition<'_>>, &'static str> {
    members(parameter, &["ComparisonOperator", "AttributeValueList", "Value", "Exists"], |attribute, members| {
        let values = members.borrowed("AttributeValueList");
        let values = values.map(|values| list(values, MOST_ENTRIES)?.into_iter().map(value).collect());
        let exists = members.raw("Exists").map(|exists| match exists {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(NOT_A_FLAG),
        });
        Ok(LegacyCondition {
            attribute,
            operator: members.text("ComparisonOperator")?.map(|operator| operator.into_owned()),
            list: values.transpose()?,
            value: members.borrowed("Value").map(value).transpose()?,
            exists: exists.transpose()?,
        })
    })
}

/// Reads `AttributeUpdates`.
///
/// # Errors
/// Says what was expected, without any of the text.
pub fn read_updates(parameter: &str) -> Result<Vec<LegacyUpdate<'_>>, &'static str> {
    members(parameter, &["Action", "Value"], |attribute, members| {
        Ok(LegacyUpdate {
            attribute,
            action: members.text("Action")?.map(|action| action.into_owned()),
            value: members.borrowed("Value").map(value).transpose()?,
        })
    })
}

/// Reads `AttributesToGet`.
///
/// # Errors
/// Says what was expected, without any of the text.
pub fn read_attributes(parameter: &str) -> Result<Vec<String>, &'static str> {
    let names = list(parameter, MOST_ENTRIES)
        .and_then(|names| names.into_iter().map(|name| Ok(text(name)?.into_owned())).collect());
    names.map_err(|NotJson(reason)| reason)
}

/// Reads an object of objects; a member that nobody knows could hold a condition, so it is refused.
fn members<'t, T>(
    parameter: &'t str,
    known: &[&str],
    read: impl Fn(String, &Object<'t>) -> Result<T, NotJson>,
) -> Result<Vec<T>, &'static str> {
    let one = |(name, text): (String, &'t str)| {
        let members = Object::parse(text)?;
        if members.names().any(|member| !known.contains(&member)) {
            return Err(NotJson("a member is not known"));
        }
        read(name, &members)
    };
    if has_more_members(parameter, MOST_ENTRIES) {
        return Err(TOO_MANY.0);
    }
    let all = Object::parse(parameter).and_then(|object| {
        let names: Vec<_> = object.names().map(str::to_owned).collect();
        let entries = names.into_iter().map(|name| {
            let text = object.borrowed(&name).ok_or(NOT_AN_OBJECT)?;
            one((name, text))
        });
        entries.collect()
    });
    all.map_err(|NotJson(reason)| reason)
}

fn value(text: &str) -> Result<Value<'_>, NotJson> {
    json::read_value(text)
        .map_err(|error| NotJson(error.dynamodb_words().map_or("an attribute value was expected", |words| words.text)))
}
