//! A store that is down, and one that refuses.

use super::*;

#[test]
fn an_outage_is_remembered_for_a_moment() {
    let world = World::answering(same, Err(outage()));
    // 1,000 calls a second, for ten seconds.
    for _ in 0..10_000 {
        assert_eq!(world.now("key"), Err(outage()));
        world.clock.advance(Duration::from_millis(1));
    }
    assert!((10..=20).contains(&world.calls()), "{} calls", world.calls());
    let stats = world.cache.stats();
    assert_eq!((stats.misses, stats.failures, stats.entries), (10_000, stats.fetches, 0));
    world.answer(Ok(1));
    world.clock.advance(seconds(1));
    assert_eq!(world.now("key"), Ok(1), "without a restart");
    assert_eq!(world.now("other key"), Ok(1));
}

#[test]
fn a_refusal_is_not_remembered() {
    let world = World::answering(same, Err(FAILURE));
    assert_eq!(world.now("key"), Err(FAILURE));
    world.answer(Ok(1));
    assert_eq!(world.now("key"), Ok(1));
}

#[test]
fn a_key_is_kept_for_a_stated_time_if_so_configured() {
    for (options, kept) in [(same as fn(CacheOptions) -> CacheOptions, false), (keep, true)] {
        let world = World::answering(options, Ok(1));
        world.now("key").unwrap();
        world.answer(Err(outage()));
        world.clock.advance(seconds(10));
        assert_eq!(world.now("key"), Ok(1));
        for _ in 0..30 {
            world.clock.advance(seconds(1));
            assert_eq!(world.now("key"), if kept { Ok(1) } else { Err(outage()) });
        }
        assert_eq!(world.cache.stats().kept, if kept { 30 } else { 0 });
        world.clock.advance(Duration::from_nanos(1));
        assert_eq!(world.now("key"), Err(outage()), "not for longer");
        assert_eq!(world.cache.stats().entries, 0, "and it is not even held");
        world.clock.advance(seconds(1));
        world.answer(Ok(2));
        assert_eq!(world.now("key"), Ok(2));
    }
}

#[test]
fn a_key_is_kept_during_outages_only() {
    let world = World::answering(keep, Ok(1));
    world.now("key").unwrap();
    world.clock.advance(seconds(11));
    world.answer(Ok(2));
    assert_eq!(world.now("key"), Ok(2));
    // An outage that was over long ago says nothing: everyone waits for the answer.
    world.clock.advance(seconds(11));
    world.answer(Err(outage()));
    assert_eq!(world.now("key"), Ok(2));
    world.clock.advance(seconds(5));
    world.hang();
    let mut callers = world.callers(8);
    world.answer(Ok(3));
    for caller in &mut callers {
        assert_eq!(poll(caller), Poll::Ready(Ok(3)));
    }
}

#[test]
fn while_the_store_is_down_one_caller_asks_and_the_others_do_not_wait() {
    let world = World::answering(keep, Ok(1));
    world.now("key").unwrap();
    world.clock.advance(seconds(11));
    world.hang();
    // Nobody knows yet that it is down.
    let mut callers = world.callers(8);
    world.answer(Err(outage()));
    for caller in &mut callers {
        assert_eq!(poll(caller), Poll::Ready(Ok(1)));
    }
    drop(callers);
    assert_eq!((world.calls(), world.cache.stats().kept), (2, 8));
    world.clock.advance(Duration::from_millis(1001));
    world.hang();
    let mut first = world.get("key");
    assert!(poll(&mut first).is_pending());
    for _ in 0..64 {
        assert_eq!(world.now("key"), Ok(1));
    }
    assert_eq!((world.calls(), world.cache.stats().kept), (3, 72));
    world.answer(Ok(2));
    assert_eq!(poll(&mut first), Poll::Ready(Ok(2)));
    assert_eq!(world.now("key"), Ok(2));
}

#[test]
fn nothing_is_kept_after_any_other_failure() {
    let refusals = [
        Error::NoBranchKey { id: "key".to_owned() },
        Error::NoVersion { id: "key".to_owned(), version: "1".to_owned() },
        Error::Library { at: "somewhere" },
        FAILURE,
    ];
    for refusal in refusals {
        assert_ne!(refusal.kind(), Kind::Outage);
        let world = World::answering(keep, Ok(1));
        world.now("key").unwrap();
        world.clock.advance(seconds(11));
        world.answer(Err(refusal.clone()));
        assert_eq!(world.now("key"), Err(refusal.clone()));
        assert_eq!(world.cache.stats().entries, 0);
        // Nor after an outage that follows.
        world.answer(Err(outage()));
        assert_eq!(world.now("key"), Err(outage()));

        // A refusal that was met early leaves the key its time, and no more.
        let world = World::answering(|options| keep(early(options)), Ok(1));
        world.now("key").unwrap();
        world.clock.advance(Duration::from_millis(9001));
        world.answer(Err(refusal));
        assert_eq!(world.now("key"), Ok(1));
        world.answer(Err(outage()));
        world.clock.advance(seconds(1));
        assert_eq!(world.now("key"), Err(outage()));
        assert_eq!(world.cache.stats().kept, 0);
    }
}

#[test]
fn an_outage_of_one_key_says_nothing_of_another() {
    let world = World::answering(same, Err(outage()));
    assert!(world.now("a").is_err() && world.now("b").is_err());
    assert_eq!(world.calls(), 2);
}
