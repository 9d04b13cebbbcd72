//! Conditions, asked through PutItem of the item that is there.

use dynaseal_engine::expr::error::Kind;
use dynaseal_engine::expr::names::{Names, Scope, Values};
use dynaseal_engine::expr::{condition, eval};
use dynaseal_item::{Item, json as item_json};
use serde_json::{Map, Value, json};

use crate::exceptions::Outcome;
use crate::generate::Writer;
use crate::oracle::TABLE;
use crate::pairs::{Pair, compare};
use crate::random::Random;

#[test]
fn conditions() {
    compare("conditions", 70_000, 0xc0de, |random, given| {
        let (request, condition) = request(random, given.stored);
        let ours = ours(&request, &condition, given.opened);
        Pair { asked: format!("{condition:?} in {request}"), ours, theirs: given.oracle.put(request) }
    });
}

fn request(random: &mut Random, stored: &Map<String, Value>) -> (Value, String) {
    let mutated = random.once_in(5);
    let mut writer = Writer::new(random, stored);
    let mut text = condition(&mut writer, 3);
    if mutated {
        text = writer.mutate(&text);
    }
    if writer.random.once_in(60) {
        writer.define(json!({"S": "unused"}));
    }
    let mut request = json!({"TableName": TABLE, "Item": stored, "ConditionExpression": text});
    writer.members(&mut request);
    (request, text)
}

fn condition(writer: &mut Writer<'_>, depth: usize) -> String {
    let space = writer.space();
    if depth > 0 && writer.random.once_in(2) {
        let left = condition(writer, depth - 1);
        return match writer.random.below(4) {
            0 => format!("{left}{space}AND {}", condition(writer, depth - 1)),
            1 => format!("{left} or{space}{}", condition(writer, depth - 1)),
            2 => format!("NOT {left}"),
            // Brackets around brackets would be refused.
            _ if left.starts_with('(') => left,
            _ => format!("({left} )"),
        };
    }
    leaf(writer)
}

fn leaf(writer: &mut Writer<'_>) -> String {
    match writer.random.below(12) {
        0..=3 => {
            let sign = writer.random.pick(&["=", "<>", "<", "<=", ">", ">="]);
            let left = operand(writer);
            let right = if sign.contains(['<', '>']) && sign != "<>" {
                writer.scalar(&["S", "N", "B"])
            } else if writer.random.once_in(3) {
                operand(writer)
            } else {
                writer.value()
            };
            if writer.random.once_in(6) { format!("{right} {sign} {left}") } else { format!("{left} {sign} {right}") }
        }
        4 => {
            let kind = *writer.random.pick(&[&"S", &"N", &"B"]);
            let (low, high) = (writer.scalar(&[kind]), writer.scalar(&[kind]));
            format!("{} BETWEEN {low} AND {high}", operand(writer))
        }
        5 => format!("{} BETWEEN {} and {}", writer.path(), operand(writer), operand(writer)),
        6 => {
            let all: Vec<_> = (0..=writer.random.below(4)).map(|_| writer.value()).collect();
            format!("{} in ( {} )", operand(writer), all.join(" , "))
        }
        7 => format!("attribute_exists( {} )", writer.path()),
        8 => format!("attribute_not_exists( {} )", writer.path()),
        9 => {
            let kind = writer.random.pick(&["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"]);
            let kind = writer.define(json!({"S": kind}));
            format!("attribute_type( {} , {kind} )", writer.path())
        }
        10 => {
            let prefix = if writer.random.once_in(8) { writer.value() } else { writer.scalar(&["S", "B"]) };
            format!("begins_with( {} , {prefix} )", writer.path())
        }
        _ => {
            let part = if writer.random.once_in(4) { writer.path() } else { writer.value() };
            format!("contains( {} , {part} )", writer.path())
        }
    }
}

fn operand(writer: &mut Writer<'_>) -> String {
    if writer.random.once_in(6) { format!("size( {} )", writer.path()) } else { writer.path() }
}

/// What this crate makes of the request's condition.
fn ours(request: &Value, text: &str, item: &Item<'_>) -> Outcome {
    let (names, values) = (names(request), values(request));
    let mut scope = Scope::new(&names, &values);
    let read = condition::parse(text, Kind::Condition, &mut scope)
        .and_then(|condition| scope.check_unused().map(|()| condition));
    match read.and_then(|condition| eval::holds(&condition, item)) {
        Ok(holds) => Outcome::Done(json!(holds)),
        Err(error) => Outcome::of(&error),
    }
}

pub fn names(request: &Value) -> Names<'static> {
    let all = request.get("ExpressionAttributeNames").and_then(Value::as_object);
    let all = all.into_iter().flatten();
    all.map(|(name, attribute)| (name.clone().into(), attribute.as_str().unwrap().to_owned().into())).collect()
}

pub fn values(request: &Value) -> Values<'static> {
    let all = request.get("ExpressionAttributeValues").and_then(Value::as_object);
    let all = all.into_iter().flatten();
    let read = |value: &Value| item_json::read_value(&value.to_string()).unwrap().into_owned();
    all.map(|(name, value)| (name.clone().into(), read(value))).collect()
}
