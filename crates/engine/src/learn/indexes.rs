//! What DynamoDB says of the indexes of tables, by name and of a pattern alike: which of them are global, and what they hold. It
//! decides what a caller is told of a read, and never what is stored readable.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dynaseal_keys::{Answer, Io};

use crate::doc::{NotJson, Object, array};
use crate::error::Error;
use crate::plan::IndexRead;

use super::described::{key_schema, objects};
use super::{BELIEVED, PAUSE, describe, table_name};

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) global: bool,
    /// The attributes that it holds, its keys and those of its table among them; `None` for all.
    pub(crate) holds: Option<BTreeSet<String>>,
}

/// The indexes of the tables that were asked for.
#[derive(Default)]
pub(crate) struct Indexes {
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Clone)]
struct Known {
    all: Arc<HashMap<String, Index>>,
    at: Duration,
}

impl Index {
    /// Which of some attributes it does not hold.
    pub(crate) fn lacks<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
        let Some(holds) = &self.holds else { return Vec::new() };
        names.into_iter().filter(|name| !holds.contains(*name)).collect()
    }
}

impl Indexes {
    /// The index that is read, as far as DynamoDB says anything of it. It is asked for where anything depends on it.
    ///
    /// # Errors
    /// The index does not hold what is asked of it, in DynamoDB's words.
    pub(crate) async fn judge(&self, operation: &str, read: &IndexRead, io: Io<'_>) -> Result<Option<Index>, Error> {
        if read.shown.is_empty() && read.filtered.is_empty() {
            return Ok(None);
        }
        let table = crate::doc::text(&read.table).map_err(|error| Error::request(operation, error))?;
        for anew in [false, true] {
            let index = self.of(operation, (&table, &read.index), anew, io).await;
            let refusal = index.as_ref().and_then(|index| refusal(read, index));
            match refusal {
                None => return Ok(index),
                // The index may have been made again with more.
                Some(_) if !anew => {}
                Some(words) => return Err(Error::in_words(operation, words)),
            }
        }
        Ok(None)
    }

    /// Looks at a description that passes by.
    pub(crate) fn watch(&self, answer: &Answer, protects: impl Fn(&str) -> bool, now: Duration) {
        let Ok((Some(name), all)) = described(answer) else { return };
        if protects(&name) {
            let known = Known { all: Arc::new(all), at: now };
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name, known);
        }
    }

    /// An index, if DynamoDB says anything of it. What was said long ago, or a moment ago without the index, is asked for once
    /// more; and, with `anew`, what was said before this moment.
    pub(crate) async fn of(
        &self,
        operation: &str,
        (table, index): (&str, &str),
        anew: bool,
        io: Io<'_>,
    ) -> Option<Index> {
        let (name, now) = (table_name(table), io.clock.now());
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(Known { all, at }) = known {
            let (age, found) = (now.saturating_sub(at), all.get(index));
            if age < PAUSE || age < BELIEVED && found.is_some() && !anew {
                return found.cloned();
            }
        }
        // Nobody may be allowed to ask; then the index holds what it gives.
        let answer = describe(operation, table, io).await.ok();
        let (_, all) = answer.and_then(|answer| described(&answer).ok()).unwrap_or_default();
        let found = all.get(index).cloned();
        let known = Known { all: Arc::new(all), at: now };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), known);
        found
    }
}

/// Why DynamoDB refuses to read an index. What a filter reads and a global index lacks is absent there.
fn refusal(read: &IndexRead, index: &Index) -> Option<String> {
    let shown = index.lacks(read.shown.iter().map(String::as_str));
    (index.global && !shown.is_empty()).then(|| {
        let (index, names) = (&read.index, shown.join(", "));
        format!("One or more parameter values were invalid: Global secondary index {index} does not project [{names}]")
    })
}

/// The table in the answer to DescribeTable, and its indexes.
fn described(answer: &Answer) -> Result<(Option<String>, HashMap<String, Index>), NotJson> {
    let text = std::str::from_utf8(&answer.body).map_err(|_| crate::doc::NOT_UTF8)?;
    let body = Object::parse(text)?;
    let Some(table) = body.raw("Table").filter(|_| answer.ok()) else { return Ok((None, HashMap::new())) };
    let table = Object::parse(table)?;
    let own: Vec<_> = key_schema(&table)?.into_iter().map(|(name, _)| name).collect();
    let mut all = HashMap::new();
    for (member, global) in [("GlobalSecondaryIndexes", true), ("LocalSecondaryIndexes", false)] {
        for index in objects(&table, member)? {
            let Some(name) = index.text("IndexName")? else { continue };
            let keys = key_schema(&index)?.into_iter().map(|(name, _)| name).chain(own.iter().cloned());
            let holds = held(&index)?.map(|held| held.into_iter().chain(keys).collect());
            all.insert(name.into_owned(), Index { global, holds });
        }
    }
    let name = table.text("TableName")?.map(|name| name.into_owned());
    Ok((name, all))
}

/// What an index holds besides keys; `None` for everything.
fn held(index: &Object<'_>) -> Result<Option<Vec<String>>, NotJson> {
    let Some(projection) = index.raw("Projection").map(Object::parse).transpose()? else { return Ok(None) };
    let named = || -> Result<Vec<String>, NotJson> {
        let names = projection.raw("NonKeyAttributes").map(array).transpose()?.unwrap_or_default();
        names.into_iter().map(|name| Ok(crate::doc::text(name)?.into_owned())).collect()
    };
    Ok(match projection.text("ProjectionType")?.as_deref() {
        Some("KEYS_ONLY") => Some(Vec::new()),
        Some("INCLUDE") => Some(named()?),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_holds_its_keys_those_of_its_table_and_what_it_includes() {
        let text = r#"{"Table":{"TableName":"Posts","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"GlobalSecondaryIndexes":[
            {"IndexName":"keys","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"KEYS_ONLY"}},
            {"IndexName":"all","KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}],
            "LocalSecondaryIndexes":[{"IndexName":"some","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
            "Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["note"]}}]}}"#;
        let (name, all) = described(&Answer::new(200, text.into())).unwrap();
        assert_eq!(name.as_deref(), Some("Posts"));
        let lacks = |index: &str| all[index].lacks(["id", "g", "note", "x"]);
        assert_eq!((lacks("keys"), lacks("all"), lacks("some")), (vec!["note", "x"], vec![], vec!["g", "x"]));
        assert!(all["keys"].global && !all["some"].global);
        assert!(described(&Answer::new(400, text.into())).unwrap().1.is_empty());
    }
}
