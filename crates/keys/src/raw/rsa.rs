//! The raw RSA key ring (FORMAT 11.4).
//! Spec: `framework/raw-rsa-keyring.md#onencrypt`, `#ondecrypt`.
//!
//! | part          | holds                                                                     |
//! |---------------|---------------------------------------------------------------------------|
//! | provider id   | the key namespace                                                         |
//! | provider info | the key name                                                              |
//! | wrapped K     | K, encrypted with the public key. RSA binds no context; the wrap of the data key under K does |

use std::borrow::Cow;

use dynaseal_item::{Context, DataKey, EncryptedDataKey, OpenKeys, Suite};

use crate::error::{Error, Layer};
use crate::keyfile::KeyFile;
use crate::keyring::{Io, KeyName, Keyring, Wrapped, first_of};
use crate::raw::named;
use crate::secret::Secret;
use crate::wire::BoxFuture;
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

    fn wrap_key(&self, data_key: &DataKey, context: &Context) -> Result<Wrapped, Error> {
        let context = wrap::context_bytes(context)?;
        let intermediate = Secret::random()?;
        let mut ciphertext = Vec::with_capacity(WRAPPED);
        let tag_key = wrap::wrap_data_key(&intermediate, data_key, &context, &mut ciphertext)?;
        self.public.wrap(intermediate.expose(), &mut ciphertext)?;
        let data_key = EncryptedDataKey {
            provider_id: Cow::Owned(self.namespace.as_bytes().to_vec()),
            provider_info: Cow::Owned(self.name.as_bytes().to_vec()),
            ciphertext: Cow::Owned(ciphertext),
        };
        Ok(vec![(data_key, tag_key)])
    }

    fn owns(&self, data_key: &EncryptedDataKey<'_>) -> bool {
        *data_key.provider_id == *self.namespace.as_bytes() && *data_key.provider_info == *self.name.as_bytes()
    }

    fn unwrap_key(&self, data_keys: &[EncryptedDataKey<'_>], context: &Context) -> Result<Option<OpenKeys>, Error> {
        let mut own = data_keys.iter().filter(|data_key| self.owns(data_key)).peekable();
        if own.peek().is_none() {
            return Ok(None);
        }
        let Some(private) = &self.private else {
            return Err(Error::SealOnly { key: self.key_name(), why: "it has no private key" });
        };
        let context = wrap::context_bytes(context)?;
        first_of(own, |data_key| {
            let (wrapped, rest) = wrap::split(data_key)?;
            let intermediate = private.unwrap(rest)?;
            let failed = || Error::Unwrap { key: self.key_name(), at: Layer::DataKey };
            wrap::unwrap_data_key(&intermediate, wrapped, &context).ok_or_else(failed)
        })
    }

    fn key_name(&self) -> KeyName {
        KeyName::new(&self.namespace, &self.name)
    }
}

impl Keyring for RawRsa {
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
        vec![self.key_name()]
    }
}

fn config<T>(field: &'static str, what: &'static str) -> Result<T, Error> {
    Err(Error::Config { ring: RING, field, what })
}

const RING: &str = "raw-rsa";
