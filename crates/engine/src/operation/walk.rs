//! One way through a whole request, along the table of operations: what it names, and what in it has no class. It goes
//! through members that stand twice, too, of which only a parser knows which one counts, and allocates nothing.

use std::cell::RefCell;
use std::fmt;

use dynaseal_item::json;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Class, Members, Operation, class_of};
use crate::doc::{NOT_READABLE, NotJson, Object};

/// What is told of a request.
pub(crate) trait Visit {
    /// It names a table, or something that belongs to one.
    fn table(&self, _name_or_arn: &str) {}
    /// It has a PartiQL statement.
    fn statement(&self, _text: &str) {}
    /// It has an expression under this name.
    fn expression(&self, _member: &'static str, _text: &str) {}
    /// One more entry of a list of what it asks for: a key, an action, a write, a statement.
    fn entry(&self) {}
    /// DynamoDB is to read an attribute.
    fn read(&self, _attribute: &str) {}
    /// A member has no class, or does not have the shape of its class. What it holds follows as `loose`.
    fn unclassed(&self, _member: &str) {}
    /// A name or a text of which nobody knows what it means.
    fn loose(&self, _text: &str) {}
}

/// Shows `visit` a request; of an operation that is not known everything is loose.
///
/// # Errors
/// It is not JSON. What comes before the fault has been shown.
pub(crate) fn walk(operation: Option<&Operation>, body: &[u8], visit: &dyn Visit) -> Result<(), NotJson> {
    let place = operation.map_or(Place::Loose, |operation| Place::Of("the request", Class::Object(operation.members)));
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = Walk { visit, place }.deserialize(&mut reader).and_then(|()| reader.end());
    read.map_err(|_| NOT_READABLE)
}

/// The same of a part of a request.
pub(crate) fn walk_part(class: Class, text: &str, visit: &dyn Visit) -> Result<(), NotJson> {
    let walk = Walk { visit, place: Place::Of("a member", class) };
    let read = walk.deserialize(&mut serde_json::Deserializer::from_str(text));
    read.map_err(|_| NOT_READABLE)
}

#[derive(Clone, Copy)]
struct Walk<'v> {
    visit: &'v dyn Visit,
    place: Place,
}

/// Where a value stands.
#[derive(Clone, Copy)]
enum Place {
    /// Under a member of this name and class.
    Of(&'static str, Class),
    /// Below something that has no class.
    Loose,
}

impl<'v> Walk<'v> {
    fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// The place goes on as something else than its class says.
    fn misshapen(self) -> Self {
        if let Place::Of(name, _) = self.place {
            self.visit.unclassed(name);
        }
        self.at(Place::Loose)
    }

    /// What stands under a name in an object of these members.
    fn member(self, members: Members, name: &str) -> Self {
        match members.iter().find(|member| member.name == name) {
            Some(member) => self.at(Place::Of(member.name, member.class)),
            None => {
                self.visit.unclassed(name);
                self.visit.loose(name);
                self.at(Place::Loose)
            }
        }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.place {
            // Data, and names of attributes: what they may be is for the plans of their operations.
            Place::Of(
                _,
                Class::Item
                | Class::Key
                | Class::StartKey
                | Class::Names
                | Class::Values
                | Class::Value
                | Class::Parameters,
            ) => deserializer.deserialize_ignored_any(IgnoredAny).map(|_| ()),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        match self.place {
            Place::Of(_, Class::Table) => self.visit.table(text),
            Place::Of(_, Class::Statement) => self.visit.statement(text),
            Place::Of(member, Class::Expression) => self.visit.expression(member, text),
            Place::Of(_, Class::Read) => self.visit.read(text),
            Place::Of(_, class) if matches!(class, Class::Token) || class.is_scalar() => {}
            Place::Of(..) => self.misshapen().visit.loose(text),
            Place::Loose => self.visit.loose(text),
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let place = match self.place {
            Place::Of(_, Class::Object(_) | Class::Tables(_) | Class::TableLists(_) | Class::Legacy(_))
            | Place::Loose => self,
            Place::Of(..) => self.misshapen(),
        };
        while let Some(name) = map.next_key_seed(json::Text)? {
            let below = match place.place {
                Place::Of(_, Class::Object(members)) => place.member(members, &name),
                Place::Of(of, Class::Tables(members)) => {
                    self.visit.table(&name);
                    place.at(Place::Of(of, Class::Object(members)))
                }
                Place::Of(of, Class::TableLists(members)) => {
                    self.visit.table(&name);
                    place.at(Place::Of(of, Class::List(members)))
                }
                Place::Of(of, Class::Legacy(members)) => place.at(Place::Of(of, Class::Object(members))),
                _ => {
                    self.visit.loose(&name);
                    place
                }
            };
            map.next_value_seed(below)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let below = match self.place {
            Place::Of(of, Class::List(members)) => self.at(Place::Of(of, Class::Object(members))),
            Place::Of(of, Class::Keys) => self.at(Place::Of(of, Class::Key)),
            Place::Of(of, Class::Settings | Class::Attributes) => self.at(Place::Of(of, Class::Setting)),
            Place::Of(..) => self.misshapen(),
            Place::Loose => self,
        };
        let is_counted = matches!(below.place, Place::Of(_, Class::Object(_) | Class::Key));
        while seq.next_element_seed(below)?.is_some() {
            if is_counted {
                self.visit.entry();
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Keeps the name of the first member without a class.
#[derive(Default)]
pub(crate) struct First(pub(crate) RefCell<Option<String>>);

impl First {
    /// Looks through an object and what is nested in it, but for a member that was looked through before.
    pub(crate) fn look(&self, members: Members, object: &Object<'_>, seen: Option<&str>) -> Result<(), NotJson> {
        for (name, text) in object.entries().filter(|(name, _)| Some(*name) != seen) {
            match class_of(members, name) {
                None => self.unclassed(name),
                Some(class) if class.is_nested() => walk_part(class, text, self)?,
                // A setting that is an object is not one.
                Some(class) if class.is_scalar() && text.starts_with(['{', '[']) => self.unclassed(name),
                Some(_) => {}
            }
        }
        Ok(())
    }
}

impl Visit for First {
    fn unclassed(&self, member: &str) {
        self.0.borrow_mut().get_or_insert_with(|| member.to_owned());
    }
}
