//! `Expected` and `AttributeUpdates`, asked through PutItem and UpdateItem.

use dynaseal_engine::expr::apply::apply;
use dynaseal_engine::expr::error::Error;
use dynaseal_engine::expr::eval::holds;
use dynaseal_engine::expr::legacy;
use dynaseal_item::{Item, json as item_json};
use serde_json::{Map, Value, json};

use crate::exceptions::Outcome;
use crate::generate::{ATTRIBUTES, value, with_nulls};
use crate::oracle::TABLE;
use crate::pairs::{Given, Pair, compare};
use crate::random::Random;

#[test]
fn legacy_parameters() {
    compare("legacy parameters", 15_000, 0x1e9, |random, given| {
        let Given { oracle, stored, opened } = *given;
        let (request, ours, theirs) = if random.once_in(2) {
            let mut request = json!({"TableName": TABLE, "Item": stored, "Expected": expected(random, stored)});
            if random.once_in(3) {
                request["ConditionalOperator"] = json!(random.pick(&["AND", "OR"]));
            }
            (request.clone(), held(&request, opened), oracle.put(request))
        } else {
            let updates = updates(random, stored);
            let request = json!({"TableName": TABLE, "Key": {"k": {"S": "key"}}, "AttributeUpdates": updates,
                "ReturnValues": "ALL_NEW"});
            let theirs = oracle.update(&request);
            oracle.put(json!({"TableName": TABLE, "Item": stored}));
            (request.clone(), updated(&request, opened), theirs)
        };
        Pair { asked: request.to_string(), ours, theirs }
    });
}

fn attributes(random: &mut Random) -> Vec<&'static str> {
    let first = random.below(ATTRIBUTES.len());
    (0..=random.below(2)).map(|step| ATTRIBUTES[(first + step) % ATTRIBUTES.len()]).collect()
}

/// A value of the item or another one.
fn some_value(random: &mut Random, stored: &Map<String, Value>, name: &str) -> Value {
    let value = match stored.get(name) {
        Some(value) if !random.once_in(3) => value.clone(),
        _ => value(random, 1),
    };
    with_nulls(random, value)
}

fn expected(random: &mut Random, stored: &Map<String, Value>) -> Value {
    const OPERATORS: [&str; 14] = [
        "EQ",
        "NE",
        "LT",
        "LE",
        "GT",
        "GE",
        "NULL",
        "NOT_NULL",
        "BEGINS_WITH",
        "CONTAINS",
        "NOT_CONTAINS",
        "IN",
        "BETWEEN",
        "eq",
    ];
    let mut all = Map::new();
    for name in attributes(random) {
        let mut one = Map::new();
        match random.below(6) {
            0 => drop(one.insert("Exists".into(), json!(random.once_in(3)))),
            1 => drop(one.insert("Value".into(), some_value(random, stored, name))),
            _ => {
                let operator = random.pick(&OPERATORS);
                one.insert("ComparisonOperator".into(), json!(operator));
                let count = match operator {
                    _ if random.once_in(15) => random.below(3),
                    "NULL" | "NOT_NULL" => 0,
                    "BETWEEN" => 2,
                    _ => 1,
                };
                let kinds: &[&str] = match operator {
                    "LT" | "LE" | "GT" | "GE" | "IN" | "BETWEEN" => &["S", "N", "B"],
                    "BEGINS_WITH" => &["S", "B"],
                    "CONTAINS" | "NOT_CONTAINS" => &["S", "N", "B", "BOOL"],
                    _ => &[],
                };
                let mut list: Vec<_> = (0..count).map(|_| of_kind(random, stored, name, kinds)).collect();
                if count == 2 && !random.once_in(4) {
                    list[1] = list[0].clone();
                }
                if !list.is_empty() || random.once_in(20) {
                    one.insert("AttributeValueList".into(), Value::Array(list));
                }
            }
        }
        all.insert(name.to_owned(), Value::Object(one));
    }
    Value::Object(all)
}

fn updates(random: &mut Random, stored: &Map<String, Value>) -> Value {
    let mut all = Map::new();
    for name in attributes(random) {
        let mut one = Map::new();
        let action = *random.pick(&[&"PUT", &"ADD", &"ADD", &"DELETE", &"DELETE"]);
        if !(action == "PUT" && random.once_in(2)) {
            one.insert("Action".into(), json!(action));
        }
        if !(action == "DELETE" && random.once_in(2) || random.once_in(20)) {
            let kinds: &[&str] = match action {
                "ADD" => &["N", "N", "SS", "NS", "L"],
                "DELETE" => &["SS", "NS", "BS"],
                _ => &[],
            };
            one.insert("Value".into(), of_kind(random, stored, name, kinds));
        }
        all.insert(name.to_owned(), Value::Object(one));
    }
    Value::Object(all)
}

/// A value of one of these types, mostly; of the type of what the item holds, if it is one of them.
fn of_kind(random: &mut Random, stored: &Map<String, Value>, name: &str, kinds: &[&str]) -> Value {
    let held = stored.get(name).and_then(|value| kinds.iter().find(|kind| value.get(kind).is_some()));
    if kinds.is_empty() || random.once_in(25) {
        return some_value(random, stored, name);
    }
    loop {
        let value = some_value(random, stored, name);
        let fits = |kind: &&str| value.get(*kind).is_some_and(|inner| !inner.is_null());
        if held.map_or_else(|| kinds.iter().any(fits), fits) {
            return value;
        }
    }
}

fn held(request: &Value, item: &Item<'_>) -> Outcome {
    let text = request["Expected"].to_string();
    let read = legacy::read_conditions(&text).unwrap();
    let operator = request.get("ConditionalOperator").and_then(Value::as_str);
    let condition = legacy::expected(&read, operator);
    done(
        condition
            .and_then(|condition| condition.map_or(Ok(true), |condition| holds(&condition, item)))
            .map(Value::from),
    )
}

fn updated(request: &Value, item: &Item<'_>) -> Outcome {
    let text = request["AttributeUpdates"].to_string();
    let read = legacy::read_updates(&text).unwrap();
    let key_text = request["Key"].to_string();
    let key = item_json::read_item(&key_text).unwrap();
    let applied = legacy::attribute_updates(&read).and_then(|update| apply(&update, Some(item), &key));
    done(applied.map(|applied| {
        let mut out = Vec::new();
        item_json::write_item(&applied.item.unwrap(), &mut out);
        serde_json::from_slice(&out).unwrap()
    }))
}

fn done(result: Result<Value, Error>) -> Outcome {
    match result {
        Ok(value) => Outcome::Done(value),
        Err(error) => Outcome::of(&error),
    }
}
