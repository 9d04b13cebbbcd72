//! How long a key from a key store is used, how many are held, and what happens when the store cannot be reached.

use std::time::Duration;

use crate::error::Error;

/// How a key ring caches what it fetches.
///
/// A key that was destroyed or refused goes out of use at most `ttl` after it was fetched; while its store is down, and
/// only then, at most [`WhenUnavailable::Keep`]'s time later.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CacheOptions {
    /// How long a key is used: whole seconds. So long a rotation goes unnoticed and a revoked key stays usable.
    pub ttl: Duration,
    /// How many keys are held; the one that was used least recently makes room.
    pub capacity: usize,
    /// The last part of `ttl`, as a share from 0 to 0.9, in which one caller fetches the key anew while all others go on
    /// with the one that is there. Each key has its own moment in the first half of it. 0 waits for the end.
    pub refresh_early: f64,
    /// What a key is good for when its time is over and the store is down.
    pub when_unavailable: WhenUnavailable,
}

/// What happens to a key whose time is over while its store cannot be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenUnavailable {
    /// It is not used any more; calls fail until the store is back.
    #[default]
    Fail,
    /// It is used for at most this much longer, if the last that the store said of it was the key itself.
    Keep(Duration),
}

impl CacheOptions {
    /// A time to live, and the defaults for all else: 1,000 keys, fetched anew in the last fifth of their time, none kept.
    #[must_use]
    pub fn new(ttl: Duration) -> Self {
        Self { ttl, capacity: CAPACITY, refresh_early: REFRESH_EARLY, when_unavailable: WhenUnavailable::Fail }
    }

    /// Checks what the types leave open; a fault names the setting as the configuration does.
    pub(crate) fn check(&self, ring: &'static str) -> Result<(), Error> {
        let config = |field, what| Err(Error::Config { ring, field, what });
        if self.ttl.is_zero() || self.ttl.subsec_nanos() != 0 {
            return config("cache_ttl", "must be a whole number of seconds, at least 1");
        }
        if self.capacity == 0 {
            return config("cache_capacity", "must be at least 1");
        }
        if !(0.0..=MOST_EARLY).contains(&self.refresh_early) {
            return config("cache_refresh_early", "must be a share of cache_ttl from 0 to 0.9");
        }
        if self.when_unavailable == WhenUnavailable::Keep(Duration::ZERO) {
            return config("keep_for", "must be longer than no time");
        }
        Ok(())
    }

    /// How much longer than `ttl` a key may ever be used.
    pub(crate) fn keep_for(&self) -> Duration {
        match self.when_unavailable {
            WhenUnavailable::Fail => Duration::ZERO,
            WhenUnavailable::Keep(time) => time,
        }
    }
}

/// What AWS's hierarchical key ring holds by default.
const CAPACITY: usize = 1000;
const REFRESH_EARLY: f64 = 0.2;
const MOST_EARLY: f64 = 0.9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_refused_by_its_name() {
        let good = CacheOptions::new(Duration::from_secs(60));
        assert_eq!(good.check("ring"), Ok(()));
        assert_eq!(CacheOptions { refresh_early: 0.0, capacity: 1, ..good }.check("ring"), Ok(()));
        for (options, field) in [
            (CacheOptions { ttl: Duration::ZERO, ..good }, "cache_ttl"),
            (CacheOptions { ttl: Duration::from_millis(1500), ..good }, "cache_ttl"),
            (CacheOptions { capacity: 0, ..good }, "cache_capacity"),
            (CacheOptions { refresh_early: -0.1, ..good }, "cache_refresh_early"),
            (CacheOptions { refresh_early: 0.91, ..good }, "cache_refresh_early"),
            (CacheOptions { refresh_early: f64::NAN, ..good }, "cache_refresh_early"),
            (CacheOptions { when_unavailable: WhenUnavailable::Keep(Duration::ZERO), ..good }, "keep_for"),
        ] {
            let Err(Error::Config { ring: "ring", field: found, .. }) = options.check("ring") else {
                panic!("{options:?}")
            };
            assert_eq!(found, field);
        }
    }
}
