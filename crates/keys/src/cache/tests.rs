//! The clock is moved by hand, and "64 callers" are 64 futures that one thread polls, or 64 threads.

use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::task::{Context as Task, Poll, Waker};
use std::time::Duration;

use dynaseal_item::Kind;

use super::*;
use crate::testing::FixedClock;

const FAILURE: Error = Error::ContextTooLong;

type Future_<'a> = Pin<Box<dyn Future<Output = Result<u32, Error>> + Send + 'a>>;

/// A cache, its clock, and a service that counts its calls and answers once it is told what.
struct World {
    cache: Cache<&'static str, u32>,
    clock: FixedClock,
    calls: AtomicUsize,
    answer: Mutex<Option<Result<u32, Error>>>,
    /// Under which other key its answers may be found.
    also: Mutex<Option<&'static str>>,
}

impl World {
    /// Ten seconds, and nothing else by itself.
    fn new(change: impl FnOnce(CacheOptions) -> CacheOptions) -> Self {
        let options = CacheOptions { refresh_early: 0.0, ..CacheOptions::new(seconds(10)) };
        Self {
            cache: Cache::new(change(options)),
            clock: FixedClock::new(seconds(1000)),
            calls: AtomicUsize::new(0),
            answer: Mutex::new(None),
            also: Mutex::new(None),
        }
    }

    fn answering(change: impl FnOnce(CacheOptions) -> CacheOptions, answer: Result<u32, Error>) -> Self {
        let world = Self::new(change);
        world.answer(answer);
        world
    }

    fn answer(&self, answer: Result<u32, Error>) {
        *self.answer.lock().unwrap() = Some(answer);
    }

    fn hang(&self) {
        *self.answer.lock().unwrap() = None;
    }

    fn get(&self, key: &'static str) -> Future_<'_> {
        let fetch = async {
            self.calls.fetch_add(1, Ordering::SeqCst);
            let answer =
                std::future::poll_fn(|_| self.answer.lock().unwrap().clone().map_or(Poll::Pending, Poll::Ready));
            let value = answer.await?;
            Ok(Fetched { value, also: *self.also.lock().unwrap() })
        };
        Box::pin(async move { self.cache.get(&key, &self.clock, fetch).await })
    }

    fn now(&self, key: &'static str) -> Result<u32, Error> {
        match poll(&mut self.get(key)) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("it waits"),
        }
    }

    /// `count` callers, each as far as it comes.
    fn callers(&self, count: usize) -> Vec<Future_<'_>> {
        let mut callers: Vec<_> = (0..count).map(|_| self.get("key")).collect();
        for caller in &mut callers {
            assert!(poll(caller).is_pending());
        }
        callers
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn idle(&self) -> bool {
        self.cache.state().idle()
    }
}

fn same(options: CacheOptions) -> CacheOptions {
    options
}

fn early(options: CacheOptions) -> CacheOptions {
    CacheOptions { refresh_early: 0.2, ..options }
}

fn keep(options: CacheOptions) -> CacheOptions {
    CacheOptions { when_unavailable: WhenUnavailable::Keep(seconds(30)), ..options }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn outage() -> Error {
    let error = Error::StoreUnavailable { id: "key".to_owned(), what: "it is down" };
    assert_eq!(error.kind(), Kind::Outage);
    error
}

fn poll(future: &mut Future_<'_>) -> Poll<Result<u32, Error>> {
    future.as_mut().poll(&mut Task::from_waker(Waker::noop()))
}

#[test]
fn an_entry_lives_for_its_time() {
    let world = World::answering(same, Ok(1));
    for (time, calls) in [(1000, 1), (1009, 1), (1010, 1), (1011, 2), (1021, 2), (1022, 3)] {
        world.clock.set(seconds(time));
        assert_eq!(world.now("key"), Ok(1));
        assert_eq!(world.calls(), calls, "at {time}");
    }
    let expected = CacheStats { hits: 3, misses: 3, fetches: 3, entries: 1, ..CacheStats::default() };
    assert_eq!(world.cache.stats(), expected);
}

#[test]
fn a_clock_that_is_set_back_makes_nothing_live_longer() {
    let world = World::answering(same, Ok(1));
    world.now("key").unwrap();
    world.now("other key").unwrap();
    // A step that clocks make by themselves: the time stands still until the clock has caught up.
    world.clock.set(Duration::from_millis(999_100));
    world.now("key").unwrap();
    assert_eq!(world.calls(), 2);
    // Set back by less than an entry's time, which must not be added to it.
    world.clock.set(seconds(1009));
    world.now("key").unwrap();
    world.clock.set(seconds(1002));
    world.now("key").unwrap();
    assert_eq!((world.calls(), world.cache.stats().entries), (3, 1));
    world.clock.set(seconds(3));
    world.now("key").unwrap();
    assert_eq!(world.calls(), 4);

    // Set back while a key is fetched: whoever waits has it, and nobody later.
    world.hang();
    let mut callers: Vec<_> = (0..2).map(|_| world.get("third key")).collect();
    assert!(callers.iter_mut().all(|caller| poll(caller).is_pending()));
    world.clock.set(seconds(1));
    world.answer(Ok(3));
    assert!(callers.iter_mut().all(|caller| poll(caller) == Poll::Ready(Ok(3))));
    world.now("third key").unwrap();
    assert_eq!(world.calls(), 6);
}

#[test]
fn sixty_four_misses_make_one_fetch() {
    let world = World::new(same);
    let mut callers = world.callers(64);
    let mut other = world.get("other key");
    assert!(poll(&mut other).is_pending(), "another key has its own flight");
    assert_eq!(world.calls(), 2);
    world.answer(Ok(7));
    for caller in &mut callers {
        assert_eq!(poll(caller), Poll::Ready(Ok(7)));
    }
    assert_eq!(poll(&mut other), Poll::Ready(Ok(7)));
    assert_eq!(world.calls(), 2);
    drop((callers, other));
    assert!(world.idle());
}

#[test]
fn a_fetch_that_takes_longer_than_a_value_lives_answers_all_who_waited() {
    let world = World::new(same);
    let mut callers = world.callers(64);
    world.clock.advance(seconds(11));
    world.answer(Ok(7));
    for caller in &mut callers {
        assert_eq!(poll(caller), Poll::Ready(Ok(7)));
    }
    assert_eq!(world.calls(), 1);
    world.now("key").unwrap();
    assert_eq!(world.calls(), 2, "its time began with the fetch");
}

#[test]
fn sixty_four_threads_make_one_fetch() {
    let world = World::new(same);
    let barrier = std::sync::Barrier::new(64);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                barrier.wait();
                let fetch = async {
                    world.calls.fetch_add(1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(20));
                    Ok(Fetched { value: 7, also: None })
                };
                assert_eq!(pollster::block_on(world.cache.get(&"key", &world.clock, fetch)), Ok(7));
            });
        }
    });
    assert_eq!(world.calls(), 1);
    assert!(world.idle());
}

#[test]
fn a_cancelled_flight_lets_the_next_caller_fetch() {
    let world = World::new(same);
    let mut callers = world.callers(2);
    let mut second = callers.pop().unwrap();
    assert_eq!(world.calls(), 1);
    drop(callers);
    assert!(poll(&mut second).is_pending());
    assert_eq!(world.calls(), 2);
    world.answer(Ok(7));
    assert_eq!(poll(&mut second), Poll::Ready(Ok(7)));
    drop(second);
    assert!(world.idle());
}

#[test]
fn a_failure_answers_those_who_wait_and_is_not_kept() {
    let world = World::new(same);
    let mut callers = world.callers(64);
    world.answer(Err(FAILURE));
    for caller in &mut callers {
        assert_eq!(poll(caller), Poll::Ready(Err(FAILURE)));
    }
    assert_eq!(world.calls(), 1);
    world.answer(Ok(7));
    for _ in 0..2 {
        assert_eq!(world.now("key"), Ok(7));
    }
    assert_eq!(world.calls(), 2);
    drop(callers);
    assert!(world.idle());
}

#[test]
fn who_arrives_after_a_failure_asks_again_even_while_others_wait() {
    let world = World::new(same);
    let mut callers = world.callers(2);
    world.answer(Err(FAILURE));
    let mut waiting = callers.pop().unwrap();
    assert_eq!(poll(&mut callers[0]), Poll::Ready(Err(FAILURE)));
    drop(callers);
    world.answer(Ok(7));
    assert_eq!(world.now("key"), Ok(7));
    assert_eq!(poll(&mut waiting), Poll::Ready(Ok(7)));
    assert_eq!(world.calls(), 2);
}

#[test]
fn the_least_recently_used_makes_room() {
    let world = World::answering(|options| CacheOptions { capacity: 2, ..options }, Ok(1));
    for (key, calls) in [("a", 1), ("b", 2), ("a", 2), ("c", 3), ("a", 3), ("c", 3), ("b", 4), ("a", 5)] {
        world.now(key).unwrap();
        assert_eq!(world.calls(), calls, "{key}");
        assert!(world.cache.stats().entries <= 2);
    }
    assert_eq!(world.cache.stats().evictions, 3);
    let printed = format!("{:?}", world.cache);
    assert!(printed.starts_with("Cache(CacheStats") && printed.contains("entries: 2"), "{printed}");
}

#[test]
fn what_nobody_uses_is_dropped_when_its_time_is_over() {
    let world = World::answering(keep, Ok(1));
    world.now("a").unwrap();
    world.clock.advance(seconds(20));
    world.now("b").unwrap();
    world.clock.advance(seconds(20));
    world.now("b").unwrap();
    assert_eq!(world.cache.stats().entries, 2, "the first might still be kept");
    world.clock.advance(seconds(1));
    world.now("b").unwrap();
    assert_eq!((world.cache.stats().entries, world.cache.stats().evictions), (1, 0));
}

#[test]
fn a_value_found_under_two_keys_is_fetched_once() {
    let world = World::answering(|options| CacheOptions { capacity: 1, ..early(options) }, Ok(1));
    *world.also.lock().unwrap() = Some("also");
    world.now("key").unwrap();
    world.now("key").unwrap();
    assert_eq!((world.calls(), world.cache.stats().evictions), (1, 1), "the second name never drives out the first");

    for _ in 0..100 {
        // The first is due before the second, and renews it.
        let world = World::answering(early, Ok(1));
        *world.also.lock().unwrap() = Some("also");
        world.now("key").unwrap();
        world.clock.set(seconds(1009));
        world.now("also").unwrap();
        assert_eq!(world.calls(), 1);
        world.now("key").unwrap();
        assert_eq!(world.calls(), 2);
        world.clock.set(seconds(1011));
        world.now("also").unwrap();
        assert_eq!(world.calls(), 2);
    }
}

#[test]
fn a_value_that_came_under_another_key_ends_the_wait() {
    let world = World::new(same);
    *world.also.lock().unwrap() = Some("key");
    let mut callers = world.callers(2);
    world.answer(Ok(1));
    world.now("other key").unwrap();
    let mut second = callers.pop().unwrap();
    drop(callers);
    assert_eq!(poll(&mut second), Poll::Ready(Ok(1)));
    assert_eq!(world.calls(), 2);
}

mod early_refresh;
mod outages;
