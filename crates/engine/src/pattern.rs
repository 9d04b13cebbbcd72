//! Tables configured by a pattern, such as `[tables."*"]`: everything but the name and the keys, which each table brings.

pub(crate) mod sets;

use std::sync::OnceLock;

use dynaseal_item::{Action, SchemaSpec, Suite};
use dynaseal_keys::{CacheReadings, Provider, Service};

use crate::table::{Plaintext, Table};
use sets::is_match;

/// What tables have in common whose names match a pattern.
#[derive(Debug)]
pub struct Pattern {
    pattern: String,
    spec: SchemaSpec,
    provider: Provider,
    plaintext: Plaintext,
    stand_in: OnceLock<Option<Box<Table>>>,
}

/// The key attributes of a table, as DynamoDB describes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableKeys {
    /// The partition key.
    pub partition_key: String,
    /// The sort key.
    pub sort_key: Option<String>,
    /// The key attributes of all its indexes.
    pub index_keys: Vec<String>,
}

impl Pattern {
    /// Puts a pattern together. `spec` has neither keys nor a logical name.
    #[must_use]
    pub fn new(pattern: String, spec: SchemaSpec, provider: Provider, plaintext: Plaintext) -> Self {
        Self { pattern, spec, provider, plaintext, stand_in: OnceLock::new() }
    }

    /// The pattern as it is written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.pattern
    }

    /// The suite to write with.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.spec.suite
    }

    /// Whether the keys of its tables come from a service.
    #[must_use]
    pub fn needs(&self, service: Service) -> bool {
        self.provider.needs(service)
    }

    /// What the caches of its key ring have done.
    pub(crate) fn caches(&self) -> CacheReadings {
        self.provider.caches()
    }

    /// Whether a table's name matches: `*` stands for any text.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        is_match(&self.pattern, name)
    }

    /// The same, whatever letters are capital ones.
    pub(crate) fn matches_in_any_case(&self, name: &str) -> bool {
        is_match(&self.pattern.to_ascii_lowercase(), &name.to_ascii_lowercase())
    }

    /// Whether the pattern itself, by name or by its default action, stores an attribute readable and signs it, as a key
    /// must be.
    fn can_be_key(&self, attribute: &str) -> bool {
        let listed = self.spec.actions.iter().find(|(name, _)| name == attribute).map(|(_, action)| *action);
        listed.or(self.spec.default_action).is_some_and(is_readable)
    }

    /// Whether there is any attribute that can be the key of a table.
    pub(crate) fn has_keys(&self) -> bool {
        let listed = self.spec.actions.iter().any(|(name, _)| self.can_be_key(name));
        listed || self.spec.default_action.is_some_and(is_readable)
    }

    /// The same for the key of an index, which need not be signed.
    pub(crate) fn can_be_index_key(&self, attribute: &str) -> bool {
        let spec = &self.spec;
        let listed = |action: Action| spec.actions.iter().any(|(name, own)| name == attribute && *own == action);
        let prefixed = spec.unsigned_prefix.as_ref().is_some_and(|prefix| attribute.starts_with(prefix.as_str()));
        self.can_be_key(attribute)
            || prefixed
            || listed(Action::DoNothing)
            || spec.unsigned.iter().any(|name| name == attribute)
    }

    /// The table of a name. Its keys say nothing of what is stored readable: the pattern does, and a key that it does not
    /// store readable is refused. If it is that of an index alone, only items that have the attribute are.
    ///
    /// # Errors
    /// The table's own keys do not fit the pattern.
    pub fn table(&self, name: &str, keys: &TableKeys) -> Result<Table, Misfit> {
        let own = [("the partition key", Some(&keys.partition_key)), ("the sort key", keys.sort_key.as_ref())];
        for (role, key) in own {
            if let Some(attribute) = key.filter(|key| !self.can_be_key(key)) {
                return Err(Misfit::Key { attribute: attribute.clone(), role });
            }
        }
        let hidden = keys.index_keys.iter().filter(|key| !self.can_be_index_key(key)).cloned();
        Ok(self.fitted(name, keys)?.with_hidden_index_keys(hidden))
    }

    /// What stands for a table whose keys are not known, while a request is looked at.
    pub(crate) fn stand_in(&self) -> Option<&Table> {
        let any = || TableKeys { partition_key: ANY_KEY.to_owned(), ..TableKeys::default() };
        self.stand_in.get_or_init(|| self.fitted(&self.pattern, &any()).ok().map(Box::new)).as_deref()
    }

    /// The table of a name, whatever its keys are.
    pub(crate) fn fitted(&self, name: &str, keys: &TableKeys) -> Result<Table, Misfit> {
        let mut spec = SchemaSpec {
            logical_name: name.to_owned(),
            partition_key: keys.partition_key.clone(),
            sort_key: keys.sort_key.clone(),
            ..self.spec.clone()
        };
        // Which attributes are keys differs from table to table, and a key is bound into the context if anything is.
        let is_key = |name: &String| *name == keys.partition_key || Some(name) == keys.sort_key.as_ref();
        spec.actions.retain(|(name, action)| *action != Action::SignOnly || !is_key(name));
        spec.list_keys();
        match spec.build() {
            Ok(schema) => Ok(Table::new(name.to_owned(), schema, self.provider.clone(), self.plaintext)),
            Err(faults) => {
                let faults: Vec<_> = faults.into_iter().map(|fault| fault.message).collect();
                Err(Misfit::Schema(format!("the pattern {} does not fit it: {}", self.pattern, faults.join("; "))))
            }
        }
    }
}

/// All patterns of a configuration, the closest first: of several that match a name the first one holds.
#[derive(Debug, Default)]
pub struct Patterns(Vec<Pattern>);

impl Patterns {
    /// The pattern that holds for a table of this name, which no section names.
    #[must_use]
    pub fn closest(&self, table: &str) -> Option<&Pattern> {
        self.0.iter().find(|pattern| pattern.matches(table))
    }

    /// All that match it, the one that holds first.
    pub fn matching<'p>(&'p self, table: &'p str) -> impl Iterator<Item = &'p Pattern> {
        self.0.iter().filter(move |pattern| pattern.matches(table))
    }

    /// Every pattern, the closest first.
    pub fn iter(&self) -> std::slice::Iter<'_, Pattern> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Extend<Pattern> for Patterns {
    fn extend<I: IntoIterator<Item = Pattern>>(&mut self, more: I) {
        self.0.extend(more);
        self.0.sort_by(|one, other| sets::closest_first(one.text(), other.text()));
    }
}

impl IntoIterator for Patterns {
    type Item = Pattern;
    type IntoIter = std::vec::IntoIter<Pattern>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'p> IntoIterator for &'p Patterns {
    type Item = &'p Pattern;
    type IntoIter = std::slice::Iter<'p, Pattern>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Stands for the key of a table that is not known yet; DynamoDB allows no such name.
pub(crate) const ANY_KEY: &str = "\0";

/// Whether an attribute with this action is stored readable and signed.
fn is_readable(action: Action) -> bool {
    matches!(action, Action::SignOnly | Action::SignAndIncludeInEncryptionContext)
}

/// Why a table cannot be one of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misfit {
    /// A key of the table is not stored readable by the pattern.
    Key {
        /// The attribute.
        attribute: String,
        /// Which key it is, in words.
        role: &'static str,
    },
    /// The pattern gives a key an action that a key cannot have; in words.
    Schema(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use dynaseal_keys::RawAes;

    fn pattern(text: &str, actions: &[(&str, Action)]) -> Pattern {
        let ring = RawAes::new("test", "test key", &[7; 32]).unwrap();
        let spec = SchemaSpec {
            actions: actions.iter().map(|(name, action)| ((*name).to_owned(), *action)).collect(),
            default_action: Some(Action::EncryptAndSign),
            unsigned: vec!["views".to_owned()],
            ..SchemaSpec::default()
        };
        Pattern::new(text.to_owned(), spec, Provider::new(std::sync::Arc::new(ring)), Plaintext::Forbid)
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (text, name, expected) in [
            ("*", "Users", true),
            ("*", "", true),
            ("prod-*", "prod-Users", true),
            ("prod-*", "test-Users", false),
            ("*-Users", "prod-Users", true),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXcYb", false),
            ("a*bb*c", "abc", false),
            ("*Users*", "prod-Users-2", true),
            ("**", "x", true),
            ("Users", "Users", true),
            ("Users", "User", false),
        ] {
            assert_eq!(pattern(text, &[]).matches(name), expected, "{text} {name}");
        }
    }

    fn keys(own: [Option<&str>; 2], index_keys: &[&str]) -> TableKeys {
        let [partition_key, sort_key] = own.map(|key| key.map(str::to_owned));
        let index_keys = index_keys.iter().map(|key| (*key).to_owned()).collect();
        TableKeys { partition_key: partition_key.unwrap_or_default(), sort_key, index_keys }
    }

    #[test]
    fn what_a_table_says_of_its_keys_changes_no_action() {
        let pattern = pattern("*", &[("id", Action::SignOnly), ("at", Action::SignOnly), ("mail", Action::SignOnly)]);
        let known = keys([Some("id"), Some("at")], &["mail", "views", "id", "ssn"]);
        let table = pattern.table("Users", &known).unwrap();
        let schema = table.schema();
        assert_eq!((schema.logical_name(), schema.partition_key(), schema.sort_key()), ("Users", "id", Some("at")));
        let action = |name| schema.action(name).unwrap();
        assert_eq!(["id", "at", "mail"].map(action), [Action::SignOnly; 3]);
        assert_eq!((action("views"), action("ssn")), (Action::DoNothing, Action::EncryptAndSign));
        assert_eq!(table.hidden_index_keys().collect::<Vec<_>>(), ["ssn"]);
    }

    #[test]
    fn a_key_that_the_pattern_does_not_store_readable_is_refused() {
        let listed = pattern("*", &[("id", Action::SignOnly), ("mail", Action::EncryptAndSign)]);
        for (own, attribute, role) in [
            ([Some("mail"), None], "mail", "the partition key"),
            ([Some("ssn"), None], "ssn", "the partition key"),
            ([Some("id"), Some("ssn")], "ssn", "the sort key"),
            // What is not signed is no key either.
            ([Some("id"), Some("views")], "views", "the sort key"),
            ([Some(""), None], "", "the partition key"),
        ] {
            let misfit = Misfit::Key { attribute: attribute.to_owned(), role };
            assert_eq!(listed.table("Users", &keys(own, &[])).unwrap_err(), misfit);
        }
    }

    #[test]
    fn a_listed_key_is_bound_where_anything_is() {
        let bound = Action::SignAndIncludeInEncryptionContext;
        let pattern = pattern("*", &[("id", Action::SignOnly), ("pk", Action::SignOnly), ("tenant", bound)]);
        let table = pattern.table("Users", &keys([Some("id"), None], &[])).unwrap();
        let action = |name| table.schema().action(name).unwrap();
        assert_eq!((action("id"), action("pk"), action("tenant")), (bound, Action::SignOnly, bound));
    }
}
