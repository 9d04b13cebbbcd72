//! The raw AES key ring (FORMAT 11.3).
//! Spec: `framework/raw-aes-keyring.md#key-provider-information`.
//!
//! ```text
//!  provider id     the key namespace
//!  provider info   field        bytes
//!                  key name     any
//!                  tag length   4      128, in bits
//!                  IV length    4      12
//!                  IV           12
//!  wrapped K       48           sealed with the wrapping key and that IV, bound to the context
//! ```

use std::borrow::Cow;

use dynaseal_item::{DataKey, EncryptedDataKey, OpenKeys};

use crate::error::{Error, Layer};
use crate::keyring::{Bound, Io, KeyName};
use crate::raw::named;
use crate::ring::{Entry, Found, Ring};
use crate::secret::Secret;
use crate::wrap::{self, Gcm, IV, WRAPPED};

/// Wraps data keys with an AES key of 128, 192 or 256 bits.
#[derive(Debug)]
pub struct RawAes {
    namespace: String,
    name: String,
    key: Gcm,
}

impl RawAes {
    /// A key ring over the 16, 24 or 32 bytes of a key, which are copied; wipe the caller's copy.
    /// Namespace and name are stored with every item and name the key for as long as such items exist.
    ///
    /// # Errors
    /// A key of another length or of zeros alone, the namespace `aws-kms`, or names that are empty or too long.
    pub fn new(namespace: &str, name: &str, key: &[u8]) -> Result<Self, Error> {
        named(RING, namespace, name)?;
        let wrong = |what| Error::Config { ring: RING, field: "key", what };
        // What is left where a key was never drawn, or was wiped: anybody would guess it.
        if !key.is_empty() && key.iter().all(|byte| *byte == 0) {
            return Err(wrong("is nothing but zeros"));
        }
        let key = Gcm::from_slice(key).ok_or_else(|| wrong("must have 16, 24 or 32 bytes"))??;
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned(), key })
    }
}

impl Ring for RawAes {
    /// The IV.
    type Own<'a> = [u8; IV];

    async fn wrap(&self, data_key: &DataKey, bound: &Bound<'_>, _: Io<'_>) -> Result<Entry, Error> {
        // One draw for both; the IV then becomes public.
        let (intermediate, iv) = Secret::random_with::<IV>()?;
        let mut ciphertext = Vec::with_capacity(2 * WRAPPED);
        let tag_key = wrap::wrap_data_key(&intermediate, data_key, bound.bytes(), &mut ciphertext)?;
        self.key.seal(iv, bound.bytes(), intermediate.expose(), &mut ciphertext)?;
        let data_key = EncryptedDataKey {
            provider_id: Cow::Owned(self.namespace.as_bytes().to_vec()),
            provider_info: Cow::Owned([self.name.as_bytes(), LENGTHS, &iv].concat()),
            ciphertext: Cow::Owned(ciphertext),
        };
        Ok((data_key, tag_key))
    }

    async fn claim<'a>(&'a self, Found { data_key, .. }: Found<'a>) -> Result<Option<[u8; IV]>, Error> {
        let rest = || data_key.provider_info.strip_prefix(self.name.as_bytes())?.strip_prefix(LENGTHS)?.try_into().ok();
        Ok((*data_key.provider_id == *self.namespace.as_bytes()).then(rest).flatten())
    }

    async fn open<'a>(&'a self, Found { data_key, bound, .. }: Found<'a>, iv: [u8; IV]) -> Result<OpenKeys, Error> {
        let (wrapped, rest) = wrap::split(data_key)?;
        let rest: &[u8; WRAPPED] =
            rest.try_into().map_err(|_| wrap::malformed(data_key, "its ciphertext must have 96 bytes"))?;
        let failed = |at| Error::Unwrap { key: KeyName::of(data_key), at };
        let intermediate = self.key.open(iv, bound.bytes(), rest).ok_or_else(|| failed(Layer::IntermediateKey))?;
        wrap::unwrap_data_key(&intermediate, wrapped, bound.bytes()).ok_or_else(|| failed(Layer::DataKey))
    }

    fn key(&self) -> KeyName {
        KeyName::new(&self.namespace, &self.name)
    }
}

/// The key name in a provider info that has the form of this ring's.
pub(crate) fn key_name(info: &[u8]) -> Option<&[u8]> {
    let (rest, _) = info.split_last_chunk::<IV>()?;
    rest.strip_suffix(LENGTHS)
}

/// The tag's length in bits and the IV's length in bytes.
const LENGTHS: &[u8] = &[0, 0, 0, 128, 0, 0, 0, 12];

const RING: &str = "raw-aes";
