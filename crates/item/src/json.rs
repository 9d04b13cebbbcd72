//! DynamoDB JSON: `{"id":{"S":"1"}}`. This crate's only use of serde.
//!
//! Text is borrowed from the input where it holds no escapes. Errors say where, and never repeat the input: serde's own
//! messages do, so only those that start with `OURS` are passed on.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::Error;
use crate::terminal::unique;
use crate::value::{Item, Value};

/// Starts every message of ours, so that it can be told from those that quote the input.
const OURS: &str = "\u{1}";
const NOT_A_VALUE: &str =
    "\u{1}an attribute value must be an object with exactly one of S, N, B, BOOL, NULL, SS, NS, BS, L, M";
const NOT_BASE64: &str = "\u{1}a binary value is not base64 with padding";
const TWICE: &str = "\u{1}an attribute name stands twice";
const TOO_MANY: &str = "\u{1}a list or set has more members than an item can hold";
const TOO_MANY_NAMES: &str = "\u{1}an item or map has more than 131,072 attributes";
const NOT_TRUE: &str = "\u{1}NULL must be true";

/// Most items have no more.
const ATTRIBUTES: usize = 8;
/// Each takes a byte at least, and an item has 400 KB.
const MOST_MEMBERS: usize = 400 * 1024;
/// Names differ, so that most have three bytes where there are very many of them. A header holds 65,535.
const MOST_NAMES: usize = 1 << 17;
/// Most lists have no more.
const LONG: usize = 64;

/// Reads one item, an object of attribute values.
///
/// # Errors
/// [`Error::Json`] with line and column.
pub fn read_item(text: &str) -> Result<Item<'_>, Error> {
    serde_json::from_str(text).map_err(|error| fault(&error))
}

/// Reads one attribute value, such as `{"S":"1"}`.
///
/// # Errors
/// [`Error::Json`] with line and column.
pub fn read_value(text: &str) -> Result<Value<'_>, Error> {
    serde_json::from_str(text).map_err(|error| fault(&error))
}

/// Reads one JSON string.
///
/// # Errors
/// [`Error::Json`] with line and column.
pub fn read_text(text: &str) -> Result<Cow<'_, str>, Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Text.deserialize(&mut reader);
    read.and_then(|read| reader.end().map(|()| read)).map_err(|error| fault(&error))
}

/// Appends an item.
pub fn write_item(item: &Item<'_>, out: &mut Vec<u8>) {
    write_map(item.iter(), out);
}

/// Appends one attribute value.
pub fn write_value(value: &Value<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(value.type_name().as_bytes());
    out.extend_from_slice(b"\":");
    match value {
        Value::Null => out.extend_from_slice(b"true"),
        Value::Bool(bool) => out.extend_from_slice(if *bool { b"true" } else { b"false" }),
        Value::S(text) | Value::N(text) => write_text(text, out),
        Value::B(bytes) => write_binary(bytes, out),
        Value::Ss(all) | Value::Ns(all) => write_list(all, out, |text, out| write_text(text, out)),
        Value::Bs(all) => write_list(all, out, |bytes, out| write_binary(bytes, out)),
        Value::L(all) => write_list(all, out, write_value),
        Value::M(all) => write_map(all.iter().map(|(key, value)| (key.as_ref(), value)), out),
    }
    out.push(b'}');
}

/// Appends a JSON string.
pub fn write_text(text: &str, out: &mut Vec<u8>) {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }
}

fn write_binary(bytes: &[u8], out: &mut Vec<u8>) {
    let base64 = base64_simd::STANDARD;
    let size = base64.encoded_length(bytes.len());
    out.reserve(size + 2);
    out.push(b'"');
    let start = out.len();
    out.resize(start + size, 0);
    if let Some(place) = out.get_mut(start..) {
        let _ = base64.encode(bytes, base64_simd::Out::from_slice(place));
    }
    out.push(b'"');
}

fn write_list<T>(all: &[T], out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (at, one) in all.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(one, out);
    }
    out.push(b']');
}

fn write_map<'v>(all: impl Iterator<Item = (&'v str, &'v Value<'v>)>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (at, (key, value)) in all.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_text(key, out);
        out.push(b':');
        write_value(value, out);
    }
    out.push(b'}');
}

fn fault(error: &serde_json::Error) -> Error {
    use serde_json::error::Category;
    let message = error.to_string();
    let reason = match (message.strip_prefix(OURS), error.classify()) {
        (Some(ours), _) => ours.split(" at line ").next().unwrap_or_default().to_owned(),
        (None, Category::Eof) => "the text ends too early".to_owned(),
        (None, Category::Data) => "a value has the wrong JSON type".to_owned(),
        (None, _) if message.starts_with("recursion limit") => "values nest too deep".to_owned(),
        (None, _) => "the text is not JSON".to_owned(),
    };
    Error::Json { reason, line: error.line(), column: error.column() }
}

impl<'de: 'a, 'a> Deserialize<'de> for Item<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries { room: ATTRIBUTES }).map(Item::from_attributes)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OneValue)
    }
}

/// Unique names with values, in order.
struct Entries {
    /// How many are reserved for. Nested maps get none: there can be as many of them as the text has bytes for, each empty.
    room: usize,
}

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<(Cow<'de, str>, Value<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of attribute values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some(first) = map.next_entry_seed(Text, OneValue)? else { return Ok(Vec::new()) };
        let mut entries = Vec::with_capacity(self.room.max(1));
        entries.push(first);
        while let Some(entry) = map.next_entry_seed(Text, OneValue)? {
            if entries.len() == MOST_NAMES {
                return Err(de::Error::custom(TOO_MANY_NAMES));
            }
            entries.push(entry);
        }
        if entries.len() > LONG {
            entries.shrink_to_fit();
        }
        if unique(entries.iter().map(|(name, _)| name)) { Ok(entries) } else { Err(de::Error::custom(TWICE)) }
    }
}

impl<'de> DeserializeSeed<'de> for Entries {
    type Value = Vec<(Cow<'de, str>, Value<'de>)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

#[derive(Clone, Copy)]
struct OneValue;

impl<'de> DeserializeSeed<'de> for OneValue {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneValue {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let value = match map.next_key_seed(Text)?.as_deref() {
            Some("S") => Value::S(map.next_value_seed(Text)?),
            Some("N") => Value::N(map.next_value_seed(Text)?),
            Some("B") => Value::B(map.next_value_seed(Binary)?),
            Some("BOOL") => Value::Bool(map.next_value()?),
            Some("NULL") if map.next_value()? => Value::Null,
            Some("NULL") => return Err(de::Error::custom(NOT_TRUE)),
            Some("SS") => Value::Ss(map.next_value_seed(List(Text))?),
            Some("NS") => Value::Ns(map.next_value_seed(List(Text))?),
            Some("BS") => Value::Bs(map.next_value_seed(List(Binary))?),
            Some("L") => Value::L(map.next_value_seed(List(OneValue))?),
            Some("M") => Value::M(map.next_value_seed(Entries { room: 0 })?),
            _ => return Err(de::Error::custom(NOT_A_VALUE)),
        };
        if map.next_key_seed(Text)?.is_some() {
            return Err(de::Error::custom(NOT_A_VALUE));
        }
        Ok(value)
    }
}

/// Reads a string, borrowed from the input where it holds no escapes. For other readers of the same JSON.
#[derive(Clone, Copy, Debug)]
pub struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[derive(Clone, Copy)]
struct Binary;

impl<'de> DeserializeSeed<'de> for Binary {
    type Value = Cow<'de, [u8]>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let text = Text.deserialize(deserializer)?;
        let bytes = base64_simd::STANDARD.decode_to_vec(text.as_bytes());
        bytes.map(Cow::Owned).map_err(|_| de::Error::custom(NOT_BASE64))
    }
}

struct List<T>(T);

impl<'de, T: DeserializeSeed<'de> + Clone> DeserializeSeed<'de> for List<T> {
    type Value = Vec<T::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: DeserializeSeed<'de> + Clone> Visitor<'de> for List<T> {
    type Value = Vec<T::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let Some(first) = seq.next_element_seed(self.0.clone())? else { return Ok(Vec::new()) };
        let mut all = vec![first];
        while let Some(one) = seq.next_element_seed(self.0.clone())? {
            if all.len() == MOST_MEMBERS {
                return Err(de::Error::custom(TOO_MANY));
            }
            all.push(one);
        }
        if all.len() > LONG {
            // What a list grew by is up to as much again.
            all.shrink_to_fit();
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = r#"{"s":{"S":"a\"\\\né"},"n":{"N":"01.0"},"b":{"B":"AQI="},"t":{"BOOL":true},"z":{"NULL":true},"ss":{"SS":["x","y"]},"ns":{"NS":["1"]},"bs":{"BS":["AA=="]},"l":{"L":[{"S":""},{"L":[]}]},"m":{"M":{"k":{"M":{}}}}}"#;

    #[test]
    fn what_is_read_is_written_back() {
        let mut out = Vec::new();
        write_item(&read_item(ALL).unwrap(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), ALL);
    }

    #[test]
    fn text_without_escapes_is_borrowed() {
        assert!(matches!(read_value(r#"{"S":"abc"}"#), Ok(Value::S(Cow::Borrowed("abc")))));
    }

    #[test]
    fn faults_say_where_and_never_repeat_the_input() {
        // It ends at the first one too many: what follows is not even JSON.
        let too_many = format!(r#"{{"a":{{"SS":[{}"x", SECRET"#, r#""","#.repeat(MOST_MEMBERS));
        let names: String = (0..=MOST_NAMES).map(|number| format!(r#""{number}":{{"S":""}},"#)).collect();
        let too_many_names = format!(r#"{{{names} SECRET"#);
        let cases = [
            (r#"{"a":{"S":"SECRET""#, "the text ends too early"),
            (r#"{"a":"SECRET"}"#, "a value has the wrong JSON type"),
            (r#"{"a":{"SECRET":1}}"#, NOT_A_VALUE),
            (r#"{"a":{}}"#, NOT_A_VALUE),
            (r#"{"a":{"S":"SECRET","N":"1"}}"#, NOT_A_VALUE),
            (r#"{"a":{"B":"SECRET"}}"#, NOT_BASE64),
            (r#"{"a":{"B":"AR=="}}"#, NOT_BASE64),
            (r#"{"a":{"NULL":false}}"#, NOT_TRUE),
            (r#"{"a":{"S":"1"},"a":{"S":"SECRET"}}"#, TWICE),
            (r#"{"a":{"M":{"k":{"S":"1"},"k":{"S":"2"}}}}"#, TWICE),
            (too_many.as_str(), TOO_MANY),
            (too_many_names.as_str(), TOO_MANY_NAMES),
            (r#"{"a":{"S":"1"}} SECRET"#, "the text is not JSON"),
            (r#"{"a":{"S":"\u0001SECRET"}} x"#, "the text is not JSON"),
        ];
        for (text, expected) in cases {
            match read_item(text).unwrap_err() {
                Error::Json { reason, line: 1, column: 1.. } => {
                    assert_eq!(reason, expected.trim_start_matches(OURS), "{text}");
                }
                other => panic!("{text}: {other}"),
            }
        }
    }
}
