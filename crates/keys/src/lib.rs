//! KEYS
mod wire;
pub use wire::{Answer, BoxFuture, Call, Service, Wire, WireError};
mod error;
pub use error::Error;
mod keyring;
mod provider;
pub use keyring::{Clock, Io, Keyring, SystemClock, Wrapped};
pub use provider::{Provider, message_id};
