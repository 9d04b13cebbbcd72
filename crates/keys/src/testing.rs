//! A world for tests: a clock that is moved by hand, a network that is not there, and key management
//! services and a DynamoDB in memory.

mod kms;
mod table;
mod transit;

use std::sync::Mutex;
use std::time::Duration;

use crate::keyring::{Clock, Io};
use crate::wire::{Answer, BoxFuture, Call, Service, Wire, WireError};

pub use kms::{Allow, FakeKms, KeyState, Trouble};
pub use table::{FakeTable, TableTrouble};
pub use transit::FakeTransit;

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub struct FixedClock(Mutex<Duration>);

impl FixedClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: Duration) -> Self {
        Self(Mutex::new(now))
    }

    /// Sets the clock, forwards or back.
    pub fn set(&self, now: Duration) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = now;
    }

    /// Moves the clock forwards.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += by;
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Whoever waits finds that the time has passed.
    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.advance(time);
        Box::pin(std::future::ready(()))
    }
}

/// A network that refuses every call, for key rings that need none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWire;

impl Wire for NoWire {
    fn send(&self, _: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(std::future::ready(Err(WireError::Unreachable)))
    }
}

/// No network, and a clock.
#[must_use]
pub fn offline(clock: &dyn Clock) -> Io<'_> {
    Io { wire: &NoWire, clock }
}

/// KMS and DynamoDB in memory, behind one wire.
#[derive(Clone, Debug, Default)]
pub struct FakeAws {
    /// Answers the calls of KMS.
    pub kms: FakeKms,
    /// Answers the calls of DynamoDB.
    pub table: FakeTable,
}

impl Wire for FakeAws {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        if call.service == Service::Kms { self.kms.send(call) } else { self.table.send(call) }
    }
}
