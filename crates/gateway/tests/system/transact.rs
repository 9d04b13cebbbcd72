//! Transactions that depend on encrypted attributes: whole or not at all, once, and with every reason.

use std::sync::atomic::Ordering;

use crate::protected::*;
use dynaseal_engine::{Engine, Wire};
use dynaseal_gateway::Embedded;
use serde_json::{Value, json};

/// Four actions on encrypted attributes and one on another table. `:v` is what the check expects of item 3.
fn transaction(token: Option<&str>, expected: &str) -> Value {
    let part = |id: &str, members: Value| {
        let mut part = json!({"TableName": "Users", "Key": {"id": {"S": id}}});
        part.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        part
    };
    let one = json!({":one": {"N": "1"}});
    let mut put =
        part("4", json!({"Item": user("4", "d@example.com"), "ConditionExpression": "attribute_not_exists(email)"}));
    put.as_object_mut().unwrap().remove("Key");
    let mut body = json!({"TransactItems": [
        {"Put": {"TableName": "Other", "Item": {"id": {"S": "o"}}}},
        {"Update": part("1", json!({
            "UpdateExpression": "SET age = age + :one ADD hits :one", "ExpressionAttributeValues": one,
            "ConditionExpression": "age >= :one",
        }))},
        {"Delete": part("2", json!({
            "ConditionExpression": "email = :e", "ExpressionAttributeValues": {":e": {"S": "b@example.com"}},
        }))},
        {"ConditionCheck": part("3", json!({
            "ConditionExpression": "begins_with(email, :v)", "ExpressionAttributeValues": {":v": {"S": expected}},
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }))},
        {"Put": put},
    ]});
    if let Some(token) = token {
        body["ClientRequestToken"] = json!(token);
    }
    body
}

async fn with_users(engine: &Engine, wire: &dyn Wire, database: &Embedded) {
    let other = json!({
        "TableName": "Other", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    });
    assert!(database.call(&request("CreateTable", &other)).ok());
    for (id, email) in [("1", "a@example.com"), ("2", "b@example.com"), ("3", "c@example.com")] {
        put(engine, wire, user(id, email)).await;
    }
}

async fn read(engine: &Engine, wire: &dyn Wire, id: &str) -> Value {
    let body = json!({"TableName": "Users", "Key": {"id": {"S": id}}});
    call(engine, wire, "GetItem", body).await.1["Item"].clone()
}

#[tokio::test]
async fn transactions_are_decided_whole() {
    let (engine, database) = (engine(), database());
    with_users(&engine, &database, &database).await;
    let (status, answer) = call(&engine, &database, "TransactWriteItems", transaction(None, "x")).await;
    let codes: Vec<_> =
        answer["CancellationReasons"].as_array().unwrap().iter().map(|reason| reason["Code"].clone()).collect();
    assert_eq!(
        (status, codes),
        (400, ["None", "None", "None", "ConditionalCheckFailed", "None"].map(|code| json!(code)).to_vec())
    );
    assert_eq!(answer["CancellationReasons"][3]["Item"], user("3", "c@example.com"));
    assert_eq!(
        (read(&engine, &database, "1").await["age"]["N"].clone(), read(&engine, &database, "4").await),
        (json!("40"), Value::Null)
    );

    let (status, answer) = call(&engine, &database, "TransactWriteItems", transaction(None, "c@")).await;
    assert_eq!((status, &answer), (200, &json!({})));
    let first = read(&engine, &database, "1").await;
    assert_eq!((&first["age"]["N"], &first["hits"]["N"]), (&json!("41"), &json!("2")));
    assert_eq!(
        (read(&engine, &database, "2").await, read(&engine, &database, "4").await),
        (Value::Null, user("4", "d@example.com"))
    );
}

#[tokio::test]
async fn a_token_sent_twice_is_carried_out_once_also_by_two_gateways() {
    let engines = [engine(), engine()];
    let database = database();
    with_users(&engines[0], &database, &database).await;
    for engine in engines.iter().chain(&engines) {
        let body = transaction(Some("the-same-token"), "c@");
        assert_eq!(call(engine, &database, "TransactWriteItems", body).await, (200, json!({})));
    }
    assert_eq!(read(&engines[0], &database, "1").await["age"]["N"], "41");
    // Another request is another transaction: here its conditions fail.
    let (status, _) =
        call(&engines[0], &database, "TransactWriteItems", transaction(Some("the-same-token"), "c")).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn a_transaction_survives_lost_races_and_a_lost_answer() {
    for (races, lost) in [(2, 0), (0, 1)] {
        let engine = engine();
        let wire = trouble(&engine, 0, 0).await;
        with_users(&engine, &wire, &wire.database).await;
        wire.races.store(races, Ordering::SeqCst);
        wire.lost.store(lost, Ordering::SeqCst);
        let (status, answer) = call(&engine, &wire, "TransactWriteItems", transaction(None, "c@")).await;
        assert_eq!((status, &answer), (200, &json!({})), "{races} {lost}");
        assert_eq!(read(&engine, &wire, "1").await["age"]["N"], "41", "{races} {lost}");
    }
}

#[tokio::test]
async fn what_an_item_does_not_allow_is_a_reason_as_on_a_plain_table() {
    let (engine, database) = (engine(), database());
    with_users(&engine, &database, &database).await;
    for id in ["1", "2", "3"] {
        let item = json!({"TableName": "Other", "Item": user(id, &format!("{id}@example.com"))});
        assert!(database.call(&request("PutItem", &item)).ok());
    }
    let invalid = ["SET age = email + :one", "SET email.one = :one", "ADD email :one", "SET nick = gone"];
    for update in invalid {
        let answer = async |table: &str| {
            let part = |id: &str, members: Value| {
                let mut part = json!({"TableName": table, "Key": {"id": {"S": id}}});
                part.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
                part
            };
            let one = if update.contains(":one") { json!({":one": {"N": "1"}}) } else { Value::Null };
            let mut invalid = json!({"UpdateExpression": update, "ExpressionAttributeValues": one});
            invalid.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            let check = json!({"ConditionExpression": "attribute_not_exists(email)"});
            let body = json!({"TransactItems": [
                {"Update": part("1", json!({"UpdateExpression": "REMOVE email"}))},
                {"Update": part("2", invalid)},
                {"ConditionCheck": part("3", check)},
            ]});
            call(&engine, &database, "TransactWriteItems", body).await
        };
        let plain = answer("Other").await;
        assert_eq!(plain.1["CancellationReasons"][1]["Code"], "ValidationError", "{update}: {plain:?}");
        assert_eq!(answer("Users").await, plain, "{update}");
    }
    assert_eq!(read(&engine, &database, "1").await["email"]["S"], "a@example.com");
}
