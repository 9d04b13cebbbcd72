//! What values DynamoDB takes. It sees nothing of those that are encrypted, so that they are refused here, in its words,
//! wherever a value can stand in a request.
//!
//! DynamoDB checks values in two ways, of which each operation has one. They word doubled members differently, and one of
//! them names the placeholder of each value while the other names that of a few.

use std::collections::BTreeSet;

use dynaseal_item::{Item, Value};

use super::decimal::{Decimal, NumberFault};
use super::error::{Error, Fault};
use super::names::Values;
use super::shown::placeholder;

/// How an operation words what it does not take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layer {
    /// Calls on one item, reads of many, and pages.
    #[default]
    Current,
    /// Batches of writes, transactions, statements.
    Older,
}

impl Layer {
    /// That of an operation.
    #[must_use]
    pub fn of(operation: &str) -> Self {
        match operation {
            "BatchWriteItem" | "TransactWriteItems" | "TransactGetItems" => Self::Older,
            _ if operation.starts_with("Execute") || operation == "BatchExecuteStatement" => Self::Older,
            _ => Self::Current,
        }
    }

    /// Refuses an item that DynamoDB does not store.
    pub(crate) fn check_item(self, item: &Item<'_>) -> Result<(), Error> {
        let check = |(name, value)| self.check_named_value(name, value, 1).map_err(Refused::bare);
        item.iter().try_for_each(check)
    }

    /// Refuses a value that DynamoDB does not take.
    pub(crate) fn check(self, value: &Value<'_>) -> Result<(), Error> {
        self.check_value(value, 1).map_err(Refused::bare)
    }

    /// The same of a value in `AttributeUpdates`, whose empty sets DynamoDB tells as what the item shows.
    pub(crate) fn check_update(self, value: &Value<'_>) -> Result<(), Error> {
        self.check_value(value, 1).map_err(|refused| match refused {
            Refused::Empty(_) => Error { expression: None, fault: Fault::AttributeUpdate(refused.words()) },
            _ => refused.bare(),
        })
    }

    /// Refuses values of placeholders that DynamoDB does not take.
    pub(crate) fn check_values(self, values: &Values<'_>) -> Result<(), Error> {
        let check = |(key, value): (&_, &Value<'_>)| {
            self.check_value(value, 1)
                .map_err(|refused| if self.names(refused) { refused.of(key) } else { refused.bare() })
        };
        values.iter().try_for_each(|(key, value)| check((key.as_ref(), value)))
    }

    /// Whether what is wrong with a value is told with the value's placeholder.
    fn names(self, refused: Refused) -> bool {
        match refused {
            Refused::Depth => false,
            Refused::Empty(_) => true,
            Refused::Doubled(_) | Refused::Number(_) | Refused::Name => self == Self::Older,
        }
    }

    fn check_named_value(self, name: &str, value: &Value<'_>, depth: usize) -> Result<(), Refused> {
        if name.is_empty() { Err(Refused::Name) } else { self.check_value(value, depth) }
    }

    fn check_value(self, value: &Value<'_>, depth: usize) -> Result<(), Refused> {
        if depth > MAX_DEPTH {
            return Err(Refused::Depth);
        }
        let deeper = depth.saturating_add(1);
        match value {
            Value::N(text) => Self::number(text).map(|_| ()),
            Value::Ss(all) if all.is_empty() => Err(Refused::Empty("An string set  may not be empty")),
            Value::Ns(all) if all.is_empty() => Err(Refused::Empty("An number set  may not be empty")),
            Value::Bs(all) if all.is_empty() => Err(Refused::Empty("Binary sets should not be empty")),
            Value::Ss(all) => distinct(all, Refused::Doubled(DOUBLED)),
            Value::Bs(all) => distinct(all, Refused::Doubled(DOUBLED_BINARIES)),
            Value::Ns(all) => {
                let numbers = all.iter().map(|text| Self::number(text)).collect::<Result<Vec<_>, _>>()?;
                distinct(&numbers, self.doubled_numbers())
            }
            Value::L(all) => all.iter().try_for_each(|value| self.check_value(value, deeper)),
            Value::M(all) => all.iter().try_for_each(|(name, value)| self.check_named_value(name, value, deeper)),
            Value::S(_) | Value::B(_) | Value::Bool(_) | Value::Null => Ok(()),
        }
    }

    fn number(text: &str) -> Result<Decimal, Refused> {
        Decimal::stored(text).map_err(|fault| match (fault, text) {
            (NumberFault::Syntax, "") => Refused::Number("The parameter cannot be converted to a numeric value: "),
            (fault, _) => Refused::Number(fault.text()),
        })
    }

    fn doubled_numbers(self) -> Refused {
        match self {
            Self::Current => Refused::Doubled(DOUBLED_NUMBERS),
            Self::Older => Refused::Doubled("Input collection contains duplicates"),
        }
    }
}

/// Why a value is not taken.
#[derive(Clone, Copy, Debug)]
enum Refused {
    Empty(&'static str),
    Doubled(&'static str),
    Number(&'static str),
    Name,
    Depth,
}

impl Refused {
    fn bare(self) -> Error {
        parameter(self.words())
    }

    /// The same of the value of a placeholder.
    fn of(self, key: &str) -> Error {
        parameter(named(&self.words(), key))
    }

    fn words(self) -> String {
        match self {
            Self::Empty(words) => format!("One or more parameter values were invalid: {words}"),
            Self::Doubled(words) | Self::Number(words) => words.to_owned(),
            Self::Name => EMPTY_NAME.to_owned(),
            Self::Depth => {
                "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond \
                            supported limit"
                    .to_owned()
            }
        }
    }
}

/// DynamoDB's words for what is wrong with the value of a placeholder.
pub(crate) fn named(words: &str, key: &str) -> String {
    format!("ExpressionAttributeValues contains invalid value: {words} for key {}", placeholder(key))
}

fn distinct<T: Ord>(members: &[T], doubled: Refused) -> Result<(), Refused> {
    if members.iter().collect::<BTreeSet<_>>().len() < members.len() { Err(doubled) } else { Ok(()) }
}

fn parameter(text: String) -> Error {
    Error { expression: None, fault: Fault::Parameter(text) }
}

/// DynamoDB repeats the members; number sets are the exception.
const DOUBLED: &str = "One or more parameter values were invalid: Input collection (redacted) contains duplicates.";
const DOUBLED_BINARIES: &str =
    "One or more parameter values were invalid: Input collection (redacted)of type BS contains duplicates.";
const DOUBLED_NUMBERS: &str = "One or more parameter values were invalid: Input collection contains duplicates.";
/// What DynamoDB says of a name of no letters.
pub(crate) const EMPTY_NAME: &str = "Empty attribute name";
/// How deep values may nest.
pub(super) const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(layer: Layer, value: &Value<'_>) -> String {
        layer.check(value).unwrap_err().message()
    }

    fn of_placeholder(layer: Layer, value: Value<'_>) -> String {
        layer.check_values(&Values::from([(":v".into(), value)])).unwrap_err().message()
    }

    #[test]
    fn values_are_what_dynamodb_stores_and_never_repeated() {
        for layer in [Layer::Current, Layer::Older] {
            for (value, words) in [
                (Value::N("SECRET".into()), "The parameter cannot be converted to a numeric value: (redacted)"),
                (Value::N("0E400".into()), "Number overflow."),
                (Value::N("0.0e-130".into()), "Number underflow."),
                (
                    Value::Ns(vec!["1".into(), "SECRET".into()]),
                    "The parameter cannot be converted to a numeric value: ",
                ),
                (Value::Ns(vec!["1".into(), "1.0".into()]), "Input collection contains duplicates"),
                (Value::Ss(vec!["SECRET".into(), "SECRET".into()]), "Input collection (redacted) contains duplicates."),
                (Value::Bs(vec![b"SE"[..].into(), b"SE"[..].into()]), "collection (redacted)of type BS contains"),
                (Value::Ss(Vec::new()), "An string set  may not be empty"),
                (Value::Ns(Vec::new()), "An number set  may not be empty"),
                (Value::Bs(Vec::new()), "Binary sets should not be empty"),
                (Value::M(vec![("".into(), Value::Null)]), EMPTY_NAME),
            ] {
                for value in [value.clone(), Value::L(vec![value.clone()]), Value::M(vec![("k".into(), value)])] {
                    let found = message(layer, &value);
                    assert!(found.contains(words) && !found.contains("SECRET"), "{layer:?}: {found}");
                }
            }
            let nested = |depth| (1..depth).fold(Value::Null, |value, _| Value::L(vec![value]));
            assert!(layer.check(&nested(32)).is_ok() && layer.check(&nested(33)).is_err());
            assert!(layer.check(&Value::Ss(vec!["".into()])).is_ok() && layer.check(&Value::S("".into())).is_ok());
        }
        assert!(message(Layer::Current, &Value::N("".into())).ends_with("value: "));
    }

    #[test]
    fn the_placeholder_is_named_where_dynamodb_names_it() {
        let empty = "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: An string \
                     set  may not be empty for key :v";
        let doubled = || Value::Ns(vec!["1".into(), "1".into()]);
        for layer in [Layer::Current, Layer::Older] {
            assert_eq!(of_placeholder(layer, Value::Ss(Vec::new())), empty);
        }
        assert_eq!(of_placeholder(Layer::Current, doubled()), DOUBLED_NUMBERS);
        let named = "ExpressionAttributeValues contains invalid value: Input collection contains duplicates for key :v";
        assert_eq!(of_placeholder(Layer::Older, doubled()), named);
        assert_eq!(Layer::of("PutItem"), Layer::Current);
        assert_eq!(Layer::of("ExecuteTransaction"), Layer::Older);
    }
}
