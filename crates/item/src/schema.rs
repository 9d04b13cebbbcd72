//! What a table does with each attribute, checked once (FORMAT 3, 14.1).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::suite::{Suite, Version};

/// Names that start so belong to the format.
pub(crate) const RESERVED: &str = "aws_dbe_";
/// Names that start so belong to the encryption context.
const RESERVED_CONTEXT: &str = "aws-crypto-";

/// What happens to an attribute (DB-ESDK's crypto actions).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Encrypted and signed.
    EncryptAndSign,
    /// Stored plainly and signed.
    SignOnly,
    /// Stored plainly, signed, and bound into the encryption context.
    SignAndIncludeInEncryptionContext,
    /// Stored plainly and not signed: anyone who can write the table can change it.
    DoNothing,
}

impl Action {
    /// DB-ESDK's name of the action.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Action::EncryptAndSign => "ENCRYPT_AND_SIGN",
            Action::SignOnly => "SIGN_ONLY",
            Action::SignAndIncludeInEncryptionContext => "SIGN_AND_INCLUDE_IN_ENCRYPTION_CONTEXT",
            Action::DoNothing => "DO_NOTHING",
        }
    }

    /// The byte that stands for a signed attribute in the header's legend.
    pub(crate) fn letter(self) -> Option<u8> {
        match self {
            Action::EncryptAndSign => Some(b'e'),
            Action::SignOnly => Some(b's'),
            Action::SignAndIncludeInEncryptionContext => Some(b'c'),
            Action::DoNothing => None,
        }
    }

    pub(crate) fn from_letter(letter: u8) -> Option<Self> {
        match letter {
            b'e' => Some(Action::EncryptAndSign),
            b's' => Some(Action::SignOnly),
            b'c' => Some(Action::SignAndIncludeInEncryptionContext),
            _ => None,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A schema as written; [`SchemaSpec::build`] checks it.
#[derive(Clone, Debug, Default)]
pub struct SchemaSpec {
    /// The table name that is signed; it must stay the same for the life of the data.
    pub logical_name: String,
    /// The partition key attribute.
    pub partition_key: String,
    /// The sort key attribute.
    pub sort_key: Option<String>,
    /// An action per attribute.
    pub actions: Vec<(String, Action)>,
    /// The action of signed attributes that are not listed; without it they are refused.
    pub default_action: Option<Action>,
    /// Attributes that are never signed. Attributes with the action `DO_NOTHING` count among them.
    pub unsigned: Vec<String>,
    /// Attributes whose names start so are never signed.
    pub unsigned_prefix: Option<String>,
    /// The suite to write with.
    pub suite: Suite,
}

/// One thing that is wrong with a [`SchemaSpec`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaFault {
    /// Which part of it.
    pub at: FaultAt,
    /// What is wrong and what to do.
    pub message: String,
}

/// The part of a [`SchemaSpec`] that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultAt {
    /// `partition_key`.
    PartitionKey,
    /// `sort_key`.
    SortKey,
    /// One of `actions`.
    Attribute(String),
    /// One of `unsigned`.
    Unsigned(String),
    /// `unsigned_prefix`.
    UnsignedPrefix,
    /// `default_action`.
    DefaultAction,
}

/// A checked schema.
#[derive(Clone, Debug)]
pub struct Schema {
    logical_name: String,
    partition_key: String,
    sort_key: Option<String>,
    actions: BTreeMap<String, Action>,
    default_action: Option<Action>,
    unsigned: BTreeSet<String>,
    unsigned_prefix: Option<String>,
    suite: Suite,
    version: Version,
}

impl SchemaSpec {
    /// Lists the key attributes that are not listed: the format leaves them no choice of action.
    pub fn list_keys(&mut self) {
        let action = self.key_action();
        for key in [Some(&self.partition_key), self.sort_key.as_ref()].into_iter().flatten() {
            if !self.actions.iter().any(|(name, _)| name == key) {
                self.actions.push((key.clone(), action));
            }
        }
    }

    /// Checks the schema; every fault is reported.
    ///
    /// # Errors
    /// All faults that were found.
    pub fn build(self) -> Result<Schema, Vec<SchemaFault>> {
        let faults = self.faults();
        if !faults.is_empty() {
            return Err(faults);
        }
        let any_bound = self.any_bound();
        let nothing =
            self.actions.iter().filter(|(_, action)| *action == Action::DoNothing).map(|(name, _)| name.clone());
        Ok(Schema {
            unsigned: self.unsigned.iter().cloned().chain(nothing).collect(),
            logical_name: self.logical_name,
            partition_key: self.partition_key,
            sort_key: self.sort_key,
            actions: self.actions.into_iter().collect(),
            default_action: self.default_action,
            unsigned_prefix: self.unsigned_prefix,
            suite: self.suite,
            version: if any_bound { Version::V2 } else { Version::V1 },
        })
    }

    fn faults(&self) -> Vec<SchemaFault> {
        let mut faults = Vec::new();
        let mut fault = |at: FaultAt, message: String| faults.push(SchemaFault { at, message });
        self.key_faults(&mut fault);
        let mut seen = BTreeSet::new();
        for (name, action) in &self.actions {
            let at = || FaultAt::Attribute(name.clone());
            if !seen.insert(name) {
                fault(at(), format!("\"{name}\" is listed twice; keep one action"));
            }
            if let Some(problem) = reserved(name) {
                fault(at(), problem);
            }
            let listed = self.unsigned.contains(name);
            if *action != Action::DoNothing && (listed || self.has_prefix(name)) {
                let by = if listed { "unsigned" } else { "unsigned_prefix" };
                fault(at(), format!("\"{name}\" is {action}, but {by} says it is never signed; keep one of the two"));
            }
        }
        for name in &self.unsigned {
            if let Some(problem) = reserved(name) {
                fault(FaultAt::Unsigned(name.clone()), problem);
            }
        }
        if self.unsigned_prefix.as_deref() == Some("") {
            let message = "an empty prefix matches every attribute, so nothing would be signed; remove it";
            fault(FaultAt::UnsignedPrefix, message.to_owned());
        }
        if self.default_action == Some(Action::DoNothing) {
            let message =
                "DO_NOTHING as a default would leave every unlisted attribute unsigned; list them under unsigned";
            fault(FaultAt::DefaultAction, message.to_owned());
        }
        faults
    }

    fn key_faults(&self, fault: &mut impl FnMut(FaultAt, String)) {
        if self.sort_key.as_ref() == Some(&self.partition_key) {
            fault(FaultAt::SortKey, format!("\"{}\" is the partition key already", self.partition_key));
        }
        let (any_bound, needed) = (self.any_bound(), self.key_action());
        let keys = [(FaultAt::PartitionKey, Some(&self.partition_key)), (FaultAt::SortKey, self.sort_key.as_ref())];
        for (at, key) in keys {
            let Some(key) = key else { continue };
            if key.is_empty() {
                fault(at.clone(), "a key attribute needs a name".to_owned());
            }
            match self.actions.iter().find(|(name, _)| name == key) {
                Some((_, action)) if *action == needed => {}
                Some((name, action)) => {
                    let why = if any_bound { "as another attribute is" } else { "as DynamoDB must read it" };
                    let message = format!("the key attribute \"{name}\" is {action}; it must be {needed}, {why}");
                    fault(FaultAt::Attribute(name.clone()), message);
                }
                None => fault(at, format!("the key attribute \"{key}\" has no action; it must be {needed}")),
            }
        }
    }

    /// Whether an attribute is bound into the encryption context; then the keys are too.
    fn any_bound(&self) -> bool {
        let bound = |action: &Action| *action == Action::SignAndIncludeInEncryptionContext;
        self.actions.iter().any(|(_, action)| bound(action)) || self.default_action.iter().any(bound)
    }

    fn key_action(&self) -> Action {
        if self.any_bound() { Action::SignAndIncludeInEncryptionContext } else { Action::SignOnly }
    }

    fn has_prefix(&self, name: &str) -> bool {
        self.unsigned_prefix.as_deref().is_some_and(|prefix| !prefix.is_empty() && name.starts_with(prefix))
    }
}

fn reserved(name: &str) -> Option<String> {
    [RESERVED, RESERVED_CONTEXT]
        .into_iter()
        .find(|prefix| name.starts_with(prefix))
        .map(|prefix| format!("\"{name}\" starts with {prefix}, which belongs to the format; rename the attribute"))
}

impl Schema {
    /// The table name that is signed.
    #[must_use]
    pub fn logical_name(&self) -> &str {
        &self.logical_name
    }

    /// The partition key attribute.
    #[must_use]
    pub fn partition_key(&self) -> &str {
        &self.partition_key
    }

    /// The sort key attribute.
    #[must_use]
    pub fn sort_key(&self) -> Option<&str> {
        self.sort_key.as_deref()
    }

    /// Partition key and, if there is one, sort key.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.partition_key()).chain(self.sort_key())
    }

    /// The suite to write with.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// The header version to write.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether an attribute of that name is signed (FORMAT 3.2). Readers go by this alone.
    #[must_use]
    pub fn in_signature_scope(&self, name: &str) -> bool {
        !(name.starts_with(RESERVED)
            || self.unsigned.contains(name)
            || self.unsigned_prefix.as_deref().is_some_and(|prefix| name.starts_with(prefix)))
    }

    /// What happens to an attribute of that name; `None` if it would be refused.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<Action> {
        if !self.in_signature_scope(name) {
            return Some(Action::DoNothing);
        }
        self.actions.get(name).copied().or(self.default_action)
    }

    /// The listed attributes and their actions, in byte order of their names.
    pub fn actions(&self) -> impl Iterator<Item = (&str, Action)> {
        self.actions.iter().map(|(name, action)| (name.as_str(), *action))
    }

    /// Whether an attribute is listed by its name, so that no default decides what happens to it.
    #[must_use]
    pub fn lists(&self, name: &str) -> bool {
        self.actions.contains_key(name) || self.unsigned.contains(name)
    }

    /// The action of signed attributes that are not listed.
    #[must_use]
    pub fn default_action(&self) -> Option<Action> {
        self.default_action
    }

    /// The attributes that are never signed, in byte order.
    pub fn unsigned(&self) -> impl Iterator<Item = &str> {
        self.unsigned.iter().map(String::as_str)
    }

    /// The prefix of names that are never signed.
    #[must_use]
    pub fn unsigned_prefix(&self) -> Option<&str> {
        self.unsigned_prefix.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> SchemaSpec {
        SchemaSpec {
            logical_name: "Users".into(),
            partition_key: "id".into(),
            actions: vec![("id".into(), Action::SignOnly), ("email".into(), Action::EncryptAndSign)],
            ..SchemaSpec::default()
        }
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let mut spec = spec();
        spec.sort_key = Some("at".into());
        spec.unsigned = vec!["email".into()];
        spec.unsigned_prefix = Some(String::new());
        spec.default_action = Some(Action::DoNothing);
        spec.actions.push(("aws_dbe_x".into(), Action::DoNothing));
        let faults: Vec<_> = spec.build().unwrap_err().into_iter().map(|fault| fault.at).collect();
        let expected = [
            FaultAt::SortKey,
            FaultAt::Attribute("email".into()),
            FaultAt::Attribute("aws_dbe_x".into()),
            FaultAt::UnsignedPrefix,
            FaultAt::DefaultAction,
        ];
        assert_eq!(faults, expected);
    }

    #[test]
    fn one_bound_attribute_makes_version_2_and_binds_the_keys() {
        let mut spec = spec();
        spec.actions.push(("tenant".into(), Action::SignAndIncludeInEncryptionContext));
        assert_eq!(spec.clone().build().unwrap_err()[0].at, FaultAt::Attribute("id".into()));
        spec.actions[0].1 = Action::SignAndIncludeInEncryptionContext;
        assert_eq!(spec.build().unwrap().version(), Version::V2);
    }

    #[test]
    fn do_nothing_and_unsigned_are_the_same() {
        let mut spec = spec();
        spec.actions.push(("views".into(), Action::DoNothing));
        spec.unsigned.push("likes".into());
        let schema = spec.build().unwrap();
        assert_eq!(schema.unsigned().collect::<Vec<_>>(), ["likes", "views"]);
        assert_eq!(schema.action("likes"), Some(Action::DoNothing));
        assert_eq!(schema.action("other"), None);
    }
}
