//! Why a call was refused or failed. Fields name tables, operations and attributes, never values.

use dynaseal_item::Kind;
use dynaseal_keys::{RetryAfter, WireError};
use thiserror::Error;

mod words;

use crate::nearest::did_you_mean;
use crate::operation::OPERATIONS;
use crate::table::{Failure, KEY_NOT_READABLE, NOT_ASKED, NOT_ASKED_HINT, READABLE_KEYS};

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
        /// Whether it is none that DynamoDB could read, either.
        malformed: bool,
    },
    /// An operation that this version does not know, while tables are protected.
    #[error(
        "{operation}: the operation is not known to Dynaseal, so it cannot tell whether protected data passes{}",
        did_you_mean(operation, OPERATIONS.iter().map(|known| known.name))
    )]
    UnknownOperation {
        /// The operation.
        operation: String,
    },
    /// A call whose answer would lead the caller's SDK around Dynaseal.
    #[error("{operation}: its answer would lead the SDK past Dynaseal, to where nothing is sealed")]
    LeadsAway {
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
    /// DynamoDB names an attribute as a key that the configuration does not store readable.
    #[error(
        "{operation} on table {table}: \"{attribute}\" is {role}, but the configuration does not store it readable"
    )]
    HiddenKey {
        /// The operation.
        operation: String,
        /// The table.
        table: String,
        /// The attribute.
        attribute: String,
        /// Which key it is, in words.
        role: &'static str,
    },
    /// A write would store readable what is encrypted in the stored item, though no line of the configuration says so.
    #[error(
        "{operation} on table {table}: \"{attribute}\" is encrypted in the stored item, and would be written readable"
    )]
    Exposed {
        /// The operation.
        operation: String,
        /// The table.
        table: String,
        /// The attribute.
        attribute: String,
    },
    /// A call on a table that is not protected, where those are refused.
    #[error("{operation} on table {table}: the table is not in the configuration, and other_tables = \"refuse\"{near}")]
    OtherTable {
        /// The operation.
        operation: String,
        /// The table.
        table: String,
        /// The configured one that may have been meant, ready to print.
        near: String,
    },
    /// The sealed item is larger than DynamoDB stores.
    #[error(
        "{operation} on table {table}: Item size has exceeded the maximum allowed size: sealed, the item has {size} \
         bytes, {over} more than DynamoDB's limit of 409600"
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
        key: Box<str>,
        /// Why.
        source: dynaseal_item::Error,
    },
    /// An answer holds what was not asked for.
    #[error("{operation} on table {table}{key}: {what}")]
    NotAsked {
        /// The operation.
        operation: String,
        /// The table.
        table: String,
        /// The item's place and the names of its key attributes, ready to print.
        key: String,
        /// What does not fit.
        what: &'static str,
    },
    /// No key ring gave a key.
    #[error("{operation} on table {table}: {source}")]
    Keys {
        /// The operation.
        operation: String,
        /// The table.
        table: String,
        /// Why.
        source: Box<dynaseal_keys::Error>,
    },
    /// An image of a stream record could not be verified or opened.
    #[error("{operation} on table {table}, {place}: {source}")]
    Record {
        /// The operation.
        operation: String,
        /// The table.
        table: String,
        /// Which record and image, and the names of the table's key attributes, ready to print.
        place: String,
        /// Why.
        source: Box<Failure>,
    },
    /// A shard iterator without the name of its table.
    #[error("{operation}: the shard iterator was not made through Dynaseal, so it does not say whose records follow")]
    ForeignIterator {
        /// The operation.
        operation: String,
    },
    /// A table of a pattern whose keys are not known.
    #[error("{operation} on table {table}: a pattern protects it, and DynamoDB did not say what its keys are")]
    Unlearned {
        /// The operation.
        operation: String,
        /// The table.
        table: String,
    },
    /// A text in which stream records should be opened and that holds none.
    #[error("open: the text is neither a stream record, nor a Lambda event, nor an answer of GetRecords")]
    NotRecords,
    /// A text of stream records that cannot be read.
    #[error("open: the stream records cannot be read: {reason}")]
    Records {
        /// What is wrong, without any text of the records.
        reason: String,
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
    /// A write left and nobody can tell whether it was carried out, so that it must not be sent again as it is.
    #[error("{operation} on table {table}: the write was sent and may have been carried out: {why}")]
    Unsettled {
        /// The operation.
        operation: String,
        /// The table.
        table: String,
        /// What keeps it from being told.
        why: String,
    },
    /// The upstream's answer is not what the operation returns.
    #[error("{operation}: the upstream's answer cannot be read: {reason}")]
    Answer {
        /// The operation.
        operation: String,
        /// What is wrong, without any text of the answer.
        reason: String,
        /// When to come back, as whoever answered said: a load balancer in front of DynamoDB may.
        retry_after: RetryAfter,
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
            Error::ForeignIterator { .. } => "DSL-2007",
            Error::Unlearned { .. } => "DSL-2008",
            Error::HiddenKey { .. } => KEY_NOT_READABLE,
            Error::Exposed { .. } => "DSL-2010",
            Error::OtherTable { .. } => "DSL-2011",
            Error::LeadsAway { .. } => "DSL-2012",
            Error::NotRecords => "DSL-1007",
            Error::Records { .. } => "DSL-1008",
            Error::Record { source, .. } => source.code(),
            Error::Item { source, .. } => source.code(),
            Error::NotAsked { .. } => NOT_ASKED,
            Error::Keys { source, .. } => source.code(),
            Error::Wire { source: WireError::Timeout, .. } => "DSL-6002",
            Error::Wire { source: WireError::NoCredentials, .. } => "DSL-6003",
            Error::Wire { source: WireError::NoWay(_), .. } => "DSL-6005",
            Error::Wire { source: WireError::Tls(_), .. } => "DSL-6007",
            Error::Wire { source: WireError::Checksum, .. } => "DSL-6004",
            Error::Wire { .. } => "DSL-6001",
            Error::Answer { .. } => "DSL-6004",
            Error::Unsettled { .. } => "DSL-6006",
        }
    }

    /// The table that it is about, if it is about one.
    #[must_use]
    pub fn table(&self) -> Option<&str> {
        match self {
            Error::Refused { table, .. }
            | Error::HiddenKey { table, .. }
            | Error::Exposed { table, .. }
            | Error::OtherTable { table, .. }
            | Error::ItemTooLarge { table, .. }
            | Error::Item { table, .. }
            | Error::NotAsked { table, .. }
            | Error::Keys { table, .. }
            | Error::Record { table, .. }
            | Error::Unlearned { table, .. }
            | Error::Contended { table, .. }
            | Error::Unsettled { table, .. } => Some(table),
            Error::Request { .. }
            | Error::UnknownOperation { .. }
            | Error::LeadsAway { .. }
            | Error::ForeignIterator { .. }
            | Error::NotRecords
            | Error::Records { .. }
            | Error::Expression { .. }
            | Error::Wire { .. }
            | Error::Answer { .. } => None,
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Error::Request { .. }
            | Error::UnknownOperation { .. }
            | Error::LeadsAway { .. }
            | Error::Refused { .. }
            | Error::ItemTooLarge { .. }
            | Error::Expression { .. }
            | Error::ForeignIterator { .. }
            | Error::Unlearned { .. }
            | Error::HiddenKey { .. }
            | Error::Exposed { .. }
            | Error::OtherTable { .. }
            | Error::NotRecords
            | Error::Records { .. } => Kind::Caller,
            Error::Record { source, .. } => source.kind(),
            Error::Item { source, .. } => source.kind(),
            Error::NotAsked { .. } => Kind::Data,
            Error::Keys { source, .. } => source.kind(),
            Error::Wire { source: WireError::NoWay(_), .. } => Kind::Config,
            Error::Contended { .. } | Error::Wire { .. } | Error::Unsettled { .. } | Error::Answer { .. } => {
                Kind::Outage
            }
        }
    }

    /// Whether the same call may succeed later, and does no harm then.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind() == Kind::Outage && !matches!(self, Error::Unsettled { .. })
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Error::Request { .. } => {
                "correct the request; Dynaseal reads protected tables' requests before DynamoDB does"
            }
            Error::UnknownOperation { .. } => "call it without Dynaseal in between, or update Dynaseal",
            Error::LeadsAway { .. } => {
                "switch endpoint discovery off (AWS_ENABLE_ENDPOINT_DISCOVERY=false); DynamoDB does not need it"
            }
            Error::Refused { instead, .. } => instead,
            Error::ItemTooLarge { .. } => {
                "shorten the item: sealing adds a header, a footer and 18 bytes for each encrypted attribute"
            }
            Error::Contended { .. } => "try again; SDKs do",
            Error::Expression { .. } => "correct the expression",
            Error::ForeignIterator { .. } => {
                "get one by GetShardIterator here; AFTER_SEQUENCE_NUMBER goes on where the other left off"
            }
            Error::Unlearned { .. } => "give the table a section [tables.NAME] of its own, which names its keys",
            Error::HiddenKey { .. } => READABLE_KEYS,
            Error::Exposed { .. } => {
                "if it may be stored readable, list it by name in the table's attributes: a default_action is not enough"
            }
            Error::OtherTable { .. } => "add the table to the configuration, or correct its name",
            Error::NotRecords => "give one of them as JSON, each record with its \"dynamodb\"",
            Error::Records { .. } => "correct the records; where they do not name their table, name it",
            Error::Record { source, .. } if matches!(**source, Failure::Item(_)) => {
                "compare the configuration with the one that sealed it; to go on behind the record, get an iterator \
                 AFTER_SEQUENCE_NUMBER of it"
            }
            Error::Record { source, .. } => source.hint(),
            Error::Item { source, .. } => source.hint(),
            Error::NotAsked { .. } => NOT_ASKED_HINT,
            Error::Keys { source, .. } => source.hint(),
            Error::Wire { source: WireError::NoCredentials, .. } => {
                "give the gateway AWS credentials through the environment, a profile or a role"
            }
            Error::Wire { source: WireError::NoWay(instead), .. } => instead,
            Error::Wire { source: WireError::Tls(_), .. } => WireError::TLS_HINT,
            Error::Wire { source: WireError::Checksum, .. } => {
                "try again; if it lasts, find what stands between here and DynamoDB and changes answers"
            }
            Error::Wire { .. } => "try again; if it lasts, check the upstream's address and the network",
            Error::Unsettled { .. } => "read the item, and decide by what it holds whether to send the write again",
            Error::Answer { .. } => "try again; if it lasts, check that the upstream speaks the DynamoDB API",
        }
    }
}
