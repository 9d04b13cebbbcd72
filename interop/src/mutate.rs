//! One change to a sealed item, or to how it is read. Both sides must give the same verdict on it.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::Blob;
use dynaseal_item::{Action, SchemaSpec};
use fastrand::Rng;

use crate::generate::{self, pick};
use crate::numbers;
use crate::rings::Ring;
use crate::values::{Attributes, binary};

/// A sealed item and what it is read with.
#[derive(Clone)]
pub struct Reading {
    pub table: SchemaSpec,
    pub ring: Ring,
    pub item: Attributes,
}

/// A kind of change; `None` if it cannot be made to this item.
pub struct Mutation {
    pub name: &'static str,
    apply: fn(&mut Rng, &mut Reading, &Attributes) -> Option<String>,
}

/// Makes one change that is possible. `other` is the same item, sealed by the other side.
pub fn mutate(rng: &mut Rng, reading: &Reading, other: &Attributes) -> (&'static str, String, Reading) {
    loop {
        let mut changed = reading.clone();
        let mutation = pick(rng, &MUTATIONS);
        if let Some(what) = (mutation.apply)(rng, &mut changed, other) {
            return (mutation.name, what, changed);
        }
    }
}

pub const HEAD: &str = "aws_dbe_head";
pub const FOOT: &str = "aws_dbe_foot";

const fn mutation(name: &'static str, apply: fn(&mut Rng, &mut Reading, &Attributes) -> Option<String>) -> Mutation {
    Mutation { name, apply }
}

pub const MUTATIONS: [Mutation; 25] = [
    mutation("flip a bit", flip),
    mutation("change a header field", header_byte),
    mutation("truncate a binary", truncate),
    mutation("extend a binary", extend),
    mutation("remove an attribute", remove),
    mutation("add a signed attribute", add),
    mutation("add an unsigned attribute", add_unsigned),
    mutation("add a reserved attribute", add_reserved),
    mutation("rename an attribute", rename),
    mutation("swap two values", swap),
    mutation("replace a value", replace),
    mutation("change a type", retype),
    mutation("change a key value", change_key),
    mutation("take an attribute of another item", take),
    mutation("take header and footer of another item", take_both),
    mutation("take the whole of another item", take_all),
    mutation("permute the tags", permute_tags),
    mutation("respell a number", respell),
    mutation("reorder a set", reorder),
    mutation("repeat a set member", repeat),
    mutation("read as another table", other_table),
    mutation("read without the sort key", without_sort_key),
    mutation("read with other actions", other_actions),
    mutation("read with another signature scope", other_scope),
    mutation("read with another key ring", other_ring),
];

fn flip(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let (name, mut bytes) = some_binary(rng, &reading.item)?;
    let bit = rng.usize(0..bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    reading.item.insert(name.clone(), binary(bytes));
    Some(format!("bit {bit} of {name}"))
}

/// Version, flavor, legend, context and data keys stand in front, where a random flip seldom strikes.
fn header_byte(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let mut bytes = bytes_of(&reading.item, HEAD)?;
    let at = *pick(rng, &[0, 1, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46]);
    let value = *pick(rng, &[0, 1, 2, 3, 0x7f, 0xff, b'e', b's', b'c']);
    let byte = bytes.get_mut(at)?;
    let old = std::mem::replace(byte, value);
    reading.item.insert(HEAD.to_owned(), binary(bytes));
    Some(format!("byte {at} from {old} to {value}"))
}

fn truncate(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let (name, mut bytes) = some_binary(rng, &reading.item)?;
    let length = rng.usize(0..bytes.len());
    bytes.truncate(length);
    reading.item.insert(name.clone(), binary(bytes));
    Some(format!("{name} to {length} bytes"))
}

fn extend(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let (name, mut bytes) = some_binary(rng, &reading.item)?;
    bytes.extend((0..rng.usize(1..49)).map(|_| rng.u8(..)));
    reading.item.insert(name.clone(), binary(bytes));
    Some(name)
}

fn remove(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let name = some_name(rng, &reading.item)?;
    reading.item.remove(&name);
    Some(name)
}

fn add(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let name = format!("new{}", rng.u8(..));
    let value = generate::value(rng, 3);
    reading.item.insert(name.clone(), value);
    Some(name)
}

fn add_unsigned(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let name = format!("{}new", reading.table.unsigned_prefix.as_ref()?);
    reading.item.insert(name.clone(), generate::value(rng, 3));
    Some(name)
}

fn add_reserved(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let name = (*pick(rng, &["aws_dbe_v_1", "aws_dbe_b_x", "aws_dbe_", "aws_dbe_Head"])).to_owned();
    reading.item.insert(name.clone(), generate::value(rng, 3));
    Some(name)
}

fn rename(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let name = some_name(rng, &reading.item)?;
    let new = match rng.u32(0..3) {
        0 => format!("{name}x"),
        1 => name.chars().rev().collect(),
        _ => (*pick(rng, &["new", "aws_dbe_x", "é"])).to_owned(),
    };
    if reading.item.contains_key(&new) {
        return None;
    }
    let value = reading.item.remove(&name)?;
    reading.item.insert(new.clone(), value);
    Some(format!("{name} to {new}"))
}

fn swap(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let (first, second) = (some_name(rng, &reading.item)?, some_name(rng, &reading.item)?);
    let (one, two) = (reading.item[&first].clone(), reading.item[&second].clone());
    if one == two {
        return None;
    }
    reading.item.insert(first.clone(), two);
    reading.item.insert(second.clone(), one);
    Some(format!("{first} and {second}"))
}

fn replace(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let name = some_name(rng, &reading.item)?;
    reading.item.insert(name.clone(), generate::value(rng, 1));
    Some(name)
}

fn retype(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let name = some_name(rng, &reading.item)?;
    let value = match &reading.item[&name] {
        AttributeValue::B(bytes) => match std::str::from_utf8(bytes.as_ref()) {
            Ok(text) => AttributeValue::S(text.to_owned()),
            Err(_) => AttributeValue::Bs(vec![bytes.clone()]),
        },
        AttributeValue::S(text) => match rng.bool() {
            true => binary(text.as_bytes()),
            false => AttributeValue::Ss(vec![text.clone()]),
        },
        AttributeValue::N(text) => match rng.bool() {
            true => AttributeValue::S(text.clone()),
            false => AttributeValue::Ns(vec![text.clone()]),
        },
        AttributeValue::Ss(all) => AttributeValue::L(all.iter().cloned().map(AttributeValue::S).collect()),
        AttributeValue::Ns(all) => AttributeValue::Ss(all.clone()),
        AttributeValue::Bs(all) => AttributeValue::L(all.iter().cloned().map(AttributeValue::B).collect()),
        AttributeValue::Bool(_) => AttributeValue::Null(true),
        AttributeValue::Null(_) => AttributeValue::Bool(true),
        AttributeValue::L(_) => AttributeValue::M(Default::default()),
        AttributeValue::M(_) => AttributeValue::L(Vec::new()),
        _ => return None,
    };
    reading.item.insert(name.clone(), value);
    Some(name)
}

fn change_key(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let name = match &reading.table.sort_key {
        Some(name) if rng.bool() => name.clone(),
        _ => reading.table.partition_key.clone(),
    };
    let value = match &reading.item[&name] {
        AttributeValue::S(text) => AttributeValue::S(format!("{text}x")),
        AttributeValue::N(_) => AttributeValue::N("123456.789".to_owned()),
        _ => generate::value(rng, 1),
    };
    reading.item.insert(name.clone(), value);
    Some(name)
}

fn take(rng: &mut Rng, reading: &mut Reading, other: &Attributes) -> Option<String> {
    let name = some_name(rng, other)?;
    reading.item.insert(name.clone(), other[&name].clone());
    Some(name)
}

fn take_both(_: &mut Rng, reading: &mut Reading, other: &Attributes) -> Option<String> {
    for name in [HEAD, FOOT] {
        reading.item.insert(name.to_owned(), other.get(name)?.clone());
    }
    Some(String::new())
}

fn take_all(_: &mut Rng, reading: &mut Reading, other: &Attributes) -> Option<String> {
    reading.item = other.clone();
    Some(String::new())
}

fn permute_tags(_: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let mut foot = bytes_of(&reading.item, FOOT)?;
    if reading.ring != Ring::Multi {
        return None;
    }
    foot.get_mut(..TAG * Ring::MULTI.len())?.rotate_left(TAG);
    reading.item.insert(FOOT.to_owned(), binary(foot));
    Some(String::new())
}

fn respell(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let name = some_name(rng, &reading.item)?;
    match reading.item.get_mut(&name)? {
        AttributeValue::N(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            *text = numbers::respell(rng, text)
        }
        AttributeValue::Ns(all) => {
            for text in all {
                if text.bytes().all(|byte| byte.is_ascii_digit()) {
                    *text = numbers::respell(rng, text);
                }
            }
        }
        _ => return None,
    }
    Some(name)
}

fn reorder(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let name = some_name(rng, &reading.item)?;
    match reading.item.get_mut(&name)? {
        AttributeValue::Ss(all) | AttributeValue::Ns(all) => all.reverse(),
        AttributeValue::Bs(all) => all.reverse(),
        AttributeValue::L(all) => all.reverse(),
        _ => return None,
    }
    Some(name)
}

/// Outside the signature AWS's crate looks into values too and we do not; `faults` has that difference.
fn repeat(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let name = some_name(rng, &reading.item).filter(|name| !is_unsigned(&reading.table, name))?;
    match reading.item.get_mut(&name)? {
        AttributeValue::Ss(all) | AttributeValue::Ns(all) => all.push(all.first()?.clone()),
        AttributeValue::Bs(all) => all.push(all.first()?.clone()),
        _ => return None,
    }
    Some(name)
}

fn other_table(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    reading.table.logical_name.push(*pick(rng, &['x', 'é', '\0']));
    Some(reading.table.logical_name.clone())
}

fn without_sort_key(_: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    reading.table.sort_key.take()
}

/// Readers go by the header, so this must make no difference.
fn other_actions(_: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    for (_, action) in &mut reading.table.actions {
        *action = match *action {
            Action::EncryptAndSign => Action::SignOnly,
            Action::SignOnly => Action::EncryptAndSign,
            other => other,
        };
    }
    let keys = [Some(&reading.table.partition_key), reading.table.sort_key.as_ref()];
    for (name, action) in &mut reading.table.actions {
        if keys.contains(&Some(name)) && *action == Action::EncryptAndSign {
            *action = Action::SignOnly;
        }
    }
    Some(String::new())
}

fn other_scope(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    let name = some_name(rng, &reading.item)?;
    if name.starts_with("aws_dbe_")
        || name == reading.table.partition_key
        || Some(&name) == reading.table.sort_key.as_ref()
    {
        return None;
    }
    reading.table.actions.retain(|(other, _)| *other != name);
    match reading.table.unsigned.iter().position(|other| *other == name) {
        Some(at) => {
            reading.table.unsigned.remove(at);
        }
        None => reading.table.unsigned.push(name.clone()),
    }
    Some(name)
}

fn other_ring(rng: &mut Rng, reading: &mut Reading, _: &Attributes) -> Option<String> {
    reading.ring = *pick(rng, &[&Ring::ALL[..], &Ring::OPENING].concat());
    Some(format!("{:?}", reading.ring))
}

fn is_unsigned(table: &SchemaSpec, name: &str) -> bool {
    let prefixed = table.unsigned_prefix.as_ref().is_some_and(|prefix| name.starts_with(prefix));
    prefixed || table.unsigned.iter().any(|other| other == name)
}

/// A binary attribute that is not empty; half of the time header or footer.
fn some_binary(rng: &mut Rng, item: &Attributes) -> Option<(String, Vec<u8>)> {
    let name = match rng.u32(0..4) {
        0 => HEAD.to_owned(),
        1 => FOOT.to_owned(),
        _ => some_name(rng, item)?,
    };
    let bytes = bytes_of(item, &name)?;
    (!bytes.is_empty()).then_some((name, bytes))
}

fn some_name(rng: &mut Rng, item: &Attributes) -> Option<String> {
    item.keys().nth(rng.usize(0..item.len().max(1))).cloned()
}

fn bytes_of(item: &Attributes, name: &str) -> Option<Vec<u8>> {
    item.get(name)?.as_b().ok().map(|bytes: &Blob| bytes.as_ref().to_vec())
}

/// Bytes of one tag in the footer.
const TAG: usize = 48;
