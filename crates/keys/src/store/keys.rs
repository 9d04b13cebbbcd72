//! Which KMS key protects the records (FORMAT 12.5).
//! Spec: `framework/branch-key-store.md#aws-kms-configuration`.

use crate::error::Error;
use crate::kms::arn::{self, KeyArn};
use crate::kms::discovery::Discovery;
use crate::kms::uses::KmsKeys;
use crate::store::error::{RecordName, StoreError};

/// Which KMS key protects the branch keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KmsConfiguration {
    /// One key, by its ARN. Records of another key are refused.
    Key(String),
    /// One multi-Region key, by the ARN of the replica to use. Records of any of its replicas are taken.
    MultiRegionKey(String),
    /// The key that a record names, if it is one of these; of a multi-Region key, the replicas in the Regions, if Regions
    /// are given. Nothing can be created or rotated. Whoever can write to the table can name a key of their own, so accounts
    /// must be given.
    Discovery(Discovery),
    /// A key of Vault's transit engine, by the name that [`VaultTransit::key`](crate::VaultTransit::key) gives it.
    Vault(String),
}

impl KmsConfiguration {
    /// Refuses what names no key.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let config = |field, what| Err(Error::Config { ring: RING, field, what });
        match self {
            Self::Key(arn) if KeyArn::parse(arn).is_none() => {
                config("kms_key_arn", arn::fault(arn, "must be the ARN of a KMS key"))
            }
            Self::MultiRegionKey(arn) if !KeyArn::parse(arn).is_some_and(|arn| arn.is_multi_region()) => {
                config("kms_mrk_key_arn", arn::fault(arn, "must be the ARN of a multi-Region KMS key"))
            }
            Self::Vault(key) if key.is_empty() => config("vault_key", "is empty"),
            Self::Discovery(keys) => keys.check(RING),
            _ => Ok(()),
        }
    }

    /// The keys of AWS KMS among them, if it is AWS KMS that protects the branch keys.
    #[must_use]
    pub fn kms_keys(&self) -> Option<KmsKeys> {
        match self {
            Self::Key(key) | Self::MultiRegionKey(key) => Some(KmsKeys::Named(key.clone())),
            Self::Discovery(keys) => Some(KmsKeys::Discovered { keys: keys.clone(), replicas: keys.any_replica() }),
            Self::Vault(_) => None,
        }
    }

    /// The key that protects new records.
    pub(crate) fn for_writing(&self) -> Result<&str, StoreError> {
        match self {
            Self::Key(key) | Self::MultiRegionKey(key) | Self::Vault(key) => Ok(key),
            Self::Discovery(_) => Err(StoreError::Discovery),
        }
    }

    /// The keys to ask, one after the other, for a record that names `stored`: one or more.
    pub(crate) fn for_record(&self, stored: &str, record: &RecordName) -> Result<Vec<String>, StoreError> {
        let other = |configured: &str| {
            Err(StoreError::OtherKey { record: record.clone(), stored: stored.into(), configured: configured.into() })
        };
        let found = KeyArn::parse(stored);
        match self {
            Self::Key(key) | Self::Vault(key) if key == stored => Ok(vec![key.clone()]),
            Self::Key(key) | Self::Vault(key) => other(key),
            Self::MultiRegionKey(key) => {
                let (own, found) = (KeyArn::parse(key), found);
                let matches = own.zip(found).is_some_and(|(own, found)| own.matches(&found));
                if matches { Ok(vec![key.clone()]) } else { other(key) }
            }
            Self::Discovery(keys) => {
                let found = found.map(|found| keys.opening(&found, keys.any_replica())).unwrap_or_default();
                if found.is_empty() { other(&keys.words()) } else { Ok(found) }
            }
        }
    }
}

/// The key type's name in the configuration.
pub(crate) const RING: &str = "hierarchical";

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const OTHER: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const MRK: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
    const REPLICA: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
    const STRANGER: &str = "arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    fn discovery(regions: &[&str]) -> KmsConfiguration {
        KmsConfiguration::Discovery(Discovery {
            partition: "aws".into(),
            accounts: ["111122223333".to_owned()].into(),
            regions: regions.iter().map(|region| (*region).to_owned()).collect(),
        })
    }

    #[track_caller]
    fn asked(keys: &KmsConfiguration, stored: &str, wanted: &[&str]) {
        let found = keys.for_record(stored, &RecordName::new("t", "branch:ACTIVE"));
        assert!(!wanted.is_empty() || matches!(found, Err(StoreError::OtherKey { .. })));
        assert_eq!(found.unwrap_or_default(), wanted);
    }

    #[test]
    fn each_configuration_picks_its_keys() {
        let key = KmsConfiguration::Key(KEY.into());
        asked(&key, KEY, &[KEY]);
        asked(&key, OTHER, &[]);
        asked(&key, MRK, &[]);
        // One key means this one: even a replica is another.
        asked(&KmsConfiguration::Key(MRK.into()), REPLICA, &[]);
        let mrk = KmsConfiguration::MultiRegionKey(MRK.into());
        asked(&mrk, REPLICA, &[MRK]);
        asked(&mrk, KEY, &[]);
        asked(&mrk, "x", &[]);
        let any = discovery(&[]);
        asked(&any, REPLICA, &[REPLICA]);
        asked(&any, KEY, &[KEY]);
        asked(&any, STRANGER, &[]);
        asked(&any, "alias/x", &[]);
        let there = discovery(&["us-east-1", "eu-west-1"]);
        asked(&there, MRK, &[REPLICA, MRK]);
        asked(&there, KEY, &[KEY]);
        asked(&discovery(&["us-east-1"]), KEY, &[]);
        let vault = KmsConfiguration::Vault("vault-transit:transit/tenants".into());
        asked(&vault, "vault-transit:transit/tenants", &["vault-transit:transit/tenants"]);
        asked(&vault, "vault-transit:transit/others", &[]);
        asked(&vault, KEY, &[]);
    }

    #[test]
    fn only_named_keys_write() {
        assert_eq!(KmsConfiguration::Key(KEY.into()).for_writing(), Ok(KEY));
        assert_eq!(discovery(&[]).for_writing(), Err(StoreError::Discovery));
        assert!(KmsConfiguration::Key("alias/x".into()).check().is_err());
        assert!(KmsConfiguration::MultiRegionKey(KEY.into()).check().is_err());
        assert!(KmsConfiguration::MultiRegionKey(MRK.into()).check().is_ok());
        assert!(discovery(&["evil.example/"]).check().is_err() && discovery(&["us-east-1"]).check().is_ok());
        let unbounded = Discovery { partition: "aws".into(), accounts: [].into(), regions: Vec::new() };
        assert!(KmsConfiguration::Discovery(unbounded).check().is_err());
    }
}
