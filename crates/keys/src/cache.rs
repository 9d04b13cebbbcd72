//! A cache for what is dear to fetch (FORMAT 13.4). Each entry lives for the same time; while a key is fetched, everyone
//! else who asks for it waits for that one flight. It reads no clock and needs no runtime.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::Error;

/// Values by key, each used for at most `ttl`.
pub(crate) struct Cache<K, V> {
    ttl: Duration,
    capacity: usize,
    state: Mutex<State<K, V>>,
}

impl<K: Clone + Eq + Hash, V: Clone> Cache<K, V> {
    pub(crate) fn new(ttl: Duration) -> Self {
        Self::with_capacity(ttl, CAPACITY)
    }

    pub(crate) fn with_capacity(ttl: Duration, capacity: usize) -> Self {
        Self {
            ttl,
            capacity,
            state: Mutex::new(State { entries: HashMap::new(), flights: HashMap::new(), inserted: 0 }),
        }
    }

    /// The value of `key`, from `fetch` if there is none that is fresh at `now`.
    ///
    /// A failure is not kept: it goes to the caller that fetched and to those that were waiting for it, so that an outage
    /// is not asked about once for each of them. A caller that goes away while it fetches leaves the fetch to the next.
    pub(crate) async fn get<F>(&self, key: K, now: Duration, fetch: F) -> Result<V, Error>
    where
        F: Future<Output = Result<V, Error>>,
    {
        let waiting = {
            let mut state = self.state();
            if let Some(value) = state.fresh(&key, now, self.ttl) {
                return Ok(value);
            }
            let flight = state.board(key.clone());
            Waiting { cache: self, key: &key, failures: flight.failures.load(Ordering::Relaxed), flight }
        };
        let flight = &waiting.flight;
        let mut failure = flight.lock.lock().await;
        if let Some(value) = self.state().fresh(&key, now, self.ttl) {
            return Ok(value);
        }
        if flight.failures.load(Ordering::Relaxed) != waiting.failures
            && let Some(error) = &*failure
        {
            return Err(error.clone());
        }
        let fetched = fetch.await;
        match &fetched {
            Ok(value) => self.insert(key.clone(), value.clone(), now),
            Err(error) => {
                *failure = Some(error.clone());
                flight.failures.fetch_add(1, Ordering::Relaxed);
            }
        }
        fetched
    }

    fn insert(&self, key: K, value: V, created: Duration) {
        let mut state = self.state();
        state.inserted += 1;
        let number = state.inserted;
        state.entries.insert(key, Entry { value, created, number });
        if state.entries.len() > self.capacity {
            let oldest = state.entries.iter().min_by_key(|(_, entry)| entry.number).map(|(key, _)| key.clone());
            oldest.and_then(|key| state.entries.remove(&key));
        }
    }
}

impl<K, V> Cache<K, V> {
    /// Nothing that runs under this lock can leave it half changed, so a panic elsewhere does not spoil it.
    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct State<K, V> {
    entries: HashMap<K, Entry<V>>,
    /// Present while someone fetches or waits, with how many do.
    flights: HashMap<K, (usize, Arc<Flight>)>,
    inserted: u64,
}

impl<K: Eq + Hash, V: Clone> State<K, V> {
    fn fresh(&self, key: &K, now: Duration, ttl: Duration) -> Option<V> {
        let entry = self.entries.get(key)?;
        // A clock that was set back must not make an entry live longer than its time.
        (now.abs_diff(entry.created) <= ttl).then(|| entry.value.clone())
    }

    fn board(&mut self, key: K) -> Arc<Flight> {
        let (waiting, flight) = self.flights.entry(key).or_default();
        *waiting += 1;
        Arc::clone(flight)
    }
}

struct Entry<V> {
    value: V,
    created: Duration,
    /// Counts insertions, so that the oldest can be told.
    number: u64,
}

/// One key's fetch. Whoever holds the lock fetches.
#[derive(Default)]
struct Flight {
    lock: async_lock::Mutex<Option<Error>>,
    failures: AtomicU64,
}

/// A caller that fetches or waits, from its arrival to its end, however that comes.
struct Waiting<'a, K: Eq + Hash, V> {
    cache: &'a Cache<K, V>,
    key: &'a K,
    flight: Arc<Flight>,
    /// How many fetches had failed when it arrived.
    failures: u64,
}

impl<K: Eq + Hash, V> Drop for Waiting<'_, K, V> {
    /// The last one out forgets the flight.
    fn drop(&mut self) {
        let mut state = self.cache.state();
        if let Some((waiting, _)) = state.flights.get_mut(self.key) {
            *waiting -= 1;
            if *waiting == 0 {
                state.flights.remove(self.key);
            }
        }
    }
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache({} of {} entries)", self.state().entries.len(), self.capacity)
    }
}

/// What AWS's hierarchical key ring keeps by default.
const CAPACITY: usize = 1000;

#[cfg(test)]
mod tests;
