//! The token of a transaction whose bytes differ every time it is sealed. It is made of the caller's token and of what the
//! caller asked for: the same request sent again meets it, also through another gateway.

use serde_json::Value;

use crate::doc::NotJson;
use crate::error::Error;

use super::Request;

pub(super) const TOKEN: &str = "ClientRequestToken";

/// The token to send, or a fresh one where the caller has none.
pub(super) fn token(request: &Request<'_, '_>) -> Result<String, Error> {
    let failed = |source| Error::Keys {
        operation: request.operation.to_owned(),
        table: "-".to_owned(),
        source: Box::new(source),
    };
    match request.body.text(TOKEN).map_err(|error| request.bad(error))? {
        Some(given) => {
            let meant = meant(request.text).map_err(|error| request.bad(error))?;
            Ok(dynaseal_keys::fingerprint(&[given.as_bytes(), &meant]))
        }
        None => dynaseal_keys::message_id().map(|random| dynaseal_keys::fingerprint(&[&random])).map_err(failed),
    }
}

/// A request without what has no meaning in it. SDKs write the members of maps and sets in another order each time that
/// the same request is built (Rust and Go do), and DynamoDB takes it for the same request.
fn meant(text: &str) -> Result<Vec<u8>, NotJson> {
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
        meant(one).unwrap() == meant(two).unwrap()
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
        assert!(meant(&body).is_ok());
        assert_eq!(meant(&"[".repeat(1000)).unwrap_err(), NotJson("it is not JSON, or nested too deeply"));
    }
}
