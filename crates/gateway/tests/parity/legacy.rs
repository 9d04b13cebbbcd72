//! Random parameters from before there were expressions.

use serde_json::{Map, Value, json};

use crate::random::{Random, value};

/// Attributes that are tested and updated, with the kind of their values.
const ATTRIBUTES: [&str; 11] = ["n", "s", "l", "m", "ss", "ns", "b", "hits", "t", "g", "gone"];

fn attributes(random: &mut Random) -> Vec<&'static str> {
    let first = random.below(ATTRIBUTES.len());
    (0..=random.below(2)).map(|step| ATTRIBUTES[(first + step * 4) % ATTRIBUTES.len()]).collect()
}

/// `Expected`, with or without operators, and now and then `ConditionalOperator`.
pub fn expected(random: &mut Random, body: &mut Value) {
    let mut all = Map::new();
    for name in attributes(random) {
        all.insert(
            name.to_owned(),
            match random.below(5) {
                0 => json!({"Exists": false}),
                1 => json!({"Value": value(random, name)}),
                2 => json!({"Exists": true, "Value": value(random, name)}),
                _ => comparison(random, name),
            },
        );
    }
    join(random, body, "Expected", all);
}

/// `QueryFilter` or `ScanFilter`.
pub fn filter(random: &mut Random, body: &mut Value, member: &str) {
    let all = attributes(random).into_iter().map(|name| (name.to_owned(), comparison(random, name))).collect();
    join(random, body, member, all);
}

fn join(random: &mut Random, body: &mut Value, member: &str, all: Map<String, Value>) {
    body[member] = all.into();
    if random.chance(40) {
        body["ConditionalOperator"] = json!(random.pick(&["AND", "OR"]));
    }
}

/// Left out is `NOT_CONTAINS`, which dynoxide calls true of an attribute that is not there.
fn comparison(random: &mut Random, name: &str) -> Value {
    // dynoxide checks the types of values that are ordered or searched only here and there.
    let simple = match name {
        "n" | "hits" => json!({"N": "1"}),
        _ => json!({"S": "x"}),
    };
    match random.below(8) {
        0 => json!({"ComparisonOperator": "NULL"}),
        1 => json!({"ComparisonOperator": "NOT_NULL"}),
        2 | 3 => {
            let operator = random.pick(&["EQ", "NE"]);
            json!({"ComparisonOperator": operator, "AttributeValueList": [value(random, name)]})
        }
        4 => {
            let operator = random.pick(&["LT", "LE", "GT", "GE", "CONTAINS"]);
            json!({"ComparisonOperator": operator, "AttributeValueList": [simple]})
        }
        5 => json!({"ComparisonOperator": "BEGINS_WITH", "AttributeValueList": [{"S": "x"}]}),
        6 => json!({"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "1"}, {"N": "30"}]}),
        _ => json!({"ComparisonOperator": "IN", "AttributeValueList": [simple, simple]}),
    }
}

/// `AttributeUpdates`.
pub fn updates(random: &mut Random) -> Value {
    let mut all = Map::new();
    if random.chance(10) {
        return all.into();
    }
    for name in attributes(random) {
        all.insert(
            name.to_owned(),
            match random.below(5) {
                0 => json!({"Value": value(random, name)}),
                1 => json!({"Action": "PUT", "Value": value(random, name)}),
                2 if matches!(name, "ss" | "ns") => json!({"Action": "DELETE", "Value": value(random, name)}),
                3 if matches!(name, "n" | "hits" | "ss" | "ns" | "l") => {
                    json!({"Action": "ADD", "Value": value(random, name)})
                }
                _ => json!({"Action": "DELETE"}),
            },
        );
    }
    all.into()
}

/// `AttributesToGet`.
pub fn attributes_to_get(random: &mut Random) -> Value {
    json!(attributes(random))
}
