//! The default materials manager (FORMAT 13.1): asks a key ring, checks its answer, hands keys to the item.
//! Spec: `framework/default-cmm.md#get-encryption-materials`, `#decrypt-materials`.

use std::sync::Arc;

use dynaseal_item::{Context, DataKey, EncryptedDataKey, OpenKeys, PUBLIC_KEY, SealKeys, SigningKey, Suite};

use crate::cache::CacheReadings;
use crate::error::Error;
use crate::keyring::{Bound, Io, KeyName, Keyring};
use crate::secret::{Secret, random};
use crate::wire::Service;

/// Gives the keys of items, from one key ring.
#[derive(Clone, Debug)]
pub struct Provider(Arc<dyn Keyring>);

impl Provider {
    /// A provider over a key ring.
    #[must_use]
    pub fn new(ring: Arc<dyn Keyring>) -> Self {
        Self(ring)
    }

    /// What the caches of its key ring have done.
    #[must_use]
    pub fn caches(&self) -> CacheReadings {
        self.0.caches()
    }

    /// Whether giving keys takes calls of a service.
    #[must_use]
    pub fn needs(&self, service: Service) -> bool {
        self.0.needs(service)
    }

    /// Keys to seal one item, and no other: a fresh data key, wrapped and bound to `context`, and where the suite signs a
    /// fresh signing key, whose public half joins the context before the key ring binds it.
    ///
    /// # Errors
    /// The context holds a key that belongs to the format, or the key ring gave no key.
    pub async fn seal_keys(&self, suite: Suite, context: &Context, io: Io<'_>) -> Result<SealKeys, Error> {
        if context.get(PUBLIC_KEY).is_some() {
            return Err(Error::ReservedContext);
        }
        let mut context = context.clone();
        let signing_key = if suite.signs() { Some(add_signing_key(&mut context)?) } else { None };
        let data_key = DataKey::new(*Secret::random()?.expose());
        let wrapped = self.0.wrap(&data_key, &Bound::new(suite, &context)?, io).await?;
        match wrapped.len() {
            1..=MOST => Ok(SealKeys { data_key, wrapped, context, signing_key }),
            count => Err(Error::Count { count }),
        }
    }

    /// Keys to open one item. `context` is the full context, the stored part included.
    ///
    /// # Errors
    /// The context has a public key and no signature or the other way round, no key ring owns an encrypted data key, or
    /// none of those it owns opens.
    pub async fn open_keys(
        &self,
        suite: Suite,
        data_keys: &[EncryptedDataKey<'_>],
        context: &Context,
        io: Io<'_>,
    ) -> Result<OpenKeys, Error> {
        if context.get(PUBLIC_KEY).is_some() != suite.signs() {
            return Err(Error::PublicKey);
        }
        let opened = self.0.unwrap(data_keys, &Bound::new(suite, context)?, io).await?;
        opened.ok_or_else(|| Error::NotMine {
            found: data_keys.iter().map(KeyName::of).collect(),
            configured: self.0.keys(),
        })
    }
}

/// A fresh message id (FORMAT 7.2).
///
/// # Errors
/// There is no randomness.
pub fn message_id() -> Result<[u8; 32], Error> {
    random()
}

fn add_signing_key(context: &mut Context) -> Result<SigningKey, Error> {
    let failed = Error::Library { at: "making a signing key" };
    let key = SigningKey::generate().ok_or(failed.clone())?;
    context.insert(PUBLIC_KEY, key.public_key().ok_or(failed)?);
    Ok(key)
}

/// A header counts its encrypted data keys in one byte.
const MOST: usize = 255;
