//! Writers of the same item in one process go one after another, so that they do not lose races to each other. What a writer
//! may write its guard says, turn or not; so nobody waits long for a writer whose answer does not come.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use dynaseal_keys::Clock;

/// A fixed number of queues; items share them by chance, which costs a little waiting and no memory.
pub(crate) struct Turns {
    queues: Vec<Mutex<Queue>>,
    hasher: RandomState,
}

const QUEUES: usize = 1024;
/// After this time a turn can be taken over by the writer that waits next.
const TURN: Duration = Duration::from_secs(2);
/// A writer that has waited so long goes on without a turn.
const LONGEST: Duration = Duration::from_secs(10);
/// The shortest sleep of a writer that waits behind one who may take over at any moment.
const SHORTEST: Duration = Duration::from_millis(20);

#[derive(Default)]
struct Queue {
    /// The last number that a writer was given.
    last: u64,
    /// Whose turn it is, and since when.
    turn: Option<(u64, Duration)>,
    /// Who waits, in the order of arrival, and how they are woken.
    waiting: VecDeque<(u64, Option<Waker>)>,
}

impl Turns {
    pub(crate) fn new() -> Self {
        Self { queues: (0..QUEUES).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }

    /// Waits for this item's turn, for seconds at most. `None` if that was not enough.
    pub(crate) async fn take(&self, table: &str, key: &str, clock: &dyn Clock) -> Option<Turn<'_>> {
        let at = self.hasher.hash_one((table, key)) % QUEUES as u64;
        let queue = usize::try_from(at).ok().and_then(|at| self.queues.get(at))?;
        let place = Place::new(queue);
        let since = clock.now();
        loop {
            let now = clock.now();
            if let Some(turn) = place.take(now) {
                return Some(turn);
            }
            let left = LONGEST.checked_sub(now.saturating_sub(since)).filter(|left| !left.is_zero())?;
            let mut sleep = clock.sleep(left.min(place.left(now)));
            poll_fn(|context| match place.is_next(context.waker()) {
                true => Poll::Ready(()),
                false => sleep.as_mut().poll(context),
            })
            .await;
        }
    }
}

/// A turn; it ends when this is dropped, or when it is taken over.
pub(crate) struct Turn<'q> {
    queue: &'q Mutex<Queue>,
    number: u64,
}

/// A place in a queue; it is given up when this is dropped.
struct Place<'q> {
    queue: &'q Mutex<Queue>,
    number: u64,
}

impl<'q> Place<'q> {
    fn new(queue: &'q Mutex<Queue>) -> Self {
        let mut inside = lock(queue);
        inside.last = inside.last.wrapping_add(1);
        let number = inside.last;
        inside.waiting.push_back((number, None));
        Self { queue, number }
    }

    /// The turn, if this writer is the next and nobody has it, or somebody has had it for too long.
    fn take(&self, now: Duration) -> Option<Turn<'q>> {
        let mut queue = lock(self.queue);
        let is_free = queue.turn.is_none_or(|(_, since)| held(since, now).is_none_or(|held| held >= TURN));
        if !is_free || !queue.is_first(self.number) {
            return None;
        }
        queue.waiting.pop_front();
        queue.turn = Some((self.number, now));
        Some(Turn { queue: self.queue, number: self.number })
    }

    /// Whether the turn is free for this writer, who is woken when it becomes so.
    fn is_next(&self, waker: &Waker) -> bool {
        let mut queue = lock(self.queue);
        if queue.turn.is_none() && queue.is_first(self.number) {
            return true;
        }
        if let Some((_, slot)) = queue.waiting.iter_mut().find(|(number, _)| *number == self.number) {
            *slot = Some(waker.clone());
        }
        false
    }

    /// How long the turn of the one who has it may last.
    fn left(&self, now: Duration) -> Duration {
        let since = lock(self.queue).turn.map_or(now, |(_, since)| since);
        TURN.saturating_sub(held(since, now).unwrap_or(TURN)).max(SHORTEST)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queue = lock(self.queue);
        queue.waiting.retain(|(number, _)| *number != self.number);
        queue.wake();
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queue = lock(self.queue);
        if queue.turn.is_some_and(|(number, _)| number == self.number) {
            queue.turn = None;
        }
        queue.wake();
    }
}

impl Queue {
    fn is_first(&self, number: u64) -> bool {
        self.waiting.front().is_some_and(|(first, _)| *first == number)
    }

    /// Wakes who is next, if nobody has the turn.
    fn wake(&self) {
        if self.turn.is_none()
            && let Some((_, Some(waker))) = self.waiting.front()
        {
            waker.wake_by_ref();
        }
    }
}

/// For how long a turn has been held; `None` if the clock was set back meanwhile.
fn held(since: Duration, now: Duration) -> Option<Duration> {
    now.checked_sub(since)
}

/// A queue is never left half changed, so a panic elsewhere does not spoil it.
fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::pin::{Pin, pin};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::task::Context;

    use dynaseal_keys::BoxFuture;

    use super::*;

    /// A clock that stands until it is moved, in milliseconds.
    #[derive(Default)]
    struct Hands(AtomicU64);

    impl Hands {
        fn forward(&self, time: Duration) {
            self.0.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
        }
    }

    impl Clock for Hands {
        fn now(&self) -> Duration {
            Duration::from_millis(self.0.load(Ordering::SeqCst))
        }

        fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
            let over = self.now() + time;
            Box::pin(poll_fn(move |_| if self.now() >= over { Poll::Ready(()) } else { Poll::Pending }))
        }
    }

    fn poll<T>(future: &mut Pin<&mut impl Future<Output = T>>) -> Option<T> {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[test]
    fn writers_go_one_after_another_in_the_order_of_arrival() {
        let (turns, clock) = (Turns::new(), Hands::default());
        let take = || turns.take("T", "1", &clock);
        let (mut first, mut second) = (pin!(take()), pin!(take()));
        let turn = poll(&mut first).unwrap();
        assert!(poll(&mut second).is_none());
        {
            // Who gives up waiting holds up nobody.
            let mut gone = pin!(take());
            assert!(poll(&mut gone).is_none());
        }
        let mut third = pin!(take());
        assert!(poll(&mut third).is_none());
        drop(turn);
        assert!(poll(&mut third).is_none(), "the second is next");
        let turn = poll(&mut second).unwrap();
        assert!(poll(&mut third).is_none());
        drop(turn);
        assert!(poll(&mut third).unwrap().is_some());
    }

    #[test]
    fn a_turn_that_does_not_end_is_taken_over() {
        let (turns, clock) = (Turns::new(), Hands::default());
        let take = || turns.take("T", "1", &clock);
        let hung = poll(&mut pin!(take())).unwrap();
        let (mut second, mut third) = (pin!(take()), pin!(take()));
        assert!(poll(&mut second).is_none() && poll(&mut third).is_none());
        clock.forward(TURN - Duration::from_millis(1));
        assert!(poll(&mut second).is_none());
        clock.forward(Duration::from_millis(1));
        assert!(poll(&mut third).is_none(), "one takes over, not all");
        let turn = poll(&mut second).unwrap();
        assert!(turn.is_some() && poll(&mut third).is_none());
        // The one whose turn it was ends late, which is nobody's turn any more.
        drop(hung);
        assert!(poll(&mut third).is_none());
        drop(turn);
        assert!(poll(&mut third).unwrap().is_some());
        assert!(poll(&mut pin!(take())).unwrap().is_some(), "whoever comes later need not wait");
    }

    #[test]
    fn nobody_waits_longer_than_seconds() {
        let (turns, clock) = (Turns::new(), Hands::default());
        let take = || turns.take("T", "1", &clock);
        let mut hung = vec![poll(&mut pin!(take())).unwrap()];
        let mut others: Vec<_> = (0..50).map(|_| Box::pin(take())).collect();
        let mut without = 0;
        for _ in 0..=LONGEST.as_millis() / 100 {
            others.retain_mut(|other| match poll(&mut other.as_mut()) {
                // Each of those who get a turn hangs in its turn.
                Some(turn) => {
                    without += u32::from(turn.is_none());
                    hung.push(turn);
                    false
                }
                None => true,
            });
            clock.forward(Duration::from_millis(100));
        }
        assert!(others.is_empty(), "{} still wait", others.len());
        assert_eq!((hung.len(), without), (51, 45), "a turn every two seconds, and the rest without");
    }

    #[test]
    fn a_clock_that_is_set_back_holds_up_nobody() {
        let (turns, clock) = (Turns::new(), Hands::default());
        clock.forward(LONGEST * 100);
        let _hung = poll(&mut pin!(turns.take("T", "1", &clock))).unwrap();
        clock.0.store(0, Ordering::SeqCst);
        assert!(poll(&mut pin!(turns.take("T", "1", &clock))).unwrap().is_some());
    }
}
