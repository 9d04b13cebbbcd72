//! The attribute model: borrowed where it can be, and in the order in which it came.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::terminal::size_hint;

/// A DynamoDB attribute value.
#[derive(Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// BOOL.
    Bool(bool),
    /// S.
    S(Cow<'a, str>),
    /// N, as the caller wrote it.
    N(Cow<'a, str>),
    /// B.
    B(Cow<'a, [u8]>),
    /// SS.
    Ss(Vec<Cow<'a, str>>),
    /// NS, each as the caller wrote it.
    Ns(Vec<Cow<'a, str>>),
    /// BS.
    Bs(Vec<Cow<'a, [u8]>>),
    /// L.
    L(Vec<Value<'a>>),
    /// M, with unique keys.
    M(Vec<(Cow<'a, str>, Value<'a>)>),
}

impl Value<'_> {
    /// DynamoDB's name of the type.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "NULL",
            Value::Bool(_) => "BOOL",
            Value::S(_) => "S",
            Value::N(_) => "N",
            Value::B(_) => "B",
            Value::Ss(_) => "SS",
            Value::Ns(_) => "NS",
            Value::Bs(_) => "BS",
            Value::L(_) => "L",
            Value::M(_) => "M",
        }
    }

    /// About how many bytes are encrypted of it, never far too few.
    #[must_use]
    pub fn size_in_bytes(&self) -> usize {
        size_hint(self)
    }

    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        fn texts(all: Vec<Cow<'_, str>>) -> Vec<Cow<'static, str>> {
            all.into_iter().map(|text| Cow::Owned(text.into_owned())).collect()
        }
        match self {
            Value::Null => Value::Null,
            Value::Bool(bool) => Value::Bool(bool),
            Value::S(text) => Value::S(Cow::Owned(text.into_owned())),
            Value::N(text) => Value::N(Cow::Owned(text.into_owned())),
            Value::B(bytes) => Value::B(Cow::Owned(bytes.into_owned())),
            Value::Ss(all) => Value::Ss(texts(all)),
            Value::Ns(all) => Value::Ns(texts(all)),
            Value::Bs(all) => Value::Bs(all.into_iter().map(|bytes| Cow::Owned(bytes.into_owned())).collect()),
            Value::L(all) => Value::L(all.into_iter().map(Value::into_owned).collect()),
            Value::M(all) => Value::M(
                all.into_iter().map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned())).collect(),
            ),
        }
    }
}

/// Values are what this program protects, so only their type is printed.
impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}(redacted)", self.type_name())
    }
}

impl<'a> IntoIterator for Item<'a> {
    type Item = (Cow<'a, str>, Value<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    /// Names and values themselves, in order.
    fn into_iter(self) -> Self::IntoIter {
        self.attributes.into_iter()
    }
}

/// An item: attributes with unique names, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Item<'a> {
    attributes: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Item<'a> {
    /// An item without attributes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one attribute; an earlier value of that name is replaced where it stands.
    pub fn insert(&mut self, name: impl Into<Cow<'a, str>>, value: Value<'a>) -> Option<Value<'a>> {
        let name = name.into();
        match self.attributes.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => Some(std::mem::replace(old, value)),
            None => {
                self.attributes.push((name, value));
                None
            }
        }
    }

    /// Takes one attribute out, name and value.
    pub fn take(&mut self, name: &str) -> Option<(Cow<'a, str>, Value<'a>)> {
        let at = self.attributes.iter().position(|(other, _)| other == name)?;
        Some(self.attributes.swap_remove(at))
    }

    /// The value of one attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.attributes.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// Keeps the attributes of which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.attributes.retain(|(name, _)| keep(name));
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value<'a>)> {
        self.attributes.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// The values by their names, for whoever looks up many.
    #[must_use]
    pub fn by_name(&self) -> HashMap<&str, &Value<'a>> {
        self.iter().collect()
    }

    /// How many attributes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.attributes.len()
    }

    /// Whether there is no attribute.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Item<'static> {
        let own = |(name, value): (Cow<'_, str>, Value<'_>)| (Cow::Owned(name.into_owned()), value.into_owned());
        Item { attributes: self.attributes.into_iter().map(own).collect() }
    }

    /// The attributes themselves. Names must be unique.
    pub(crate) fn from_attributes(attributes: Vec<(Cow<'a, str>, Value<'a>)>) -> Self {
        Self { attributes }
    }

    pub(crate) fn attributes_mut(&mut self) -> &mut Vec<(Cow<'a, str>, Value<'a>)> {
        &mut self.attributes
    }
}

const FEW: usize = 16;

/// Two items are equal when they hold the same attributes, in any order.
impl PartialEq for Item<'_> {
    fn eq(&self, other: &Self) -> bool {
        if self.len() != other.len() {
            return false;
        }
        // Most items are small; of large ones each look-up would go through all attributes.
        if self.len() <= FEW {
            return self.iter().all(|(name, value)| other.get(name) == Some(value));
        }
        let others = other.by_name();
        self.iter().all(|(name, value)| others.get(name).is_some_and(|other| *other == value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_never_prints() {
        let mut item = Item::new();
        item.insert("email", Value::S("secret@example.com".into()));
        assert_eq!(format!("{item:?}"), "Item { attributes: [(\"email\", S(redacted))] }");
    }

    #[test]
    fn a_second_insert_replaces_in_place() {
        let mut item = Item::new();
        item.insert("a", Value::Null);
        item.insert("b", Value::Null);
        assert_eq!(item.insert("a", Value::Bool(true)), Some(Value::Null));
        assert_eq!(item.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b"]);
    }
}
