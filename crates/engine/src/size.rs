//! The size of an item as DynamoDB counts it: names and values in UTF-8 bytes, a number by its digits, three bytes for
//! each list or map and one for each of their elements (AWS: "DynamoDB item sizes and formats").

use dynaseal_item::{Item, Schema, Value};

use crate::expr::error::{Error, Fault};

/// DynamoDB's limit for one item, in bytes.
pub const LIMIT: usize = 400 * 1024;

/// How many bytes an item has for DynamoDB, which refuses more than [`LIMIT`].
#[must_use]
pub fn item_size(item: &Item<'_>) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

/// No shorter text holds a key that is too long.
pub(crate) const SHORTEST_KEY_LIMIT: usize = SORT.0;
const PARTITION: (usize, &str) = (
    2048,
    "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
);
const SORT: (usize, &str) = (
    1024,
    "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
);

/// Whether DynamoDB's words are those for a key that is too long.
pub(crate) fn is_of_long_key(message: &str) -> bool {
    [PARTITION.1, SORT.1].contains(&message)
}

/// Refuses a key that is longer than DynamoDB takes, in its words. It is bound into the encryption context, which could not
/// hold a much longer one.
pub(crate) fn check_key(item: &Item<'_>, schema: &Schema) -> Result<(), Error> {
    let size = |name: &str| match item.get(name) {
        Some(Value::S(text)) => text.len(),
        Some(Value::B(bytes)) => bytes.len(),
        _ => 1,
    };
    // DynamoDB tells an empty one first.
    if schema.keys().any(|name| size(name) == 0) {
        return Ok(());
    }
    for (name, (most, text)) in schema.keys().zip([PARTITION, SORT]) {
        if size(name) > most {
            let fault = Fault::Request(text.to_owned());
            return Err(Error { expression: None, fault });
        }
    }
    Ok(())
}

pub(crate) fn value_size(value: &Value<'_>) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 1,
        Value::S(text) => text.len(),
        Value::N(text) => number_size(text),
        Value::B(bytes) => bytes.len(),
        Value::Ss(all) => all.iter().map(|text| text.len()).sum(),
        Value::Ns(all) => all.iter().map(|text| number_size(text)).sum(),
        Value::Bs(all) => all.iter().map(|bytes| bytes.len()).sum(),
        Value::L(all) => 3 + all.iter().map(|value| 1 + value_size(value)).sum::<usize>(),
        Value::M(all) => 3 + all.iter().map(|(key, value)| 1 + key.len() + value_size(value)).sum::<usize>(),
    }
}

/// About one byte for two significant digits, and one more.
fn number_size(text: &str) -> usize {
    let digits = text.bytes().take_while(|byte| !matches!(byte, b'e' | b'E')).filter(u8::is_ascii_digit);
    let significant: Vec<u8> = digits.skip_while(|digit| *digit == b'0').collect();
    let trailing = significant.iter().rev().take_while(|digit| **digit == b'0').count();
    (significant.len() - trailing).div_ceil(2) + 1 + usize::from(text.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dynaseal_item::json::read_item;

    #[test]
    fn sizes_are_those_that_dynamodb_documents() {
        for (item, size) in [
            (r#"{"a":{"S":"é"}}"#, 3),
            (r#"{"a":{"N":"-12.5"}}"#, 5),
            (r#"{"a":{"N":"100"}}"#, 3),
            (r#"{"a":{"L":[{"NULL":true}]}}"#, 6),
            (r#"{"a":{"M":{"bc":{"BOOL":true}}}}"#, 8),
        ] {
            assert_eq!(item_size(&read_item(item).unwrap()), size, "{item}");
        }
    }
}
