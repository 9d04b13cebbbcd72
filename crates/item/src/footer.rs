//! The footer, attribute `aws_dbe_foot` (FORMAT 9.2 to 9.5).
//!
//! | field     | bytes                                                        |
//! |-----------|--------------------------------------------------------------|
//! | tags      | 48 per encrypted data key, in header order                   |
//! | signature | 103, exactly if the suite signs                              |
//!
//! Spec: `specification/structured-encryption/footer.md`.

use crate::error::Error;
use crate::materials::{SealKeys, TagKey};
use crate::sign::{self, CanonicalHash};
use crate::suite::Suite;

/// The attribute that holds the footer.
pub(crate) const ATTRIBUTE: &str = "aws_dbe_foot";

pub(crate) fn write(hash: &CanonicalHash, suite: Suite, keys: &SealKeys) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(length(suite, keys.wrapped.len()));
    for (_, tag_key) in &keys.wrapped {
        out.extend_from_slice(hash.tag(tag_key).as_ref());
    }
    if suite.signs() {
        let key = keys.signing_key.as_ref().ok_or(Error::Materials { what: "the suite signs, but there is no key" })?;
        let signature = key.sign(hash).ok_or(Error::Materials { what: "signing failed" })?;
        out.extend_from_slice(&signature);
    }
    Ok(out)
}

/// What a footer is checked against.
pub(crate) struct Check<'a> {
    pub(crate) suite: Suite,
    pub(crate) data_keys: usize,
    pub(crate) tag_key: &'a TagKey,
    /// Base64 of the compressed point, from the full context.
    pub(crate) public_key: Option<&'a str>,
}

impl Check<'_> {
    pub(crate) fn footer_length(&self, footer: &[u8]) -> Result<(), Error> {
        let expected = length(self.suite, self.data_keys);
        if footer.len() == expected { Ok(()) } else { Err(Error::FooterLength { found: footer.len(), expected }) }
    }

    /// The tag of the data key that was opened must be among the stored ones, wherever it stands (FORMAT 9.5).
    pub(crate) fn verify(&self, hash: &CanonicalHash, footer: &[u8]) -> Result<(), Error> {
        self.footer_length(footer)?;
        let (tags, signature) = footer.split_at_checked(self.data_keys * sign::TAG).ok_or(Error::Tag)?;
        let tag = hash.tag(self.tag_key);
        // Every stored tag is compared, so that time does not tell which one matched.
        let matches = tags.chunks_exact(sign::TAG).filter(|stored| sign::equal(stored, tag.as_ref())).count();
        if matches == 0 {
            return Err(Error::Tag);
        }
        if self.suite.signs() {
            let point = self.public_key.and_then(|text| base64_simd::STANDARD.decode_to_vec(text).ok());
            let point = point.filter(|point| point.len() == sign::POINT).ok_or(Error::Signature)?;
            if !hash.verify(&point, signature) {
                return Err(Error::Signature);
            }
        }
        Ok(())
    }
}

fn length(suite: Suite, data_keys: usize) -> usize {
    data_keys * sign::TAG + if suite.signs() { sign::SIGNATURE } else { 0 }
}
