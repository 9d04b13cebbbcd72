//! Where a request names tables, whatever its operation.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::doc::NotJson;

/// What names a table.
pub(super) enum Named<'t> {
    /// Its name, or an ARN of it or of something of it; or an ARN of something else.
    Table(&'t str),
    /// A PartiQL statement, which may name one.
    Statement(&'t str),
}

/// Visits all that names a table in a body.
///
/// # Errors
/// It cannot be read to its end, so that it could name anything.
pub(super) fn each_name(body: &[u8], visit: &mut dyn FnMut(Named<'_>)) -> Result<(), NotJson> {
    let walk = Walk { place: Place::Top, visit: &RefCell::new(visit) };
    let read = walk.deserialize(&mut serde_json::Deserializer::from_slice(body));
    read.map_err(|_| NotJson("it is not JSON that can be read"))
}

/// Goes through a whole text, and through members that stand there twice, of which only a parser knows which one counts.
#[derive(Clone, Copy)]
struct Walk<'v> {
    place: Place,
    visit: &'v RefCell<&'v mut dyn FnMut(Named<'_>)>,
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Top,
    /// Its members are named after tables.
    Requests,
    /// A text here names a table or something of it. In an item there would be an object that says its type.
    Name,
    /// A text here is a PartiQL statement.
    Statement,
    Other,
}

impl Walk<'_> {
    fn at(self, member: &str) -> Self {
        let place = match member {
            "RequestItems" if self.place == Place::Top => Place::Requests,
            "Statement" => Place::Statement,
            // Where a list goes on names nothing that is touched.
            _ if member.starts_with("ExclusiveStart") => Place::Other,
            _ if member.ends_with("TableName") || member.ends_with("Arn") => Place::Name,
            _ => Place::Other,
        };
        Self { place, ..self }
    }

    fn visit(self, named: Named<'_>) {
        (self.visit.borrow_mut())(named);
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        match self.place {
            Place::Name => self.visit(Named::Table(text)),
            Place::Statement => self.visit(Named::Statement(text)),
            Place::Top | Place::Requests | Place::Other => {}
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(member) = map.next_key::<Cow<'_, str>>()? {
            if self.place == Place::Requests {
                self.visit(Named::Table(&member));
            }
            map.next_value_seed(self.at(&member))?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let inside = Self { place: if self.place == Place::Top { Place::Other } else { self.place }, ..self };
        while seq.next_element_seed(inside)?.is_some() {}
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
