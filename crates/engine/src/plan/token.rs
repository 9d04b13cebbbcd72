//! The token of a transaction whose bytes differ every time it is sealed. It is made of the caller's token, or of the id that
//! an SDK gives all attempts of a call, and of what the caller asked for: the same request sent again meets it, also through another gateway.

use std::fmt;

use dynaseal_item::json;
use serde::Serialize;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::doc::{NOT_READABLE, NotJson};
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
/// the same request is built (Rust and Go do), and DynamoDB takes it for the same request. It is written as it is read:
/// a tree of a hostile body would be many times as large.
pub(crate) fn canonical(text: &str) -> Result<Vec<u8>, NotJson> {
    let mut out = Vec::new();
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Meant { out: &mut out, is_set: false }.deserialize(&mut reader).and_then(|()| reader.end());
    read.map_err(|_| NOT_READABLE)?;
    Ok(out)
}

const LONG: &str = "the text is too long";

/// Writes one value.
struct Meant<'o> {
    out: &'o mut Vec<u8>,
    /// Whether a list here is a set: in an attribute's own map the names of sets are followed by objects.
    is_set: bool,
}

impl Meant<'_> {
    /// Puts the parts that were written since `start` in order, between brackets. Each part is given by its end.
    fn close<E: de::Error>(out: &mut Vec<u8>, start: usize, ends: &[u32], [open, end]: [u8; 2]) -> Result<(), E> {
        let text = out.split_off(start);
        let mut from = 0;
        let mut parts = Vec::with_capacity(ends.len());
        for end in ends {
            parts.push(text.get(from..*end as usize).ok_or_else(|| E::custom(LONG))?);
            from = *end as usize;
        }
        parts.sort_unstable();
        out.push(open);
        for (at, part) in parts.iter().enumerate() {
            out.extend((at > 0).then_some(b','));
            out.extend_from_slice(part);
        }
        out.push(end);
        Ok(())
    }

    /// Where a part ends that was written since `start`.
    fn end<E: de::Error>(&self, start: usize) -> Result<u32, E> {
        self.out.len().checked_sub(start).and_then(|end| u32::try_from(end).ok()).ok_or_else(|| E::custom(LONG))
    }

    fn scalar<E: de::Error>(self, value: impl Serialize) -> Result<(), E> {
        serde_json::to_writer(self.out, &value).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Meant<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Meant<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (start, mut ends) = (self.out.len(), Vec::new());
        while let Some(name) = map.next_key_seed(json::Text)? {
            let before = self.out.len();
            json::write_text(&name, self.out);
            self.out.push(b':');
            let value = self.out.len();
            let is_set = ["SS", "NS", "BS"].contains(&name.as_ref());
            map.next_value_seed(Meant { out: self.out, is_set })?;
            // A member that is null is as good as absent.
            if self.out.get(value..) == Some(b"null") {
                self.out.truncate(before);
            } else {
                ends.push(self.end(start)?);
            }
        }
        Meant::close(self.out, start, &ends, *b"{}")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        if !self.is_set {
            let mut before = b'[';
            loop {
                let end = self.out.len();
                self.out.push(before);
                if all.next_element_seed(Meant { out: self.out, is_set: false })?.is_none() {
                    self.out.truncate(end);
                    break;
                }
                before = b',';
            }
            self.out.extend_from_slice(if before == b'[' { b"[]" } else { b"]" });
            return Ok(());
        }
        let (start, mut ends) = (self.out.len(), Vec::new());
        loop {
            if all.next_element_seed(Meant { out: self.out, is_set: false })?.is_none() {
                break;
            }
            ends.push(self.end(start)?);
        }
        Meant::close(self.out, start, &ends, *b"[]")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        json::write_text(text, self.out);
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.scalar(value)
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.scalar(())
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
        // As some SDKs write values, and others do not.
        assert!(same(r#"{"a":{"M":null,"N":"1","S":null},"b":null}"#, r#"{"a":{"N":"1"}}"#));
        assert!(!same(r#"{"a":[null,1]}"#, r#"{"a":[1]}"#) && !same(r#"{"a":"null"}"#, "{}"));
    }

    #[test]
    fn an_item_of_the_deepest_nesting_has_a_token() {
        let deep = (0..32).fold(r#"{"S":"x"}"#.to_owned(), |inner, _| format!(r#"{{"M":{{"k":{inner}}}}}"#));
        let body = format!(r#"{{"TransactItems":[{{"Put":{{"Item":{{"a":{deep}}}}}}}]}}"#);
        assert!(canonical(&body).is_ok());
        assert_eq!(canonical(&"[".repeat(1000)).unwrap_err(), NOT_READABLE);
    }
}
