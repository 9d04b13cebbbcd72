//! The key rings that open what any key of some accounts sealed. They cannot seal.
//! Spec: `framework/aws-kms/aws-kms-discovery-keyring.md`, `framework/aws-kms/aws-kms-mrk-discovery-keyring.md`.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::kms::arn::{KeyArn, is_name};
use crate::kms::ring::{AwsKmsRing, Choice};
use crate::ring::ANY_KEY;

/// Which keys may open items. An item says itself which key sealed it, so whoever can write to the table can name a key of
/// their own, and what that key sealed would be taken for genuine: accounts must be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// The numbers of the accounts that own the keys.
    pub accounts: BTreeSet<String>,
    /// The only Regions that are called, in the order in which they are tried.
    pub regions: Vec<String>,
}

impl AwsKmsRing {
    /// Any key of the accounts, asked for in the Region that its ARN names; if Regions are given, only keys in these.
    ///
    /// # Errors
    /// No account, or a partition, an account, a Region or grant tokens that are not such.
    pub fn discovery(keys: Discovery, grant_tokens: Vec<String>) -> Result<Self, Error> {
        let ring = "aws-kms-discovery";
        keys.check(ring)?;
        Self::over(ring, Any { keys, replicas: false }, grant_tokens)
    }

    /// Any key of the accounts, of which the replicas in the given Regions are asked. A key without replicas must be in one
    /// of them.
    ///
    /// # Errors
    /// As for [`discovery`](Self::discovery), or no Region.
    pub fn multi_region_discovery(keys: Discovery, grant_tokens: Vec<String>) -> Result<Self, Error> {
        let ring = "aws-kms-mrk-discovery";
        keys.check(ring)?;
        if keys.regions.is_empty() {
            return Err(Error::Config { ring, field: "regions", what: "is empty; name the Regions to call" });
        }
        Self::over(ring, Any { keys, replicas: true }, grant_tokens)
    }
}

impl Discovery {
    pub(crate) fn check(&self, ring: &'static str) -> Result<(), Error> {
        let config = |field, what| Err(Error::Config { ring, field, what });
        if !is_name(&self.partition) {
            return config("partition", "is not a partition such as aws");
        }
        if self.accounts.is_empty() {
            return config("accounts", "is empty; any account's keys could then pass forged items off as genuine");
        }
        if !self.accounts.iter().all(|account| account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())) {
            return config("accounts", "must be account numbers of 12 digits");
        }
        if !self.regions.iter().all(|region| is_name(region)) {
            return config("regions", "must be Regions such as eu-west-1");
        }
        if self.regions.iter().collect::<BTreeSet<_>>().len() < self.regions.len() {
            return config("regions", "names a Region twice");
        }
        Ok(())
    }

    /// The keys to ask, one after the other, for what names the key `found`.
    pub(crate) fn opening(&self, found: &KeyArn<'_>, replicas: bool) -> Vec<String> {
        let Self { partition, accounts, regions } = self;
        if found.partition != partition || !accounts.contains(found.account) {
            return Vec::new();
        }
        if replicas && found.is_multi_region() {
            return regions.iter().map(|region| found.in_region(region)).collect();
        }
        let called = regions.is_empty() || regions.iter().any(|region| region == found.region);
        if called { vec![found.text.to_owned()] } else { Vec::new() }
    }

    /// Whether a key store asks the replicas of a key that a record names: where Regions are given.
    pub(crate) fn any_replica(&self) -> bool {
        !self.regions.is_empty()
    }

    pub(crate) fn words(&self) -> String {
        let Self { partition, accounts, regions } = self;
        let accounts: Vec<_> = accounts.iter().map(String::as_str).collect();
        let regions = if regions.is_empty() { "any Region".to_owned() } else { regions.join(", ") };
        format!("<any key of {partition} account {} in {regions}>", accounts.join(", "))
    }
}

#[derive(Debug)]
struct Any {
    keys: Discovery,
    replicas: bool,
}

impl Choice for Any {
    fn sealing_key(&self) -> Option<&str> {
        None
    }

    fn opening_keys(&self, found: &KeyArn<'_>) -> Result<Vec<String>, Error> {
        Ok(self.keys.opening(found, self.replicas))
    }

    fn name(&self) -> String {
        self.keys.words()
    }

    fn most_data_keys(&self) -> usize {
        ANY_KEY
    }
}
