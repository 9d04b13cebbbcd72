//! Which branch key an item belongs to (FORMAT 11.6).
//! Spec: `dynamodb-encryption-client/ddb-encryption-branch-key-id-supplier.md`.

use std::borrow::Cow;

use dynaseal_item::Context;

use crate::error::Error;

/// How the branch key of an item is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BranchKeyId {
    /// One branch key for all items.
    Fixed(String),
    /// The branch key whose id stands, as a string, in this attribute of the item. It must be a key attribute or one that
    /// is bound into the encryption context.
    Attribute(String),
}

impl BranchKeyId {
    /// The id that an item's encryption context picks.
    pub(crate) fn choose<'a>(&'a self, context: &'a Context) -> Result<Cow<'a, str>, Error> {
        match self {
            BranchKeyId::Fixed(id) => Ok(Cow::Borrowed(id)),
            BranchKeyId::Attribute(name) => supplied(name, context),
        }
    }
}

fn supplied<'a>(name: &str, context: &'a Context) -> Result<Cow<'a, str>, Error> {
    let attributes = context.iter().filter_map(|(key, value)| Some((key.strip_prefix(ATTRIBUTE)?, value)));
    let found = attributes.enumerate().find(|(_, (attribute, _))| *attribute == name);
    let (place, (_, value)) = found.ok_or_else(|| Error::SupplierMissing { attribute: name.to_owned() })?;
    let id = match context.get(LEGEND) {
        None => text_of(value).map(Cow::Owned),
        // One letter for each attribute, in the same order.
        Some(legend) => (legend.as_bytes().get(place) == Some(&TEXT)).then_some(Cow::Borrowed(value)),
    };
    id.filter(|id| !id.is_empty()).ok_or_else(|| Error::SupplierType { attribute: name.to_owned() })
}

/// The string in a value of a version 1 context, which is base64 of type id and bytes.
fn text_of(value: &str) -> Option<String> {
    let mut bytes = base64_simd::STANDARD.decode_to_vec(value).ok()?;
    if !bytes.starts_with(STRING) {
        return None;
    }
    bytes.drain(..STRING.len());
    String::from_utf8(bytes).ok()
}

const ATTRIBUTE: &str = "aws-crypto-attr.";
const LEGEND: &str = "aws-crypto-legend";
/// The legend letter of a string.
const TEXT: u8 = b'S';
/// The type id of a string.
const STRING: &[u8] = &[0, 1];

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> Context {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn choose(name: &str, context: &Context) -> Result<String, Error> {
        BranchKeyId::Attribute(name.into()).choose(context).map(Cow::into_owned)
    }

    fn typed(type_id: [u8; 2], bytes: &[u8]) -> String {
        base64_simd::STANDARD.encode_to_string([&type_id, bytes].concat())
    }

    #[test]
    fn version_1_reads_type_and_bytes() {
        let (text, number, empty) = (typed([0, 1], "tenant-é".as_bytes()), typed([0, 2], b"7"), typed([0, 1], b""));
        let not_utf8 = typed([0, 1], &[0xff]);
        let context = context(&[
            ("aws-crypto-attr.pk", &text),
            ("aws-crypto-attr.n", &number),
            ("aws-crypto-attr.empty", &empty),
            ("aws-crypto-attr.bytes", &not_utf8),
            ("aws-crypto-attr.broken", "*"),
            ("aws-crypto-attr.short", "AA=="),
        ]);
        assert_eq!(choose("pk", &context).unwrap(), "tenant-é");
        for name in ["n", "empty", "bytes", "broken", "short"] {
            assert_eq!(choose(name, &context), Err(Error::SupplierType { attribute: name.into() }));
        }
        assert_eq!(choose("other", &context), Err(Error::SupplierMissing { attribute: "other".into() }));
    }

    #[test]
    fn version_2_reads_the_legend() {
        let context = context(&[
            ("aws-crypto-attr.b", "AAE="),
            ("aws-crypto-attr.n", "7"),
            ("aws-crypto-attr.nul", "null"),
            ("aws-crypto-attr.s", "tenant"),
            ("aws-crypto-legend", "BNLS"),
            ("aws-crypto-table-name", "t"),
        ]);
        assert_eq!(choose("s", &context).unwrap(), "tenant");
        for name in ["b", "n", "nul"] {
            assert_eq!(choose(name, &context), Err(Error::SupplierType { attribute: name.into() }));
        }
    }

    #[test]
    fn a_fixed_id_needs_no_context() {
        assert_eq!(BranchKeyId::Fixed("id".into()).choose(&Context::new()).unwrap(), "id");
    }
}
