//! Writers of the same item in one process go one after another.

use std::hash::{BuildHasher, RandomState};

use async_lock::{Mutex, MutexGuard};

/// A fixed number of queues; items share them by chance, which costs a little waiting and no memory.
pub(crate) struct Turns {
    queues: Vec<Mutex<()>>,
    hasher: RandomState,
}

const QUEUES: usize = 1024;

impl Turns {
    pub(crate) fn new() -> Self {
        Self { queues: (0..QUEUES).map(|_| Mutex::new(())).collect(), hasher: RandomState::new() }
    }

    /// Waits for this item's turn. `None` never happens; it would only mean no waiting.
    pub(crate) async fn take(&self, table: &str, key: &str) -> Option<MutexGuard<'_, ()>> {
        let at = self.hasher.hash_one((table, key)) % QUEUES as u64;
        let queue = usize::try_from(at).ok().and_then(|at| self.queues.get(at))?;
        Some(queue.lock().await)
    }
}
