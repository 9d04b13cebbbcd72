//! An answer is for what was asked. Key attributes are never encrypted, and the footer covers them, so a sealed item with
//! another key is a genuine one of another row: whoever changed the request on its way asked for it. Keys are compared as
//! DynamoDB compares them, so that `1` and `1.0` are one number.

use std::collections::BTreeMap;

use dynaseal_item::{Item, Schema, Value, json};
use dynaseal_keys::Io;

use crate::expr::compare::equal;
use crate::expr::decimal::Decimal;
use crate::table::{Failure, Table};

/// The answer is for another row.
pub(super) const OTHER: Failure = Failure::NotAsked("the answer holds another item than the one that was asked for");
/// One of several is for another row, or comes again.
pub(super) const MORE: Failure =
    Failure::NotAsked("the answer holds an item that was not asked for, or holds one that it has answered already");

/// Verifies and opens the item whose key stands in the JSON `asked`, which may hold more.
pub(crate) async fn open_asked<'a>(
    table: &'a Table,
    stored: &'a mut Item<'_>,
    asked: &str,
    io: Io<'_>,
) -> Result<Item<'a>, Failure> {
    let opened = table.open(io, stored).await?;
    match json::read_item(asked) {
        Ok(asked) if same_key(&opened, &asked, table.schema()) => Ok(opened),
        _ => Err(OTHER),
    }
}

/// Whether two items have the same key.
pub(super) fn same_key(one: &Item<'_>, two: &Item<'_>, schema: &Schema) -> bool {
    let same = |name| matches!((one.get(name), two.get(name)), (Some(one), Some(two)) if equal(one, two) == Ok(true));
    schema.keys().all(same)
}

/// The key of an item as bytes that are equal for equal keys; `None` for an item without one.
pub(super) fn identity(item: &Item<'_>, schema: &Schema) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(48);
    let mut part = |kind: u8, bytes: &[u8]| {
        out.push(kind);
        out.extend_from_slice(&bytes.len().to_be_bytes());
        out.extend_from_slice(bytes);
    };
    for name in schema.keys() {
        match item.get(name)? {
            Value::S(text) => part(b'S', text.as_bytes()),
            Value::B(bytes) => part(b'B', bytes),
            Value::N(number) => part(b'N', Decimal::parse(number).ok()?.to_string().as_bytes()),
            _ => return None,
        }
    }
    Some(out)
}

/// What a batch asks for, each with what was written of it, by the identity of its key. All of it may be answered once.
pub(super) struct Asked<'a>(BTreeMap<Vec<u8>, &'a str>);

impl<'a> Asked<'a> {
    /// What has no identity is for DynamoDB to refuse, and nothing answers it.
    pub(super) fn of(keys: impl IntoIterator<Item = (Option<Vec<u8>>, &'a str)>) -> Self {
        Self(keys.into_iter().filter_map(|(identity, written)| Some((identity?, written))).collect())
    }

    /// What was written of all that is not answered.
    pub(super) fn written(&self) -> impl Iterator<Item = &'a str> {
        self.0.values().copied()
    }

    /// Answers an item, or leaves it unprocessed; gives what was written of it.
    pub(super) fn take(&mut self, identity: Option<&[u8]>) -> Result<&'a str, Failure> {
        identity.and_then(|identity| self.0.remove(identity)).ok_or(MORE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dynaseal_item::{Action, SchemaSpec};

    fn schema() -> Schema {
        SchemaSpec {
            logical_name: "T".into(),
            partition_key: "id".into(),
            sort_key: Some("at".into()),
            actions: vec![("id".into(), Action::SignOnly), ("at".into(), Action::SignOnly)],
            ..SchemaSpec::default()
        }
        .build()
        .unwrap()
    }

    #[test]
    fn keys_are_the_same_where_dynamodb_takes_them_for_one() {
        let schema = schema();
        let item = |text| json::read_item(text).unwrap();
        for (one, two, same) in [
            (r#"{"id":{"S":"1"},"at":{"N":"1.0"}}"#, r#"{"at":{"N":"1"},"x":{"S":"y"},"id":{"S":"1"}}"#, true),
            (r#"{"id":{"B":"AAE="},"at":{"N":"-1e2"}}"#, r#"{"id":{"B":"AAE="},"at":{"N":"-100"}}"#, true),
            (r#"{"id":{"N":"-0"},"at":{"N":"0.0"}}"#, r#"{"id":{"N":"0"},"at":{"N":"0"}}"#, true),
            (r#"{"id":{"S":"1"},"at":{"N":"1"}}"#, r#"{"id":{"S":"1"},"at":{"N":"2"}}"#, false),
            (r#"{"id":{"S":"1"},"at":{"N":"1"}}"#, r#"{"id":{"N":"1"},"at":{"N":"1"}}"#, false),
            (r#"{"id":{"S":"AAE="},"at":{"N":"1"}}"#, r#"{"id":{"B":"AAE="},"at":{"N":"1"}}"#, false),
            (r#"{"id":{"S":"aN1"},"at":{"S":"b"}}"#, r#"{"id":{"S":"a"},"at":{"S":"N1b"}}"#, false),
            (r#"{"id":{"S":"1"}}"#, r#"{"id":{"S":"1"}}"#, false),
        ] {
            let (one, two) = (item(one), item(two));
            assert_eq!(same_key(&one, &two, &schema), same, "{one:?} {two:?}");
            let identities = (identity(&one, &schema), identity(&two, &schema));
            assert_eq!(identities.0.is_some() && identities.0 == identities.1, same, "{one:?} {two:?}");
        }
    }
}
