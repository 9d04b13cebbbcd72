//! What the tests of stored items share: how their files name actions and branch keys, and what it means that two items are the
//! same.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test may stop it; clippy excuses only the test functions themselves"
)]

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use dynaseal_item::{Action, Item, Schema, Value, json, kat};
use dynaseal_keys::{BranchKeyFile, BranchKeyId, CacheOptions, Hierarchical, Io, Provider};
use serde_json::Value as Json;

use crate::support;

/// Sealed by us and opened again, it is still the same item.
pub(crate) fn assert_again(io: Io<'_>, schema: &Schema, provider: &Provider, item: &Item<'_>, what: &str) {
    let mut again = support::seal(io, schema, provider, item.clone()).unwrap_or_else(|error| panic!("{what}: {error}"));
    let again = support::open(io, schema, provider, &mut again).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(again.len() == item.len(), "{what}");
    for (name, value) in item.iter() {
        assert!(again.get(name).cloned().map(normal) == Some(normal(value.clone())), "{what}: {name} differs");
    }
}

pub(crate) fn assert_same(opened: &Item<'_>, expected: &Json, what: &str) {
    let expected = expected.to_string();
    let expected = json::read_item(&expected).unwrap();
    assert!(
        opened.iter().map(|(name, _)| name).all(|name| expected.get(name).is_some()),
        "{what}: too many attributes"
    );
    for (name, value) in expected.iter() {
        let opened = opened.get(name).unwrap_or_else(|| panic!("{what}: {name} is missing"));
        assert!(normal(opened.clone()) == normal(value.clone()), "{what}: {name} differs");
    }
}

/// The value with its numbers in normal form and its sets and maps sorted: only their content is compared.
fn normal(value: Value<'_>) -> Value<'_> {
    let number = |text: Cow<'_, str>| Cow::Owned(kat::normalize_number(&text).unwrap());
    match value {
        Value::N(text) => Value::N(number(text)),
        Value::Ss(mut all) => {
            all.sort();
            Value::Ss(all)
        }
        Value::Ns(all) => {
            let mut all: Vec<Cow<'_, str>> = all.into_iter().map(number).collect();
            all.sort();
            Value::Ns(all)
        }
        Value::Bs(mut all) => {
            all.sort();
            Value::Bs(all)
        }
        Value::L(all) => Value::L(all.into_iter().map(normal).collect()),
        Value::M(mut all) => {
            all.sort_by(|(left, _), (right, _)| left.cmp(right));
            Value::M(all.into_iter().map(|(key, value)| (key, normal(value))).collect())
        }
        other => other,
    }
}

pub(crate) fn texts(list: &Json) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// A hierarchical key ring. The vectors add a `type` to the layout of a key file.
pub(crate) fn branch_keys(file: &Json) -> Provider {
    let mut file = file.clone();
    file.as_object_mut().unwrap().remove("type");
    let id = BranchKeyId::Fixed(file["branch_key_id"].as_str().unwrap().to_owned());
    let store = BranchKeyFile::parse(&file.to_string()).unwrap();
    Provider::new(Arc::new(
        Hierarchical::new(Arc::new(store), id, CacheOptions::new(Duration::from_secs(600))).unwrap(),
    ))
}

pub(crate) fn actions(actions: &Json) -> Vec<(String, Action)> {
    let action = |name: &str| match name {
        "ENCRYPT_AND_SIGN" => Action::EncryptAndSign,
        "SIGN_ONLY" => Action::SignOnly,
        "SIGN_AND_INCLUDE_IN_ENCRYPTION_CONTEXT" => Action::SignAndIncludeInEncryptionContext,
        "DO_NOTHING" => Action::DoNothing,
        other => panic!("an action this test does not know: {other}"),
    };
    let pair = |(name, value): (&String, &Json)| (name.clone(), action(value.as_str().unwrap()));
    actions.as_object().unwrap().iter().map(pair).collect()
}
