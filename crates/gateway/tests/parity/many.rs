//! Random batches and transactions.

use serde_json::{Value, json};

use super::expressions::{Placeholders, projection, update};
use super::reads::{consistent, shown};
use super::tables::{RANGES, THINGS};
use super::writes::{item, key, table, with_condition};
use crate::random::Random;
use crate::random::compare::Request;

/// Distinct keys, mostly; what names one twice is refused.
fn places(random: &mut Random, most: usize) -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    for _ in 0..=random.below(most) {
        let table = table(random);
        let place = (table, key(random, table));
        if !all.contains(&place) || random.chance(5) {
            all.push(place);
        }
    }
    all
}

pub fn batch_write(random: &mut Random) -> Request {
    let mut tables = json!({});
    for (table, key) in places(random, 5) {
        let write = if random.chance(70) {
            json!({"PutRequest": {"Item": item(random, key)}})
        } else {
            json!({"DeleteRequest": {"Key": key}})
        };
        let writes = &mut tables[table];
        match writes.as_array_mut() {
            Some(writes) => writes.push(write),
            None => *writes = json!([write]),
        }
    }
    Request { operation: "BatchWriteItem".to_owned(), body: json!({ "RequestItems": tables }) }
}

pub fn batch_get(random: &mut Random) -> Request {
    let mut tables = json!({});
    for (table, key) in places(random, 6) {
        match tables[table]["Keys"].as_array_mut() {
            Some(keys) => keys.push(key),
            None => tables[table]["Keys"] = json!([key]),
        }
    }
    for table in [THINGS, RANGES] {
        if tables.get(table).is_some() {
            shown(random, &mut tables[table], 50);
            consistent(random, &mut tables[table]);
        }
    }
    Request { operation: "BatchGetItem".to_owned(), body: json!({ "RequestItems": tables }) }
}

pub fn transact_get(random: &mut Random) -> Request {
    let mut gets = Vec::new();
    for (table, key) in places(random, 4) {
        let mut get = json!({"TableName": table, "Key": key});
        if random.chance(50) {
            let mut placeholders = Placeholders::default();
            get["ProjectionExpression"] = json!(projection(random, &mut placeholders));
            placeholders.put(&mut get);
        }
        gets.push(json!({ "Get": get }));
    }
    Request { operation: "TransactGetItems".to_owned(), body: json!({ "TransactItems": gets }) }
}

pub fn transact_write(random: &mut Random) -> Request {
    let mut actions = Vec::new();
    for (table, key) in places(random, 4) {
        let mut part = json!({"TableName": table, "Key": key});
        let mut placeholders = Placeholders::default();
        let action = random.pick(&["Put", "Put", "Update", "Update", "Update", "Delete", "ConditionCheck"]);
        match action {
            "Put" => {
                part["Item"] = item(random, key);
                part.as_object_mut().unwrap().remove("Key");
            }
            "Update" => part["UpdateExpression"] = json!(update(random, &mut placeholders)),
            _ => {}
        }
        if action == "ConditionCheck" || random.chance(30) {
            with_condition(random, &mut part, &mut placeholders);
        }
        placeholders.put(&mut part);
        actions.push(json!({ action: part }));
    }
    let mut body = json!({ "TransactItems": actions });
    if random.chance(30) {
        // A token of its own for each transaction: with another request it is another transaction here, and refused there.
        body["ClientRequestToken"] = json!(format!("token-{}-{}", random.below(1 << 20), random.below(1 << 20)));
    }
    Request { operation: "TransactWriteItems".to_owned(), body }
}
