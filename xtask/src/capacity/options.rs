//! The command line: a load, or a grid of them.

use super::limits::{Limits, kms_quota};
use super::load::Load;
use crate::step::Failed;

/// What to compute and how to show it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) loads: Vec<Load>,
    pub(crate) limits: Limits,
    pub(crate) simulate: bool,
    pub(crate) json: bool,
}

impl Options {
    /// `None` asks for help.
    pub(crate) fn parse(args: &[&str]) -> Result<Option<Self>, Failed> {
        let mut load = Load::default();
        let mut rates = decades(10, 10_000_000);
        let mut tenants = vec![1, 100, 10_000, 1_000_000];
        let (mut limits, mut spread, mut simulate, mut json) = (Limits::default(), None, false, false);
        let mut args = args.iter();
        while let Some(&name) = args.next() {
            let mut value = || args.next().copied().ok_or_else(|| Failed::new(format!("{name} needs a value")));
            match name {
                "-h" | "--help" => return Ok(None),
                "--rate" => rates = list(name, value()?, |&rate| (1..=10_000_000).contains(&rate))?,
                "--tenants" => tenants = list(name, value()?, |&count| (1..=1_000_000).contains(&count))?,
                "--processes" => load.processes = one(name, value()?, |&count| (1..=100_000).contains(&count))?,
                "--spread" => spread = Some(one(name, value()?, |&count| count >= 1)?),
                "--reads" => load.reads = one(name, value()?, share)?,
                "--old-versions" => load.old_versions = one(name, value()?, |&count| count <= 100)?,
                "--old-reads" => load.old_reads = one(name, value()?, share)?,
                "--zipf" => load.zipf = one(name, value()?, |&s| (0.0..=3.0).contains(&s))?,
                "--ttl" => load.ttl = one(name, value()?, |&ttl| (1..=86_400).contains(&ttl))?,
                "--capacity" => load.capacity = one(name, value()?, |&count| (1..=10_000_000).contains(&count))?,
                "--early" => load.early = one(name, value()?, |&early| (0.0..=0.9).contains(&early))?,
                "--region" => limits.kms = kms_quota(value()?),
                "--kms-quota" => limits.kms = one(name, value()?, |&quota: &f64| quota > 0.0 && quota.is_finite())?,
                "--kms-price" => limits.kms_price = one(name, value()?, price)?,
                "--ddb-read-price" => limits.read_price = one(name, value()?, price)?,
                "--simulate" => simulate = true,
                "--json" => json = true,
                _ => return Err(Failed::new(format!("capacity: unknown option {name}\n\n{HELP}"))),
            }
        }
        load.spread = spread.unwrap_or(load.processes);
        if load.spread > load.processes {
            return Err(Failed::new("--spread cannot be more than --processes"));
        }
        let loads = tenants.iter().flat_map(|&tenants| {
            let load = Load { tenants, ..load };
            rates.iter().map(move |&rate| Load { rate: super::load::float(rate), ..load })
        });
        Ok(Some(Self { loads: loads.collect(), limits, simulate, json }))
    }
}

fn decades(from: u64, to: u64) -> Vec<u64> {
    std::iter::successors(Some(from), |&rate| (rate < to).then_some(rate * 10)).collect()
}

fn list(name: &str, text: &str, fits: impl Fn(&u64) -> bool) -> Result<Vec<u64>, Failed> {
    text.split(',').map(|part| one(name, part, &fits)).collect()
}

fn one<T: std::str::FromStr>(name: &str, text: &str, fits: impl Fn(&T) -> bool) -> Result<T, Failed> {
    let value = text.replace('_', "").parse().ok().filter(fits);
    value.ok_or_else(|| Failed::new(format!("{name} cannot be {text}\n\n{HELP}")))
}

fn share(share: &f64) -> bool {
    (0.0..=1.0).contains(share)
}

fn price(price: &f64) -> bool {
    *price >= 0.0 && price.is_finite()
}

pub(crate) const HELP: &str = "\
cargo xtask capacity [OPTIONS]    KMS requests, key-store reads and cost of the hierarchical key ring, and where it breaks

The load; lists such as 10,1000 give a row for each
  --rate N,...         items sealed or opened per second, by all processes, 1 to 10,000,000    [every decade from 10]
  --tenants N,...      branch keys, 1 to 1,000,000                                             [1,100,10000,1000000]
  --processes N        gateways or services, each with a cache of its own                      [10]
  --spread N           how many of them serve one tenant; 1 is sticky routing                  [all]
  --reads SHARE        the share of items that are opened                                      [0.8]
  --old-versions N     versions of each branch key that still open something                   [3]
  --old-reads SHARE    the share of opened items that lie under those                          [0.2]
  --zipf S             exponent of the tenants' popularity; 0 makes them alike                 [1]
The cache, as in dynaseal.toml
  --ttl SECONDS        cache_ttl                                                               [3600]
  --capacity N         cache_capacity                                                          [1000]
  --early SHARE        cache_refresh_early                                                     [0.2]
Limits and prices
  --region NAME        KMS's quota there: 10,000 requests per second in most Regions           [10,000]
  --kms-quota N        another quota
  --kms-price X        US dollars for 10,000 requests of KMS                                   [0.03]
  --ddb-read-price X   US dollars for a million read request units                             [0.125]
Output
  --simulate           run each load request by request, too, and compare (up to 50,000,000 requests)
  --json               an object for each load
";
