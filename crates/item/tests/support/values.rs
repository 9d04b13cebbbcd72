//! Random values over all ten types.

use std::collections::{BTreeMap, BTreeSet};

use dynaseal_item::{Item, Value, kat};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

/// A number in one of its many spellings.
pub fn number() -> impl Strategy<Value = String> {
    ("[+-]?", "[0-9]{1,20}", "(\\.[0-9]{0,15})?", "([eE][+-]?[0-9]{1,2})?")
        .prop_map(|(sign, whole, fraction, exponent)| format!("{sign}{whole}{fraction}{exponent}"))
        .prop_filter("has a normal form", |text| kat::normalize_number(text).is_ok())
}

/// An attribute value.
pub fn value() -> impl Strategy<Value = Value<'static>> {
    let text = || any::<String>();
    let bytes = || vec(any::<u8>(), 0..40);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        text().prop_map(|text| Value::S(text.into())),
        number().prop_map(|text| Value::N(text.into())),
        bytes().prop_map(|bytes| Value::B(bytes.into())),
        btree_set(text(), 0..5).prop_map(|all| Value::Ss(all.into_iter().map(Into::into).collect())),
        vec(number(), 0..5).prop_map(|all| Value::Ns(distinct(all).into_iter().map(Into::into).collect())),
        btree_set(bytes(), 0..5).prop_map(|all| Value::Bs(all.into_iter().map(Into::into).collect())),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::L),
            btree_map(".{1,8}", inner, 0..5).prop_map(|all: BTreeMap<String, _>| {
                Value::M(all.into_iter().map(|(key, value)| (key.into(), value)).collect())
            }),
        ]
    })
}

/// An item of up to eight attributes.
pub fn item() -> impl Strategy<Value = Item<'static>> {
    btree_map(any::<String>(), value(), 0..8).prop_map(|attributes| {
        let mut item = Item::new();
        for (name, value) in attributes {
            item.insert(name, value);
        }
        item
    })
}

/// Numbers that differ in value, not only in spelling.
fn distinct(all: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    all.into_iter().filter(|text| kat::normalize_number(text).is_ok_and(|normal| seen.insert(normal))).collect()
}
