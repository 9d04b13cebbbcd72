//! JSON with every member kept, also one that stands twice, so that an oracle sees all that a reader may see.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value, as far as text in it matters.
pub enum Json {
    /// Text.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object's members in order.
    Map(Vec<(String, Json)>),
    /// A number, true, false or null.
    Other,
}

impl Json {
    /// Reads a document.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// All members of that name.
    pub fn all<'j>(&'j self, name: &'j str) -> impl Iterator<Item = &'j Json> {
        let members = if let Json::Map(members) = self { members.as_slice() } else { &[] };
        members.iter().filter(move |(other, _)| other == name).map(|(_, value)| value)
    }

    /// How often `word` stands in the text of this value, names included.
    pub fn count(&self, word: &str) -> usize {
        match self {
            Json::Text(text) => text.matches(word).count(),
            Json::List(all) => all.iter().map(|one| one.count(word)).sum(),
            Json::Map(all) => all.iter().map(|(name, value)| name.matches(word).count() + value.count(word)).sum(),
            Json::Other => 0,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = seq.next_element()? {
            all.push(one);
        }
        Ok(Json::List(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = map.next_entry()? {
            all.push(entry);
        }
        Ok(Json::Map(all))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }
}
