//! The stream of a protected table over sockets: two gateways before one database, and a plain table beside it.

use std::sync::Arc;

use crate::protected::{self, request, user};
use crate::support::{Gateway, Reply, assert_error};
use dynaseal_engine::{Engine, Plaintext, SystemClock};
use dynaseal_gateway::{Embedded, Settings};
use serde_json::{Value, json};

/// A database whose table `Users` has a stream with these images.
fn database(view: &str) -> Embedded {
    let database = Embedded::open(None).unwrap();
    for name in ["Users", "Plain"] {
        let table = json!({
            "TableName": name, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "StreamSpecification": {"StreamEnabled": true, "StreamViewType": view},
        });
        assert!(database.call(&request("CreateTable", &table)).ok());
    }
    database
}

async fn gateway(engine: Engine, database: &Embedded) -> Gateway {
    Gateway::start_for(engine, Settings::default(), Arc::new(database.clone())).await
}

async fn plain_gateway(database: &Embedded) -> Gateway {
    gateway(Engine::new([], Arc::new(SystemClock)), database).await
}

/// A life of items: made, replaced, changed in every way, moved in a batch and a transaction, deleted; and what leaves no
/// record, since nothing came of it.
async fn write(gateway: &Gateway) {
    let key = json!({"id": {"S": "1"}});
    let update = |expression: &str, values: Value| json!({"TableName": "Users", "Key": key, "UpdateExpression": expression, "ExpressionAttributeValues": values});
    let mut never = update("SET age = :n", json!({":n": {"N": "1"}, ":x": {"S": "nobody"}}));
    never["ConditionExpression"] = json!("email = :x");
    let writes = [
        ("PutItem", json!({"TableName": "Users", "Item": user("1", "a@example.com")}), 200),
        ("PutItem", json!({"TableName": "Users", "Item": user("1", "b@example.com")}), 200),
        ("UpdateItem", update("SET age = age + :n, address = :m", json!({":n": {"N": "1"}, ":m": {"M": {}}})), 200),
        ("UpdateItem", update("ADD hits :n", json!({":n": {"N": "5"}})), 200),
        ("UpdateItem", never, 400),
        ("DeleteItem", json!({"TableName": "Users", "Key": {"id": {"S": "nobody"}}}), 200),
        (
            "BatchWriteItem",
            json!({"RequestItems": {"Users": [{"PutRequest": {"Item": user("2", "c@example.com")}}]}}),
            200,
        ),
        (
            "TransactWriteItems",
            json!({"TransactItems": [
                {"Put": {"TableName": "Users", "Item": user("3", "d@example.com")}},
                {"Delete": {"TableName": "Users", "Key": {"id": {"S": "2"}}}},
                {"Update": update("SET email = :e", json!({":e": {"S": "e@example.com"}}))},
            ]}),
            200,
        ),
        ("DeleteItem", json!({"TableName": "Users", "Key": key}), 200),
    ];
    for (operation, body, status) in writes {
        let reply = gateway.call(operation, &body.to_string()).await;
        assert_eq!(reply.status, status, "{operation}: {}", reply.json());
    }
}

async fn ask(gateway: &Gateway, operation: &str, body: Value) -> Reply {
    gateway.call_streams(operation, &body.to_string()).await
}

/// The iterator to a stream's only shard.
async fn iterator(gateway: &Gateway, table: &str, position: Value) -> String {
    let streams = ask(gateway, "ListStreams", json!({"TableName": table})).await.json();
    let arn = &streams["Streams"][0]["StreamArn"];
    let stream = ask(gateway, "DescribeStream", json!({"StreamArn": arn})).await.json();
    let mut body = json!({"StreamArn": arn, "ShardId": stream["StreamDescription"]["Shards"][0]["ShardId"]});
    body.as_object_mut().unwrap().extend(position.as_object().unwrap().clone());
    let reply = ask(gateway, "GetShardIterator", body).await;
    assert_eq!(reply.status, 200, "{}", reply.json());
    reply.json()["ShardIterator"].as_str().unwrap().to_owned()
}

/// All records of a table's stream, two at a time, each page from the next of the gateways.
async fn read(gateways: &[&Gateway], table: &str) -> Vec<Value> {
    let mut iterator = iterator(gateways[0], table, json!({"ShardIteratorType": "TRIM_HORIZON"})).await;
    let mut records = Vec::new();
    for gateway in gateways.iter().cycle().skip(1) {
        let reply = ask(gateway, "GetRecords", json!({"ShardIterator": iterator, "Limit": 2})).await;
        assert_eq!(reply.status, 200, "{}", reply.json());
        let page = reply.json();
        let found = page["Records"].as_array().unwrap();
        if found.is_empty() {
            break;
        }
        records.extend(found.iter().cloned());
        page["NextShardIterator"].as_str().unwrap().clone_into(&mut iterator);
    }
    records
}

/// What a record tells, without what differs between any two tables.
fn told(record: &Value) -> Value {
    let mut told = record.clone();
    told.as_object_mut().unwrap().remove("eventID");
    for member in ["ApproximateCreationDateTime", "SequenceNumber", "SizeBytes"] {
        told["dynamodb"].as_object_mut().unwrap().remove(member).unwrap();
    }
    told
}

#[tokio::test]
async fn a_protected_table_s_stream_tells_what_a_plain_one_s_does() {
    for (view, images) in [("NEW_AND_OLD_IMAGES", 13), ("NEW_IMAGE", 7), ("OLD_IMAGE", 6), ("KEYS_ONLY", 0)] {
        let (sealed, open) = (database(view), database(view));
        let (one, two) = (gateway(protected::engine(), &sealed).await, gateway(protected::engine(), &sealed).await);
        let plain = plain_gateway(&open).await;
        write(&one).await;
        write(&plain).await;
        let expected = read(&[&plain], "Users").await;
        let records = read(&[&one, &two], "Users").await;
        assert_eq!(records.iter().map(told).collect::<Vec<_>>(), expected.iter().map(told).collect::<Vec<_>>());
        let names: Vec<_> = records.iter().map(|record| record["eventName"].as_str().unwrap()).collect();
        let life = ["INSERT", "MODIFY", "MODIFY", "MODIFY", "INSERT", "INSERT", "REMOVE", "MODIFY", "REMOVE"];
        assert_eq!(names, life, "{view}");
        let shown = |record: &Value| {
            ["OldImage", "NewImage"].iter().filter(|image| record["dynamodb"].get(**image).is_some()).count()
        };
        assert_eq!(records.iter().map(shown).sum::<usize>(), images, "{view}");
        // Sizes and times are those of what is stored, byte for byte as the database gave them.
        let stored = read(&[&plain_gateway(&sealed).await], "Users").await;
        for (record, stored) in records.iter().zip(&stored) {
            for member in ["SizeBytes", "ApproximateCreationDateTime", "SequenceNumber", "Keys"] {
                assert_eq!(record["dynamodb"][member], stored["dynamodb"][member]);
            }
            assert_eq!(stored.to_string().contains("aws_dbe_foot"), shown(record) > 0);
            assert!(!stored.to_string().contains("@example.com") && !record.to_string().contains("aws_dbe"));
        }
    }
}

#[tokio::test]
async fn a_plain_table_s_records_stay_as_they_are() {
    let database = database("NEW_AND_OLD_IMAGES");
    let (one, two) = (gateway(protected::engine(), &database).await, gateway(protected::engine(), &database).await);
    let item = user("1", "a@example.com");
    assert_eq!(one.call("PutItem", &json!({"TableName": "Plain", "Item": item}).to_string()).await.status, 200);
    let records = read(&[&one, &two], "Plain").await;
    assert_eq!(records, read(&[&plain_gateway(&database).await], "Plain").await);
    assert_eq!(records[0]["dynamodb"]["NewImage"], item);
}

#[tokio::test]
async fn a_reader_gets_past_a_record_that_does_not_verify() {
    let database = database("NEW_AND_OLD_IMAGES");
    let gateway = gateway(protected::engine(), &database).await;
    let put = |id: &str| json!({"TableName": "Users", "Item": user(id, "a@example.com")}).to_string();
    assert_eq!(gateway.call("PutItem", &put("1")).await.status, 200);
    // Someone without a key writes an item.
    assert!(
        database.call(&request("PutItem", &json!({"TableName": "Users", "Item": user("x", "x@example.com")}))).ok()
    );
    assert_eq!(gateway.call("PutItem", &put("2")).await.status, 200);

    let start = iterator(&gateway, "Users", json!({"ShardIteratorType": "TRIM_HORIZON"})).await;
    let reply = ask(&gateway, "GetRecords", json!({"ShardIterator": start})).await;
    assert_error(&reply, 400, "ItemVerificationException", "DSL-3001");
    let message = reply.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("GetRecords on table Users, record 2, SequenceNumber "), "{message}");
    assert!(message.contains("NewImage (key id)") && message.contains("AFTER_SEQUENCE_NUMBER"), "{message}");
    assert!(!message.contains("example.com"), "{message}");

    // The records before it, then those behind it.
    let before = ask(&gateway, "GetRecords", json!({"ShardIterator": start, "Limit": 1})).await.json();
    assert_eq!(before["Records"][0]["dynamodb"]["NewImage"], user("1", "a@example.com"));
    let number = message.split("SequenceNumber ").nth(1).unwrap().split(',').next().unwrap();
    let position = json!({"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": number});
    let behind = iterator(&gateway, "Users", position).await;
    let after = ask(&gateway, "GetRecords", json!({"ShardIterator": behind})).await.json();
    assert_eq!(after["Records"].as_array().unwrap().len(), 1);
    assert_eq!(after["Records"][0]["dynamodb"]["NewImage"], user("2", "a@example.com"));
}

/// An item that is sealed for the first time is marked before, and the stream tells of that as of any change.
#[tokio::test]
async fn a_reader_sees_no_mark() {
    let database = database("NEW_AND_OLD_IMAGES");
    let engine = || protected::engine_of(Plaintext::Read);
    let gateway = gateway(engine(), &database).await;
    let (before, after) = (user("1", "a@example.com"), user("1", "b@example.com"));
    assert!(database.call(&request("PutItem", &json!({"TableName": "Users", "Item": before}))).ok());
    let update = json!({
        "TableName": "Users", "Key": {"id": {"S": "1"}}, "UpdateExpression": "SET email = :e",
        "ExpressionAttributeValues": {":e": {"S": "b@example.com"}},
    });
    assert_eq!(gateway.call("UpdateItem", &update.to_string()).await.status, 200);
    // A mark of a gateway that was killed after it, on an item that somebody deletes.
    let left = json!({
        "TableName": "Users", "Key": {"id": {"S": "2"}}, "UpdateExpression": "SET aws_dbe_sealing = :m",
        "ExpressionAttributeValues": {":m": {"B": "AAAA"}},
    });
    assert!(database.call(&request("UpdateItem", &left)).ok());
    assert_eq!(
        gateway.call("DeleteItem", &json!({"TableName": "Users", "Key": {"id": {"S": "2"}}}).to_string()).await.status,
        200
    );

    // A sealed item that is too large for one expression is put as a whole, and marked before, too.
    let (mut large, mut changed) = (user("3", "a@example.com"), user("3", "b@example.com"));
    for item in [&mut large, &mut changed] {
        item.as_object_mut().unwrap().extend((0..300).map(|number| (format!("a{number}"), json!({"S": "x"}))));
    }
    assert_eq!(gateway.call("PutItem", &json!({"TableName": "Users", "Item": large}).to_string()).await.status, 200);
    let update = update.to_string().replace(r#"{"S":"1"}"#, r#"{"S":"3"}"#);
    assert_eq!(gateway.call("UpdateItem", &update).await.status, 200);

    let stored = read(&[&plain_gateway(&database).await], "Users").await;
    let marked = |record: &Value| {
        ["OldImage", "NewImage"].map(|image| record["dynamodb"][image].get("aws_dbe_sealing").is_some())
    };
    let marks: Vec<_> = stored.iter().map(marked).collect();
    assert_eq!(
        marks,
        [
            [false, false],
            [false, true],
            [true, false],
            [false, true],
            [true, false],
            [false, false],
            [false, true],
            [true, false],
        ]
    );

    let records = read(&[&gateway], "Users").await;
    let event = json!({ "Records": stored }).to_string();
    let opened = engine().open_records(&database, Some("Users"), &event).await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&opened).unwrap()["Records"], json!(records));
    let two = json!({"id": {"S": "2"}});
    let expected = [
        (Value::Null, before.clone()),
        (before.clone(), before.clone()),
        (before, after),
        (Value::Null, two.clone()),
        (two, Value::Null),
        (Value::Null, large.clone()),
        (large.clone(), large.clone()),
        (large, changed),
    ];
    let images = |record: &Value| ["OldImage", "NewImage"].map(|image| record["dynamodb"][image].clone()).into();
    assert_eq!(records.iter().map(images).collect::<Vec<(Value, Value)>>(), expected);
}

#[tokio::test]
async fn an_iterator_from_elsewhere_is_refused() {
    let database = database("NEW_AND_OLD_IMAGES");
    let gateway = gateway(protected::engine(), &database).await;
    let foreign = iterator(&plain_gateway(&database).await, "Users", json!({"ShardIteratorType": "LATEST"})).await;
    let reply = ask(&gateway, "GetRecords", json!({"ShardIterator": foreign})).await;
    assert_error(&reply, 400, "ValidationException", "DSL-2007");
    assert!(reply.json()["message"].as_str().unwrap().contains("GetShardIterator"));
    assert!(!reply.json().to_string().contains(&foreign));
    // No other operation takes the way of the streams past the engine.
    let reply = ask(&gateway, "GetItem", json!({"TableName": "Users", "Key": {"id": {"S": "1"}}})).await;
    assert_error(&reply, 400, "UnknownOperationException", "DSL-2002");
}
