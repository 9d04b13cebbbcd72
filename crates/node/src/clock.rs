//! Time without a runtime: a pause is handed to JavaScript, which has timers.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};

use dynaseal_engine::{BoxFuture, Clock, SystemClock};

/// Tells the time, and pauses by asking for it: see [`watch`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct SteppedClock;

impl Clock for SteppedClock {
    fn now(&self) -> Duration {
        SystemClock.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        let over = Instant::now() + time;
        Box::pin(poll_fn(move |_| {
            let left = over.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Poll::Ready(());
            }
            ASKED.set(Some(left));
            Poll::Pending
        }))
    }
}

/// Polls a session and says how long it wants to pause, if it does. A session is polled on one thread at a time and asks
/// while it is polled, so the thread is the right place for the answer.
pub(crate) fn watch<T>(poll: impl FnOnce() -> T) -> (T, Option<Duration>) {
    ASKED.set(None);
    (poll(), ASKED.take())
}

thread_local! {
    static ASKED: Cell<Option<Duration>> = const { Cell::new(None) };
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn a_pause_is_asked_for_until_it_is_over() {
        let mut sleep = SteppedClock.sleep(Duration::from_millis(30));
        let mut context = Context::from_waker(Waker::noop());
        let (poll, asked) = watch(|| sleep.as_mut().poll(&mut context));
        assert!(poll.is_pending());
        std::thread::sleep(asked.unwrap());
        assert_eq!(watch(|| sleep.as_mut().poll(&mut context)), (Poll::Ready(()), None));
    }
}
