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

/// A setting that would be enough by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Knob {
    Ttl(u64),
    Capacity(u64),
    Spread(u64),
}

impl Limits {
    /// In the order in which they are felt.
    pub(crate) fn breaks(&self, expected: &Expected) -> Vec<Break> {
        let checks = [
            (Break::Kms, expected.fetches > self.kms),
            (Break::Partition, expected.hottest > PARTITION),
            (Break::Table, expected.fetches > TABLE),
            // Reads go to the same table, whose quota is higher than most of KMS's.
            (Break::Restart, expected.cold > self.kms.min(TABLE)),
        ];
        checks.into_iter().filter_map(|(which, broken)| broken.then_some(which)).collect()
    }

    /// The least change of each setting after which nothing breaks.
    pub(crate) fn knobs(&self, load: &Load) -> Vec<Knob> {
        let fits = |load: &Load| self.breaks(&expect(load)).is_empty();
        let larger = |from: u64, most: u64| {
            std::iter::successors(Some(from), move |&value| (value < most).then(|| (value * 2).min(most))).skip(1)
        };
        let smaller = std::iter::successors(Some(load.spread), |&value| (value > 1).then_some(value / 2)).skip(1);
        let ttl = larger(whole(load.ttl), MOST_TTL).find(|&ttl| fits(&Load { ttl: float(ttl), ..load.clone() }));
        let capacity = larger(load.capacity, MOST_CAPACITY).find(|&capacity| fits(&Load { capacity, ..load.clone() }));
        let spread = { smaller }.find(|&spread| fits(&Load { spread, ..load.clone() }));
        [ttl.map(Knob::Ttl), capacity.map(Knob::Capacity), spread.map(Knob::Spread)].into_iter().flatten().collect()
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

fn whole(seconds: f64) -> u64 {
    std::iter::successors(Some(1_u64), |&n| n.checked_mul(2)).find(|&n| float(n) >= seconds).unwrap_or(1)
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
