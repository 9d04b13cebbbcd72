//! A key ring with another bound for the data keys of its own in an item.

use std::sync::Arc;

use dynaseal_item::{DataKey, EncryptedDataKey, OpenKeys, Suite};

use crate::cache::CacheReadings;
use crate::error::Error;
use crate::keyring::{Bound, Io, KeyName, Keyring, Wrapped};
use crate::wire::{BoxFuture, Service};

/// Refuses items that have more than so many encrypted data keys of the ring's own, before anything is called to open one.
/// Without it a ring of one key takes up to 3, and a discovery ring up to 10. In a multi key ring each ring has its own bound.
#[derive(Debug)]
pub struct AtMost {
    ring: Arc<dyn Keyring>,
    data_keys: usize,
}

impl AtMost {
    /// A ring with a bound.
    #[must_use]
    pub fn new(ring: Arc<dyn Keyring>, data_keys: usize) -> Self {
        Self { ring, data_keys }
    }
}

impl Keyring for AtMost {
    fn wrap<'a>(
        &'a self,
        data_key: &'a DataKey,
        bound: &'a Bound<'a>,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Wrapped, Error>> {
        self.ring.wrap(data_key, bound, io)
    }

    fn unwrap<'a>(
        &'a self,
        data_keys: &'a [EncryptedDataKey<'a>],
        bound: &'a Bound<'a>,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Option<OpenKeys>, Error>> {
        Box::pin(async move { self.ring.unwrap(data_keys, &bound.at_most(self.data_keys), io).await })
    }

    fn keys(&self) -> Vec<KeyName> {
        self.ring.keys()
    }

    fn multi_region_keys(&self) -> Vec<&str> {
        self.ring.multi_region_keys()
    }

    fn seals(&self) -> bool {
        self.ring.seals()
    }

    fn accepts(&self, suite: Suite) -> bool {
        self.ring.accepts(suite)
    }

    fn needs(&self, service: Service) -> bool {
        self.ring.needs(service)
    }

    fn caches(&self) -> CacheReadings {
        self.ring.caches()
    }
}
