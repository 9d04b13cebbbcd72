//! Versions rotate while writers and readers run, on the real clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use dynaseal_engine::{Clock, SystemClock};
use dynaseal_keys::KeyVersion;
use dynaseal_keys::testing::Trouble;

use crate::world::*;

const TENANT: &str = "t";
const TTL: Duration = Duration::from_secs(1);
const EVERY: Duration = Duration::from_millis(200);
const LATENCY: Duration = Duration::from_millis(100);
/// So that a run of a minute leaves some ten thousand items.
const PACE: Duration = Duration::from_millis(25);

/// An item is never sealed under a version that was retired more than one time to live before. This holds without slack:
/// a version that a fetch brings was active after the fetch began, so whoever is given it comes no later than one time to
/// live after it was retired. `began` is read before the call that seals, and the end of a rotation after it was stored.
/// No read fails, no write, and all that was written opens with an engine that was not there.
#[test]
fn rotation_under_load_fails_nothing_and_outlives_no_time_to_live() {
    let seconds = std::env::var("DYNASEAL_ROTATION_SECONDS").map_or(6, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::new([TENANT.to_owned()]));
    // A key ages from the moment at which it is asked for, which shows only if the answer takes its time.
    world.aws.kms.trouble(Trouble::Slow(LATENCY), Some("Decrypt"), usize::MAX);
    // As two services would share the table. The one that does not refresh early uses each key to the end of its time.
    let engine = |early| {
        let cache = format!("cache_ttl = {}\ncache_refresh_early = {early}", TTL.as_secs());
        world.engine(&cache, Arc::new(SystemClock))
    };
    let engines = [engine(0.0), engine(0.2)];
    let (stop, reads) = (AtomicBool::new(false), AtomicUsize::new(0));
    // The ids of what was written.
    let written: Mutex<Vec<String>> = Mutex::default();
    let mut began: BTreeMap<String, Duration> = BTreeMap::new();
    let mut retired: BTreeMap<KeyVersion, Duration> = BTreeMap::new();

    thread::scope(|scope| {
        let running = || !stop.load(Ordering::SeqCst);
        // Whoever fails tells the others to stop, so that the scope ends.
        let guarded = |result: Result<(), Failed>| {
            if result.is_err() {
                stop.store(true, Ordering::SeqCst);
            }
            result.unwrap();
        };
        let (world, written, engines, runtime, reads) = (&world, &written, &engines, &runtime, &reads);
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                scope.spawn(move || {
                    let mut began = Vec::new();
                    while running() {
                        let id = format!("{writer}-{}", began.len());
                        began.push((id.clone(), SystemClock.now()));
                        guarded(runtime.block_on(put(&engines[writer % 2], world, TENANT, &id)));
                        written.lock().unwrap().push(id);
                        thread::sleep(PACE);
                    }
                    began
                })
            })
            .collect();
        for reader in 0..8 {
            scope.spawn(move || {
                let mut place = reader;
                while running() {
                    let id = {
                        let written = written.lock().unwrap();
                        // Strides through all that is there, old and new.
                        place += 7919;
                        written.get(place % written.len().max(1)).cloned()
                    };
                    if let Some(id) = id {
                        guarded(runtime.block_on(get(&engines[reader % 2], world, TENANT, &id)));
                        reads.fetch_add(1, Ordering::SeqCst);
                    }
                    thread::sleep(PACE);
                }
            });
        }
        let (store, end) = (world.store(), SystemClock.now() + Duration::from_secs(seconds));
        while SystemClock.now() < end && running() {
            let rotated = runtime.block_on(store.rotate(TENANT, world.io(&SystemClock)));
            if rotated.is_err() {
                stop.store(true, Ordering::SeqCst);
            }
            retired.insert(rotated.unwrap().old, SystemClock.now());
            thread::sleep(EVERY);
        }
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            began.extend(writer.join().unwrap());
        }
    });

    let stored = world.stored();
    let (mut versions, mut late, mut oldest) = (BTreeSet::new(), 0, Duration::ZERO);
    for item in &stored {
        let (tenant, version) = sealed_under(item);
        let began = began[item["id"]["S"].as_str().unwrap()];
        versions.insert(version);
        assert_eq!(tenant, TENANT);
        if let Some(age) = retired.get(&version).and_then(|retired| began.checked_sub(*retired)) {
            assert!(age <= TTL, "sealed {age:?} after its version was retired");
            late += 1;
            oldest = oldest.max(age);
        }
    }
    let reads = reads.into_inner();
    println!(
        "{seconds} s: {} rotations, {} items under {} versions, {late} of them after the version was retired, {oldest:?} at \
         most, {reads} reads",
        retired.len(),
        stored.len(),
        versions.len(),
    );
    assert_eq!(stored.len(), began.len(), "every write was stored");
    // The test saw what it is about: rotations, several versions in use, and a cache that outlives a rotation.
    let seconds = usize::try_from(seconds).unwrap();
    assert!(retired.len() >= 2 * seconds && versions.len() >= seconds / 2 && late > 0 && reads >= 8 * seconds);
    world.aws.kms.calm();
    assert_eq!(runtime.block_on(scan(&engine(0.2), &world)).unwrap(), stored.len());
}
