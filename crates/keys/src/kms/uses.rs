//! Which keys of AWS KMS a key ring calls, as far as its configuration tells.

use crate::kms::arn::KeyArn;
use crate::kms::discovery::Discovery;
use crate::kms::rights::{KmsKeyUse, KmsPurpose};

/// A key ring's use of AWS KMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsUse {
    /// Which keys.
    pub keys: KmsKeys,
    /// What they are for.
    pub purpose: KmsPurpose,
    /// They go with every call.
    pub grant_tokens: Vec<String>,
}

/// The keys that a key ring calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KmsKeys {
    /// This one.
    Named(String),
    /// The one that an item or a record of the key store names, if it is one of these.
    Discovered {
        /// Which may be called.
        keys: Discovery,
        /// Whether the replicas of a multi-Region key are called, those in the Regions of `keys`.
        replicas: bool,
    },
}

impl KmsUse {
    /// The key that the configuration names, if it names one.
    #[must_use]
    pub fn named(&self) -> Option<KmsKeyUse> {
        match &self.keys {
            KmsKeys::Named(key) => Some(self.of(key.clone())),
            KmsKeys::Discovered { .. } => None,
        }
    }

    /// The keys that are called, one after the other, where discovery finds this one named: none if it is not one that may be
    /// called, or if there is no discovery.
    #[must_use]
    pub fn discovered(&self, found: &str) -> Vec<KmsKeyUse> {
        let called = match (&self.keys, KeyArn::parse(found)) {
            (KmsKeys::Discovered { keys, replicas }, Some(found)) => keys.opening(&found, *replicas),
            _ => Vec::new(),
        };
        called.into_iter().map(|key| self.of(key)).collect()
    }

    /// The same use of one key.
    #[must_use]
    pub fn of(&self, key: String) -> KmsKeyUse {
        KmsKeyUse { key, purpose: self.purpose, grant_tokens: self.grant_tokens.clone() }
    }
}
