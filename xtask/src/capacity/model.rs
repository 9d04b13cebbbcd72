//! How often keys are fetched in the long run, in closed form.
//!
//! A cache entry lives through cycles: it is fetched, serves until it is due, and is fetched again by the next request.
//! Arrivals are Poisson of rate λ, so a cycle lasts D + 1/λ on average and the entry is fetched λ/(1 + λD) times a second.
//! Three things change the D that a request sees:
//!
//! - Early refresh. The entry is due at `ttl·(1 − early·u)`, u uniform in [1/2, 1].
//! - A full cache. What has not been used for a time C makes room (Che's approximation: C is the time in which as many
//!   distinct entries are asked for as fit). [`lifetime`] is the mean time for which an entry then serves.
//! - A fetch to seal fills the entry to open with the active version, too, so that the latter is only fetched itself where
//!   a read falls between its end and the next fetch to seal. [`filled`] says how often.

use std::collections::VecDeque;

use super::load::{Load, Rates, float};

/// What is to be expected of a load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Expected {
    /// Fetches per second by all processes: each is one read of the key store and one `Decrypt` of KMS.
    pub(crate) fetches: f64,
    /// Those of the busiest branch key.
    pub(crate) hottest: f64,
    /// Those in the first second, if all processes start at once with empty caches.
    pub(crate) cold: f64,
    /// Entries that a cache holds, if it is large enough.
    pub(crate) entries: f64,
    /// Whether the cache is too small for them.
    pub(crate) full: bool,
}

pub(crate) fn expect(load: &Load) -> Expected {
    let tenants = load.popularity();
    // Each process serves its part of the tenants.
    let part = float(load.spread) / float(load.processes);
    let held = |time: f64| -> f64 {
        tenants.iter().map(|&(count, share)| count * part * occupied(load, load.rates(share), time)).sum()
    };
    let entries = held(load.lasts());
    let full = entries > float(load.capacity);
    // What nobody has used for a whole ttl is over anyway.
    let time = if full { characteristic_time(&held, load) } else { load.lasts() };
    let spread = float(load.spread);
    let each: Vec<f64> = tenants.iter().map(|&(_, share)| fetches(load, load.rates(share), time) * spread).collect();
    let counted = tenants.iter().zip(&each);
    Expected {
        fetches: counted.map(|(&(count, _), fetches)| count * fetches).sum(),
        hottest: each.iter().copied().fold(0.0, f64::max),
        cold: tenants.iter().map(|&(count, share)| count * spread * cold(load, load.rates(share))).sum(),
        entries,
        full,
    }
}

/// A tenant's fetches per second in one process.
fn fetches(load: &Load, rates: Rates, time: f64) -> f64 {
    let seal = alone(load, rates.seal, time);
    let open = if rates.seal == 0.0 {
        alone(load, rates.open, time)
    } else {
        seal * filled(rates, lifetime(rates.open + seal, load.lasts(), time), load.early)
    };
    seal + open + float(load.old_versions) * alone(load, rates.old, time)
}

/// Fetches of an entry that nothing else fills.
fn alone(load: &Load, rate: f64, time: f64) -> f64 {
    rate / (1.0 + rate * lifetime(rate, load.lasts() * (1.0 - 0.75 * load.early), time))
}

/// How often the entry to open is fetched itself for each fetch to seal.
///
/// Both are filled at once, and the entry to open is due last. A read comes between that and the next fetch to seal with
/// the probability `gap·p`; each read that fetches leads to another before that fetch with `again·p`.
fn filled(rates: Rates, ttl: f64, early: f64) -> f64 {
    let Rates { seal, open, .. } = rates;
    let p = open / (open + seal);
    let x = seal * ttl * early / 2.0;
    let (gap, again) = if x < 1e-9 {
        (1.0, (-seal * ttl).exp())
    } else {
        let late = (-seal * ttl * (1.0 - early)).exp() - (-seal * ttl * (1.0 - early / 2.0)).exp();
        ((-(-x).exp_m1() / x).powi(2), late / x)
    };
    gap * p / (1.0 - p * again)
}

/// The mean time for which an entry serves, if it goes at the age `due` or when it has not been used for `time`: the
/// integral up to `due` of the probability f(t) that no two uses were further apart so far. With f = 1 up to `time` and
/// f(time) = 1 − e^(−λ·time) right after it, f'(t) = −λ·e^(−λ·time)·f(t − time).
fn lifetime(rate: f64, due: f64, time: f64) -> f64 {
    if time >= due {
        return due;
    }
    let step = time / float(STEPS);
    let fall = rate * (-rate * time).exp() * step;
    let mut behind: VecDeque<f64> = (0..=STEPS).map(|_| 1.0).collect();
    let (mut now, mut age, mut sum) = (1.0 - (-rate * time).exp(), time, time);
    let mut decay = 0.0;
    while age < due {
        // After a few rounds it falls by the same share in each step.
        if age > 6.0 * time || now < 1e-9 {
            let rate = decay / step;
            let rest = due - age;
            return sum + now * if rate * rest < 1e-9 { rest } else { -(-rate * rest).exp_m1() / rate };
        }
        let first = behind.pop_front().unwrap_or_default();
        let second = behind.front().copied().unwrap_or_default();
        let next = (now - fall * (first + second) / 2.0).max(0.0);
        decay = if now > 0.0 { 1.0 - next / now } else { 1.0 };
        let part = step.min(due - age);
        sum += part * (now + next) / 2.0;
        behind.push_back(next);
        (now, age) = (next, age + step);
    }
    sum
}

/// How many entries of a tenant have been used in the last `time`.
fn occupied(load: &Load, rates: Rates, time: f64) -> f64 {
    let used = |rate: f64| -(-rate * time).exp_m1();
    let fills = rates.seal / (1.0 + rates.seal * load.lasts().min(time));
    used(rates.seal) + used(rates.open + fills) + float(load.old_versions) * used(rates.old)
}

/// The time in which as many entries are used as fit.
fn characteristic_time(held: &impl Fn(f64) -> f64, load: &Load) -> f64 {
    let (mut low, mut high) = (0.0, load.lasts());
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        *(if held(middle) < float(load.capacity) { &mut low } else { &mut high }) = middle;
    }
    high
}

/// Fetches of an empty cache in its first second.
fn cold(load: &Load, rates: Rates) -> f64 {
    let within = |rate: f64| -(-rate).exp_m1();
    let active = rates.seal + rates.open;
    let opened_first = if active > 0.0 { rates.open / active * within(active) } else { 0.0 };
    within(rates.seal) + opened_first + float(load.old_versions) * within(rates.old)
}

/// Of the numerical integration, in each `time`.
const STEPS: u64 = 32;
