//! A key ring: what adds wrapped data keys to an item when it is sealed, and opens one of them when it is read.

use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use dynaseal_item::{Context, DataKey, EncryptedDataKey, OpenKeys, Suite, TagKey};

use crate::error::Error;
use crate::wire::{BoxFuture, Wire};

/// What a key ring may use of the world outside.
#[derive(Clone, Copy)]
pub struct Io<'a> {
    /// The network.
    pub wire: &'a dyn Wire,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// The time, passed in so that tests can move it.
pub trait Clock: Send + Sync {
    /// Time since the Unix epoch.
    fn now(&self) -> Duration;
}

/// The computer's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }
}

/// Wrapped copies of a data key, each with its tag key.
pub type Wrapped = Vec<(EncryptedDataKey<'static>, TagKey)>;

/// Adds wrapped data keys and opens them. Three answers on opening: not mine (`None`), here it is, mine but broken
/// (an error).
pub trait Keyring: Send + Sync + Debug {
    /// Wraps the data key, bound to the full encryption context.
    fn wrap<'a>(
        &'a self,
        data_key: &'a DataKey,
        suite: Suite,
        context: &'a Context,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Wrapped, Error>>;

    /// Opens the first of the encrypted data keys that is this ring's own.
    fn unwrap<'a>(
        &'a self,
        data_keys: &'a [EncryptedDataKey<'a>],
        suite: Suite,
        context: &'a Context,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Option<OpenKeys>, Error>>;
}
