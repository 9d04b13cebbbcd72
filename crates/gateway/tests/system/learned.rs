//! A pattern's table that someone without keys changes behind the gateway: an index is added, or the table made again.

use std::sync::Arc;

use crate::protected::request;
use crate::support::{Gateway, assert_error};
use dynaseal_engine::{Engine, Pattern, Plaintext};
use dynaseal_gateway::{Embedded, RuntimeClock, Settings};
use dynaseal_item::{Action, SchemaSpec, Suite};
use dynaseal_keys::{Provider, RawAes};
use serde_json::{Value, json};

const SECRET: &str = "078-05-1120";
const TABLE: &str = "prod-Users";

/// Everything is encrypted but `id` and `mail`, which may be keys.
fn engine() -> Engine {
    let spec = SchemaSpec {
        actions: ["id", "mail"].map(|name| (name.to_owned(), Action::SignOnly)).to_vec(),
        default_action: Some(Action::EncryptAndSign),
        suite: Suite::Hmac,
        ..SchemaSpec::default()
    };
    // A test key.
    let ring = RawAes::new("test", "key", &[7; 32]).unwrap();
    let pattern = Pattern::new("prod-*".to_owned(), spec, Provider::new(Arc::new(ring)), Plaintext::Forbid);
    Engine::new([], Arc::new(RuntimeClock)).with_patterns([pattern])
}

/// A database, and a gateway before it.
struct World {
    database: Embedded,
    gateway: Gateway,
}

impl World {
    async fn start() -> Self {
        let database = Embedded::open(None).unwrap();
        let gateway = Gateway::start_for(engine(), Settings::default(), Arc::new(database.clone())).await;
        let world = Self { database, gateway };
        world.behind("CreateTable", table("id"));
        world
    }

    /// A call past the gateway.
    fn behind(&self, operation: &str, body: Value) -> Value {
        let answer = self.database.call(&request(operation, &body));
        assert!(answer.ok(), "{operation}: {}", String::from_utf8_lossy(&answer.body));
        serde_json::from_slice(&answer.body).unwrap()
    }

    async fn call(&self, operation: &str, mut body: Value) -> crate::support::Reply {
        body["TableName"] = TABLE.into();
        self.gateway.call(operation, &body.to_string()).await
    }

    async fn put(&self, item: Value) -> crate::support::Reply {
        self.call("PutItem", json!({ "Item": item })).await
    }

    fn stored(&self) -> String {
        self.behind("Scan", json!({"TableName": TABLE})).to_string()
    }
}

fn table(key: &str) -> Value {
    json!({
        "TableName": TABLE, "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
    })
}

#[tokio::test]
async fn an_index_that_is_added_behind_the_gateway_makes_nothing_readable() {
    let world = World::start().await;
    let item = |id: &str| json!({"id": {"S": id}, "ssn": {"S": SECRET}});
    assert_eq!(world.put(item("1")).await.status, 200);
    world.behind(
        "UpdateTable",
        json!({
            "TableName": TABLE,
            "AttributeDefinitions": [{"AttributeName": "ssn", "AttributeType": "S"}],
            "GlobalSecondaryIndexUpdates": [{"Create": {
                "IndexName": "by-ssn", "Projection": {"ProjectionType": "ALL"},
                "KeySchema": [{"AttributeName": "ssn", "KeyType": "HASH"}],
            }}],
        }),
    );
    let described = world.call("DescribeTable", json!({})).await;
    assert!(described.status == 200 && described.json().to_string().contains("by-ssn"));

    // Refused with advice, whether the item is new, replaced or changed; the secret is in no index either.
    assert_error(&world.put(item("2")).await, 400, "ValidationException", "DSL-2009");
    let key = json!({"id": {"S": "1"}});
    let update = json!({
        "Key": key, "UpdateExpression": "SET note = :n", "ExpressionAttributeValues": {":n": {"S": "x"}},
    });
    assert_error(&world.call("UpdateItem", update).await, 400, "ValidationException", "DSL-2009");
    let message = world.put(item("1")).await.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("\"ssn\"") && message.contains("sign_only") && !message.contains(SECRET), "{message}");
    assert!(!world.stored().contains(SECRET));
    // What does not have the attribute is written, and what is stored is read.
    assert_eq!(world.put(json!({"id": {"S": "3"}, "note": {"S": "x"}})).await.status, 200);
    assert_eq!(world.call("GetItem", json!({ "Key": key })).await.json()["Item"]["ssn"], json!({"S": SECRET}));
}

#[tokio::test]
async fn a_table_that_is_made_again_with_another_key_is_learned_again() {
    let world = World::start().await;
    assert_eq!(world.put(json!({"id": {"S": "1"}, "ssn": {"S": SECRET}})).await.status, 200);
    world.behind("DeleteTable", json!({"TableName": TABLE}));
    world.behind("CreateTable", table("mail"));
    // With the former key as well, and without it.
    for item in [json!({"mail": {"S": "a"}, "ssn": {"S": SECRET}}), json!({"mail": {"S": "b"}, "ssn": {"S": SECRET}})] {
        let put = world.put(item).await;
        assert_eq!(put.status, 200, "{}", put.json());
    }
    let read = world.call("GetItem", json!({"Key": {"mail": {"S": "a"}}})).await;
    assert_eq!(read.json()["Item"]["ssn"], json!({"S": SECRET}));
    assert!(!world.stored().contains(SECRET));

    // A key that the pattern hides is never stored readable: the table cannot be used, and the message says why.
    world.behind("DeleteTable", json!({"TableName": TABLE}));
    world.behind("CreateTable", table("ssn"));
    let put = world.put(json!({"mail": {"S": "a"}, "ssn": {"S": SECRET}})).await;
    assert_error(&put, 400, "ValidationException", "DSL-2009");
    assert_eq!(world.behind("Scan", json!({"TableName": TABLE}))["Count"], json!(0));
}
