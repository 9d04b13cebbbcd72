//! The decisions of the cache. They are made under one lock, and nothing here waits.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dynaseal_item::Kind;
use hashlink::LruCache;

use super::{CacheOptions, CacheStats, Fetched};
use crate::error::Error;
use crate::keyring::Clock;

pub(super) struct State<K, V> {
    pub(super) stats: CacheStats,
    options: CacheOptions,
    /// Seeded at random, since callers choose the keys.
    entries: LruCache<K, Entry<V>, RandomState>,
    /// Outages, and for how long they are taken for granted.
    outages: LruCache<K, Outage, RandomState>,
    /// Present while someone fetches or waits, with how many do.
    flights: HashMap<K, (usize, Arc<Flight<V>>)>,
    /// The latest time that was seen.
    now: Duration,
    /// How often the clock was set back.
    set_backs: u64,
}

/// What a caller finds when it comes.
pub(super) enum Found<V> {
    Answer(Result<V, Error>),
    /// A fetch to wait for or to carry out, and how often it had ended when the caller came.
    Flight {
        flight: Arc<Flight<V>>,
        landed: u64,
    },
}

/// What a caller finds when it is its turn to fetch.
pub(super) enum Turn<V> {
    Value(V),
    Fetch(Departure<V>),
}

/// A fetch that begins.
pub(super) struct Departure<V> {
    /// The time at which the store is asked, and so the latest of which its answer can tell.
    started: Duration,
    set_backs: u64,
    held: Option<Entry<V>>,
}

/// How a fetch ended, for all who waited for it.
pub(super) struct Landing<V> {
    pub(super) answer: Result<V, Error>,
    /// Whether the answer is a value whose time is over.
    pub(super) kept: bool,
}

/// One key's fetch. Whoever holds the lock fetches.
pub(super) struct Flight<V> {
    pub(super) landing: async_lock::Mutex<Option<Landing<V>>>,
    /// How many fetches have ended.
    pub(super) landed: AtomicU64,
    /// Whether it asks a store that did not answer a moment ago.
    probe: bool,
}

#[derive(Clone)]
struct Entry<V> {
    value: V,
    created: Duration,
    /// After this time it is fetched anew.
    due: Duration,
    /// The store has since given an answer that was not an outage, so it must not be kept beyond its time.
    refused: bool,
}

struct Outage {
    error: Error,
    until: Duration,
}

/// What an entry is good for.
#[derive(Clone, Copy, PartialEq)]
enum Standing {
    Fresh,
    Due,
    /// Its time is over; it may serve while the store is down.
    Spent,
    Gone,
}

impl<K: Clone + Eq + Hash, V: Clone> State<K, V> {
    pub(super) fn new(options: CacheOptions) -> Self {
        Self {
            stats: CacheStats::default(),
            options,
            entries: LruCache::with_hasher(options.capacity, RandomState::new()),
            outages: LruCache::with_hasher(options.capacity.max(OUTAGES), RandomState::new()),
            flights: HashMap::new(),
            now: Duration::ZERO,
            set_backs: 0,
        }
    }

    pub(super) fn find(&mut self, key: &K, clock: &dyn Clock) -> Found<V> {
        let now = self.time(clock);
        self.sweep(now);
        let entry = self.entries.get(key).map(|entry| (entry.standing(now, &self.options), &entry.value));
        match entry {
            Some((Standing::Fresh, value)) => {
                self.stats.hits += 1;
                Found::Answer(Ok(value.clone()))
            }
            Some((Standing::Due, value)) => {
                self.stats.hits += 1;
                if self.flights.contains_key(key) { Found::Answer(Ok(value.clone())) } else { self.board(key, false) }
            }
            Some((Standing::Spent, value)) => {
                self.stats.misses += 1;
                let outage = self.outages.get(key).map(|outage| outage.until);
                let probed = self.flights.get(key).is_some_and(|(_, flight)| flight.probe);
                if probed || outage.is_some_and(|until| now < until) {
                    self.stats.kept += 1;
                    return Found::Answer(Ok(value.clone()));
                }
                // While this caller asks, the others may go on only if the store was down a moment ago, not an hour.
                self.board(key, outage.is_some_and(|until| now <= until + MEMORY))
            }
            Some((Standing::Gone, _)) | None => {
                self.stats.misses += 1;
                self.entries.remove(key);
                match self.outages.get(key) {
                    Some(outage) if now < outage.until => Found::Answer(Err(outage.error.clone())),
                    _ => self.board(key, false),
                }
            }
        }
    }

    /// The turn of a caller to fetch, unless the value has come in the meantime.
    pub(super) fn turn(&mut self, key: &K, clock: &dyn Clock) -> Turn<V> {
        let now = self.time(clock);
        let held = self.entries.peek(key);
        match held.map(|entry| (entry.standing(now, &self.options), entry)) {
            Some((Standing::Fresh, entry)) => return Turn::Value(entry.value.clone()),
            Some((Standing::Due, _)) => self.stats.refreshes += 1,
            _ => {}
        }
        self.stats.fetches += 1;
        Turn::Fetch(Departure { started: now, set_backs: self.set_backs, held: held.cloned() })
    }

    /// Takes in what a fetch brought.
    pub(super) fn land(
        &mut self,
        key: &K,
        departure: Departure<V>,
        fetched: Result<Fetched<K, V>, Error>,
        clock: &dyn Clock,
    ) -> Landing<V> {
        let now = self.time(clock);
        // A clock that was set back meanwhile leaves the age of everything in doubt.
        let trusted = departure.set_backs == self.set_backs;
        match fetched {
            Ok(Fetched { value, also }) => {
                self.outages.remove(key);
                if trusted {
                    let (started, early) = (departure.started, self.options.ttl.mul_f64(self.options.refresh_early));
                    // Second in line for being fetched anew: the fetch of the other key renews this one, too. And first
                    // to be put in, so that it never makes the other go.
                    if let Some(also) = also {
                        self.insert(also, value.clone(), started, early.mul_f64(random() / 2.0));
                    }
                    self.insert(key.clone(), value.clone(), started, early.mul_f64((1.0 + random()) / 2.0));
                }
                Landing { answer: Ok(value), kept: false }
            }
            Err(error) => {
                let held = departure.held.filter(|_| trusted);
                self.fail(key, held, error, now)
            }
        }
    }

    /// A caller goes; the last one out forgets the flight.
    pub(super) fn leave(&mut self, key: &K) {
        if let Some((waiting, _)) = self.flights.get_mut(key) {
            *waiting -= 1;
            if *waiting == 0 {
                self.flights.remove(key);
            }
        }
    }

    pub(super) fn read_stats(&self) -> CacheStats {
        CacheStats { entries: u64::try_from(self.entries.len()).unwrap_or(u64::MAX), ..self.stats }
    }

    #[cfg(test)]
    pub(super) fn idle(&self) -> bool {
        self.flights.is_empty()
    }

    fn fail(&mut self, key: &K, held: Option<Entry<V>>, error: Error, now: Duration) -> Landing<V> {
        self.stats.failures += 1;
        let down = error.kind() == Kind::Outage;
        let memory = MEMORY.mul_f64((1.0 + random()) / 2.0);
        if down {
            self.outages.insert(key.clone(), Outage { error: error.clone(), until: now + memory });
        } else {
            self.outages.remove(key);
        }
        let options = self.options;
        if let Some(entry) = self.entries.peek_mut(key) {
            entry.refused |= !down;
            // There is no haste: each further try waits for a quarter of the time that is left.
            let left = (entry.created + options.ttl).saturating_sub(now);
            entry.due = now + memory.max(left / 4);
        }
        // It may have been fetched under another key, or made room, while the store was asked.
        let entry = self.entries.peek(key).cloned().or(held);
        let standing = entry.as_ref().map_or(Standing::Gone, |entry| entry.standing(now, &options));
        match (standing, entry) {
            (Standing::Fresh | Standing::Due, Some(entry)) => Landing { answer: Ok(entry.value), kept: false },
            (Standing::Spent, Some(entry)) if down => {
                self.stats.kept += 1;
                Landing { answer: Ok(entry.value), kept: true }
            }
            _ => {
                self.entries.remove(key);
                Landing { answer: Err(error), kept: false }
            }
        }
    }

    fn board(&mut self, key: &K, probe: bool) -> Found<V> {
        let new = || (0, Arc::new(Flight { landing: async_lock::Mutex::new(None), landed: AtomicU64::new(0), probe }));
        let (waiting, flight) = self.flights.entry(key.clone()).or_insert_with(new);
        *waiting += 1;
        Found::Flight { flight: Arc::clone(flight), landed: flight.landed.load(Ordering::Relaxed) }
    }

    fn insert(&mut self, key: K, value: V, created: Duration, early: Duration) {
        if self.entries.peek(&key).is_none() && self.entries.len() >= self.options.capacity {
            self.entries.remove_lru();
            self.stats.evictions += 1;
        }
        let due = created + self.options.ttl.saturating_sub(early);
        self.entries.insert(key, Entry { value, created, due, refused: false });
    }

    /// Wipes what nobody has used for so long that its time must be over.
    fn sweep(&mut self, now: Duration) {
        while let Some((_, entry)) = self.entries.iter().next()
            && entry.standing(now, &self.options) == Standing::Gone
        {
            self.entries.remove_lru();
        }
    }

    /// The time, which never goes back: a step back of up to a second stands still. A larger one says that nobody knows
    /// how old the entries are, so that none of them is used any more.
    fn time(&mut self, clock: &dyn Clock) -> Duration {
        let now = clock.now();
        if now + STEP < self.now {
            self.entries.clear();
            self.outages.clear();
            self.set_backs += 1;
            self.now = now;
        }
        self.now = self.now.max(now);
        self.now
    }
}

impl<V> Entry<V> {
    fn standing(&self, now: Duration, options: &CacheOptions) -> Standing {
        let age = now.saturating_sub(self.created);
        if age > options.ttl {
            let kept = !self.refused && age <= options.ttl + options.keep_for();
            return if kept { Standing::Spent } else { Standing::Gone };
        }
        if now > self.due { Standing::Due } else { Standing::Fresh }
    }
}

/// At least 0 and less than 1. It spreads fetches and guards nothing.
fn random() -> f64 {
    let [a, b, c, d, ..] = RandomState::new().hash_one(0_u8).to_le_bytes();
    f64::from(u32::from_le_bytes([a, b, c, d])) / (f64::from(u32::MAX) + 1.0)
}

/// How long an outage is remembered at most; at least half of it.
const MEMORY: Duration = Duration::from_secs(1);
/// For how many keys at least, however few are held.
const OUTAGES: usize = 1000;
/// How far a clock may be set back without leaving anything in doubt.
const STEP: Duration = Duration::from_secs(1);
