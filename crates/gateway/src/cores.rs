//! Pages of items are shared by the cores, beside the threads of the runtime, which carry many other calls.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use dynaseal_engine::{Aside, BoxFuture, Engine};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;
use tokio::task::block_in_place;

/// Lets the engine of a gateway use all cores for the items of a call.
#[must_use]
pub fn on_all_cores(engine: Engine) -> Engine {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    engine.with_threads(cores.min(MOST_THREADS)).with_aside(Arc::new(Cores(Semaphore::new(cores))))
}

/// Places for long work, one for each core, so that what is short does not wait for more than that of it.
struct Cores(Semaphore);

impl Aside for Cores {
    fn work<'w>(&'w self, work: &'w mut (dyn FnMut() + Send)) -> BoxFuture<'w, ()> {
        Box::pin(async move {
            // It is never closed.
            let _place = self.0.acquire().await;
            match Handle::current().runtime_flavor() {
                // Another thread takes over what this one of the runtime's had to do.
                RuntimeFlavor::MultiThread => block_in_place(work),
                _ => work(),
            }
        })
    }
}

/// A page has 1 MB at most, so that more would have little to do; and there may be several pages at once.
const MOST_THREADS: usize = 8;

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::sync::Notify;

    use super::*;

    /// Without another thread in its place, the only one of this runtime would wait for ever.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn what_is_short_does_not_wait_for_what_is_long() {
        let cores = Arc::new(Cores(Semaphore::new(1)));
        let (short, is_done) = mpsc::channel();
        let (begun, long) = (Arc::new(Notify::new()), cores.clone());
        let has_begun = begun.clone();
        let long = tokio::spawn(async move {
            let (seen, seen_is) = mpsc::channel();
            let mut work = move || {
                has_begun.notify_one();
                seen.send(is_done.recv_timeout(Duration::from_secs(20)).ok()).unwrap();
            };
            long.work(&mut work).await;
            seen_is.recv().unwrap()
        });
        begun.notified().await;
        tokio::spawn(async move { short.send("short").unwrap() });
        assert_eq!(long.await.unwrap(), Some("short"));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn no_more_long_work_is_done_at_once_than_there_are_places() {
        let cores = Arc::new(Cores(Semaphore::new(2)));
        let counts = Arc::new(std::sync::Mutex::new((0, 0, 0)));
        let works = (0..8).map(|_| {
            let (cores, counts) = (cores.clone(), counts.clone());
            tokio::spawn(async move {
                let mut work = || {
                    let mut now = counts.lock().unwrap();
                    *now = (now.0 + 1, now.1.max(now.0 + 1), now.2 + 1);
                    drop(now);
                    thread::sleep(Duration::from_millis(20));
                    counts.lock().unwrap().0 -= 1;
                };
                cores.work(&mut work).await;
            })
        });
        for work in works.collect::<Vec<_>>() {
            work.await.unwrap();
        }
        assert_eq!(*counts.lock().unwrap(), (0, 2, 8));
    }

    #[tokio::test]
    async fn a_runtime_of_one_thread_does_it_there() {
        let mut done = 0;
        Cores(Semaphore::new(1)).work(&mut || done += 1).await;
        assert_eq!(done, 1);
    }
}
