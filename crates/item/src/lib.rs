//! BYTES: a plaintext DynamoDB item to a sealed one and back, byte-compatible with the AWS Database Encryption SDK.
//! Sync and pure: no sockets, no clock, no key ring; keys and the random message id come in as arguments.
//!
//! ```text
//!  plaintext item ── Draft::new ──> Draft ─── context ──> key ring ── SealKeys ──┐
//!                    schema.rs                                                   │
//!                    canon.rs         Draft::seal  <─────────────────────────────┘
//!                    context.rs         derive.rs   data key + message id -> commitment key, field keys
//!                                       header.rs   who can open it, and what was done to what
//!                                       cipher.rs   each encrypted attribute
//!                                       canon.rs    hash of header, context and every signed attribute
//!                                       footer.rs   a tag per data key, a signature if the suite signs
//!
//!  sealed item ──── Sealed::parse ─> Sealed ── data keys, context ──> key ring ── OpenKeys ──┐
//!                                     Sealed::verify  <──────────────────────────────────────┘
//!                                       -> Verified, the proof that every signed byte is as it was sealed
//!                                     Verified::open
//!                                       -> plaintext item
//! ```
//!
//! The bytes themselves are drawn in `header.rs`, `footer.rs`, `canon.rs`, `path.rs` and `terminal.rs`.

#[cfg(feature = "aws-sdk")]
mod aws;
mod bytes;
mod canon;
mod cipher;
mod context;
mod derive;
mod error;
mod footer;
mod header;
pub mod json;
#[doc(hidden)]
pub mod kat;
mod materials;
mod number;
mod open;
mod path;
mod schema;
mod seal;
mod sign;
mod suite;
mod terminal;
mod value;

pub use derive::Hkdf;
pub use error::{Error, Kind, ValueFault};
pub use header::Header;
pub use materials::{Context, DataKey, EncryptedDataKey, OpenKeys, PUBLIC_KEY, SealKeys, TagKey};
pub use open::{Sealed, Verified};
pub use path::canonical_order;
pub use schema::{Action, FaultAt, Schema, SchemaFault, SchemaSpec};
pub use seal::Draft;
pub use sign::SigningKey;
pub use suite::{Suite, Version};
pub use value::{Item, Value};
