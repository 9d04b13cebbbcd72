//! What one sealed item says of itself; text and JSON print the same struct.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use dynaseal_item::{
    Action, EncryptedDataKey, Error as ItemError, Header, Item, PUBLIC_KEY, Schema, Value, canonical_order,
};
use dynaseal_keys::ecdh_parties;
use serde::Serialize;

use crate::error::Error;
use crate::say;

/// One sealed item, as its header describes it. Nothing of it is verified.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The line of the input, from 1.
    line: u64,
    version: u8,
    suite: SuiteReport,
    /// Hex.
    message_id: String,
    /// How many attributes were sealed in which way.
    legend: Legend,
    /// Each signed attribute, in the order of the signature; `None` if the item has attributes of which only a
    /// configuration tells whether they are signed.
    attributes: Option<Vec<Attribute>>,
    context: ContextReport,
    data_keys: Vec<DataKeyReport>,
    sizes: Sizes,
}

#[derive(Debug, Serialize)]
struct SuiteReport {
    id: String,
    name: &'static str,
    signed: bool,
}

#[derive(Debug, Default, Serialize)]
struct Legend {
    encrypt_and_sign: usize,
    sign_only: usize,
    sign_and_include_in_encryption_context: usize,
}

#[derive(Debug, Serialize)]
struct Attribute {
    name: String,
    action: &'static str,
}

#[derive(Debug, Serialize)]
struct ContextReport {
    /// The key that checks the item's signature, base64.
    public_key: Option<String>,
    /// Names of other stored pairs. Their values may be data.
    others: Vec<String>,
}

#[derive(Debug, Serialize)]
struct DataKeyReport {
    provider_id: String,
    /// A key name, an ARN or a branch key id.
    key: String,
    provider_info_base64: String,
    /// For a hierarchical key ring.
    branch_key_version: Option<String>,
    ciphertext_bytes: usize,
}

#[derive(Debug, Serialize)]
struct Sizes {
    header: usize,
    footer: usize,
    /// Of the encrypted attributes together, as stored; `None` if they cannot be told.
    encrypted: Option<usize>,
}

impl Report {
    /// Reads the header of an item. With a schema, the attributes outside the signature are known.
    pub(crate) fn new(line: u64, item: &Item<'_>, schema: Option<&Schema>) -> Result<Self, ItemError> {
        let (head, foot) = match (item.get(HEADER), item.get(FOOTER)) {
            (Some(Value::B(head)), Some(Value::B(foot))) => (head, foot),
            (None, None) => return Err(ItemError::Unsealed),
            (Some(Value::B(_)), _) => return Err(ItemError::HalfSealed { missing: FOOTER }),
            _ => return Err(ItemError::HalfSealed { missing: HEADER }),
        };
        let header = Header::parse(head)?;
        let attributes = attributes(item, &header, schema)?;
        let encrypted = attributes.as_ref().map(|all| {
            let encrypted = all.iter().filter(|(_, action)| *action == Action::EncryptAndSign);
            encrypted.filter_map(|(name, _)| item.get(name)).map(|value| binary_size(value)).sum()
        });
        let attributes = attributes.map(|all| {
            let attribute =
                |(name, action): (&str, Action)| Attribute { name: name.to_owned(), action: action_word(action) };
            all.into_iter().map(attribute).collect()
        });
        let stored: BTreeMap<&str, &str> = header.context.iter().copied().collect();
        Ok(Self {
            line,
            version: header.version.byte(),
            suite: SuiteReport {
                id: format!("{:#06x}", header.suite.id()),
                name: header.suite.name(),
                signed: header.suite.signs(),
            },
            message_id: hex(header.message_id),
            legend: Legend::of(&header.legend),
            attributes,
            context: ContextReport {
                public_key: stored.get(PUBLIC_KEY).map(|key| (*key).to_owned()),
                others: stored.keys().filter(|key| **key != PUBLIC_KEY).map(|key| (*key).to_owned()).collect(),
            },
            data_keys: header.data_keys.iter().map(DataKeyReport::of).collect(),
            sizes: Sizes { header: head.len(), footer: foot.len(), encrypted },
        })
    }
}

/// The signed attributes with their actions, if it can be told which they are: the schema says so, or there are no
/// others.
fn attributes<'i>(
    item: &'i Item<'_>,
    header: &Header<'_>,
    schema: Option<&Schema>,
) -> Result<Option<Vec<(&'i str, Action)>>, ItemError> {
    let signed = |name: &&str| match schema {
        Some(schema) => schema.in_signature_scope(name),
        None => !name.starts_with("aws_dbe_"),
    };
    let mut names: Vec<_> = item.iter().map(|(name, _)| name).filter(signed).collect();
    if names.len() != header.legend.len() {
        let wrong = ItemError::Legend { found: names.len(), sealed: header.legend.len() };
        // Without a schema, more names than the legend has may all be unsigned ones; fewer are a loss in any case.
        return if schema.is_none() && names.len() > header.legend.len() { Ok(None) } else { Err(wrong) };
    }
    names.sort_unstable_by(|left, right| canonical_order(left, right));
    Ok(Some(names.into_iter().zip(header.legend.iter().copied()).collect()))
}

impl Legend {
    fn of(legend: &[Action]) -> Self {
        let count = |action| legend.iter().filter(|other| **other == action).count();
        Self {
            encrypt_and_sign: count(Action::EncryptAndSign),
            sign_only: count(Action::SignOnly),
            sign_and_include_in_encryption_context: count(Action::SignAndIncludeInEncryptionContext),
        }
    }
}

impl DataKeyReport {
    fn of(key: &EncryptedDataKey<'_>) -> Self {
        let hierarchical = *key.provider_id == *HIERARCHY;
        let version = key.ciphertext.get(BRANCH_KEY_VERSION).filter(|_| hierarchical);
        Self {
            provider_id: text_or_base64(&key.provider_id),
            key: ecdh_parties(key)
                .unwrap_or_else(|| text_or_base64(raw_aes_name(&key.provider_info).unwrap_or(&key.provider_info))),
            provider_info_base64: base64(&key.provider_info),
            branch_key_version: version.map(uuid),
            ciphertext_bytes: key.ciphertext.len(),
        }
    }
}

/// A raw AES key ring's info is the key's name, the sizes of tag and IV, and the IV.
fn raw_aes_name(info: &[u8]) -> Option<&[u8]> {
    let (name, rest) = info.split_at_checked(info.len().checked_sub(20)?)?;
    rest.starts_with(&[0, 0, 0, 128, 0, 0, 0, 12]).then_some(name)
}

fn text_or_base64(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => format!("base64:{}", base64(bytes)),
    }
}

fn binary_size(value: &Value<'_>) -> usize {
    if let Value::B(bytes) = value { bytes.len() } else { 0 }
}

fn base64(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing into a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

fn uuid(bytes: &[u8]) -> String {
    let mut hex = hex(bytes);
    for at in [20, 16, 12, 8] {
        hex.insert(at.min(hex.len()), '-');
    }
    hex
}

fn action_word(action: Action) -> &'static str {
    match action {
        Action::EncryptAndSign => "encrypt_and_sign",
        Action::SignOnly => "sign_only",
        Action::SignAndIncludeInEncryptionContext => "sign_and_include_in_encryption_context",
        Action::DoNothing => "do_nothing",
    }
}

/// Appends the report as one line of JSON.
pub(crate) fn json(report: &Report, out: &mut Vec<u8>) -> Result<(), Error> {
    say::json(report, false, out)
}

/// Appends the report in words.
pub(crate) fn text(report: &Report, out: &mut Vec<u8>) {
    say::wrap(&format!("item of line {}", report.line), "", out);
    let mut field = |name: &str, value: &str| say::wrap_columns(&format!("  {name:14}"), &say::printable(value), out);
    let Report { version, suite, message_id, legend, attributes, context, data_keys, sizes, .. } = report;
    field("version", &version.to_string());
    field("suite", &format!("{} {}", suite.id, suite.name));
    field("message id", message_id);
    let Legend { encrypt_and_sign, sign_only, sign_and_include_in_encryption_context } = legend;
    let mut counts = format!("{encrypt_and_sign} encrypted, {sign_only} signed only");
    if *sign_and_include_in_encryption_context > 0 {
        let _ = write!(counts, ", {sign_and_include_in_encryption_context} signed and in the context");
    }
    field("attributes", &counts);
    match attributes {
        Some(attributes) => {
            for attribute in attributes {
                field("", &format!("{}: {}", attribute.name, attribute.action));
            }
        }
        None => field("", "which ones: name --config and --table, since some attributes are not signed"),
    }
    if let Some(key) = &context.public_key {
        field("public key", key);
    }
    if !context.others.is_empty() {
        field("context", &context.others.join(", "));
    }
    for key in data_keys {
        let version = key.branch_key_version.as_ref().map(|version| format!(", version {version}"));
        let (id, name, bytes) = (&key.provider_id, &key.key, key.ciphertext_bytes);
        field("data key", &format!("{id}: {name}{}, {bytes} bytes", version.unwrap_or_default()));
    }
    let encrypted = sizes.encrypted.map(|bytes| format!(", encrypted attributes {bytes}"));
    field("bytes", &format!("header {}, footer {}{}", sizes.header, sizes.footer, encrypted.unwrap_or_default()));
}

const HEADER: &str = "aws_dbe_head";
const FOOTER: &str = "aws_dbe_foot";
const HIERARCHY: &[u8] = b"aws-kms-hierarchy";
/// Where a hierarchical ciphertext names the branch key's version (FORMAT 17).
const BRANCH_KEY_VERSION: std::ops::Range<usize> = 76..92;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raw_aes_key_is_named_without_its_iv() {
        let info = [b"name".as_slice(), &[0, 0, 0, 128, 0, 0, 0, 12], &[7; 12]].concat();
        assert_eq!(raw_aes_name(&info), Some(b"name".as_slice()));
        assert_eq!(raw_aes_name(b"a name of a key that is not AES"), None);
        assert_eq!(text_or_base64(&[0xff]), "base64:/w==");
    }

    #[test]
    fn a_version_is_printed_as_a_uuid() {
        let bytes: Vec<u8> = (0..16).collect();
        assert_eq!(uuid(&bytes), "00010203-0405-0607-0809-0a0b0c0d0e0f");
    }
}
