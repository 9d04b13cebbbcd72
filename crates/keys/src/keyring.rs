//! A key ring: what adds wrapped data keys to an item when it is sealed, and opens one of them when it is read.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_lock::OnceCell;
use dynaseal_item::{Context, DataKey, EncryptedDataKey, OpenKeys, Suite, TagKey};

use crate::cache::CacheReadings;
use crate::error::Error;
use crate::raw;
use crate::wire::{BoxFuture, Service, Wire};
use crate::wrap;
use crate::wrap::ecdh::ecdh_parties;

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

    /// Waits. Heads with a runtime use its timers.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()>;
}

/// The computer's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
    }

    /// Without a runtime there are no timers, so a thread waits.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        let over = Arc::new(OnceCell::new());
        let set = Arc::clone(&over);
        let thread = std::thread::Builder::new().spawn(move || {
            std::thread::sleep(time);
            let _ = set.set_blocking(());
        });
        Box::pin(async move {
            // Without a thread there is no waiting, which costs a try and loses nothing.
            if thread.is_ok() {
                over.wait().await;
            }
        })
    }
}

/// What a data key is bound to: all that a key ring knows of the item.
pub struct Bound<'a> {
    suite: Suite,
    context: &'a Context,
    bytes: Vec<u8>,
    most_data_keys: Option<usize>,
}

impl<'a> Bound<'a> {
    /// A suite and the full encryption context, with the public key of suites that sign.
    ///
    /// # Errors
    /// The context is longer than the format can hold.
    pub fn new(suite: Suite, context: &'a Context) -> Result<Self, Error> {
        Ok(Self { suite, context, bytes: wrap::context_bytes(context)?, most_data_keys: None })
    }

    /// The suite of the item.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// The encryption context.
    #[must_use]
    pub fn context(&self) -> &'a Context {
        self.context
    }

    /// How many data keys of its own a ring may find in an item, if not as many as by default.
    pub(crate) fn most_data_keys(&self) -> Option<usize> {
        self.most_data_keys
    }

    /// The same with another bound.
    pub(crate) fn at_most(&self, data_keys: usize) -> Self {
        let Self { suite, context, .. } = *self;
        Self { suite, context, bytes: self.bytes.clone(), most_data_keys: Some(data_keys) }
    }

    /// The bytes of the encryption context, which every wrap is bound to (FORMAT 11.1).
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Wrapped copies of a data key, each with its tag key.
pub type Wrapped = Vec<(EncryptedDataKey<'static>, TagKey)>;

/// Adds wrapped data keys and opens them.
pub trait Keyring: Send + Sync + Debug {
    /// Wraps the data key: one or more encrypted data keys, in the order in which the header is to hold them.
    fn wrap<'a>(
        &'a self,
        data_key: &'a DataKey,
        bound: &'a Bound<'a>,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Wrapped, Error>>;

    /// Opens one of the encrypted data keys. There are three answers: `None`, none of them is mine; the keys; or an
    /// error, at least one is mine and none of mine opens.
    fn unwrap<'a>(
        &'a self,
        data_keys: &'a [EncryptedDataKey<'a>],
        bound: &'a Bound<'a>,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Option<OpenKeys>, Error>>;

    /// The keys that this ring is configured for, to be named in errors.
    fn keys(&self) -> Vec<KeyName>;

    /// The multi-Region keys whose data keys it opens also where other replicas wrapped them. Most rings have none.
    fn multi_region_keys(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Whether it can wrap at all. Inside a multi key ring, one that cannot is left out when items are sealed.
    fn seals(&self) -> bool {
        true
    }

    /// Whether the ring can be used for items of a suite.
    fn accepts(&self, _suite: Suite) -> bool {
        true
    }

    /// Whether the ring calls a service, so that heads can tell before the first call what they must be able to reach.
    fn needs(&self, _service: Service) -> bool {
        false
    }

    /// What its caches have done, for metrics. Most rings have none.
    fn caches(&self) -> CacheReadings {
        CacheReadings::new()
    }
}

/// Names a key, as text that is safe to print.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyName {
    provider: Box<str>,
    key: Box<str>,
}

impl KeyName {
    /// A key of a provider; either part may be any text.
    #[must_use]
    pub fn new(provider: &str, key: &str) -> Self {
        Self { provider: printable(provider.as_bytes()), key: printable(key.as_bytes()) }
    }

    /// Whether it is a key of this provider.
    pub(crate) fn is_of(&self, provider: &str) -> bool {
        &*self.provider == provider
    }

    /// Who wrapped an encrypted data key, as far as it says.
    #[must_use]
    pub fn of(data_key: &EncryptedDataKey<'_>) -> Self {
        let provider = printable(&data_key.provider_id);
        if let Some(key) = ecdh_parties(data_key) {
            return Self { provider, key: key.into() };
        }
        let info = raw::aes::key_name(&data_key.provider_info).unwrap_or(&data_key.provider_info);
        Self { provider, key: printable(info) }
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" key \"{}\"", self.provider, self.key)
    }
}

impl Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text without control characters, and not too much of it: what an item says about its keys is not to be trusted.
fn printable(bytes: &[u8]) -> Box<str> {
    let text = String::from_utf8_lossy(bytes);
    let mut out: String = text.chars().take(PRINTED).flat_map(char::escape_debug).collect();
    if text.chars().nth(PRINTED).is_some() {
        out.push('…');
    }
    out.into_boxed_str()
}

const PRINTED: usize = 200;
