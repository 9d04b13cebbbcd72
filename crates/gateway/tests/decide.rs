//! Conditions and filters on encrypted attributes, decided in the engine over an embedded database.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    reason = "helpers of tests, not tests themselves"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dynaseal_engine::{Answer, BoxFuture, Call, Engine, Error, Plaintext, Service, Table, Wire, WireError};
use dynaseal_gateway::{Embedded, RuntimeClock};
use dynaseal_item::{Action, SchemaSpec, Suite};
use dynaseal_keys::{Provider, RawAes};
use serde_json::{Value, json};

/// `Users`: key `id`, unsigned `hits`, signed `tier`, all else encrypted.
fn engine() -> Engine {
    let schema = SchemaSpec {
        logical_name: "Users".into(),
        partition_key: "id".into(),
        actions: vec![("id".into(), Action::SignOnly), ("tier".into(), Action::SignOnly)],
        default_action: Some(Action::EncryptAndSign),
        unsigned: vec!["hits".into()],
        suite: Suite::Hmac,
        ..SchemaSpec::default()
    };
    // A test key.
    let ring = RawAes::new("test", "key", &[7; 32]).unwrap();
    let table = Table::new("Users".into(), schema.build().unwrap(), Provider::new(Arc::new(ring)), Plaintext::Forbid);
    Engine::new([table], Arc::new(RuntimeClock))
}

fn database() -> Embedded {
    let database = Embedded::open(None).unwrap();
    let table = json!({
        "TableName": "Users", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    });
    assert!(database.call(&request("CreateTable", &table)).ok());
    database
}

fn request(operation: &str, body: &Value) -> Call {
    Call { service: Service::DynamoDb, operation: operation.to_owned().into(), body: serde_json::to_vec(body).unwrap() }
}

async fn call(engine: &Engine, wire: &dyn Wire, operation: &str, body: Value) -> (u16, Value) {
    let answer = engine.call(wire, request(operation, &body)).await.unwrap();
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

fn user(id: &str, email: &str) -> Value {
    json!({"id": {"S": id}, "email": {"S": email}, "age": {"N": "40"}, "tier": {"S": "free"}, "hits": {"N": "1"}})
}

async fn put(engine: &Engine, wire: &dyn Wire, item: Value) {
    assert_eq!(call(engine, wire, "PutItem", json!({"TableName": "Users", "Item": item})).await.0, 200);
}

fn conditional(target: (&str, Value), condition: &str, value: Value) -> Value {
    json!({
        "TableName": "Users", target.0: target.1, "ConditionExpression": condition, "ReturnValues": "ALL_OLD",
        "ExpressionAttributeValues": {":v": value}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    })
}

#[tokio::test]
async fn puts_and_deletes_under_conditions_on_encrypted_attributes() {
    let (engine, database) = (engine(), database());
    put(&engine, &database, user("1", "a@example.com")).await;
    let old = user("1", "a@example.com");
    let new = user("1", "b@example.com");

    let body = conditional(("Item", new.clone()), "age > :v", json!({"N": "40"}));
    let (status, answer) = call(&engine, &database, "PutItem", body).await;
    assert_eq!((status, &answer["message"], &answer["Item"]), (400, &json!("The conditional request failed"), &old));
    assert!(answer["__type"].as_str().unwrap().ends_with("#ConditionalCheckFailedException"));

    let body = conditional(("Item", new.clone()), "begins_with(email, :v) AND age <> email", json!({"S": "a@"}));
    assert_eq!(call(&engine, &database, "PutItem", body).await, (200, json!({"Attributes": old})));

    let key = || ("Key", json!({"id": {"S": "1"}}));
    let (status, answer) =
        call(&engine, &database, "DeleteItem", conditional(key(), "email = :v", json!({"S": "a@example.com"}))).await;
    assert_eq!((status, &answer["Item"]), (400, &new));
    let body = conditional(key(), "hits = :v AND size(email) > :v", json!({"N": "1"}));
    assert_eq!(call(&engine, &database, "DeleteItem", body).await, (200, json!({"Attributes": new})));

    // There is nothing any more: comparisons fail, absence holds.
    let body = conditional(key(), "email = :v", json!({"S": "x"}));
    let (status, answer) = call(&engine, &database, "DeleteItem", body).await;
    assert!(status == 400 && answer.get("Item").is_none(), "{answer}");
    let body = conditional(("Item", old.clone()), "NOT email = :v", json!({"S": "x"}));
    assert_eq!(call(&engine, &database, "PutItem", body).await, (200, json!({})));
}

#[tokio::test]
async fn expressions_that_dynamodb_refuses_are_refused_in_its_words() {
    let (engine, database) = (engine(), database());
    put(&engine, &database, user("1", "a@example.com")).await;
    let body = conditional(("Item", user("1", "b")), "email = :w", json!({"S": "x"}));
    let (status, answer) = call(&engine, &database, "PutItem", body).await;
    let text = answer["message"].as_str().unwrap();
    assert!(status == 400 && text.contains("attribute value: :w"), "{text}");
}

#[tokio::test]
async fn filters_count_exactly() {
    let (engine, database) = (engine(), database());
    for number in 0..10 {
        let mut item = user(&number.to_string(), "a@example.com");
        item["age"] = json!({"N": (30 + number).to_string()});
        put(&engine, &database, item).await;
    }
    let scan = |select: &str, projection: Option<&str>| {
        let mut body = json!({
            "TableName": "Users", "FilterExpression": "age >= :v AND #p = :p", "Select": select,
            "ExpressionAttributeNames": {"#p": "tier", "#a": "age"},
            "ExpressionAttributeValues": {":v": {"N": "37.0"}, ":p": {"S": "free"}},
        });
        match projection {
            Some(projection) => body["ProjectionExpression"] = json!(projection),
            None => body["ExpressionAttributeNames"] = json!({"#p": "tier"}),
        }
        body
    };
    let (status, page) = call(&engine, &database, "Scan", scan("ALL_ATTRIBUTES", None)).await;
    assert_eq!((status, &page["Count"], &page["ScannedCount"]), (200, &json!(3), &json!(10)), "{page}");
    assert_eq!(page["Items"].as_array().unwrap().len(), 3);
    let (_, page) = call(&engine, &database, "Scan", scan("SPECIFIC_ATTRIBUTES", Some("#a"))).await;
    assert!(page["Items"].as_array().unwrap().iter().all(|item| item.as_object().unwrap().len() == 1), "{page}");
    let (_, page) = call(&engine, &database, "Scan", scan("COUNT", None)).await;
    assert_eq!((&page["Count"], &page["ScannedCount"], page.get("Items")), (&json!(3), &json!(10), None));
    let body = json!({
        "TableName": "Users", "KeyConditionExpression": "id = :i", "FilterExpression": "contains(email, :v)",
        "ExpressionAttributeValues": {":i": {"S": "3"}, ":v": {"S": "nothing"}},
    });
    let (_, page) = call(&engine, &database, "Query", body).await;
    assert_eq!((&page["Count"], &page["ScannedCount"], &page["Items"]), (&json!(0), &json!(1), &json!([])));
}

/// A wire on which another writer puts the item just before each of the first `races` writes, or on which the answers to
/// the first `lost` writes are lost after they were carried out.
struct Trouble {
    database: Embedded,
    races: AtomicUsize,
    lost: AtomicUsize,
    sealed: Vec<Call>,
    writes: AtomicUsize,
}

impl Wire for Trouble {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        let take = |count: &AtomicUsize| {
            count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        };
        let is_write = matches!(&*call.operation, "PutItem" | "DeleteItem" | "UpdateItem" | "TransactWriteItems");
        if is_write {
            let number = self.writes.fetch_add(1, Ordering::SeqCst);
            if take(&self.races) {
                assert!(self.database.call(&self.sealed[number % self.sealed.len()]).ok());
            }
        }
        let answer = self.database.call(&call);
        let lost = is_write && take(&self.lost);
        Box::pin(async move { if lost { Err(WireError::Broken) } else { Ok(answer) } })
    }
}

/// Trouble around an item with one of several e-mail addresses.
async fn trouble(engine: &Engine, races: usize, lost: usize) -> Trouble {
    let database = database();
    let mut sealed = Vec::new();
    for email in ["x@example.com", "y@example.com"] {
        let wire = Recorder(Embedded::open(None).unwrap(), std::sync::Mutex::default());
        let _ = engine.call(&wire, request("PutItem", &json!({"TableName": "Users", "Item": user("1", email)}))).await;
        sealed.extend(wire.1.into_inner().unwrap());
    }
    put(engine, &database, user("1", "a@example.com")).await;
    Trouble { database, races: races.into(), lost: lost.into(), sealed, writes: AtomicUsize::new(0) }
}

struct Recorder(Embedded, std::sync::Mutex<Vec<Call>>);

impl Wire for Recorder {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        let answer = self.0.call(&call);
        self.1.lock().unwrap().push(call);
        Box::pin(async move { Ok(answer) })
    }
}

#[tokio::test]
async fn a_lost_race_is_decided_again() {
    let engine = engine();
    let wire = trouble(&engine, 3, 0).await;
    let body = conditional(("Item", user("1", "new@example.com")), "contains(email, :v)", json!({"S": "@example.com"}));
    let (status, answer) = call(&engine, &wire, "PutItem", body).await;
    assert_eq!((status, wire.writes.load(Ordering::SeqCst)), (200, 4), "{answer}");
    assert_eq!(answer["Attributes"]["email"]["S"], "x@example.com");

    // The other writer made the condition false.
    let wire = trouble(&engine, 1, 0).await;
    let body = conditional(("Item", user("1", "new@example.com")), "email = :v", json!({"S": "a@example.com"}));
    let (status, answer) = call(&engine, &wire, "PutItem", body).await;
    assert_eq!((status, &answer["Item"]["email"]["S"]), (400, &json!("x@example.com")));

    // One that never gives up is not waited for for ever, and the error is one that SDKs retry.
    let wire = trouble(&engine, 1_000, 0).await;
    let body = conditional(("Item", user("1", "new@example.com")), "contains(email, :v)", json!({"S": "@example.com"}));
    let error = engine.call(&wire, request("PutItem", &body)).await.unwrap_err();
    assert!(matches!(error, Error::Contended { .. }), "{error}");
}

#[tokio::test]
async fn a_lost_answer_is_recognised() {
    let engine = engine();
    let wire = trouble(&engine, 0, 1).await;
    let body = conditional(("Item", user("1", "new@example.com")), "email = :v", json!({"S": "a@example.com"}));
    let (status, answer) = call(&engine, &wire, "PutItem", body).await;
    assert_eq!((status, &answer["Attributes"]["email"]["S"]), (200, &json!("a@example.com")));
    assert_eq!(wire.writes.load(Ordering::SeqCst), 1);

    // A delete leaves nothing to recognise: the caller is told that it cannot be told.
    let wire = trouble(&engine, 0, 1).await;
    let body = conditional(("Key", json!({"id": {"S": "1"}})), "email = :v", json!({"S": "a@example.com"}));
    let error = engine.call(&wire, request("DeleteItem", &body)).await.unwrap_err();
    assert_eq!(error.code(), "DSL-6001", "{error}");
}

fn update(expression: &str, returns: &str) -> Value {
    json!({
        "TableName": "Users", "Key": {"id": {"S": "1"}}, "UpdateExpression": expression, "ReturnValues": returns,
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    })
}

#[tokio::test]
async fn updates_change_sealed_attributes_and_leave_counters_to_dynamodb() {
    let (engine, database) = (engine(), database());
    put(&engine, &database, user("1", "a@example.com")).await;
    let stored = |database: &Embedded| {
        let answer = database.call(&request("GetItem", &json!({"TableName": "Users", "Key": {"id": {"S": "1"}}})));
        serde_json::from_slice::<Value>(&answer.body).unwrap()["Item"].clone()
    };
    let (status, answer) =
        call(&engine, &database, "UpdateItem", update("SET age = age + :one ADD hits :one", "UPDATED_NEW")).await;
    assert_eq!((status, &answer), (200, &json!({"Attributes": {"age": {"N": "41"}, "hits": {"N": "2"}}})));
    assert!(stored(&database)["age"]["B"].is_string(), "{}", stored(&database));
    let (_, answer) =
        call(&engine, &database, "UpdateItem", update("SET #s = age, hits = age, nick = :one REMOVE email", "ALL_NEW"))
            .await;
    assert!(answer["message"].as_str().unwrap().contains("#s"), "{answer}");
    let (_, answer) = call(
        &engine,
        &database,
        "UpdateItem",
        update("SET twin = age, hits = age, nick = :one REMOVE email", "ALL_NEW"),
    )
    .await;
    let expected = json!({
        "id": {"S": "1"}, "age": {"N": "41"}, "twin": {"N": "41"}, "hits": {"N": "41"}, "nick": {"N": "1"}, "tier": {"S": "free"},
    });
    assert_eq!(answer["Attributes"], expected);
    let whole = json!({"TableName": "Users", "Key": {"id": {"S": "1"}}});
    assert_eq!(call(&engine, &database, "GetItem", whole).await.1["Item"], expected);
    let (status, answer) = call(&engine, &database, "UpdateItem", update("SET age = :one", "SOME")).await;
    assert!(status == 400 && answer["message"].as_str().unwrap().contains("enum value set"), "{answer}");
    let (_, answer) = call(&engine, &database, "UpdateItem", update("SET age = :one", "UPDATED_OLD")).await;
    assert_eq!(answer, json!({"Attributes": {"age": {"N": "41"}}}));
    let (_, answer) = call(&engine, &database, "UpdateItem", update("REMOVE nick SET age = :one", "ALL_OLD")).await;
    assert_eq!(answer["Attributes"]["nick"], json!({"N": "1"}));
}

#[tokio::test]
async fn the_seed_case_updates_only_what_exists() {
    let (engine, database) = (engine(), database());
    let mut body = update("SET age = :one", "NONE");
    body["ConditionExpression"] = json!("attribute_exists(id)");
    let (status, answer) = call(&engine, &database, "UpdateItem", body.clone()).await;
    assert!(
        status == 400 && answer["__type"].as_str().unwrap().ends_with("#ConditionalCheckFailedException"),
        "{answer}"
    );
    put(&engine, &database, user("1", "a@example.com")).await;
    assert_eq!(call(&engine, &database, "UpdateItem", body).await, (200, json!({})));
    // Without a condition an update creates the item, sealed.
    let mut body = update("SET age = :one ADD hits :one", "ALL_NEW");
    body["Key"] = json!({"id": {"S": "2"}});
    let created = json!({"id": {"S": "2"}, "age": {"N": "1"}, "hits": {"N": "1"}});
    assert_eq!(call(&engine, &database, "UpdateItem", body).await.1["Attributes"], created);
}

#[tokio::test]
async fn no_increment_is_lost_or_doubled() {
    const WRITERS: usize = 8;
    const EACH: usize = 25;
    let engines = [Arc::new(engine()), Arc::new(engine())];
    let wire = Arc::new(trouble(&engines[0], 0, 20).await);
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let (engine, wire) = (Arc::clone(&engines[writer % 2]), Arc::clone(&wire));
        tasks.push(tokio::spawn(async move {
            let mut applied = 0;
            for _ in 0..EACH {
                let body = request("UpdateItem", &update("SET age = age + :one ADD hits :one", "NONE"));
                match engine.call(&*wire, body).await {
                    Ok(answer) => applied += usize::from(answer.ok()),
                    Err(Error::Contended { .. }) => {}
                    // The answer was lost and another writer came in between: it cannot be told.
                    Err(Error::Wire { .. }) => return None,
                    Err(error) => panic!("{error}"),
                }
            }
            Some(applied)
        }));
    }
    let mut reported = 0;
    let mut unknown = 0;
    for task in tasks {
        match task.await.unwrap() {
            Some(applied) => reported += applied,
            None => unknown += 1,
        }
    }
    let body = json!({"TableName": "Users", "Key": {"id": {"S": "1"}}});
    let item = call(&engines[0], &*wire, "GetItem", body).await.1["Item"].clone();
    assert_ne!(item["age"]["N"], "40", "nothing was counted");
    let number = |name: &str| item[name]["N"].as_str().unwrap().parse::<usize>().unwrap();
    assert_eq!(number("age") - 40, number("hits") - 1, "sealed and plain counters differ");
    if unknown == 0 {
        assert_eq!(number("age") - 40, reported);
    } else {
        assert!(number("age") - 40 >= reported, "{} < {reported}", number("age") - 40);
    }
}

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
async fn an_index_may_project_anything() {
    let (engine, database) = (engine(), Embedded::open(None).unwrap());
    let index = |name: &str, projection: Value| {
        json!({
            "IndexName": name, "Projection": projection,
            "KeySchema": [{"AttributeName": "tier", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
        })
    };
    let table = json!({
        "TableName": "Users", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "tier", "AttributeType": "S"},
        ],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [
            index("all", json!({"ProjectionType": "ALL"})),
            index("keys", json!({"ProjectionType": "KEYS_ONLY"})),
            index("some", json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["age", "aws_dbe_head"]})),
        ],
    });
    assert!(database.call(&request("CreateTable", &table)).ok());
    for number in 0..120 {
        let mut item = user(&format!("{number:03}"), "a@example.com");
        item["age"] = json!({"N": number.to_string()});
        put(&engine, &database, item).await;
    }
    let query = |index: &str, more: Value| {
        let mut body = json!({
            "TableName": "Users", "IndexName": index, "KeyConditionExpression": "tier = :t",
            "ExpressionAttributeValues": {":t": {"S": "free"}},
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (index, attributes) in [("all", 5), ("keys", 2), ("some", 3)] {
        let (status, page) = call(&engine, &database, "Query", query(index, json!({}))).await;
        assert_eq!((status, &page["Count"], &page["ScannedCount"]), (200, &json!(120), &json!(120)), "{index}");
        for (number, item) in page["Items"].as_array().unwrap().iter().enumerate() {
            assert_eq!(
                (item.as_object().unwrap().len(), &item["id"]["S"]),
                (attributes, &json!(format!("{number:03}")))
            );
            assert!(index == "keys" || item["age"] == json!({"N": number.to_string()}), "{item}");
        }
    }
    let values = json!({":t": {"S": "free"}, ":a": {"N": "110"}});
    let more =
        json!({"FilterExpression": "age >= :a", "ExpressionAttributeValues": values, "ProjectionExpression": "age"});
    let (_, page) = call(&engine, &database, "Query", query("some", more.clone())).await;
    assert_eq!((&page["Count"], &page["Items"][9]), (&json!(10), &json!({"age": {"N": "119"}})), "{page}");
    // What an index does not project, its filters do not see.
    assert_eq!(call(&engine, &database, "Query", query("keys", more)).await.1["Count"], json!(0));
    let (_, page) = call(&engine, &database, "Query", query("keys", json!({"Limit": 7}))).await;
    assert_eq!((&page["Count"], &page["LastEvaluatedKey"]["id"]["S"]), (&json!(7), &json!("006")));
    let (_, page) = call(&engine, &database, "Scan", json!({"TableName": "Users", "IndexName": "some"})).await;
    assert_eq!((&page["Count"], &page["Items"][0]["age"]["N"].is_string()), (&json!(120), &true));
}

#[tokio::test]
async fn legacy_parameters_mean_what_their_successors_do() {
    let (engine, database) = (engine(), database());
    put(&engine, &database, user("1", "a@example.com")).await;
    let expected = |email: &str| json!({"email": {"Value": {"S": email}}, "age": {"ComparisonOperator": "GT", "AttributeValueList": [{"N": "30"}]}});
    let body = |email: &str, operator: &str| {
        json!({
            "TableName": "Users", "Key": {"id": {"S": "1"}}, "Expected": expected(email), "ConditionalOperator": operator,
            "AttributeUpdates": {"age": {"Action": "ADD", "Value": {"N": "1"}}, "hits": {"Action": "ADD", "Value": {"N": "1"}}},
            "ReturnValues": "UPDATED_NEW",
        })
    };
    assert_eq!(call(&engine, &database, "UpdateItem", body("x", "AND")).await.0, 400);
    let answer = json!({"Attributes": {"age": {"N": "41"}, "hits": {"N": "2"}}});
    assert_eq!(call(&engine, &database, "UpdateItem", body("x", "OR")).await, (200, answer));
    let filter = |email: &str| {
        json!({
            "TableName": "Users", "AttributesToGet": ["age"],
            "ScanFilter": {"email": {"ComparisonOperator": "CONTAINS", "AttributeValueList": [{"S": email}]}},
        })
    };
    let (_, page) = call(&engine, &database, "Scan", filter("@example")).await;
    assert_eq!((&page["Count"], &page["Items"]), (&json!(1), &json!([{"age": {"N": "41"}}])), "{page}");
    assert_eq!(call(&engine, &database, "Scan", filter("nothing")).await.1["Count"], json!(0));
    let query = json!({
        "TableName": "Users",
        "KeyConditions": {"id": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "1"}]}},
        "QueryFilter": {"email": {"ComparisonOperator": "NE", "AttributeValueList": [{"S": "a@example.com"}]}},
    });
    let (_, page) = call(&engine, &database, "Query", query).await;
    assert_eq!((&page["Count"], &page["ScannedCount"]), (&json!(0), &json!(1)), "{page}");
    let delete = json!({"TableName": "Users", "Key": {"id": {"S": "1"}}, "Expected": expected("a@example.com"), "ReturnValues": "ALL_OLD"});
    assert_eq!(call(&engine, &database, "DeleteItem", delete).await.1["Attributes"]["age"], json!({"N": "41"}));
}
