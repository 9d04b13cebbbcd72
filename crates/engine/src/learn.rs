//! Which tables are protected. Most are configured by name; those of a pattern bring their keys, which are learned from
//! DynamoDB: from the answers to CreateTable, UpdateTable and DescribeTable that pass by, or by asking.
//!
//! A plan that meets a table nobody has described yet notes its name; the driver then asks, and plans again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use dynaseal_item::json;
use dynaseal_keys::{Answer, CacheReadings, Call, Io, Service};

use crate::answers;
use crate::doc::{Node, NotJson, Object, array};
use crate::error::Error;
use crate::pattern::{Pattern, TableKeys};
use crate::plan::closed::Closed;
use crate::plan::table_name;
use crate::table::Table;

/// The configured tables and patterns, and what was learned.
pub(crate) struct Directory {
    tables: HashMap<String, Table>,
    patterns: Vec<Pattern>,
    closed: Closed,
    learned: RwLock<Arc<HashMap<String, Learned>>>,
    /// Held while DynamoDB is asked, so that many callers ask once.
    asking: async_lock::Mutex<()>,
}

/// A table as it was described.
#[derive(Clone)]
struct Learned {
    keys: TableKeys,
    table: Arc<Table>,
    at: Duration,
}

/// The tables as one call sees them.
pub(crate) struct Tables<'d> {
    directory: &'d Directory,
    learned: Arc<HashMap<String, Learned>>,
    now: Duration,
    /// Tables of a pattern that must be asked for: the name, and the name or ARN that the request has.
    unknown: Mutex<BTreeMap<String, String>>,
}

/// How long a description is believed: someone else may delete a table and create it with other keys, or add an index.
const BELIEVED: Duration = Duration::from_secs(300);

impl Directory {
    pub(crate) fn new(tables: impl IntoIterator<Item = Table>) -> Self {
        Self {
            tables: tables.into_iter().map(|table| (table.name().to_owned(), table)).collect(),
            patterns: Vec::new(),
            closed: Closed::default(),
            learned: RwLock::default(),
            asking: async_lock::Mutex::new(()),
        }
    }

    /// Adds patterns for tables that are not configured by name.
    pub(crate) fn add_patterns(&mut self, patterns: impl IntoIterator<Item = Pattern>) {
        self.patterns.extend(patterns);
        // The closest first; two that are equally close, by their text.
        self.patterns.sort_by(|one, two| two.closeness().cmp(&one.closeness()).then(one.text().cmp(two.text())));
    }

    /// Takes tables away from callers.
    pub(crate) fn close(&mut self, names: impl IntoIterator<Item = String>) {
        self.closed.add(names);
    }

    /// The tables that callers do not reach.
    pub(crate) fn closed(&self) -> &Closed {
        &self.closed
    }

    /// The names that are configured, patterns included.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str).chain(self.patterns.iter().map(Pattern::text))
    }

    /// The tables that are configured by name.
    pub(crate) fn named(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }

    /// The name or pattern of a table that a text could be about, if any: it could be about those of every pattern.
    pub(crate) fn could_be_named(&self, names: impl Fn(&str) -> bool) -> Option<&str> {
        let named = self.named().map(Table::name).find(|name| names(name));
        named.or_else(|| self.patterns.first().map(Pattern::text))
    }

    /// The name or pattern that protects a table whose name differs from this one in capital letters alone. Two tables of
    /// one name in other letters are rarer than a name that was mistyped.
    pub(crate) fn in_other_case(&self, name: &str) -> Option<&str> {
        if self.tables.contains_key(name) || self.pattern(name).is_some() {
            return None;
        }
        let named = self.tables.keys().find(|other| other.eq_ignore_ascii_case(name)).map(String::as_str);
        let matches = |pattern: &&Pattern| pattern.matches_in_any_case(name);
        named.or_else(|| self.patterns.iter().find(matches).map(Pattern::text))
    }

    /// Whether keys of any table come from a service.
    pub(crate) fn needs(&self, service: Service) -> bool {
        self.named().any(|table| table.needs(service)) || self.patterns.iter().any(|pattern| pattern.needs(service))
    }

    /// What the caches of all key rings have done; tables that share a key ring share its caches.
    pub(crate) fn caches(&self) -> CacheReadings {
        let named = self.named().flat_map(Table::caches);
        named.chain(self.patterns.iter().flat_map(Pattern::caches)).collect()
    }

    /// Whether no table is protected, so that every call passes through.
    pub(crate) fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.patterns.is_empty()
    }

    /// The table of a name or ARN, if it is configured by name.
    pub(crate) fn named_table(&self, name_or_arn: &str) -> Option<&Table> {
        self.tables.get(table_name(name_or_arn))
    }

    /// What is known at a time.
    pub(crate) fn at(&self, now: Duration) -> Tables<'_> {
        let learned = self.learned.read().unwrap_or_else(PoisonError::into_inner).clone();
        Tables { directory: self, learned, now, unknown: Mutex::default() }
    }

    /// The pattern of a table that is not configured by name.
    fn pattern(&self, name: &str) -> Option<&Pattern> {
        if self.tables.contains_key(name) {
            return None;
        }
        self.patterns.iter().find(|pattern| pattern.matches(name))
    }

    /// A pattern that a word matches, whatever letters of it are capital ones.
    pub(crate) fn pattern_in_any_case(&self, word: &str) -> Option<&Pattern> {
        self.patterns.iter().find(|pattern| pattern.matches_in_any_case(word))
    }

    /// Asks DynamoDB for the keys of tables, unless someone else just did. Gives DynamoDB's refusal, if it refuses.
    pub(crate) async fn learn(
        &self,
        operation: &str,
        unknown: BTreeMap<String, String>,
        io: Io<'_>,
    ) -> Result<Option<Answer>, Error> {
        let _asking = self.asking.lock().await;
        for (name, named) in unknown {
            if self.at(io.clock.now()).learned(&name).is_some() {
                continue;
            }
            let mut body = Object::default();
            if let Some(refusal) = answers::of_name(&named) {
                return Ok(Some(refusal));
            }
            let mut table_name = Vec::new();
            json::write_text(&named, &mut table_name);
            body.set("TableName", Node::Printed(table_name));
            let call = Call::new(Service::DynamoDb, "DescribeTable", body.print(&[], 64)).aside();
            let failed = |source| Error::Wire { operation: operation.to_owned(), source };
            let answer = io.wire.send(call).await.map_err(failed)?;
            if !answer.ok() {
                return Ok(Some(answers::of_description(operation, answer)));
            }
            if self.remember(operation, &answer, io.clock.now())?.as_ref() != Some(&name) {
                let reason = "DescribeTable does not describe the table".to_owned();
                return Err(Error::Answer { operation: operation.to_owned(), reason });
            }
        }
        Ok(None)
    }

    /// Looks at what passes by: the answers to calls that make, change and describe tables. What cannot be learned from
    /// them is asked for when an item is read or written, and refused then.
    pub(crate) fn watch(&self, operation: &str, answer: &Answer, now: Duration) {
        const DESCRIBING: [&str; 4] = ["CreateTable", "UpdateTable", "DescribeTable", "DeleteTable"];
        if !self.patterns.is_empty() && answer.ok() && DESCRIBING.contains(&operation) {
            let _ = self.remember(operation, answer, now);
        }
    }

    /// Remembers the table that an answer describes, if it is one of a pattern; gives its name.
    fn remember(&self, operation: &str, answer: &Answer, now: Duration) -> Result<Option<String>, Error> {
        let bad = |NotJson(reason)| Error::Answer { operation: operation.to_owned(), reason: reason.to_owned() };
        let text = std::str::from_utf8(&answer.body).map_err(|_| bad(NotJson("it is not UTF-8")))?;
        let Some((name, keys)) = described(text).map_err(bad)? else { return Ok(None) };
        let Some(pattern) = self.pattern(&name) else { return Ok(None) };
        let known = self.at(now).learned.get(&name).filter(|known| known.keys == keys).map(|known| known.table.clone());
        let table = match known {
            _ if operation == "DeleteTable" => None,
            Some(table) => Some(table),
            None => Some(Arc::new(fitted(operation, pattern, &name, &keys)?)),
        };
        let mut learned = self.learned.write().unwrap_or_else(PoisonError::into_inner);
        let all = Arc::make_mut(&mut learned);
        match table {
            Some(table) => all.insert(name.clone(), Learned { keys, table, at: now }),
            None => all.remove(&name),
        };
        Ok(Some(name))
    }
}

impl<'d> Tables<'d> {
    /// The protected table of a name or ARN. One of a pattern whose keys are not known yet is noted, and must be asked
    /// for before the plan is worth anything.
    pub(crate) fn table(&self, name_or_arn: &str) -> Option<&Table> {
        let name = table_name(name_or_arn);
        if let Some(table) = self.directory.tables.get(name) {
            return Some(table);
        }
        self.directory.pattern(name)?;
        let known = self.learned(name);
        if known.is_none() {
            let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
            // The ARN of a stream or an index goes on behind that of its table.
            let table = match name_or_arn.split_once(":table/") {
                Some((before, _)) => format!("{before}:table/{name}"),
                None => name.to_owned(),
            };
            unknown.insert(name.to_owned(), table);
        }
        known
    }

    /// The table, if it is configured by name.
    pub(crate) fn named(&self, name_or_arn: &str) -> Option<&'d Table> {
        self.directory.named_table(name_or_arn)
    }

    /// The pattern of a table that is not configured by name.
    pub(crate) fn pattern(&self, name_or_arn: &str) -> Option<&'d Pattern> {
        self.directory.pattern(table_name(name_or_arn))
    }

    pub(crate) fn directory(&self) -> &'d Directory {
        self.directory
    }

    /// The tables that a plan asked for in vain.
    pub(crate) fn unknown(&self) -> BTreeMap<String, String> {
        std::mem::take(&mut *self.unknown.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn learned(&self, name: &str) -> Option<&Table> {
        let known = self.learned.get(name)?;
        (self.now.saturating_sub(known.at) < BELIEVED).then(|| known.table.as_ref())
    }
}

/// The table of a pattern, if its keys allow what the pattern says.
pub(crate) fn fitted(operation: &str, pattern: &Pattern, name: &str, keys: &TableKeys) -> Result<Table, Error> {
    pattern.table(name, keys).map_err(|what| Error::Refused {
        operation: operation.to_owned(),
        table: name.to_owned(),
        what,
        instead: "give the table a section [tables.NAME] of its own, or change the pattern",
    })
}

/// The table that an answer describes, and its keys.
fn described(text: &str) -> Result<Option<(String, TableKeys)>, NotJson> {
    let body = Object::parse(text)?;
    let Some(table) = body.raw("Table").or(body.raw("TableDescription")) else { return Ok(None) };
    let table = Object::parse(table)?;
    let Some(name) = table.text("TableName")? else { return Ok(None) };
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
        for index in table.raw(indexes).filter(|list| *list != "null").map(array).transpose()?.unwrap_or_default() {
            keys.index_keys.extend(key_schema(&Object::parse(index)?)?.into_iter().map(|(attribute, _)| attribute));
        }
    }
    keys.index_keys.sort_unstable();
    keys.index_keys.dedup();
    Ok(keys)
}

fn key_schema(object: &Object<'_>) -> Result<Vec<(String, String)>, NotJson> {
    let list = object.raw("KeySchema").filter(|list| *list != "null").map(array).transpose()?.unwrap_or_default();
    let mut keys = Vec::new();
    for entry in list {
        let entry = Object::parse(entry)?;
        let (Some(name), Some(kind)) = (entry.text("AttributeName")?, entry.text("KeyType")?) else { continue };
        keys.push((name.into_owned(), kind.into_owned()));
    }
    Ok(keys)
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
        assert!(described("{}").unwrap().is_none());
        assert!(described("[]").is_err());
    }
}
