//! DynamoDB JSON: `{"id":{"S":"1"}}`. This crate's only use of serde.
//!
//! Text is borrowed from the input where it holds no escapes. Errors say where, and never repeat the input: serde's own
//! messages do, so only those that start with `OURS` are passed on.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::Error;
use crate::terminal::unique;
use crate::value::{Item, Value};

/// Starts every message of ours, so that it can be told from those that quote the input.
const OURS: &str = "\u{1}";
const NOT_A_VALUE: &str =
    "\u{1}an attribute value must be an object with exactly one of S, N, B, BOOL, NULL, SS, NS, BS, L, M";
/// As DynamoDB says it.
const EMPTY: &str = "\u{1}Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
const SEVERAL: &str = "\u{1}Supplied AttributeValue has more than one datatypes set, must contain exactly one of the \
                       supported datatypes";
const NOT_TRUE: &str =
    "\u{1}One or more parameter values were invalid: Null attribute value types must have the value of true";
const TYPE: &str = "a value has the wrong JSON type";
const CUT: &str = "the text ends too early";
const NO_JSON: &str = "the text is not JSON";
const NOT_BASE64: &str = "\u{1}a binary value is not base64 with padding";
const TWICE: &str = "\u{1}an attribute name stands twice";
const TOO_MANY: &str = "\u{1}a list or set has more members than an item can hold";
const TOO_MANY_NAMES: &str = "\u{1}an item or map has more than 131,072 attributes";

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
    let at = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Entries { room: ATTRIBUTES, at: Some(&at) }.deserialize(&mut reader);
    let read = read.and_then(|read| reader.end().map(|()| read));
    read.map(Item::from_attributes).map_err(|error| fault(&error, at.take()))
}

/// Reads one attribute value, such as `{"S":"1"}`.
///
/// # Errors
/// [`Error::Json`] with line and column.
pub fn read_value(text: &str) -> Result<Value<'_>, Error> {
    serde_json::from_str(text).map_err(|error| fault(&error, None))
}

/// Reads one JSON string.
///
/// # Errors
/// [`Error::Json`] with line and column.
pub fn read_text(text: &str) -> Result<Cow<'_, str>, Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Text.deserialize(&mut reader);
    read.and_then(|read| reader.end().map(|()| read)).map_err(|error| fault(&error, None))
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

/// What DynamoDB says of a value that it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// Its words.
    pub text: &'static str,
    /// Whether the value is of no type, or of several. DynamoDB says that while it still reads the request, of the request, and
    /// names the value.
    pub of_types: bool,
}

/// What DynamoDB says of a fault, if it refuses it in words of its own.
#[must_use]
pub fn dynamodb_words(reason: &str) -> Option<Words> {
    let all = [(EMPTY, true), (SEVERAL, true), (NOT_TRUE, false)];
    let words = |(ours, of_types): (&'static str, bool)| Some(Words { text: ours.strip_prefix(OURS)?, of_types });
    all.into_iter().filter_map(words).find(|words| words.text == reason)
}

/// Whether DynamoDB could not read the text either.
pub(crate) fn is_malformed(reason: &str) -> bool {
    [TYPE, CUT, NO_JSON].contains(&reason) || NOT_BASE64.strip_prefix(OURS) == Some(reason)
}

fn fault(error: &serde_json::Error, attribute: Option<String>) -> Error {
    use serde_json::error::Category;
    let message = error.to_string();
    let mut ours = [NOT_A_VALUE, EMPTY, SEVERAL, NOT_TRUE, NOT_BASE64, TWICE, TOO_MANY, TOO_MANY_NAMES].into_iter();
    let reason = match (ours.find(|ours| message.starts_with(ours)), error.classify()) {
        (Some(ours), _) => ours.strip_prefix(OURS).unwrap_or(ours),
        (None, Category::Eof) => CUT,
        (None, Category::Data) => TYPE,
        (None, _) if message.starts_with("recursion limit") => "values nest too deep",
        (None, _) => NO_JSON,
    };
    let attribute = attribute.map(String::into_boxed_str);
    Error::Json { reason, attribute, line: error.line(), column: error.column() }
}

impl<'de: 'a, 'a> Deserialize<'de> for Item<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries { room: ATTRIBUTES, at: None }).map(Item::from_attributes)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OneValue)
    }
}

/// Unique names with values, in order.
#[derive(Clone, Copy)]
struct Entries<'c> {
    /// How many are reserved for. Nested maps get none: there can be as many of them as the text has bytes for, each empty.
    room: usize,
    /// Where the name of a value that cannot be read is left.
    at: Option<&'c Cell<Option<String>>>,
}

impl Entries<'_> {
    fn next<'de, A: MapAccess<'de>>(self, map: &mut A) -> Result<Option<(Cow<'de, str>, Value<'de>)>, A::Error> {
        let Some(name) = map.next_key_seed(Text)? else { return Ok(None) };
        match (map.next_value_seed(OneValue), self.at) {
            (Ok(value), _) => Ok(Some((name, value))),
            (Err(error), at) => {
                if let Some(at) = at {
                    at.set(Some(name.into_owned()));
                }
                Err(error)
            }
        }
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = Vec<(Cow<'de, str>, Value<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of attribute values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some(first) = self.next(&mut map)? else { return Ok(Vec::new()) };
        let mut entries = Vec::with_capacity(self.room.max(1));
        entries.push(first);
        while let Some(entry) = self.next(&mut map)? {
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

impl<'de> DeserializeSeed<'de> for Entries<'_> {
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

    /// Some SDKs write every type and `null` for those that the value has not.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let mut value = None;
        while let Some(kind) = map.next_key_seed(Text)? {
            let read = match kind.as_ref() {
                "S" => map.next_value_seed(Given(Text))?.map(Value::S),
                "N" => map.next_value_seed(Given(Text))?.map(Value::N),
                "B" => map.next_value_seed(Given(Binary))?.map(Value::B),
                "BOOL" => map.next_value::<Option<bool>>()?.map(Value::Bool),
                "NULL" => match map.next_value()? {
                    Some(false) => return Err(de::Error::custom(NOT_TRUE)),
                    given => given.map(|_: bool| Value::Null),
                },
                "SS" => map.next_value_seed(Given(List(Text)))?.map(Value::Ss),
                "NS" => map.next_value_seed(Given(List(Text)))?.map(Value::Ns),
                "BS" => map.next_value_seed(Given(List(Binary)))?.map(Value::Bs),
                "L" => map.next_value_seed(Given(List(OneValue)))?.map(Value::L),
                "M" => map.next_value_seed(Given(Entries { room: 0, at: None }))?.map(Value::M),
                _ => return Err(de::Error::custom(NOT_A_VALUE)),
            };
            if read.is_some() && std::mem::replace(&mut value, read).is_some() {
                return Err(de::Error::custom(SEVERAL));
            }
        }
        value.ok_or_else(|| de::Error::custom(EMPTY))
    }
}

/// What is not there if it is `null`.
struct Given<T>(T);

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Given<T> {
    type Value = Option<T::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: DeserializeSeed<'de>> Visitor<'de> for Given<T> {
    type Value = Option<T::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer).map(Some)
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
mod tests;
