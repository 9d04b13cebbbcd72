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

use dynaseal_item::{Context, DataKey, EncryptedDataKey, OpenKeys, Suite};

use crate::error::{Error, Layer};
use crate::keyring::{Io, KeyName, Keyring, Wrapped, first_of};
use crate::raw::named;
use crate::secret::Secret;
use crate::wire::BoxFuture;
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
    /// A key of another length, the namespace `aws-kms`, or names that are empty or too long.
    pub fn new(namespace: &str, name: &str, key: &[u8]) -> Result<Self, Error> {
        named(RING, namespace, name)?;
        let wrong = Error::Config { ring: RING, field: "key", what: "must have 16, 24 or 32 bytes" };
        let key = Gcm::from_slice(key).ok_or(wrong)??;
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned(), key })
    }

    fn wrap_key(&self, data_key: &DataKey, context: &Context) -> Result<Wrapped, Error> {
        let context = wrap::context_bytes(context)?;
        // One draw for both; the IV then becomes public.
        let (intermediate, iv) = Secret::random_with::<IV>()?;
        let mut ciphertext = Vec::with_capacity(2 * WRAPPED);
        let tag_key = wrap::wrap_data_key(&intermediate, data_key, &context, &mut ciphertext)?;
        self.key.seal(iv, &context, intermediate.expose(), &mut ciphertext)?;
        let data_key = EncryptedDataKey {
            provider_id: Cow::Owned(self.namespace.as_bytes().to_vec()),
            provider_info: Cow::Owned([self.name.as_bytes(), LENGTHS, &iv].concat()),
            ciphertext: Cow::Owned(ciphertext),
        };
        Ok(vec![(data_key, tag_key)])
    }

    /// The IV, if an encrypted data key is this ring's own.
    fn claim(&self, data_key: &EncryptedDataKey<'_>) -> Option<[u8; IV]> {
        if *data_key.provider_id != *self.namespace.as_bytes() {
            return None;
        }
        let rest = data_key.provider_info.strip_prefix(self.name.as_bytes())?;
        rest.strip_prefix(LENGTHS)?.try_into().ok()
    }

    fn open_key(&self, data_key: &EncryptedDataKey<'_>, iv: [u8; IV], context: &[u8]) -> Result<OpenKeys, Error> {
        let (wrapped, rest) = wrap::split(data_key)?;
        let rest: &[u8; WRAPPED] =
            rest.try_into().map_err(|_| wrap::malformed(data_key, "its ciphertext must have 96 bytes"))?;
        let failed = |at| Error::Unwrap { key: KeyName::of(data_key), at };
        let intermediate = self.key.open(iv, context, rest).ok_or_else(|| failed(Layer::IntermediateKey))?;
        wrap::unwrap_data_key(&intermediate, wrapped, context).ok_or_else(|| failed(Layer::DataKey))
    }

    fn unwrap_key(&self, data_keys: &[EncryptedDataKey<'_>], context: &Context) -> Result<Option<OpenKeys>, Error> {
        let mut own = data_keys.iter().filter_map(|data_key| Some((data_key, self.claim(data_key)?))).peekable();
        if own.peek().is_none() {
            return Ok(None);
        }
        let context = wrap::context_bytes(context)?;
        first_of(own, |(data_key, iv)| self.open_key(data_key, iv, &context))
    }
}

impl Keyring for RawAes {
    fn wrap<'a>(
        &'a self,
        data_key: &'a DataKey,
        _: Suite,
        context: &'a Context,
        _: Io<'a>,
    ) -> BoxFuture<'a, Result<Wrapped, Error>> {
        Box::pin(async move { self.wrap_key(data_key, context) })
    }

    fn unwrap<'a>(
        &'a self,
        data_keys: &'a [EncryptedDataKey<'a>],
        _: Suite,
        context: &'a Context,
        _: Io<'a>,
    ) -> BoxFuture<'a, Result<Option<OpenKeys>, Error>> {
        Box::pin(async move { self.unwrap_key(data_keys, context) })
    }

    fn keys(&self) -> Vec<KeyName> {
        vec![KeyName::new(&self.namespace, &self.name)]
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
