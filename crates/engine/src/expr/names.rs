//! What `#names` and `:values` stand for, and which of them were used.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use dynaseal_item::Value;

use super::error::{Error, Fault};
use super::shown::placeholder;
use super::stored::{EMPTY_NAME, Layer};

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
/// Empty maps, keys that are no placeholders, names of no letters, and values that DynamoDB does not take.
pub fn check_maps(names: Option<&Names<'_>>, values: Option<&Values<'_>>, layer: Layer) -> Result<(), Error> {
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
        if let Some((key, _)) = names.iter().find(|(_, name)| name.is_empty()) {
            let key = placeholder(key);
            return Err(parameter(format!(
                "ExpressionAttributeNames contains invalid value: {EMPTY_NAME} for key {key}"
            )));
        }
        check_keys("ExpressionAttributeNames", '#', &mut names.keys())?;
    }
    if let Some(values) = values {
        check_keys("ExpressionAttributeValues", ':', &mut values.keys())?;
        layer.check_values(values)?;
    }
    Ok(())
}

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
        const LAYER: Layer = Layer::Current;
        let unnamed = Names::from([("#n".into(), "".into())]);
        let text = "ExpressionAttributeNames contains invalid value: Empty attribute name for key #n";
        assert_eq!(message(check_maps(Some(&unnamed), None, LAYER)), text);
        let names = |key: &'static str| Names::from([(key.into(), "a".into())]);
        let invalid = "ExpressionAttributeNames contains invalid key: Syntax error; key: \"a\"";
        assert_eq!(message(check_maps(Some(&names("a")), None, LAYER)), invalid);
        assert!(
            check_maps(Some(&names("#")), None, LAYER).is_err() && check_maps(Some(&names("#é")), None, LAYER).is_err()
        );
        assert!(check_maps(Some(&names("#1_a")), None, LAYER).is_ok());
        assert_eq!(
            message(check_maps(None, Some(&Values::new()), LAYER)),
            "ExpressionAttributeValues must not be empty"
        );
    }
}
