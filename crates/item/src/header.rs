//! The header, attribute `aws_dbe_head` (FORMAT 6).
//!
//! | field                | bytes                                                            |
//! |----------------------|------------------------------------------------------------------|
//! | version              | 1: 01 or 02                                                      |
//! | flavor               | 1: 00 = suite 0x6700, 01 = suite 0x6701                          |
//! | message id           | 32                                                               |
//! | legend               | u16 length, then `e`, `s` or `c` per signed attribute            |
//! | stored context       | u16 count, then per pair u16 length and key, u16 length and value |
//! | encrypted data keys  | u8 count, then provider id, provider info and ciphertext, each after a u16 length |
//! | commitment           | 32: over everything before it                                    |
//!
//! Spec: `specification/structured-encryption/header.md`.

use std::borrow::Cow;

use crate::bytes::{Reader, put_u16_prefixed};
use crate::error::Error;
use crate::materials::EncryptedDataKey;
use crate::schema::Action;
use crate::suite::{Suite, Version};

/// The attribute that holds the header.
pub(crate) const ATTRIBUTE: &str = "aws_dbe_head";
const COMMITMENT: usize = 32;

/// A header as it was stored. Nothing in it is to be trusted before the footer was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// The format version.
    pub version: Version,
    /// The suite.
    pub suite: Suite,
    /// Random, and part of every key derivation.
    pub message_id: &'a [u8; 32],
    /// What was done to each signed attribute, in canonical order.
    pub legend: Vec<Action>,
    /// The stored part of the encryption context, in byte order of the keys.
    pub context: Vec<(&'a str, &'a str)>,
    /// The encrypted data keys; at least one.
    pub data_keys: Vec<EncryptedDataKey<'a>>,
    /// The key commitment.
    pub commitment: &'a [u8; COMMITMENT],
    pub(crate) partial: &'a [u8],
    pub(crate) bytes: &'a [u8],
}

impl<'a> Header<'a> {
    /// Reads a header; every byte of it must be accounted for.
    ///
    /// # Errors
    /// [`Error::Header`] with the field that cannot be read.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let at = |what| Error::Header { what };
        let mut reader = Reader::new(bytes);
        let version = reader.u8().and_then(Version::from_byte).ok_or(at("version"))?;
        let suite = reader.u8().and_then(Suite::from_flavor).ok_or(at("flavor"))?;
        let message_id = reader.array().ok_or(at("message id"))?;
        let legend = read_legend(&mut reader, version).ok_or(at("legend"))?;
        let context = read_context(&mut reader).ok_or(at("encryption context"))?;
        let data_keys = read_data_keys(&mut reader).ok_or(at("encrypted data keys"))?;
        let partial = bytes.get(..bytes.len() - reader.left()).ok_or(at("length"))?;
        let commitment = reader.array().ok_or(at("commitment"))?;
        reader.finish().ok_or(at("bytes after the commitment"))?;
        Ok(Self { version, suite, message_id, legend, context, data_keys, commitment, partial, bytes })
    }
}

/// What a header is written from.
pub(crate) struct Parts<'a, L> {
    pub(crate) version: Version,
    pub(crate) suite: Suite,
    pub(crate) message_id: &'a [u8; 32],
    pub(crate) legend: L,
    pub(crate) context: &'a [u8],
    pub(crate) data_keys: &'a [(EncryptedDataKey<'static>, crate::materials::TagKey)],
}

impl<L: ExactSizeIterator<Item = u8>> Parts<'_, L> {
    /// The partial header, with room for the commitment.
    pub(crate) fn write(self) -> Result<Vec<u8>, Error> {
        let keys = self.data_keys.iter().map(|(key, _)| key);
        let sizes = keys.clone().map(|key| 6 + key.provider_id.len() + key.provider_info.len() + key.ciphertext.len());
        let size = 2 + 32 + 2 + self.legend.len() + self.context.len() + 1 + sizes.sum::<usize>() + COMMITMENT;
        let mut out = Vec::with_capacity(size);
        out.extend_from_slice(&[self.version.byte(), self.suite.flavor()]);
        out.extend_from_slice(self.message_id);
        let attributes = u16::try_from(self.legend.len()).map_err(|_| Error::TooLarge { what: "more attributes" })?;
        out.extend_from_slice(&attributes.to_be_bytes());
        out.extend(self.legend);
        out.extend_from_slice(self.context);
        let count = match u8::try_from(self.data_keys.len()) {
            Ok(count @ 1..) => count,
            _ => return Err(Error::Materials { what: "it must give 1 to 255 encrypted data keys" }),
        };
        out.push(count);
        for key in keys {
            for part in [&key.provider_id, &key.provider_info, &key.ciphertext] {
                put_u16_prefixed(&mut out, part).ok_or(Error::TooLarge { what: "a longer encrypted data key" })?;
            }
        }
        Ok(out)
    }
}

fn read_legend(reader: &mut Reader<'_>, version: Version) -> Option<Vec<Action>> {
    let letters = reader.u16_prefixed()?;
    let legend: Vec<_> = letters.iter().map(|letter| Action::from_letter(*letter)).collect::<Option<_>>()?;
    let bound = legend.contains(&Action::SignAndIncludeInEncryptionContext);
    (version == Version::V2 || !bound).then_some(legend)
}

fn read_context<'a>(reader: &mut Reader<'a>) -> Option<Vec<(&'a str, &'a str)>> {
    let count = reader.u16()?;
    if count > reader.left() / 4 {
        return None;
    }
    let mut pairs: Vec<(&str, &str)> = Vec::with_capacity(count);
    for _ in 0..count {
        let key = std::str::from_utf8(reader.u16_prefixed()?).ok()?;
        let value = std::str::from_utf8(reader.u16_prefixed()?).ok()?;
        // Strictly rising keys also rule out duplicates.
        if pairs.last().is_some_and(|(last, _)| *last >= key) {
            return None;
        }
        pairs.push((key, value));
    }
    Some(pairs)
}

fn read_data_keys<'a>(reader: &mut Reader<'a>) -> Option<Vec<EncryptedDataKey<'a>>> {
    let count = reader.u8().filter(|count| *count > 0)?;
    let mut keys = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        keys.push(EncryptedDataKey {
            provider_id: Cow::Borrowed(reader.u16_prefixed()?),
            provider_info: Cow::Borrowed(reader.u16_prefixed()?),
            ciphertext: Cow::Borrowed(reader.u16_prefixed()?),
        });
    }
    Some(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::materials::TagKey;

    fn example() -> Vec<u8> {
        let part = |text: &'static str| Cow::Borrowed(text.as_bytes());
        let key =
            EncryptedDataKey { provider_id: part("ns"), provider_info: part("name"), ciphertext: part("wrapped") };
        let parts = Parts {
            version: Version::V1,
            suite: Suite::Hmac,
            message_id: &[7; 32],
            legend: b"se".iter().copied(),
            context: &[0, 1, 0, 1, b'k', 0, 1, b'v'],
            data_keys: &[(key, TagKey::new([1; 32]))],
        };
        let mut bytes = parts.write().unwrap();
        bytes.extend_from_slice(&[9; 32]);
        bytes
    }

    #[test]
    fn what_is_written_reads_back() {
        let bytes = example();
        let header = Header::parse(&bytes).unwrap();
        assert_eq!(header.legend, [Action::SignOnly, Action::EncryptAndSign]);
        assert_eq!((header.context.as_slice(), header.partial.len()), (&[("k", "v")][..], bytes.len() - 32));
        assert_eq!((header.message_id, header.commitment), (&[7; 32], &[9; 32]));
    }

    #[test]
    fn every_truncation_and_every_extra_byte_is_refused() {
        let mut bytes = example();
        for length in 0..bytes.len() {
            assert!(matches!(Header::parse(&bytes[..length]), Err(Error::Header { .. })), "{length}");
        }
        bytes.push(0);
        assert_eq!(Header::parse(&bytes), Err(Error::Header { what: "bytes after the commitment" }));
    }

    #[test]
    fn the_letter_c_needs_version_2() {
        let mut bytes = example();
        bytes[36] = b'c';
        assert_eq!(Header::parse(&bytes), Err(Error::Header { what: "legend" }));
        bytes[0] = 2;
        assert!(Header::parse(&bytes).is_ok());
    }
}
