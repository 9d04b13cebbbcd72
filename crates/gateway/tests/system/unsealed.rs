//! Item 1 of the protected table as writers without Dynaseal leave it.

use crate::protected::*;
use dynaseal_engine::{Call, Engine, Wire};
use dynaseal_gateway::Embedded;
use serde_json::{Value, json};

pub fn key() -> Value {
    json!({"id": {"S": "1"}})
}

/// An update of item 1 that a writer without Dynaseal makes.
pub fn plain(expression: &str) -> Call {
    let mut body = json!({"TableName": "Users", "Key": key(), "UpdateExpression": expression});
    if expression.contains(":v") {
        body["ExpressionAttributeValues"] = json!({":v": {"S": "plain"}});
    }
    request("UpdateItem", &body)
}

pub fn update(expression: &str, value: &str, returns: &str) -> Value {
    json!({
        "TableName": "Users", "Key": key(), "UpdateExpression": expression, "ReturnValues": returns,
        "ExpressionAttributeValues": {":v": {"S": value}},
    })
}

/// A database with item 1, unsealed.
pub fn unsealed() -> Embedded {
    let database = database();
    let body = json!({"TableName": "Users", "Item": user("1", "a@example.com")});
    assert!(database.call(&request("PutItem", &body)).ok());
    database
}

/// Item 1 as it is stored.
pub fn stored(database: &Embedded) -> Value {
    let answer = database.call(&request("GetItem", &json!({"TableName": "Users", "Key": key()})));
    serde_json::from_slice::<Value>(&answer.body).unwrap()["Item"].clone()
}

pub async fn read(engine: &Engine, wire: &dyn Wire) -> Value {
    let (status, answer) = call(engine, wire, "GetItem", json!({"TableName": "Users", "Key": key()})).await;
    assert_eq!(status, 200, "{answer}");
    answer["Item"].clone()
}
