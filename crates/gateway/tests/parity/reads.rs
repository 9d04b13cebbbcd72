//! Random reads of one item, and Query and Scan of tables and indexes.

use serde_json::{Value, json};

use super::expressions::{Placeholders, condition, plain_condition, projection};
use super::legacy;
use super::tables::{INDEXES, Index, RANGES};
use super::writes::{key, table};
use crate::random::compare::Request;
use crate::random::{Random, value};

pub fn get(random: &mut Random) -> Request {
    let table = table(random);
    let mut body = json!({"TableName": table, "Key": key(random, table)});
    shown(random, &mut body, 60);
    consistent(random, &mut body);
    Request { operation: "GetItem".to_owned(), body }
}

/// A projection of the new or of the old kind, or none. For reads without other expressions.
pub fn shown(random: &mut Random, body: &mut Value, percent: usize) {
    if random.chance(percent) {
        if random.chance(25) {
            body["AttributesToGet"] = legacy::attributes_to_get(random);
        } else {
            let mut placeholders = Placeholders::default();
            body["ProjectionExpression"] = json!(projection(random, &mut placeholders));
            placeholders.put(body);
        }
    }
}

pub fn consistent(random: &mut Random, body: &mut Value) {
    if random.chance(20) {
        body["ConsistentRead"] = json!(random.chance(80));
    }
}

/// What is read: a table or an index of one.
fn source(random: &mut Random) -> (&'static str, Option<&'static Index>) {
    let table = if random.chance(60) { RANGES } else { table(random) };
    let index = (table == RANGES && random.chance(60)).then(|| &INDEXES[random.below(INDEXES.len())]);
    (table, index)
}

pub fn query(random: &mut Random) -> Request {
    let (table, index) = source(random);
    let (hash, range) = match index {
        Some(index) => index.keys,
        None => ("id", (table == RANGES).then_some("pos")),
    };
    let mut body = json!({"TableName": table});
    if let Some(index) = index {
        body["IndexName"] = json!(index.name);
    }
    let range = range.filter(|_| random.chance(40));
    if random.chance(30) {
        body["ScanIndexForward"] = json!(random.chance(40));
    }
    if random.chance(25) {
        let equal = |value: Value| json!({"ComparisonOperator": "EQ", "AttributeValueList": [value]});
        body["KeyConditions"] = json!({hash: equal(part_of_key(random, hash))});
        if let Some(range) = range {
            let value = part_of_key(random, range);
            body["KeyConditions"][range] = match random.below(3) {
                0 => equal(value),
                1 => json!({"ComparisonOperator": "BETWEEN", "AttributeValueList": [value, value]}),
                _ => json!({"ComparisonOperator": random.pick(&["LE", "GT"]), "AttributeValueList": [value]}),
            };
        }
        if random.chance(40) {
            // It may stand beside expressions.
            expressions(random, &mut body, Placeholders::default(), index);
        } else {
            if random.chance(60) {
                legacy::filter(random, &mut body, "QueryFilter");
            }
            if random.chance(30) {
                body["AttributesToGet"] = legacy::attributes_to_get(random);
            }
        }
    } else {
        let mut placeholders = Placeholders::default();
        let mut text = format!("{hash} = {}", placeholders.value(part_of_key(random, hash)));
        if let Some(range) = range {
            let (one, two) = (part_of_key(random, range), part_of_key(random, range));
            let (one, two) = (placeholders.value(one), random.chance(30).then(|| placeholders.value(two)));
            text += &match two {
                Some(two) => format!(" AND {range} BETWEEN {one} AND {two}"),
                None => format!(" AND {range} {} {one}", random.pick(&["=", "<", ">="])),
            };
        }
        body["KeyConditionExpression"] = json!(text);
        expressions(random, &mut body, placeholders, index);
    }
    page(random, &mut body, index);
    Request { operation: "Query".to_owned(), body }
}

pub fn scan(random: &mut Random) -> Request {
    let (table, index) = source(random);
    let mut body = json!({"TableName": table});
    if let Some(index) = index {
        body["IndexName"] = json!(index.name);
    }
    if random.chance(30) {
        let segments = 1 + random.below(3);
        body["TotalSegments"] = json!(segments);
        body["Segment"] = json!(random.below(segments));
    }
    if random.chance(25) {
        if random.chance(80) {
            legacy::filter(random, &mut body, "ScanFilter");
        }
        if random.chance(30) {
            body["AttributesToGet"] = legacy::attributes_to_get(random);
        }
    } else {
        expressions(random, &mut body, Placeholders::default(), index);
    }
    page(random, &mut body, index);
    Request { operation: "Scan".to_owned(), body }
}

/// A filter and a projection.
fn expressions(random: &mut Random, body: &mut Value, mut placeholders: Placeholders, index: Option<&Index>) {
    if random.chance(60) {
        let native = random.chance(20);
        let made = if native { plain_condition } else { condition };
        body["FilterExpression"] = json!(made(random, &mut placeholders));
    }
    let held = index.and_then(Index::held).filter(|_| random.chance(50));
    if random.chance(30) {
        body["ProjectionExpression"] = match held {
            // More is refused, or fetched from the table.
            Some(held) => json!(held[random.below(held.len())..].join(", ")),
            None => json!(projection(random, &mut placeholders)),
        };
    }
    placeholders.put(body);
}

/// Which part is read, and what of it is shown.
fn page(random: &mut Random, body: &mut Value, index: Option<&Index>) {
    let projected = body.get("ProjectionExpression").or(body.get("AttributesToGet")).is_some();
    if random.chance(40) {
        let select: &[_] = match (projected, index) {
            (true, _) => &["SPECIFIC_ATTRIBUTES"],
            (false, Some(_)) => &["ALL_PROJECTED_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES"],
            (false, None) => &["ALL_ATTRIBUTES", "COUNT"],
        };
        let any = ["ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "COUNT", "SPECIFIC_ATTRIBUTES"];
        body["Select"] = json!(if random.chance(10) { random.pick(&any) } else { random.pick(select) });
    }
    if random.chance(50) {
        body["Limit"] = json!(1 + random.below(3));
    }
    consistent(random, body);
    if random.chance(8) {
        let table = body["TableName"].as_str().unwrap_or_default();
        let mut start = key(random, table);
        for key in index.into_iter().flat_map(|index| [Some(index.keys.0), index.keys.1]).flatten() {
            if start.get(key).is_none() {
                start[key] = part_of_key(random, key);
            }
        }
        body["ExclusiveStartKey"] = start;
    }
}

fn part_of_key(random: &mut Random, name: &str) -> Value {
    match name {
        "id" => json!({"S": random.pick(&["a", "b"])}),
        "pos" => value_of(random),
        _ if random.chance(95) => match name {
            "g" => json!({"S": random.pick(&["u", "v"])}),
            _ => value_of(random),
        },
        other => value(random, other),
    }
}

fn value_of(random: &mut Random) -> Value {
    json!({"N": random.pick(&["1", "2", "3.0"])})
}
