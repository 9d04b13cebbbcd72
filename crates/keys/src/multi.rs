//! The multi key ring (FORMAT 11.9): every ring that can wrap does, and one that opens is enough. DB-ESDK fails to seal if
//! one of the rings only opens; here such a ring is for reading.
//! Spec: `framework/multi-keyring.md#onencrypt`, `#ondecrypt`.

use std::sync::Arc;

use dynaseal_item::{DataKey, EncryptedDataKey, OpenKeys, Suite};

use crate::cache::CacheReadings;
use crate::error::Error;
use crate::keyring::{Bound, Io, KeyName, Keyring, Wrapped};
use crate::kms::arn::multi_region_id;
use crate::kms::ring::PROVIDER;
use crate::wire::{BoxFuture, Service};

/// Several key rings as one. A sealed item can be opened with any of them.
#[derive(Debug)]
pub struct Multi {
    /// The generator, if there is one, before the children.
    rings: Vec<Arc<dyn Keyring>>,
}

impl Multi {
    /// The generator comes first, in the header and in opening; the children follow in order.
    ///
    /// # Errors
    /// There is neither a generator nor a child, or several rings over replicas of one multi-Region key: each opens what
    /// the others seal, and nothing says which Region is to be called.
    pub fn new(generator: Option<Arc<dyn Keyring>>, children: Vec<Arc<dyn Keyring>>) -> Result<Self, Error> {
        let rings: Vec<_> = generator.into_iter().chain(children).collect();
        if rings.is_empty() {
            return Err(Error::Config {
                ring: "multi",
                field: "children",
                what: "is empty, and there is no generator",
            });
        }
        replicas(&rings)?;
        Ok(Self { rings })
    }
}

/// Refuses rings over replicas of one multi-Region key.
/// Spec: `framework/aws-kms/aws-kms-mrk-are-unique.md#implementation`.
fn replicas(rings: &[Arc<dyn Keyring>]) -> Result<(), Error> {
    let rings = rings.iter().enumerate();
    let keys = rings.flat_map(|(place, ring)| ring.multi_region_keys().into_iter().map(move |key| (place, key)));
    let keys: Vec<_> = keys.map(|(place, key)| (place, key, multi_region_id(key))).collect();
    let again = keys.iter().filter(|(_, _, id)| keys.iter().filter(|(_, _, other)| other == id).count() > 1);
    let (places, keys): (Vec<_>, Vec<_>) = again.map(|(place, key, _)| (*place, KeyName::new(PROVIDER, key))).unzip();
    if keys.is_empty() { Ok(()) } else { Err(Error::Replicas { keys, places }) }
}

impl Keyring for Multi {
    fn wrap<'a>(
        &'a self,
        data_key: &'a DataKey,
        bound: &'a Bound<'a>,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Wrapped, Error>> {
        Box::pin(async move {
            let mut all = Vec::with_capacity(self.rings.len());
            for ring in self.rings.iter().filter(|ring| ring.seals() || !self.seals()) {
                let wrapped = ring.wrap(data_key, bound, io).await?;
                if wrapped.is_empty() {
                    return Err(Error::Count { count: 0 });
                }
                all.extend(wrapped);
            }
            Ok(all)
        })
    }

    fn unwrap<'a>(
        &'a self,
        data_keys: &'a [EncryptedDataKey<'a>],
        bound: &'a Bound<'a>,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Option<OpenKeys>, Error>> {
        Box::pin(async move {
            let mut errors = Vec::new();
            for ring in &self.rings {
                match ring.unwrap(data_keys, bound, io).await {
                    Ok(None) => {}
                    Ok(opened) => return Ok(opened),
                    Err(error) => errors.push(error),
                }
            }
            Error::collect(errors).map_or(Ok(None), Err)
        })
    }

    fn keys(&self) -> Vec<KeyName> {
        self.rings.iter().flat_map(|ring| ring.keys()).collect()
    }

    fn multi_region_keys(&self) -> Vec<&str> {
        self.rings.iter().flat_map(|ring| ring.multi_region_keys()).collect()
    }

    fn seals(&self) -> bool {
        self.rings.iter().any(|ring| ring.seals())
    }

    fn accepts(&self, suite: Suite) -> bool {
        self.rings.iter().filter(|ring| ring.seals()).all(|ring| ring.accepts(suite))
    }

    fn needs(&self, service: Service) -> bool {
        self.rings.iter().any(|ring| ring.needs(service))
    }

    fn caches(&self) -> CacheReadings {
        self.rings.iter().flat_map(|ring| ring.caches()).collect()
    }
}
