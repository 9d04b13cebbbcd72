use std::collections::HashSet;
use std::sync::Mutex;
use std::thread::ThreadId;
use std::time::Duration;

use dynaseal_item::Suite;
use dynaseal_keys::{Service, SystemClock};

use super::*;
use crate::cost::to_open;

/// Items of which some need the network, fail or panic.
#[derive(Default)]
struct Fake {
    items: Vec<()>,
    networked: HashSet<usize>,
    failing: HashSet<usize>,
    panicking: HashSet<usize>,
    threads: Mutex<HashSet<ThreadId>>,
    started: Mutex<Vec<usize>>,
}

impl<'w> Work<'w> for &'w Fake {
    type Job = ();
    type Out = usize;

    fn jobs(&self) -> &'w [()] {
        &self.items
    }

    fn cost(&self) -> usize {
        self.items.len() * WORTH_A_THREAD
    }

    fn one<'s>(&'s self, number: usize, _: &'w (), io: Io<'s>) -> BoxFuture<'s, Result<usize, Error>>
    where
        'w: 's,
    {
        Box::pin(async move {
            self.threads.lock().unwrap().insert(thread::current().id());
            self.started.lock().unwrap().push(number);
            if self.networked.contains(&number) {
                io.wire.send(Call::new(Service::Kms, "Decrypt", Vec::new())).await.unwrap();
            }
            assert!(!self.panicking.contains(&number), "item {number}");
            thread::sleep(Duration::from_millis(2));
            if self.failing.contains(&number) {
                return Err(Error::Request {
                    operation: "Scan".to_owned(),
                    reason: format!("item {number}"),
                    malformed: false,
                });
            }
            Ok(number)
        })
    }
}

#[derive(Default)]
struct Counted(AtomicUsize);

impl Wire for Counted {
    fn send(&self, _: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(Answer::new(200, Vec::new())) })
    }
}

fn crew_of(threads: usize) -> Crew {
    let mut crew = Crew::default();
    crew.set_threads(threads);
    crew
}

/// What came of all items, in the order in which they were taken; and how many calls were sent.
fn run(threads: usize, fake: &Fake) -> (Result<Vec<usize>, Error>, usize) {
    run_by(&crew_of(threads), fake)
}

fn run_by(crew: &Crew, fake: &Fake) -> (Result<Vec<usize>, Error>, usize) {
    let (wire, taken) = (Counted::default(), Mutex::new(Vec::new()));
    let io = Io { wire: &wire, clock: &SystemClock };
    let ended = {
        let take = |number, out| {
            assert_eq!(number, out);
            taken.lock().unwrap().push(out);
            Ok(())
        };
        let mut all = crew.each(io, &fake, take);
        match all.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(ended) => ended,
            Poll::Pending => panic!("it waits"),
        }
    };
    (ended.map(|()| taken.into_inner().unwrap()), wire.0.into_inner())
}

#[test]
fn every_item_is_taken_once_and_in_order_by_whoever_had_time() {
    for items in [0, 1, 2, 3, 40] {
        for crew in [0, 1, 2, 8] {
            let fake = Fake { items: vec![(); items], ..Fake::default() };
            let (all, sent) = run(crew, &fake);
            assert_eq!((all.unwrap(), sent), ((0..items).collect(), 0), "{items} items by {crew}");
            assert_eq!(fake.started.lock().unwrap().len(), items);
            assert!(fake.threads.lock().unwrap().len() <= crew.max(1));
        }
    }
    let fake = Fake { items: vec![(); 40], ..Fake::default() };
    run(2, &fake).0.unwrap();
    assert_eq!(fake.threads.lock().unwrap().len(), 2);
}

#[test]
fn items_that_need_the_network_are_left_to_the_call() {
    for networked in [vec![0], vec![1], vec![20], vec![3, 4, 5, 39], (0..40).collect()] {
        let fake = Fake { items: vec![(); 40], networked: networked.iter().copied().collect(), ..Fake::default() };
        let (all, sent) = run(4, &fake);
        assert_eq!((all.unwrap(), sent), ((0..40).collect(), networked.len()));
        // The threads give up after the first one.
        assert!(fake.started.lock().unwrap().len() < 40 + 8);
    }
}

#[test]
fn the_first_failure_in_order_is_told() {
    for failing in [vec![0], vec![1, 2], vec![39], vec![20, 7, 21]] {
        let fake = Fake { items: vec![(); 40], failing: failing.iter().copied().collect(), ..Fake::default() };
        let error = run(4, &fake).0.unwrap_err().to_string();
        assert!(error.ends_with(&format!("item {}", failing.iter().min().unwrap())), "{error}");
    }
    let fake =
        Fake { items: vec![(); 40], failing: HashSet::from([9]), networked: HashSet::from([3]), ..Fake::default() };
    assert!(run(4, &fake).0.unwrap_err().to_string().ends_with("item 9"));
}

#[test]
fn what_takes_the_outcomes_can_end_it() {
    let fake = Fake { items: vec![(); 40], ..Fake::default() };
    let io = Io { wire: &Counted::default(), clock: &SystemClock };
    let refused = || Error::Request { operation: "Scan".to_owned(), reason: "twice".to_owned(), malformed: false };
    let (work, crew) = (&fake, crew_of(4));
    let mut all = crew.each(io, &work, |number, _| if number == 5 { Err(refused()) } else { Ok(()) });
    let Poll::Ready(Err(error)) = all.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("no error")
    };
    assert!(error.to_string().ends_with("twice"));
}

#[test]
fn a_panic_comes_through() {
    let fake = Fake { items: vec![(); 40], panicking: (1..40).collect(), ..Fake::default() };
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(4, &fake))).is_err());
}

#[test]
fn little_work_is_done_by_the_call_alone() {
    assert_eq!(50 * to_open(Suite::EcdsaP384, 500) / WORTH_A_THREAD, 30);
    assert!(20 * to_open(Suite::Hmac, 500) < 2 * WORTH_A_THREAD);
}

#[test]
fn helpers_of_one_call_are_missed_by_another_and_free_again_afterwards() {
    let crew = crew_of(4);
    let (first, second) = (Helpers::of(&crew, 2), Helpers::of(&crew, 2));
    assert_eq!((first.count, second.count, Helpers::of(&crew, 2).count), (2, 1, 0));
    let alone = Fake { items: vec![(); 5], ..Fake::default() };
    run_by(&crew, &alone).0.unwrap();
    assert_eq!(alone.threads.lock().unwrap().len(), 1);
    drop((first, second));
    let broken = Fake { items: vec![(); 40], panicking: (1..40).collect(), ..Fake::default() };
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run_by(&crew, &broken))).is_err());
    assert_eq!(Helpers::of(&crew, 9).count, 3);
}

/// Counts what it is given, and does it on a thread of its own.
#[derive(Default)]
struct Elsewhere(AtomicUsize);

impl Aside for Elsewhere {
    fn work<'w>(&'w self, work: &'w mut (dyn FnMut() + Send)) -> BoxFuture<'w, ()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move { thread::scope(|scope| scope.spawn(work).join()).unwrap() })
    }
}

#[test]
fn long_work_is_done_where_the_head_wants_it_and_short_work_is_not() {
    for (threads, items, expected) in [(1, 40, 1), (4, 40, 1), (1, 2, 1), (4, 1, 0), (1, 0, 0)] {
        let (elsewhere, mut crew) = (Arc::new(Elsewhere::default()), crew_of(threads));
        crew.set_aside(elsewhere.clone());
        let fake = Fake { items: vec![(); items], ..Fake::default() };
        assert_eq!(run_by(&crew, &fake).0.unwrap(), (0..items).collect::<Vec<_>>());
        assert_eq!(elsewhere.0.load(Ordering::Relaxed), expected, "{items} items by {threads}");
        // The first item is the call's own.
        let here = fake.threads.lock().unwrap().contains(&thread::current().id());
        assert_eq!(here, items > 0);
        assert!(fake.threads.lock().unwrap().len() <= threads + 1);
    }
}
