//! KEYS: who may open an item, and with what. A key ring never sees an item, only a data key and the encryption context
//! that binds it to its item; a ring that needs the network sends its calls through a [`Wire`].
//!
//! ```text
//!  seal   context ──> Provider::seal_keys ── fresh data key ──> Keyring::wrap ──> encrypted data keys ──> SealKeys
//!                     provider.rs                               keyring.rs
//!
//!  open   context, encrypted data keys ──> Provider::open_keys ──> Keyring::unwrap ──> OpenKeys
//!
//!         the key rings    ring.rs         what nearly all are: wrap, claim, open; a Keyring is made of that
//!                          raw/aes.rs      an AES key
//!                          raw/rsa.rs      an RSA key pair, or one half of it
//!                          raw/ecdh.rs     what two elliptic-curve keys agree on
//!                          branch/ring.rs  branch keys of a KeyStore, through a cache
//!                             id.rs          which branch key an item belongs to
//!                             file.rs        the KeyStore that is a file
//!                             ../store/      the KeyStore that is a table of DynamoDB, and what operators do with it
//!                          kms/ring.rs     keys that AWS KMS holds; client.rs calls it
//!                             single.rs      one key, or it and its replicas
//!                             discovery.rs   whichever key sealed the item
//!                          kms/rsa.rs      an RSA key in AWS KMS; kms/ecdh.rs, an elliptic-curve key there
//!                             rights.rs      what credentials may do with which keys, asked by dry runs; uses.rs
//!                          multi.rs        several rings as one; at_most.rs, one with a bound for data keys of its own
//!
//!         wrap.rs          how every ring wraps a data key; with secret.rs, all there is of cryptography here
//!         cache.rs         a time to live, early refresh, and one fetch for all who wait
//! ```

mod at_most;
mod branch;
mod cache;
mod error;
mod json;
mod keyfile;
mod keyring;
mod kms;
mod multi;
mod provider;
mod raw;
mod ring;
mod secret;
mod store;
pub mod testing;
mod wire;
mod wrap;

pub use at_most::AtMost;
pub use branch::file::BranchKeyFile;
pub use branch::id::BranchKeyId;
pub use branch::ring::Hierarchical;
pub use branch::store::{BranchKey, KeyStore, KeyVersion};
pub use cache::{CacheId, CacheOptions, CacheReadings, CacheStats, WhenUnavailable};
pub use error::{Error, KeyFileFault, Layer};
pub use keyring::{Bound, Clock, Io, KeyName, Keyring, SystemClock, Wrapped};
pub use kms::arn::{KeyArn, is_key_id, region_of};
pub use kms::client::AwsKms;
pub use kms::discovery::Discovery;
pub use kms::ecdh::{AwsKmsEcdh, KmsEcdhKey};
pub use kms::error::{KmsError, Refusal};
pub use kms::rights::{KmsKeyUse, KmsPurpose, KmsRights, Role};
pub use kms::ring::AwsKmsRing;
pub use kms::rsa::AwsKmsRsa;
pub use kms::uses::{KmsKeys, KmsUse};
pub use kms::vault::VaultTransit;
pub use kms::{KeyBytes, Kms};
pub use multi::Multi;
pub use provider::{Provider, message_id};
pub use raw::aes::RawAes;
pub use raw::ecdh::{EcdhKeys, RawEcdh};
pub use raw::rsa::RawRsa;
pub use secret::fingerprint;
pub use store::admin::create::{CreateKey, Created, PlannedKey};
pub use store::admin::erase::{Destroyed, Erasure};
pub use store::admin::list::{BranchKeyDescription, BranchKeyState, BranchKeySummary, VersionDescription};
pub use store::admin::rotate::{Rotated, Rotation};
pub use store::admin::setup::KeyStoreReady;
pub use store::admin::switch::Switched;
pub use store::bound::{BoundRecord, Survey};
pub use store::error::{RecordName, StoreError, TableRefusal};
pub use store::keys::KmsConfiguration;
pub use store::table::{KeyStoreOptions, KeyStoreTable};
pub use store::time::CreateTime;
pub use wire::{Answer, Attribution, BoxFuture, Call, Invocation, RetryAfter, Service, TlsFault, Wire, WireError};
pub use wrap::ecdh::{Curve, ecdh_parties};
pub use wrap::rsa::Padding;
