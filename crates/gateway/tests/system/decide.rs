//! Writes whose condition or change depends on encrypted attributes, over an embedded database.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::protected::*;
use crate::support::{FnWire, Gateway, target};
use dynaseal_engine::{Error, Invocation};
use dynaseal_gateway::{Embedded, Settings};
use serde_json::{Value, json};

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
async fn a_lost_race_is_decided_again() {
    let engine = engine();
    let wire = trouble(&engine, 3, 0).await;
    let body = conditional(("Item", user("1", "new@example.com")), "contains(email, :v)", json!({"S": "@example.com"}));
    let (status, answer) = call(&engine, &wire, "PutItem", body).await;
    assert_eq!((status, wire.writes.load(Ordering::SeqCst)), (200, 4), "{answer}");
    // The first two losses showed the item and were followed at once; after a pause it is read again.
    assert_eq!(wire.calls.load(Ordering::SeqCst), 4 + 2);
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
    assert_eq!((error.code(), error.is_retryable()), ("DSL-6006", false), "{error}");
}

#[tokio::test]
async fn a_write_that_arrives_late_is_not_carried_out_twice() {
    let engine = engine();
    let age = |wire: &Late| {
        let answer =
            wire.wire.database.call(&request("GetItem", &json!({"TableName": "Users", "Key": {"id": {"S": "1"}}})));
        let item = serde_json::from_slice::<Value>(&answer.body).unwrap()["Item"].clone();
        item["hits"]["N"].clone()
    };
    let increment = || update("SET age = age + :one ADD hits :one", "UPDATED_NEW");
    // The first write times out, nothing is seen of it, and it arrives before the second.
    let wire = Late::new(trouble(&engine, 0, 0).await);
    let (status, answer) = call(&engine, &wire, "UpdateItem", increment()).await;
    assert_eq!((status, &answer["Attributes"]["age"]["N"]), (200, &json!("41")), "{answer}");
    assert_eq!((age(&wire), wire.over.load(Ordering::SeqCst)), (json!("2"), 2));

    // Another writer comes in between: whether the first was carried out cannot be told.
    let wire = Late::new(trouble(&engine, 1, 0).await);
    let error = engine.call(&wire, request("UpdateItem", &increment())).await.unwrap_err();
    assert_eq!((error.code(), wire.over.load(Ordering::SeqCst)), ("DSL-6006", 2), "{error}");
}

/// Attempts of one call of an SDK, as a gateway gets them when the answers to earlier ones did not arrive.
#[tokio::test]
async fn a_later_attempt_finds_what_an_earlier_one_did() {
    let (engine, database) = (engine(), database());
    let attempt = |id: &str, attempt, returns| {
        let invocation = Invocation { id: id.to_owned(), attempt };
        request("UpdateItem", &update("SET age = age + :one ADD hits :one", returns)).attempt_of(Some(invocation))
    };
    let age = async || {
        let body = json!({"TableName": "Users", "Key": {"id": {"S": "1"}}});
        call(&engine, &database, "GetItem", body).await.1["Item"]["age"]["N"].clone()
    };
    for returns in ["NONE", "ALL_NEW", "ALL_OLD", "UPDATED_NEW", "UPDATED_OLD"] {
        put(&engine, &database, user("1", "a@example.com")).await;
        let first = engine.call(&database, attempt(returns, 1, returns)).await.unwrap();
        for number in [2, 3] {
            let again = engine.call(&database, attempt(returns, number, returns)).await.unwrap();
            let body = |answer: &dynaseal_engine::Answer| serde_json::from_slice::<Value>(&answer.body).unwrap();
            assert_eq!((again.status, body(&again)), (200, body(&first)), "{returns}");
        }
        assert_eq!(age().await, "41");
        // Another call, and another request under the same id, are no attempts of it.
        engine.call(&database, attempt("another", 1, returns)).await.unwrap();
        engine.call(&database, attempt(returns, 2, if returns == "NONE" { "ALL_NEW" } else { "NONE" })).await.unwrap();
        assert_eq!(age().await, "43");
        // Another writer came later: it was carried out, and what it left is gone.
        match engine.call(&database, attempt(returns, 3, returns)).await {
            Ok(answer) => assert!(answer.ok() && !returns.ends_with("NEW"), "{returns}"),
            Err(error) => assert!(error.code() == "DSL-6006" && returns.ends_with("NEW"), "{returns}: {error}"),
        }
        assert_eq!(age().await, "43");
    }
}

/// The SDK gives up an attempt whose write is still on its way.
#[tokio::test]
async fn a_gateway_carries_an_update_out_once_for_all_attempts() {
    let database = Arc::new(database());
    put(&engine(), &*database, user("1", "a@example.com")).await;
    let slow = Arc::new(AtomicUsize::new(1));
    let wire = FnWire({
        let (database, slow) = (Arc::clone(&database), Arc::clone(&slow));
        move |call: dynaseal_engine::Call| {
            let (database, slow) = (Arc::clone(&database), Arc::clone(&slow));
            async move {
                let answer = database.call(&call);
                if &*call.operation == "UpdateItem" && slow.swap(0, Ordering::SeqCst) > 0 {
                    std::future::pending::<()>().await;
                }
                Ok(answer)
            }
        }
    });
    let gateway = Gateway::start_for(engine(), Settings::default(), Arc::new(wire)).await;
    let body = update("SET age = age + :one ADD hits :one", "UPDATED_NEW").to_string();
    let attempt = |number: u32| {
        let request = target("DynamoDB_20120810.UpdateItem").header("amz-sdk-invocation-id", "3b0a-1");
        request.header("amz-sdk-request", format!("attempt={number}; max=3"))
    };
    let mut first = gateway.connect().await;
    let gone = tokio::time::timeout(Duration::from_millis(300), first.send(attempt(1), body.clone())).await;
    assert!(gone.is_err() && slow.load(Ordering::SeqCst) == 0);
    drop(first);
    let second = gateway.connect().await.send(attempt(2), body.clone()).await;
    let expected = json!({"Attributes": {"age": {"N": "41"}, "hits": {"N": "2"}}});
    assert_eq!((second.status, second.json()), (200, expected));
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

/// Every encrypted attribute is sealed anew, and DynamoDB's expressions have 4 KB at most: more are written as a whole.
#[tokio::test]
async fn an_item_of_any_number_of_attributes_can_be_updated() {
    let engine = engine();
    let wire = trouble(&engine, 0, 0).await;
    let mut large = user("1", "a@example.com");
    for number in 0..600 {
        large[format!("field{number}")] = json!({"N": number.to_string()});
    }
    put(&engine, &wire, large.clone()).await;
    let writes = wire.writes.load(Ordering::SeqCst);
    let body = update("SET age = age + :one REMOVE field0 ADD hits :one", "UPDATED_NEW");
    let (status, answer) = call(&engine, &wire, "UpdateItem", body).await;
    assert_eq!((status, &answer), (200, &json!({"Attributes": {"age": {"N": "41"}, "hits": {"N": "2"}}})));
    // A mark, and the item as a whole.
    assert_eq!(wire.writes.load(Ordering::SeqCst), writes + 2);
    large.as_object_mut().unwrap().remove("field0");
    (large["age"], large["hits"]) = (json!({"N": "41"}), json!({"N": "2"}));
    let whole = || json!({"TableName": "Users", "Key": {"id": {"S": "1"}}});
    assert_eq!(call(&engine, &wire, "GetItem", whole()).await.1["Item"], large);
    let (_, answer) = call(&engine, &wire, "UpdateItem", update("SET age = :one", "ALL_OLD")).await;
    assert_eq!(answer["Attributes"], large);
    let (status, answer) = call(&engine, &wire, "UpdateItem", update("SET age = :one", "SOME")).await;
    assert!(status == 400 && answer["message"].as_str().unwrap().contains("enum value set"), "{answer}");

    // An answer is lost, and in a transaction too.
    wire.lost.store(1, Ordering::SeqCst);
    let (_, answer) = call(&engine, &wire, "UpdateItem", update("SET age = age + :one", "UPDATED_OLD")).await;
    assert_eq!(answer, json!({"Attributes": {"age": {"N": "1"}}}));
    let mut action = update("SET age = age + :one ADD hits :one", "NONE");
    action.as_object_mut().unwrap().remove("ReturnValues");
    let body = json!({"TransactItems": [{"Update": action}]});
    assert_eq!(call(&engine, &wire, "TransactWriteItems", body).await, (200, json!({})));
    let item = call(&engine, &wire, "GetItem", whole()).await.1["Item"].clone();
    assert_eq!((&item["age"], &item["hits"]), (&json!({"N": "3"}), &json!({"N": "3"})));

    // The counter outside the signature is not lost either, though it is not DynamoDB that adds here.
    let native = request("UpdateItem", &update("ADD hits :one", "NONE"));
    let meddler = Meddler::new(&wire.database, ("PutItem", 1), native);
    let (status, _) = call(&engine, &meddler, "UpdateItem", update("SET age = age + :one ADD hits :one", "NONE")).await;
    assert_eq!(status, 200);
    let item = call(&engine, &wire, "GetItem", whole()).await.1["Item"].clone();
    assert_eq!((&item["age"], &item["hits"]), (&json!({"N": "4"}), &json!({"N": "5"})));
}

/// dynoxide answers `ALL_OLD` with the key of the item that it has just created; DynamoDB answers nothing.
#[tokio::test]
async fn an_update_that_creates_the_item_shows_no_old_one() {
    let (engine, database) = (engine(), database());
    for (number, returns) in ["ALL_OLD", "UPDATED_OLD", "NONE"].iter().enumerate() {
        let mut body = update("SET age = :one", returns);
        let key = json!({"id": {"S": number.to_string()}});
        body["Key"] = key.clone();
        assert_eq!(call(&engine, &database, "UpdateItem", body).await, (200, json!({})), "{returns}");
        let (_, answer) = call(&engine, &database, "GetItem", json!({"TableName": "Users", "Key": key})).await;
        assert_eq!(answer["Item"]["age"], json!({"N": "1"}));
    }
}

/// What DynamoDB adds by itself to an item that is there must not make an unsealed one that nobody could read.
#[tokio::test]
async fn an_update_of_unsigned_attributes_makes_a_sealed_item_and_otherwise_costs_one_call() {
    let engine = engine();
    let wire = trouble(&engine, 0, 0).await;
    let calls = || wire.calls.swap(0, Ordering::SeqCst);
    let (hits, whole) = (
        |returns| update("ADD hits :one", returns),
        |id: &str| json!({"TableName": "Users", "Key": {"id": {"S": id}}}),
    );
    calls();
    let (_, answer) = call(&engine, &wire, "UpdateItem", hits("UPDATED_NEW")).await;
    assert_eq!((answer, calls()), (json!({"Attributes": {"hits": {"N": "2"}}}), 1));
    let (_, answer) = call(&engine, &wire, "UpdateItem", hits("ALL_OLD")).await;
    assert_eq!((&answer["Attributes"]["email"]["S"], calls()), (&json!("a@example.com"), 1));

    // A condition of the caller's is told from that of ours.
    let mut body = hits("NONE");
    body["ConditionExpression"] = json!("hits < :one OR tier = :one");
    body["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
    let (status, answer) = call(&engine, &wire, "UpdateItem", body.clone()).await;
    assert_eq!((status, &answer["Item"]["email"]["S"]), (400, &json!("a@example.com")));

    let at = |mut body: Value, id: &str| {
        body["Key"] = json!({"id": {"S": id}});
        body
    };
    let (status, answer) = call(&engine, &wire, "UpdateItem", at(body, "new")).await;
    assert!(status == 400 && answer.get("Item").is_none(), "{answer}");
    let (_, answer) = call(&engine, &wire, "UpdateItem", at(hits("ALL_NEW"), "new")).await;
    assert_eq!(answer["Attributes"], json!({"id": {"S": "new"}, "hits": {"N": "1"}}));
    assert_eq!(call(&engine, &wire, "GetItem", whole("new")).await.1["Item"], answer["Attributes"]);
    let legacy = json!({"TableName": "Users", "Key": {"id": {"S": "old"}},
        "AttributeUpdates": {"hits": {"Action": "ADD", "Value": {"N": "1"}}}});
    for count in ["1", "2"] {
        assert_eq!(call(&engine, &wire, "UpdateItem", legacy.clone()).await, (200, json!({})));
        assert_eq!(call(&engine, &wire, "GetItem", whole("old")).await.1["Item"]["hits"]["N"], count);
    }
    let mut action = at(hits("NONE"), "in a transaction");
    action.as_object_mut().unwrap().remove("ReturnValues");
    let body = json!({"TransactItems": [{"Update": action}]});
    assert_eq!(call(&engine, &wire, "TransactWriteItems", body).await, (200, json!({})));
    assert_eq!(call(&engine, &wire, "GetItem", whole("in a transaction")).await.1["Item"]["hits"]["N"], "1");

    // An update that says nothing makes the item too, and leaves one that is there as it is.
    let bare = |id: &str| json!({"TableName": "Users", "Key": {"id": {"S": id}}, "ReturnValues": "ALL_NEW"});
    let (_, answer) = call(&engine, &wire, "UpdateItem", bare("bare")).await;
    assert_eq!(answer["Attributes"], json!({"id": {"S": "bare"}}));
    assert_eq!(call(&engine, &wire, "GetItem", whole("bare")).await.1["Item"], answer["Attributes"]);
    let before = call(&engine, &wire, "GetItem", whole("1")).await.1["Item"].clone();
    assert_eq!(call(&engine, &wire, "UpdateItem", bare("1")).await.1["Attributes"], before);
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

/// Sixteen writers through two gateways, each adding one and appending to a list, beside a counter that DynamoDB keeps;
/// one answer in twenty is lost after the write. `DYNASEAL_INCREMENTS` says how many writes there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_increment_is_lost_or_doubled() {
    const WRITERS: usize = 16;
    let increments = std::env::var("DYNASEAL_INCREMENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(960);
    let engines = [Arc::new(engine()), Arc::new(engine())];
    let wire = Arc::new(trouble(&engines[0], 0, 0).await);
    wire.lost_every.store(20, Ordering::SeqCst);
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let (engine, wire) = (Arc::clone(&engines[writer % 2]), Arc::clone(&wire));
        tasks.push(tokio::spawn(async move {
            let (mut applied, mut unknown) = (0, 0);
            for _ in 0..increments / WRITERS {
                let mut body = update(
                    "SET age = age + :one, #l = list_append(if_not_exists(#l, :none), :l) ADD hits :one",
                    "NONE",
                );
                body["ExpressionAttributeNames"] = json!({"#l": "log"});
                body["ExpressionAttributeValues"][":none"] = json!({"L": []});
                body["ExpressionAttributeValues"][":l"] = json!({"L": [{"N": writer.to_string()}]});
                match engine.call(&*wire, request("UpdateItem", &body)).await {
                    Ok(answer) => {
                        assert!(answer.ok(), "{answer:?}");
                        applied += 1;
                    }
                    // Not carried out: others were faster each time.
                    Err(Error::Contended { .. }) => {}
                    // The answer was lost and another writer came in between: it cannot be told.
                    Err(Error::Unsettled { .. }) => unknown += 1,
                    Err(error) => panic!("{error}"),
                }
            }
            (applied, unknown)
        }));
    }
    let (mut applied, mut unknown) = (0, 0);
    for task in tasks {
        let (one, other) = task.await.unwrap();
        (applied, unknown) = (applied + one, unknown + other);
    }
    wire.lost_every.store(0, Ordering::SeqCst);
    let body = json!({"TableName": "Users", "Key": {"id": {"S": "1"}}});
    let item = call(&engines[0], &*wire, "GetItem", body).await.1["Item"].clone();
    let number = |name: &str| item[name]["N"].as_str().unwrap().parse::<usize>().unwrap();
    let counted = number("age") - 40;
    assert_eq!(
        (counted, counted),
        (number("hits") - 1, item["log"]["L"].as_array().unwrap().len()),
        "three counters differ"
    );
    assert!((applied..=applied + unknown).contains(&counted), "{counted} of {applied} to {applied} + {unknown}");
    // Most lost answers are recognised, and hardly a write gives up.
    assert!(applied > increments / WRITERS * WRITERS * 9 / 10, "{applied} applied, {unknown} unknown");
}

/// A read and a write for each is the least. Writers of one gateway take turns; those of two race.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn contention_costs_few_calls() {
    const WRITERS: usize = 8;
    let engines = [Arc::new(engine()), Arc::new(engine())];
    for gateways in [1, 2] {
        let wire = Arc::new(trouble(&engines[0], 0, 0).await);
        wire.calls.store(0, Ordering::SeqCst);
        let tasks: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (engine, wire) = (Arc::clone(&engines[writer % gateways]), Arc::clone(&wire));
                tokio::spawn(async move {
                    call(&engine, &*wire, "UpdateItem", update("SET age = age + :one", "NONE")).await
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), (200, json!({})));
        }
        let (calls, ideal) = (wire.calls.load(Ordering::SeqCst), 2 * WRITERS);
        assert!(calls >= ideal && calls <= gateways * ideal * 3 / 2, "{calls} calls through {gateways} gateways");
    }
}
