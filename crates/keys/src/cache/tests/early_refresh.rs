//! The last part of a value's time.

use super::*;

#[test]
fn one_caller_fetches_early_and_the_others_go_on() {
    let world = World::answering(early, Ok(1));
    world.now("key").unwrap();
    world.clock.advance(seconds(8));
    world.now("key").unwrap();
    assert_eq!(world.calls(), 1, "it is too early");
    world.clock.advance(Duration::from_millis(1001));
    world.hang();
    let mut first = world.get("key");
    assert!(poll(&mut first).is_pending());
    for _ in 0..64 {
        assert_eq!(world.now("key"), Ok(1));
    }
    world.answer(Ok(2));
    assert_eq!(poll(&mut first), Poll::Ready(Ok(2)));
    assert_eq!(world.now("key"), Ok(2));
    // Its time began with the fetch.
    world.clock.advance(seconds(8));
    assert_eq!(world.now("key"), Ok(2));
    assert_eq!(world.calls(), 2);
    let expected = CacheStats { hits: 68, misses: 1, fetches: 2, refreshes: 1, entries: 1, ..CacheStats::default() };
    assert_eq!(world.cache.stats(), expected);
}

#[test]
fn each_entry_has_its_own_moment() {
    // At 8.5 of 10 seconds about half of many entries are due; at 8 none, and after 9 all of them.
    let due = |millis| {
        (0..400)
            .filter(|_| {
                let world = World::answering(early, Ok(1));
                world.now("key").unwrap();
                world.clock.advance(Duration::from_millis(millis));
                world.now("key").unwrap();
                world.calls() == 2
            })
            .count()
    };
    assert_eq!((due(8000), due(9001)), (0, 400));
    let half = due(8500);
    assert!((120..280).contains(&half), "{half} of 400");
}

#[test]
fn a_caller_that_goes_away_leaves_it_to_the_next() {
    let world = World::answering(early, Ok(1));
    world.now("key").unwrap();
    world.clock.advance(Duration::from_millis(9001));
    world.hang();
    let mut first = world.get("key");
    assert!(poll(&mut first).is_pending());
    drop(first);
    assert!(world.idle());
    world.answer(Ok(2));
    assert_eq!(world.now("key"), Ok(2));
    assert_eq!(world.calls(), 3);
}

#[test]
fn when_it_fails_the_old_value_serves_until_its_time_is_over() {
    for failure in [outage(), FAILURE] {
        let world = World::answering(early, Ok(1));
        world.now("key").unwrap();
        world.answer(Err(failure.clone()));
        // 1,000 calls a second.
        for _ in 0..10_000 {
            world.clock.advance(Duration::from_millis(1));
            assert_eq!(world.now("key"), Ok(1));
        }
        let tries = world.calls() - 1;
        assert!((1..=4).contains(&tries), "{tries} tries in the last 2 seconds");
        assert_eq!(world.cache.stats().failures, u64::try_from(tries).unwrap());
        world.clock.advance(seconds(2));
        assert_eq!(world.now("key"), Err(failure));
        world.clock.advance(seconds(2));
        world.answer(Ok(2));
        assert_eq!(world.now("key"), Ok(2));
    }
}

#[test]
fn one_that_outlasts_the_old_value_answers_those_who_come_after() {
    let world = World::answering(early, Ok(1));
    world.now("key").unwrap();
    world.clock.advance(Duration::from_millis(9001));
    world.hang();
    let mut first = world.get("key");
    assert!(poll(&mut first).is_pending());
    world.clock.advance(seconds(1));
    let mut late = world.callers(8);
    world.answer(Ok(2));
    assert_eq!(poll(&mut first), Poll::Ready(Ok(2)));
    for caller in &mut late {
        assert_eq!(poll(caller), Poll::Ready(Ok(2)));
    }
    assert_eq!(world.calls(), 2);

    // And if it fails then, the one that began it has no value left either.
    world.clock.advance(Duration::from_millis(8100));
    world.hang();
    let mut first = world.get("key");
    assert!(poll(&mut first).is_pending());
    world.clock.advance(seconds(2));
    world.answer(Err(outage()));
    assert_eq!(poll(&mut first), Poll::Ready(Err(outage())));
}

#[test]
fn one_that_fails_serves_its_caller_though_the_value_had_to_make_room() {
    for (options, passed, failure, expected) in [
        (early as fn(CacheOptions) -> CacheOptions, 9001, outage(), Ok(1)),
        (early, 9001, FAILURE, Ok(1)),
        (keep, 11_000, outage(), Ok(1)),
        (keep, 11_000, FAILURE, Err(FAILURE)),
    ] {
        let world = World::answering(|defaults| CacheOptions { capacity: 1, ..options(defaults) }, Ok(1));
        world.now("key").unwrap();
        world.clock.advance(Duration::from_millis(passed));
        world.hang();
        let mut first = world.get("key");
        assert!(poll(&mut first).is_pending());
        world.answer(Ok(2));
        world.now("other key").unwrap();
        world.answer(Err(failure));
        assert_eq!(poll(&mut first), Poll::Ready(expected));
    }
}
