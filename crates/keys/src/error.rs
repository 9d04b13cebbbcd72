//! Why no key was given. Fields name keys, attributes and places; never a key, and never why a check failed.

use std::fmt;

use dynaseal_item::Kind;
use thiserror::Error;

use crate::keyring::KeyName;
use crate::kms::error::KmsError;
use crate::store::error::StoreError;

/// A key ring that cannot be built, or a data key that could not be wrapped or opened.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// No key ring owns any of the item's encrypted data keys.
    #[error(
        "no configured key ring can open the item: it was sealed for {}; configured are {}",
        List(found),
        List(configured)
    )]
    NotMine {
        /// The keys that the item was sealed for.
        found: Vec<KeyName>,
        /// The keys that are configured.
        configured: Vec<KeyName>,
    },
    /// Several encrypted data keys are the key ring's own, and none of them opens.
    #[error("none of the item's encrypted data keys opens: {}", List(errors))]
    Several {
        /// One error for each, in the order in which they were tried.
        errors: Vec<Error>,
    },
    /// The item has more data keys of this ring than may be tried.
    #[error("the item has more than {most} encrypted data keys of {key}, so none of them was tried")]
    TooMany {
        /// The configured key.
        key: KeyName,
        /// How many may be tried.
        most: usize,
    },
    /// A wrapped key is not authentic under this key and context.
    #[error("the encrypted data key of {key} failed to open at the {at}")]
    Unwrap {
        /// Whose it is.
        key: KeyName,
        /// Which layer.
        at: Layer,
    },
    /// An encrypted data key does not have the form that its key ring writes.
    #[error("the encrypted data key of {key} is malformed: {what}")]
    Malformed {
        /// Whose it is.
        key: KeyName,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The key store has no such branch key.
    #[error("the key store has no branch key \"{}\"", .id.escape_debug())]
    NoBranchKey {
        /// Its id.
        id: String,
    },
    /// The key store has the branch key, but not this version of it.
    #[error("the key store has no version {version} of branch key \"{}\"", .id.escape_debug())]
    NoVersion {
        /// The branch key's id.
        id: String,
        /// The version, a UUID.
        version: String,
    },
    /// The key store is down or refuses to be asked so often; every [`KeyStore`](crate::KeyStore) may say so.
    #[error("the key store did not give branch key \"{}\": {what}", .id.escape_debug())]
    StoreUnavailable {
        /// The branch key's id.
        id: String,
        /// Why, in words of the store's own.
        what: &'static str,
    },
    /// The key ring has no key to open with.
    #[error("the key ring {key} can only seal items: {why}")]
    SealOnly {
        /// Which key ring.
        key: KeyName,
        /// What it lacks.
        why: &'static str,
    },
    /// The key ring has no key to seal with.
    #[error("the key ring {key} can only open items")]
    OpenOnly {
        /// Which key ring.
        key: KeyName,
    },
    /// The key ring is not for items that are signed.
    #[error("the key ring {key} cannot be used for items that are signed with ECDSA")]
    SigningSuite {
        /// Which key ring.
        key: KeyName,
    },
    /// The attribute that picks the branch key is not in the encryption context.
    #[error("attribute \"{}\" picks the branch key, but the encryption context does not hold it", .attribute.escape_debug())]
    SupplierMissing {
        /// The attribute.
        attribute: String,
    },
    /// The attribute that picks the branch key is not a string.
    #[error("attribute \"{}\" picks the branch key, so it must be a string (S) that is not empty", .attribute.escape_debug())]
    SupplierType {
        /// The attribute.
        attribute: String,
    },
    /// The caller's encryption context uses a key that belongs to the format.
    #[error("the encryption context may not hold \"{}\"", dynaseal_item::PUBLIC_KEY)]
    ReservedContext,
    /// The stored context has a public key without a signature, or the other way round.
    #[error("the encryption context must hold \"{}\" exactly when the suite signs", dynaseal_item::PUBLIC_KEY)]
    PublicKey,
    /// The encryption context is longer than the format can hold.
    #[error("the encryption context is longer than the format can hold")]
    ContextTooLong,
    /// A key ring's answer breaks the rules of its trait.
    #[error("the key ring answered with {count} encrypted data keys; an item has 1 to 255")]
    Count {
        /// How many it gave.
        count: usize,
    },
    /// The cryptographic library refused to work, for instance because there is no randomness.
    #[error("the cryptographic library failed at {at}")]
    Library {
        /// At what.
        at: &'static str,
    },

    /// A key management service gave no key.
    #[error(transparent)]
    Kms(#[from] KmsError),
    /// The key store gave no key, or did not change.
    #[error(transparent)]
    Store(Box<StoreError>),
    /// A key ring's setting is wrong.
    #[error("{ring}: {field} {what}")]
    Config {
        /// The kind of key ring, as in the configuration.
        ring: &'static str,
        /// The setting.
        field: &'static str,
        /// What is wrong with it, without its text.
        what: &'static str,
    },
    /// A multi key ring holds a multi-Region key more than once, so that it is open in which Region it is called.
    #[error("multi: a multi-Region key stands in it more than once: {}", List(keys))]
    Replicas {
        /// Every key of which it holds another replica, or the same one again.
        keys: Vec<KeyName>,
        /// For each of them the place of its ring; the generator, if there is one, comes first.
        places: Vec<usize>,
    },
    /// A branch key file cannot be used.
    #[error("the branch key file is not valid: {}", List(faults))]
    KeyFile {
        /// Everything that is wrong with it.
        faults: Vec<KeyFileFault>,
    },
}

/// The layer of an encrypted data key at which opening failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The intermediate key, wrapped with the key ring's own key.
    IntermediateKey,
    /// The data key, wrapped with the intermediate key.
    DataKey,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layer::IntermediateKey => "intermediate key",
            Layer::DataKey => "data key",
        })
    }
}

/// One fault of a branch key file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFileFault {
    /// Where in the file.
    pub at: String,
    /// What is wrong, without any text of the file but the names of its fields.
    pub what: String,
}

impl fmt::Display for KeyFileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

impl Error {
    /// One error for all of `errors`; nested collections are laid flat. `None` if there is none.
    pub(crate) fn collect(errors: Vec<Error>) -> Option<Error> {
        let flat = errors.into_iter().flat_map(|error| match error {
            Error::Several { errors } => errors,
            other => vec![other],
        });
        let mut errors: Vec<_> = flat.collect();
        match errors.len() {
            0 | 1 => errors.pop(),
            _ => Some(Error::Several { errors }),
        }
    }

    /// The stable code, listed in `docs/ERRORS.md`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::NotMine { .. } => "DSL-4001",
            Error::Several { .. } => "DSL-4002",
            Error::Unwrap { .. } => "DSL-4003",
            Error::Malformed { .. } => "DSL-4004",
            Error::NoBranchKey { .. } => "DSL-4005",
            Error::NoVersion { .. } => "DSL-4006",
            Error::SealOnly { .. } => "DSL-4007",
            Error::SupplierMissing { .. } => "DSL-4008",
            Error::SupplierType { .. } => "DSL-4009",
            Error::ReservedContext => "DSL-4010",
            Error::PublicKey => "DSL-4011",
            Error::ContextTooLong => "DSL-4012",
            Error::Count { .. } => "DSL-4013",
            Error::OpenOnly { .. } => "DSL-4014",
            Error::StoreUnavailable { .. } => "DSL-4015",
            Error::SigningSuite { .. } => "DSL-4016",
            Error::TooMany { .. } => "DSL-4017",
            Error::Library { .. } => "DSL-4099",
            Error::Kms(error) => error.code(),
            Error::Store(error) => error.code(),
            Error::Config { .. } => "DSL-5101",
            Error::KeyFile { .. } => "DSL-5102",
            Error::Replicas { .. } => "DSL-5103",
        }
    }

    /// Whose fault it is. Of several, an outage comes first, because a retry can mend it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Error::Several { errors } => {
                let mut kinds = errors.iter().map(Error::kind);
                let first = kinds.next().unwrap_or(Kind::Keys);
                if kinds.any(|kind| kind == Kind::Outage) { Kind::Outage } else { first }
            }
            Error::NotMine { .. }
            | Error::Unwrap { .. }
            | Error::NoBranchKey { .. }
            | Error::NoVersion { .. }
            | Error::SealOnly { .. }
            | Error::OpenOnly { .. } => Kind::Keys,
            Error::TooMany { .. } | Error::Malformed { .. } | Error::PublicKey => Kind::Data,
            Error::SupplierType { .. } | Error::ReservedContext | Error::ContextTooLong => Kind::Caller,
            Error::SigningSuite { .. }
            | Error::SupplierMissing { .. }
            | Error::Count { .. }
            | Error::Config { .. }
            | Error::Replicas { .. }
            | Error::KeyFile { .. } => Kind::Config,
            Error::StoreUnavailable { .. } => Kind::Outage,
            Error::Library { .. } => Kind::Internal,
            Error::Kms(error) => error.kind(),
            Error::Store(error) => error.kind(),
        }
    }

    /// Whether this process was turned away, whatever the item: credentials, a right or a client is missing, a key of KMS
    /// must not be used, or what answers is not the service. Waiting does not help.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Error::Several { errors } => errors.iter().any(Error::is_refusal),
            Error::Kms(error) => error.is_refusal(),
            Error::Store(error) => error.is_refusal(),
            Error::SealOnly { .. } | Error::OpenOnly { .. } => true,
            other => matches!(other.kind(), Kind::Config | Kind::Internal),
        }
    }

    /// Whether the same may succeed later, with nothing changed on this side.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Error::Several { errors } => errors.iter().any(Error::is_passing),
            other => other.kind() == Kind::Outage && !other.is_refusal(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Error::NotMine { .. } => {
                "configure one of the keys that the item was sealed for, with the same namespace and name"
            }
            Error::Several { errors } => errors.first().map_or("", Error::hint),
            Error::TooMany { .. } => {
                "somebody put data keys into the item to make each read of it dear; if such items are yours, raise \
                 max_encrypted_data_keys of the key"
            }
            Error::Unwrap { .. } => {
                "check that the key under this name is the one the item was sealed with; if it is, the item was changed, \
                 moved, or sealed under another table name or key schema"
            }
            Error::Malformed { .. } => {
                "the stored item was changed, or another program uses this key name; restore the item"
            }
            Error::NoBranchKey { .. } => "create the branch key, or correct branch_key_id",
            Error::NoVersion { .. } => {
                "put this version back into the key store; versions that sealed items must be kept"
            }
            Error::SealOnly { .. } => {
                "give the key ring what it lacks: private_key_file, or the key's ARN as key_arn; or open with another key ring"
            }
            Error::OpenOnly { .. } => {
                "give an RSA key its public_key_file, ECDH the other party's with scheme = \"static\", or make the key the child \
                 of a multi key whose generator seals"
            }
            Error::SigningSuite { .. } => "set suite = \"hmac\" for the table, or use another key ring",
            Error::StoreUnavailable { .. } => {
                "try again; when_unavailable = \"keep\" lets keys that were fetched before serve through an outage"
            }
            Error::SupplierMissing { .. } => {
                "name a key attribute, or one whose action is sign_and_include_in_encryption_context"
            }
            Error::SupplierType { .. } => "store the branch key's id in the attribute, as a string",
            Error::ReservedContext => "leave it out; it is made for each item",
            Error::PublicKey => "the stored item was changed; restore it",
            Error::ContextTooLong => {
                "shorten the attributes that are bound into the encryption context to 65,535 bytes"
            }
            Error::Count { .. } => "configure fewer key rings for one table",
            Error::Library { .. } => "try again; if it lasts, check that the machine has a source of randomness",
            Error::Kms(error) => error.hint(),
            Error::Store(error) => error.hint(),
            Error::Config { .. } => "correct the setting",
            Error::Replicas { .. } => {
                "keep one of them, which opens what every replica sealed; to open in several Regions, one after the other, \
                 add an aws-kms-mrk-discovery key"
            }
            Error::KeyFile { .. } => "correct the file, or write it again with the key store it was made from",
        }
    }
}

/// Up to eight things in a row; an item can hold 255 keys, and an error is to be read.
struct List<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (number, item) in self.0.iter().take(LISTED).enumerate() {
            write!(f, "{}{item}", if number == 0 { "" } else { "; " })?;
        }
        match self.0.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

const LISTED: usize = 8;
