//! An upstream that lies: answers for other rows, doubled, with members added, garbled, under another status. Nothing of
//! them is believed, and what is not what was asked for is told as an item that does not verify.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "test helpers"
)]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
#[path = "../support/mod.rs"]
mod support;

mod members;
mod nulls;
mod rows;

use dynaseal_engine::{Call, Engine, Error};
use dynaseal_item::Kind;
use serde_json::{Value, json};
use support::{Script, dynamodb, ready, sealed, streams};

/// What must never be shown.
const MARK: &str = "M4RK";

fn user(id: &str) -> String {
    json!({"id": {"S": id}, "email": {"S": format!("{MARK}-{id}@example.com")}, "tier": {"S": "free"}, "hits": {"N": "3"}})
        .to_string()
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// An item as it is stored.
fn stored(id: &str) -> Value {
    read(&sealed(&user(id)))
}

fn call(operation: &str, body: &Value) -> Call {
    match operation {
        "GetRecords" => streams(operation, &body.to_string()),
        _ => dynamodb(operation, &body.to_string()),
    }
}

/// Carries a call out; every call that is made for it gets the answer that is listed for its operation, or an empty one.
fn carry_out(
    engine: &Engine,
    (operation, body): (&str, &Value),
    answers: &[(&str, u16, String)],
) -> Result<(u16, String), Error> {
    let wire = Script::new(|sent, _| {
        let told = answers.iter().find(|(operation, ..)| *operation == sent);
        told.map_or((200, "{}".to_owned()), |(_, status, answer)| (*status, answer.clone()))
    });
    let answer = ready(engine.call(&wire, call(operation, body)))?;
    Ok((answer.status, String::from_utf8(answer.body).unwrap()))
}

const KEY: &str = r#"{"id":{"S":"1"}}"#;

fn on_one(more: Value) -> Value {
    let mut body = json!({"TableName": "Users", "Key": read(KEY)});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// An update that is worked out here.
fn update(more: Value) -> Value {
    let mut body = json!({"UpdateExpression": "SET email = :e", "ExpressionAttributeValues": {":e": {"S": "x"}}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    on_one(body)
}

/// An update that DynamoDB carries out.
fn count(returns: &str) -> Value {
    let values = json!({":o": {"N": "1"}});
    on_one(json!({"UpdateExpression": "ADD hits :o", "ExpressionAttributeValues": values, "ReturnValues": returns}))
}

fn query(condition: &str, values: Value) -> Value {
    json!({"TableName": "Users", "KeyConditionExpression": condition, "ExpressionAttributeValues": values})
}

fn statement(text: &str) -> Value {
    json!({ "Statement": text })
}

fn failed(kind: &str, more: Value) -> String {
    let mut body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": "m"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body.to_string()
}

/// Calls with an answer that `item` makes, and whether it may hold item 1.
fn asked_for_one(item: &Value) -> Vec<(&'static str, Value, &'static str, u16, String)> {
    let condition = || {
        json!({
            "ConditionExpression": "attribute_exists(id)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        })
    };
    let returned = json!({ "Attributes": item }).to_string();
    let one = json!({ "Item": item }).to_string();
    let page = json!({"Items": [item], "Count": 1, "ScannedCount": 1}).to_string();
    let responses = json!({"Responses": [{ "Item": item }]}).to_string();
    let put = || json!({"TableName": "Users", "Item": read(&user("1")), "ReturnValues": "ALL_OLD"});
    let reasons = json!({"CancellationReasons": [{"Code": "ConditionalCheckFailed", "Message": "m", "Item": item}]});
    let mut check = on_one(condition());
    let legacy = json!({"id": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "1"}]}});
    check["ConditionExpression"] = json!("attribute_not_exists(id)");
    vec![
        ("GetItem", on_one(json!({})), "GetItem", 200, one.clone()),
        ("GetItem", on_one(json!({"ProjectionExpression": "email"})), "GetItem", 200, one.clone()),
        ("GetItem", on_one(json!({"AttributesToGet": ["email"]})), "GetItem", 200, one.clone()),
        ("PutItem", put(), "PutItem", 200, returned.clone()),
        ("DeleteItem", on_one(json!({"ReturnValues": "ALL_OLD"})), "DeleteItem", 200, returned.clone()),
        ("UpdateItem", count("ALL_NEW"), "UpdateItem", 200, returned.clone()),
        ("UpdateItem", update(json!({"ReturnValues": "UPDATED_NEW"})), "UpdateItem", 200, returned.clone()),
        ("UpdateItem", update(json!({})), "GetItem", 200, one.clone()),
        (
            "DeleteItem",
            on_one(condition()),
            "DeleteItem",
            400,
            failed("ConditionalCheckFailedException", json!({"Item": item})),
        ),
        (
            "TransactWriteItems",
            json!({"TransactItems": [{ "ConditionCheck": check }]}),
            "TransactWriteItems",
            400,
            failed("TransactionCanceledException", reasons),
        ),
        ("TransactWriteItems", json!({"TransactItems": [{"Update": update(json!({}))}]}), "GetItem", 200, one.clone()),
        (
            "TransactGetItems",
            json!({"TransactItems": [{"Get": on_one(json!({}))}]}),
            "TransactGetItems",
            200,
            responses.clone(),
        ),
        (
            "BatchGetItem",
            json!({"RequestItems": {"Users": {"Keys": [read(KEY)], "ProjectionExpression": "email"}}}),
            "BatchGetItem",
            200,
            json!({"Responses": {"Users": [item]}}).to_string(),
        ),
        ("Query", query("id = :i", json!({":i": {"S": "1"}})), "Query", 200, page.clone()),
        ("Query", json!({"TableName": "Users", "KeyConditions": legacy}), "Query", 200, page.clone()),
        ("ExecuteStatement", statement("SELECT email FROM Users WHERE id = '1'"), "Query", 200, page.clone()),
        ("ExecuteStatement", statement("UPDATE Users SET email = 'x' WHERE id = '1'"), "GetItem", 200, one),
        (
            "ExecuteStatement",
            statement("DELETE FROM Users WHERE id = '1' RETURNING ALL OLD *"),
            "DeleteItem",
            200,
            returned,
        ),
        (
            "BatchExecuteStatement",
            json!({"Statements": [statement("SELECT email FROM Users WHERE id = '1'")]}),
            "Query",
            200,
            page,
        ),
        (
            "ExecuteTransaction",
            json!({"TransactStatements": [statement("SELECT email FROM Users WHERE id = '1'")]}),
            "TransactGetItems",
            200,
            responses,
        ),
    ]
}

#[track_caller]
fn assert_not_asked(engine: &Engine, request: (&str, &Value), answers: &[(&str, u16, String)]) {
    let error = match carry_out(engine, request, answers) {
        Ok(answer) => panic!("{} {}: {answer:?}", request.0, request.1),
        Err(error) => error,
    };
    assert_eq!((error.code(), error.kind()), ("DSL-3011", Kind::Data), "{} {}: {error}", request.0, request.1);
    let text = error.to_string();
    assert!(text.contains("Users") && text.contains(request.0) && !text.contains(MARK), "{text}");
    assert!(!error.hint().is_empty());
}
