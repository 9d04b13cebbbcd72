//! The tables as one call sees them, and what it finds that nobody knows yet.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::pattern::Pattern;
use crate::plan::table_name;
use crate::table::Table;

use super::{BELIEVED, Directory, Learned};

/// The tables as one call sees them.
pub(crate) struct Tables<'d> {
    directory: &'d Directory,
    learned: Arc<HashMap<String, Learned>>,
    now: Duration,
    /// Whether something stands for tables that were not asked for, so that a request can be looked at.
    stands_in: bool,
    /// Tables of a pattern that are not there, where a call can go on without them.
    missing: BTreeSet<String>,
    /// Tables of a pattern that must be asked for: the name, and the name or ARN that the request has.
    unknown: Mutex<BTreeMap<String, String>>,
    /// Tables of a pattern whose keys were known, in the same way.
    met: Mutex<BTreeMap<String, String>>,
}

impl<'d> Tables<'d> {
    pub(super) fn of(directory: &'d Directory, learned: Arc<HashMap<String, Learned>>, now: Duration) -> Self {
        let missing = BTreeSet::new();
        Self { directory, learned, now, stands_in: false, missing, unknown: Mutex::default(), met: Mutex::default() }
    }

    /// The same with stand-ins for tables of a pattern whose keys are not known.
    pub(super) fn standing_in(self) -> Self {
        Self { stands_in: true, ..self }
    }

    /// What was learned of a table, however long ago.
    pub(super) fn described(&self, name: &str) -> Option<&Learned> {
        self.learned.get(name)
    }

    /// The protected table of a name or ARN. One of a pattern whose keys are not known yet is noted, and must be asked
    /// for before the plan is worth anything.
    pub(crate) fn table(&self, name_or_arn: &str) -> Option<&Table> {
        let name = table_name(name_or_arn);
        if let Some(table) = self.directory.tables.get(name) {
            return Some(table);
        }
        let pattern = self.directory.pattern(name)?;
        let known = self.learned(name);
        if known.is_none() && self.stands_in {
            return pattern.stand_in();
        }
        let list = if known.is_some() { &self.met } else { &self.unknown };
        // The ARN of a stream or an index goes on behind that of its table.
        let table = match name_or_arn.split_once(":table/") {
            Some((before, _)) => format!("{before}:table/{name}"),
            None => name.to_owned(),
        };
        list.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), table);
        known
    }

    /// The same where these are known not to be there. They are protected all the same: nothing may be sent that is about one.
    pub(crate) fn without(self, missing: BTreeSet<String>) -> Self {
        Self { missing, ..self }
    }

    /// Whether the table is known not to be there.
    pub(crate) fn is_missing(&self, name_or_arn: &str) -> bool {
        self.missing.contains(table_name(name_or_arn))
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

    /// The tables of a pattern that a plan knew.
    pub(crate) fn met(&self) -> BTreeMap<String, String> {
        std::mem::take(&mut *self.met.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn learned(&self, name: &str) -> Option<&Table> {
        let known = self.learned.get(name)?;
        (self.now.saturating_sub(known.at) < BELIEVED).then(|| known.table.as_ref())
    }
}
