//! Random tables and items. A seed and a number always give the same case.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::Blob;
use dynaseal_item::{Action, SchemaSpec, Suite};
use fastrand::Rng;

use crate::numbers;
use crate::rings::{BRANCH_KEYS, Ring};
use crate::values::{Attributes, binary};

/// A table, a key ring and an item that both sides must accept.
pub struct Case {
    pub number: u64,
    pub table: SchemaSpec,
    pub ring: Ring,
    pub item: Attributes,
    /// Left where generation stopped: mutations go on from here.
    pub rng: Rng,
}

/// Case `number` of `seed`, over these key rings. Rings, versions and suites take turns, everything else is drawn.
pub fn case(seed: u64, number: u64, rings: &[Ring]) -> Case {
    let mut rng = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03));
    let ring = ring(number, rings);
    let turn = number / rings.len() as u64;
    let version_2 = turn % 2 == 1;
    let suite = if turn / 2 % 2 == 1 && ring != Ring::KmsRsa { Suite::EcdsaP384 } else { Suite::Hmac };

    let prefix = rng.bool().then(|| (*pick(&mut rng, &PREFIXES)).to_owned());
    let mut names = Names { taken: BTreeSet::new(), prefix: prefix.clone() };
    let mut table = SchemaSpec {
        logical_name: (*pick(&mut rng, &TABLES)).to_owned(),
        partition_key: names.signed(&mut rng),
        sort_key: rng.bool().then(|| names.signed(&mut rng)),
        unsigned_prefix: prefix,
        suite,
        ..SchemaSpec::default()
    };
    let key_action = if version_2 { Action::SignAndIncludeInEncryptionContext } else { Action::SignOnly };
    let mut item = Attributes::new();
    for key in [Some(&table.partition_key), table.sort_key.as_ref()].into_iter().flatten() {
        table.actions.push((key.clone(), key_action));
        item.insert(key.clone(), key_value(&mut rng));
    }
    if ring == Ring::BranchPerTenant {
        let tenant = &pick(&mut rng, &BRANCH_KEYS).id;
        item.insert(table.partition_key.clone(), AttributeValue::S((*tenant).to_owned()));
    }
    let count = if rng.u32(0..50) == 0 { rng.usize(40..80) } else { rng.usize(0..12) };
    for _ in 0..count {
        attribute(&mut rng, &mut names, &mut table, &mut item, version_2);
    }
    Case { number, table, ring, item, rng }
}

/// The key ring of a case.
pub fn ring(number: u64, rings: &[Ring]) -> Ring {
    rings[(number % rings.len() as u64) as usize]
}

/// One more attribute, in the table's configuration, in the item, or in both.
fn attribute(rng: &mut Rng, names: &mut Names, table: &mut SchemaSpec, item: &mut Attributes, version_2: bool) {
    let action = match rng.u32(0..20) {
        0..10 => Action::EncryptAndSign,
        10..14 => Action::SignOnly,
        14..17 if version_2 => Action::SignAndIncludeInEncryptionContext,
        14..17 => Action::SignOnly,
        _ => Action::DoNothing,
    };
    if action == Action::DoNothing {
        let name = match &table.unsigned_prefix {
            Some(_) if rng.bool() => names.unsigned(rng),
            _ => {
                let name = names.signed(rng);
                table.unsigned.push(name.clone());
                name
            }
        };
        // Attributes outside the signature need no action.
        if rng.bool() {
            table.actions.push((name.clone(), action));
        }
        item.insert(name, value(rng, 1));
        return;
    }
    let name = names.signed(rng);
    table.actions.push((name.clone(), action));
    // An attribute that is encrypted or only signed may be absent; one of the context may not.
    let absent = action != Action::SignAndIncludeInEncryptionContext && rng.u32(0..10) == 0;
    if !absent {
        let level = if action == Action::SignAndIncludeInEncryptionContext { SHORT } else { 1 };
        item.insert(name, value(rng, level));
    }
}

/// Names not used yet, inside or outside the signature.
struct Names {
    taken: BTreeSet<String>,
    prefix: Option<String>,
}

impl Names {
    fn signed(&mut self, rng: &mut Rng) -> String {
        loop {
            let name = name(rng);
            let outside = self.prefix.as_ref().is_some_and(|prefix| name.starts_with(prefix));
            if !outside && self.taken.insert(name.clone()) {
                return name;
            }
        }
    }

    fn unsigned(&mut self, rng: &mut Rng) -> String {
        loop {
            let name = self.prefix.clone().unwrap_or_default() + &name(rng);
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

fn name(rng: &mut Rng) -> String {
    let length = if rng.u32(0..30) == 0 { rng.usize(50..63) } else { rng.usize(1..6) };
    (0..length).map(|_| *pick(rng, &NAME_CHARACTERS)).collect()
}

fn key_value(rng: &mut Rng) -> AttributeValue {
    match rng.u32(0..12) {
        0..6 => AttributeValue::S(text(rng)),
        6..9 => AttributeValue::N(numbers::spelling(rng)),
        9..11 => binary(bytes(rng, 40)),
        // DynamoDB has no such keys, but the format does. Like all of the context, a key must fit 65,535 bytes.
        _ => value(rng, SHORT),
    }
}

/// A value of any type; `level` is its depth, from 1. Only at level 1 it may be very long or very deep.
pub fn value(rng: &mut Rng, level: u32) -> AttributeValue {
    let types = if level < 5 { 12 } else { 8 };
    match rng.u32(0..types) {
        0 => AttributeValue::Null(true),
        1 => AttributeValue::Bool(rng.bool()),
        2 => AttributeValue::S(text(rng)),
        3 => AttributeValue::N(numbers::spelling(rng)),
        4 => {
            let long = level == 1 && rng.u32(0..40) == 0;
            let longest = if long { 100_000 } else { 60 };
            binary(bytes(rng, longest))
        }
        5 => AttributeValue::Ss(texts(rng).into_iter().collect()),
        6 => AttributeValue::Ns(numbers::distinct(rng)),
        7 => {
            let all: BTreeSet<Vec<u8>> = (0..rng.usize(0..6)).map(|_| bytes(rng, 12)).collect();
            let mut all: Vec<Blob> = all.into_iter().map(Blob::new).collect();
            rng.shuffle(&mut all);
            AttributeValue::Bs(all)
        }
        8 | 9 => AttributeValue::L((0..rng.usize(0..5)).map(|_| value(rng, level + 1)).collect()),
        10 => AttributeValue::M(map(rng, level)),
        _ if level == 1 => nested(rng, MAX_LEVEL),
        _ => AttributeValue::L(Vec::new()),
    }
}

/// A value whose innermost part is at level `levels`.
pub fn nested(rng: &mut Rng, levels: u32) -> AttributeValue {
    let mut nested = AttributeValue::N(numbers::spelling(rng));
    for _ in 1..levels {
        nested = match rng.bool() {
            true => AttributeValue::L(vec![nested]),
            false => AttributeValue::M(HashMap::from([("k".to_owned(), nested)])),
        };
    }
    nested
}

fn map(rng: &mut Rng, level: u32) -> HashMap<String, AttributeValue> {
    let all: BTreeMap<String, AttributeValue> =
        (0..rng.usize(0..5)).map(|_| (name(rng), value(rng, level + 1))).collect();
    all.into_iter().collect()
}

fn texts(rng: &mut Rng) -> Vec<String> {
    let all: BTreeSet<String> = (0..rng.usize(0..6)).map(|_| text(rng)).collect();
    let mut all: Vec<String> = all.into_iter().collect();
    rng.shuffle(&mut all);
    all
}

fn text(rng: &mut Rng) -> String {
    let length = match rng.u32(0..40) {
        0 => rng.usize(500..3000),
        1..5 => 0,
        _ => rng.usize(1..20),
    };
    (0..length).map(|_| *pick(rng, &TEXT_CHARACTERS)).collect()
}

fn bytes(rng: &mut Rng, longest: usize) -> Vec<u8> {
    let length = if longest > 1000 { longest } else { rng.usize(0..=longest) };
    let mut bytes = vec![0; length];
    rng.fill(&mut bytes);
    bytes
}

pub fn pick<'a, T>(rng: &mut Rng, all: &'a [T]) -> &'a T {
    &all[rng.usize(0..all.len())]
}

/// The deepest level that the format allows.
pub const MAX_LEVEL: u32 = 32;
/// The level from which values are short.
const SHORT: u32 = 2;

const TABLES: [&str; 8] =
    ["Orders", "T", "Té🔑", "", "a/b c", "名前", "table$1", "a-very-long-logical-table-name-of-a-cluster-0001"];
const PREFIXES: [&str; 4] = [":", "_é", "🔑", "unsigned."];
/// Characters of one, two, three and four bytes; the last two sort differently by UTF-16 and by bytes.
const NAME_CHARACTERS: [char; 16] =
    ['a', 'b', 'c', 'Z', '0', '$', '.', ' ', '_', '-', 'é', 'ß', '名', '\u{1f511}', '\u{ffee}', '\u{10fffd}'];
const TEXT_CHARACTERS: [char; 14] =
    ['a', 'B', '1', ' ', '"', '\\', '/', '\n', '\0', '\u{7f}', 'é', '名', '\u{ffee}', '\u{1f511}'];
