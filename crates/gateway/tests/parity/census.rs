//! That the generators make what they are meant to make: every kind of request, counted over the sequences of a usual run. What is
//! left out of the comparison does not count.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::tables::{self, INDEXES, OPEN, RANGES, THINGS};
use super::{SEQUENCES, exceptions, sequence};
use crate::random::call;
use crate::random::compare::{Exception, Request};
use crate::random::run::seeded;
use crate::random::spoil::{ODDITIES, each_value, is_spoiled, oddity};

/// Members that hold values of items, and those that hold values of keys alone.
const MEMBERS: [&str; 4] = ["Item", "ExpressionAttributeValues", "Value", "AttributeValueList"];
const KEYS: [&str; 3] = ["Key", "Keys", "ExclusiveStartKey"];

type Counts = BTreeMap<String, usize>;

fn count(counts: &mut Counts, kind: String) {
    *counts.entry(kind).or_default() += 1;
}

fn look(request: &Request, counts: &mut Counts) {
    let Request { operation, body } = request;
    let has = |member: &str| body.get(member).is_some();
    each_value(request, |member, is_inside, value| {
        if let Some(odd) = oddity(value) {
            count(counts, format!("{odd} in {member}"));
            if is_inside {
                count(counts, format!("{odd} inside a value of {member}"));
                if odd != "with nulls" {
                    count(counts, format!("a fault inside a value of {member}"));
                }
            }
        }
    });
    if is_spoiled(request) {
        count(counts, format!("{operation} spoiled"));
        for member in [
            "ReturnValues",
            "ReturnValuesOnConditionCheckFailure",
            "ReturnItemCollectionMetrics",
            "ReturnConsumedCapacity",
            "ConditionalOperator",
            "Select",
        ] {
            if body[member] == "spoiled" {
                count(counts, format!("{operation} with no {member}"));
            }
        }
        if body["ClientRequestToken"].as_str().is_some_and(|token| token.len() > 36) {
            count(counts, "a long token".to_owned());
        }
    }
    for (old, new) in [
        ("KeyConditions", "FilterExpression"),
        ("KeyConditions", "ProjectionExpression"),
        ("KeyConditions", "Select"),
        ("KeyConditions", "QueryFilter"),
        ("KeyConditions", "AttributesToGet"),
        ("KeyConditions", "ExclusiveStartKey"),
        ("ScanFilter", "AttributesToGet"),
        ("AttributeUpdates", "Expected"),
        ("AttributeUpdates", "ReturnValues"),
        ("Expected", "ConditionalOperator"),
        ("Expected", "ReturnValues"),
    ] {
        if has(old) && has(new) {
            count(counts, format!("{old} beside {new}"));
        }
    }
    if body["AttributeUpdates"].as_object().is_some_and(serde_json::Map::is_empty) {
        count(counts, "no AttributeUpdates".to_owned());
    }
    if let Some(index) = INDEXES.iter().find(|index| body["IndexName"] == index.name) {
        count(counts, format!("{operation} of {}", index.name));
        for member in ["FilterExpression", "ProjectionExpression", "ExclusiveStartKey"] {
            if has(member) {
                count(counts, format!("{operation} of {} with {member}", index.name));
            }
        }
        if body["Select"] == "ALL_ATTRIBUTES" {
            count(counts, format!("{operation} of all attributes of {}", index.name));
        }
    }
}

#[test]
fn every_kind_of_request_is_made() {
    let (mut counts, database) = (Counts::new(), tables::database());
    // Some exceptions depend on what is stored.
    for id in ["a", "b", "c"] {
        let put = |item: Value| json!({"PutRequest": {"Item": item}});
        let ranges: Vec<_> = ["1", "2", "3"].map(|pos| put(json!({"id": {"S": id}, "pos": {"N": pos}}))).into();
        let one = vec![put(json!({"id": {"S": id}}))];
        let body = json!({"RequestItems": {THINGS: one, OPEN: one, RANGES: ranges}});
        assert!(database.call(&call("BatchWriteItem", &body)).ok());
    }
    for seed in 1..=SEQUENCES {
        for request in sequence(&mut seeded(seed)) {
            if !matches!(exceptions::of(&database, &request), Exception::Skip) {
                look(&request, &mut counts);
            }
        }
    }
    let mut wanted = Vec::new();
    for odd in ODDITIES {
        wanted.extend(MEMBERS.map(|member| (format!("{odd} in {member}"), 1)));
        wanted.push((format!("{odd} inside a value of Item"), 2));
    }
    wanted.extend(KEYS.map(|member| (format!("with nulls in {member}"), 10)));
    for member in ["ExpressionAttributeValues", "Value", "AttributeValueList"] {
        wanted.push((format!("a fault inside a value of {member}"), 2));
        wanted.push((format!("with nulls inside a value of {member}"), 1));
    }
    let writes = ["PutItem", "UpdateItem", "DeleteItem"];
    for operation in writes {
        for member in [
            "ReturnValues",
            "ReturnValuesOnConditionCheckFailure",
            "ReturnItemCollectionMetrics",
            "ReturnConsumedCapacity",
            "ConditionalOperator",
        ] {
            wanted.push((format!("{operation} with no {member}"), 2));
        }
    }
    for operation in
        ["GetItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems"]
    {
        wanted.push((format!("{operation} spoiled"), 10));
        wanted.push((format!("{operation} with no ReturnConsumedCapacity"), 2));
    }
    wanted.extend(["Query", "Scan"].map(|operation| (format!("{operation} with no Select"), 2)));
    wanted.extend(["a long token", "no AttributeUpdates"].map(|kind| (kind.to_owned(), 3)));
    for (old, new) in [
        ("KeyConditions", "FilterExpression"),
        ("KeyConditions", "ProjectionExpression"),
        ("KeyConditions", "Select"),
        ("KeyConditions", "QueryFilter"),
        ("KeyConditions", "AttributesToGet"),
        ("KeyConditions", "ExclusiveStartKey"),
        ("ScanFilter", "AttributesToGet"),
        ("AttributeUpdates", "Expected"),
        ("AttributeUpdates", "ReturnValues"),
        ("Expected", "ConditionalOperator"),
        ("Expected", "ReturnValues"),
    ] {
        wanted.push((format!("{old} beside {new}"), 20));
    }
    for index in &INDEXES {
        for operation in ["Query", "Scan"] {
            wanted.push((format!("{operation} of {}", index.name), 50));
            for member in ["FilterExpression", "ProjectionExpression", "ExclusiveStartKey"] {
                wanted.push((format!("{operation} of {} with {member}", index.name), 5));
            }
        }
    }
    let few: Vec<_> = wanted
        .iter()
        .map(|(kind, least)| (kind, least, counts.get(kind).copied().unwrap_or_default()))
        .filter(|(_, least, found)| found < *least)
        .collect();
    assert!(few.is_empty(), "made too seldom, of these at least so many, in vain: {few:#?}");
}
