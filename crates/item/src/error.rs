//! What can go wrong with one item. Fields hold attribute names and places, never values.

use thiserror::Error;

use crate::json;

/// Whose fault an error is, and so what a caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The caller's request or item is wrong; the same call will fail again.
    Caller,
    /// The configuration is wrong.
    Config,
    /// Stored data is not what was sealed: changed, truncated, moved, or never sealed.
    Data,
    /// A key is missing, wrong or refused.
    Keys,
    /// Something outside is down or slow; a retry can help.
    Outage,
    /// A fault of this program.
    Internal,
}

/// A failure to seal, read or open one item.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The caller used a name that belongs to the format.
    #[error("{}", reserved(.attribute))]
    ReservedName {
        /// The attribute.
        attribute: String,
    },
    /// The schema says nothing about an attribute that would be signed.
    #[error("attribute \"{attribute}\" has no configured action")]
    NoAction {
        /// The attribute.
        attribute: String,
    },
    /// A key attribute, or one that the encryption context needs, is not in the item.
    #[error("attribute \"{attribute}\" is missing")]
    Missing {
        /// The attribute.
        attribute: String,
    },
    /// A value has no normal form.
    #[error("attribute \"{attribute}\": {fault}")]
    Value {
        /// The attribute.
        attribute: String,
        /// What is wrong with it.
        fault: ValueFault,
    },
    /// The item is larger than the format can describe.
    #[error("the item has {what} than the format can hold")]
    TooLarge {
        /// More or longer what.
        what: &'static str,
    },
    /// The text is not one DynamoDB JSON item.
    #[error("not a DynamoDB JSON item: {reason} at line {line}, column {column}{}", of_attribute(attribute.as_deref()))]
    Json {
        /// What is wrong, without any text of the input.
        reason: &'static str,
        /// The attribute whose value it is, where it is one.
        attribute: Option<Box<str>>,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// The key material does not fit the item; a fault of the key ring.
    #[error("the key ring's answer does not fit the item: {what}")]
    Materials {
        /// What does not fit.
        what: &'static str,
    },

    /// The item has neither header nor footer.
    #[error("the item is not sealed: it has neither aws_dbe_head nor aws_dbe_foot")]
    Unsealed,
    /// The item has only one of header and footer.
    #[error("the item is damaged: {missing} is missing or not binary")]
    HalfSealed {
        /// The attribute that is not there.
        missing: &'static str,
    },
    /// The header cannot be read.
    #[error("the header (aws_dbe_head) is malformed: {what}")]
    Header {
        /// Which field.
        what: &'static str,
    },
    /// The signed attributes are not those that were sealed.
    #[error("the item has {found} signed attributes, its header lists {sealed}")]
    Legend {
        /// How many the item has.
        found: usize,
        /// How many the header lists.
        sealed: usize,
    },
    /// The stored encryption context contradicts the item.
    #[error("the stored encryption context does not fit the item at \"{key}\"")]
    ContextMismatch {
        /// The context key.
        key: String,
    },
    /// The data key is not the one that the header commits to.
    #[error("verification failed at the key commitment")]
    Commitment,
    /// The footer does not fit header and suite.
    #[error("the footer (aws_dbe_foot) has {found} bytes, {expected} are expected")]
    FooterLength {
        /// Its length.
        found: usize,
        /// The length that header and suite demand.
        expected: usize,
    },
    /// No tag of the footer matches.
    #[error("verification failed at the footer's tag")]
    Tag,
    /// The signature does not match.
    #[error("verification failed at the footer's signature")]
    Signature,
    /// An encrypted attribute cannot be decrypted or decoded.
    #[error("verification failed at attribute \"{attribute}\"")]
    Field {
        /// The attribute.
        attribute: String,
    },
}

/// What is wrong with a value.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ValueFault {
    /// Not DynamoDB's number grammar, more than 38 digits, or out of range.
    #[error("a number must have at most 38 significant digits and a magnitude of 1E-130 to 9.99E+125")]
    Number,
    /// Two equal members in a set.
    #[error("a set has two equal members")]
    DuplicateMember,
    /// Two equal keys in a map.
    #[error("a map has two equal keys")]
    DuplicateKey,
    /// A map key of no bytes or more than 65,535.
    #[error("a map key must have 1 to 65,535 bytes")]
    MapKey,
    /// More than 32 levels.
    #[error("values nest more than 32 levels deep")]
    TooDeep,
    /// A length that does not fit 32 bits.
    #[error("a value is too long")]
    TooLong,
    /// Bytes that no value serialises to.
    #[error("the bytes are not a serialised value")]
    Malformed,
}

impl Error {
    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Error::ReservedName { .. }
            | Error::NoAction { .. }
            | Error::Missing { .. }
            | Error::Value { .. }
            | Error::TooLarge { .. }
            | Error::Json { .. } => Kind::Caller,
            Error::Materials { .. } => Kind::Internal,
            _ => Kind::Data,
        }
    }

    /// What DynamoDB says of it, where it refuses the same in words of its own.
    #[must_use]
    pub fn dynamodb_words(&self) -> Option<json::Words> {
        match self {
            Error::Json { reason, .. } => json::dynamodb_words(reason),
            _ => None,
        }
    }

    /// Whether the text is none that DynamoDB could read.
    #[must_use]
    pub fn is_malformed(&self) -> bool {
        matches!(self, Error::Json { reason, .. } if json::is_malformed(reason))
    }

    /// The stable code, listed in `docs/ERRORS.md`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::ReservedName { .. } => "DSL-1001",
            Error::NoAction { .. } => "DSL-1002",
            Error::Missing { .. } => "DSL-1003",
            Error::Value { .. } => "DSL-1004",
            Error::TooLarge { .. } => "DSL-1005",
            Error::Json { .. } => "DSL-1006",
            Error::Materials { .. } => "DSL-1099",
            Error::Unsealed => "DSL-3001",
            Error::HalfSealed { .. } => "DSL-3002",
            Error::Header { .. } => "DSL-3003",
            Error::Legend { .. } => "DSL-3004",
            Error::ContextMismatch { .. } => "DSL-3005",
            Error::Commitment => "DSL-3006",
            Error::FooterLength { .. } => "DSL-3007",
            Error::Tag => "DSL-3008",
            Error::Signature => "DSL-3009",
            Error::Field { .. } => "DSL-3010",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Error::ReservedName { attribute } if is_of_seal(attribute) => {
                "two sealers stand in line, such as a sealed client in front of a gateway: let one of them seal, and point a \
                 sealed client at the database itself"
            }
            Error::ReservedName { .. } => "names starting with aws_dbe_ belong to the format; rename the attribute",
            Error::NoAction { .. } => "list it under the table's attributes, or set default_action",
            Error::Missing { .. } => "put the attribute into the item; keys and context attributes must be there",
            Error::Value { .. } => "correct the value; it could not be stored and read back unchanged",
            Error::TooLarge { .. } => "split the item",
            Error::Json { .. } => "send one item as DynamoDB JSON, such as {\"id\":{\"S\":\"1\"}}",
            Error::Materials { .. } => "this is a fault of the key ring; report it",
            Error::Unsealed => {
                "seal the item first, or set plaintext = \"read\" for the table while you migrate; if it came through a \
                 gateway, that has opened it already: two sealers do not stand in line"
            }
            Error::HalfSealed { .. } | Error::Header { .. } | Error::FooterLength { .. } => {
                "the stored item was truncated or overwritten by something that does not seal; restore it"
            }
            Error::Legend { .. } => {
                "an attribute was added or removed without sealing, as a writer that knows nothing of Dynaseal does, or the \
                 table's unsigned list or prefix changed; `dynaseal repair` names what was added and can take it in"
            }
            Error::ContextMismatch { .. } | Error::Commitment | Error::Tag | Error::Signature | Error::Field { .. } => {
                "the stored item was changed, or sealed under another table name or key schema; \
                 compare logical_name, partition_key and sort_key, then restore the item"
            }
        }
    }
}

/// Whether only a sealed item has an attribute of that name.
fn is_of_seal(attribute: &str) -> bool {
    ["aws_dbe_head", "aws_dbe_foot"].contains(&attribute)
}

fn reserved(attribute: &str) -> String {
    if is_of_seal(attribute) {
        format!("the item is sealed already: it has the attribute \"{attribute}\"")
    } else {
        format!("attribute \"{attribute}\" has a reserved name")
    }
}

fn of_attribute(attribute: Option<&str>) -> String {
    attribute.map(|name| format!(", in attribute \"{name}\"")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_that_is_sealed_already_is_told_from_a_name_that_is_taken() {
        let of = |attribute: &str| Error::ReservedName { attribute: attribute.into() };
        for attribute in ["aws_dbe_head", "aws_dbe_foot"] {
            let (error, hint) = (of(attribute).to_string(), of(attribute).hint());
            assert!(error.contains("sealed already") && error.contains(attribute), "{error}");
            assert!(hint.contains("two sealers stand in line"), "{hint}");
        }
        for attribute in ["aws_dbe_b_email", "aws_dbe_heads", "aws_dbe_"] {
            assert_eq!(of(attribute).to_string(), format!("attribute \"{attribute}\" has a reserved name"));
            assert!(of(attribute).hint().contains("rename"));
        }
    }

    #[test]
    fn codes_follow_kinds() {
        assert_eq!((Error::Tag.kind(), Error::Tag.code()), (Kind::Data, "DSL-3008"));
        let missing = Error::Missing { attribute: "userId".into() };
        assert_eq!((missing.kind(), missing.code()), (Kind::Caller, "DSL-1003"));
        assert_eq!(missing.to_string(), "attribute \"userId\" is missing");
    }
}
