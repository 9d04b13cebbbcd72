//! A cache for what is dear to fetch (FORMAT 13.4). While a key is fetched, everyone else who needs it waits for that one
//! flight. It needs no runtime: whoever finds that a key should be fetched does so itself.
//!
//! ```text
//!  fetched         due                ttl               ttl + keep_for
//!  |───────────────|──────────────────|─────────────────|───────────────>  age
//!  | used          | used; one caller | used only while | gone
//!  |               | fetches it anew  | the store is    |
//!  |               |                  | known to be down|
//! ```
//!
//! An outage is remembered for up to a second, per key, so that a store that is down is not asked once for each call. Any
//! other failure goes to those who waited for it and is forgotten.

mod options;
mod state;
mod stats;

use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use options::{CacheOptions, WhenUnavailable};
pub use stats::{CacheId, CacheReadings, CacheStats};

use crate::error::Error;
use crate::keyring::Clock;
use state::{Flight, Found, State, Turn};

/// Values by key, each used for a limited time.
pub(crate) struct Cache<K, V> {
    id: CacheId,
    state: Mutex<State<K, V>>,
}

/// What a fetch brings.
pub(crate) struct Fetched<K, V> {
    pub(crate) value: V,
    /// Another key under which the same value may be found.
    pub(crate) also: Option<K>,
}

impl<K: Clone + Eq + Hash, V: Clone> Cache<K, V> {
    pub(crate) fn new(options: CacheOptions) -> Self {
        Self { id: CacheId::next(), state: Mutex::new(State::new(options)) }
    }

    /// The value of `key`: the one that is there while it may be used, or else what `fetch` brings.
    ///
    /// A caller that goes away while it fetches leaves the fetch to the next.
    pub(crate) async fn get<F>(&self, key: &K, clock: &dyn Clock, fetch: F) -> Result<V, Error>
    where
        F: Future<Output = Result<Fetched<K, V>, Error>>,
    {
        let (flight, landed) = match self.state().find(key, clock) {
            Found::Answer(answer) => return answer,
            Found::Flight { flight, landed } => (flight, landed),
        };
        let waiting = Waiting { cache: self, key, flight };
        let mut landing = waiting.flight.landing.lock().await;
        if waiting.flight.landed.load(Ordering::Relaxed) != landed
            && let Some(landing) = &*landing
        {
            self.state().stats.kept += u64::from(landing.kept);
            return landing.answer.clone();
        }
        let departure = match self.state().turn(key, clock) {
            Turn::Value(value) => return Ok(value),
            Turn::Fetch(departure) => departure,
        };
        let fetched = fetch.await;
        let landed = self.state().land(key, departure, fetched, clock);
        let answer = landed.answer.clone();
        *landing = Some(landed);
        waiting.flight.landed.fetch_add(1, Ordering::Relaxed);
        answer
    }

    pub(crate) fn stats(&self) -> CacheStats {
        self.state().read_stats()
    }
}

impl<K, V> Cache<K, V> {
    pub(crate) fn id(&self) -> CacheId {
        self.id
    }

    /// Nothing that runs under this lock can leave it half changed, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller that fetches or waits, from its arrival to its end, however that comes.
struct Waiting<'a, K: Clone + Eq + Hash, V: Clone> {
    cache: &'a Cache<K, V>,
    key: &'a K,
    flight: Arc<Flight<V>>,
}

impl<K: Clone + Eq + Hash, V: Clone> Drop for Waiting<'_, K, V> {
    fn drop(&mut self) {
        self.cache.state().leave(self.key);
    }
}

impl<K: Clone + Eq + Hash, V: Clone> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cache").field(&self.stats()).finish()
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
