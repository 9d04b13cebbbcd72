//! The same load, request by request, against caches that keep the rules of `crates/keys/src/cache`.

use std::collections::{BTreeMap, HashMap};

use super::load::{Load, float};

/// What was counted, per second, after the caches had filled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Counted {
    pub(crate) fetches: f64,
    /// Of the branch key that was fetched most often.
    pub(crate) hottest: f64,
    pub(crate) requests: u64,
}

/// One item to seal or open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    /// Seconds since the start.
    pub(crate) time: f64,
    pub(crate) process: u64,
    /// By rank, 0 the busiest.
    pub(crate) tenant: u64,
    pub(crate) needs: Needs,
}

/// Which entry of the cache a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Needs {
    /// The active version, to seal.
    Seal,
    /// The active version, to open.
    Open,
    /// An old version, to open.
    Old(u64),
}

/// Runs for two times to live, and then counts for ten.
pub(crate) fn simulate(load: &Load, seed: u64) -> Counted {
    let (from, until) = (2.0 * load.lasts(), 12.0 * load.lasts());
    let mut caches: Vec<Cache> = (0..load.processes).map(|_| Cache::default()).collect();
    let mut random = Random(seed ^ 0x5eed);
    let (mut fetches, mut requests) = (HashMap::<u64, u64>::new(), 0);
    for request in Arrivals::new(load, seed).take_while(|request| request.time < until) {
        let cache = usize::try_from(request.process).ok().and_then(|process| caches.get_mut(process));
        let fetched = cache.is_some_and(|cache| cache.get(load, request, &mut random));
        if request.time >= from {
            requests += 1;
            *fetches.entry(request.tenant).or_default() += u64::from(fetched);
        }
    }
    let seconds = until - from;
    let (all, most) = (fetches.values().sum(), fetches.values().copied().max().unwrap_or_default());
    Counted { fetches: float(all) / seconds, hottest: float(most) / seconds, requests }
}

/// How many requests that is.
pub(crate) fn length(load: &Load) -> f64 {
    load.rate * 12.0 * load.lasts()
}

/// Poisson arrivals without end.
pub(crate) struct Arrivals<'a> {
    load: &'a Load,
    /// The share of the load up to and including each tenant.
    shares: Vec<f64>,
    random: Random,
    time: f64,
}

impl<'a> Arrivals<'a> {
    pub(crate) fn new(load: &'a Load, seed: u64) -> Self {
        let mut sum = 0.0;
        let weights = (1..=load.tenants).map(|rank| float(rank).powf(-load.zipf));
        let mut shares: Vec<f64> = weights
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        shares.iter_mut().for_each(|share| *share /= sum);
        Self { load, shares, random: Random(seed), time: 0.0 }
    }
}

impl Iterator for Arrivals<'_> {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let Self { load, shares, random, time } = self;
        *time -= (1.0 - random.share()).ln() / load.rate;
        let place = random.share();
        let tenant = u64::try_from(shares.partition_point(|&share| share <= place)).ok()?.min(load.tenants - 1);
        // The processes that serve a tenant are neighbours; where they begin is scattered.
        let process = (tenant.wrapping_mul(0x9e37_79b9) + random.below(load.spread)) % load.processes;
        let needs = if random.share() >= load.reads {
            Needs::Seal
        } else if load.old_versions > 0 && random.share() < load.old_reads {
            Needs::Old(random.below(load.old_versions))
        } else {
            Needs::Open
        };
        Some(Request { time: *time, process, tenant, needs })
    }
}

/// One process's cache. Each entry has the time at which it is due and when it was used last.
#[derive(Default)]
struct Cache {
    entries: HashMap<(u64, Needs), (f64, u64)>,
    /// By last use, the oldest first.
    used: BTreeMap<u64, (u64, Needs)>,
    uses: u64,
}

impl Cache {
    /// Whether the request had to fetch.
    fn get(&mut self, load: &Load, Request { time, tenant, needs, .. }: Request, random: &mut Random) -> bool {
        let key = (tenant, needs);
        let due = self.entries.get(&key).map(|(due, _)| *due);
        if let Some(due) = due.filter(|&due| time <= due) {
            self.put(load, key, due);
            return false;
        }
        if needs == Needs::Seal {
            self.put(load, (tenant, Needs::Open), time + load.lasts() * (1.0 - load.early * random.share() / 2.0));
        }
        self.put(load, key, time + load.lasts() * (1.0 - load.early * (1.0 + random.share()) / 2.0));
        true
    }

    fn put(&mut self, load: &Load, key: (u64, Needs), due: f64) {
        self.uses += 1;
        if let Some((_, used)) = self.entries.insert(key, (due, self.uses)) {
            self.used.remove(&used);
        }
        self.used.insert(self.uses, key);
        if u64::try_from(self.entries.len()).unwrap_or(u64::MAX) > load.capacity
            && let Some((_, oldest)) = self.used.pop_first()
        {
            self.entries.remove(&oldest);
        }
    }
}

/// SplitMix64: the same numbers in every run, which is what a simulation wants and a key does not.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below 1.
    fn share(&mut self) -> f64 {
        float(self.next() >> 11) / float(1 << 53)
    }

    fn below(&mut self, count: u64) -> u64 {
        self.next() % count.max(1)
    }
}
