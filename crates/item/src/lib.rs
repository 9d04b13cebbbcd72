//! The map is drawn below once all rooms are built.
mod bytes;
mod cipher;
mod derive;
mod error;
mod materials;
mod sign;
mod suite;
mod value;

pub use derive::Hkdf;
pub use error::{Error, Kind, ValueFault};
pub use materials::{Context, DataKey, EncryptedDataKey, OpenKeys, PUBLIC_KEY, SealKeys, TagKey};
pub use sign::SigningKey;
pub use suite::{Suite, Version};
pub use value::{Item, Value};
