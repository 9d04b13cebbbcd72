//! What `#names` and `:values` stand for, and which of them were used.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use dynaseal_item::Value;

use super::decimal::Decimal;
use super::error::{Error, Fault};
use super::shown::placeholder;

/// `ExpressionAttributeNames`, with the signs.
pub type Names<'a> = BTreeMap<Cow<'a, str>, Cow<'a, str>>;

/// `ExpressionAttributeValues`, with the signs.
pub type Values<'a> = BTreeMap<Cow<'a, str>, Value<'a>>;

/// What an expression's placeholders stand for.
pub trait Resolve {
    /// What stands for a value.
    type Value: Copy;

    /// The attribute of a `#name`.
    fn name(&mut self, placeholder: &str) -> Option<String>;

    /// The value of a `:value`.
    fn value(&mut self, placeholder: &str) -> Option<Self::Value>;

    /// The value itself, for checks of types.
    fn known(value: &Self::Value) -> Option<&Value<'_>>;
}

/// The names and values of one request, and which of them its expressions used.
#[derive(Debug)]
pub struct Scope<'m> {
    names: &'m Names<'m>,
    values: &'m Values<'m>,
    used: BTreeSet<String>,
}

impl<'m> Scope<'m> {
    /// Nothing is used yet.
    #[must_use]
    pub fn new(names: &'m Names<'m>, values: &'m Values<'m>) -> Self {
        Self { names, values, used: BTreeSet::new() }
    }

    /// Refuses names and values that no expression used. Call it when all of the request's expressions are read.
    pub fn check_unused(&self) -> Result<(), Error> {
        let unused = |keys: &mut dyn Iterator<Item = &Cow<'_, str>>| -> Vec<String> {
            keys.filter(|key| !self.used.contains(key.as_ref())).map(|key| key.clone().into_owned()).collect()
        };
        let fault = match (unused(&mut self.names.keys()), unused(&mut self.values.keys())) {
            (names, _) if !names.is_empty() => Fault::UnusedNames(names),
            (_, values) if !values.is_empty() => Fault::UnusedValues(values),
            _ => return Ok(()),
        };
        Err(Error { expression: None, fault })
    }
}

impl<'m> Resolve for Scope<'m> {
    type Value = &'m Value<'m>;

    fn name(&mut self, placeholder: &str) -> Option<String> {
        let name = self.names.get(placeholder)?.clone().into_owned();
        self.used.insert(placeholder.to_owned());
        Some(name)
    }

    fn value(&mut self, placeholder: &str) -> Option<Self::Value> {
        let value = self.values.get(placeholder)?;
        self.used.insert(placeholder.to_owned());
        Some(value)
    }

    fn known<'v>(value: &'v Self::Value) -> Option<&'v Value<'v>> {
        Some(value)
    }
}

/// Refuses maps that DynamoDB refuses before it reads an expression.
///
/// # Errors
/// Empty maps, keys that are no placeholders, and values that DynamoDB does not store.
pub fn check_maps(names: Option<&Names<'_>>, values: Option<&Values<'_>>) -> Result<(), Error> {
    let parameter = |text: String| Error { expression: None, fault: Fault::Parameter(text) };
    let check_keys = |map: &str, sign: char, keys: &mut dyn Iterator<Item = &Cow<'_, str>>| {
        let mut keys = keys.peekable();
        if keys.peek().is_none() {
            return Err(parameter(format!("{map} must not be empty")));
        }
        let is_placeholder = |key: &str| {
            let rest = key.strip_prefix(sign).unwrap_or_default();
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        match keys.find(|key| !is_placeholder(key)) {
            Some(key) => {
                let key = placeholder(key);
                Err(parameter(format!("{map} contains invalid key: Syntax error; key: \"{key}\"")))
            }
            None => Ok(()),
        }
    };
    if let Some(names) = names {
        check_keys("ExpressionAttributeNames", '#', &mut names.keys())?;
    }
    if let Some(values) = values {
        check_keys("ExpressionAttributeValues", ':', &mut values.keys())?;
        values.values().try_for_each(|value| check_value(value, 1))?;
    }
    Ok(())
}

/// Refuses values that DynamoDB does not store.
pub(super) fn check_value(value: &Value<'_>, depth: usize) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Err(parameter(
            "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond \
             supported limit",
        ));
    }
    match value {
        Value::N(text) => number(text).map(|_| ()),
        Value::L(all) => all.iter().try_for_each(|value| check_value(value, depth.saturating_add(1))),
        Value::M(all) => all.iter().try_for_each(|(_, value)| check_value(value, depth.saturating_add(1))),
        set => check_sets(set),
    }
}

/// Refuses sets that DynamoDB does not store, also inside other values: it cannot see those that are encrypted.
pub fn check_sets(value: &Value<'_>) -> Result<(), Error> {
    let repeated = || parameter(&format!("{INVALID}Input collection contains duplicates."));
    let empty = |what: &str| parameter(&format!("{INVALID}{what}"));
    match value {
        Value::Ss(all) if all.is_empty() => Err(empty("An string set  may not be empty")),
        Value::Ns(all) if all.is_empty() => Err(empty("An number set  may not be empty")),
        Value::Bs(all) if all.is_empty() => Err(empty("Binary sets should not be empty")),
        Value::Ss(all) if all.iter().collect::<BTreeSet<_>>().len() < all.len() => Err(repeated()),
        Value::Bs(all) if all.iter().collect::<BTreeSet<_>>().len() < all.len() => Err(repeated()),
        Value::Ns(all) => {
            let numbers = all.iter().map(|text| number(text)).collect::<Result<BTreeSet<_>, _>>()?;
            if numbers.len() < all.len() { Err(repeated()) } else { Ok(()) }
        }
        Value::L(all) => all.iter().try_for_each(check_sets),
        Value::M(all) => all.iter().try_for_each(|(_, value)| check_sets(value)),
        _ => Ok(()),
    }
}

fn number(text: &str) -> Result<Decimal, Error> {
    Decimal::parse(text).map_err(|fault| parameter(fault.text()))
}

fn parameter(text: &str) -> Error {
    Error { expression: None, fault: Fault::Parameter(text.to_owned()) }
}

const INVALID: &str = "One or more parameter values were invalid: ";
/// How deep values may nest.
pub(super) const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(result: Result<(), Error>) -> String {
        result.unwrap_err().message()
    }

    #[test]
    fn what_is_unused_is_named_in_order() {
        let names = Names::from([("#b".into(), "b".into()), ("#a".into(), "a".into())]);
        let values = Values::from([(":v".into(), Value::Null)]);
        let mut scope = Scope::new(&names, &values);
        let text = "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}";
        assert_eq!(message(scope.check_unused()), text);
        assert_eq!((scope.name("#a"), scope.name("#b"), scope.name("#c")), (Some("a".into()), Some("b".into()), None));
        let text = "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}";
        assert_eq!(message(scope.check_unused()), text);
        assert!(scope.value(":v").is_some() && scope.check_unused().is_ok());
    }

    #[test]
    fn maps_are_checked_before_expressions() {
        let names = |key: &'static str| Names::from([(key.into(), "a".into())]);
        let invalid = "ExpressionAttributeNames contains invalid key: Syntax error; key: \"a\"";
        assert_eq!(message(check_maps(Some(&names("a")), None)), invalid);
        assert!(check_maps(Some(&names("#")), None).is_err() && check_maps(Some(&names("#é")), None).is_err());
        assert!(check_maps(Some(&names("#1_a")), None).is_ok());
        assert_eq!(message(check_maps(None, Some(&Values::new()))), "ExpressionAttributeValues must not be empty");
    }

    #[test]
    fn values_are_what_dynamodb_stores_and_never_repeated() {
        let check = |value| check_maps(None, Some(&Values::from([(":v".into(), value)])));
        assert!(message(check(Value::N("SECRET".into()))).ends_with("converted to a numeric value"));
        assert!(message(check(Value::Ns(vec!["1".into(), "1.0".into()]))).ends_with("contains duplicates."));
        assert!(message(check(Value::Ss(vec!["SECRET".into(), "SECRET".into()]))).ends_with("contains duplicates."));
        assert!(message(check(Value::Ss(Vec::new()))).ends_with("may not be empty"));
        let nested = |depth| (1..depth).fold(Value::Null, |value, _| Value::L(vec![value]));
        assert!(check(nested(32)).is_ok() && check(nested(33)).is_err());
    }
}
