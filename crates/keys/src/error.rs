//! Why no key was given.

use dynaseal_item::Kind;
use thiserror::Error;

/// A key ring's failure.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// No key ring owns any of the item's encrypted data keys.
    #[error("no configured key ring owns any of the item's encrypted data keys")]
    NotMine,
}

impl Error {
    /// The stable code, listed in `docs/ERRORS.md`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "DSL-4001"
    }

    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::Keys
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        "configure the key ring that sealed the item"
    }
}
