//! Key conditions, asked through Query.

use dynaseal_engine::expr::key::KeyCondition;
use dynaseal_engine::expr::names::Scope;
use serde_json::{Map, Value, json};

use crate::conditions::{names, values};
use crate::exceptions::Outcome;
use crate::generate::Writer;
use crate::oracle::{Oracle, TABLE};
use crate::random::Random;
use crate::report::{Report, plan};

#[test]
fn key_conditions() {
    let (pairs, first) = plan(10_000);
    let oracle = Oracle::new(true);
    let mut report = Report::default();
    for seed in first..first + pairs {
        let mut random = Random::new(seed ^ 0x6e7);
        let mutated = random.once_in(4);
        let mut writer = Writer::new(&mut random, &Map::new());
        let mut text = condition(&mut writer);
        if mutated {
            text = writer.mutate(&text);
        }
        let mut request = json!({"TableName": TABLE, "KeyConditionExpression": text});
        writer.members(&mut request);
        report.pair(seed, &format!("{text:?} over {request}"), &ours(&request, &text), &oracle.query(&request));
    }
    report.finish("key conditions");
}

fn condition(writer: &mut Writer<'_>) -> String {
    let name = if writer.random.once_in(15) { "a" } else { "k" };
    let key = (writer.name(name), writer.define(json!({"S": "key"})));
    let partition = match writer.random.below(12) {
        0 => format!("{} = {}", key.1, key.0),
        1 => format!("( {} = {} )", key.0, key.1),
        2 => format!("{} > {}", key.0, key.1),
        _ => format!("{} = {}", key.0, key.1),
    };
    if writer.random.once_in(3) {
        return partition;
    }
    let name = if writer.random.once_in(15) { "b" } else { "r" };
    let sort = writer.name(name);
    let value = writer.scalar(&["N"]);
    let sort = match writer.random.below(7) {
        0 => format!("{sort} BETWEEN {value} AND {value}"),
        1 => format!("begins_with( {sort} , {value} )"),
        2 => format!("{value} <= {sort}"),
        _ => format!("{sort} {} {value}", writer.random.pick(&["=", "<", "<=", ">", ">="])),
    };
    if writer.random.once_in(2) { format!("{partition} AND {sort}") } else { format!("{sort} and {partition}") }
}

fn ours(request: &Value, text: &str) -> Outcome {
    let (names, values) = (names(request), values(request));
    let mut scope = Scope::new(&names, &values);
    let read = KeyCondition::parse(text, &mut scope).and_then(|read| {
        read.check_keys("k", Some("r"))?;
        scope.check_unused()
    });
    match read {
        Ok(()) => Outcome::Done(json!(true)),
        Err(error) => Outcome::Request(error.message()),
    }
}
