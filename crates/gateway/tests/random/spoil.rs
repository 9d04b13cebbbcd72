//! Requests with one thing that DynamoDB does not take: a value in any place where one can stand, a setting, a token. Both
//! sides must refuse them; which of several faults of a request is told first is not compared.

use serde_json::{Value, json};

use super::Random;
use super::compare::Request;

/// Stands wherever it can, so that it is seen what was spoiled.
const SPOILED: &str = "spoiled";

/// Puts something that is not taken into a request, if it has a place for it.
pub fn spoil(random: &mut Random, Request { operation, body }: &mut Request) {
    let settings: &[(&str, Value)] = match operation.as_str() {
        "PutItem" | "UpdateItem" | "DeleteItem" => &[
            ("ReturnValues", json!(SPOILED)),
            ("ReturnValuesOnConditionCheckFailure", json!(SPOILED)),
            ("ReturnItemCollectionMetrics", json!(SPOILED)),
            ("ReturnConsumedCapacity", json!(SPOILED)),
            ("ConditionalOperator", json!(SPOILED)),
        ],
        "TransactWriteItems" => &[("ClientRequestToken", json!(SPOILED.repeat(6)))],
        _ => &[("ReturnConsumedCapacity", json!(SPOILED))],
    };
    let mut places = Vec::new();
    collect(body, false, &mut places);
    if places.is_empty() || random.chance(30) {
        let (name, value) = &settings[random.below(settings.len())];
        body[*name] = value.clone();
        return;
    }
    let at = random.below(places.len());
    *places.swap_remove(at) = odd(random);
}

/// Values that are not taken.
fn odd(random: &mut Random) -> Value {
    let all = [
        json!({"SS": []}),
        json!({"NS": [], "S": null}),
        json!({"SS": [SPOILED, SPOILED]}),
        json!({"NS": ["1", SPOILED]}),
        json!({"N": SPOILED}),
        json!({"S": SPOILED, "N": "1"}),
        json!({"M": {"": {"S": SPOILED}}}),
        json!({"NULL": false}),
        json!({"B": null}),
        json!({"N": "0E400"}),
    ];
    all[random.below(all.len())].clone()
}

/// Whether a request was spoiled.
pub fn is_spoiled(request: &Request) -> bool {
    let text = request.body.to_string();
    let silent = [r#""SS":[]"#, r#""NS":[]"#, r#"{"NULL":false}"#, r#"{"B":null}"#, r#""0E400""#];
    text.contains(SPOILED) || silent.iter().any(|value| text.contains(value))
}

/// The values of items and expressions, and those of old parameters. Keys are DynamoDB's own to judge.
fn collect<'v>(body: &'v mut Value, values: bool, places: &mut Vec<&'v mut Value>) {
    match body {
        Value::Object(map) => {
            for (name, inner) in map {
                match name.as_str() {
                    "Key" | "Keys" | "ExclusiveStartKey" | "KeyConditions" | "ExpressionAttributeNames" => {}
                    "Item" | "ExpressionAttributeValues" => collect(inner, true, places),
                    "Value" => places.push(inner),
                    "AttributeValueList" => places.extend(inner.as_array_mut().into_iter().flatten()),
                    "id" | "pos" if values => {}
                    _ if values => places.push(inner),
                    _ => collect(inner, false, places),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|inner| collect(inner, false, places)),
        _ => {}
    }
}
