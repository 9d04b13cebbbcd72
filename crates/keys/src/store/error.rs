//! Why the key store gave no key, or did not change. Fields name tables, branch keys and records; never a key.

use std::fmt;

use dynaseal_item::Kind;
use thiserror::Error;

use crate::wire::WireError;

/// A failure of the key store's table, or of what stands in it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// DynamoDB refused a call.
    #[error("{operation} on the key store \"{}\" was refused: {refusal}", .table.escape_debug())]
    Refused {
        /// The operation.
        operation: &'static str,
        /// The table.
        table: String,
        /// Why.
        refusal: TableRefusal,
    },
    /// No answer came.
    #[error("{operation} on the key store \"{}\" got no answer: {source}", .table.escape_debug())]
    NoAnswer {
        /// The operation.
        operation: &'static str,
        /// The table.
        table: String,
        /// Why.
        source: WireError,
    },
    /// The answer is not what the API promises.
    #[error("the answer to {operation} on the key store \"{}\" cannot be used: {what}", .table.escape_debug())]
    Answer {
        /// The operation.
        operation: &'static str,
        /// The table.
        table: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The table that should become the key store exists, and is another one.
    #[error("the table \"{}\" cannot be a key store: {what}", .table.escape_debug())]
    TableShape {
        /// The table.
        table: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// What stands in the table is not a record of a key store.
    #[error("{record} is not a record of a key store: {what}")]
    Malformed {
        /// Which.
        record: RecordName,
        /// What is wrong with it.
        what: String,
    },
    /// The record is of a version of the key store that this program does not know.
    #[error("{record} has hierarchy-version {version}; this version of Dynaseal reads 1 only")]
    HierarchyVersion {
        /// Which.
        record: RecordName,
        /// What it says, as far as it is a number.
        version: String,
    },
    /// The key that protects the record does not open it under what it says of itself.
    #[error("{record} is not authentic: the key that protects it does not open it under the attributes that it has")]
    NotAuthentic {
        /// Which.
        record: RecordName,
    },
    /// The record is protected by another KMS key than the one configured.
    #[error(
        "{record} is protected by the KMS key {}, but the key store is configured for {}",
        .stored.escape_debug(),
        .configured.escape_debug()
    )]
    OtherKey {
        /// Which.
        record: RecordName,
        /// The key that it names.
        stored: Box<str>,
        /// The key that is configured.
        configured: Box<str>,
    },
    /// The configuration names no KMS key that new records could be protected by.
    #[error("the key store is configured for discovery, so it names no KMS key to protect a branch key with")]
    Discovery,
    /// A branch key whose id is chosen must be bound to something.
    #[error("a branch key with an id of its own choice needs an encryption context that is not empty")]
    NoContext,
    /// A branch key of this id is there already.
    #[error("the key store has a branch key \"{}\" already", .id.escape_debug())]
    Exists {
        /// Its id.
        id: String,
    },
    /// The branch key is disabled.
    #[error("branch key \"{}\" is disabled", .id.escape_debug())]
    Disabled {
        /// Its id.
        id: String,
    },
    /// A record is there both as it is used and as it was disabled.
    #[error("{record} is there already: another program made a branch key of this id while it was disabled")]
    Twice {
        /// Where it should be moved.
        record: RecordName,
    },
    /// Someone else changed the branch key meanwhile.
    #[error("branch key \"{}\" was changed by someone else while it was to be {to_be}; nothing of it was done", .id.escape_debug())]
    Raced {
        /// Its id.
        id: String,
        /// What should have been done to it.
        to_be: &'static str,
    },
    /// A write was answered as carried out, and could not be looked at.
    #[error(
        "version {version} of branch key \"{}\" was written, as DynamoDB says, but it could not be read back: {source}",
        .id.escape_debug()
    )]
    Unconfirmed {
        /// The branch key's id.
        id: String,
        /// The version that was written.
        version: String,
        /// Why it could not be read.
        source: Box<crate::error::Error>,
    },
    /// An id that no new branch key should have.
    #[error("the id of the new branch key {what}")]
    Id {
        /// What is wrong with it.
        what: &'static str,
    },
    /// Records stay behind although they were worked on again and again.
    #[error("branch key \"{}\" changes again and again while it is to be {to_be}; part of it is done", .id.escape_debug())]
    Restless {
        /// Its id.
        id: String,
        /// What is being done to it.
        to_be: &'static str,
    },
}

/// Names a record of the key store: its two key attributes.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordName {
    /// The branch key's id.
    pub id: Box<str>,
    /// The record's type, such as `branch:ACTIVE`.
    pub r#type: Box<str>,
}

impl RecordName {
    pub(crate) fn new(id: impl Into<Box<str>>, r#type: impl Into<Box<str>>) -> Self {
        Self { id: id.into(), r#type: r#type.into() }
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record {} of branch key \"{}\"", self.r#type.escape_debug(), self.id.escape_debug())
    }
}

impl fmt::Debug for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why DynamoDB refused a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableRefusal {
    /// There is no such table.
    NoTable,
    /// The credentials may not do this with this table.
    AccessDenied,
    /// The credentials are missing, wrong or have expired.
    Credentials,
    /// The rate of calls is above what the table or the account may have.
    Throttled,
    /// DynamoDB has a fault of its own.
    Unavailable,
    /// The table is there already, or is being changed.
    InUse,
    /// A condition of the call does not hold.
    Condition,
    /// Another transaction works on the same records.
    Conflict,
    /// Anything else, by its name.
    Other(String),
}

impl fmt::Display for TableRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTable => "there is no such table",
            Self::AccessDenied => "access is denied",
            Self::Credentials => "the credentials are not valid",
            Self::Throttled => "too many requests",
            Self::Unavailable => "DynamoDB has a fault of its own",
            Self::InUse => "the table is being changed",
            Self::Condition => "a condition does not hold",
            Self::Conflict => "another transaction works on the same records",
            Self::Other(name) if name.is_empty() => "the answer does not say why",
            Self::Other(name) => return write!(f, "{name}"),
        })
    }
}

impl StoreError {
    /// The stable code, listed in `docs/ERRORS.md`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { refusal, .. } => match refusal {
                TableRefusal::NoTable => "DSL-4121",
                TableRefusal::AccessDenied => "DSL-4122",
                TableRefusal::Credentials => "DSL-4123",
                TableRefusal::Throttled => "DSL-4124",
                TableRefusal::Unavailable => "DSL-4125",
                TableRefusal::InUse | TableRefusal::Condition | TableRefusal::Conflict | TableRefusal::Other(_) => {
                    "DSL-4126"
                }
            },
            Self::NoAnswer { source: WireError::NoWay(_), .. } => "DSL-6005",
            Self::NoAnswer { .. } => "DSL-4127",
            Self::Answer { .. } => "DSL-4128",
            Self::TableShape { .. } => "DSL-4129",
            Self::Malformed { .. } => "DSL-4130",
            Self::HierarchyVersion { .. } => "DSL-4131",
            Self::NotAuthentic { .. } => "DSL-4132",
            Self::OtherKey { .. } => "DSL-4133",
            Self::Discovery => "DSL-4134",
            Self::NoContext => "DSL-4135",
            Self::Exists { .. } => "DSL-4136",
            Self::Disabled { .. } => "DSL-4137",
            Self::Raced { .. } => "DSL-4138",
            Self::Restless { .. } => "DSL-4139",
            Self::Twice { .. } => "DSL-4140",
            Self::Unconfirmed { .. } => "DSL-4141",
            Self::Id { .. } => "DSL-4142",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Refused { refusal, .. } => match refusal {
                TableRefusal::NoTable => Kind::Config,
                TableRefusal::AccessDenied | TableRefusal::Credentials => Kind::Keys,
                TableRefusal::Throttled
                | TableRefusal::Unavailable
                | TableRefusal::InUse
                | TableRefusal::Condition
                | TableRefusal::Conflict => Kind::Outage,
                TableRefusal::Other(_) => Kind::Internal,
            },
            Self::NoAnswer { source: WireError::NoWay(_), .. } => Kind::Config,
            Self::NoAnswer { .. } | Self::Raced { .. } | Self::Restless { .. } | Self::Unconfirmed { .. } => {
                Kind::Outage
            }
            Self::Answer { .. } => Kind::Internal,
            Self::Malformed { .. } | Self::NotAuthentic { .. } | Self::Twice { .. } => Kind::Data,
            Self::TableShape { .. } | Self::HierarchyVersion { .. } | Self::OtherKey { .. } | Self::Discovery => {
                Kind::Config
            }
            Self::NoContext | Self::Exists { .. } | Self::Id { .. } => Kind::Caller,
            Self::Disabled { .. } => Kind::Keys,
        }
    }

    /// Whether DynamoDB turned this process away, whatever record was asked for.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::NoAnswer { source, .. } => !source.is_passing(),
            Self::Refused { refusal: TableRefusal::AccessDenied | TableRefusal::Credentials, .. } => true,
            other => matches!(other.kind(), Kind::Config | Kind::Internal),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Refused { refusal, .. } => match refusal {
                TableRefusal::NoTable => {
                    "create it with `dynaseal keys create-store`, or correct key_store_table and the Region"
                }
                TableRefusal::AccessDenied => {
                    "allow the operation in an IAM policy; `dynaseal explain KEYS.md` has them"
                }
                TableRefusal::Credentials => "check the AWS credentials and the clock of this machine",
                TableRefusal::Throttled => "try again later; a longer cache_ttl reads branch keys less often",
                TableRefusal::Unavailable | TableRefusal::InUse | TableRefusal::Condition | TableRefusal::Conflict => {
                    "try again"
                }
                TableRefusal::Other(_) => "look the name up in the documentation of DynamoDB",
            },
            Self::NoAnswer { source: WireError::NoCredentials, .. } => "give this process AWS credentials",
            Self::NoAnswer { source: WireError::NoWay(instead), .. } => instead,
            Self::NoAnswer { source: WireError::Tls(_), .. } => WireError::TLS_HINT,
            Self::NoAnswer { .. } => "check that DynamoDB can be reached, then try again",
            Self::Answer { .. } => "check that the endpoint is DynamoDB",
            Self::TableShape { .. } => "choose another name for the key store",
            Self::Malformed { .. } => "something else writes to the key store; restore the record from a backup",
            Self::HierarchyVersion { .. } => "use a version of Dynaseal that knows this key store",
            Self::NotAuthentic { .. } => {
                "check logical_key_store_name; if it is the one under which the branch key was made, the record was changed \
                 or moved, so restore it from a backup"
            }
            Self::OtherKey { .. } => "configure the KMS key that protects the branch key, or its account",
            Self::Discovery => "set kms_key_arn, kms_mrk_key_arn or vault_key to create and rotate branch keys",
            Self::NoContext => "give it a context, such as tenant=NAME, or let its id be chosen for it",
            Self::Exists { .. } => "choose another id, or rotate the one that is there",
            Self::Disabled { .. } => "enable it with `dynaseal keys enable`",
            Self::Twice { .. } => {
                "keep the one whose items matter: delete the records of the other from the table by hand, or destroy both"
            }
            Self::Unconfirmed { .. } => {
                "look with `dynaseal keys describe` whether the version is there, before the command is run again"
            }
            Self::Id { .. } => {
                "choose an id that is what it looks like; keys that have such an id already can be used as before"
            }
            Self::Raced { .. } => "look at it again, then try again if it is still to be done",
            Self::Restless { .. } => "stop what else changes it, then run the command again to the end",
        }
    }
}
