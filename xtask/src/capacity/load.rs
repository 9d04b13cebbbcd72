//! The load whose keys are to be fetched: how much of it, from how many tenants, through which caches.

/// What is asked of the key rings. Rates are items sealed or opened per second, by all processes together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    pub(crate) rate: f64,
    /// Each has a branch key of its own.
    pub(crate) tenants: u64,
    /// Gateways or services, each with a cache of its own.
    pub(crate) processes: u64,
    /// How many of the processes serve one tenant.
    pub(crate) spread: u64,
    /// The share of items that are opened; the others are sealed.
    pub(crate) reads: f64,
    /// Versions of a branch key that still open something, beside the active one.
    pub(crate) old_versions: u64,
    /// The share of opened items that lie under those.
    pub(crate) old_reads: f64,
    /// The exponent of Zipf's law; 0 makes all tenants alike.
    pub(crate) zipf: f64,
    /// `cache_ttl`, in whole seconds.
    pub(crate) ttl: u64,
    /// `cache_capacity`.
    pub(crate) capacity: u64,
    /// `cache_refresh_early`.
    pub(crate) early: f64,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            rate: 10_000.0,
            tenants: 1_000,
            processes: 10,
            spread: 10,
            reads: 0.8,
            old_versions: 3,
            old_reads: 0.2,
            zipf: 1.0,
            ttl: 3600,
            capacity: 1_000,
            early: 0.2,
        }
    }
}

/// What one of the processes that serve a tenant does for it: items per second by the cache entry that they need.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rates {
    /// Sealed with the active version.
    pub(crate) seal: f64,
    /// Opened with the active version.
    pub(crate) open: f64,
    /// Opened with one of the old versions.
    pub(crate) old: f64,
}

impl Load {
    /// Of a tenant with this share of the load.
    pub(crate) fn rates(&self, share: f64) -> Rates {
        let here = self.rate * share / float(self.spread);
        let old = if self.old_versions == 0 { 0.0 } else { self.old_reads };
        Rates {
            seal: here * (1.0 - self.reads),
            open: here * self.reads * (1.0 - old),
            old: here * self.reads * old / float(self.old_versions.max(1)),
        }
    }

    /// `ttl`, to count with.
    pub(crate) fn lasts(&self) -> f64 {
        float(self.ttl)
    }

    /// The tenants, the busiest first: how many are alike, and the share of the load of each. The busiest stand
    /// alone; after them, tenants whose ranks differ by at most a fiftieth count as alike.
    pub(crate) fn popularity(&self) -> Vec<(f64, f64)> {
        if self.zipf == 0.0 {
            return vec![(float(self.tenants), 1.0 / float(self.tenants))];
        }
        let mut groups = Vec::new();
        let (mut first, mut total) = (1, 0.0);
        while first <= self.tenants {
            let width = if first <= ALONE { 1 } else { first / 50 };
            let last = self.tenants.min(first + width - 1);
            let weight: f64 = (first..=last).map(|rank| float(rank).powf(-self.zipf)).sum();
            groups.push((float(last - first + 1), weight / float(last - first + 1)));
            total += weight;
            first = last + 1;
        }
        groups.into_iter().map(|(count, weight)| (count, weight / total)).collect()
    }
}

/// Counts here stay far below 2^53.
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}

const ALONE: u64 = 200;
