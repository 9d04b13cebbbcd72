//! Indexes that do not hold everything: what a local one lacks is taken from the table, a global one is refused, as by
//! DynamoDB, whether a table is protected by name or by a pattern.

use std::sync::{Arc, Mutex};

use dynaseal_engine::{Answer, BoxFuture, Call, Engine, Pattern, Plaintext, Table, Wire, WireError};
use dynaseal_gateway::{Embedded, RuntimeClock};
use dynaseal_item::{Action, SchemaSpec, Suite};
use dynaseal_keys::{Provider, RawAes};
use serde_json::{Value, json};

use crate::protected::request;

/// `Posts`: key `author` and `seq`; the local index `ByTopic` includes `title`, the global `Topics` holds keys alone.
struct Posts {
    database: Embedded,
    engine: Engine,
    described: Mutex<usize>,
    /// Whether DescribeTable is denied.
    silent: bool,
}

impl Wire for Posts {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        let describes = call.operation == "DescribeTable";
        *self.described.lock().unwrap() += usize::from(describes);
        let denied = br#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}"#;
        let answer =
            if describes && self.silent { Answer::new(400, denied.to_vec()) } else { self.database.call(&call) };
        Box::pin(async move { Ok(answer) })
    }
}

fn spec() -> SchemaSpec {
    let plain = |name: &str| (name.to_owned(), Action::SignOnly);
    SchemaSpec {
        actions: vec![plain("author"), plain("seq"), plain("topic")],
        default_action: Some(Action::EncryptAndSign),
        suite: Suite::Hmac,
        ..SchemaSpec::default()
    }
}

async fn posts(by_name: bool, silent: bool) -> Posts {
    let database = Embedded::open(None).unwrap();
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let of_type = |name: &str, kind: &str| json!({"AttributeName": name, "AttributeType": kind});
    let table = json!({
        "TableName": "Posts", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [of_type("author", "S"), of_type("seq", "N"), of_type("topic", "S")],
        "KeySchema": [key("author", "HASH"), key("seq", "RANGE")],
        "LocalSecondaryIndexes": [{
            "IndexName": "ByTopic", "KeySchema": [key("author", "HASH"), key("topic", "RANGE")],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]},
        }],
        "GlobalSecondaryIndexes": [{
            "IndexName": "Topics", "KeySchema": [key("topic", "HASH")], "Projection": {"ProjectionType": "KEYS_ONLY"},
        }],
    });
    assert!(database.call(&request("CreateTable", &table)).ok());
    // A test key.
    let provider = || Provider::new(Arc::new(RawAes::new("test", "key", &[7; 32]).unwrap()));
    let engine = if by_name {
        let spec = SchemaSpec {
            logical_name: "Posts".into(),
            partition_key: "author".into(),
            sort_key: Some("seq".into()),
            ..spec()
        };
        let mut spec = spec;
        spec.list_keys();
        let table = Table::new("Posts".into(), spec.build().unwrap(), provider(), Plaintext::Forbid);
        Engine::new([table], Arc::new(RuntimeClock))
    } else {
        let pattern = Pattern::new("*".into(), spec(), provider(), Plaintext::Forbid);
        Engine::new([], Arc::new(RuntimeClock)).with_patterns([pattern])
    };
    let posts = Posts { database, engine, described: Mutex::new(0), silent };
    for (seq, topic) in [(1, "rust"), (2, "aws")] {
        let item = json!({"author": {"S": "ann"}, "seq": {"N": seq.to_string()}, "topic": {"S": topic},
            "title": {"S": format!("title {seq}")}, "body": {"S": format!("body {seq}")}, "words": {"N": "7"}});
        assert_eq!(posts.call("PutItem", json!({"TableName": "Posts", "Item": item})).await.0, 200);
    }
    posts
}

impl Posts {
    async fn call(&self, operation: &str, body: Value) -> (u16, Value) {
        let answer = self.engine.call(self, request(operation, &body)).await.unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    async fn read(&self, operation: &str, index: &str, more: Value) -> (u16, Value) {
        let mut body = json!({"TableName": "Posts", "IndexName": index});
        if operation == "Query" {
            let (name, value) = if index == "Topics" { ("topic", "rust") } else { ("author", "ann") };
            body["KeyConditions"] = json!({name: {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": value}]}});
        }
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.call(operation, body).await
    }
}

#[tokio::test]
async fn what_a_local_index_does_not_hold_comes_from_the_table() {
    for (by_name, silent) in [(true, false), (false, false), (true, true)] {
        let posts = posts(by_name, silent).await;
        for operation in ["Query", "Scan"] {
            for asked in [json!({"ProjectionExpression": "seq, body"}), json!({"AttributesToGet": ["seq", "body"]})] {
                let (status, answer) = posts.read(operation, "ByTopic", asked).await;
                let second = json!({"seq": {"N": "2"}, "body": {"S": "body 2"}});
                let first = json!({"seq": {"N": "1"}, "body": {"S": "body 1"}});
                assert_eq!((status, &answer["Items"]), (200, &json!([second, first])), "{by_name} {operation}");
            }
            // Without a projection it gives what it holds.
            let (_, answer) = posts.read(operation, "ByTopic", json!({})).await;
            let held =
                json!({"author": {"S": "ann"}, "seq": {"N": "2"}, "topic": {"S": "aws"}, "title": {"S": "title 2"}});
            assert_eq!(answer["Items"][0], held);
            let (_, answer) = posts.read(operation, "ByTopic", json!({"Select": "ALL_ATTRIBUTES"})).await;
            assert_eq!(answer["Items"][0]["body"], json!({"S": "body 2"}));
        }
        let filter = json!({"FilterExpression": "body = :b", "ExpressionAttributeValues": {":b": {"S": "body 1"}}});
        let (status, answer) = posts.read("Scan", "ByTopic", filter).await;
        let held =
            json!([{"author": {"S": "ann"}, "seq": {"N": "1"}, "topic": {"S": "rust"}, "title": {"S": "title 1"}}]);
        assert_eq!((status, &answer["Items"]), (200, &held));
    }
}

#[tokio::test]
async fn a_global_index_is_refused_what_it_does_not_hold() {
    const LACKS: &str =
        "One or more parameter values were invalid: Global secondary index Topics does not project [body]";
    for by_name in [true, false] {
        let posts = posts(by_name, false).await;
        let before = *posts.described.lock().unwrap();
        for operation in ["Query", "Scan"] {
            for asked in [json!({"ProjectionExpression": "seq, body"}), json!({"AttributesToGet": ["body"]})] {
                let (status, answer) = posts.read(operation, "Topics", asked).await;
                assert_eq!((status, answer["message"].as_str()), (400, Some(LACKS)), "{operation}");
            }
            let (status, answer) = posts.read(operation, "Topics", json!({"ProjectionExpression": "seq, topic"})).await;
            assert_eq!((status, answer["Items"].as_array().map(Vec::is_empty)), (200, Some(false)));
        }
        let filter = json!({"FilterExpression": "body = :b", "ExpressionAttributeValues": {":b": {"S": "body 1"}}});
        let (status, answer) = posts.read("Query", "Topics", filter).await;
        assert_eq!((status, &answer["Items"]), (200, &json!([])), "what the index lacks matches nothing");
        // DynamoDB was asked once.
        assert_eq!(*posts.described.lock().unwrap() - before, 1);
    }
    // Nobody says what the index holds: it gives what is asked, since the items are read whole anyway.
    let posts = posts(true, true).await;
    let (status, answer) = posts.read("Query", "Topics", json!({"ProjectionExpression": "body"})).await;
    assert_eq!((status, &answer["Items"]), (200, &json!([{"body": {"S": "body 1"}}])));
}

#[tokio::test]
async fn a_statement_reads_what_a_local_index_does_not_hold() {
    let posts = posts(true, false).await;
    let statement = "SELECT seq, body FROM \"Posts\".\"ByTopic\" WHERE author = 'ann' AND topic = 'rust'";
    let (status, answer) = posts.call("ExecuteStatement", json!({"Statement": statement})).await;
    assert_eq!((status, &answer["Items"]), (200, &json!([{"seq": {"N": "1"}, "body": {"S": "body 1"}}])));
}
