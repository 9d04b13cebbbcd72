//! What dynoxide answers otherwise than DynamoDB, with which we go, and what therefore is not compared.
//! `crates/engine/tests/differential/exceptions.rs` has the list for expressions.

use dynaseal_gateway::Embedded;
use serde_json::{Value, json};

use super::tables::{INDEXES, RANGES};
use crate::random::call;
use crate::random::compare::{Exception, Request};
use crate::random::spoil::is_spoiled;

/// All attributes that a request can name.
const ATTRIBUTES: [&str; 16] =
    ["id", "pos", "g", "r", "n", "s", "l", "m", "ss", "ns", "b", "t", "hits", "tags", "gone", "more"];

/// What holds of a request, before it is carried out.
pub fn of(plain: &Embedded, request: &Request) -> Exception {
    if reads_beyond_an_index(request) {
        return Exception::Skip;
    }
    // dynoxide sees the sets of `AttributeUpdates` once the condition holds.
    let is_guarded = ["AttributeUpdates", "Expected"].iter().all(|member| request.body.get(*member).is_some());
    match of_sound(plain, request) {
        Exception::Skip => Exception::Skip,
        _ if is_spoiled(request) && is_guarded => Exception::Skip,
        // Of several faults dynoxide tells that a global index has no consistent reads, and what a selection excludes, before
        // those of the key condition.
        _ if is_spoiled(request) || is_refused_anyway(request) => {
            Exception::Forgive(|answer| remove(answer, &["message"]))
        }
        exception => exception,
    }
}

/// A consistent read of a global index, or a projection beside another selection.
fn is_refused_anyway(Request { body, .. }: &Request) -> bool {
    let is_global = INDEXES.iter().any(|index| !index.local && body["IndexName"] == index.name);
    let is_projected = ["ProjectionExpression", "AttributesToGet"].iter().any(|member| body.get(member).is_some());
    let selects = body["Select"].as_str().is_some_and(|select| select != "SPECIFIC_ATTRIBUTES");
    is_global && body["ConsistentRead"] == true || is_projected && selects
}

/// dynoxide gives of a local index what it holds and no more, and does not refuse what a global one lacks. What DynamoDB does is
/// held by `system/index_reads.rs`.
fn reads_beyond_an_index(Request { operation, body }: &Request) -> bool {
    let Some(index) = INDEXES.iter().find(|index| body["IndexName"] == index.name) else { return false };
    let Some(held) = index.held() else { return false };
    if index.local && body["Select"] == "ALL_ATTRIBUTES" {
        return true;
    }
    let shown = words(body["ProjectionExpression"].as_str().unwrap_or_default()).into_iter();
    let shown = shown.chain(body["AttributesToGet"].as_array().into_iter().flatten().filter_map(Value::as_str));
    let filtered = words(body["FilterExpression"].as_str().unwrap_or_default()).into_iter();
    let filtered = filtered.chain(names(&body["QueryFilter"])).chain(names(&body["ScanFilter"]));
    let is_attribute = |name: &&str| ATTRIBUTES.contains(name) && !held.contains(name);
    let filters = operation == "Query" || index.local;
    shown.into_iter().any(|name| is_attribute(&name)) || filters && filtered.into_iter().any(|name| is_attribute(&name))
}

fn of_sound(plain: &Embedded, Request { operation, body }: &Request) -> Exception {
    if operation == "Query" {
        return of_query(body);
    }
    // Of faults in several tables of a batch dynoxide tells any.
    if operation == "BatchWriteItem" && body["RequestItems"].as_object().is_some_and(|tables| tables.len() > 1) {
        return Exception::Forgive(|answer| remove(answer, &["message"]));
    }
    let actions = body["TransactItems"].as_array().into_iter().flatten().filter_map(|action| action.get("Update"));
    let updates: Vec<_> = if operation == "UpdateItem" { vec![body] } else { actions.collect() };
    // DynamoDB looks at the types of an index's keys before it asks a condition. Which types they must have is not known here,
    // so of an item that breaks both a condition is told first.
    let puts = body["TransactItems"].as_array().into_iter().flatten().filter_map(|action| action.get("Put"));
    let mut puts = puts.chain((operation == "PutItem").then_some(body));
    if puts.any(|put| has_condition(put) && breaks_an_index(&put["Item"])) {
        return Exception::Skip;
    }
    // Without an item DynamoDB ignores REMOVE, whatever its path, and an update that only takes away creates no item.
    let from_nothing = |update: &&Value| (only_takes_away(update) || removes_parts(update)) && !exists(plain, update);
    if updates.iter().any(from_nothing) {
        return Exception::Skip;
    }
    // dynoxide shows the key of an item that it has just created as the old item; DynamoDB shows nothing.
    if operation == "UpdateItem" && body["ReturnValues"] == "ALL_OLD" && !exists(plain, body) {
        return Exception::Forgive(|answer| remove(answer, &["Attributes"]));
    }
    // dynoxide shows the key beside whatever is asked for in a transaction; DynamoDB shows what is asked for, as elsewhere.
    let mut gets = body["TransactItems"].as_array().into_iter().flatten().filter_map(|action| action.get("Get"));
    if gets.any(|get| get.get("ProjectionExpression").is_some()) {
        return Exception::Forgive(|answer| {
            let responses = answer.get_mut("Responses").and_then(Value::as_array_mut);
            responses.into_iter().flatten().for_each(|one| remove(&mut one["Item"], &["id", "pos"]));
        });
    }
    // DynamoDB shows only the elements of lists that were updated; dynoxide the whole list.
    let text = body["UpdateExpression"].as_str().unwrap_or_default();
    if body["ReturnValues"].as_str().is_some_and(|values| values.starts_with("UPDATED")) && text.contains('[') {
        return Exception::Forgive(|answer| {
            remove(&mut answer["Attributes"], &["l"]);
            if answer["Attributes"].as_object().is_none_or(serde_json::Map::is_empty) {
                remove(answer, &["Attributes"]);
            }
        });
    }
    Exception::None
}

/// A filter on the key of what is queried is refused. Which keys an index has is not known here if no key condition says so,
/// and where there are two faults, another one may be told first.
fn of_query(body: &Value) -> Exception {
    let index = INDEXES.iter().find(|index| body["IndexName"] == index.name);
    let table_key = ("id", (body["TableName"] == RANGES).then_some("pos"));
    let (hash, range) = index.map_or(table_key, |index| index.keys);
    let (filter, condition) = match body["FilterExpression"].as_str() {
        Some(filter) => {
            let mut condition = words(body["KeyConditionExpression"].as_str().unwrap_or_default());
            condition.extend(names(&body["KeyConditions"]));
            (words(filter), condition)
        }
        None => (names(&body["QueryFilter"]), names(&body["KeyConditions"])),
    };
    let read: Vec<_> = [Some(hash), range].into_iter().flatten().filter(|key| filter.contains(key)).collect();
    if index.is_some() && read.iter().any(|key| !condition.contains(key)) {
        return Exception::Skip;
    }
    if read.is_empty() { Exception::None } else { Exception::Forgive(|answer| remove(answer, &["message"])) }
}

fn words(expression: &str) -> Vec<&str> {
    expression.split(|one: char| !one.is_ascii_alphanumeric()).collect()
}

fn names(map: &Value) -> Vec<&str> {
    map.as_object().into_iter().flat_map(|map| map.keys().map(String::as_str)).collect()
}

fn remove(answer: &mut Value, members: &[&str]) {
    let answer = answer.as_object_mut();
    answer.into_iter().for_each(|answer| members.iter().for_each(|member| drop(answer.remove(*member))));
}

fn only_takes_away(update: &Value) -> bool {
    let text = update["UpdateExpression"].as_str().unwrap_or_default();
    let expression = !text.is_empty() && !text.contains("SET ") && !text.contains("ADD ");
    let legacy = update["AttributeUpdates"]
        .as_object()
        .is_some_and(|updates| updates.values().all(|update| update["Action"] == "DELETE"));
    expression || legacy
}

fn removes_parts(update: &Value) -> bool {
    let text = update["UpdateExpression"].as_str().unwrap_or_default();
    text.split_once("REMOVE ").is_some_and(|(_, removed)| removed.contains(['.', '[']))
}

fn has_condition(put: &Value) -> bool {
    ["ConditionExpression", "Expected"].iter().any(|member| put.get(member).is_some())
}

fn breaks_an_index(item: &Value) -> bool {
    let other = |name: &str, kind: &str| item.get(name).is_some_and(|value| value[kind].is_null());
    item.get("pos").is_some() && (other("g", "S") || other("r", "N") || item["g"]["S"] == "")
}

fn exists(plain: &Embedded, body: &Value) -> bool {
    let answer = plain.call(&call("GetItem", &json!({"TableName": body["TableName"], "Key": body["Key"]})));
    serde_json::from_slice::<Value>(&answer.body).unwrap().get("Item").is_some()
}
