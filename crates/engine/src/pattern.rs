//! Tables configured by a pattern, such as `[tables."*"]`: everything but the name and the keys, which each table brings.

use dynaseal_item::{Action, SchemaSpec, Suite};
use dynaseal_keys::{CacheReadings, Provider, Service};

use crate::table::{Plaintext, Table};

/// What tables have in common whose names match a pattern.
#[derive(Debug)]
pub struct Pattern {
    pattern: String,
    spec: SchemaSpec,
    provider: Provider,
    plaintext: Plaintext,
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
        Self { pattern, spec, provider, plaintext }
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

    /// How much of a name the pattern fixes; of several that match, the closest counts.
    pub(crate) fn closeness(&self) -> usize {
        self.pattern.chars().filter(|one| *one != '*').count()
    }

    /// The action of an attribute that the pattern lists.
    fn listed(&self, attribute: &str) -> Option<Action> {
        self.spec.actions.iter().find(|(name, _)| name == attribute).map(|(_, action)| *action)
    }

    /// The table of a name, with its keys signed only.
    ///
    /// # Errors
    /// The pattern gives a key an action that a key cannot have; in words.
    pub fn table(&self, name: &str, keys: &TableKeys) -> Result<Table, String> {
        let mut spec = SchemaSpec {
            logical_name: name.to_owned(),
            partition_key: keys.partition_key.clone(),
            sort_key: keys.sort_key.clone(),
            ..self.spec.clone()
        };
        if let Some(key) = keys.index_keys.iter().find(|key| self.listed(key) == Some(Action::EncryptAndSign)) {
            return Err(format!("\"{key}\" is the key of an index, but the pattern {} encrypts it", self.pattern));
        }
        spec.list_keys();
        for key in &keys.index_keys {
            let unsigned = spec.unsigned.contains(key)
                || spec.unsigned_prefix.as_ref().is_some_and(|prefix| key.starts_with(prefix.as_str()));
            if !unsigned && !spec.actions.iter().any(|(name, _)| name == key) {
                spec.actions.push((key.clone(), Action::SignOnly));
            }
        }
        match spec.build() {
            Ok(schema) => Ok(Table::new(name.to_owned(), schema, self.provider.clone(), self.plaintext)),
            Err(faults) => {
                let faults: Vec<_> = faults.into_iter().map(|fault| fault.message).collect();
                Err(format!("the pattern {} does not fit it: {}", self.pattern, faults.join("; ")))
            }
        }
    }
}

fn is_match(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(first) else { return false };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut name) = name.strip_suffix(last) else { return false };
    // The leftmost place for each part leaves the most room for the next.
    middle.split('*').all(|part| match name.split_once(part) {
        Some((_, rest)) => {
            name = rest;
            true
        }
        None => false,
    })
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

    #[test]
    fn keys_are_signed_only_and_all_else_as_the_pattern_says() {
        let keys = TableKeys {
            partition_key: "id".into(),
            sort_key: Some("at".into()),
            index_keys: vec!["mail".into(), "views".into(), "id".into()],
        };
        let table = pattern("*", &[]).table("Users", &keys).unwrap();
        let schema = table.schema();
        assert_eq!((schema.logical_name(), schema.partition_key(), schema.sort_key()), ("Users", "id", Some("at")));
        let action = |name| schema.action(name).unwrap();
        assert_eq!(["id", "at", "mail"].map(action), [Action::SignOnly; 3]);
        assert_eq!((action("views"), action("note")), (Action::DoNothing, Action::EncryptAndSign));
    }

    #[test]
    fn a_key_that_the_pattern_encrypts_is_refused_by_name() {
        let pattern = pattern("*", &[("mail", Action::EncryptAndSign)]);
        let keys = TableKeys { partition_key: "mail".into(), ..TableKeys::default() };
        assert!(pattern.table("Users", &keys).unwrap_err().contains("\"mail\""));
        let keys = TableKeys { partition_key: "id".into(), index_keys: vec!["mail".into()], ..TableKeys::default() };
        assert!(pattern.table("Users", &keys).unwrap_err().contains("\"mail\" is the key of an index"));
    }
}
