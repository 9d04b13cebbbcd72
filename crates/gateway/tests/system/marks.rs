//! The mark on an item that is about to be sealed: what it costs, that nobody is shown it, and that nothing is lost where a
//! writer ends before or after it.

use crate::protected::*;
use crate::unsealed::*;
use dynaseal_engine::{Answer, BoxFuture, Call, Engine, Plaintext, Wire, WireError};
use dynaseal_gateway::Embedded;
use serde_json::{Value, json};

/// The item is written once more for the first sealing alone.
#[tokio::test]
async fn a_mark_costs_one_write_and_leaves_nothing() {
    let engine = engine_of(Plaintext::Read);
    let database = unsealed();
    let wire = Meddler::new(&database, ("", 99), plain("REMOVE nothing"));
    let (_, answer) = call(&engine, &wire, "UpdateItem", update("SET email = :v", "b@example.com", "ALL_OLD")).await;
    assert_eq!((wire.writes().len(), &answer["Attributes"]), (2, &user("1", "a@example.com")));
    let (_, answer) =
        call(&engine, &wire, "UpdateItem", update("SET email = :v", "c@example.com", "UPDATED_OLD")).await;
    assert_eq!((wire.writes().len(), &answer["Attributes"]), (3, &json!({"email": {"S": "b@example.com"}})));
    assert!(stored(&database).get("aws_dbe_sealing").is_none());
    // A refusal costs nothing and leaves no mark.
    let database = unsealed();
    let wire = Meddler::new(&database, ("", 99), plain("REMOVE nothing"));
    let mut body = update("SET email = :v", "b@example.com", "NONE");
    body["ConditionExpression"] = json!("email = :v");
    assert_eq!(call(&engine, &wire, "UpdateItem", body).await.0, 400);
    assert_eq!((wire.writes().len(), stored(&database)), (0, user("1", "a@example.com")));
    let (status, _) = call(&engine, &wire, "UpdateItem", update("SET email = :v", "b@example.com", "SOME")).await;
    assert_eq!((status, stored(&database)), (400, user("1", "a@example.com")));
}

/// Puts a mark on the item as a gateway leaves it that is killed at that moment.
async fn killed_after_its_mark(engine: &Engine, database: &Embedded) {
    let wire = Killed { database, writes: 1.into() };
    let body = request("UpdateItem", &update("SET email = :v", "never@example.com", "NONE"));
    let call = engine.call(&wire, body);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(200), call).await.is_err());
    assert!(stored(database)["aws_dbe_sealing"].is_object(), "{}", stored(database));
}

/// A wire that answers so many writes, and then nothing any more.
struct Killed<'w> {
    database: &'w Embedded,
    writes: std::sync::atomic::AtomicUsize,
}

impl Wire for Killed<'_> {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        use std::sync::atomic::Ordering::SeqCst;
        let is_read = call.operation == "GetItem";
        if is_read || self.writes.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok() {
            let answer = self.database.call(&call);
            return Box::pin(async move { Ok(answer) });
        }
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_mark_that_was_left_is_never_shown_and_taken_over() {
    let whole = user("1", "a@example.com");
    for mode in [Plaintext::Read, Plaintext::Write] {
        let engine = engine_of(mode);
        let marked = async || {
            let database = unsealed();
            killed_after_its_mark(&engine_of(Plaintext::Read), &database).await;
            database
        };
        let database = marked().await;
        assert_eq!(read(&engine, &database).await, whole);
        let (_, answer) = call(&engine, &database, "Scan", json!({"TableName": "Users"})).await;
        assert_eq!(answer["Items"][0], whole);
        let statement = json!({"Statement": "SELECT * FROM Users WHERE id = '1'"});
        assert_eq!(call(&engine, &database, "ExecuteStatement", statement).await.1["Items"][0], whole);
        let batch = json!({"RequestItems": {"Users": {"Keys": [key()]}}});
        assert_eq!(call(&engine, &database, "BatchGetItem", batch).await.1["Responses"]["Users"][0], whole);
        let gets = json!({"TransactItems": [{"Get": {"TableName": "Users", "Key": key()}}]});
        assert_eq!(call(&engine, &database, "TransactGetItems", gets).await.1["Responses"][0]["Item"], whole);
        let text = stored(&database).to_string();
        let opened: Value =
            serde_json::from_slice(&engine.open_item(&database, "Users", &text).await.unwrap()).unwrap();
        assert_eq!(opened, whole);

        // Writes show what was there without it, and take it away.
        for (operation, mut body, shown) in [
            ("PutItem", json!({"Item": user("1", "b"), "ReturnValues": "ALL_OLD"}), whole.clone()),
            ("DeleteItem", json!({"Key": key(), "ReturnValues": "ALL_OLD"}), whole.clone()),
            ("UpdateItem", update("SET email = :v", "b", "ALL_OLD"), whole.clone()),
            ("UpdateItem", update("SET email = :v", "b", "UPDATED_OLD"), json!({"email": {"S": "a@example.com"}})),
            ("UpdateItem", update("SET hits = :v", "b", "ALL_OLD"), whole.clone()),
            ("UpdateItem", update("SET hits = :v", "b", "UPDATED_OLD"), json!({"hits": {"N": "1"}})),
            ("UpdateItem", update("SET hits = :v", "b", "UPDATED_NEW"), json!({"hits": {"S": "b"}})),
        ] {
            let database = marked().await;
            body["TableName"] = json!("Users");
            let (status, answer) = call(&engine, &database, operation, body).await;
            assert_eq!((status, &answer["Attributes"]), (200, &shown), "{operation}");
            assert!(stored(&database).get("aws_dbe_sealing").is_none(), "{operation}: {}", stored(&database));
        }
        let database = marked().await;
        let legacy = json!({"TableName": "Users", "Key": key(), "ReturnValues": "UPDATED_OLD",
            "AttributeUpdates": {"hits": {"Action": "ADD", "Value": {"N": "1"}}}});
        assert_eq!(call(&engine, &database, "UpdateItem", legacy).await.1["Attributes"], json!({"hits": {"N": "1"}}));
        assert!(stored(&database).get("aws_dbe_sealing").is_none(), "{}", stored(&database));
        let database = marked().await;
        let mut part = update("SET hits = :v", "b", "NONE");
        part.as_object_mut().unwrap().remove("ReturnValues");
        let body = json!({"TransactItems": [{"Update": part}]});
        assert_eq!(call(&engine, &database, "TransactWriteItems", body).await.0, 200);
        assert!(stored(&database).get("aws_dbe_sealing").is_none(), "{}", stored(&database));
        let failed = conditional(("Key", key()), "email = :v", json!({"S": "other"}));
        assert_eq!(call(&engine, &marked().await, "DeleteItem", failed).await.1["Item"], whole);
        let body = request("UpdateItem", &update("SET aws_dbe_sealing = :v", "b", "NONE"));
        assert_eq!(engine.call(&marked().await, body).await.unwrap_err().code(), "DSL-2003");
    }
}

#[tokio::test]
async fn answers_that_are_lost_on_the_way_to_the_first_sealing_change_nothing() {
    // The mark's answer, the sealing's, both.
    for lost in 1..=3_usize {
        for mode in [Plaintext::Read, Plaintext::Write] {
            let engine = engine_of(mode);
            let wire = trouble(&engine, 0, 0).await;
            let body = json!({"TableName": "Users", "Item": user("1", "a@example.com")});
            assert!(wire.database.call(&request("PutItem", &body)).ok());
            wire.lost.store(lost, std::sync::atomic::Ordering::SeqCst);
            let mut body = update("SET age = age + :v", "", "ALL_NEW");
            body["ExpressionAttributeValues"][":v"] = json!({"N": "1"});
            let answer = engine.call(&wire, request("UpdateItem", &body)).await;
            wire.lost.store(0, std::sync::atomic::Ordering::SeqCst);
            let age = read(&engine, &wire.database).await["age"]["N"].clone();
            match answer {
                Ok(answer) => {
                    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
                    assert_eq!(
                        (&answer["Attributes"]["age"]["N"], age),
                        (&json!("41"), json!("41")),
                        "{lost} {mode:?}"
                    );
                }
                // Without a footer nobody can tell whether it was carried out.
                Err(error) => {
                    assert_eq!((error.code(), mode), ("DSL-6006", Plaintext::Write), "{lost}");
                    assert_eq!(age, "41");
                }
            }
        }
    }
}

/// A plain writer that puts back what it read, mark and all, with one attribute more: nothing shows that in a condition.
#[tokio::test]
async fn what_is_put_back_with_its_mark_is_taken_in_at_once() {
    for transaction in [false, true] {
        let engine = engine_of(Plaintext::Read);
        let database = unsealed();
        let wire = PutBack(&database, false.into());
        let mut body = update("SET email = :v", "b@example.com", "ALL_NEW");
        let mut expected = user("1", "b@example.com");
        expected["lockedBy"] = json!({"S": "plain"});
        if transaction {
            body.as_object_mut().unwrap().remove("ReturnValues");
            let body = json!({"TransactItems": [{"Update": body}]});
            assert_eq!(call(&engine, &wire, "TransactWriteItems", body).await, (200, json!({})));
        } else {
            assert_eq!(call(&engine, &wire, "UpdateItem", body).await, (200, json!({"Attributes": expected})));
        }
        assert!(wire.1.into_inner());
        assert_eq!(read(&engine, &database).await, expected);
        assert!(stored(&database)["lockedBy"]["B"].is_string(), "{}", stored(&database));
    }
}

/// Puts the item back with an attribute more as soon as it is marked.
struct PutBack<'w>(&'w Embedded, std::sync::atomic::AtomicBool);

impl Wire for PutBack<'_> {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        let answer = self.0.call(&call);
        let mut item = stored(self.0);
        if item.get("aws_dbe_sealing").is_some() && !self.1.swap(true, std::sync::atomic::Ordering::SeqCst) {
            item["lockedBy"] = json!({"S": "plain"});
            assert!(self.0.call(&request("PutItem", &json!({"TableName": "Users", "Item": item}))).ok());
        }
        Box::pin(async move { Ok(answer) })
    }
}

/// An item that is too large for an expression is put as a whole, and a whole put would take away what another gateway's update
/// added: an attribute that is not signed, which leaves the footer as it was. It may come before the mark or after it.
#[tokio::test]
async fn a_large_item_is_put_under_its_mark() {
    let engine = || engine_with_prefix("x_");
    let mut large = user("1", "a@example.com");
    large.as_object_mut().unwrap().extend((0..400).map(|number| (format!("a{number}"), json!({"S": "v"}))));
    let mut expected = large.clone();
    expected["email"] = json!({"S": "b@example.com"});
    expected["x_new"] = json!({"S": "them"});
    for number in [1, 2] {
        let database = database();
        put(&engine(), &database, large.clone()).await;
        // What the other gateway sends is what comes in between.
        let (elsewhere, mut body) = (unsealed(), update("SET x_new = :v", "them", "NONE"));
        body.as_object_mut().unwrap().remove("ReturnValues");
        let recorder = Meddler::new(&elsewhere, ("", 9), plain("REMOVE nothing"));
        assert_eq!(call(&engine(), &recorder, "UpdateItem", body).await.0, 200);
        assert_eq!(recorder.writes(), ["UpdateItem"]);

        let wire = Meddler::new(&database, ("", number), recorder.last());
        let body = update("SET email = :v", "b@example.com", "ALL_NEW");
        let (status, answer) = call(&engine(), &wire, "UpdateItem", body).await;
        assert!(wire.writes().contains(&"PutItem".to_owned()), "{:?}", wire.writes());
        assert_eq!((status, &answer["Attributes"]), (200, &expected), "{number}");
        assert_eq!(read(&engine(), &database).await, expected, "{number}");
    }
}
