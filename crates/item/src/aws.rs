//! Conversions to and from the AWS SDK's attribute values (feature `aws-sdk`).

use std::borrow::Cow;
use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::error::{Error, ValueFault};
use crate::value::{Item, Value};

/// The SDK's item type.
type SdkItem = HashMap<String, AttributeValue>;

impl<'a> TryFrom<&'a SdkItem> for Item<'a> {
    type Error = Error;

    fn try_from(item: &'a SdkItem) -> Result<Self, Error> {
        let attributes = item.iter().map(|(name, value)| {
            let value = borrow(value).ok_or_else(|| unknown(name))?;
            Ok((Cow::Borrowed(name.as_str()), value))
        });
        attributes.collect::<Result<_, _>>().map(Item::from_attributes)
    }
}

impl From<Item<'_>> for SdkItem {
    fn from(mut item: Item<'_>) -> Self {
        let attributes = std::mem::take(item.attributes_mut()).into_iter();
        attributes.map(|(name, value)| (name.into_owned(), value.into())).collect()
    }
}

impl From<Value<'_>> for AttributeValue {
    fn from(value: Value<'_>) -> Self {
        let texts = |all: Vec<Cow<'_, str>>| all.into_iter().map(Cow::into_owned).collect();
        match value {
            Value::Null => AttributeValue::Null(true),
            Value::Bool(bool) => AttributeValue::Bool(bool),
            Value::S(text) => AttributeValue::S(text.into_owned()),
            Value::N(text) => AttributeValue::N(text.into_owned()),
            Value::B(bytes) => AttributeValue::B(Blob::new(bytes.into_owned())),
            Value::Ss(all) => AttributeValue::Ss(texts(all)),
            Value::Ns(all) => AttributeValue::Ns(texts(all)),
            Value::Bs(all) => AttributeValue::Bs(all.into_iter().map(|bytes| Blob::new(bytes.into_owned())).collect()),
            Value::L(all) => AttributeValue::L(all.into_iter().map(AttributeValue::from).collect()),
            Value::M(all) => {
                AttributeValue::M(all.into_iter().map(|(key, value)| (key.into_owned(), value.into())).collect())
            }
        }
    }
}

/// `None` for a kind of value that a later SDK adds, and for `NULL: false`.
fn borrow(value: &AttributeValue) -> Option<Value<'_>> {
    fn texts(all: &[String]) -> Vec<Cow<'_, str>> {
        all.iter().map(|text| Cow::Borrowed(text.as_str())).collect()
    }
    Some(match value {
        AttributeValue::Null(true) => Value::Null,
        AttributeValue::Bool(bool) => Value::Bool(*bool),
        AttributeValue::S(text) => Value::S(Cow::Borrowed(text)),
        AttributeValue::N(text) => Value::N(Cow::Borrowed(text)),
        AttributeValue::B(blob) => Value::B(Cow::Borrowed(blob.as_ref())),
        AttributeValue::Ss(all) => Value::Ss(texts(all)),
        AttributeValue::Ns(all) => Value::Ns(texts(all)),
        AttributeValue::Bs(all) => Value::Bs(all.iter().map(|blob| Cow::Borrowed(blob.as_ref())).collect()),
        AttributeValue::L(all) => Value::L(all.iter().map(borrow).collect::<Option<_>>()?),
        AttributeValue::M(all) => {
            let entries = all.iter().map(|(key, value)| Some((Cow::Borrowed(key.as_str()), borrow(value)?)));
            Value::M(entries.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

fn unknown(attribute: &str) -> Error {
    Error::Value { attribute: attribute.to_owned(), fault: ValueFault::Malformed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_survives_the_round_trip() {
        let inner = HashMap::from([("k".to_owned(), AttributeValue::Bs(vec![Blob::new([0, 1])]))]);
        let item: SdkItem = HashMap::from([
            ("s".to_owned(), AttributeValue::S("x".into())),
            ("n".to_owned(), AttributeValue::Ns(vec!["1".into(), "2".into()])),
            ("l".to_owned(), AttributeValue::L(vec![AttributeValue::Bool(false), AttributeValue::Null(true)])),
            ("m".to_owned(), AttributeValue::M(inner)),
        ]);
        assert_eq!(SdkItem::from(Item::try_from(&item).unwrap()), item);
    }

    #[test]
    fn null_false_is_refused() {
        let item: SdkItem = HashMap::from([("z".to_owned(), AttributeValue::Null(false))]);
        assert_eq!(Item::try_from(&item).unwrap_err(), unknown("z"));
    }
}
