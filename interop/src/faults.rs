//! What callers and configurations get wrong. Both sides must refuse it before anything is sealed; the few cases that
//! only look wrong must be accepted by both.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::Blob;
use dynaseal_item::{Action, SchemaSpec};
use fastrand::Rng;

use crate::generate::{Case, MAX_LEVEL, nested, pick};
use crate::numbers;
use crate::values::{Attributes, binary};

/// One thing to get wrong.
pub struct Fault {
    pub name: &'static str,
    pub expected: Expected,
    apply: fn(&mut Rng, &mut SchemaSpec, &mut Attributes),
}

/// The verdict that is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Both sides accept it.
    Accepted,
    /// Both sides refuse it.
    Refused,
    /// We refuse it. Whether AWS's crate does depends on the item.
    RefusedByUs,
    /// AWS's crate refuses it, and we do not need to.
    RefusedByAws,
}

impl Expected {
    /// Whether the two verdicts are as expected; `true` stands for accepted.
    pub fn holds(self, aws: bool, ours: bool) -> bool {
        match self {
            Expected::Accepted => aws && ours,
            Expected::Refused => !aws && !ours,
            Expected::RefusedByUs => !ours,
            Expected::RefusedByAws => !aws && ours,
        }
    }
}

impl Fault {
    /// The table and the item of a case with this fault in it.
    pub fn of(&self, case: &mut Case) -> (SchemaSpec, Attributes) {
        let (mut table, mut item) = (case.table.clone(), case.item.clone());
        (self.apply)(&mut case.rng, &mut table, &mut item);
        (table, item)
    }
}

const fn refused(name: &'static str, apply: fn(&mut Rng, &mut SchemaSpec, &mut Attributes)) -> Fault {
    Fault { name, expected: Expected::Refused, apply }
}

const fn accepted(name: &'static str, apply: fn(&mut Rng, &mut SchemaSpec, &mut Attributes)) -> Fault {
    Fault { name, expected: Expected::Accepted, apply }
}

pub const FAULTS: [Fault; 36] = [
    refused("item has aws_dbe_head", |_, _, item| put(item, "aws_dbe_head", binary([1, 2, 3]))),
    refused("item has aws_dbe_foot", |_, _, item| put(item, "aws_dbe_foot", text("x"))),
    accepted("item has another aws_dbe_ name", |_, _, item| put(item, "aws_dbe_v_1", text("x"))),
    refused("bad number", |rng, table, item| signed(rng, table, item, bad_number)),
    refused("bad number in a set", |rng, table, item| {
        signed(rng, table, item, |rng| AttributeValue::Ns(vec!["1".to_owned(), bad(rng)]));
    }),
    refused("bad number in a list in a map", |rng, table, item| {
        let nested = |rng: &mut Rng| {
            AttributeValue::M(HashMap::from([("k".to_owned(), AttributeValue::L(vec![bad_number(rng)]))]))
        };
        signed(rng, table, item, nested);
    }),
    refused("bad number as a key", |rng, table, item| put(item, &table.partition_key, bad_number(rng))),
    refused("equal strings in a set", |rng, table, item| {
        signed(rng, table, item, |_| AttributeValue::Ss(vec!["a".to_owned(), "é".to_owned(), "a".to_owned()]));
    }),
    refused("equal numbers in a set", |rng, table, item| {
        let equal =
            |rng: &mut Rng| AttributeValue::Ns(vec!["12".to_owned(), "3".to_owned(), numbers::respell(rng, "12")]);
        signed(rng, table, item, equal);
    }),
    refused("equal binaries in a set", |rng, table, item| {
        signed(rng, table, item, |_| AttributeValue::Bs(vec![Blob::new([1]), Blob::new([1])]));
    }),
    refused("equal members in a nested set", |rng, table, item| {
        let equal = |_: &mut Rng| AttributeValue::L(vec![AttributeValue::Ns(vec!["1".to_owned(), "1.0".to_owned()])]);
        signed(rng, table, item, equal);
    }),
    refused("level 33", |rng, table, item| signed(rng, table, item, |rng| nested(rng, MAX_LEVEL + 1))),
    accepted("level 32", |rng, table, item| signed(rng, table, item, |rng| nested(rng, MAX_LEVEL))),
    refused("empty map key", |rng, table, item| {
        signed(rng, table, item, |_| AttributeValue::M(HashMap::from([(String::new(), text("x"))])));
    }),
    refused("map key of 65,536 bytes", |rng, table, item| {
        signed(rng, table, item, |_| AttributeValue::M(HashMap::from([("k".repeat(65_536), text("x"))])));
    }),
    accepted("map key of 65,535 bytes", |rng, table, item| {
        signed(rng, table, item, |_| AttributeValue::M(HashMap::from([("k".repeat(65_535), text("x"))])));
    }),
    refused("no partition key", |_, table, item| {
        item.remove(&table.partition_key);
    }),
    refused("no sort key", |_, table, item| {
        let key = table.sort_key.get_or_insert_with(|| "absent".to_owned()).clone();
        let action = key_action(table);
        set(table, &key, action);
        item.remove(&key);
    }),
    refused("no attribute of the context", |_, table, _| {
        for (_, action) in &mut table.actions {
            if *action == Action::SignOnly {
                *action = Action::SignAndIncludeInEncryptionContext;
            }
        }
        let keys: Vec<String> =
            [Some(table.partition_key.clone()), table.sort_key.clone()].into_iter().flatten().collect();
        for key in keys {
            set(table, &key, Action::SignAndIncludeInEncryptionContext);
        }
        set(table, "absent", Action::SignAndIncludeInEncryptionContext);
    }),
    refused("context value of 65,536 bytes", |_, table, item| {
        let key = table.partition_key.clone();
        put(item, &key, text(&"k".repeat(65_536)));
    }),
    refused("no action", |_, _, item| put(item, "not configured", text("x"))),
    accepted("empty attribute values", |rng, table, item| {
        let empty = |rng: &mut Rng| {
            pick(rng, &[text(""), binary([]), AttributeValue::L(vec![]), AttributeValue::Ss(vec![])]).clone()
        };
        signed(rng, table, item, empty);
    }),
    refused("partition key encrypted", |_, table, _| set_key(table, Action::EncryptAndSign)),
    refused("partition key unsigned", |_, table, _| set_key(table, Action::DoNothing)),
    refused("partition key without action", |_, table, _| {
        let key = table.partition_key.clone();
        table.actions.retain(|(name, _)| *name != key);
    }),
    refused("one key bound, the other not", |_, table, item| {
        let key = table.sort_key.get_or_insert_with(|| "sort".to_owned()).clone();
        put(item, &key, text("x"));
        let other = match key_action(table) {
            Action::SignOnly => Action::SignAndIncludeInEncryptionContext,
            _ => Action::SignOnly,
        };
        set(table, &key, other);
    }),
    refused("a signed attribute listed as unsigned", |_, table, _| {
        set(table, "both", Action::SignOnly);
        table.unsigned.push("both".to_owned());
    }),
    refused("an encrypted attribute with the unsigned prefix", |_, table, _| {
        table.unsigned_prefix = Some("pre".to_owned());
        set(table, "prefixed", Action::EncryptAndSign);
    }),
    refused("configured name aws_dbe_x", |_, table, _| set(table, "aws_dbe_x", Action::SignOnly)),
    refused("configured name aws-crypto-x", |_, table, _| set(table, "aws-crypto-x", Action::EncryptAndSign)),
    refused("empty prefix", |_, table, _| table.unsigned_prefix = Some(String::new())),
    // DynamoDB cannot have such a table. AWS's crate seals some of its items and fails inside on others.
    Fault {
        name: "partition key is the sort key",
        expected: Expected::RefusedByUs,
        apply: |_, table, _| table.sort_key = Some(table.partition_key.clone()),
    },
    refused("empty partition key name", |_, table, item| {
        let action = key_action(table);
        table.partition_key = String::new();
        set(table, "", action);
        put(item, "", text("x"));
    }),
    // Unsigned attributes pass through us untouched; DynamoDB itself is the judge of them. AWS's crate reads them.
    Fault {
        name: "equal members in an unsigned set",
        expected: Expected::RefusedByAws,
        apply: |_, table, item| {
            table.unsigned.push("free".to_owned());
            put(item, "free", AttributeValue::Ss(vec!["a".to_owned(), "a".to_owned()]));
        },
    },
    Fault {
        name: "bad number in an unsigned attribute",
        expected: Expected::RefusedByAws,
        apply: |rng, table, item| {
            table.unsigned.push("free".to_owned());
            put(item, "free", bad_number(rng));
        },
    },
    // AWS wants the name in two places that can only agree. Ours takes the action as the listing.
    Fault {
        name: "an unsigned action without being listed",
        expected: Expected::RefusedByAws,
        apply: |_, table, _| set(table, "unlisted", Action::DoNothing),
    },
];

fn put(item: &mut Attributes, name: &str, value: AttributeValue) {
    item.insert(name.to_owned(), value);
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn bad(rng: &mut Rng) -> String {
    (*pick(rng, &numbers::BAD)).to_owned()
}

fn bad_number(rng: &mut Rng) -> AttributeValue {
    AttributeValue::N(bad(rng))
}

/// Adds an attribute that is signed, and half of the time encrypted.
fn signed(rng: &mut Rng, table: &mut SchemaSpec, item: &mut Attributes, value: impl Fn(&mut Rng) -> AttributeValue) {
    let action = if rng.bool() { Action::EncryptAndSign } else { Action::SignOnly };
    set(table, "the fault", action);
    put(item, "the fault", value(rng));
}

fn key_action(table: &SchemaSpec) -> Action {
    let key = table.actions.iter().find(|(name, _)| *name == table.partition_key);
    key.map_or(Action::SignOnly, |(_, action)| *action)
}

fn set_key(table: &mut SchemaSpec, action: Action) {
    let key = table.partition_key.clone();
    set(table, &key, action);
}

fn set(table: &mut SchemaSpec, name: &str, action: Action) {
    table.actions.retain(|(other, _)| other != name);
    table.actions.push((name.to_owned(), action));
}
