//! The raw RSA key ring (FORMAT 11.4).
//! Spec: `framework/raw-rsa-keyring.md#onencrypt`, `#ondecrypt`.
//!
//! | part          | holds                                                                     |
//! |---------------|---------------------------------------------------------------------------|
//! | provider id   | the key namespace                                                         |
//! | provider info | the key name                                                              |
//! | wrapped K     | K, encrypted with the public key. RSA binds no context; the wrap of the data key under K does |

use std::borrow::Cow;

use dynaseal_item::{DataKey, EncryptedDataKey, OpenKeys};

use crate::error::{Error, Layer};
use crate::keyfile::KeyFile;
use crate::keyring::{Bound, Io, KeyName};
use crate::raw::named;
use crate::ring::{Entry, Found, Ring};
use crate::secret::Secret;
use crate::wrap::rsa::{Padding, PrivateKey, PublicKey};
use crate::wrap::{self, WRAPPED};

/// Wraps data keys with an RSA key of 2048 to 8192 bits: the public half seals, the private half opens.
#[derive(Debug)]
pub struct RawRsa {
    namespace: String,
    name: String,
    public: PublicKey,
    private: Option<PrivateKey>,
}

impl RawRsa {
    /// A key ring over keys in PEM: `PRIVATE KEY` (PKCS#8) or `RSA PRIVATE KEY` (PKCS#1), and `PUBLIC KEY` or
    /// `RSA PUBLIC KEY`. A private key brings its public half along; with a public key alone the ring only seals.
    /// Namespace and name are stored with every item and name the key for as long as such items exist.
    ///
    /// # Errors
    /// No key, one that is not such PEM or not such an RSA key, two that do not belong together, the namespace
    /// `aws-kms`, or names that are empty or too long.
    pub fn new(
        namespace: &str,
        name: &str,
        padding: Padding,
        private_pem: Option<&str>,
        public_pem: Option<&str>,
    ) -> Result<Self, Error> {
        named(RING, namespace, name)?;
        let private = private_pem.map(|pem| KeyFile::private(RING, pem).rsa_private(padding)).transpose()?;
        let public = public_pem.map(|pem| KeyFile::public(RING, pem).rsa_public(padding)).transpose()?;
        let public = match (&private, public) {
            (None, None) => return config("private_key_file", "and public_key_file are both missing; one is needed"),
            (Some(private), Some(public)) if !public.belongs_to(private) => {
                return config("public_key_file", "does not belong to private_key_file");
            }
            (_, Some(public)) => public,
            (Some(private), None) => private.public_key(),
        };
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned(), public, private })
    }
}

impl Ring for RawRsa {
    type Own<'a> = &'a PrivateKey;

    async fn wrap(&self, data_key: &DataKey, bound: &Bound<'_>, _: Io<'_>) -> Result<Entry, Error> {
        let intermediate = Secret::random()?;
        let mut ciphertext = Vec::with_capacity(WRAPPED);
        let tag_key = wrap::wrap_data_key(&intermediate, data_key, bound.bytes(), &mut ciphertext)?;
        self.public.wrap(intermediate.expose(), &mut ciphertext)?;
        let data_key = EncryptedDataKey {
            provider_id: Cow::Owned(self.namespace.as_bytes().to_vec()),
            provider_info: Cow::Owned(self.name.as_bytes().to_vec()),
            ciphertext: Cow::Owned(ciphertext),
        };
        Ok((data_key, tag_key))
    }

    async fn claim<'a>(&'a self, Found { data_key, .. }: Found<'a>) -> Result<Option<&'a PrivateKey>, Error> {
        if *data_key.provider_id != *self.namespace.as_bytes() || *data_key.provider_info != *self.name.as_bytes() {
            return Ok(None);
        }
        let lacking = || Error::SealOnly { key: self.key(), why: "it has no private key" };
        self.private.as_ref().ok_or_else(lacking).map(Some)
    }

    async fn open<'a>(
        &'a self,
        Found { data_key, bound, .. }: Found<'a>,
        private: &'a PrivateKey,
    ) -> Result<OpenKeys, Error> {
        let (wrapped, rest) = wrap::split(data_key)?;
        let intermediate = private.unwrap(rest)?;
        let failed = || Error::Unwrap { key: self.key(), at: Layer::DataKey };
        wrap::unwrap_data_key(&intermediate, wrapped, bound.bytes()).ok_or_else(failed)
    }

    fn key(&self) -> KeyName {
        KeyName::new(&self.namespace, &self.name)
    }
}

fn config<T>(field: &'static str, what: &'static str) -> Result<T, Error> {
    Err(Error::Config { ring: RING, field, what })
}

const RING: &str = "raw-rsa";
