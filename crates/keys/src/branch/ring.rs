//! The hierarchical key ring (FORMAT 11.6).
//! Spec: `framework/aws-kms/aws-kms-hierarchical-keyring.md#onencrypt`, `#ondecrypt`.
//!
//! ```text
//!  provider id     "aws-kms-hierarchy"
//!  provider info   the branch key id
//!  wrapped K       field       bytes
//!                  salt        16
//!                  IV          12
//!                  version     16     of the branch key, a raw UUID
//!                  sealed K    48     with KDF(branch key, provider id, salt),
//!                                     bound to provider id || branch key id || version || context
//! ```

use std::borrow::Cow;
use std::sync::Arc;

use dynaseal_item::{Context, DataKey, EncryptedDataKey, OpenKeys, Suite};

use crate::branch::id::BranchKeyId;
use crate::branch::store::{BranchKey, KeyStore, KeyVersion};
use crate::cache::{Cache, CacheOptions, CacheReadings, CacheStats, Fetched};
use crate::error::{Error, Layer};
use crate::keyring::{Io, KeyName, Keyring, Wrapped};
use crate::secret::Secret;
use crate::wire::{BoxFuture, Service};
use crate::wrap::{self, Gcm, IV, WRAPPED};

/// The id of a branch key, and the version, or none for the one that seals.
type Name = (String, Option<KeyVersion>);

/// Wraps data keys with keys derived from a branch key, which is fetched once and then used for a while.
#[derive(Debug)]
pub struct Hierarchical {
    store: Arc<dyn KeyStore>,
    id: BranchKeyId,
    /// The active version (`None`) and each version that opens have entries of their own. An active key that is fetched
    /// fills both, so that who seals items and reads them fetches once.
    cache: Cache<Name, Arc<BranchKey>>,
}

impl Hierarchical {
    /// A key ring over a key store, whose branch keys are cached.
    ///
    /// # Errors
    /// Options of the cache that make no sense, or an empty id or attribute name.
    pub fn new(store: Arc<dyn KeyStore>, id: BranchKeyId, cache: CacheOptions) -> Result<Self, Error> {
        cache.check(RING)?;
        let config = |field, what| Err(Error::Config { ring: RING, field, what });
        match &id {
            BranchKeyId::Fixed(id) if !(1..=LONGEST).contains(&id.len()) => {
                return config("branch_key_id", "must have 1 to 65,535 bytes");
            }
            BranchKeyId::Attribute(name) if name.is_empty() => return config("branch_key_id_attribute", "is empty"),
            _ => {}
        }
        Ok(Self { store, id, cache: Cache::new(cache) })
    }

    /// What the cache has done.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        self.cache.stats()
    }

    async fn wrap_key(&self, data_key: &DataKey, context: &Context, io: Io<'_>) -> Result<Wrapped, Error> {
        let name: Name = (self.id.choose(context)?.into_owned(), None);
        if name.0.len() > LONGEST {
            return Err(Error::ContextTooLong);
        }
        let branch_key = self.branch_key(&name, io).await?;
        let (id, _) = name;
        let context = wrap::context_bytes(context)?;
        let (intermediate, public) = Secret::random_with::<{ SALT + IV }>()?;
        let (salt, iv) = public.split_first_chunk::<SALT>().ok_or(SPLIT)?;
        let iv = iv.try_into().map_err(|_| SPLIT)?;
        let key = Gcm::new_256(branch_key.kdf().derive(PROVIDER, salt)?.expose())?;
        let version = branch_key.version();

        let mut ciphertext = Vec::with_capacity(WRAPPED + LENGTH);
        let tag_key = wrap::wrap_data_key(&intermediate, data_key, &context, &mut ciphertext)?;
        ciphertext.extend_from_slice(&public);
        ciphertext.extend_from_slice(version.as_bytes());
        key.seal(iv, &bound(&id, version, &context), intermediate.expose(), &mut ciphertext)?;
        let data_key = EncryptedDataKey {
            provider_id: Cow::Borrowed(PROVIDER),
            provider_info: Cow::Owned(id.into_bytes()),
            ciphertext: Cow::Owned(ciphertext),
        };
        Ok(vec![(data_key, tag_key)])
    }

    async fn unwrap_key(
        &self,
        data_keys: &[EncryptedDataKey<'_>],
        context: &Context,
        io: Io<'_>,
    ) -> Result<Option<OpenKeys>, Error> {
        // An item of another kind of key ring need not name a branch key.
        if !data_keys.iter().any(hierarchical) {
            return Ok(None);
        }
        let mut name: Name = (self.id.choose(context)?.into_owned(), None);
        let context = wrap::context_bytes(context)?;
        let mut errors = Vec::new();
        for data_key in data_keys {
            if !hierarchical(data_key) || *data_key.provider_info != *name.0.as_bytes() {
                continue;
            }
            match self.open_key(data_key, &mut name, &context, io).await {
                Ok(keys) => return Ok(Some(keys)),
                Err(error) => errors.push(error),
            }
        }
        Error::collect(errors).map_or(Ok(None), Err)
    }

    async fn open_key(
        &self,
        data_key: &EncryptedDataKey<'_>,
        name: &mut Name,
        context: &[u8],
        io: Io<'_>,
    ) -> Result<OpenKeys, Error> {
        let (wrapped, rest) = wrap::split(data_key)?;
        let parts = Parts::read(rest).ok_or_else(|| wrap::malformed(data_key, "its ciphertext must have 140 bytes"))?;
        name.1 = Some(parts.version);
        let branch_key = self.branch_key(name, io).await?;
        let key = Gcm::new_256(branch_key.kdf().derive(PROVIDER, parts.salt)?.expose())?;
        let failed = |at| Error::Unwrap { key: KeyName::of(data_key), at };
        let intermediate = key.open(*parts.iv, &bound(&name.0, parts.version, context), parts.sealed);
        let intermediate = intermediate.ok_or_else(|| failed(Layer::IntermediateKey))?;
        wrap::unwrap_data_key(&intermediate, wrapped, context).ok_or_else(|| failed(Layer::DataKey))
    }

    async fn branch_key(&self, name: &Name, io: Io<'_>) -> Result<Arc<BranchKey>, Error> {
        let fetch = async {
            let (id, version) = name;
            let value = match version {
                None => self.store.active(id, io).await?,
                Some(version) => self.store.version(id, *version, io).await?,
            };
            let also = version.is_none().then(|| (id.clone(), Some(value.version())));
            Ok(Fetched { value, also })
        };
        self.cache.get(name, io.clock, fetch).await
    }
}

impl Keyring for Hierarchical {
    fn wrap<'a>(
        &'a self,
        data_key: &'a DataKey,
        _: Suite,
        context: &'a Context,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Wrapped, Error>> {
        Box::pin(self.wrap_key(data_key, context, io))
    }

    fn unwrap<'a>(
        &'a self,
        data_keys: &'a [EncryptedDataKey<'a>],
        _: Suite,
        context: &'a Context,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Option<OpenKeys>, Error>> {
        Box::pin(self.unwrap_key(data_keys, context, io))
    }

    fn needs(&self, service: Service) -> bool {
        self.store.needs(service)
    }

    fn keys(&self) -> Vec<KeyName> {
        let name = match &self.id {
            BranchKeyId::Fixed(id) => id.clone(),
            BranchKeyId::Attribute(name) => format!("<the value of attribute {name}>"),
        };
        vec![KeyName::new(RING, &name)]
    }

    fn caches(&self) -> CacheReadings {
        CacheReadings::from([(self.cache.id(), self.stats())])
    }
}

fn hierarchical(data_key: &EncryptedDataKey<'_>) -> bool {
    *data_key.provider_id == *PROVIDER
}

/// The fields of a wrapped intermediate key.
struct Parts<'a> {
    salt: &'a [u8; SALT],
    iv: &'a [u8; IV],
    version: KeyVersion,
    sealed: &'a [u8; WRAPPED],
}

impl<'a> Parts<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (salt, rest) = bytes.split_first_chunk()?;
        let (iv, rest) = rest.split_first_chunk()?;
        let (version, sealed) = rest.split_first_chunk()?;
        Some(Self { salt, iv, version: KeyVersion::from_bytes(*version), sealed: sealed.try_into().ok()? })
    }
}

/// What a wrapped intermediate key is bound to.
fn bound(id: &str, version: KeyVersion, context: &[u8]) -> Vec<u8> {
    [PROVIDER, id.as_bytes(), version.as_bytes(), context].concat()
}

/// The provider id, also the label of the key derivation and the start of what is bound.
const PROVIDER: &[u8] = RING.as_bytes();
const RING: &str = "aws-kms-hierarchy";

const SALT: usize = 16;
/// Salt, IV, version and sealed key.
const LENGTH: usize = SALT + IV + 16 + WRAPPED;
/// An id is a provider info, whose length the header writes in 16 bits.
const LONGEST: usize = 65_535;
const SPLIT: Error = Error::Library { at: "drawing random bytes" };
