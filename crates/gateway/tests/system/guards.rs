//! What another writer does between the read and the write of a call: nothing of it is overwritten unseen, and no item that
//! is sealed for the first time becomes one that nobody can read.

use crate::protected::*;
use crate::unsealed::*;
use dynaseal_engine::{Call, Plaintext};
use dynaseal_gateway::Embedded;
use serde_json::json;

#[tokio::test]
async fn what_a_condition_found_absent_is_guarded() {
    let engine = engine_of(Plaintext::Read);
    let condition = "email = :v AND attribute_not_exists(lockedBy)";
    let email = || json!({"S": "a@example.com"});
    for nested in [false, true] {
        let condition = if nested { condition.replace("(lockedBy)", "(lockedBy.whom)") } else { condition.to_owned() };
        let lock = if nested {
            let mut call = json!({"TableName": "Users", "Key": key(), "UpdateExpression": "SET lockedBy = :v"});
            call["ExpressionAttributeValues"] = json!({":v": {"M": {"whom": {"S": "plain"}}}});
            request("UpdateItem", &call)
        } else {
            plain("SET lockedBy = :v")
        };
        for operation in ["PutItem", "DeleteItem", "UpdateItem", "TransactWriteItems"] {
            let database = unsealed();
            let wire = Meddler::new(&database, (operation, 1), lock.clone());
            let target = if operation == "PutItem" { ("Item", user("1", "new")) } else { ("Key", key()) };
            let mut body = conditional(target, &condition, email());
            if operation == "UpdateItem" {
                body["UpdateExpression"] = json!("SET tier = :v");
            }
            if operation == "TransactWriteItems" {
                body.as_object_mut().unwrap().remove("ReturnValues");
                body = json!({"TransactItems": [{"Delete": body}]});
            }
            let (status, answer) = call(&engine, &wire, operation, body).await;
            assert_eq!(status, 400, "{operation}: {answer}");
            let item = stored(&database);
            assert!(item["lockedBy"].is_object() && item["aws_dbe_foot"].is_null(), "{operation}: {item} {answer}");
        }
    }
    // Sealed items too: the footer does not change when a plain writer adds an attribute, and such an item is an error.
    let database = database();
    put(&engine, &database, user("1", "a@example.com")).await;
    let wire = Meddler::new(&database, ("DeleteItem", 1), plain("SET lockedBy = :v"));
    let body = conditional(("Key", key()), condition, email());
    let error = engine.call(&wire, request("DeleteItem", &body)).await.unwrap_err();
    assert_eq!(error.code(), "DSL-3004", "{error}");
    assert!(stored(&database)["lockedBy"].is_object());
}

#[tokio::test]
async fn sealing_an_item_that_was_unsealed_keeps_what_came_in_between() {
    let engine = engine_of(Plaintext::Read);
    for number in [1, 2] {
        for transaction in [false, true] {
            let database = unsealed();
            // Another gateway, which writes unsealed items, adds an attribute.
            let other = engine_of(Plaintext::Write);
            let mut body = update("SET lockedBy = :v", "them", "NONE");
            body.as_object_mut().unwrap().remove("ReturnValues");
            // What that gateway sends is what comes in between.
            let unsent = unsealed();
            let recorder = Meddler::new(&unsent, ("", 9), plain("REMOVE nothing"));
            assert_eq!(call(&other, &recorder, "UpdateItem", body).await.0, 200);
            let wire = Meddler::new(&database, ("", number), recorder.last());
            let mut body = update("SET email = :v", "new@example.com", "ALL_NEW");
            let (operation, body) = if transaction {
                body.as_object_mut().unwrap().remove("ReturnValues");
                ("TransactWriteItems", json!({"TransactItems": [{"Update": body}]}))
            } else {
                ("UpdateItem", body)
            };
            let (status, answer) = call(&engine, &wire, operation, body).await;
            assert_eq!(status, 200, "{operation} {number}: {answer}");
            let item = read(&engine, &database).await;
            assert_eq!((&item["lockedBy"]["S"], &item["email"]["S"]), (&json!("them"), &json!("new@example.com")));
            assert!(stored(&database)["aws_dbe_foot"].is_object(), "{}", stored(&database));
            if !transaction {
                assert_eq!(answer["Attributes"], item);
            }
        }
    }
}

/// DynamoDB takes 4 KB and 300 operators in an expression. What does not fit into a guard is guarded by a mark.
#[tokio::test]
async fn unsealed_items_of_any_number_of_attributes_are_guarded() {
    let database = database();
    let mut large = user("1", "a@example.com");
    for number in 0..600 {
        large[format!("field{number}")] = json!({"N": number.to_string()});
    }
    large.as_object_mut().unwrap().remove("hits");
    let unsealed = |database: &Embedded| {
        assert!(database.call(&request("PutItem", &json!({"TableName": "Users", "Item": large}))).ok());
    };
    for mode in [Plaintext::Read, Plaintext::Write] {
        let (engine, email) = (engine_of(mode), json!({"S": "a@example.com"}));
        unsealed(&database);
        let body = conditional(("Item", user("1", "b")), "email = :v", email.clone());
        assert_eq!(call(&engine, &database, "PutItem", body).await, (200, json!({"Attributes": large})));
        unsealed(&database);
        let wire = Meddler::new(&database, ("DeleteItem", 1), plain("SET field3 = :v"));
        let body = conditional(("Key", key()), "email = :v AND field3 <> :v", email.clone());
        let (status, answer) = call(&engine, &wire, "DeleteItem", body).await;
        assert_eq!(status, 200, "{answer}");
        unsealed(&database);
        let native = request(
            "UpdateItem",
            &json!({"TableName": "Users", "Key": key(), "UpdateExpression": "ADD hits :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}}}),
        );
        // A counter comes into being before the item is put whole: through a gateway, and so the mark goes.
        let recorder = Meddler::new(&database, ("", 99), plain("REMOVE nothing"));
        engine.call(&recorder, native).await.unwrap();
        unsealed(&database);
        let wire = Meddler::new(&database, ("PutItem", 1), recorder.last());
        let (_, answer) = call(&engine, &wire, "UpdateItem", update("SET email = :v", "b", "ALL_NEW")).await;
        assert_eq!(answer["Attributes"]["email"]["S"], "b", "{answer}");
        let item = read(&engine, &database).await;
        assert_eq!((&item["email"]["S"], &item["field599"]), (&json!("b"), &large["field599"]));
        if mode == Plaintext::Read {
            assert_eq!(item["hits"]["N"], "1");
            // Sealed by now, and still too long: a counter that comes into being is not lost either.
            assert!(database.call(&plain("REMOVE hits")).ok());
            let wire = Meddler::new(&database, ("PutItem", 1), recorder.last());
            assert_eq!(call(&engine, &wire, "UpdateItem", update("SET email = :v", "c", "NONE")).await.0, 200);
            let item = read(&engine, &database).await;
            assert_eq!((&item["email"]["S"], &item["hits"]["N"]), (&json!("c"), &json!("1")));
        }
    }
}

#[tokio::test]
async fn a_token_sent_twice_seals_once() {
    let engines = [engine_of(Plaintext::Read), engine_of(Plaintext::Read)];
    let database = unsealed();
    let mut part = update("SET age = age + :v", "", "NONE");
    part["ExpressionAttributeValues"][":v"] = json!({"N": "1"});
    part.as_object_mut().unwrap().remove("ReturnValues");
    let body = json!({"TransactItems": [{"Update": part}], "ClientRequestToken": "the-same-token"});
    for engine in engines.iter().chain(&engines) {
        assert_eq!(call(engine, &database, "TransactWriteItems", body.clone()).await, (200, json!({})));
        assert_eq!(read(engine, &database).await["age"]["N"], "41");
    }
    assert!(stored(&database)["aws_dbe_foot"].is_object());
}

/// Rolling back: a gateway that writes unsealed items unseals what it updates, and one that seals seals it again.
#[tokio::test]
async fn gateways_of_both_kinds_take_turns_on_one_item() {
    let [seals, unseals] = [Plaintext::Read, Plaintext::Write].map(engine_of);
    let database = unsealed();
    for turn in 0..6 {
        let (engine, is_sealed) = if turn % 2 == 0 { (&seals, true) } else { (&unseals, false) };
        let body = update(&format!("SET turn{turn} = :v"), "x", "NONE");
        assert_eq!(call(engine, &database, "UpdateItem", body).await, (200, json!({})));
        assert_eq!(stored(&database)["aws_dbe_foot"].is_object(), is_sealed);
        for engine in [&seals, &unseals] {
            assert!((0..=turn).all(|turn| stored_has(&database, turn)) && read(engine, &database).await.is_object());
        }
    }
    // An update that says nothing seals an item,
    let before = read(&seals, &database).await;
    let body = json!({"TableName": "Users", "Key": key()});
    assert_eq!(call(&seals, &database, "UpdateItem", body).await, (200, json!({})));
    assert!(stored(&database)["aws_dbe_foot"].is_object());
    assert_eq!(read(&unseals, &database).await, before);
    // and makes one, in either mode.
    for (engine, id) in [(&seals, "new"), (&unseals, "plain")] {
        let body = json!({"TableName": "Users", "Key": {"id": {"S": id}}});
        assert_eq!(call(engine, &database, "UpdateItem", body.clone()).await, (200, json!({})));
        assert_eq!(call(engine, &database, "GetItem", body).await.1["Item"], json!({"id": {"S": id}}));
    }
}

fn stored_has(database: &Embedded, turn: usize) -> bool {
    stored(database)[format!("turn{turn}")].is_object()
}

#[tokio::test]
async fn a_broken_item_is_repaired_and_a_tampered_one_is_not() {
    let engine = engine();
    let table = engine.table("Users").unwrap();
    let broken = async || {
        let database = database();
        put(&engine, &database, user("1", "a@example.com")).await;
        assert!(database.call(&plain("SET lockedBy = :v")).ok());
        database
    };
    let added = ["lockedBy".to_owned()];
    let database = broken().await;
    let io = dynaseal_engine::Io { wire: &database, clock: &dynaseal_engine::SystemClock };
    let text = stored(&database).to_string();
    let item = dynaseal_item::json::read_item(&text).unwrap();
    assert_eq!(table.added(io, &item).await.unwrap(), added);
    let fix = Call::new(
        dynaseal_engine::Service::DynamoDb,
        "UpdateItem".to_owned(),
        table.repair(io, &item, &added).await.unwrap(),
    );
    // Another value by then: nothing is written.
    let changed = broken_by(&database, "SET lockedBy = :v", "somebody else");
    assert_eq!(changed.call(&fix).status, 400);
    assert!(changed.call(&plain("SET lockedBy = :v")).ok() && changed.call(&plain("SET more = :v")).ok());
    // A counter that moves meanwhile stays, and another addition is not lost.
    assert!(changed.call(&fix).ok());
    assert!(changed.call(&plain("REMOVE more")).ok());
    let item = read(&engine, changed).await;
    assert_eq!((&item["lockedBy"]["S"], &item["email"]["S"]), (&json!("plain"), &json!("a@example.com")));

    for tamper in [
        "SET tier = :v",
        "SET email = age, age = email",
        "REMOVE tier",
        "SET tier = email REMOVE email",
        "SET aws_dbe_foot = aws_dbe_head",
    ] {
        let database = broken().await;
        assert!(database.call(&plain(tamper)).ok(), "{tamper}");
        let io = dynaseal_engine::Io { wire: &database, clock: &dynaseal_engine::SystemClock };
        let text = stored(&database).to_string();
        let item = dynaseal_item::json::read_item(&text).unwrap();
        for names in [&["lockedBy"][..], &["lockedBy", "tier"], &["tier"], &["email"], &["lockedBy", "email"]] {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            let error = table.repair(io, &item, &names).await.unwrap_err();
            assert!(error.code().starts_with("DSL-3") || error.code() == "DSL-2003", "{tamper} {names:?}: {error}");
        }
        assert!(table.added(io, &item).await.unwrap_err().code().starts_with("DSL-3"), "{tamper}");
    }
}

fn broken_by<'d>(database: &'d Embedded, expression: &str, value: &str) -> &'d Embedded {
    let body = json!({"TableName": "Users", "Key": key(), "UpdateExpression": expression,
        "ExpressionAttributeValues": {":v": {"S": value}}});
    assert!(database.call(&request("UpdateItem", &body)).ok());
    database
}
