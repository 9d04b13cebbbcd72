//! KEYS: who may open an item, and with what. A key ring that needs the network sends its calls through a [`Wire`].
mod error;
mod keyring;
mod provider;
mod raw;
mod secret;
pub mod testing;
mod wire;
mod wrap;

pub use error::{Error, KeyFileFault, Layer};
pub use keyring::{Clock, Io, KeyName, Keyring, SystemClock, Wrapped};
pub use provider::{Provider, message_id};
pub use raw::aes::RawAes;
pub use wire::{Answer, BoxFuture, Call, Service, Wire, WireError};
