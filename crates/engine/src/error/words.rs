//! How an error is made of what was found, in DynamoDB's own words where it has any.

use dynaseal_item::json::Words;
use dynaseal_keys::RetryAfter;

use super::Error;
use crate::bounds::Listed;
use crate::doc::{IS_NULL, NotJson, TOO_MANY};
use crate::expr::error::{Error as Invalid, Fault};
use crate::expr::stored::named;
use crate::plan::VALUES;
use crate::size::LIMIT;
use crate::table::{Failure, Table};

/// What is said of values that DynamoDB has no words for.
const NOT_VALUES: &str = "it is not a map of attribute values";

impl Error {
    /// Why item number `number` of a call, if it has more than one, failed.
    #[must_use]
    pub(crate) fn of_item(operation: &str, table: &Table, number: Option<usize>, failure: Failure) -> Self {
        if let Failure::Item(source @ dynaseal_item::Error::Json { attribute, .. }) = &failure
            && let Some(words) = source.dynamodb_words()
        {
            return Self::of_value(operation, words, attribute.as_deref());
        }
        let (operation, name) = (operation.to_owned(), table.name().to_owned());
        let key = || {
            let keys = table.schema().keys().collect::<Vec<_>>().join(", ");
            let number = number.map(|number| format!(", item {}", number + 1)).unwrap_or_default();
            format!("{number} (key {keys})")
        };
        match failure {
            Failure::Item(source) => Error::Item { operation, table: name, key: key().into(), source },
            Failure::NotAsked(what) => Error::NotAsked { operation, table: name, key: key(), what },
            Failure::Keys(source) => Error::Keys { operation, table: name, source: Box::new(source) },
            Failure::IndexKey { attribute } => {
                Error::HiddenKey { operation, table: name, attribute, role: "a key of an index" }
            }
        }
    }

    /// An item of this size, sealed or about to be, is larger than DynamoDB stores.
    pub(crate) fn too_large(operation: &str, table: &Table, size: usize) -> Self {
        let (operation, table) = (operation.to_owned(), table.name().to_owned());
        Error::ItemTooLarge { operation, table, size, over: size.saturating_sub(LIMIT) }
    }

    pub(crate) fn expression(operation: &str, fault: Invalid) -> Self {
        Error::Expression { operation: operation.to_owned(), fault: Box::new(fault) }
    }

    /// A refusal that the caller gets in DynamoDB's own words.
    pub(crate) fn in_words(operation: &str, words: String) -> Self {
        let fault = Fault::Parameter(words);
        Self::expression(operation, Invalid { expression: None, fault })
    }

    /// A list that is none, or has more entries than DynamoDB takes, which its words say.
    pub(crate) fn listed(list: Listed, error: NotJson) -> Self {
        if error == TOO_MANY {
            return Self::in_words(list.operation, list.beyond(&[]));
        }
        Self::member(list.operation, list.member, error)
    }

    pub(crate) fn request(operation: &str, error: NotJson) -> Self {
        if error == IS_NULL {
            return Self::in_words(operation, error.0.to_owned());
        }
        let (reason, malformed) = (error.0.to_owned(), error.is_malformed());
        Error::Request { operation: operation.to_owned(), reason, malformed }
    }

    /// The same, of one member of the request.
    pub(crate) fn member(operation: &str, member: &str, error: NotJson) -> Self {
        if let Some(words) = error.words() {
            return Self::of_value(operation, words, None);
        }
        let (reason, malformed) = (format!("{member}: {}", error.0), error.is_malformed());
        Error::Request { operation: operation.to_owned(), reason, malformed }
    }

    /// Attribute values that cannot be read, in a member of the request: in DynamoDB's words where it has any.
    pub(crate) fn values(operation: &str, member: &str, error: &dynaseal_item::Error) -> Self {
        use dynaseal_item::Error::Json;
        let Json { attribute, .. } = error else { return Self::member(operation, member, NotJson(NOT_VALUES)) };
        let of_placeholder = attribute.as_deref().filter(|_| member == VALUES);
        match (error.dynamodb_words(), of_placeholder) {
            (Some(words), Some(placeholder)) if words.of_types => {
                let fault = Fault::Request(named(words.text, placeholder));
                Self::expression(operation, Invalid { expression: None, fault })
            }
            (Some(words), _) => Self::of_value(operation, words, attribute.as_deref()),
            (None, _) => {
                let place = attribute.as_deref().map(|name| format!(" at \"{name}\"")).unwrap_or_default();
                let (reason, malformed) = (format!("{member}: {NOT_VALUES}{place}"), error.is_malformed());
                Error::Request { operation: operation.to_owned(), reason, malformed }
            }
        }
    }

    /// A value that DynamoDB refuses in these words. It does not say which one it is.
    fn of_value(operation: &str, Words { text, of_types }: Words, attribute: Option<&str>) -> Self {
        let place = attribute.filter(|_| of_types).map(|name| format!("; attribute: {name}")).unwrap_or_default();
        let text = format!("{text}{place}");
        let fault = if of_types { Fault::Request(text) } else { Fault::Parameter(text) };
        Self::expression(operation, Invalid { expression: None, fault })
    }

    /// An answer that is not what the operation returns.
    pub(crate) fn answer(operation: &str, reason: &str) -> Self {
        let (operation, reason) = (operation.to_owned(), reason.to_owned());
        Error::Answer { operation, reason, retry_after: RetryAfter::default() }
    }

    pub(crate) fn unsettled(operation: &str, table: &Table, why: impl Into<String>) -> Self {
        Error::Unsettled { operation: operation.to_owned(), table: table.name().to_owned(), why: why.into() }
    }

    /// The same failure of a call that was made for another one.
    pub(crate) fn within(mut self, outer: &str) -> Self {
        if let Error::Request { operation, .. }
        | Error::UnknownOperation { operation }
        | Error::LeadsAway { operation }
        | Error::Record { operation, .. }
        | Error::ForeignIterator { operation }
        | Error::Unlearned { operation, .. }
        | Error::HiddenKey { operation, .. }
        | Error::Exposed { operation, .. }
        | Error::OtherTable { operation, .. }
        | Error::Refused { operation, .. }
        | Error::ItemTooLarge { operation, .. }
        | Error::Item { operation, .. }
        | Error::NotAsked { operation, .. }
        | Error::Keys { operation, .. }
        | Error::Contended { operation, .. }
        | Error::Expression { operation, .. }
        | Error::Wire { operation, .. }
        | Error::Unsettled { operation, .. }
        | Error::Answer { operation, .. } = &mut self
        {
            *operation = format!("{outer} as {operation}");
        }
        self
    }

    /// The same failure of one statement of a batch, whose others were carried out.
    pub(crate) fn of_statement(mut self, number: usize) -> Self {
        let place =
            |key: &str| format!(", statement {}, while all others were carried out{key}", number.saturating_add(1));
        match &mut self {
            Error::Item { key, .. } => *key = place(key).into(),
            Error::NotAsked { key, .. } => *key = place(key),
            _ => {}
        }
        self
    }
}
