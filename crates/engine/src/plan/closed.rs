//! Tables that callers do not reach: the key stores. What a gateway may read there, it reads for its keys; a caller who
//! could use its credentials to change or delete a record would take away every item under that branch key.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;

use dynaseal_keys::Call;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{statement, table_name};
use crate::doc::NotJson;
use crate::error::Error;

/// The names of the tables.
#[derive(Debug, Default)]
pub(crate) struct Closed(BTreeSet<String>);

impl Closed {
    pub(crate) fn add(&mut self, names: impl IntoIterator<Item = String>) {
        self.0.extend(names);
    }

    /// Refuses a call that names one of the tables, whatever it would do there.
    pub(crate) fn judge(&self, call: &Call) -> Result<(), Error> {
        if self.0.is_empty() || !self.0.iter().any(|name| may_name(&call.body, name)) {
            return Ok(());
        }
        let found = Cell::new(None);
        let walk = Walk { closed: self, place: Place::Top, found: &found };
        let read = walk.deserialize(&mut serde_json::Deserializer::from_slice(&call.body));
        match (found.get(), read) {
            (None, Ok(())) => Ok(()),
            // What cannot be read to its end could name anything.
            (None, Err(_)) => Err(Error::request(&call.operation, NotJson("it is not JSON that can be read"))),
            (Some(name), _) => Err(Error::Refused {
                operation: call.operation.clone().into_owned(),
                table: name.to_owned(),
                what: "the table is the key store of a configured key, which callers do not reach".to_owned(),
                instead: "use `dynaseal keys`, or another client with rights of its own",
            }),
        }
    }

    fn get(&self, name_or_arn: &str) -> Option<&str> {
        self.0.get(table_name(name_or_arn)).map(String::as_str)
    }
}

/// Goes through a whole text, and through members that stand there twice, of which only a parser knows which one counts.
#[derive(Clone, Copy)]
struct Walk<'c> {
    closed: &'c Closed,
    place: Place,
    found: &'c Cell<Option<&'c str>>,
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

impl<'c> Walk<'c> {
    fn at(self, member: &str) -> Self {
        let place = match member {
            "RequestItems" if self.place == Place::Top => Place::Requests,
            "Statement" => Place::Statement,
            _ if member.ends_with("TableName") || member.ends_with("Arn") => Place::Name,
            _ => Place::Other,
        };
        Self { place, ..self }
    }

    fn note(self, found: Option<&'c str>) {
        self.found.set(self.found.get().or(found));
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
            Place::Name => self.note(self.closed.get(text)),
            Place::Statement => {
                self.note(self.closed.0.iter().find(|name| statement::names(text, name)).map(String::as_str));
            }
            Place::Top | Place::Requests | Place::Other => {}
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(member) = map.next_key::<Cow<'_, str>>()? {
            if self.place == Place::Requests {
                self.note(self.closed.get(&member));
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

/// Whether a body could name a table: most do not hold its name at all, and then nothing else is looked at. An escape could
/// hide it, and PartiQL takes it in any letters in which it cannot be told from another.
fn may_name(body: &[u8], name: &str) -> bool {
    body.contains(&b'\\') || body.windows(name.len()).any(|part| part.eq_ignore_ascii_case(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use dynaseal_keys::Service;

    use super::*;

    fn refused(operation: &'static str, body: &str) -> bool {
        let mut closed = Closed::default();
        closed.add(["KeyStore".to_owned()]);
        let judged = closed.judge(&Call::new(Service::DynamoDb, operation, body.as_bytes().to_vec()));
        judged.is_err_and(|error| error.code() == "DSL-2003")
    }

    #[test]
    fn a_key_store_is_named_in_many_ways() {
        for (operation, body) in [
            ("GetItem", r#"{"TableName":"KeyStore","Key":{}}"#),
            ("PutItem", r#"{"TableName":"\u004beyStore","Item":{}}"#),
            ("DeleteItem", r#"{"TableName":"arn:aws:dynamodb:eu-west-1:1:table/KeyStore"}"#),
            ("Query", r#"{"TableName":"arn:aws:dynamodb:eu-west-1:1:table/KeyStore/index/x"}"#),
            ("BatchWriteItem", r#"{"RequestItems":{"Users":[],"KeyStore":[]}}"#),
            ("BatchGetItem", r#"{"RequestItems":{"arn:aws:dynamodb:eu-west-1:1:table/KeyStore":{}}}"#),
            (
                "TransactWriteItems",
                r#"{"TransactItems":[{"Put":{"TableName":"Users"}},{"Delete":{"TableName":"KeyStore"}}]}"#,
            ),
            ("ExecuteStatement", r#"{"Statement":"DELETE FROM \"KeyStore\" WHERE x = 1"}"#),
            ("BatchExecuteStatement", r#"{"Statements":[{"Statement":"select * from keystore"}]}"#),
            ("ExecuteTransaction", r#"{"TransactStatements":[{"Statement":"DELETE FROM KeyStore"}]}"#),
            ("DeleteTable", r#"{"TableName":"KeyStore"}"#),
            ("DeleteTable", r#"{"TableName":"KeyStore","TableName":"Users"}"#),
            ("UpdateTimeToLive", r#"{"TableName":"KeyStore"}"#),
            ("RestoreTableFromBackup", r#"{"TargetTableName":"KeyStore","BackupArn":"x"}"#),
            (
                "RestoreTableFromBackup",
                r#"{"TargetTableName":"x","BackupArn":"arn:aws:dynamodb:eu-west-1:1:table/KeyStore/backup/1"}"#,
            ),
            ("ExportTableToPointInTime", r#"{"TableArn":"arn:aws:dynamodb:eu-west-1:1:table/KeyStore"}"#),
            ("PutResourcePolicy", r#"{"ResourceArn":"arn:aws:dynamodb:eu-west-1:1:table/KeyStore","Policy":"{}"}"#),
            ("GetShardIterator", r#"{"StreamArn":"arn:aws:dynamodb:eu-west-1:1:table/KeyStore/stream/x"}"#),
        ] {
            assert!(refused(operation, body), "{operation} {body}");
        }
    }

    #[test]
    fn what_cannot_be_read_to_its_end_does_not_pass() {
        let deep = format!(r#"{{"x":{}{},"TableName":"KeyStore"}}"#, "[".repeat(500), "]".repeat(500));
        let mut closed = Closed::default();
        closed.add(["KeyStore".to_owned()]);
        for body in [deep.as_str(), "KeyStore", r#"{"TableName":"Users\u00"}"#] {
            let judged = closed.judge(&Call::new(Service::DynamoDb, "DeleteTable", body.as_bytes().to_vec()));
            assert!(judged.is_err_and(|error| error.code() == "DSL-2001"), "{body}");
        }
    }

    #[test]
    fn what_only_looks_like_it_passes() {
        for (operation, body) in [
            ("PutItem", r#"{"TableName":"Users","Item":{"TableName":{"S":"KeyStore"},"KeyStore":{"S":"x"}}}"#),
            ("PutItem", r#"{"TableName":"Users","Item":{"m":{"M":{"RequestItems":{"M":{"KeyStore":{"S":"x"}}}}}}}"#),
            ("GetItem", r#"{"TableName":"KeyStore2","Key":{}}"#),
            ("GetItem", r#"{"TableName":"keystore","Key":{}}"#),
            ("ExecuteStatement", r#"{"Statement":"SELECT * FROM MyKeyStores"}"#),
        ] {
            assert!(!refused(operation, body), "{operation} {body}");
        }
    }
}
