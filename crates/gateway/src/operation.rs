//! The operations of the DynamoDB API, known by name so that logs and metrics hold no text of a caller.

use dynaseal_engine::{OPERATIONS, Service};

/// What a caller asks for, out of `X-Amz-Target`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    pub(crate) service: Service,
    pub(crate) operation: &'a str,
}

impl<'a> Target<'a> {
    /// Reads `DynamoDB_20120810.PutItem` and the like.
    pub(crate) fn parse(header: &'a [u8]) -> Option<Self> {
        let (prefix, operation) = std::str::from_utf8(header).ok()?.split_once('.')?;
        let service = Service::from_target_prefix(prefix)?;
        let is_name = (1..=NAME_MAX).contains(&operation.len()) && operation.bytes().all(|b| b.is_ascii_alphanumeric());
        is_name.then_some(Self { service, operation })
    }
}

/// The place of a known operation in the engine's table; every unknown one shares the last, `other`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label(usize);

impl Label {
    /// No operation was read.
    pub(crate) const OTHER: Self = Self(OPERATIONS.len());
    /// How many labels there are.
    pub(crate) const COUNT: usize = OPERATIONS.len() + 1;

    pub(crate) fn of(operation: &str) -> Self {
        OPERATIONS.binary_search_by(|known| known.name.cmp(operation)).map_or(Self::OTHER, Self)
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    pub(crate) fn index(self) -> usize {
        self.0
    }

    pub(crate) fn name(self) -> &'static str {
        OPERATIONS.get(self.0).map_or("other", |known| known.name)
    }
}

const NAME_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_strictly() {
        let put = Target::parse(b"DynamoDB_20120810.PutItem").unwrap();
        assert_eq!((put.service, put.operation), (Service::DynamoDb, "PutItem"));
        let records = Target::parse(b"DynamoDBStreams_20120810.GetRecords").unwrap();
        assert_eq!(records.service, Service::DynamoDbStreams);
        for garbage in [
            &b""[..],
            b"PutItem",
            b"DynamoDB_20120810.",
            b"DynamoDB_20111205.PutItem",
            b"TrentService.Decrypt",
            b"DynamoDB_20120810.Put Item",
            b"DynamoDB_20120810.Put.Item",
            b"DynamoDB_20120810.\xff",
            &[b"DynamoDB_20120810.".as_slice(), &[b'A'; 65]].concat(),
        ] {
            assert_eq!(Target::parse(garbage), None, "{garbage:?}");
        }
    }

    #[test]
    fn labels_are_a_closed_set() {
        assert_eq!(Label::of("PutItem").name(), "PutItem");
        assert_eq!(Label::of("Anything").name(), "other");
        assert_eq!(Label::all().count(), Label::COUNT);
        assert!(Label::all().all(|label| Label::of(label.name()) == label));
    }
}
