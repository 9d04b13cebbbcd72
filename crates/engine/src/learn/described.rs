//! What a description of a table says of its keys, and of those of its indexes.

use std::borrow::Cow;

use crate::doc::{NotJson, Object, array};
use crate::pattern::TableKeys;

/// The table that an answer describes, and its keys.
pub(crate) fn described(text: &str) -> Result<Option<(String, TableKeys)>, NotJson> {
    let body = Object::parse(text)?;
    let Some(table) = body.raw("Table").or(body.raw("TableDescription")) else { return Ok(None) };
    let table = Object::parse(table)?;
    let Some(name) = table.text("TableName")? else { return Ok(None) };
    let kinds: Vec<_> = key_schema(&table)?.into_iter().map(|(_, kind)| kind).collect();
    let kinds: Vec<_> = kinds.iter().map(String::as_str).collect();
    if !matches!(kinds.as_slice(), ["HASH"] | ["HASH", "RANGE"] | ["RANGE", "HASH"]) {
        return Err(NotJson("the table has no key of one partition key and at most one sort key"));
    }
    Ok(Some((name.into_owned(), keys_of(&table)?)))
}

/// The keys of a table and of its indexes, as CreateTable names them and as they are described.
pub(crate) fn keys_of(table: &Object<'_>) -> Result<TableKeys, NotJson> {
    let mut keys = TableKeys::default();
    for (attribute, kind) in key_schema(table)? {
        match kind.as_str() {
            "RANGE" => keys.sort_key = Some(attribute),
            _ => keys.partition_key = attribute,
        }
    }
    for indexes in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
        for index in objects(table, indexes)? {
            keys.index_keys.extend(key_schema(&index)?.into_iter().map(|(attribute, _)| attribute));
        }
    }
    for index in objects(table, "VectorIndexes")? {
        let vector = index.raw("VectorAttribute").map(Object::parse).transpose()?;
        let vector = vector.as_ref().map(|vector| vector.text("AttributeName")).transpose()?.flatten();
        keys.index_keys.extend(vector.map(Cow::into_owned));
        for searched in objects(&index, "SearchSchema")? {
            keys.index_keys.extend(searched.text("AttributeName")?.map(Cow::into_owned));
        }
    }
    keys.index_keys.sort_unstable();
    keys.index_keys.dedup();
    Ok(keys)
}

pub(super) fn key_schema(object: &Object<'_>) -> Result<Vec<(String, String)>, NotJson> {
    let mut keys = Vec::new();
    for entry in objects(object, "KeySchema")? {
        let (Some(name), Some(kind)) = (entry.text("AttributeName")?, entry.text("KeyType")?) else { continue };
        keys.push((name.into_owned(), kind.into_owned()));
    }
    Ok(keys)
}

/// The objects of a list that is a member; none if it is not there.
pub(super) fn objects<'o>(object: &'o Object<'_>, member: &str) -> Result<Vec<Object<'o>>, NotJson> {
    let list = object.raw(member).map(array).transpose()?.unwrap_or_default();
    list.into_iter().map(Object::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_names_the_keys_of_the_table_and_of_its_indexes() {
        let text = r#"{"Table":{"TableName":"Users","KeySchema":[{"AttributeName":"at","KeyType":"RANGE"},
            {"AttributeName":"id","KeyType":"HASH"}],"LocalSecondaryIndexes":null,"GlobalSecondaryIndexes":[
            {"IndexName":"x","KeySchema":[{"AttributeName":"mail","KeyType":"HASH"},{"AttributeName":"id","KeyType":"RANGE"}]}]}}"#;
        let (name, keys) = described(text).unwrap().unwrap();
        assert_eq!((name.as_str(), keys.partition_key.as_str(), keys.sort_key.as_deref()), ("Users", "id", Some("at")));
        assert_eq!(keys.index_keys, ["id", "mail"]);
        let vectors = text.replace(
            "\"LocalSecondaryIndexes\":null",
            r#""VectorIndexes":[{"IndexName":"v","VectorAttribute":{"AttributeName":"picture"},
            "SearchSchema":[{"AttributeName":"genre","SearchSchemaElementType":"FILTER"}]},{"IndexName":"w"}]"#,
        );
        assert_eq!(described(&vectors).unwrap().unwrap().1.index_keys, ["genre", "id", "mail", "picture"]);
        assert!(described("{}").unwrap().is_none());
        assert!(described("[]").is_err());
        for keys in ["[]", r#"[{"AttributeName":"a","KeyType":"HASH"},{"AttributeName":"b","KeyType":"HASH"}]"#] {
            assert!(
                described(&format!(r#"{{"Table":{{"TableName":"Users","KeySchema":{keys}}}}}"#)).is_err(),
                "{keys}"
            );
        }
    }
}
