//! The computer's clock, with the runtime's timers.

use std::time::Duration;

use dynaseal_engine::{BoxFuture, Clock, SystemClock};

/// The clock of a gateway's engine; must be used inside the runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct RuntimeClock;

impl Clock for RuntimeClock {
    fn now(&self) -> Duration {
        SystemClock.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}
