//! What nearly every key ring is: it wraps a data key once, and of those in an item it can tell its own.

use std::fmt::Debug;
use std::future::Future;

use dynaseal_item::{DataKey, EncryptedDataKey, OpenKeys, Suite, TagKey};

use crate::cache::CacheReadings;
use crate::error::Error;
use crate::keyring::{Bound, Io, KeyName, Keyring, Wrapped};
use crate::wire::{BoxFuture, Service};

/// A data key as a ring wrapped it, and its tag key.
pub(crate) type Entry = (EncryptedDataKey<'static>, TagKey);

/// An encrypted data key of an item, and what may be used to open it.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) data_key: &'a EncryptedDataKey<'a>,
    pub(crate) bound: &'a Bound<'a>,
    pub(crate) io: Io<'a>,
}

/// A key ring in its parts; whatever is one is a [`Keyring`].
pub(crate) trait Ring: Send + Sync + Debug {
    /// What a ring finds in an encrypted data key of its own, and needs to open it.
    type Own<'a>: Send
    where
        Self: 'a;

    /// Wraps the data key.
    fn wrap(
        &self,
        data_key: &DataKey,
        bound: &Bound<'_>,
        io: Io<'_>,
    ) -> impl Future<Output = Result<Entry, Error>> + Send;

    /// Looks whether an encrypted data key is the ring's own. An error is one even beside others that would open.
    fn claim<'a>(&'a self, found: Found<'a>) -> impl Future<Output = Result<Option<Self::Own<'a>>, Error>> + Send;

    /// Opens an encrypted data key of its own.
    fn open<'a>(&'a self, found: Found<'a>, own: Self::Own<'a>)
    -> impl Future<Output = Result<OpenKeys, Error>> + Send;

    /// As [`Keyring::keys`], of a ring that has one.
    fn key(&self) -> KeyName;

    /// As [`Keyring::multi_region_keys`], of a ring that has at most one.
    fn multi_region_key(&self) -> Option<&str> {
        None
    }

    /// How many data keys of its own an item may have, where nothing else is said; see [`AtMost`](crate::AtMost).
    fn most_data_keys(&self) -> usize {
        ONE_KEY
    }

    /// As [`Keyring::seals`].
    fn seals(&self) -> bool {
        true
    }

    /// As [`Keyring::accepts`].
    fn accepts(&self, _suite: Suite) -> bool {
        true
    }

    /// As [`Keyring::needs`].
    fn needs(&self, _service: Service) -> bool {
        false
    }

    /// As [`Keyring::caches`].
    fn caches(&self) -> CacheReadings {
        CacheReadings::new()
    }
}

impl<R: Ring> Keyring for R {
    fn wrap<'a>(
        &'a self,
        data_key: &'a DataKey,
        bound: &'a Bound<'a>,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Wrapped, Error>> {
        Box::pin(async move { Ok(vec![Ring::wrap(self, data_key, bound, io).await?]) })
    }

    fn unwrap<'a>(
        &'a self,
        data_keys: &'a [EncryptedDataKey<'a>],
        bound: &'a Bound<'a>,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Option<OpenKeys>, Error>> {
        Box::pin(async move {
            // Most items have one of its own, for which nothing is allocated.
            let (mut first, mut others) = (None, Vec::new());
            let most = bound.most_data_keys().unwrap_or_else(|| self.most_data_keys());
            for data_key in data_keys {
                let found = Found { data_key, bound, io };
                match self.claim(found).await? {
                    Some(own) if first.is_none() => first = Some((found, own)),
                    own => others.extend(own.map(|own| (found, own))),
                }
                // Each of them may cost a call, and whoever writes to the table may have put them there.
                if others.len() >= most {
                    return Err(Error::TooMany { key: self.key(), most });
                }
            }
            // The errors of those that fail are kept until one opens.
            let mut errors = Vec::new();
            for (found, own) in first.into_iter().chain(others) {
                match self.open(found, own).await {
                    Ok(keys) => return Ok(Some(keys)),
                    Err(error) => errors.push(error),
                }
            }
            Error::collect(errors).map_or(Ok(None), Err)
        })
    }

    fn keys(&self) -> Vec<KeyName> {
        vec![self.key()]
    }

    fn multi_region_keys(&self) -> Vec<&str> {
        self.multi_region_key().into_iter().collect()
    }

    fn seals(&self) -> bool {
        Ring::seals(self)
    }

    fn accepts(&self, suite: Suite) -> bool {
        Ring::accepts(self, suite)
    }

    fn needs(&self, service: Service) -> bool {
        Ring::needs(self, service)
    }

    fn caches(&self) -> CacheReadings {
        Ring::caches(self)
    }
}

/// One key wraps a data key once, and AWS's clients may name it again in a multi key ring.
pub(crate) const ONE_KEY: usize = 3;
/// A discovery ring opens what others seal for several of its keys.
pub(crate) const ANY_KEY: usize = 10;
