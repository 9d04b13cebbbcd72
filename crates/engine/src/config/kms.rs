//! What a configuration asks of AWS KMS, for questions about permissions.

use std::sync::Arc;

use dynaseal_item::Context;
use dynaseal_keys::{KeyStoreTable, KmsUse};

use super::Config;

/// What one key of the configuration asks of AWS KMS.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KmsAsked<'c> {
    /// The key's name in the configuration.
    pub name: &'c str,
    /// Which keys of KMS, and what for.
    pub used: &'c KmsUse,
    /// Its key store, if it has one.
    pub store: Option<&'c Arc<KeyStoreTable>>,
    /// The one branch key that it takes from there; without one, items name theirs.
    pub branch_key_id: Option<&'c str>,
    /// What is known of the encryption context of its items, table by table; nothing of that of a pattern's tables.
    pub contexts: Vec<Context>,
}

impl Config {
    /// What each key asks of AWS KMS, by the keys' names.
    pub fn kms(&self) -> impl Iterator<Item = KmsAsked<'_>> {
        self.kms.iter().map(|(name, (used, branch_key_id))| KmsAsked {
            name,
            used,
            store: self.key_stores.get(name),
            branch_key_id: branch_key_id.as_deref(),
            contexts: self.contexts_of(name),
        })
    }

    fn contexts_of(&self, key: &str) -> Vec<Context> {
        let uses = |table: &str| self.rings.get(table).is_some_and(|ring| ring.has(key));
        let tables = self.tables.iter().filter(|(name, _)| uses(name));
        let mut contexts: Vec<_> = tables.map(|(_, table)| table.schema().shared_context()).collect();
        if self.patterns.iter().any(|pattern| uses(pattern.text())) {
            contexts.push(Context::new());
        }
        contexts
    }
}
