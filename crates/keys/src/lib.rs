//! KEYS
mod wire;
pub use wire::{Answer, BoxFuture, Call, Service, Wire, WireError};
mod error;
pub use error::Error;
