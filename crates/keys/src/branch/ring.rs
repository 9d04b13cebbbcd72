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

use dynaseal_item::{DataKey, EncryptedDataKey, OpenKeys};

use crate::branch::id::BranchKeyId;
use crate::branch::store::{BranchKey, KeyStore, KeyVersion};
use crate::cache::{Cache, CacheOptions, CacheReadings, CacheStats, Fetched};
use crate::error::{Error, Layer};
use crate::keyring::{Bound, Io, KeyName};
use crate::ring::{Entry, Found, Ring};
use crate::secret::Secret;
use crate::wire::Service;
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

impl Ring for Hierarchical {
    /// The branch key's id.
    type Own<'a> = Cow<'a, str>;

    async fn wrap(&self, data_key: &DataKey, bound: &Bound<'_>, io: Io<'_>) -> Result<Entry, Error> {
        let name: Name = (self.id.choose(bound.context())?.into_owned(), None);
        if name.0.len() > LONGEST {
            return Err(Error::ContextTooLong);
        }
        let branch_key = self.branch_key(&name, io).await?;
        let (id, _) = name;
        let (intermediate, public) = Secret::random_with::<{ SALT + IV }>()?;
        let (salt, iv) = public.split_first_chunk::<SALT>().ok_or(SPLIT)?;
        let iv = iv.try_into().map_err(|_| SPLIT)?;
        let key = Gcm::new_256(branch_key.kdf().derive(PROVIDER, salt)?.expose())?;
        let version = branch_key.version();

        let mut ciphertext = Vec::with_capacity(WRAPPED + LENGTH);
        let tag_key = wrap::wrap_data_key(&intermediate, data_key, bound.bytes(), &mut ciphertext)?;
        ciphertext.extend_from_slice(&public);
        ciphertext.extend_from_slice(version.as_bytes());
        key.seal(iv, &bound_to(&id, version, bound), intermediate.expose(), &mut ciphertext)?;
        let data_key = EncryptedDataKey {
            provider_id: Cow::Borrowed(PROVIDER),
            provider_info: Cow::Owned(id.into_bytes()),
            ciphertext: Cow::Owned(ciphertext),
        };
        Ok((data_key, tag_key))
    }

    async fn claim<'a>(&'a self, Found { data_key, bound, .. }: Found<'a>) -> Result<Option<Cow<'a, str>>, Error> {
        // An item of another kind of key ring need not name a branch key.
        if *data_key.provider_id != *PROVIDER {
            return Ok(None);
        }
        let id = self.id.choose(bound.context())?;
        Ok((*data_key.provider_info == *id.as_bytes()).then_some(id))
    }

    async fn open<'a>(&'a self, Found { data_key, bound, io }: Found<'a>, id: Cow<'a, str>) -> Result<OpenKeys, Error> {
        let (wrapped, rest) = wrap::split(data_key)?;
        let parts = Parts::read(rest).ok_or_else(|| wrap::malformed(data_key, "its ciphertext must have 140 bytes"))?;
        let name: Name = (id.into_owned(), Some(parts.version));
        let branch_key = self.branch_key(&name, io).await?;
        let key = Gcm::new_256(branch_key.kdf().derive(PROVIDER, parts.salt)?.expose())?;
        let failed = |at| Error::Unwrap { key: KeyName::of(data_key), at };
        let intermediate = key.open(*parts.iv, &bound_to(&name.0, parts.version, bound), parts.sealed);
        let intermediate = intermediate.ok_or_else(|| failed(Layer::IntermediateKey))?;
        wrap::unwrap_data_key(&intermediate, wrapped, bound.bytes()).ok_or_else(|| failed(Layer::DataKey))
    }

    fn key(&self) -> KeyName {
        match &self.id {
            BranchKeyId::Fixed(id) => KeyName::new(RING, id),
            BranchKeyId::Attribute(name) => KeyName::new(RING, &format!("<the value of attribute {name}>")),
        }
    }

    fn needs(&self, service: Service) -> bool {
        self.store.needs(service)
    }

    fn caches(&self) -> CacheReadings {
        CacheReadings::from([(self.cache.id(), self.stats())])
    }
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
fn bound_to(id: &str, version: KeyVersion, bound: &Bound<'_>) -> Vec<u8> {
    [PROVIDER, id.as_bytes(), version.as_bytes(), bound.bytes()].concat()
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
