//! What a cache has done, in counts.

use std::collections::BTreeMap;
use std::iter::Sum;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a cache has done since it was made. Only `entries` can go down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Calls for a key that was there and within its time.
    pub hits: u64,
    /// Calls for a key that was not, whatever became of them.
    pub misses: u64,
    /// Fetches begun, early ones included.
    pub fetches: u64,
    /// Fetches begun before a key's time was over.
    pub refreshes: u64,
    /// Calls answered with a key whose time was over, because its store was down.
    pub kept: u64,
    /// Fetches that failed.
    pub failures: u64,
    /// Keys that made room for others.
    pub evictions: u64,
    /// Keys held now.
    pub entries: u64,
}

/// Tells caches apart within this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CacheId(u64);

impl CacheId {
    pub(crate) fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed))
    }
}

/// The counts of several caches. A cache that was reached on two ways, as through two multi key rings, stands there once.
pub type CacheReadings = BTreeMap<CacheId, CacheStats>;

impl Sum for CacheStats {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            hits: sum.hits + one.hits,
            misses: sum.misses + one.misses,
            fetches: sum.fetches + one.fetches,
            refreshes: sum.refreshes + one.refreshes,
            kept: sum.kept + one.kept,
            failures: sum.failures + one.failures,
            evictions: sum.evictions + one.evictions,
            entries: sum.entries + one.entries,
        })
    }
}
