//! `[tables.NAME]`: what happens to each attribute, and with which key.

use std::collections::BTreeMap;

use dynaseal_item::{Action, FaultAt, Schema, SchemaFault, SchemaSpec, Suite};
use dynaseal_keys::Provider;

use super::explain::{self, KeyExplanation, TableExplanation};
use super::fault::{CONTRADICTION, Faults, SCHEMA, SHARED_NAME, Span, TYPE, UNSEALED};
use super::keys::Keys;
use super::names::{self, Named, is_pattern};
use super::overlaps::{self, Place};
use super::section::{At, Section, word};
use crate::pattern::{ANY_KEY, Pattern};
use crate::table::{Plaintext, Table};

/// A table or a pattern of tables, and the keys behind it.
pub(super) struct Configured {
    pub(super) what: What,
    pub(super) keys: KeyExplanation,
}

pub(super) enum What {
    Table(Table),
    /// A section whose name has a `*`.
    Pattern(Pattern),
}

impl Configured {
    fn explain(&self) -> Option<TableExplanation> {
        match &self.what {
            What::Table(table) => Some(explain::explain_table(table, &self.keys)),
            What::Pattern(pattern) => explain::of_pattern(pattern, &self.keys),
        }
    }
}

/// Reads every table; one that has a fault is left out.
pub(super) fn read(
    tables: &Section<'_, '_>,
    keys: &mut Keys<'_>,
    faults: &mut Faults<'_>,
) -> BTreeMap<String, Configured> {
    let mut entries: Vec<_> = tables.entries().collect();
    entries.sort_by_key(|(name, _)| name.span.start);
    let mut logical_names = BTreeMap::new();
    let mut configured: BTreeMap<String, Configured> = BTreeMap::new();
    let mut places = Vec::new();
    for (name, value) in entries {
        if !names::check(name.value, Named::of_section(name.value), &name.span, faults) {
            continue;
        }
        let Some(table) = value.get_ref().as_table() else {
            let message = format!("{} in [tables] is of type {}", name.value, value.get_ref().type_str());
            faults.error(&value.span(), TYPE, message, "write a section [tables.NAME] for each table");
            continue;
        };
        let mut section = Section::new(names::title(name.value), table, name.span);
        let read = read_one(name.value, &mut section, keys, faults);
        let own = logical_name(name.value, &section);
        if let Some(other) = logical_names.insert(own.value.to_owned(), name.value) {
            let message = format!("{} has the logical name of table {other}", section.title);
            let hint = "an item could be moved from one to the other unnoticed; give each its own logical_name";
            faults.error(&own.span, SHARED_NAME, message, hint);
        }
        let section_span = section.span.clone();
        section.finish(faults);
        places.push((name.value, section_span));
        configured.extend(read.map(|read| (name.value.to_owned(), read)));
    }
    // Without a pattern, each table has one section.
    if places.iter().any(|(name, _)| is_pattern(name)) {
        let explained = |name: &str| configured.get(name).and_then(Configured::explain);
        let places = places.into_iter().map(|(name, span)| Place { name, span, explained: explained(name) });
        overlaps::check(&places.collect::<Vec<_>>(), faults);
    }
    configured
}

fn read_one(
    name: &str,
    section: &mut Section<'_, '_>,
    keys: &mut Keys<'_>,
    faults: &mut Faults<'_>,
) -> Option<Configured> {
    let ring = section.required("keys", "main", faults).and_then(|key| keys.ring(&key, &section.title, faults));
    let plaintext = section.one_of("plaintext", PLAINTEXT, faults);
    let pattern = is_pattern(name);
    if pattern {
        brings_its_keys(section, faults);
    }
    let schema = schema(name, section, faults);
    match plaintext.as_ref().map(|at| at.value) {
        Some(Plaintext::Read) => {
            let message = format!("{} gives unsealed items to readers: nothing verifies them", section.title);
            let hint = "set plaintext = \"forbid\" once every item is sealed";
            faults.warn(&section.place("plaintext"), UNSEALED, message, hint);
        }
        Some(Plaintext::Write) => {
            let message = format!("{} writes items unsealed", section.title);
            let hint = "set plaintext = \"read\" once every reader has this configuration";
            faults.warn(&section.place("plaintext"), UNSEALED, message, hint);
        }
        _ => {}
    }
    let ((keyring, keys), (spec, schema)) = (ring?, schema?);
    check_branch_keys(&keys, &schema, section, faults);
    if !keyring.accepts(schema.suite()) {
        let (suite, key) = (suite_word(schema.suite()), &keys.name);
        let message = format!("{} seals with suite {suite}, for which the key {key} cannot be used", section.title);
        faults.error(&section.place("suite"), CONTRADICTION, message, "set suite = \"hmac\", or name another key");
    }
    let plaintext = plaintext.map_or(Plaintext::Forbid, |at| at.value);
    let (name, provider) = (name.to_owned(), Provider::new(keyring));
    let what = if pattern {
        let pattern = Pattern::new(name, spec, provider, plaintext);
        if !pattern.has_keys() {
            let message = format!("{} stores nothing readable that could be the key of a table", section.title);
            let hint = "list the key attributes of its tables and indexes as sign_only: what DynamoDB says of a table makes \
                        nothing readable";
            faults.error(&section.span, SCHEMA, message, hint);
        }
        What::Pattern(pattern)
    } else {
        What::Table(Table::new(name, schema, provider, plaintext))
    };
    Some(Configured { what, keys })
}

/// Each table of a pattern has its own name and keys.
fn brings_its_keys(section: &mut Section<'_, '_>, faults: &mut Faults<'_>) {
    for key in ["partition_key", "sort_key", "logical_name"] {
        if section.name(key, faults).is_some() {
            let message = format!("{key} in {}, which stands for several tables", section.title);
            let hint = "leave it out: each table's own name is signed, and its keys are learned from DynamoDB";
            faults.error(&section.place(key), CONTRADICTION, message, hint);
        }
    }
}

/// An attribute that picks the branch key must be readable before anything is decrypted, and bound to the item.
fn check_branch_keys(keys: &KeyExplanation, schema: &Schema, section: &Section<'_, '_>, faults: &mut Faults<'_>) {
    if let Some(attribute) = &keys.branch_key_id_attribute {
        let bound = schema.action(attribute) == Some(Action::SignAndIncludeInEncryptionContext);
        if !bound && !schema.keys().any(|key| key == attribute) {
            let name = &keys.name;
            let message = format!("\"{attribute}\" picks the branch key {name}, but is not in the encryption context");
            let hint = "name a key attribute, or set its action to sign_and_include_in_encryption_context";
            faults.error(&section.place("keys"), SCHEMA, message, hint);
        }
    }
    for child in &keys.children {
        check_branch_keys(child, schema, section, faults);
    }
}

/// `logical_name`, or the table's own name.
fn logical_name<'r>(table: &'r str, section: &Section<'r, '_>) -> At<&'r str> {
    let written = section.entries().find(|(key, _)| key.value == "logical_name");
    let written = written.and_then(|(_, value)| Some(At { span: value.span(), value: value.get_ref().as_str()? }));
    written.unwrap_or(At { span: section.span.clone(), value: table })
}

/// The schema, as written and checked. That of a pattern is checked with a key that stands for any.
fn schema(name: &str, section: &mut Section<'_, '_>, faults: &mut Faults<'_>) -> Option<(SchemaSpec, Schema)> {
    let partition_key = if is_pattern(name) {
        Some(At { span: section.span.clone(), value: ANY_KEY })
    } else {
        section.required("partition_key", "id", faults)
    };
    let sort_key = section.name("sort_key", faults);
    let logical_name = section.name("logical_name", faults);
    let suite = section.one_of("suite", SUITES, faults);
    let default_action = section.one_of("default_action", ACTIONS, faults);
    let unsigned_prefix = section.text("unsigned_prefix", faults);
    let unsigned = section.names("unsigned", faults);
    let title = format!("{}.attributes]", section.title.trim_end_matches(']'));
    let attributes = section.section("attributes", title, faults);
    let listed = attributes.map(|section| actions(&section, faults)).unwrap_or_default();

    let actions = listed.iter().map(|(name, at)| ((*name).to_owned(), at.value)).collect();
    let written = SchemaSpec {
        logical_name: logical_name.map_or(name, |at| at.value).to_owned(),
        partition_key: partition_key.as_ref().map(|at| at.value.to_owned()).unwrap_or_default(),
        sort_key: sort_key.as_ref().map(|at| at.value.to_owned()),
        actions,
        default_action: default_action.as_ref().map(|at| at.value),
        unsigned: unsigned.iter().map(|at| at.value.to_owned()).collect(),
        unsigned_prefix: unsigned_prefix.as_ref().map(|at| at.value.to_owned()),
        suite: suite.map_or_else(Suite::default, |at| at.value),
    };
    let mut spec = written.clone();
    spec.list_keys();
    let place = |at: &FaultAt| -> Span {
        match at {
            FaultAt::Attribute(name) => match listed.get(name.as_str()) {
                Some(at) => at.span.clone(),
                // An inferred key attribute stands where the key is named.
                None if sort_key.as_ref().is_some_and(|key| key.value == name) => section.place("sort_key"),
                None => section.place("partition_key"),
            },
            FaultAt::Unsigned(name) => unsigned
                .iter()
                .find(|at| at.value == name)
                .map_or_else(|| section.place("unsigned"), |at| at.span.clone()),
            FaultAt::SortKey => section.place("sort_key"),
            FaultAt::UnsignedPrefix => section.place("unsigned_prefix"),
            FaultAt::DefaultAction => section.place("default_action"),
            _ => section.place("partition_key"),
        }
    };
    match spec.build() {
        Ok(schema) => partition_key.is_some().then_some((written, schema)),
        Err(found) => {
            for SchemaFault { at, message } in found {
                // That the partition key is missing has been said.
                if at != FaultAt::PartitionKey || partition_key.is_some() {
                    let message = in_our_words(message);
                    let (message, hint) = advice(&message);
                    faults.error(&place(&at), code(&at, message), message, hint);
                }
            }
            None
        }
    }
}

/// The actions that are listed, by attribute, each at the place of its name.
fn actions<'r>(section: &Section<'r, '_>, faults: &mut Faults<'_>) -> BTreeMap<&'r str, At<Action>> {
    let mut listed = BTreeMap::new();
    for (name, value) in section.entries() {
        let Some(text) = value.get_ref().as_str() else {
            let message = format!("{} in {} is of type {}", name.value, section.title, value.get_ref().type_str());
            let hint = if value.get_ref().is_table() {
                "an attribute name with a dot must stand in quotes"
            } else {
                "write its action in quotes, such as \"encrypt_and_sign\""
            };
            faults.error(&value.span(), TYPE, message, hint);
            continue;
        };
        let text = At { span: value.span(), value: text };
        let what = format!("the action of \"{}\" in {}", name.value, section.title);
        if let Some(action) = word(&text, ACTIONS, &what, faults) {
            listed.insert(name.value, At { span: name.span, value: action });
        }
    }
    listed
}

/// The item crate names actions as DB-ESDK does, a configuration in small letters.
fn in_our_words(message: String) -> String {
    ACTIONS.iter().fold(message, |message, (word, action)| message.replace(action.name(), word))
}

/// The item crate says what is wrong and, after a semicolon, what to do.
fn advice(message: &str) -> (&str, &str) {
    message.rsplit_once("; ").unwrap_or((message, "see the rules for attributes in the documentation"))
}

fn code(at: &FaultAt, message: &str) -> &'static str {
    let contradiction = matches!(at, FaultAt::Attribute(_)) && message.contains("never signed");
    if contradiction { CONTRADICTION } else { SCHEMA }
}

/// The spelling of an action in the configuration.
pub(crate) fn action_word(action: Action) -> &'static str {
    spelled(ACTIONS, action)
}

/// The spelling of a suite in the configuration.
pub(super) fn suite_word(suite: Suite) -> &'static str {
    spelled(SUITES, suite)
}

/// The spelling of a plaintext policy in the configuration.
pub(super) fn plaintext_word(plaintext: Plaintext) -> &'static str {
    spelled(PLAINTEXT, plaintext)
}

fn spelled<T: PartialEq + Copy>(words: &[(&'static str, T)], value: T) -> &'static str {
    words.iter().find(|(_, other)| *other == value).map_or("", |(word, _)| word)
}

const ACTIONS: &[(&str, Action)] = &[
    ("encrypt_and_sign", Action::EncryptAndSign),
    ("sign_only", Action::SignOnly),
    ("sign_and_include_in_encryption_context", Action::SignAndIncludeInEncryptionContext),
    ("do_nothing", Action::DoNothing),
];
const SUITES: &[(&str, Suite)] = &[("ecdsa-p384", Suite::EcdsaP384), ("hmac", Suite::Hmac)];
const PLAINTEXT: &[(&str, Plaintext)] =
    &[("forbid", Plaintext::Forbid), ("read", Plaintext::Read), ("write", Plaintext::Write)];
