//! The simulation's requests sent through the real key ring, whose fetches are counted where they arrive.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use dynaseal_item::{Context, EncryptedDataKey, Suite};
use dynaseal_keys::testing::{FixedClock, offline};
use dynaseal_keys::{
    BoxFuture, BranchKey, BranchKeyId, CacheOptions, Error, Hierarchical, Io, KeyStore, KeyVersion, Provider,
};

use super::super::load::{Load, float};
use super::super::model::expect;
use super::super::simulate::{Arrivals, Needs, simulate};

#[test]
fn the_real_key_ring_fetches_as_often() {
    let base = Load { rate: 12.0, tenants: 60, processes: 3, spread: 3, ttl: 60, early: 0.0, ..Load::default() };
    for (name, load) in [
        ("sealed and opened", base),
        ("only sealed", Load { reads: 0.0, ..base }),
        ("only opened, sticky", Load { reads: 1.0, spread: 1, ..base }),
        ("too small", Load { capacity: 50, ..base }),
    ] {
        let (real, expected, counted) = (real(&load, 3), expect(&load).fetches, simulate(&load, 3).fetches);
        println!("{name}: real {real:.3}/s, expected {expected:.3}/s, simulated {counted:.3}/s");
        assert!((real / expected - 1.0).abs() < 0.05, "{name}: real {real}, expected {expected}");
        // The same requests; only the rounding of times can tell them apart.
        assert!((real / counted - 1.0).abs() < 0.001, "{name}: real {real}, simulated {counted}");
    }
}

/// Each cache draws its own moments, so that only the long run is alike.
#[test]
fn the_real_key_ring_refreshes_as_early() {
    let load = Load { rate: 40.0, tenants: 60, processes: 3, spread: 3, ttl: 60, early: 0.6, ..Load::default() };
    let (real, expected) = (real(&load, 3), expect(&load).fetches);
    println!("early: real {real:.3}/s, expected {expected:.3}/s");
    assert!((real / expected - 1.0).abs() < 0.05, "real {real}, expected {expected}");
}

/// Fetches per second of one key ring for each process, in the same span of time as the simulation counts.
fn real(load: &Load, seed: u64) -> f64 {
    let (clock, from, until) = (FixedClock::default(), 2.0 * load.lasts(), 12.0 * load.lasts());
    let stores: Vec<_> = (0..load.processes).map(|_| Arc::new(Counting::default())).collect();
    let rings: Vec<_> = stores.iter().map(|store| ring(store.clone(), load)).collect();
    let items = Items::new(load);
    let fetched = || stores.iter().map(|store| store.0.load(Ordering::Relaxed)).sum::<u64>();
    let mut before = None;
    for request in Arrivals::new(load, seed).take_while(|request| request.time < until) {
        if request.time >= from {
            before.get_or_insert_with(fetched);
        }
        clock.set(Duration::from_secs_f64(request.time));
        let ring = &rings[usize::try_from(request.process).unwrap()];
        let context = context(request.tenant);
        match request.needs {
            Needs::Seal => drop(ready(ring.seal_keys(Suite::Hmac, &context, offline(&clock))).unwrap()),
            Needs::Open => drop(
                ready(ring.open_keys(Suite::Hmac, items.under(request.tenant, 0), &context, offline(&clock))).unwrap(),
            ),
            Needs::Old(version) => {
                let item = items.under(request.tenant, version + 1);
                drop(ready(ring.open_keys(Suite::Hmac, item, &context, offline(&clock))).unwrap());
            }
        }
    }
    float(fetched() - before.unwrap()) / (until - from)
}

fn ring(store: Arc<dyn KeyStore>, load: &Load) -> Provider {
    let capacity = usize::try_from(load.capacity).unwrap();
    let cache =
        CacheOptions { capacity, refresh_early: load.early, ..CacheOptions::new(Duration::from_secs(load.ttl)) };
    let ring = Hierarchical::new(store, BranchKeyId::Attribute("tenant".into()), cache);
    Provider::new(Arc::new(ring.unwrap()))
}

/// A wrapped data key of each version of each tenant's branch key.
struct Items(Vec<Vec<[EncryptedDataKey<'static>; 1]>>);

impl Items {
    fn new(load: &Load) -> Self {
        let clock = FixedClock::default();
        let wrapped = |tenant, version| {
            let sealer = ring(Arc::new(Sealing(version)), load);
            let keys = ready(sealer.seal_keys(Suite::Hmac, &context(tenant), offline(&clock))).unwrap();
            [keys.wrapped[0].0.clone()]
        };
        let tenants = (0..load.tenants).map(|tenant| (0..=load.old_versions).map(|v| wrapped(tenant, v)).collect());
        Self(tenants.collect())
    }

    /// Version 0 is the active one.
    fn under(&self, tenant: u64, version: u64) -> &[EncryptedDataKey<'static>] {
        &self.0[usize::try_from(tenant).unwrap()][usize::try_from(version).unwrap()]
    }
}

/// A key store that counts what is asked of it.
#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl KeyStore for Counting {
    fn active<'a>(&'a self, id: &'a str, _: Io<'a>) -> BoxFuture<'a, Result<Arc<BranchKey>, Error>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(branch_key(id, version(0)))))
    }

    fn version<'a>(
        &'a self,
        id: &'a str,
        version: KeyVersion,
        _: Io<'a>,
    ) -> BoxFuture<'a, Result<Arc<BranchKey>, Error>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(branch_key(id, version))))
    }
}

/// The key store as it was when this version was the active one.
#[derive(Debug)]
struct Sealing(u64);

impl KeyStore for Sealing {
    fn active<'a>(&'a self, id: &'a str, _: Io<'a>) -> BoxFuture<'a, Result<Arc<BranchKey>, Error>> {
        Box::pin(std::future::ready(Ok(branch_key(id, version(self.0)))))
    }

    fn version<'a>(&'a self, id: &'a str, _: KeyVersion, _: Io<'a>) -> BoxFuture<'a, Result<Arc<BranchKey>, Error>> {
        Box::pin(std::future::ready(Err(Error::NoBranchKey { id: id.to_owned() })))
    }
}

/// A test key, not a secret: the id and the version, so that a wrong one does not open.
fn branch_key(id: &str, version: KeyVersion) -> Arc<BranchKey> {
    let mut key = [0; 32];
    key[..16].copy_from_slice(version.as_bytes());
    key[16..16 + id.len()].copy_from_slice(id.as_bytes());
    Arc::new(BranchKey::new(version, &key))
}

fn version(number: u64) -> KeyVersion {
    KeyVersion::from_bytes(u128::from(number).to_be_bytes())
}

fn context(tenant: u64) -> Context {
    let pairs = [("aws-crypto-attr.tenant", format!("tenant-{tenant}")), ("aws-crypto-legend", "S".into())];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The result of a future that waits for nothing.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Task::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("a key ring waited for something"),
    }
}
