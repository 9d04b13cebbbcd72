//! What a description of a table says of its keys and indexes.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use dynaseal_keys::Answer;

use crate::doc::{NOT_UTF8, NotJson, Object, array, text};
use crate::pattern::TableKeys;

/// What an answer describes.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) name: String,
    pub(crate) keys: TableKeys,
    pub(super) indexes: HashMap<String, Index>,
}

/// The table that an answer describes, if it does.
pub(super) type Described = Result<Option<Description>, NotJson>;

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) global: bool,
    /// The attributes that it holds, its keys and those of its table among them; `None` for all.
    pub(crate) holds: Option<BTreeSet<String>>,
}

impl Index {
    /// Which of some attributes it does not hold.
    pub(crate) fn lacks<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
        let Some(holds) = &self.holds else { return Vec::new() };
        names.into_iter().filter(|name| !holds.contains(*name)).collect()
    }
}

pub(crate) fn described(answer: &Answer) -> Described {
    if !answer.ok() {
        return Ok(None);
    }
    let body = Object::parse(std::str::from_utf8(&answer.body).map_err(|_| NOT_UTF8)?)?;
    let Some(table) = body.raw("Table").or(body.raw("TableDescription")) else { return Ok(None) };
    let table = Object::parse(table)?;
    let Some(name) = table.text("TableName")? else { return Ok(None) };
    let own = key_schema(&table)?;
    let kinds: Vec<_> = own.iter().map(|(_, kind)| kind.as_str()).collect();
    if !matches!(kinds.as_slice(), ["HASH"] | ["HASH", "RANGE"] | ["RANGE", "HASH"]) {
        return Err(NotJson("the table has no key of one partition key and at most one sort key"));
    }
    let (keys, indexes) = keys_and_indexes(&table, own)?;
    Ok(Some(Description { name: name.into_owned(), keys, indexes }))
}

/// The keys of a table and of its indexes, as CreateTable names them and as they are described.
pub(crate) fn keys_of(table: &Object<'_>) -> Result<TableKeys, NotJson> {
    keys_and_indexes(table, key_schema(table)?).map(|(keys, _)| keys)
}

fn keys_and_indexes(
    table: &Object<'_>,
    own: Vec<(String, String)>,
) -> Result<(TableKeys, HashMap<String, Index>), NotJson> {
    let (mut keys, mut indexes) = (TableKeys::default(), HashMap::new());
    for (member, global) in [("GlobalSecondaryIndexes", true), ("LocalSecondaryIndexes", false)] {
        for index in objects(table, member)? {
            let of_index: Vec<_> = key_schema(&index)?.into_iter().map(|(attribute, _)| attribute).collect();
            if let Some(name) = index.text("IndexName")? {
                let all_keys = own.iter().map(|(attribute, _)| attribute).chain(&of_index).cloned();
                let holds = held(&index)?.map(|held| held.into_iter().chain(all_keys).collect());
                indexes.insert(name.into_owned(), Index { global, holds });
            }
            keys.index_keys.extend(of_index);
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
    for (attribute, kind) in own {
        match kind.as_str() {
            "RANGE" => keys.sort_key = Some(attribute),
            _ => keys.partition_key = attribute,
        }
    }
    Ok((keys, indexes))
}

/// What an index holds besides keys; `None` for everything.
fn held(index: &Object<'_>) -> Result<Option<Vec<String>>, NotJson> {
    let Some(projection) = index.raw("Projection").map(Object::parse).transpose()? else { return Ok(None) };
    let named = || -> Result<Vec<String>, NotJson> {
        let names = projection.raw("NonKeyAttributes").map(array).transpose()?.unwrap_or_default();
        names.into_iter().map(|name| Ok(text(name)?.into_owned())).collect()
    };
    Ok(match projection.text("ProjectionType")?.as_deref() {
        Some("KEYS_ONLY") => Some(Vec::new()),
        Some("INCLUDE") => Some(named()?),
        _ => None,
    })
}

fn key_schema(object: &Object<'_>) -> Result<Vec<(String, String)>, NotJson> {
    let mut keys = Vec::new();
    for entry in objects(object, "KeySchema")? {
        let (Some(name), Some(kind)) = (entry.text("AttributeName")?, entry.text("KeyType")?) else { continue };
        keys.push((name.into_owned(), kind.into_owned()));
    }
    Ok(keys)
}

/// The objects of a list that is a member; none if it is not there.
fn objects<'o>(object: &'o Object<'_>, member: &str) -> Result<Vec<Object<'o>>, NotJson> {
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
        let of = |text: &str| described(&Answer::new(200, text.into()));
        let Description { name, keys, .. } = of(text).unwrap().unwrap();
        assert_eq!((name.as_str(), keys.partition_key.as_str(), keys.sort_key.as_deref()), ("Users", "id", Some("at")));
        assert_eq!(keys.index_keys, ["id", "mail"]);
        let vectors = text.replace(
            "\"LocalSecondaryIndexes\":null",
            r#""VectorIndexes":[{"IndexName":"v","VectorAttribute":{"AttributeName":"picture"},
            "SearchSchema":[{"AttributeName":"genre","SearchSchemaElementType":"FILTER"}]},{"IndexName":"w"}]"#,
        );
        assert_eq!(of(&vectors).unwrap().unwrap().keys.index_keys, ["genre", "id", "mail", "picture"]);
        assert!(of("{}").unwrap().is_none());
        assert!(of("[]").is_err());
        for keys in ["[]", r#"[{"AttributeName":"a","KeyType":"HASH"},{"AttributeName":"b","KeyType":"HASH"}]"#] {
            assert!(of(&format!(r#"{{"Table":{{"TableName":"Users","KeySchema":{keys}}}}}"#)).is_err(), "{keys}");
        }
    }

    #[test]
    fn an_index_holds_its_keys_those_of_its_table_and_what_it_includes() {
        let text = r#"{"Table":{"TableName":"Posts","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"GlobalSecondaryIndexes":[
            {"IndexName":"keys","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"KEYS_ONLY"}},
            {"IndexName":"all","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}],
            "LocalSecondaryIndexes":[{"IndexName":"some","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
            "Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["note"]}}]}}"#;
        let Description { name, indexes: all, .. } = described(&Answer::new(200, text.into())).unwrap().unwrap();
        assert_eq!(name, "Posts");
        let lacks = |index: &str| all[index].lacks(["id", "g", "note", "x"]);
        assert_eq!((lacks("keys"), lacks("all"), lacks("some")), (vec!["note", "x"], vec![], vec!["g", "x"]));
        assert!(all["keys"].global && !all["some"].global);
        assert!(described(&Answer::new(400, text.into())).unwrap().is_none());
    }
}
