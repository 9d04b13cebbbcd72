//! Random writes of one item.

use serde_json::{Value, json};

use super::expressions::{Placeholders, condition, plain_condition, update};
use super::legacy;
use super::tables::{OPEN, RANGES, THINGS};
use crate::random::compare::Request;
use crate::random::{Random, value};

pub fn table(random: &mut Random) -> &'static str {
    match random.below(12) {
        0 => OPEN,
        1..=5 => RANGES,
        _ => THINGS,
    }
}

pub fn key(random: &mut Random, table: &str) -> Value {
    match table {
        RANGES => json!({"id": {"S": random.pick(&["a", "b"])}, "pos": {"N": random.pick(&["1", "2", "3"])}}),
        _ => json!({"id": {"S": random.pick(&["a", "b", "c"])}}),
    }
}

/// An item with this key.
pub fn item(random: &mut Random, key: Value) -> Value {
    let mut item = key;
    for attribute in ["n", "s", "l", "m", "ss", "ns", "b", "t", "hits", "tags"] {
        if random.chance(50) {
            item[attribute] = value(random, attribute);
        }
    }
    if item.get("pos").is_some() {
        for attribute in ["g", "r"] {
            if random.chance(75) {
                item[attribute] = value(random, attribute);
            }
        }
    }
    item
}

/// A condition of any kind in a request, and what it answers when it fails.
pub fn with_condition(random: &mut Random, body: &mut Value, placeholders: &mut Placeholders) {
    let native = random.chance(20);
    let text = if native { plain_condition(random, placeholders) } else { condition(random, placeholders) };
    body["ConditionExpression"] = json!(text);
    if random.chance(50) {
        body["ReturnValuesOnConditionCheckFailure"] = json!(random.pick(&["ALL_OLD", "ALL_OLD", "NONE"]));
    }
}

fn request(operation: &str, body: Value) -> Request {
    Request { operation: operation.to_owned(), body }
}

pub fn put(random: &mut Random) -> Request {
    let table = table(random);
    let key = key(random, table);
    let mut body = json!({"TableName": table, "Item": item(random, key)});
    returns(random, &mut body, &["NONE", "ALL_OLD"]);
    conditions(random, &mut body);
    request("PutItem", body)
}

pub fn delete(random: &mut Random) -> Request {
    let table = table(random);
    let mut body = json!({"TableName": table, "Key": key(random, table)});
    returns(random, &mut body, &["NONE", "ALL_OLD", "ALL_OLD"]);
    conditions(random, &mut body);
    request("DeleteItem", body)
}

pub fn change(random: &mut Random) -> Request {
    let table = table(random);
    let mut body = json!({"TableName": table, "Key": key(random, table)});
    returns(random, &mut body, &["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"]);
    match random.below(10) {
        // Without any update, with or without a condition.
        0 => conditions(random, &mut body),
        1 | 2 => {
            body["AttributeUpdates"] = legacy::updates(random);
            if random.chance(40) {
                legacy::expected(random, &mut body);
            }
        }
        _ => {
            let mut placeholders = Placeholders::default();
            body["UpdateExpression"] = json!(update(random, &mut placeholders));
            if random.chance(40) {
                with_condition(random, &mut body, &mut placeholders);
            }
            placeholders.put(&mut body);
        }
    }
    request("UpdateItem", body)
}

fn returns(random: &mut Random, body: &mut Value, all: &[&str]) {
    if random.chance(80) {
        body["ReturnValues"] = json!(random.pick(all));
    }
}

/// A condition of the new or of the old kind, or none.
fn conditions(random: &mut Random, body: &mut Value) {
    match random.below(10) {
        0..=4 => {
            let mut placeholders = Placeholders::default();
            with_condition(random, body, &mut placeholders);
            placeholders.put(body);
        }
        5 | 6 => legacy::expected(random, body),
        _ => {}
    }
}
