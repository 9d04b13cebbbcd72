//! The token of a transaction whose bytes differ every time it is sealed. It is made of the caller's token, or of the id that
//! an SDK gives all attempts of a call, and of what the caller asked for: the same request sent again meets it, also through another gateway.

use serde_json::Value;

use crate::doc::NotJson;
use crate::error::Error;

use super::Request;

pub(super) const TOKEN: &str = "ClientRequestToken";

/// The token of a transaction that is sent.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// Whether the same request sent again gets the same one: it has a token, or an SDK says which call it belongs to.
    pub(crate) is_repeatable: bool,
    /// Whether it is an SDK that sends it again, as soon as it is told that it may.
    pub(crate) is_of_attempt: bool,
}

pub(super) fn token(request: &Request<'_, '_>) -> Result<Token, Error> {
    let given = request.body.text(TOKEN).map_err(|error| request.bad(error))?;
    let parts = match (&given, request.invocation) {
        (Some(given), _) => vec![given.as_bytes()],
        (None, Some(invocation)) => vec![b"invocation", invocation.id.as_bytes()],
        (None, None) => {
            let failed = |source| Error::Keys {
                operation: request.operation.to_owned(),
                table: "-".to_owned(),
                source: Box::new(source),
            };
            let random = dynaseal_keys::message_id().map_err(failed)?;
            return Ok(Token {
                text: dynaseal_keys::fingerprint(&[&random]),
                is_repeatable: false,
                is_of_attempt: false,
            });
        }
    };
    let meant = canonical(request.text).map_err(|error| request.bad(error))?;
    let text = dynaseal_keys::fingerprint(&[parts.as_slice(), &[&meant]].concat());
    Ok(Token { text, is_repeatable: true, is_of_attempt: request.invocation.is_some() })
}

/// A request without what has no meaning in it. SDKs write the members of maps and sets in another order each time that
/// the same request is built (Rust and Go do), and DynamoDB takes it for the same request.
pub(crate) fn canonical(text: &str) -> Result<Vec<u8>, NotJson> {
    let not_json = |_| NotJson("it is not JSON, or nested too deeply");
    let mut value: Value = serde_json::from_str(text).map_err(not_json)?;
    value.sort_all_objects();
    sort_sets(&mut value);
    serde_json::to_vec(&value).map_err(not_json)
}

/// A list under one of these names is a set: in an attribute's own map the names are followed by objects.
fn sort_sets(value: &mut Value) {
    match value {
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| match value {
            Value::Array(set) if ["SS", "NS", "BS"].contains(&name.as_str()) => {
                set.sort_by(|one, two| one.as_str().cmp(&two.as_str()));
            }
            other => sort_sets(other),
        }),
        Value::Array(all) => all.iter_mut().for_each(sort_sets),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, two: &str) -> bool {
        canonical(one).unwrap() == canonical(two).unwrap()
    }

    #[test]
    fn order_tells_nothing_where_it_means_nothing() {
        let one = r#"{"a": {"M": {"x": {"SS": ["1", "2"]}, "SS": {"L": [{"N": "1"}, {"N": "2"}]}}}, "b": 1}"#;
        let two = r#"{"b":1,"a":{"M":{"SS":{"L":[{"N":"1"},{"N":"2"}]},"x":{"SS":["2","1"]}}}}"#;
        assert!(same(one, two));
        assert!(!same(one, &two.replace(r#"{"L":[{"N":"1"},{"N":"2"}]}"#, r#"{"L":[{"N":"2"},{"N":"1"}]}"#)));
        assert!(!same(one, &two.replace(r#"["2","1"]"#, r#"["2"]"#)));
        assert!(!same(r#"{"a":{"S":"1"}}"#, r#"{"a":{"N":"1"}}"#));
    }

    #[test]
    fn an_item_of_the_deepest_nesting_has_a_token() {
        let deep = (0..32).fold(r#"{"S":"x"}"#.to_owned(), |inner, _| format!(r#"{{"M":{{"k":{inner}}}}}"#));
        let body = format!(r#"{{"TransactItems":[{{"Put":{{"Item":{{"a":{deep}}}}}}}]}}"#);
        assert!(canonical(&body).is_ok());
        assert_eq!(canonical(&"[".repeat(1000)).unwrap_err(), NotJson("it is not JSON, or nested too deeply"));
    }
}
