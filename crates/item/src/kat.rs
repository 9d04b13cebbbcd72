//! Doors for known-answer tests and fuzzing; not part of the API.

use crate::derive::FieldKeys;
use crate::error::{Error, ValueFault};
use crate::path::{Path, canonical_order};
use crate::terminal;
use crate::value::Value;

/// The normal form of a number.
///
/// # Errors
/// Not a number of DynamoDB.
pub fn normalize_number(text: &str) -> Result<String, ValueFault> {
    crate::number::normalize(text).map(std::borrow::Cow::into_owned)
}

/// Type id and value bytes.
///
/// # Errors
/// A value without a normal form.
pub fn serialize(value: &Value<'_>) -> Result<Vec<u8>, ValueFault> {
    let mut out = terminal::type_id(value).to_vec();
    terminal::write(value, &mut out)?;
    Ok(out)
}

/// The value of type id and value bytes.
///
/// # Errors
/// Bytes that no value serialises to.
pub fn deserialize(bytes: &[u8]) -> Result<Value<'_>, ValueFault> {
    let (type_id, bytes) = bytes.split_first_chunk().ok_or(ValueFault::Malformed)?;
    terminal::read(*type_id, bytes)
}

/// The canonical path of an attribute.
#[must_use]
pub fn path(logical_table: &str, name: &str) -> Vec<u8> {
    Path::new(logical_table).of(name).to_vec()
}

/// Names in canonical order.
pub fn sort_canonically(names: &mut [&str]) {
    names.sort_by(|left, right| canonical_order(left, right));
}

/// The 44 bytes of key and nonce of one field.
///
/// # Errors
/// A number that the format cannot count.
pub fn field_key(root: &[u8; 32], number: usize) -> Result<Vec<u8>, Error> {
    let keys = FieldKeys::derive(root, number + 1)?;
    let (key, nonce) = keys.iter().last().ok_or(Error::Materials { what: "field key derivation" })?;
    Ok([key.as_slice(), nonce].concat())
}
