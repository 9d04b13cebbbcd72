//! Which section of a configuration holds for a table.

use serde::Serialize;

use super::names::title;
use super::{Config, explain};
use crate::config::TableExplanation;

/// What a configuration says of one table.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct TableSection {
    /// The table's name.
    pub table: String,
    /// The section that holds for it, as the configuration writes it; `None` if no section does.
    pub section: Option<String>,
    /// Other sections whose pattern matches it, the closest first.
    pub others: Vec<String>,
    /// The key whose key store the table is, which callers do not reach.
    pub key_store_of: Option<String>,
    /// What the section does.
    pub protection: Option<TableExplanation>,
    /// What becomes of calls on tables for which no section holds: `pass` or `refuse`.
    pub other_tables: &'static str,
}

impl Config {
    /// The section that holds for a table: that of its name, or the closest pattern.
    #[must_use]
    pub fn section(&self, table: &str) -> TableSection {
        let mut sections: Vec<&str> =
            self.tables.get_key_value(table).map(|(name, _)| name.as_str()).into_iter().collect();
        sections.extend(self.patterns.matching(table).map(crate::Pattern::text));
        let key_store_of =
            self.key_stores().iter().find(|(_, store)| store.table() == table).map(|(key, _)| key.clone());
        if key_store_of.is_some() {
            sections.clear();
        }
        let holds = sections.first().copied();
        let protection = holds.and_then(|name| {
            let keys = self.rings.get(name)?;
            match self.tables.get(name) {
                Some(own) => Some(explain::explain_table(own, keys)),
                None => explain::of_pattern(self.patterns.closest(table)?, keys),
            }
        });
        let others = sections.iter().skip(1).map(|name| title(name)).collect();
        let (table, other_tables) = (table.to_owned(), self.other_tables.word());
        TableSection { table, section: holds.map(title), others, key_store_of, protection, other_tables }
    }
}
