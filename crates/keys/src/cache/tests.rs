//! The clock is a number here, and "64 callers" are 64 futures that one thread polls, or 64 threads.

use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::task::{Context as Task, Poll, Waker};

use super::*;

const TTL: Duration = Duration::from_secs(10);
const FAILURE: Error = Error::ContextTooLong;

type Future_<'a> = Pin<Box<dyn Future<Output = Result<u32, Error>> + Send + 'a>>;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn poll(future: &mut Future_<'_>) -> Poll<Result<u32, Error>> {
    future.as_mut().poll(&mut Task::from_waker(Waker::noop()))
}

/// A service that counts its calls and answers once it is opened.
#[derive(Default)]
struct Service {
    calls: AtomicUsize,
    answer: Mutex<Option<Result<u32, Error>>>,
}

impl Service {
    fn answering(answer: Result<u32, Error>) -> Self {
        Self { answer: Mutex::new(Some(answer)), ..Self::default() }
    }

    fn answer(&self, answer: Result<u32, Error>) {
        *self.answer.lock().unwrap() = Some(answer);
    }

    async fn call(&self) -> Result<u32, Error> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        std::future::poll_fn(|_| self.answer.lock().unwrap().clone().map_or(Poll::Pending, Poll::Ready)).await
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

fn get<'a>(cache: &'a Cache<&'static str, u32>, key: &'static str, now: u64, service: &'a Service) -> Future_<'a> {
    Box::pin(cache.get(key, at(now), service.call()))
}

fn now(mut future: Future_<'_>) -> Result<u32, Error> {
    match poll(&mut future) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("it waits"),
    }
}

fn idle(cache: &Cache<&'static str, u32>) -> bool {
    cache.state().flights.is_empty()
}

#[test]
fn an_entry_lives_for_its_time_by_a_clock_moved_by_hand() {
    let (cache, service) = (Cache::new(TTL), Service::answering(Ok(1)));
    for (time, calls) in [(100, 1), (109, 1), (110, 1), (111, 2), (121, 2), (122, 3)] {
        assert_eq!(now(get(&cache, "key", time, &service)), Ok(1));
        assert_eq!(service.calls(), calls, "at {time}");
    }
    // A clock set back by more than the time to live is no reason to trust what is cached.
    assert_eq!(now(get(&cache, "key", 50, &service)), Ok(1));
    assert_eq!(service.calls(), 4);
}

#[test]
fn sixty_four_misses_make_one_fetch() {
    let (cache, service) = (Cache::new(TTL), Service::default());
    let mut callers: Vec<_> = (0..64).map(|_| get(&cache, "key", 0, &service)).collect();
    for caller in &mut callers {
        assert!(poll(caller).is_pending());
    }
    let mut other = get(&cache, "other key", 0, &service);
    assert!(poll(&mut other).is_pending(), "another key has its own flight");
    assert_eq!(service.calls(), 2);
    service.answer(Ok(7));
    for caller in &mut callers {
        assert_eq!(poll(caller), Poll::Ready(Ok(7)));
    }
    assert_eq!(poll(&mut other), Poll::Ready(Ok(7)));
    assert_eq!(service.calls(), 2);
    drop((callers, other));
    assert!(idle(&cache));
}

#[test]
fn sixty_four_threads_make_one_fetch() {
    let (cache, calls, barrier) = (Cache::new(TTL), AtomicUsize::new(0), std::sync::Barrier::new(64));
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                barrier.wait();
                let fetch = async {
                    calls.fetch_add(1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(20));
                    Ok(7)
                };
                assert_eq!(pollster::block_on(cache.get("key", at(0), fetch)), Ok(7));
            });
        }
    });
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert!(idle(&cache));
}

#[test]
fn a_cancelled_flight_lets_the_next_caller_fetch() {
    let (cache, service) = (Cache::new(TTL), Service::default());
    let (mut first, mut second) = (get(&cache, "key", 0, &service), get(&cache, "key", 0, &service));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    assert_eq!(service.calls(), 1);
    drop(first);
    assert!(poll(&mut second).is_pending());
    assert_eq!(service.calls(), 2);
    service.answer(Ok(7));
    assert_eq!(poll(&mut second), Poll::Ready(Ok(7)));
    drop(second);
    assert!(idle(&cache));
}

#[test]
fn a_failure_answers_those_who_wait_and_is_not_kept() {
    let (cache, service) = (Cache::new(TTL), Service::default());
    let mut callers: Vec<_> = (0..64).map(|_| get(&cache, "key", 0, &service)).collect();
    for caller in &mut callers {
        assert!(poll(caller).is_pending());
    }
    service.answer(Err(FAILURE));
    for caller in &mut callers {
        assert_eq!(poll(caller), Poll::Ready(Err(FAILURE)));
    }
    assert_eq!(service.calls(), 1);
    service.answer(Ok(7));
    for _ in 0..2 {
        assert_eq!(now(get(&cache, "key", 0, &service)), Ok(7));
    }
    assert_eq!(service.calls(), 2);
    drop(callers);
    assert!(idle(&cache));
}

#[test]
fn who_arrives_after_a_failure_asks_again_even_while_others_wait() {
    let (cache, failing, working) = (Cache::new(TTL), Service::default(), Service::answering(Ok(7)));
    let (mut first, mut waiting) = (get(&cache, "key", 0, &failing), get(&cache, "key", 0, &failing));
    assert!(poll(&mut first).is_pending() && poll(&mut waiting).is_pending());
    failing.answer(Err(FAILURE));
    assert_eq!(poll(&mut first), Poll::Ready(Err(FAILURE)));
    drop(first);
    assert_eq!(now(get(&cache, "key", 0, &working)), Ok(7));
    assert_eq!(poll(&mut waiting), Poll::Ready(Ok(7)));
    assert_eq!((failing.calls(), working.calls()), (1, 1));
}

#[test]
fn the_oldest_entry_makes_room() {
    let (cache, service) = (Cache::with_capacity(TTL, 2), Service::answering(Ok(1)));
    for key in ["a", "b", "a", "c"] {
        now(get(&cache, key, 0, &service)).unwrap();
    }
    assert_eq!(service.calls(), 3);
    for (key, calls) in [("b", 3), ("c", 3), ("a", 4), ("c", 4), ("b", 5)] {
        now(get(&cache, key, 0, &service)).unwrap();
        assert_eq!(service.calls(), calls, "{key}");
    }
    assert_eq!(format!("{cache:?}"), "Cache(2 of 2 entries)");
}
