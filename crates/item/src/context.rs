//! The encryption context of an item (FORMAT 5): what the key ring and the signed record bind.
//! Spec: `specification/dynamodb-encryption-client/encrypt-item.md#dynamodb-item-base-context`.

use crate::error::{Error, ValueFault};
use crate::materials::{Context, PUBLIC_KEY};
use crate::number::normalize;
use crate::schema::Schema;
use crate::suite::{Suite, Version};
use crate::terminal::{type_id, write};
use crate::value::Value;

const TABLE: &str = "aws-crypto-table-name";
const PARTITION: &str = "aws-crypto-partition-name";
const SORT: &str = "aws-crypto-sort-name";
const LEGEND: &str = "aws-crypto-legend";
const ATTRIBUTE: &str = "aws-crypto-attr.";

impl Schema {
    /// The pairs that every item of the table demands.
    #[must_use]
    pub fn shared_context(&self) -> Context {
        let mut context = Context::new();
        context.insert(TABLE, self.logical_name());
        context.insert(PARTITION, self.partition_key());
        if let Some(sort_key) = self.sort_key() {
            context.insert(SORT, sort_key);
        }
        context
    }
}

/// The pairs that an item demands. `bound` gives the key attributes (version 1) or every attribute marked
/// `SIGN_AND_INCLUDE_IN_ENCRYPTION_CONTEXT` (version 2).
pub(crate) fn required<'v>(
    schema: &Schema,
    version: Version,
    bound: impl Iterator<Item = (&'v str, &'v Value<'v>)>,
) -> Result<Context, Error> {
    let mut context = schema.shared_context();
    let mut legend = Vec::new();
    for (name, value) in bound {
        let fault = |fault| Error::Value { attribute: name.to_owned(), fault };
        let key = format!("{ATTRIBUTE}{name}");
        let (letter, text) = match version {
            Version::V1 => ('B', encoded(value).map_err(fault)?),
            Version::V2 => readable(value).map_err(fault)?,
        };
        if version == Version::V2 {
            legend.push((key.clone(), letter));
        }
        context.insert(key, text);
    }
    if version == Version::V2 {
        legend.sort_unstable();
        context.insert(LEGEND, legend.into_iter().map(|(_, letter)| letter).collect::<String>());
    }
    Ok(context)
}

/// A full context: what the item demands and what the header stores, and its bytes in the signed record.
pub(crate) struct Full {
    context: Context,
    bytes: Vec<u8>,
}

impl Full {
    /// A context from the key ring; it must hold all that was demanded, and the public key exactly if the suite signs.
    pub(crate) fn from_materials(context: Context, demanded: &Context, suite: Suite) -> Result<Self, Error> {
        if demanded.iter().any(|(key, value)| context.get(key) != Some(value)) {
            return Err(Error::Materials { what: "its context lost or changed a pair" });
        }
        if context.get(PUBLIC_KEY).is_some() != suite.signs() {
            return Err(Error::Materials { what: "its context has a public key exactly when the suite signs" });
        }
        Self::new(context)
    }

    /// What the item demands, merged with what its header stores; they must not contradict each other.
    pub(crate) fn from_header(mut demanded: Context, stored: &[(&str, &str)], suite: Suite) -> Result<Self, Error> {
        let mismatch = |key: &str| Error::ContextMismatch { key: key.to_owned() };
        for (key, value) in stored {
            if demanded.insert(*key, *value).is_some_and(|old| old != *value) {
                return Err(mismatch(key));
            }
        }
        if demanded.get(PUBLIC_KEY).is_some() != suite.signs() {
            return Err(mismatch(PUBLIC_KEY));
        }
        Self::new(demanded)
    }

    fn new(context: Context) -> Result<Self, Error> {
        let bytes = context.serialize().ok_or(Error::TooLarge { what: "a longer encryption context" })?;
        Ok(Self { context, bytes })
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    /// The serialised context.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The part that the header stores: all that a reader cannot rebuild from the item.
    pub(crate) fn stored(&self, demanded: &Context) -> Result<Vec<u8>, Error> {
        let pairs = self.context.iter().filter(|(key, _)| demanded.get(key).is_none());
        let stored: Context = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        stored.serialize().ok_or(Error::TooLarge { what: "a longer encryption context" })
    }
}

impl std::fmt::Debug for Full {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.context.fmt(f)
    }
}

/// Base64 of type id and value bytes.
fn encoded(value: &Value<'_>) -> Result<String, ValueFault> {
    let mut bytes = type_id(value).to_vec();
    write(value, &mut bytes)?;
    Ok(base64_simd::STANDARD.encode_to_string(bytes))
}

/// Version 2 keeps text as text; the letter says how to read it back.
fn readable(value: &Value<'_>) -> Result<(char, String), ValueFault> {
    Ok(match value {
        Value::S(text) => ('S', text.clone().into_owned()),
        Value::N(text) => ('N', normalize(text)?.into_owned()),
        Value::Null => ('L', "null".to_owned()),
        Value::Bool(bool) => ('L', bool.to_string()),
        _ => ('B', encoded(value)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Action, SchemaSpec};

    #[test]
    fn version_2_has_a_legend_in_byte_order_of_keys() {
        let names = ["pk", "sk", "bs", "n", "nul", "s"];
        let bound = Action::SignAndIncludeInEncryptionContext;
        let schema = SchemaSpec {
            logical_name: "t".into(),
            partition_key: "pk".into(),
            sort_key: Some("sk".into()),
            actions: names.iter().map(|name| ((*name).into(), bound)).collect(),
            ..SchemaSpec::default()
        };
        let text = |text: &'static str| Value::S(text.into());
        let number = |text: &'static str| Value::N(text.into());
        let values = [text("p"), number("1.0"), Value::Bs(vec![b"x".into()]), number("2"), Value::Null, text("")];
        let bound = names.iter().copied().zip(&values);
        let context = required(&schema.build().unwrap(), Version::V2, bound).unwrap();
        assert_eq!(context.get(LEGEND), Some("BNLSSN"));
        assert_eq!(context.get("aws-crypto-attr.sk"), Some("1"));
        assert_eq!(context.get("aws-crypto-attr.nul"), Some("null"));
    }
}
