//! A branch key leaves the memory of the process with its entry in the cache: the heap is searched for its bytes, through
//! `/proc/self/mem`. Stacks are left out; what a call leaves there is written over by the next calls.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "the helpers of a test may stop it")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use dynaseal_item::{Context, Suite};
use dynaseal_keys::testing::{FixedClock, offline};
use dynaseal_keys::{
    BoxFuture, BranchKey, BranchKeyId, CacheOptions, Error, Hierarchical, Io, KeyStore, KeyVersion, Provider,
};

/// One test, so that nothing else writes to the heap while it is read.
#[test]
fn keys_leave_the_memory_with_their_entries() {
    let options = CacheOptions { capacity: 4, refresh_early: 0.2, ..CacheOptions::new(Duration::from_secs(100)) };
    let id = BranchKeyId::Attribute("tenant".into());
    let clock = FixedClock::new(Duration::from_secs(1000));
    let provider = Provider::new(Arc::new(Hierarchical::new(Arc::new(Fresh), id, options).unwrap()));
    let seal = |tenant: u8| {
        let pairs = [("aws-crypto-attr.tenant", tenant.to_string()), ("aws-crypto-legend", "S".to_owned())];
        let context: Context = pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        pollster::block_on(provider.seal_keys(Suite::Hmac, &context, offline(&clock))).unwrap();
    };
    let heap = Heap;

    seal(1);
    assert!(heap.holds(1, 1000), "a key that is in use is found, or this test would find nothing");
    assert!(!heap.holds(9, 1000), "and one that never was is not");

    // Each tenant has two entries, of the active key and of its version.
    seal(2);
    seal(3);
    assert!(!heap.holds(1, 1000) && heap.holds(2, 1000) && heap.holds(3, 1000), "evicted");

    clock.set(Duration::from_millis(1_090_001));
    seal(3);
    assert!(!heap.holds(3, 1000) && heap.holds(3, 1090), "fetched anew");

    clock.set(Duration::from_secs(1101));
    seal(3);
    assert!(!heap.holds(2, 1000) && heap.holds(3, 1090), "its time was over, and nobody asked for it again");

    drop(provider);
    assert!(!heap.holds(3, 1090), "with the ring");
}

/// Gives keys that stand nowhere else, made of the tenant and the time in seconds.
#[derive(Debug)]
struct Fresh;

impl KeyStore for Fresh {
    fn active<'a>(&'a self, id: &'a str, io: Io<'a>) -> BoxFuture<'a, Result<Arc<BranchKey>, Error>> {
        let (tenant, second) = (id.parse().unwrap(), io.clock.now().as_secs());
        Box::pin(async move {
            let key: [u8; 32] = std::array::from_fn(|place| byte(tenant, second, place));
            Ok(Arc::new(BranchKey::new(KeyVersion::from_bytes([tenant; 16]), &key)))
        })
    }

    fn version<'a>(&'a self, id: &'a str, _: KeyVersion, io: Io<'a>) -> BoxFuture<'a, Result<Arc<BranchKey>, Error>> {
        self.active(id, io)
    }
}

fn byte(tenant: u8, second: u64, place: usize) -> u8 {
    let mixed = (second * 64 + place as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    mixed[1] ^ mixed[4] ^ tenant.wrapping_mul(0x3b)
}

/// The writable memory of this process but for the stacks.
#[derive(Default)]
struct Heap;

impl Heap {
    fn holds(&self, tenant: u8, second: u64) -> bool {
        let here = std::ptr::from_ref(&tenant).addr() as u64;
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let memory = File::open("/proc/self/mem").unwrap();
        let mut buffer = vec![0; 1 << 16];
        let mut found = false;
        for map in maps.lines().filter(|map| map.contains(" rw-p ") && !map.contains("[stack]")) {
            let range = map.split(' ').next().and_then(|range| range.split_once('-')).unwrap();
            let [mut at, end] = [range.0, range.1].map(|text| u64::from_str_radix(text, 16).unwrap());
            if (at..end).contains(&here) {
                continue;
            }
            // Each piece begins with the end of the one before, so that a key across both is seen.
            while at + 31 < end {
                let length = usize::try_from(end - at).unwrap().min(buffer.len());
                if memory.read_exact_at(&mut buffer[..length], at).is_ok() {
                    // Compared byte by byte as they are computed, so that the key stands in no buffer of this test.
                    found |= buffer[..length].windows(32).any(|window| {
                        window.iter().enumerate().all(|(place, have)| *have == byte(tenant, second, place))
                    });
                }
                // What was read must not be found the next time.
                buffer.fill(0);
                at += length as u64 - 31;
            }
        }
        found
    }
}
