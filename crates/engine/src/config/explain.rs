//! A configuration in plain data, for `dynaseal check`.

use serde::Serialize;

use super::Config;
use super::fault::Fault;
use super::tables::{action_word, plaintext_word, suite_word};
use crate::pattern::{ANY_KEY, Pattern, TableKeys};
use dynaseal_item::Action;
use dynaseal_keys::Service;

/// What a configuration means.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The protected tables, by name.
    pub tables: Vec<TableExplanation>,
    /// What becomes of calls on all others: `pass` or `refuse`.
    pub other_tables: &'static str,
    /// Where the gateway's calls of AWS KMS go; `None` if no key needs it.
    pub kms: Option<KmsExplanation>,
    /// What is allowed but worth a second look.
    pub warnings: Vec<Fault>,
}

/// What happens to the items of one table.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct TableExplanation {
    /// The name in DynamoDB, or a pattern of names: then the keys of each table and of its indexes are signed only.
    pub table: String,
    /// The name that is signed; `None` for a pattern, whose tables sign their own.
    pub logical_name: Option<String>,
    /// The suite that items are written with, as the configuration spells it.
    pub suite: &'static str,
    /// The header version that is written.
    pub version: u8,
    /// `forbid`, `read` or `write`.
    pub plaintext: &'static str,
    /// Who can open the items.
    pub keys: KeyExplanation,
    /// Every attribute that the configuration names: the keys, then by name.
    pub attributes: Vec<AttributeExplanation>,
    /// Attributes whose names start so are not signed.
    pub unsigned_prefix: Option<String>,
    /// The action of every other attribute; `None` means that an item with one is refused.
    pub other_attributes: Option<&'static str>,
}

/// What happens to one attribute.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AttributeExplanation {
    /// Its name.
    pub name: String,
    /// `partition`, `sort`, or not a key.
    pub key: Option<&'static str>,
    /// Its action, as the configuration spells it.
    pub action: &'static str,
    /// Whether it is stored encrypted.
    pub encrypted: bool,
    /// Whether a change of it is noticed.
    pub signed: bool,
    /// Whether it is part of the encryption context.
    pub in_context: bool,
}

/// Where the gateway's calls of AWS KMS go.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct KmsExplanation {
    /// The one address for all; without one, AWS's own in the Region of each key.
    pub endpoint: Option<String>,
    /// The Region for keys that name none; without one, that of the environment.
    pub region: Option<String>,
}

/// A key ring and those inside it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct KeyExplanation {
    /// The name in the configuration.
    pub name: String,
    /// The type in the configuration.
    pub r#type: &'static str,
    /// Which key, in words; never the key.
    pub detail: String,
    /// For `branch-key-file`: the attribute that picks the branch key.
    pub branch_key_id_attribute: Option<String>,
    /// For `multi`: the rings inside, the generator first.
    pub children: Vec<KeyExplanation>,
}

impl KeyExplanation {
    /// Whether it is the key of this name, or holds it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.name == name || self.children.iter().any(|child| child.has(name))
    }
}

impl Config {
    /// What this configuration does to each attribute of each table.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        let keys = |name: &str| self.rings.get(name);
        let tables = self.tables.iter().filter_map(|(name, table)| Some(explain_table(table, keys(name)?)));
        let patterns = self.patterns.iter().filter_map(|pattern| of_pattern(pattern, keys(pattern.text())?));
        let kms = self.needs(Service::Kms).then(|| KmsExplanation {
            endpoint: self.gateway.kms_endpoint.clone(),
            region: self.gateway.region.clone(),
        });
        let (tables, other_tables) = (tables.chain(patterns).collect(), self.other_tables.word());
        Explanation { tables, other_tables, kms, warnings: self.warnings.clone() }
    }
}

/// What a pattern does to its tables, whatever their keys are.
pub(super) fn of_pattern(pattern: &Pattern, keys: &KeyExplanation) -> Option<TableExplanation> {
    let any = TableKeys { partition_key: ANY_KEY.to_owned(), ..TableKeys::default() };
    let table = pattern.fitted(pattern.text(), &any).ok()?;
    Some(TableExplanation { logical_name: None, ..explain_table(&table, keys) })
}

pub(super) fn explain_table(table: &crate::Table, keys: &KeyExplanation) -> TableExplanation {
    let schema = table.schema();
    let mut names: Vec<&str> = schema.keys().collect();
    let others = schema.actions().map(|(name, _)| name).chain(schema.unsigned());
    let mut others: Vec<&str> = others.filter(|name| !names.contains(name)).collect();
    others.sort_unstable();
    others.dedup();
    names.append(&mut others);
    let attributes = names.into_iter().filter(|name| *name != ANY_KEY).filter_map(|name| {
        let action = schema.action(name)?;
        let key = match name {
            name if name == schema.partition_key() => Some("partition"),
            name if Some(name) == schema.sort_key() => Some("sort"),
            _ => None,
        };
        Some(AttributeExplanation {
            name: name.to_owned(),
            key,
            action: action_word(action),
            encrypted: action == Action::EncryptAndSign,
            signed: action != Action::DoNothing,
            in_context: action == Action::SignAndIncludeInEncryptionContext,
        })
    });
    TableExplanation {
        table: table.name().to_owned(),
        logical_name: Some(schema.logical_name().to_owned()),
        suite: suite_word(schema.suite()),
        version: schema.version().byte(),
        plaintext: plaintext_word(table.plaintext()),
        keys: keys.clone(),
        attributes: attributes.collect(),
        unsigned_prefix: schema.unsigned_prefix().map(ToOwned::to_owned),
        other_attributes: schema.default_action().map(action_word),
    }
}
