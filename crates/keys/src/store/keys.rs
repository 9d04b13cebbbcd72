//! Which KMS key protects the records (FORMAT 12.5).
//! Spec: `framework/branch-key-store.md#aws-kms-configuration`.

use std::borrow::Cow;

use crate::error::Error;
use crate::kms::arn::KeyArn;
use crate::store::error::{RecordName, StoreError};

/// Which KMS key protects the branch keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KmsConfiguration {
    /// One key, by its ARN. Records of another key are refused.
    Key(String),
    /// One multi-Region key, by the ARN of the replica to use. Records of any of its replicas are taken.
    MultiRegionKey(String),
    /// The key that a record names. Nothing can be created or rotated.
    Discovery,
    /// The key that a record names; of a multi-Region key, the replica in this Region. Nothing can be created or rotated.
    MultiRegionDiscovery {
        /// The Region of the replica.
        region: String,
    },
}

impl KmsConfiguration {
    /// Refuses what names no key.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let config = |field, what| Err(Error::Config { ring: "aws-kms-hierarchy", field, what });
        match self {
            Self::Key(arn) if KeyArn::parse(arn).is_none() => config("kms_key_arn", "must be the ARN of a KMS key"),
            Self::MultiRegionKey(arn) if KeyArn::parse(arn).is_none() => {
                config("kms_mrk_key_arn", "must be the ARN of a multi-Region KMS key")
            }
            Self::MultiRegionDiscovery { region } if !is_region(region) => {
                config("kms_region", "must be an AWS Region, such as eu-central-1")
            }
            _ => Ok(()),
        }
    }

    /// The key that protects new records.
    pub(crate) fn for_writing(&self) -> Result<&str, StoreError> {
        match self {
            Self::Key(arn) | Self::MultiRegionKey(arn) => Ok(arn),
            Self::Discovery | Self::MultiRegionDiscovery { .. } => Err(StoreError::Discovery),
        }
    }

    /// The key to open a record with that names `stored`.
    pub(crate) fn for_record<'a>(&'a self, stored: &'a str, record: &RecordName) -> Result<Cow<'a, str>, StoreError> {
        let arn = KeyArn::parse(stored);
        let fits = |configured: &str| match (KeyArn::parse(configured), &arn) {
            (Some(configured), Some(arn)) => configured.matches(arn),
            _ => false,
        };
        match self {
            Self::Key(configured) if configured == stored => Ok(Cow::Borrowed(configured)),
            Self::MultiRegionKey(configured) if fits(configured) => Ok(Cow::Borrowed(configured)),
            Self::Key(configured) | Self::MultiRegionKey(configured) => Err(StoreError::OtherKey {
                record: record.clone(),
                stored: stored.to_owned(),
                configured: configured.clone(),
            }),
            Self::Discovery => Ok(Cow::Borrowed(stored)),
            Self::MultiRegionDiscovery { region } => Ok(match arn.filter(KeyArn::is_multi_region) {
                Some(arn) => Cow::Owned(arn.in_region(region)),
                None => Cow::Borrowed(stored),
            }),
        }
    }
}

/// A Region becomes part of a host name.
fn is_region(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const OTHER: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const MRK: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
    const REPLICA: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";

    fn opens_with(keys: &KmsConfiguration, stored: &str) -> Option<String> {
        let record = RecordName { id: "t".into(), r#type: "branch:ACTIVE".into() };
        keys.for_record(stored, &record).map(Cow::into_owned).ok()
    }

    #[test]
    fn each_configuration_picks_its_key() {
        let key = KmsConfiguration::Key(KEY.into());
        assert_eq!(opens_with(&key, KEY).as_deref(), Some(KEY));
        assert_eq!((opens_with(&key, OTHER), opens_with(&key, MRK)), (None, None));
        // One key means this one: even a replica is another.
        assert_eq!(opens_with(&KmsConfiguration::Key(MRK.into()), REPLICA), None);
        let mrk = KmsConfiguration::MultiRegionKey(MRK.into());
        assert_eq!(opens_with(&mrk, REPLICA).as_deref(), Some(MRK));
        assert_eq!(opens_with(&mrk, KEY), None);
        assert_eq!(opens_with(&KmsConfiguration::Discovery, REPLICA).as_deref(), Some(REPLICA));
        let region = KmsConfiguration::MultiRegionDiscovery { region: "us-east-1".into() };
        assert_eq!(opens_with(&region, MRK).as_deref(), Some(REPLICA));
        assert_eq!(opens_with(&region, KEY).as_deref(), Some(KEY));
    }

    #[test]
    fn only_named_keys_write() {
        assert_eq!(KmsConfiguration::Key(KEY.into()).for_writing(), Ok(KEY));
        assert_eq!(KmsConfiguration::Discovery.for_writing(), Err(StoreError::Discovery));
        assert!(KmsConfiguration::Key("alias/x".into()).check().is_err());
        assert!(KmsConfiguration::MultiRegionDiscovery { region: "evil.example/".into() }.check().is_err());
        assert!(KmsConfiguration::MultiRegionKey(MRK.into()).check().is_ok());
    }
}
