//! A record of the key store (FORMAT 12.1, 12.2).
//! Spec: `framework/branch-key-store.md#record-format`, `#branch-key-context`.
//!
//! | attribute             | type | holds                                                                     |
//! |-----------------------|------|---------------------------------------------------------------------------|
//! | `branch-key-id`       | S    | partition key                                                             |
//! | `type`                | S    | sort key: `branch:ACTIVE`, `branch:version:` and a UUID, `beacon:ACTIVE`  |
//! | `version`             | S    | of `branch:ACTIVE` only: the type of the version record with the same key |
//! | `enc`                 | B    | the key, wrapped by KMS                                                   |
//! | `kms-arn`             | S    | the KMS key that wrapped it                                               |
//! | `create-time`         | S    | ISO 8601, UTC                                                             |
//! | `hierarchy-version`   | N    | 1                                                                         |
//! | `aws-crypto-ec:` name | S    | custom context                                                            |
//! | any other             | S    | unknown to us                                                             |
//!
//! KMS binds the key to every attribute but `enc`, as text, and to `tablename`, the logical name of the key store, which
//! is not stored.

use std::collections::BTreeMap;

use dynaseal_item::{Context, Item, Value, json};
use serde_json::{Map, json};

use crate::branch::store::KeyVersion;
use crate::store::error::{RecordName, StoreError};
use crate::store::time::CreateTime;

/// Which of a branch key's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordType {
    /// The key that seals.
    Active,
    /// A key that opens.
    Version(KeyVersion),
    /// The key that beacons are made with.
    Beacon,
}

impl RecordType {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            ACTIVE => Some(Self::Active),
            BEACON => Some(Self::Beacon),
            _ => version_of(text).map(Self::Version),
        }
    }

    pub(crate) fn of(self, id: &str) -> RecordName {
        match self {
            Self::Active => RecordName::new(id, ACTIVE),
            Self::Version(version) => RecordName::new(id, version_type(version)),
            Self::Beacon => RecordName::new(id, BEACON),
        }
    }
}

/// A record that was read.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) name: RecordName,
    /// Of a beacon record there is none.
    pub(crate) version: Option<KeyVersion>,
    pub(crate) attributes: Attributes,
    /// The wrapped key.
    pub(crate) wrapped: Vec<u8>,
}

impl Record {
    /// Reads the item that DynamoDB gave for `name`.
    pub(crate) fn read(name: RecordName, item: &Item<'_>) -> Result<Self, StoreError> {
        let refuse = |what: String| StoreError::Malformed { record: name.clone(), what };
        let version = match item.get(HIERARCHY_VERSION) {
            Some(Value::N(version)) => version,
            Some(_) => return Err(refuse(format!("{HIERARCHY_VERSION} must be a number"))),
            None => return Err(refuse(format!("{HIERARCHY_VERSION} is missing"))),
        };
        if version != SUPPORTED {
            return Err(StoreError::HierarchyVersion {
                record: name,
                version: version.chars().filter(char::is_ascii_graphic).take(20).collect(),
            });
        }
        let wrapped = match item.get(ENC) {
            Some(Value::B(bytes)) if !bytes.is_empty() => bytes.to_vec(),
            Some(_) => return Err(refuse(format!("{ENC} must be binary and not empty"))),
            None => return Err(refuse(format!("{ENC} is missing"))),
        };
        let mut attributes = Context::new();
        for (attribute, value) in item.iter().filter(|(attribute, _)| *attribute != ENC) {
            let text = match value {
                Value::S(text) => text,
                Value::N(text) if attribute == HIERARCHY_VERSION => text,
                _ => return Err(refuse(format!("\"{}\" must be a string", attribute.escape_debug()))),
            };
            attributes.insert(attribute, text.as_ref());
        }
        if attributes.get(TABLE_NAME).is_some() {
            return Err(refuse(format!("{TABLE_NAME} must not be stored")));
        }
        let missing = [CREATE_TIME, KMS_ARN].into_iter().find(|name| attributes.get(name).is_none());
        if let Some(missing) = missing {
            return Err(refuse(format!("{missing} is missing")));
        }
        if attributes.get(ID) != Some(&*name.id) || attributes.get(TYPE) != Some(&*name.r#type) {
            return Err(refuse("another record was given for it".to_owned()));
        }
        let attributes = Attributes(attributes);
        let version = match (RecordType::parse(&name.r#type), attributes.0.get(VERSION)) {
            (Some(RecordType::Active), Some(version)) => {
                let version = version_of(version);
                Some(version.ok_or_else(|| refuse(format!("{VERSION} is not \"{VERSION_PREFIX}\" and a UUID")))?)
            }
            (Some(RecordType::Active), None) => return Err(refuse(format!("{VERSION} is missing"))),
            (Some(_), Some(_)) => return Err(refuse(format!("only {ACTIVE} has {VERSION}"))),
            (Some(RecordType::Version(version)), None) => Some(version),
            (Some(RecordType::Beacon), None) => None,
            (None, _) => return Err(refuse("its type is not known".to_owned())),
        };
        Ok(Self { name, version, attributes, wrapped })
    }
}

/// The attributes of a record but `enc`, as KMS binds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attributes(Context);

impl Attributes {
    /// Of the first version of a branch key.
    pub(crate) fn first(
        id: &str,
        version: KeyVersion,
        created: &CreateTime,
        kms_arn: &str,
        custom: &BTreeMap<String, String>,
    ) -> Self {
        let mut attributes: Context =
            custom.iter().map(|(name, value)| (format!("{CUSTOM}{name}"), value.clone())).collect();
        attributes.insert(ID, id);
        attributes.insert(TYPE, version_type(version));
        attributes.insert(CREATE_TIME, created.as_str());
        attributes.insert(KMS_ARN, kms_arn);
        attributes.insert(HIERARCHY_VERSION, SUPPORTED);
        Self(attributes)
    }

    /// Of the version that follows the active one with these attributes. What is not known is kept.
    pub(crate) fn next(&self, version: KeyVersion, created: &CreateTime) -> Self {
        let own = |text: &str| text.to_owned();
        let kept = self.0.iter().filter(|(name, _)| *name != VERSION).map(|(name, value)| (own(name), own(value)));
        let mut attributes: Context = kept.collect();
        attributes.insert(TYPE, version_type(version));
        attributes.insert(CREATE_TIME, created.as_str());
        Self(attributes)
    }

    /// Of the active record beside the version record with these attributes.
    pub(crate) fn active(&self) -> Self {
        let mut attributes = self.0.clone();
        if let Some(version) = attributes.insert(TYPE, ACTIVE) {
            attributes.insert(VERSION, version);
        }
        Self(attributes)
    }

    /// Of the beacon record beside the version record with these attributes.
    pub(crate) fn beacon(&self) -> Self {
        let mut attributes = self.0.clone();
        attributes.insert(TYPE, BEACON);
        Self(attributes)
    }

    /// What KMS binds the key to.
    pub(crate) fn bound(&self, logical_name: &str) -> Context {
        let mut context = self.0.clone();
        context.insert(TABLE_NAME, logical_name);
        context
    }

    /// The item to store, in DynamoDB JSON.
    pub(crate) fn item(&self, wrapped: &[u8]) -> serde_json::Value {
        let value = |name: &str, text: &str| {
            if name == HIERARCHY_VERSION { json!({ "N": text }) } else { json!({ "S": text }) }
        };
        let mut item: Map<_, _> = self.0.iter().map(|(name, text)| (name.to_owned(), value(name, text))).collect();
        item.insert(ENC.to_owned(), json!({ "B": base64_simd::STANDARD.encode_to_string(wrapped) }));
        item.into()
    }

    pub(crate) fn kms_arn(&self) -> &str {
        self.0.get(KMS_ARN).unwrap_or_default()
    }
}

/// The name of a pair of the custom context, of the attribute that holds it.
pub(crate) fn custom_name(attribute: &str) -> Option<&str> {
    attribute.strip_prefix(CUSTOM)
}

/// Reads an item in DynamoDB JSON.
pub(crate) fn read_item(text: &str) -> Option<Item<'_>> {
    json::read_item(text).ok()
}

fn version_type(version: KeyVersion) -> String {
    format!("{VERSION_PREFIX}{version}")
}

/// The version in `branch:version:UUID`, written as we write it.
pub(crate) fn version_of(text: &str) -> Option<KeyVersion> {
    let version = KeyVersion::parse(text.strip_prefix(VERSION_PREFIX)?)?;
    (version_type(version) == text).then_some(version)
}

pub(crate) const ID: &str = "branch-key-id";
pub(crate) const TYPE: &str = "type";
pub(crate) const VERSION: &str = "version";
pub(crate) const ENC: &str = "enc";
pub(crate) const KMS_ARN: &str = "kms-arn";
pub(crate) const CREATE_TIME: &str = "create-time";
pub(crate) const HIERARCHY_VERSION: &str = "hierarchy-version";
pub(crate) const ACTIVE: &str = "branch:ACTIVE";
const BEACON: &str = "beacon:ACTIVE";
const VERSION_PREFIX: &str = "branch:version:";
const CUSTOM: &str = "aws-crypto-ec:";
pub(crate) const TABLE_NAME: &str = "tablename";
const SUPPORTED: &str = "1";
/// Stands before the type of a record that is disabled, where no reader looks.
pub(crate) const DISABLED: &str = "dynaseal:disabled:";
