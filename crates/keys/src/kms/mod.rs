//! Keys that a key management service holds: AWS KMS, the key rings over it, and Vault's transit engine. Every call goes through the
//! [`Wire`](crate::Wire), to the Region of the key.

pub(crate) mod arn;
mod asked;
mod body;
pub(crate) mod client;
pub(crate) mod discovery;
pub(crate) mod ecdh;
pub(crate) mod error;
pub(crate) mod rights;
pub(crate) mod ring;
pub(crate) mod rsa;
mod single;
pub(crate) mod uses;
pub(crate) mod vault;

use std::fmt::Debug;

use dynaseal_item::Context;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::keyring::Io;
use crate::wire::{BoxFuture, Service};

/// A key of 32 bytes, wiped when dropped.
pub type KeyBytes = Zeroizing<[u8; 32]>;

/// A key management service, as a key store needs it: it makes keys that are bound to an encryption context, moves them
/// from one context to another, and opens them.
pub trait Kms: Send + Sync + Debug {
    /// The service that it calls.
    fn service(&self) -> Service;

    /// A fresh key of 32 bytes, wrapped with `key` and bound to `context`.
    fn generate<'a>(&'a self, key: &'a str, context: &'a Context, io: Io<'a>) -> BoxFuture<'a, Result<Vec<u8>, Error>>;

    /// The same key bound to another context. A wrapped key that is not authentic under `from` is refused.
    fn re_encrypt<'a>(
        &'a self,
        key: &'a str,
        wrapped: &'a [u8],
        from: &'a Context,
        to: &'a Context,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Vec<u8>, Error>>;

    /// Opens a wrapped key.
    fn decrypt<'a>(
        &'a self,
        key: &'a str,
        wrapped: &'a [u8],
        context: &'a Context,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<KeyBytes, Error>>;
}
