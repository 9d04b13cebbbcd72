//! Which tables are protected. Most are configured by name; those of a pattern bring their keys, which are learned from
//! DynamoDB: from the answers to CreateTable, UpdateTable and DescribeTable that pass by, or by asking.
//!
//! What is learned says which attributes are keys, and nothing else: the configuration alone says what is stored readable.
//! A key that it hides makes calls fail, so that an answer that lies can deny service and cannot open anything.
//!
//! A plan that meets a table nobody has described yet notes its name; the driver then asks, and plans again. So it does
//! once if a call fails and the keys may be those of a table that is gone.

mod asking;
mod described;
mod indexes;
mod tables;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use dynaseal_item::json;
use dynaseal_keys::{Answer, CacheReadings, Call, Io, Service};

use crate::answers;
use crate::doc::{Node, NotJson, Object};
use crate::error::Error;
use crate::nearest::did_you_mean;
use crate::pattern::{Misfit, Pattern, Patterns, TableKeys};
use crate::plan::closed::Closed;
use crate::plan::{OtherTables, table_name};
use crate::table::Table;

use asking::Asking;
use described::Described;
pub(crate) use described::{Description, described, keys_of};
pub(crate) use indexes::Indexes;
pub(crate) use tables::Tables;

/// The configured tables and patterns, and what was learned.
pub(crate) struct Directory {
    tables: HashMap<String, Table>,
    patterns: Patterns,
    closed: Closed,
    others: OtherTables,
    learned: RwLock<Arc<HashMap<String, Learned>>>,
    asking: Asking,
    indexes: Indexes,
}

/// A table as it was described.
#[derive(Clone)]
struct Learned {
    keys: TableKeys,
    table: Arc<Table>,
    at: Duration,
    /// When a call failed and DynamoDB still described the same keys.
    doubted: Option<Duration>,
}

/// How long a description is believed: someone else may delete a table and create it with other keys, or add an index.
const BELIEVED: Duration = Duration::from_secs(300);
/// How long a table whose keys were doubted in vain is not asked for again, whatever fails.
const PAUSE: Duration = Duration::from_secs(10);
/// Calls whose answers describe a table.
const DESCRIBING: [&str; 4] = ["CreateTable", "UpdateTable", "DescribeTable", "DeleteTable"];

impl Directory {
    pub(crate) fn new(tables: impl IntoIterator<Item = Table>) -> Self {
        Self {
            tables: tables.into_iter().map(|table| (table.name().to_owned(), table)).collect(),
            patterns: Patterns::default(),
            closed: Closed::default(),
            others: OtherTables::default(),
            learned: RwLock::default(),
            asking: Asking::default(),
            indexes: Indexes::default(),
        }
    }

    /// Adds patterns for tables that are not configured by name.
    pub(crate) fn add_patterns(&mut self, patterns: impl IntoIterator<Item = Pattern>) {
        self.patterns.extend(patterns);
    }

    /// Takes tables away from callers.
    pub(crate) fn close(&mut self, names: impl IntoIterator<Item = String>) {
        self.closed.add(names);
    }

    /// The tables that callers do not reach.
    pub(crate) fn closed(&self) -> &Closed {
        &self.closed
    }

    /// What is known of the indexes of tables.
    pub(crate) fn indexes(&self) -> &Indexes {
        &self.indexes
    }

    pub(crate) fn set_others(&mut self, others: OtherTables) {
        self.others = others;
    }

    /// What becomes of calls on tables that are not protected.
    pub(crate) fn others(&self) -> OtherTables {
        self.others
    }

    /// Whether a name or ARN is that of a protected table.
    pub(crate) fn protects(&self, name_or_arn: &str) -> bool {
        let name = table_name(name_or_arn);
        self.tables.contains_key(name) || self.pattern(name).is_some()
    }

    /// The names that are configured, patterns included.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tables.keys().map(String::as_str).chain(self.patterns.iter().map(Pattern::text))
    }

    /// The name or pattern that somebody may have meant who wrote another name, as it ends a sentence.
    pub(crate) fn suggestion(&self, name: &str) -> String {
        did_you_mean(name, self.names().collect::<Vec<_>>().into_iter())
    }

    /// The tables that are configured by name.
    pub(crate) fn named(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }

    /// The name or pattern of a table that a text could be about, if any: it could be about those of every pattern.
    pub(crate) fn could_be_named(&self, names: impl Fn(&str) -> bool) -> Option<&str> {
        let named = self.named().map(Table::name).find(|name| names(name));
        named.or_else(|| self.patterns.iter().next().map(Pattern::text))
    }

    /// The name or pattern that protects a table whose name differs from this one in capital letters alone. Two tables of
    /// one name in other letters are rarer than a name that was mistyped.
    pub(crate) fn in_other_case(&self, name: &str) -> Option<&str> {
        if self.tables.contains_key(name) || self.pattern(name).is_some() {
            return None;
        }
        let named = self.tables.keys().find(|other| other.eq_ignore_ascii_case(name)).map(String::as_str);
        named.or_else(|| self.pattern_in_any_case(name).map(Pattern::text))
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

    pub(crate) fn patterns(&self) -> &Patterns {
        &self.patterns
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
        Tables::of(self, self.learned.read().unwrap_or_else(PoisonError::into_inner).clone(), now)
    }

    /// The same with stand-ins for tables of a pattern whose keys are not known.
    pub(crate) fn with_stand_ins(&self, now: Duration) -> Tables<'_> {
        self.at(now).standing_in()
    }

    /// The pattern of a table that is not configured by name.
    pub(crate) fn pattern(&self, name: &str) -> Option<&Pattern> {
        if self.tables.contains_key(name) {
            return None;
        }
        self.patterns.closest(name)
    }

    /// A pattern that a word matches, whatever letters of it are capital ones.
    pub(crate) fn pattern_in_any_case(&self, word: &str) -> Option<&Pattern> {
        self.patterns.iter().find(|pattern| pattern.matches_in_any_case(word))
    }

    /// Asks DynamoDB for the keys of tables, unless someone else just did. Gives DynamoDB's refusal, if it refuses, and the table
    /// that it is about.
    pub(crate) async fn learn(
        &self,
        operation: &str,
        unknown: BTreeMap<String, String>,
        io: Io<'_>,
    ) -> Result<Option<(String, Answer)>, Error> {
        for (name, named) in unknown {
            let _asking = self.asking.about(&name).await;
            if self.at(io.clock.now()).learned(&name).is_some() {
                continue;
            }
            if let Some(refusal) = answers::of_name(&named) {
                return Ok(Some((name, refusal)));
            }
            let answer = describe(operation, &named, io).await?;
            if !answer.ok() {
                return Ok(Some((name, answers::of_description(operation, answer))));
            }
            self.remember(operation, &name, &described(&answer), io.clock.now())?;
        }
        Ok(None)
    }

    /// Asks DynamoDB once more for tables whose keys are known, unless that was in vain a moment ago. Gives whether any has
    /// other keys now; where DynamoDB does not answer, what is known stays known.
    pub(crate) async fn ask_again(
        &self,
        operation: &str,
        met: BTreeMap<String, String>,
        io: Io<'_>,
    ) -> Result<bool, Error> {
        let mut changed = false;
        for (name, named) in met {
            let _asking = self.asking.about(&name).await;
            let now = io.clock.now();
            let known = self.at(now).described(&name).cloned();
            // Someone else may have found other keys while this call waited.
            let Some(known) = known else {
                changed = true;
                continue;
            };
            if known.doubted.is_some_and(|at| now.saturating_sub(at) < PAUSE) {
                continue;
            }
            let Ok(answer) = describe(operation, &named, io).await else { continue };
            if answer.ok() {
                match self.remember(operation, &name, &described(&answer), now) {
                    // What says nothing changes nothing, the call's own failure least of all.
                    Err(Error::Answer { .. }) => continue,
                    remembered => remembered?,
                }
            }
            let mut learned = self.learned.write().unwrap_or_else(PoisonError::into_inner);
            match Arc::make_mut(&mut learned).get_mut(&name) {
                Some(learned) if learned.keys == known.keys => learned.doubted = Some(now),
                _ => changed = true,
            }
        }
        Ok(changed)
    }

    /// The table that a call's answer will describe, if it is one of a pattern.
    pub(crate) fn describes(&self, call: &Call) -> Option<String> {
        if self.patterns.is_empty() || call.service != Service::DynamoDb || !DESCRIBING.contains(&&*call.operation) {
            return None;
        }
        let body = Object::parse(std::str::from_utf8(&call.body).ok()?).ok()?;
        let name = body.text("TableName").ok()??;
        let name = table_name(&name);
        self.pattern(name).map(|_| name.to_owned())
    }

    /// Looks at what passes by: the answers to calls that make, change and describe tables, of which `of_pattern` is one of a
    /// pattern. What cannot be learned from them is asked for when an item is read or written, and refused then.
    pub(crate) fn watch(&self, operation: &str, of_pattern: Option<&str>, answer: &Answer, now: Duration) {
        let description = described(answer);
        if let Some(name) = of_pattern
            && (answer.ok() && self.remember(operation, name, &description, now).is_err() || operation == "DeleteTable")
        {
            self.forget(name);
        }
        if operation == "DescribeTable"
            && let Ok(Some(description)) = description
            && self.protects(&description.name)
        {
            self.indexes.watch(description, now);
        }
    }

    /// Remembers the table of a pattern that an answer describes. An answer about another table says nothing of any.
    fn remember(&self, operation: &str, name: &str, description: &Described, now: Duration) -> Result<(), Error> {
        let bad = |reason: &str| Error::answer(operation, reason);
        let description = description.as_ref().map_err(|NotJson(reason)| bad(reason))?;
        let keys = description.as_ref().filter(|other| other.name == name).map(|other| other.keys.clone());
        let (Some(keys), Some(pattern)) = (keys, self.pattern(name)) else {
            return Err(bad("DescribeTable does not describe the table"));
        };
        let known = self.at(now).described(name).filter(|known| known.keys == keys).cloned();
        let (table, doubted) = match known {
            Some(known) => (known.table, known.doubted),
            None => match fitted(operation, pattern, name, &keys) {
                Ok(table) => (Arc::new(table), None),
                Err(error) => {
                    self.forget(name);
                    return Err(error);
                }
            },
        };
        let mut learned = self.learned.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut learned).insert(name.to_owned(), Learned { keys, table, at: now, doubted });
        Ok(())
    }

    fn forget(&self, name: &str) {
        let mut learned = self.learned.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut learned).remove(name);
    }
}

/// Asks DynamoDB what a table is.
pub(crate) async fn describe(operation: &str, named: &str, io: Io<'_>) -> Result<Answer, Error> {
    let (mut body, mut text) = (Object::default(), Vec::new());
    json::write_text(named, &mut text);
    body.set("TableName", Node::Printed(text));
    let call = Call::new(Service::DynamoDb, "DescribeTable", body.print(&[], 64)).aside();
    io.wire.send(call).await.map_err(|source| Error::Wire { operation: operation.to_owned(), source })
}

/// The table of a pattern, if its keys allow what the pattern says.
pub(crate) fn fitted(operation: &str, pattern: &Pattern, name: &str, keys: &TableKeys) -> Result<Table, Error> {
    let (operation, table) = (operation.to_owned(), name.to_owned());
    pattern.table(name, keys).map_err(|misfit| match misfit {
        Misfit::Key { attribute, role } => Error::HiddenKey { operation, table, attribute, role },
        Misfit::Schema(what) => {
            let instead = "give the table a section [tables.NAME] of its own, or change the pattern";
            Error::Refused { operation, table, what, instead }
        }
    })
}
