//! Names of KMS keys. Spec: `framework/aws-kms/aws-kms-key-arn.md`.

use crate::error::Error;

/// A key ARN, taken apart: `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyArn<'a> {
    /// The whole text.
    pub text: &'a str,
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: &'a str,
    /// The Region.
    pub region: &'a str,
    /// The account's number.
    pub account: &'a str,
    /// What follows `key/`.
    pub id: &'a str,
}

impl<'a> KeyArn<'a> {
    /// Takes a key ARN apart; `None` for any other text, an alias's ARN included.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let (arn, kind, id) = resource(text)?;
        (kind == "key").then_some(Self { text, id, ..arn })
    }

    /// Whether the key is one of several with the same material in different Regions.
    #[must_use]
    pub fn is_multi_region(&self) -> bool {
        self.id.starts_with(MULTI_REGION)
    }

    /// Whether both name the same key, or replicas of one multi-Region key.
    /// Spec: `framework/aws-kms/aws-kms-mrk-match-for-decrypt.md#implementation`.
    #[must_use]
    pub fn matches(&self, other: &KeyArn<'_>) -> bool {
        self.text == other.text
            || self.is_multi_region()
                && (self.partition, self.account, self.id) == (other.partition, other.account, other.id)
    }

    /// The ARN of the same key's replica in a Region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> String {
        format!("arn:{}:kms:{region}:{}:key/{}", self.partition, self.account, self.id)
    }
}

/// The id that a multi-Region key has in every Region, if a key's name shows it; which key an alias stands for, it does not.
/// Spec: `framework/aws-kms/aws-kms-key-arn.md#identifying-an-aws-kms-multi-region-key`.
pub(crate) fn multi_region_id(key: &str) -> Option<&str> {
    let id = KeyArn::parse(key).map_or(key, |arn| arn.id);
    id.starts_with(MULTI_REGION).then_some(id)
}

/// Refuses a setting `key_arn` that is not the ARN of a key. For rings that store no ARN, or none that KMS gave: an alias can
/// be pointed at another key.
pub(super) fn required(ring: &'static str, key_arn: &str) -> Result<(), Error> {
    let what = "must be the ARN of a key, such as arn:aws:kms:REGION:ACCOUNT:key/ID";
    KeyArn::parse(key_arn).map(drop).ok_or(Error::Config { ring, field: "key_arn", what: fault(key_arn, what) })
}

/// What is wrong with a text that should name a key: it may be the example of a document, copied as it stands.
pub(crate) fn fault(text: &str, otherwise: &'static str) -> &'static str {
    let is_example = ["…", "...", "<", "{", "REGION", "ACCOUNT", "YOUR"].iter().any(|part| text.contains(part));
    if is_example || text.ends_with("/ID") { EXAMPLE } else { otherwise }
}

/// Whether a text can name a key for KMS: a key ARN, an alias ARN, an alias or a key id.
#[must_use]
pub fn is_key_id(text: &str) -> bool {
    let part = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    resource(text).is_some() || part(text)
}

/// The Region in a key's or an alias's ARN.
#[must_use]
pub fn region_of(key: &str) -> Option<&str> {
    resource(key).map(|(arn, ..)| arn.region)
}

fn resource(text: &str) -> Option<(KeyArn<'_>, &str, &str)> {
    let mut parts = text.splitn(6, ':');
    let mut part = || parts.next().filter(|part| !part.is_empty());
    let (arn, partition, service, region, account, resource) = (part()?, part()?, part()?, part()?, part()?, part()?);
    let (kind, id) = resource.split_once('/')?;
    let known = arn == "arn" && service == "kms" && matches!(kind, "key" | "alias");
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/');
    let known = known && !id.is_empty() && id.bytes().all(is_id) && account.bytes().all(|byte| byte.is_ascii_digit());
    (known && is_name(region)).then_some((KeyArn { text, partition, region, account, id }, kind, id))
}

/// Whether a text can be a partition or a Region, which becomes part of a host name.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

const EXAMPLE: &str = "is still an example with a gap in it: write the ARN of your own key, as AWS KMS shows it";
/// How the ids of multi-Region keys begin, and no others.
const MULTI_REGION: &str = "mrk-";

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const MRK: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";

    #[test]
    fn a_key_arn_is_taken_apart() {
        let arn = KeyArn::parse(KEY).unwrap();
        assert_eq!((arn.partition, arn.region, arn.account), ("aws", "eu-west-1", "111122223333"));
        assert!(!arn.is_multi_region() && KeyArn::parse(MRK).unwrap().is_multi_region());
        for wrong in [
            "",
            "alias/x",
            "arn:aws:kms:eu-west-1:111122223333:alias/x",
            "arn:aws:kms:eu-west-1:111122223333:key/",
            "arn:aws:kms::111122223333:key/x",
            "arn:aws:s3:eu-west-1:111122223333:key/x",
            "arn:aws:kms:evil.example/:1:key/x",
            "arn:aws:kms:eu-west-1:111122223333:key",
            "arn:aws:kms:eu-west-1:111122223333:key/…",
            "arn:aws:kms:eu-west-1:111122223333:key/...",
            "arn:aws:kms:eu-west-1:ACCOUNT:key/x",
        ] {
            assert_eq!(KeyArn::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_example_is_told_from_a_key() {
        for example in [
            "arn:aws:kms:eu-west-1:111122223333:key/…",
            "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-...",
            "arn:aws:kms:eu-west-1:111122223333:key/<key-id>",
            "arn:aws:kms:REGION:ACCOUNT:key/ID",
            "arn:aws:kms:…",
        ] {
            assert_eq!(fault(example, "is wrong"), EXAMPLE, "{example}");
            assert!(!is_key_id(example) || example.ends_with("/ID"), "{example}");
        }
        for wrong in [KEY, "1234abcd", "arn:aws:s3:::bucket"] {
            assert_eq!(fault(wrong, "is wrong"), "is wrong");
        }
    }

    #[test]
    fn only_replicas_match_across_regions() {
        let (key, mrk) = (KeyArn::parse(KEY).unwrap(), KeyArn::parse(MRK).unwrap());
        let replica = mrk.in_region("us-east-1");
        assert!(mrk.matches(&KeyArn::parse(&replica).unwrap()));
        let elsewhere = key.in_region("us-east-1");
        assert!(key.matches(&key) && !key.matches(&KeyArn::parse(&elsewhere).unwrap()) && !key.matches(&mrk));
        let other_account = replica.replace("111122223333", "444455556666");
        assert!(!mrk.matches(&KeyArn::parse(&other_account).unwrap()));
    }

    #[test]
    fn replicas_have_one_id() {
        let id = "mrk-1234abcd12ab34cd56ef1234567890ab";
        for key in [MRK, id, &KeyArn::parse(MRK).unwrap().in_region("us-east-1")] {
            assert_eq!(multi_region_id(key), Some(id));
        }
        for other in [KEY, "alias/mrk-1", "arn:aws:kms:eu-west-1:111122223333:alias/mrk-1", "1234abcd"] {
            assert_eq!(multi_region_id(other), None, "{other}");
        }
    }

    #[test]
    fn regions_and_ids() {
        assert_eq!(region_of(KEY), Some("eu-west-1"));
        assert_eq!(region_of("arn:aws:kms:eu-west-1:1:alias/x"), Some("eu-west-1"));
        assert_eq!(region_of("alias/x"), None);
        assert!(is_key_id(KEY) && is_key_id("alias/x") && is_key_id("1234abcd"));
        assert!(!is_key_id("") && !is_key_id("a b") && !is_key_id("arn:aws:s3:x"));
    }
}
