//! A table that was made elsewhere with an index on an attribute that its section encrypts.

use std::sync::Arc;

use dynaseal_engine::{Engine, Plaintext};
use dynaseal_gateway::{Embedded, Settings};
use serde_json::{Value, json};

use crate::protected::{engine, engine_of, request, user};
use crate::support::{Gateway, assert_error};

/// `Users` with an index over the unlisted `group`, made past Dynaseal as Terraform does.
fn database() -> Embedded {
    let database = Embedded::open(None).unwrap();
    let keys = |name: &str| json!([{"AttributeName": name, "KeyType": "HASH"}]);
    let table = json!({
        "TableName": "Users", "BillingMode": "PAY_PER_REQUEST", "KeySchema": keys("id"),
        "AttributeDefinitions": [
            {"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "group", "AttributeType": "S"},
            {"AttributeName": "tier", "AttributeType": "S"},
        ],
        "GlobalSecondaryIndexes": [
            {"IndexName": "by-group", "KeySchema": keys("group"), "Projection": {"ProjectionType": "ALL"}},
            {"IndexName": "by-tier", "KeySchema": keys("tier"), "Projection": {"ProjectionType": "ALL"}},
        ],
    });
    assert!(database.call(&request("CreateTable", &table)).ok());
    database
}

fn grouped() -> Value {
    let mut item = user("1", "a@example.com");
    item["group"] = json!({"S": "g"});
    item
}

#[tokio::test]
async fn a_write_of_an_encrypted_index_key_is_told_what_it_is() {
    let database = database();
    let gateway = Gateway::start_for(engine(), Settings::default(), Arc::new(database.clone())).await;
    let put = |item: Value| json!({"TableName": "Users", "Item": item});
    assert_eq!(gateway.call("PutItem", &put(user("1", "a@example.com")).to_string()).await.status, 200);
    let mut conditional = put(grouped());
    conditional["ConditionExpression"] = json!("email = :e");
    conditional["ExpressionAttributeValues"] = json!({":e": {"S": "a@example.com"}});
    let update = json!({
        "TableName": "Users", "Key": {"id": {"S": "1"}}, "UpdateExpression": "SET #g = :g",
        "ExpressionAttributeNames": {"#g": "group"}, "ExpressionAttributeValues": {":g": {"S": "g"}},
    });
    let statement = json!({"Statement": "UPDATE Users SET \"group\" = 'g' WHERE id = '1'"});
    for (operation, body) in [
        ("PutItem", put(grouped())),
        ("PutItem", conditional),
        ("UpdateItem", update.clone()),
        ("BatchWriteItem", json!({"RequestItems": {"Users": [{"PutRequest": {"Item": grouped()}}]}})),
        ("TransactWriteItems", json!({"TransactItems": [{"Put": put(grouped())}]})),
        ("TransactWriteItems", json!({"TransactItems": [{"Update": update}]})),
        ("ExecuteStatement", statement.clone()),
        ("ExecuteTransaction", json!({"TransactStatements": [statement]})),
    ] {
        let reply = gateway.call(operation, &body.to_string()).await;
        assert_error(&reply, 400, "ValidationException", "DSL-2009");
        let message = reply.json()["message"].as_str().unwrap().to_owned();
        for part in [operation, "on table Users", "\"group\" is a key of an index", "sign_only"] {
            assert!(message.contains(part), "{operation} {part}: {message}");
        }
    }
    // What is refused for another reason stays DynamoDB's own.
    let reply = gateway.call("PutItem", &put(json!({"id": {"N": "1"}})).to_string()).await;
    assert!(reply.status == 400 && !reply.json().to_string().contains("DSL-2009"), "{}", reply.json());
}

#[tokio::test]
async fn what_does_not_fit_a_table_is_found_before_the_first_call() {
    let database = database();
    let faults = |engine: Engine| {
        let database = database.clone();
        async move { engine.faults_of_tables(&database).await }
    };
    let [fault] = &faults(engine()).await[..] else { panic!("one index is on an encrypted attribute") };
    assert_eq!((fault.code(), fault.table()), ("DSL-2009", Some("Users")));
    assert!(fault.to_string().contains("\"group\" is a key of an index"), "{fault}");
    assert!(faults(engine_of(Plaintext::Write)).await.is_empty());
    assert!(engine().faults_of_tables(&Embedded::open(None).unwrap()).await.is_empty());
}
