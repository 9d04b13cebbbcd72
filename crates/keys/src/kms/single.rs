//! The key rings over one key: that key alone, or it and its replicas in other Regions.
//! Spec: `framework/aws-kms/aws-kms-keyring.md`, `framework/aws-kms/aws-kms-mrk-keyring.md`.

use crate::error::Error;
use crate::keyring::KeyName;
use crate::kms::arn::{self, KeyArn, is_key_id, multi_region_id};
use crate::kms::ring::{AwsKmsRing, Choice, PROVIDER};

impl AwsKmsRing {
    /// One key and no other. By its ARN it seals and opens. By an alias or a bare id it only seals, since items name keys
    /// by ARN; without a Region in its name it is looked for in the head's own.
    ///
    /// # Errors
    /// The text cannot name a key, or the grant tokens are not such.
    pub fn single(key: &str, grant_tokens: Vec<String>) -> Result<Self, Error> {
        let ring = "aws-kms";
        checked(ring, key)?;
        Self::over(ring, Single { key: key.to_owned(), replicas: false }, grant_tokens)
    }

    /// One key, which also opens what its replicas sealed. With a Region, the replica there is the one that is called, so
    /// that services in several Regions differ in this setting alone.
    ///
    /// # Errors
    /// As for [`single`](Self::single), or a Region for a key that is not named by a multi-Region key's ARN.
    pub fn multi_region(key: &str, region: Option<&str>, grant_tokens: Vec<String>) -> Result<Self, Error> {
        let ring = "aws-kms-mrk";
        checked(ring, key)?;
        let config = |field, what| Error::Config { ring, field, what };
        let key = match region {
            None => key.to_owned(),
            Some(region) => {
                let arn = KeyArn::parse(key).filter(KeyArn::is_multi_region);
                let arn = arn.ok_or_else(|| {
                    config("region", "needs a key_arn of a multi-Region key, whose id begins with mrk-")
                })?;
                let key = arn.in_region(region);
                KeyArn::parse(&key).ok_or_else(|| config("region", "is not a Region such as eu-west-1"))?;
                key
            }
        };
        Self::over(ring, Single { key, replicas: true }, grant_tokens)
    }
}

fn checked(ring: &'static str, key: &str) -> Result<(), Error> {
    let what = "must be the ARN of a key, such as arn:aws:kms:REGION:ACCOUNT:key/ID; to seal only, an alias will do";
    if is_key_id(key) { Ok(()) } else { Err(Error::Config { ring, field: "key_arn", what: arn::fault(key, what) }) }
}

#[derive(Debug)]
struct Single {
    key: String,
    replicas: bool,
}

impl Choice for Single {
    fn sealing_key(&self) -> Option<&str> {
        Some(&self.key)
    }

    fn opening_keys(&self, found: &KeyArn<'_>) -> Result<Vec<String>, Error> {
        // Whether it is the key that an alias stands for today, only KMS knows; and the alias may have stood for another.
        let own = KeyArn::parse(&self.key)
            .ok_or_else(|| Error::SealOnly { key: KeyName::new(PROVIDER, &self.key), why: NOT_BY_ARN })?;
        let claimed = if self.replicas { own.matches(found) } else { own == *found };
        Ok(if claimed { vec![self.key.clone()] } else { Vec::new() })
    }

    fn name(&self) -> String {
        self.key.clone()
    }

    fn multi_region_key(&self) -> Option<&str> {
        (self.replicas && multi_region_id(&self.key).is_some()).then_some(&self.key)
    }
}

const NOT_BY_ARN: &str = "its key is not configured by its ARN, and items name keys by ARN";
