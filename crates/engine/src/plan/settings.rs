//! Members of which DynamoDB takes a few values, or a length, and refuses all others before it looks at anything else. Some
//! of them are read here and never sent, and some are sent only once other calls have been made; so they are looked at here.

use crate::doc::{NotJson, Object};
use crate::error::Error;
use crate::expr::error::{Error as Invalid, Fault};
use crate::operation::{Class, Members};

use super::checks::lower;

/// Refuses members of an object that stands at `at` in the request, such as `statements.1.member.`.
pub(super) fn check(operation: &str, object: &Object<'_>, members: Members, at: &str) -> Result<(), Error> {
    let mut faults = Vec::new();
    for member in members {
        let Some(text) = object.raw(member.name) else { continue };
        let constraint =
            of(operation, member.class, text).map_err(|error| Error::member(operation, member.name, error))?;
        faults.extend(constraint.map(|constraint| (member.name, constraint)));
    }
    // UpdateItem tells the first alone, and not every one as one of several.
    let is_update = operation == "UpdateItem";
    if is_update {
        faults.truncate(1);
    }
    let Some((first, _)) = faults.first() else { return Ok(()) };
    let is_bare = is_update && ["ReturnValuesOnConditionCheckFailure", "ReturnConsumedCapacity"].contains(first);
    let several = if faults.len() > 1 { "s" } else { "" };
    let detected =
        if is_bare { String::new() } else { format!("{} validation error{several} detected: ", faults.len()) };
    let told: Vec<_> = faults.iter().map(|(name, constraint)| constraint.told(name, at)).collect();
    let fault = Fault::Request(detected + &told.join("; "));
    Err(Error::expression(operation, Invalid { expression: None, fault }))
}

/// What a member does not satisfy.
enum Constraint {
    OneOf(&'static [&'static str]),
    /// The same as DynamoDB tells it of `ReturnValues`, which it does not name.
    Returns,
    /// A value that only UpdateItem takes.
    ReturnsOfUpdate,
    Length {
        shown: &'static str,
        most: Option<usize>,
    },
}

impl Constraint {
    fn told(&self, name: &str, at: &str) -> String {
        const FAILED: &str = "failed to satisfy constraint: Member must";
        let place = format!("{at}{}", lower(name));
        match self {
            Self::Returns => {
                "Failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, \
                              UPDATE_NEW, NONE]"
                    .to_owned()
            }
            Self::ReturnsOfUpdate => "ReturnValues can only be ALL_OLD or NONE".to_owned(),
            Self::OneOf(all) => {
                format!("Value '(redacted)' at '{place}' {FAILED} satisfy enum value set: [{}]", all.join(", "))
            }
            Self::Length { shown, most: Some(most) } => {
                format!("Value '{shown}' at '{place}' {FAILED} have length less than or equal to {most}")
            }
            Self::Length { shown, most: None } => {
                format!("Value '{shown}' at '{place}' {FAILED} have length greater than or equal to 1")
            }
        }
    }
}

/// What a member of this class does not satisfy.
fn of(operation: &str, class: Class, text: &str) -> Result<Option<Constraint>, NotJson> {
    Ok(match class {
        Class::OneOf(all) => {
            let given = crate::doc::text(text)?;
            (!all.contains(&given.as_ref())).then_some(Constraint::OneOf(all))
        }
        Class::Returns => match crate::doc::text(text)?.as_ref() {
            "NONE" | "ALL_OLD" => None,
            "ALL_NEW" | "UPDATED_OLD" | "UPDATED_NEW" if operation == "UpdateItem" => None,
            "ALL_NEW" | "UPDATED_OLD" | "UPDATED_NEW" => Some(Constraint::ReturnsOfUpdate),
            _ => Some(Constraint::Returns),
        },
        Class::Idempotency => match crate::doc::text(text)?.chars().count() {
            0 => Some(Constraint::Length { shown: "", most: None }),
            1..=LONGEST_TOKEN => None,
            _ => Some(Constraint::Length { shown: "(redacted)", most: Some(LONGEST_TOKEN) }),
        },
        Class::Attributes | Class::Parameters => {
            // What is no list is told by whoever reads it.
            let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
            let is_empty = inside.is_some_and(|inside| inside.trim().is_empty());
            is_empty.then_some(Constraint::Length { shown: "[]", most: None })
        }
        _ => None,
    })
}

/// How many characters a `ClientRequestToken` has at most.
const LONGEST_TOKEN: usize = 36;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::find;
    use dynaseal_keys::Service;

    fn told(operation: &str, body: &str) -> String {
        let members = find(Service::DynamoDb, operation).unwrap().members;
        match check(operation, &Object::parse(body).unwrap(), members, "") {
            Ok(()) => "fine".to_owned(),
            Err(Error::Expression { fault, .. }) => fault.message(),
            Err(other) => other.to_string(),
        }
    }

    #[test]
    fn all_faults_are_told_at_once_as_dynamodb_tells_them() {
        let two =
            r#"{"ReturnValuesOnConditionCheckFailure":"SECRET","ReturnConsumedCapacity":"SECRET","ReturnValues":null}"#;
        assert_eq!(
            told("PutItem", two),
            "2 validation errors detected: Value '(redacted)' at 'returnConsumedCapacity' failed to satisfy constraint: \
             Member must satisfy enum value set: [INDEXES, TOTAL, NONE]; Value '(redacted)' at \
             'returnValuesOnConditionCheckFailure' failed to satisfy constraint: Member must satisfy enum value set: \
             [ALL_OLD, NONE]"
        );
        assert!(told("UpdateItem", two).starts_with("Value '(redacted)' at 'returnValuesOnConditionCheckFailure' "));
        assert!(
            told("DeleteItem", r#"{"ReturnValues":"ALL_NEW"}"#).ends_with("ReturnValues can only be ALL_OLD or NONE")
        );
        assert!(told("PutItem", r#"{"ReturnValues":"all_old"}"#).contains("UPDATE_NEW, NONE]"));
        assert!(told("PutItem", r#"{"ReturnValuesOnConditionCheckFailure":1}"#).contains("a string was expected"));
        for body in [r#"{"ReturnValues":"ALL_NEW"}"#, r#"{"ReturnItemCollectionMetrics":"SIZE"}"#, "{}"] {
            assert_eq!(told("UpdateItem", body), "fine");
        }
    }

    #[test]
    fn lengths_are_dynamodbs() {
        let token = |length| format!(r#"{{"ClientRequestToken":"{}"}}"#, "é".repeat(length));
        for operation in ["TransactWriteItems", "ExecuteTransaction"] {
            assert_eq!(told(operation, &token(36)), "fine");
            assert!(told(operation, &token(37)).ends_with(
                "'clientRequestToken' failed to satisfy constraint: Member must have length less than or equal to 36"
            ));
            assert!(told(operation, &token(0)).ends_with("have length greater than or equal to 1"));
        }
        let empty = "1 validation error detected: Value '[]' at 'attributesToGet' failed to satisfy constraint: Member must \
                     have length greater than or equal to 1";
        for operation in ["GetItem", "Query", "Scan"] {
            assert_eq!(told(operation, r#"{"AttributesToGet":[]}"#), empty);
        }
        assert_eq!(told("ExecuteStatement", r#"{"Parameters":[]}"#), empty.replace("attributesToGet", "parameters"));
    }
}
