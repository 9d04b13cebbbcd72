//! Why a call was refused or failed. Fields name tables, operations and attributes, never values.

use dynaseal_item::Kind;
use dynaseal_keys::WireError;
use thiserror::Error;

/// A failed call.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The body is not what the operation takes.
    #[error("{operation}: the request is not valid: {reason}")]
    Request {
        /// The operation.
        operation: String,
        /// What is wrong, without any text of the request.
        reason: String,
    },
    /// An operation that this version does not know, while tables are protected.
    #[error("{operation}: the operation is not known to Dynaseal, so it cannot tell whether protected data passes")]
    UnknownOperation {
        /// The operation.
        operation: String,
    },
    /// A call that this version does not carry out on a protected table.
    #[error("{operation} on table {table}: {what}")]
    Refused {
        /// The operation.
        operation: String,
        /// The table.
        table: String,
        /// What is refused, naming the attribute.
        what: String,
        /// What to do instead.
        instead: &'static str,
    },
    /// The sealed item is larger than DynamoDB stores.
    #[error(
        "{operation} on table {table}: sealed, the item has {size} bytes, {over} more than DynamoDB's limit of 409600"
    )]
    ItemTooLarge {
        /// The operation.
        operation: String,
        /// The table.
        table: String,
        /// Its sealed size.
        size: usize,
        /// By how much it is too large.
        over: usize,
    },
    /// One item could not be sealed, verified or opened.
    #[error("{operation} on table {table}{key}: {source}")]
    Item {
        /// The operation.
        operation: String,
        /// The table.
        table: String,
        /// The names of its key attributes, ready to print.
        key: String,
        /// Why.
        source: dynaseal_item::Error,
    },
    /// No key ring gave a key.
    #[error("{operation} on table {table}: {source}")]
    Keys {
        /// The operation.
        operation: String,
        /// The table.
        table: String,
        /// Why.
        source: dynaseal_keys::Error,
    },
    /// Other writers were faster, again and again.
    #[error("{operation} on table {table}: other writers changed the item during each of {tries} tries")]
    Contended {
        /// The operation.
        operation: String,
        /// The table.
        table: String,
        /// How often it was tried.
        tries: u32,
    },
    /// An expression that DynamoDB refuses; the caller gets DynamoDB's own text.
    #[error("{operation}: an expression of the request is not valid: {fault}")]
    Expression {
        /// The operation.
        operation: String,
        /// What is wrong.
        fault: Box<crate::expr::error::Error>,
    },
    /// The upstream did not answer.
    #[error("{operation}: no answer from the upstream: {source}")]
    Wire {
        /// The operation.
        operation: String,
        /// Why.
        source: WireError,
    },
    /// The upstream's answer is not what the operation returns.
    #[error("{operation}: the upstream's answer cannot be read: {reason}")]
    Answer {
        /// The operation.
        operation: String,
        /// What is wrong, without any text of the answer.
        reason: String,
    },
}

impl Error {
    /// The stable code, listed in `docs/ERRORS.md`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::Request { .. } => "DSL-2001",
            Error::UnknownOperation { .. } => "DSL-2002",
            Error::Refused { .. } => "DSL-2003",
            Error::ItemTooLarge { .. } => "DSL-2004",
            Error::Contended { .. } => "DSL-2005",
            Error::Expression { .. } => "DSL-2006",
            Error::Item { source, .. } => source.code(),
            Error::Keys { source, .. } => source.code(),
            Error::Wire { source: WireError::Timeout, .. } => "DSL-6002",
            Error::Wire { source: WireError::NoCredentials, .. } => "DSL-6003",
            Error::Wire { .. } => "DSL-6001",
            Error::Answer { .. } => "DSL-6004",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Error::Request { .. }
            | Error::UnknownOperation { .. }
            | Error::Refused { .. }
            | Error::ItemTooLarge { .. }
            | Error::Expression { .. } => Kind::Caller,
            Error::Item { source, .. } => source.kind(),
            Error::Keys { source, .. } => source.kind(),
            Error::Contended { .. } | Error::Wire { .. } | Error::Answer { .. } => Kind::Outage,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Error::Request { .. } => {
                "correct the request; Dynaseal reads protected tables' requests before DynamoDB does"
            }
            Error::UnknownOperation { .. } => "call it without Dynaseal in between, or update Dynaseal",
            Error::Refused { instead, .. } => instead,
            Error::ItemTooLarge { .. } => {
                "shorten the item: sealing adds a header, a footer and 18 bytes for each encrypted attribute"
            }
            Error::Contended { .. } => "try again; SDKs do",
            Error::Expression { .. } => "correct the expression",
            Error::Item { source, .. } => source.hint(),
            Error::Keys { source, .. } => source.hint(),
            Error::Wire { source: WireError::NoCredentials, .. } => {
                "give the gateway AWS credentials through the environment, a profile or a role"
            }
            Error::Wire { .. } => "try again; if it lasts, check the upstream's address and the network",
            Error::Answer { .. } => "try again; if it lasts, check that the upstream speaks the DynamoDB API",
        }
    }
}
