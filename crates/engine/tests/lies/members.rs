//! What else an answer may say.

use dynaseal_engine::Plaintext;
use serde_json::{Value, json};

use crate::support::{Script, engine, engine_with, ready};
use crate::{
    KEY, MARK, asked_for_one, assert_not_asked, call, carry_out, count, failed, on_one, query, read, statement, stored,
    update, user,
};

#[test]
fn an_update_shows_what_it_updated_and_no_more() {
    for returns in ["UPDATED_NEW", "UPDATED_OLD"] {
        for added in ["tier", "email", "id", "aws_dbe_head", "likes"] {
            let answer = json!({"Attributes": {"hits": {"N": "4"}, (added): {"S": MARK}}}).to_string();
            for policy in [Plaintext::Forbid, Plaintext::Read, Plaintext::Write] {
                let answers = [("UpdateItem", 200, answer.clone())];
                let (_, shown) = carry_out(&engine_with(policy), ("UpdateItem", &count(returns)), &answers).unwrap();
                assert_eq!(read(&shown), json!({"Attributes": {"hits": {"N": "4"}}}), "{returns} {added} {policy:?}");
            }
        }
    }
    let legacy = json!({
        "TableName": "Users", "Key": read(KEY), "ReturnValues": "UPDATED_NEW",
        "AttributeUpdates": {"hits": {"Action": "ADD", "Value": {"N": "1"}}},
    });
    let answer = json!({"Attributes": {"hits": {"N": "4"}, "tier": {"S": MARK}}}).to_string();
    let (_, shown) = carry_out(&engine(), ("UpdateItem", &legacy), &[("UpdateItem", 200, answer)]).unwrap();
    assert_eq!(read(&shown), json!({"Attributes": {"hits": {"N": "4"}}}));
}

/// Every call with an answer into which a marker was put wherever its operation answers nothing.
#[test]
fn members_that_no_call_answers_are_dropped() {
    let mark = || json!({ "S": MARK });
    let forged = || json!({"id": {"S": "1"}, "email": {"S": MARK}});
    let capacity = json!({
        "TableName": "Users", "CapacityUnits": 1.5, (MARK): 1, "Table": {"CapacityUnits": 1.5, (MARK): MARK},
        "GlobalSecondaryIndexes": {"by": {"CapacityUnits": 1, (MARK): {"S": MARK}}},
    });
    let kept = json!({
        "TableName": "Users", "CapacityUnits": 1.5, "Table": {"CapacityUnits": 1.5},
        "GlobalSecondaryIndexes": {"by": {"CapacityUnits": 1}},
    });
    let metrics =
        json!({"ItemCollectionKey": {"id": {"S": "1"}, "email": mark()}, "SizeEstimateRangeGB": [0, 1], (MARK): 1});
    let key = json!({"id": {"S": "1"}, "email": mark(), "tier": {"L": [mark()]}});
    let added = |mut answer: Value| {
        answer["ConsumedCapacity"] = capacity.clone();
        for member in ["Item", "Items", "Attributes", "Responses", "Records", "CancellationReasons", "Later", "message"]
        {
            if answer.get(member).is_none() {
                answer[member] = forged();
            }
        }
        answer.to_string()
    };
    let get = on_one(json!({}));
    let scan = json!({"TableName": "Users"});
    let write = json!({"RequestItems": {"Users": [{"DeleteRequest": {"Key": read(KEY)}}]}});
    let batch = json!({"RequestItems": {"Users": {"Keys": [read(KEY)]}}});
    let transaction = json!({"TransactItems": [{"Delete": on_one(json!({}))}]});
    let gets = json!({"TransactItems": [{"Get": get}]});
    for (operation, body, answer, expected) in [
        ("GetItem", &get, json!({"Item": null}), json!({"Item": null})),
        (
            "PutItem",
            &json!({"TableName": "Users", "Item": read(&user("1"))}),
            json!({"ItemCollectionMetrics": metrics}),
            json!({}),
        ),
        ("DeleteItem", &get, json!({"ItemCollectionMetrics": metrics}), json!({})),
        ("UpdateItem", &count("NONE"), json!({"ItemCollectionMetrics": metrics}), json!({})),
        ("UpdateItem", &update(json!({})), json!({"ItemCollectionMetrics": metrics}), json!({})),
        (
            "Scan",
            &scan,
            json!({"Items": [], "Count": 0, "LastEvaluatedKey": key}),
            json!({"Items": [], "Count": 0, "LastEvaluatedKey": read(KEY)}),
        ),
        (
            "Scan",
            &json!({"TableName": "Users", "IndexName": "by"}),
            json!({"Items": [], "Count": 0, "LastEvaluatedKey": key}),
            json!({"Items": [], "Count": 0, "LastEvaluatedKey": read(KEY)}),
        ),
        ("BatchGetItem", &batch, json!({"Responses": {"Users": []}}), json!({"Responses": {"Users": []}})),
        (
            "BatchWriteItem",
            &write,
            json!({"UnprocessedItems": {}, "ItemCollectionMetrics": {"Users": [metrics], (MARK): [metrics]}}),
            json!({"UnprocessedItems": {}}),
        ),
        ("TransactWriteItems", &transaction, json!({"ItemCollectionMetrics": {"Users": [metrics]}}), json!({})),
        (
            "TransactGetItems",
            &gets,
            json!({"Responses": [{"Later": forged(), "Attributes": forged()}]}),
            json!({"Responses": [{}]}),
        ),
    ] {
        let has_metrics = answer.get("ItemCollectionMetrics").is_some();
        let before = ("GetItem", 200, json!({"Item": stored("1")}).to_string());
        let (_, shown) = carry_out(&engine(), (operation, body), &[(operation, 200, added(answer)), before]).unwrap();
        assert!(!shown.contains(MARK), "{operation}: {shown}");
        let mut shown = read(&shown);
        assert_eq!(shown["ConsumedCapacity"], kept, "{operation}");
        shown.as_object_mut().unwrap().remove("ConsumedCapacity");
        let metrics = shown.as_object_mut().unwrap().remove("ItemCollectionMetrics");
        assert_eq!((shown, metrics.is_some()), (expected, has_metrics), "{operation}");
    }
    let iterator = json!({"ShardIterator": "dynaseal-1/Users/AAAA"});
    let change = json!({"Keys": key, "SequenceNumber": "1", "Later": forged()});
    let records = added(json!({"Records": [{"eventName": "MODIFY", "dynamodb": change, "Image": forged()}]}));
    let (_, shown) = carry_out(&engine(), ("GetRecords", &iterator), &[("GetRecords", 200, records)]).unwrap();
    let change = json!({"Keys": read(KEY), "SequenceNumber": "1"});
    assert_eq!(read(&shown), json!({"Records": [{"eventName": "MODIFY", "dynamodb": change}]}));
}

#[test]
fn an_error_shows_no_item_that_it_cannot_have() {
    let forged = json!({"id": {"S": "1"}, "email": {"S": MARK}});
    let more = json!({
        "Item": forged, "Attributes": forged, "Later": forged,
        "CancellationReasons": [{"Code": "ConditionalCheckFailed", "Message": "m", "Item": forged, "Later": forged}],
        "ThrottlingReasons": [{"reason": "r", "resource": "s", "Later": MARK}],
    });
    let check = on_one(json!({"ConditionExpression": "attribute_not_exists(id)"}));
    let calls = [
        ("GetItem", on_one(json!({}))),
        ("PutItem", json!({"TableName": "Users", "Item": read(&user("1"))})),
        ("DeleteItem", on_one(json!({}))),
        ("UpdateItem", update(json!({}))),
        ("UpdateItem", count("UPDATED_NEW")),
        ("Query", query("id = :i", json!({":i": {"S": "1"}}))),
        ("Scan", json!({"TableName": "Users"})),
        ("BatchGetItem", json!({"RequestItems": {"Users": {"Keys": [read(KEY)]}}})),
        ("BatchWriteItem", json!({"RequestItems": {"Users": [{"DeleteRequest": {"Key": read(KEY)}}]}})),
        ("TransactWriteItems", json!({"TransactItems": [{ "ConditionCheck": check }]})),
        ("TransactWriteItems", json!({"TransactItems": [{"Update": update(json!({}))}]})),
        ("TransactGetItems", json!({"TransactItems": [{"Get": on_one(json!({}))}]})),
        ("ExecuteStatement", statement("SELECT * FROM Users WHERE id = '1'")),
        ("ExecuteStatement", statement("UPDATE Users SET email = 'x' WHERE id = '1'")),
        ("ExecuteTransaction", json!({"TransactStatements": [statement("DELETE FROM Users WHERE id = '1'")]})),
        ("GetRecords", json!({"ShardIterator": "dynaseal-1/Users/AAAA"})),
    ];
    for (operation, body) in calls {
        for kind in ["ConditionalCheckFailedException", "TransactionCanceledException", "ValidationException"] {
            let wire = Script::new(|_, _| (400, failed(kind, more.clone())));
            // A transaction that is always lost to others is told as one.
            if let Ok(answer) = ready(engine().call(&wire, call(operation, &body))) {
                let shown = String::from_utf8(answer.body).unwrap();
                assert!(answer.status == 400 && !shown.contains(MARK), "{operation} {kind}: {shown}");
                assert!(shown.contains(kind) || operation.starts_with("Execute"), "{operation} {kind}: {shown}");
            }
        }
    }
}

#[test]
fn what_is_left_unprocessed_comes_back_as_the_caller_wrote_it() {
    let request = json!({"RequestItems": {"Users": [
        {"PutRequest": {"Item": read(&user("1"))}},
        {"DeleteRequest": {"Key": {"id": {"S": "2"}}}},
        {"PutRequest": {"Item": read(&user("3"))}},
    ], "Other": [{"DeleteRequest": {"Key": {"k": {"S": "1"}}}}]}});
    let put = |id: &str| json!({"PutRequest": {"Item": {"id": {"S": id}, "email": {"S": "forged"}}, "Later": MARK}});
    let delete = |id: &str| json!({"DeleteRequest": {"Key": {"id": {"S": id}, "email": {"S": MARK}}}});
    let left =
        |writes: &[Value]| [("BatchWriteItem", 200, json!({"UnprocessedItems": { "Users": writes }}).to_string())];
    let (_, shown) = carry_out(&engine(), ("BatchWriteItem", &request), &left(&[put("3"), delete("2")])).unwrap();
    let written = &request["RequestItems"]["Users"];
    assert_eq!(read(&shown), json!({"UnprocessedItems": {"Users": [written[2], written[1]]}}));
    for lie in [
        vec![put("2")],
        vec![delete("1")],
        vec![put("1"), put("1")],
        vec![put("9")],
        vec![json!({})],
        vec![json!({"Later": 1})],
    ] {
        assert_not_asked(&engine(), ("BatchWriteItem", &request), &left(&lie));
    }
    let other = json!({"UnprocessedItems": {"Accounts": [put("1")]}}).to_string();
    assert_not_asked(&engine(), ("BatchWriteItem", &request), &[("BatchWriteItem", 200, other)]);
}

#[test]
fn what_is_no_answer_of_dynamodb_is_not_taken_for_one() {
    // A write under a guard is settled as if no answer had come: see below.
    let settled = |sent: &str, body: &Value| sent == "UpdateItem" && body.to_string().contains("SET email");
    for (operation, body, sent, _, answer) in asked_for_one(&stored("1")) {
        if settled(sent, &body) {
            continue;
        }
        let before = ("GetItem", 200, json!({"Item": stored("1")}).to_string());
        for (status, text) in [
            (201, answer.clone()),
            (204, String::new()),
            (206, answer.clone()),
            (302, "{}".to_owned()),
            (0, answer.clone()),
            (200, format!("{answer}{answer}")),
            (200, answer.replace('}', "")),
            (200, format!("[{answer}]")),
            (200, answer.replacen('{', "{\"Later\":1,\"L\\u0061ter\":2,", 1)),
            (200, "null".to_owned()),
            (502, "<html>".to_owned()),
        ] {
            let outcome = carry_out(&engine(), (operation, &body), &[(sent, status, text.clone()), before.clone()]);
            let told = outcome.map_or_else(|error| error.code().to_owned(), |(_, shown)| shown);
            // A batch of statements tells a failure in the statement's place; what became of an update cannot be told.
            let is_told = told.contains("DSL-6004") || sent == "UpdateItem" && told == "DSL-6006";
            assert!(is_told && !told.contains(MARK), "{operation} {body} {status} {text}: {told}");
        }
    }
}

#[test]
fn a_garbled_answer_to_a_guarded_write_is_settled_as_a_lost_one() {
    for (status, garbled) in [(200, "{"), (201, "{}"), (502, "<html>"), (200, "[]")] {
        let written = std::sync::Mutex::new(stored("1"));
        let wire = Script::new(|operation, body| match operation {
            "GetItem" => (200, json!({"Item": *written.lock().unwrap()}).to_string()),
            _ => {
                // The write is carried out: what it sets is there from then on.
                let mut written = written.lock().unwrap();
                *written = after(&written, body);
                (status, garbled.to_owned())
            }
        });
        let body = update(json!({"ReturnValues": "ALL_NEW"}));
        let answer = ready(engine().call(&wire, call("UpdateItem", &body))).unwrap();
        let shown = read(std::str::from_utf8(&answer.body).unwrap());
        assert_eq!((&shown["Attributes"]["email"]["S"], wire.count()), (&json!("x"), 3), "{status} {garbled}");
    }
}

/// An item after an update that sets whole attributes by placeholders.
fn after(item: &Value, update: &str) -> Value {
    let (mut item, update) = (item.clone(), read(update));
    let text = update["UpdateExpression"].as_str().unwrap();
    for clause in text.trim_start_matches("SET ").split(", ") {
        let (name, value) = clause.split_once(" = ").unwrap();
        let name = update["ExpressionAttributeNames"][name].as_str().unwrap_or(name).to_owned();
        item[name] = update["ExpressionAttributeValues"][value].clone();
    }
    item
}
