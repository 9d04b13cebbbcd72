//! Several items of one call at once: each is worked on by itself, so that threads can share them.
//!
//! Work on an item may need the network, for its keys, and only the call's own future may use that. So the first item is done
//! by the call itself, which fetches what the others need, too; then threads try the others without a network; and what they
//! leave is done by the call, one after the other. All of it ends before the call goes on: no thread outlives it. However many
//! calls there are at once, no more threads help them than there are cores: where none is left, a call is alone with its items.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use dynaseal_keys::{Answer, BoxFuture, Call, Io, Wire, WireError};

use crate::error::Error;

/// Who works on the items of calls.
#[derive(Default)]
pub(crate) struct Crew {
    /// How many threads may help those that carry calls, and how many of them do.
    helpers: usize,
    helping: AtomicUsize,
    aside: Option<Arc<dyn Aside>>,
}

/// Where a head has work done that would hold up for long the thread that polls a call, and whatever else waits for it.
pub trait Aside: Send + Sync {
    /// Does it as soon as there is room.
    fn work<'w>(&'w self, work: &'w mut (dyn FnMut() + Send)) -> BoxFuture<'w, ()>;
}

/// What is done with each item of a call.
pub(crate) trait Work<'w>: Sync {
    type Job: Sync + 'w;
    type Out: Send;

    /// An entry for each item.
    fn jobs(&self) -> &'w [Self::Job];

    /// About how long all of it takes, in microseconds.
    fn cost(&self) -> usize;

    /// Works on one item; its number starts from 0.
    fn one<'s>(&'s self, number: usize, job: &'w Self::Job, io: Io<'s>) -> BoxFuture<'s, Result<Self::Out, Error>>
    where
        'w: 's;
}

/// What a thread made of an item; `None` where it would have needed the network, or another item has failed.
type Tried<Out> = Option<Result<Out, Error>>;

impl Crew {
    pub(crate) fn alone() -> &'static Self {
        static ALONE: Crew = Crew { helpers: 0, helping: AtomicUsize::new(0), aside: None };
        &ALONE
    }

    /// So many threads, the call's own among them.
    pub(crate) fn set_threads(&mut self, threads: usize) {
        self.helpers = threads.saturating_sub(1);
    }

    pub(crate) fn set_aside(&mut self, aside: Arc<dyn Aside>) {
        self.aside = Some(aside);
    }

    /// Works on all items and gives the outcomes to `take` in the items' order.
    ///
    /// # Errors
    /// The first one of work or `take`.
    pub(crate) fn each<'s, 'w: 's, W: Work<'w>>(
        &'s self,
        io: Io<'s>,
        work: &'s W,
        mut take: impl FnMut(usize, W::Out) -> Result<(), Error> + Send + 's,
    ) -> BoxFuture<'s, Result<(), Error>> {
        // Boxed, since the compiler cannot tell through an async function that it may go from thread to thread.
        Box::pin(async move {
            let threads = (work.cost() / WORTH_A_THREAD).min(work.jobs().len());
            let is_shared = threads > 1 && (self.helpers > 0 || self.aside.is_some());
            let mut tried = Vec::new();
            for (number, job) in work.jobs().iter().enumerate() {
                if number == 1 && is_shared {
                    self.room(&mut || tried = self.try_all(threads, io, work, number)).await;
                }
                let done = number.checked_sub(1).and_then(|at| tried.get_mut(at)).and_then(Option::take);
                let done = match done {
                    Some(done) => done,
                    None => work.one(number, job, io).await,
                };
                take(number, done?)?;
            }
            Ok(())
        })
    }

    /// Does long work where the head wants it done.
    async fn room(&self, work: &mut (dyn FnMut() + Send)) {
        match &self.aside {
            Some(aside) => aside.work(work).await,
            None => work(),
        }
    }

    /// Tries the items from `from` on, on this thread and others.
    fn try_all<'w, W: Work<'w>>(&self, threads: usize, io: Io<'_>, work: &W, from: usize) -> Vec<Tried<W::Out>> {
        let helpers = Helpers::of(self, threads - 1);
        try_all(helpers.count + 1, io, work, from)
    }
}

/// Threads that help one call; they are free again when this is dropped.
struct Helpers<'c> {
    crew: &'c Crew,
    count: usize,
}

impl<'c> Helpers<'c> {
    /// As many as are free, of those that are wanted.
    fn of(crew: &'c Crew, wanted: usize) -> Self {
        let mut count = 0;
        let take = |helping: usize| {
            count = wanted.min(crew.helpers.saturating_sub(helping));
            Some(helping + count)
        };
        let _ = crew.helping.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        Self { crew, count }
    }
}

impl Drop for Helpers<'_> {
    fn drop(&mut self) {
        self.crew.helping.fetch_sub(self.count, Ordering::Relaxed);
    }
}

/// Tries the items from `from` on, on this thread and on others.
fn try_all<'w, W: Work<'w>>(threads: usize, io: Io<'_>, work: &W, from: usize) -> Vec<Tried<W::Out>> {
    let (next, stop) = (AtomicUsize::new(from), AtomicBool::new(false));
    let worker = || {
        let mut done = Vec::new();
        // Numbers are handed out in order, so that those before one that stops the others are all tried.
        while !stop.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = work.jobs().get(number) else { break };
            let tried = without_network(io, |io| work.one(number, job, io));
            stop.fetch_or(!matches!(tried, Some(Ok(_))), Ordering::Relaxed);
            done.push((number, tried));
        }
        done
    };
    let done = thread::scope(|scope| {
        // Where there are no more threads, fewer work.
        let spawn = |_| thread::Builder::new().name(HELPER.to_owned()).spawn_scoped(scope, worker).ok();
        let others: Vec<_> = (1..threads).filter_map(spawn).collect();
        let mut done = worker();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    let mut tried: Vec<_> = std::iter::repeat_with(|| None).take(work.jobs().len().saturating_sub(from)).collect();
    for (number, outcome) in done {
        if let Some(slot) = number.checked_sub(from).and_then(|at| tried.get_mut(at)) {
            *slot = outcome;
        }
    }
    tried
}

/// What comes of work that needs no network and waits for nobody.
fn without_network<'w, Out: 'w>(io: Io<'w>, work: impl FnOnce(Io<'w>) -> BoxFuture<'w, Out>) -> Option<Out> {
    let mut future = pin!(work(Io { wire: &NoNetwork, ..io }));
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(out) => Some(out),
        Poll::Pending => None,
    }
}

/// A wire on which nothing is ever sent: who needs it is left waiting, and given up.
struct NoNetwork;

impl Wire for NoNetwork {
    fn send(&self, _: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(pending())
    }
}

/// What the threads are called that help; Linux shows so many characters.
const HELPER: &str = "dynaseal-helper";
/// Another thread is started where it has so many microseconds of work; to start one takes some fifty.
const WORTH_A_THREAD: usize = 500;

#[cfg(test)]
mod tests;
