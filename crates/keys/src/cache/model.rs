//! Random histories against what must hold of every one of them. The model knows nothing of how the cache is built: it
//! holds the times at which each value was asked for, and says which answers and fetches are allowed.

use std::collections::HashMap;
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use dynaseal_item::Kind;
use proptest::prelude::*;

use super::*;
use crate::testing::FixedClock;

#[derive(Clone, Debug)]
enum Step {
    /// A call for one of a few keys.
    Get(u8),
    /// Time passes, in milliseconds.
    Pass(u64),
    /// What the store answers from now on.
    Store(Mode),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Up,
    Down,
    Refusing,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let mode = prop_oneof![3 => Just(Mode::Up), 2 => Just(Mode::Down), 1 => Just(Mode::Refusing)];
    let step = prop_oneof![
        6 => (0..KEYS).prop_map(Step::Get),
        3 => prop_oneof![0_u64..50, 0_u64..1500, 0_u64..12_000].prop_map(Step::Pass),
        1 => mode.prop_map(Step::Store),
    ];
    prop::collection::vec(step, 1..200)
}

fn options() -> impl Strategy<Value = CacheOptions> {
    let keep = prop_oneof![
        Just(WhenUnavailable::Fail),
        (1_u64..20).prop_map(|time| WhenUnavailable::Keep(Duration::from_secs(time)))
    ];
    (1_u64..15, 1_usize..6, prop_oneof![Just(0.0), 0.0..0.9], keep).prop_map(
        |(ttl, capacity, refresh_early, when_unavailable)| CacheOptions {
            ttl: Duration::from_secs(ttl),
            capacity,
            refresh_early,
            when_unavailable,
        },
    )
}

/// What is known of one key.
#[derive(Default)]
struct Known {
    /// When the last value was asked for; the value is the number of its fetch.
    value: Option<(Duration, u32)>,
    /// The store has given another answer than an outage since.
    refused: bool,
    /// The last fetch that failed for an outage.
    down: Option<Duration>,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_history_keeps_the_promises(options in options(), steps in steps()) {
        let cache: Cache<u8, u32> = Cache::new(options);
        let clock = FixedClock::new(Duration::from_secs(1_000_000));
        let (mut mode, mut fetched) = (Mode::Up, 0);
        let mut keys: HashMap<u8, Known> = HashMap::new();
        let (early, keep_for) = (options.ttl.mul_f64(options.refresh_early), options.keep_for());
        let roomy = options.capacity >= KEYS.into();
        let mut last = CacheStats::default();
        for step in steps {
            let key = match step {
                Step::Pass(millis) => {
                    clock.advance(Duration::from_millis(millis));
                    continue;
                }
                Step::Store(new) => {
                    mode = new;
                    continue;
                }
                Step::Get(key) => key,
            };
            let now = clock.now();
            let before = fetched;
            let fetch = async {
                fetched += 1;
                match mode {
                    Mode::Up => Ok(Fetched { value: fetched, also: None }),
                    Mode::Down => Err(Error::StoreUnavailable { id: key.to_string(), what: "it is down" }),
                    Mode::Refusing => Err(Error::NoBranchKey { id: key.to_string() }),
                }
            };
            let mut call = Box::pin(cache.get(&key, &clock, fetch));
            let Poll::Ready(answer) = call.as_mut().poll(&mut Task::from_waker(Waker::noop())) else {
                panic!("it waits for nobody")
            };
            drop(call);
            let asked = fetched > before;
            prop_assert!(fetched <= before + 1);

            let known = keys.entry(key).or_default();
            let age = known.value.map(|(created, _)| now - created);
            if asked {
                // Not without need: the value is not young, and the store was not down half a second ago.
                prop_assert!(age.is_none_or(|age| age >= options.ttl - early) || !roomy);
                prop_assert!(known.down.is_none_or(|down| now - down >= Duration::from_millis(500)));
                match mode {
                    Mode::Up => *known = Known { value: Some((now, fetched)), ..Known::default() },
                    Mode::Down => known.down = Some(now),
                    Mode::Refusing => (known.refused, known.down) = (true, None),
                }
            } else {
                // Not without right: there is a value for the answer, or an outage of the last second.
                let down = known.down.is_some_and(|down| now - down <= Duration::from_secs(1));
                prop_assert!(age.is_some_and(|age| age <= options.ttl) || down);
            }
            match answer {
                Ok(value) => {
                    let Some((created, newest)) = known.value else { panic!("a value from nowhere") };
                    prop_assert_eq!(value, newest);
                    let age = now - created;
                    let kept = known.down.is_some_and(|down| now - down <= Duration::from_secs(1)) && !known.refused;
                    prop_assert!(age <= options.ttl || kept && age <= options.ttl + keep_for);
                }
                Err(error) => {
                    prop_assert_ne!(error.kind() == Kind::Outage, mode == Mode::Refusing && asked);
                    // A key within its time always serves, unless it had to make room.
                    let fresh = known.value.is_some_and(|(created, _)| now - created <= options.ttl);
                    prop_assert!(!fresh || !roomy);
                }
            }

            let stats = cache.stats();
            prop_assert!(stats.entries <= u64::try_from(options.capacity).unwrap());
            prop_assert_eq!(stats.hits + stats.misses, last.hits + last.misses + 1);
            prop_assert_eq!(stats.fetches - last.fetches, u64::from(asked));
            prop_assert_eq!(stats.failures - last.failures, u64::from(asked && mode != Mode::Up));
            prop_assert!(stats.refreshes <= stats.fetches && stats.kept <= stats.misses);
            prop_assert!(cache.state().idle() && (stats.evictions == 0 || !roomy));
            last = stats;
        }
    }
}

const KEYS: u8 = 4;
