//! `dynaseal.toml`: text to checked tables (DESIGN 4). Every fault is found at once, with its line and column.
//!
//! ```text
//!  text ── toml ──> section.rs ── keys.rs ───> key rings ──┐
//!                                 tables.rs ─> schemas ────┴─> Config ── explain.rs ──> Explanation
//!                                 gateway.rs > GatewaySection
//!                        └─────── fault.rs ──> ConfigErrors
//! ```

mod cache;
mod explain;
mod fault;
mod gateway;
mod held;
mod keys;
mod kms;
mod material;
mod names;
mod outside;
mod overlaps;
mod rings;
mod section;
mod tables;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use toml::de::DeTable;

pub use explain::{AttributeExplanation, Explanation, KeyExplanation, KmsExplanation, TableExplanation};
pub use fault::{ConfigErrors, Fault};
pub use gateway::GatewaySection;
pub use held::TableSection;
pub use kms::KmsAsked;
pub use names::is_table_name;
pub(crate) use names::{Named, is_possible, title};
pub use outside::{Machine, Outside};
pub(crate) use tables::action_word;

use crate::pattern::{Pattern, Patterns};
use crate::plan::OtherTables;
use crate::run::Engine;
use crate::table::Table;
use dynaseal_keys::{Clock, KeyStore as _, KeyStoreTable, KmsUse, Service};
use fault::{CONTRADICTION, Faults, NO_TABLES, NOTHING_PROTECTED, SYNTAX, UNREADABLE};
use keys::{Keys, Made};
use section::Section;
use tables::{Configured, What};

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    /// The protected tables, by name.
    pub tables: BTreeMap<String, Table>,
    /// What protects tables that are not named, by their names.
    pub patterns: Patterns,
    /// What becomes of calls on all other tables.
    pub other_tables: OtherTables,
    /// Whether it is meant that no table is protected.
    pub allow_no_tables: bool,
    /// What the gateway is told.
    pub gateway: GatewaySection,
    /// What is allowed but worth a second look.
    pub warnings: Vec<Fault>,
    rings: BTreeMap<String, KeyExplanation>,
    key_stores: BTreeMap<String, Arc<KeyStoreTable>>,
    kms: BTreeMap<String, (KmsUse, Option<String>)>,
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Everything that is wrong in it.
    pub fn load(path: &Path, outside: &dyn Outside) -> Result<Self, ConfigErrors> {
        let label = path.display().to_string();
        let bytes = match outside.read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let mut faults = Faults::new(&label, "");
                let message = format!("the configuration cannot be read: {error}");
                faults.error(&(0..0), UNREADABLE, message, "check the path and its permissions");
                return Err(faults.into_errors());
            }
        };
        match std::str::from_utf8(&bytes) {
            Ok(text) => {
                let mut config = Self::parse(text, &label, outside)?;
                let mut faults = Faults::new(&label, text);
                material::warn_of_writers("the configuration", path, &(0..0), outside, &mut faults);
                config.warnings.extend(faults.finish()?);
                Ok(config)
            }
            Err(error) => {
                let valid = bytes.get(..error.valid_up_to()).and_then(|bytes| std::str::from_utf8(bytes).ok());
                let valid = valid.unwrap_or_default();
                let mut faults = Faults::new(&label, valid);
                faults.error(&(valid.len()..valid.len()), SYNTAX, "the text is not UTF-8", "save the file as UTF-8");
                Err(faults.into_errors())
            }
        }
    }

    /// Whether the keys of any table, or of a key store, come from a service.
    #[must_use]
    pub fn needs(&self, service: Service) -> bool {
        self.tables.values().any(|table| table.needs(service))
            || self.patterns.iter().any(|pattern| pattern.needs(service))
            || self.key_stores.values().any(|store| store.needs(service))
    }

    /// The pattern that protects a table of this name, which no section is about.
    #[must_use]
    pub fn pattern(&self, table: &str) -> Option<&Pattern> {
        self.patterns.closest(table)
    }

    /// An engine that protects the tables.
    #[must_use]
    pub fn into_engine(self, clock: Arc<dyn Clock>) -> Engine {
        let stores: Vec<_> = self.key_stores.values().map(|store| store.table().to_owned()).collect();
        Engine::new(self.tables.into_values(), clock)
            .with_patterns(self.patterns)
            .with_closed_tables(stores)
            .with_other_tables(self.other_tables)
            .with_no_tables_allowed(self.allow_no_tables)
    }

    /// The key stores of those keys that have one, by the keys' names.
    #[must_use]
    pub fn key_stores(&self) -> &BTreeMap<String, Arc<KeyStoreTable>> {
        &self.key_stores
    }

    /// Checks the text of a configuration. `file` names it in faults; paths in it start from its folder.
    ///
    /// # Errors
    /// Everything that is wrong in it.
    pub fn parse(text: &str, file: &str, outside: &dyn Outside) -> Result<Self, ConfigErrors> {
        let mut faults = Faults::new(file, text);
        let (document, syntax) = DeTable::parse_recoverable(text);
        for error in &syntax {
            let end = text.len();
            faults.error(&error.span().unwrap_or(end..end), SYNTAX, error.message(), "correct the TOML of this line");
        }
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        let mut root = Section::new("the configuration", document.get_ref(), 0..0);
        let keys = root.section("keys", "[keys]".to_owned(), &mut faults);
        let tables = root.section("tables", "[tables]".to_owned(), &mut faults);
        let gateway = root.section("gateway", "[gateway]".to_owned(), &mut faults);
        let other_tables = root.one_of("other_tables", OTHER_TABLES, &mut faults);
        let allow_no_tables = root.flag("allow_no_tables", &mut faults).unwrap_or_default();
        root.finish(&mut faults);

        let mut keys = Keys::read(keys.as_ref(), folder, outside, &mut faults);
        let configured = tables.as_ref().map(|tables| tables::read(tables, &mut keys, &mut faults)).unwrap_or_default();
        let Made { stores: key_stores, kms } = keys.finish(&mut faults);
        for (name, _) in tables.iter().flat_map(Section::entries) {
            if let Some((key, _)) = key_stores.iter().find(|(_, store)| store.table() == name.value) {
                let message =
                    format!("{} is the key store of the key {key}, which callers do not reach", title(name.value));
                let hint = "remove the section, or name another key_store_table: nothing would be sealed there";
                faults.error(&name.span, CONTRADICTION, message, hint);
            }
        }
        let gateway = gateway.map(|section| gateway::read(section, folder, &mut faults)).unwrap_or_default();
        // One that has a fault of its own is named, too.
        if tables.as_ref().is_none_or(|tables| tables.entries().next().is_none()) {
            if allow_no_tables {
                faults.warn(&(0..0), NO_TABLES, "no table is protected", "add [tables.NAME] for each table to seal");
            } else {
                let hint = "add [tables.NAME] for each table to seal; if nothing is to be sealed, say allow_no_tables = true \
                            above all sections";
                faults.error(&(0..0), NOTHING_PROTECTED, "no table is protected", hint);
            }
        }
        faults.drop_consequences();
        let warnings = faults.finish()?;
        let (tables, patterns, rings) = (BTreeMap::new(), Patterns::default(), BTreeMap::new());
        let mut found = Vec::new();
        let other_tables = other_tables.map(|at| at.value).unwrap_or_default();
        let mut config =
            Self { tables, patterns, other_tables, allow_no_tables, gateway, warnings, rings, key_stores, kms };
        for (name, Configured { what, keys }) in configured {
            match what {
                What::Table(table) => drop(config.tables.insert(name.clone(), table)),
                What::Pattern(pattern) => found.push(pattern),
            }
            config.rings.insert(name, keys);
        }
        config.patterns.extend(found);
        Ok(config)
    }
}

const OTHER_TABLES: &[(&str, OtherTables)] = &[("pass", OtherTables::Pass), ("refuse", OtherTables::Refuse)];

#[cfg(test)]
mod tests;
