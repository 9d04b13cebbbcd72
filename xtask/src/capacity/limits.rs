//! What AWS allows and what it charges, and so where a load breaks and which setting moves that.

use super::load::{Load, float};
use super::model::{Expected, expect};

/// Limits and prices to hold a load against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    /// Cryptographic operations with symmetric keys, per second, account and Region.
    pub(crate) kms: f64,
    /// US dollars for 10,000 requests of KMS.
    pub(crate) kms_price: f64,
    /// US dollars for a million read request units.
    pub(crate) read_price: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { kms: KMS_QUOTA, kms_price: KMS_PRICE, read_price: READ_PRICE }
    }
}

/// Where a load breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// More requests of KMS than the quota.
    Kms,
    /// More reads of one branch key than a partition serves.
    Partition,
    /// More reads than the account's quota for a table.
    Table,
    /// More requests of KMS than the quota in the second after all processes start.
    Restart,
}

impl Break {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Kms => "kms",
            Self::Partition => "partition",
            Self::Table => "table",
            Self::Restart => "restart",
        }
    }
}

/// A setting, and the value that would be enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Knob {
    Ttl(u64),
    Capacity(u64),
    Spread(u64),
    OldVersions(u64),
}

/// What to do about a load that breaks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Remedy {
    /// Each of these is enough by itself.
    pub(crate) alone: Vec<Knob>,
    /// If none is: all of these are.
    pub(crate) together: Vec<Knob>,
    /// How many processes may start at once, if not all may; 0 if not even one may take its whole load at once.
    pub(crate) start: Option<u64>,
}

impl Limits {
    /// In the order in which they are felt.
    pub(crate) fn breaks(&self, expected: &Expected) -> Vec<Break> {
        let checks = [
            (Break::Kms, expected.fetches > self.kms),
            (Break::Partition, expected.hottest > PARTITION),
            (Break::Table, expected.fetches > TABLE),
            (Break::Restart, expected.cold > self.restart()),
        ];
        checks.into_iter().filter_map(|(which, broken)| broken.then_some(which)).collect()
    }

    /// The least changes after which the load does not break in the long run, and how to start.
    pub(crate) fn remedy(&self, load: &Load, expected: &Expected) -> Remedy {
        let start = self.breaks(expected).contains(&Break::Restart).then(|| self.at_once(load, expected));
        if self.lasts(expected) {
            return Remedy { start, ..Remedy::default() };
        }
        let enough = |knob: &Knob| self.lasts(&expect(&knob.turned(load)));
        let alone = [
            doubled(load.ttl, MOST_TTL).map(Knob::Ttl).find(enough),
            doubled(load.capacity, MOST_CAPACITY).map(Knob::Capacity).find(enough),
            halved(load.spread, 1).map(Knob::Spread).find(enough),
            halved(load.old_versions, 0).map(Knob::OldVersions).find(enough),
        ];
        let alone: Vec<_> = alone.into_iter().flatten().collect();
        let together = if alone.is_empty() { self.together(load) } else { Vec::new() };
        Remedy { alone, together, start }
    }

    /// A cache that holds everything, then a longer time, then sticky routing, as far as needed.
    fn together(&self, load: &Load) -> Vec<Knob> {
        for spread in [load.spread, 1] {
            let routed = Load { spread, ..*load };
            for ttl in std::iter::once(load.ttl).chain(doubled(load.ttl, MOST_TTL)) {
                let longer = Load { ttl, ..routed };
                let capacity = std::iter::once(load.capacity).chain(doubled(load.capacity, MOST_CAPACITY));
                let holds = |&capacity: &u64| !expect(&Load { capacity, ..longer }).full;
                let Some(capacity) = { capacity }.find(holds) else { continue };
                if self.lasts(&expect(&Load { capacity, ..longer })) {
                    let knobs = [
                        (spread != load.spread).then_some(Knob::Spread(spread)),
                        (capacity != load.capacity).then_some(Knob::Capacity(capacity)),
                        (ttl != load.ttl).then_some(Knob::Ttl(ttl)),
                    ];
                    return knobs.into_iter().flatten().collect();
                }
            }
        }
        Vec::new()
    }

    /// Whether nothing breaks but a restart.
    fn lasts(&self, expected: &Expected) -> bool {
        self.breaks(expected).iter().all(|&which| which == Break::Restart)
    }

    fn at_once(&self, load: &Load, expected: &Expected) -> u64 {
        let each = expected.cold / float(load.processes);
        (1..=load.processes).take_while(|&count| float(count) * each <= self.restart()).last().unwrap_or(0)
    }

    /// Reads go to one table, whose quota can be the lower one.
    fn restart(&self) -> f64 {
        self.kms.min(TABLE)
    }

    /// US dollars a month for requests of KMS and reads of the key store, and for the one KMS key.
    pub(crate) fn cost(&self, expected: &Expected) -> f64 {
        KEY_PRICE + MONTH * expected.fetches * (self.kms_price / 10_000.0 + self.read_price / 1_000_000.0)
    }

    /// The same for the key ring `aws-kms`, which asks KMS once for each item.
    pub(crate) fn cost_without_cache(&self, load: &Load) -> f64 {
        KEY_PRICE + MONTH * load.rate * self.kms_price / 10_000.0
    }
}

/// KMS's quota in a Region, as AWS sets it for an account that has not asked for more.
pub(crate) fn kms_quota(region: &str) -> f64 {
    match region {
        "us-east-1" | "us-west-2" | "eu-west-1" => 100_000.0,
        "us-east-2" | "ap-southeast-1" | "ap-southeast-2" | "ap-northeast-1" | "eu-central-1" | "eu-west-2" => 20_000.0,
        _ => KMS_QUOTA,
    }
}

impl Knob {
    /// The load with this setting.
    fn turned(&self, load: &Load) -> Load {
        match *self {
            Self::Ttl(ttl) => Load { ttl, ..*load },
            Self::Capacity(capacity) => Load { capacity, ..*load },
            Self::Spread(spread) => Load { spread, ..*load },
            Self::OldVersions(old_versions) => Load { old_versions, ..*load },
        }
    }
}

/// Ever larger values, up to the largest that may be set.
fn doubled(from: u64, most: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(from), move |&value| (value < most).then(|| (value * 2).min(most))).skip(1)
}

fn halved(from: u64, least: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(from), move |&value| (value > least).then_some(value / 2)).skip(1)
}

// Quotas: "Request quotas" in the AWS KMS Developer Guide (kms/latest/developerguide/requests-per-second.html), "Quotas in
// Amazon DynamoDB" and "Burst and adaptive capacity" in the Amazon DynamoDB Developer Guide, as published in 2026.
const KMS_QUOTA: f64 = 10_000.0;
/// A branch key's records share a partition key. One read of a record, at most 4 KB, consistent, is one unit.
const PARTITION: f64 = 3_000.0;
const TABLE: f64 = 40_000.0;

// Prices: aws.amazon.com/kms/pricing and aws.amazon.com/dynamodb/pricing/on-demand, us-east-1, as published in March 2026
// (reads since November 2024). The free tier is left out.
const KMS_PRICE: f64 = 0.03;
const READ_PRICE: f64 = 0.125;
const KEY_PRICE: f64 = 1.0;
/// 730 hours, as AWS counts.
const MONTH: f64 = 730.0 * 3600.0;

/// What the configuration allows.
const MOST_TTL: u64 = 86_400;
const MOST_CAPACITY: u64 = 10_000_000;
