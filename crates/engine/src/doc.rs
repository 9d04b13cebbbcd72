//! JSON edited, not modelled: one level of an object or array is read at a time, everything below stays the text it was.
//! A name that stands twice is refused, since DynamoDB and Dynaseal might then read two different requests.

use std::borrow::Cow;
use std::fmt;

use dynaseal_item::{Item, json};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

mod fault;

pub(crate) use fault::{IS_NULL, NOT_A_FLAG, NOT_A_SETTING, NOT_AN_OBJECT, NOT_READABLE, NOT_UTF8, NotJson, TOO_MANY};
use fault::{NOT_A_LIST, NOT_A_STRING, NOT_JSON};

/// A part of a document.
#[derive(Clone, Debug)]
pub(crate) enum Node<'a> {
    /// Text that stays as it is.
    Raw(Cow<'a, str>),
    /// A part that was printed already.
    Printed(Vec<u8>),
    /// A hole for item number n.
    Item(usize),
    Object(Object<'a>),
    Array(Vec<Node<'a>>),
}

/// Names and values in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Node<'a>)>);

impl<'a> Object<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, NotJson> {
        serde_json::from_str(text).map_err(|error| if text == "null" { IS_NULL } else { not_json(&error) })
    }

    /// Reads what stands under `name`, an item or the texts of several, along with the object, so that its text is read once,
    /// and leaves hole 0 in its place.
    pub(crate) fn parse_around<T: Deserialize<'a>>(text: &'a str, name: &str) -> Result<(Self, Option<T>), NotJson> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let mut around = Around { name, read: None, inside: false };
        let members = reader.deserialize_map(ObjectVisitor(Some(&mut around)));
        match members.and_then(|members| reader.end().map(|()| members)) {
            Ok(members) => Ok((Self(members), around.read)),
            Err(_) if around.inside => Err(NotJson("an item in it is malformed")),
            Err(error) => Err(not_json(&error)),
        }
    }

    /// The text of a member; `None` also where it is `null`, which DynamoDB treats as absent.
    pub(crate) fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).and_then(|(_, node)| match node {
            Node::Raw(text) if text != "null" => Some(text.as_ref()),
            _ => None,
        })
    }

    /// The text of a member as it stands in the document itself.
    pub(crate) fn borrowed(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(other, _)| other == name).and_then(|(_, node)| match node {
            Node::Raw(Cow::Borrowed(text)) if *text != "null" => Some(*text),
            _ => None,
        })
    }

    /// A member that must be a string if it is there.
    pub(crate) fn text(&self, name: &str) -> Result<Option<Cow<'_, str>>, NotJson> {
        self.raw(name).map(text).transpose()
    }

    /// Takes a member's text out, leaving its place to [`Object::set`].
    pub(crate) fn take_raw(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let node = self.0.iter_mut().find(|(other, _)| other == name).map(|(_, node)| node)?;
        match node {
            Node::Raw(text) if text != "null" => Some(std::mem::replace(text, Cow::Borrowed("null"))),
            _ => None,
        }
    }

    pub(crate) fn set(&mut self, name: &'a str, value: Node<'a>) {
        match self.0.iter_mut().find(|(other, _)| other == name) {
            Some((_, node)) => *node = value,
            None => self.0.push((Cow::Borrowed(name), value)),
        }
    }

    /// Adds a member under a name of our own making.
    pub(crate) fn insert(&mut self, name: String, value: Node<'a>) {
        self.0.push((Cow::Owned(name), value));
    }

    /// Adds a member whose text is known, if it is.
    pub(crate) fn insert_raw(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.insert(name.to_owned(), Node::Raw(text.to_owned().into()));
        }
    }

    /// Puts a value where [`Object::take_raw`] left a gap.
    pub(crate) fn replace(&mut self, name: &str, value: Node<'a>) {
        if let Some((_, node)) = self.0.iter_mut().find(|(other, _)| other == name) {
            *node = value;
        }
    }

    /// Takes out a member that was replaced.
    pub(crate) fn replaced(&mut self, name: &str) -> Option<Node<'a>> {
        let at = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.remove(at).1)
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.retain(|other| other != name);
    }

    /// Keeps the members of these names.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|(name, _)| keep(name));
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    /// Names with their texts.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(name, node)| match node {
            Node::Raw(text) => Some((name.as_ref(), text.as_ref())),
            _ => None,
        })
    }

    pub(crate) fn entries_mut(&mut self) -> impl Iterator<Item = (&str, &mut Node<'a>)> {
        self.0.iter_mut().map(|(name, node)| (&**name, node))
    }

    /// Puts something else in the place of each member's text.
    pub(crate) fn each<E>(mut self, change: impl Fn(&str, &'a str) -> Result<Node<'a>, E>) -> Result<Node<'a>, E> {
        for (name, node) in &mut self.0 {
            if let Node::Raw(Cow::Borrowed(text)) = node {
                *node = change(name, text)?;
            }
        }
        Ok(Node::Object(self))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The document as text, with the holes filled.
    pub(crate) fn print(&self, items: &[Item<'_>], size: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(size);
        print_object(self, items, &mut out);
        out
    }
}

impl Node<'_> {
    /// The part as text.
    pub(crate) fn print(&self) -> Vec<u8> {
        let mut out = Vec::new();
        print_node(self, &[], &mut out);
        out
    }
}

/// The elements of an array of an answer.
pub(crate) fn array(text: &str) -> Result<Vec<&str>, NotJson> {
    let Elements(elements) = serde_json::from_str(text).map_err(|_| NOT_A_LIST)?;
    Ok(elements)
}

/// The elements of an array of a request, which ends at the first one too many.
pub(crate) fn list(text: &str, most: usize) -> Result<Vec<&str>, NotJson> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = AtMost(most).deserialize(&mut reader).and_then(|read| reader.end().map(|()| read));
    read.map_err(|error| match text {
        "null" => IS_NULL,
        _ if is_ours(&error, TOO_MANY.0) => TOO_MANY,
        _ => NOT_A_LIST,
    })
}

/// Whether an object has more members than it may have, of which nothing is kept.
pub(crate) fn has_more_members(text: &str, most: usize) -> bool {
    // What is no object is found by whoever reads it.
    let counted = serde_json::Deserializer::from_str(text).deserialize_map(Members(most));
    counted.is_err_and(|error| is_ours(&error, TOO_MANY.0))
}

struct Members(usize);

impl<'de> Visitor<'de> for Members {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        for _ in 0..=self.0 {
            if map.next_entry::<IgnoredAny, IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        Err(de::Error::custom(TOO_MANY.0))
    }
}

/// More entries than any list or map of names that DynamoDB takes.
pub(crate) const MOST_ENTRIES: usize = 16_384;

struct AtMost(usize);

impl<'de> DeserializeSeed<'de> for AtMost {
    type Value = Vec<&'de str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for AtMost {
    type Value = Vec<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = seq.next_element::<&RawValue>()? {
            if all.len() == self.0 {
                return Err(de::Error::custom(TOO_MANY.0));
            }
            all.push(one.get());
        }
        Ok(all)
    }
}

/// The texts of an array's elements.
pub(crate) struct Elements<'a>(pub(crate) Vec<&'a str>);

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let elements: Vec<&RawValue> = Deserialize::deserialize(deserializer)?;
        Ok(Self(elements.into_iter().map(RawValue::get).collect()))
    }
}

/// A string.
pub(crate) fn text(text: &str) -> Result<Cow<'_, str>, NotJson> {
    json::read_text(text).map_err(|_| NOT_A_STRING)
}

fn print_node(node: &Node<'_>, items: &[Item<'_>], out: &mut Vec<u8>) {
    match node {
        Node::Raw(text) => out.extend_from_slice(text.as_bytes()),
        Node::Printed(json) => out.extend_from_slice(json),
        Node::Object(object) => print_object(object, items, out),
        Node::Array(all) => {
            print_all(b"[]", all, out, |one, out| print_node(one, items, out));
        }
        Node::Item(number) => match items.get(*number) {
            Some(item) => json::write_item(item, out),
            // A hole that nothing fills must not look like an item.
            None => out.extend_from_slice(b"null"),
        },
    }
}

fn print_object(object: &Object<'_>, items: &[Item<'_>], out: &mut Vec<u8>) {
    print_all(b"{}", &object.0, out, |(name, node), out| {
        json::write_text(name, out);
        out.push(b':');
        print_node(node, items, out);
    });
}

fn print_all<T>(brackets: &[u8; 2], all: &[T], out: &mut Vec<u8>, print: impl Fn(&T, &mut Vec<u8>)) {
    let [open, close] = *brackets;
    out.push(open);
    for (at, one) in all.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        print(one, out);
    }
    out.push(close);
}

const TWICE: &str = "a name stands twice";
const FEW: usize = 16;
/// An item of 400 KB can have nearly as many attributes.
const MOST_MEMBERS: usize = 1 << 17;

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor::<Item<'de>>(None)).map(Object)
    }
}

struct ObjectVisitor<'v, 'n, T>(Option<&'v mut Around<'n, T>>);

/// The member that is read and not only kept.
struct Around<'n, T> {
    name: &'n str,
    read: Option<T>,
    inside: bool,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<'_, '_, T> {
    type Value = Vec<(Cow<'de, str>, Node<'de>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut all: Self::Value = Vec::new();
        while let Some(name) = map.next_key_seed(json::Text)? {
            if all.len() == MOST_MEMBERS {
                return Err(de::Error::custom(TOO_MANY.0));
            }
            let value = match &mut self.0 {
                Some(around) if around.name == name => around.read(&mut map)?,
                _ => raw(&mut map)?,
            };
            // Few members are compared with each other; a hostile body with very many must not cost quadratic time.
            if all.len() < FEW && all.iter().any(|(other, _)| *other == name) {
                return Err(de::Error::custom(TWICE));
            }
            all.push((name, value));
        }
        if all.len() > FEW {
            let mut names: Vec<&str> = all.iter().map(|(name, _)| name.as_ref()).collect();
            names.sort_unstable();
            if names.windows(2).any(|pair| matches!(pair, [one, two] if one == two)) {
                return Err(de::Error::custom(TWICE));
            }
        }
        Ok(all)
    }
}

impl<T> Around<'_, T> {
    fn read<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<Node<'de>, A::Error>
    where
        T: Deserialize<'de>,
    {
        self.inside = true;
        self.read = map.next_value()?;
        self.inside = false;
        Ok(if self.read.is_some() { Node::Item(0) } else { Node::Raw(Cow::Borrowed("null")) })
    }
}

fn raw<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Node<'de>, A::Error> {
    let value: &RawValue = map.next_value()?;
    Ok(Node::Raw(Cow::Borrowed(value.get())))
}

fn not_json(error: &serde_json::Error) -> NotJson {
    if is_ours(error, TWICE) {
        NotJson(TWICE)
    } else if is_ours(error, TOO_MANY.0) {
        TOO_MANY
    } else if error.is_data() {
        NOT_AN_OBJECT
    } else {
        NOT_JSON
    }
}

fn is_ours(error: &serde_json::Error, text: &str) -> bool {
    error.is_data() && error.to_string().starts_with(text)
}

#[cfg(test)]
mod tests;
