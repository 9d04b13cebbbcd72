//! Items as both sides take them: AWS's attribute values in a sorted map, and DynamoDB JSON for ours.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::Blob;
use serde_json::{Map, Value, json};

/// An item. Sorted, so that a seed always leads to the same cases.
pub type Attributes = BTreeMap<String, AttributeValue>;

/// The item as DynamoDB JSON text.
pub fn to_json(item: &Attributes) -> String {
    to_value(item).to_string()
}

/// The item as parsed DynamoDB JSON.
pub fn to_value(item: &Attributes) -> Value {
    Value::Object(item.iter().map(|(name, value)| (name.clone(), value_to_json(value))).collect())
}

/// The item in DynamoDB JSON text, or what is wrong with it.
pub fn from_json(text: &[u8]) -> Result<Attributes, String> {
    from_value(serde_json::from_slice(text).map_err(|error| error.to_string())?)
}

/// The item in parsed DynamoDB JSON, or what is wrong with it.
pub fn from_value(item: Map<String, Value>) -> Result<Attributes, String> {
    item.into_iter().map(|(name, value)| Ok((name, value_from_json(value)?))).collect()
}

/// A binary value.
pub fn binary(bytes: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

/// DynamoDB's name of a value's type.
pub fn type_name(value: &AttributeValue) -> &'static str {
    match value {
        AttributeValue::Null(_) => "NULL",
        AttributeValue::Bool(_) => "BOOL",
        AttributeValue::S(_) => "S",
        AttributeValue::N(_) => "N",
        AttributeValue::B(_) => "B",
        AttributeValue::Ss(_) => "SS",
        AttributeValue::Ns(_) => "NS",
        AttributeValue::Bs(_) => "BS",
        AttributeValue::L(_) => "L",
        AttributeValue::M(_) => "M",
        _ => unreachable!("AWS added a type"),
    }
}

fn value_to_json(value: &AttributeValue) -> Value {
    let blob = |blob: &Blob| base64_simd::STANDARD.encode_to_string(blob.as_ref());
    let inner = match value {
        AttributeValue::Null(null) => Value::Bool(*null),
        AttributeValue::Bool(bool) => Value::Bool(*bool),
        AttributeValue::S(text) | AttributeValue::N(text) => json!(text),
        AttributeValue::B(bytes) => json!(blob(bytes)),
        AttributeValue::Ss(all) | AttributeValue::Ns(all) => json!(all),
        AttributeValue::Bs(all) => all.iter().map(|bytes| json!(blob(bytes))).collect(),
        AttributeValue::L(all) => all.iter().map(value_to_json).collect(),
        AttributeValue::M(all) => {
            Value::Object(all.iter().map(|(key, value)| (key.clone(), value_to_json(value))).collect())
        }
        _ => unreachable!("AWS added a type"),
    };
    json!({ type_name(value): inner })
}

fn value_from_json(value: Value) -> Result<AttributeValue, String> {
    let Value::Object(tagged) = value else { return Err("a value is not an object".into()) };
    let mut tagged = tagged.into_iter();
    let (Some((tag, inner)), None) = (tagged.next(), tagged.next()) else {
        return Err("a value does not have exactly one type".into());
    };
    Ok(match (tag.as_str(), inner) {
        ("NULL", Value::Bool(null)) => AttributeValue::Null(null),
        ("BOOL", Value::Bool(bool)) => AttributeValue::Bool(bool),
        ("S", Value::String(text)) => AttributeValue::S(text),
        ("N", Value::String(text)) => AttributeValue::N(text),
        ("B", Value::String(text)) => AttributeValue::B(blob(&text)?),
        ("SS", Value::Array(all)) => AttributeValue::Ss(texts(all)?),
        ("NS", Value::Array(all)) => AttributeValue::Ns(texts(all)?),
        ("BS", Value::Array(all)) => {
            AttributeValue::Bs(texts(all)?.iter().map(|text| blob(text)).collect::<Result<_, _>>()?)
        }
        ("L", Value::Array(all)) => AttributeValue::L(all.into_iter().map(value_from_json).collect::<Result<_, _>>()?),
        ("M", Value::Object(all)) => AttributeValue::M(
            all.into_iter()
                .map(|(key, value)| Ok((key, value_from_json(value)?)))
                .collect::<Result<HashMap<_, _>, String>>()?,
        ),
        (tag, _) => return Err(format!("not a value of type {tag}")),
    })
}

fn texts(all: Vec<Value>) -> Result<Vec<String>, String> {
    let text = |value: Value| value.as_str().map(str::to_owned).ok_or_else(|| "a set member is not text".to_owned());
    all.into_iter().map(text).collect()
}

fn blob(text: &str) -> Result<Blob, String> {
    base64_simd::STANDARD.decode_to_vec(text).map(Blob::new).map_err(|_| "bad base64".to_owned())
}
