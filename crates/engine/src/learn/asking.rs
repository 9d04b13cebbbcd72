//! Who asks DynamoDB about a table, so that many callers ask once. Nobody waits for an answer about another table, which may
//! never come.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_lock::MutexGuardArc;

/// The tables that are asked about at this moment, and who waits for it.
#[derive(Default)]
pub(super) struct Asking(Mutex<HashMap<String, Arc<async_lock::Mutex<()>>>>);

impl Asking {
    /// Waits until nobody else asks about the table.
    pub(super) async fn about(&self, table: &str) -> MutexGuardArc<()> {
        let lock = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // What nobody holds any more, nobody asks about.
            all.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(all.entry(table.to_owned()).or_default())
        };
        lock.lock_arc().await
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll(future: impl Future<Output = MutexGuardArc<()>>) -> Option<MutexGuardArc<()>> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(guard) => Some(guard),
            Poll::Pending => None,
        }
    }

    #[test]
    fn one_asks_about_a_table_and_nothing_is_kept_of_it() {
        let asking = Asking::default();
        let one = poll(asking.about("One")).unwrap();
        assert!(poll(asking.about("One")).is_none());
        let two = poll(asking.about("Two")).unwrap();
        drop(one);
        let one = poll(asking.about("One")).unwrap();
        assert_eq!(asking.0.lock().unwrap().len(), 2);
        drop((one, two));
        drop(poll(asking.about("Three")));
        assert_eq!(asking.0.lock().unwrap().len(), 1);
    }
}
