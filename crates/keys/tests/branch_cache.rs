//! What a key store is asked for, counted: many items of many tenants, callers that come at once, rotation, erasure,
//! and a store that is down.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may stop it")]

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use dynaseal_item::{Context, EncryptedDataKey, Kind, Suite};
use dynaseal_keys::testing::{FixedClock, offline};
use dynaseal_keys::{
    BoxFuture, BranchKey, BranchKeyId, CacheOptions, CacheStats, Error, Hierarchical, Io, KeyStore, KeyVersion,
    Keyring, Multi, Provider, WhenUnavailable,
};

const TTL: Duration = Duration::from_secs(600);

#[test]
fn many_items_of_many_tenants_make_one_fetch_for_each_branch_key() {
    let world = World::new(CacheOptions::new(TTL));
    // 20,000 items in a little less than the part of the time to live before the early refresh.
    let mut sealed = Vec::new();
    for number in 0..20_000 {
        world.clock.advance(Duration::from_millis(23));
        sealed.push((number % 500, world.seal(number % 500).unwrap()));
        if number % 10 == 0 {
            let (tenant, item) = &sealed[sealed.len() / 2];
            world.open(*tenant, item).unwrap();
        }
    }
    assert_eq!(world.store.counts(), (500, 0), "whoever seals need not ask again to open");
    assert_eq!(world.store.most_of_one(), 1);
    let stats = world.ring.stats();
    assert_eq!((stats.hits, stats.misses, stats.fetches, stats.entries), (21_500, 500, 500, 1000));

    // Over five times the time to live, in which each tenant is busy: one fetch for each, and an early one each time.
    for number in 0..20_000 {
        world.clock.advance(Duration::from_millis(150));
        world.seal(number % 500).unwrap();
    }
    let stats = world.ring.stats();
    assert_eq!(stats.evictions, 0);
    assert_eq!(world.store.counts().1, 0);
    // Each fetch lasts for four fifths of the time at least, so that there are at most 7 in 3,460 seconds.
    assert!(world.store.most_of_one() <= 8, "{} fetches of one key", world.store.most_of_one());
    assert!(stats.refreshes > 500, "{stats:?}");
}

#[test]
fn without_early_refresh_there_is_one_fetch_for_each_time_to_live() {
    let world = World::new(CacheOptions { refresh_early: 0.0, ..CacheOptions::new(TTL) });
    for number in 0..20_000 {
        world.clock.advance(Duration::from_millis(299));
        world.seal(number % 500).unwrap();
    }
    // 5,980 seconds are ten times the time to live. A tenant comes every 149.5 seconds, and so for the fifth time after a
    // fetch when the key's time is over.
    assert_eq!(world.store.most_of_one(), 8);
}

#[test]
fn a_cold_start_of_64_callers_makes_one_fetch() {
    let world = World::new(CacheOptions::new(TTL));
    world.store.hangs.store(true, Ordering::SeqCst);
    let context = context(7);
    let io = offline(&world.clock);
    let mut callers: Vec<Pin<Box<dyn Future<Output = _>>>> = Vec::new();
    for _ in 0..64 {
        callers.push(Box::pin(world.provider.seal_keys(Suite::Hmac, &context, io)));
    }
    let mut task = Task::from_waker(Waker::noop());
    assert!(callers.iter_mut().all(|caller| caller.as_mut().poll(&mut task).is_pending()));
    assert_eq!(world.store.counts(), (1, 0));
    // The one that fetches goes away; the next takes over.
    drop(callers.remove(0));
    assert!(callers.iter_mut().all(|caller| caller.as_mut().poll(&mut task).is_pending()));
    assert_eq!(world.store.counts(), (2, 0));
    world.store.hangs.store(false, Ordering::SeqCst);
    for caller in &mut callers {
        let Poll::Ready(keys) = caller.as_mut().poll(&mut task) else { panic!("it waits") };
        assert_eq!(keys.unwrap().wrapped.len(), 1);
    }
    assert_eq!(world.store.counts(), (2, 0));
}

#[test]
fn a_cold_start_of_64_threads_makes_one_fetch() {
    let world = World::new(CacheOptions::new(TTL));
    let barrier = std::sync::Barrier::new(64);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                barrier.wait();
                let sealed = world.seal(7).unwrap();
                world.open(7, &sealed).unwrap();
            });
        }
    });
    assert_eq!(world.store.counts(), (1, 0));
}

#[test]
fn a_rotation_is_noticed_after_one_time_to_live_and_old_items_open() {
    let world = World::new(CacheOptions::new(TTL));
    let old = world.seal(1).unwrap();
    world.store.rotate(1);
    world.clock.advance(TTL + Duration::from_secs(1));
    let new = world.seal(1).unwrap();
    assert_ne!(version(&old), version(&new));
    for item in [&old, &new] {
        world.open(1, item).unwrap();
    }
    assert_eq!(world.store.counts(), (2, 1), "only the retired version is asked for by its name");
}

/// The bound on erasure: once the key is destroyed, its items are unreadable after the time to live, outage or not.
#[test]
fn a_destroyed_key_opens_nothing_after_its_time() {
    let keep = WhenUnavailable::Keep(Duration::from_secs(60));
    let world = World::new(CacheOptions { when_unavailable: keep, ..CacheOptions::new(TTL) });
    let items: Vec<_> = (0..2).map(|tenant| world.seal(tenant).unwrap()).collect();
    world.store.destroy(0);
    let mut opened = Duration::ZERO;
    for second in 1..1000 {
        world.clock.advance(Duration::from_secs(1));
        if world.open(0, &items[0]).is_ok() && world.seal(0).is_ok() {
            opened = Duration::from_secs(second);
        }
        world.open(1, &items[1]).unwrap();
    }
    assert_eq!(opened, TTL);
    let error = world.open(0, &items[0]).unwrap_err();
    assert_eq!((error.code(), error.kind()), ("DSL-4005", Kind::Keys));

    // If it is destroyed while the store is down, the bound is longer by what is kept.
    world.clock.advance(TTL * 2);
    world.open(1, &items[1]).unwrap();
    world.store.destroy(1);
    world.store.down.store(true, Ordering::SeqCst);
    let mut opened = Duration::ZERO;
    for second in 1..1000 {
        world.clock.advance(Duration::from_secs(1));
        if world.open(1, &items[1]).is_ok() {
            opened = Duration::from_secs(second);
        }
    }
    assert_eq!(opened, TTL + Duration::from_secs(60));
    assert_eq!(world.ring.stats().kept, 60);
    assert_eq!(world.open(1, &items[1]).unwrap_err().kind(), Kind::Outage);
}

#[test]
fn an_outage_of_half_a_minute_is_survived_without_a_stampede() {
    for (when_unavailable, served) in
        [(WhenUnavailable::Fail, false), (WhenUnavailable::Keep(Duration::from_secs(60)), true)]
    {
        let world = World::new(CacheOptions { when_unavailable, ..CacheOptions::new(TTL) });
        for tenant in 0..10 {
            world.seal(tenant).unwrap();
        }
        world.clock.advance(TTL + Duration::from_secs(1));
        world.store.down.store(true, Ordering::SeqCst);
        let before = world.store.counts().0;
        // 1,000 calls a second of ten tenants.
        for number in 0..30_000 {
            let sealed = world.seal(number % 10);
            assert_eq!(sealed.is_ok(), served);
            assert!(sealed.err().is_none_or(|error| error.kind() == Kind::Outage && error.code() == "DSL-4014"));
            world.clock.advance(Duration::from_millis(1));
        }
        let calls = world.store.counts().0 - before;
        assert!((300..=620).contains(&calls), "{calls} calls in 30 seconds for ten keys");
        world.store.down.store(false, Ordering::SeqCst);
        world.clock.advance(Duration::from_secs(1));
        let before = world.store.counts().0;
        for number in 0..100 {
            world.seal(number % 10).unwrap();
        }
        assert_eq!(world.store.counts().0 - before, 10);
    }
}

#[test]
fn a_ring_that_is_part_of_two_others_is_read_once() {
    let world = World::new(CacheOptions::new(TTL));
    world.seal(1).unwrap();
    let multi = |rings: Vec<Arc<dyn Keyring>>| Arc::new(Multi::new(None, rings).unwrap()) as Arc<dyn Keyring>;
    let other = World::new(CacheOptions::new(TTL));
    let inner = multi(vec![world.ring.clone(), other.ring]);
    let readings = multi(vec![inner, world.ring]).caches();
    assert_eq!(readings.len(), 2);
    let sum: CacheStats = readings.into_values().sum();
    assert_eq!((sum.fetches, sum.misses, sum.entries), (1, 1, 2));
}

struct World {
    clock: FixedClock,
    store: Arc<Scripted>,
    ring: Arc<Hierarchical>,
    provider: Provider,
}

impl World {
    fn new(cache: CacheOptions) -> Self {
        let store = Arc::new(Scripted::default());
        let ring = Arc::new(Hierarchical::new(store.clone(), BranchKeyId::Attribute("tenant".into()), cache).unwrap());
        let clock = FixedClock::new(Duration::from_secs(1_000_000));
        Self { clock, store, ring: ring.clone(), provider: Provider::new(ring) }
    }

    fn seal(&self, tenant: usize) -> Result<Vec<EncryptedDataKey<'static>>, Error> {
        let context = context(tenant);
        let keys = pollster::block_on(self.provider.seal_keys(Suite::Hmac, &context, offline(&self.clock)))?;
        Ok(keys.wrapped.into_iter().map(|(data_key, _)| data_key).collect())
    }

    fn open(&self, tenant: usize, item: &[EncryptedDataKey<'_>]) -> Result<(), Error> {
        let context = context(tenant);
        pollster::block_on(self.provider.open_keys(Suite::Hmac, item, &context, offline(&self.clock))).map(drop)
    }
}

fn context(tenant: usize) -> Context {
    let pairs = [("aws-crypto-attr.tenant", format!("tenant-{tenant}")), ("aws-crypto-legend", "S".to_owned())];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The version in a wrapped data key, after the salt and the IV.
fn version(item: &[EncryptedDataKey<'_>]) -> Vec<u8> {
    item.iter().flat_map(|data_key| data_key.ciphertext.iter().skip(48 + 16 + 12).take(16).copied()).collect()
}

/// A key store that does as it is told, and counts. Its keys are test keys.
#[derive(Debug, Default)]
struct Scripted {
    active: AtomicUsize,
    version: AtomicUsize,
    by_id: Mutex<HashMap<String, usize>>,
    rotations: Mutex<HashMap<String, u8>>,
    destroyed: Mutex<Vec<String>>,
    down: AtomicBool,
    hangs: AtomicBool,
}

impl Scripted {
    /// How often it was asked for an active key, and for a version.
    fn counts(&self) -> (usize, usize) {
        (self.active.load(Ordering::SeqCst), self.version.load(Ordering::SeqCst))
    }

    fn most_of_one(&self) -> usize {
        self.by_id.lock().unwrap().values().copied().max().unwrap_or_default()
    }

    fn rotate(&self, tenant: usize) {
        *self.rotations.lock().unwrap().entry(format!("tenant-{tenant}")).or_default() += 1;
    }

    fn destroy(&self, tenant: usize) {
        self.destroyed.lock().unwrap().push(format!("tenant-{tenant}"));
    }

    async fn key(&self, id: &str, version: Option<KeyVersion>) -> Result<Arc<BranchKey>, Error> {
        std::future::poll_fn(|_| if self.hangs.load(Ordering::SeqCst) { Poll::Pending } else { Poll::Ready(()) }).await;
        if self.down.load(Ordering::SeqCst) {
            return Err(Error::StoreUnavailable { id: id.to_owned(), what: "it is down" });
        }
        if self.destroyed.lock().unwrap().iter().any(|destroyed| destroyed == id) {
            return Err(Error::NoBranchKey { id: id.to_owned() });
        }
        let active = self.rotations.lock().unwrap().get(id).copied().unwrap_or_default();
        let version = version.unwrap_or(KeyVersion::from_bytes([active; 16]));
        Ok(Arc::new(BranchKey::new(version, &[version.as_bytes()[0]; 32])))
    }
}

impl KeyStore for Scripted {
    fn active<'a>(&'a self, id: &'a str, _: Io<'a>) -> BoxFuture<'a, Result<Arc<BranchKey>, Error>> {
        self.active.fetch_add(1, Ordering::SeqCst);
        *self.by_id.lock().unwrap().entry(id.to_owned()).or_default() += 1;
        Box::pin(self.key(id, None))
    }

    fn version<'a>(
        &'a self,
        id: &'a str,
        version: KeyVersion,
        _: Io<'a>,
    ) -> BoxFuture<'a, Result<Arc<BranchKey>, Error>> {
        self.version.fetch_add(1, Ordering::SeqCst);
        Box::pin(self.key(id, Some(version)))
    }
}
