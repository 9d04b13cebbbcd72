//! What every call on a protected table sends and gives back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test helpers")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::sync::{Arc, Mutex};

use dynaseal_engine::{Engine, Plaintext, SystemClock, Table};
use dynaseal_item::{Action, SchemaSpec, Suite};
use dynaseal_keys::{Invocation, Provider, RawAes};
use support::{Script, dynamodb, engine, engine_with, ready, sealed};

const ITEM: &str = r#"{"id":{"S":"1"},"email":{"S":"a@example.com"},"tier":{"S":"free"},"card":{"M":{"no":{"S":"42"},"cvc":{"S":"7"}}},"hits":{"N":"3"}}"#;

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// Sends `body` to a service that answers `answer`; gives what was sent and what came back.
fn call(operation: &str, body: &str, status: u16, answer: &str) -> (String, String) {
    let wire = Script::new(|_, _| (status, answer.to_owned()));
    let answer = ready(engine().call(&wire, dynamodb(operation, body))).unwrap();
    assert_eq!(answer.status, status);
    (wire.sent(), String::from_utf8(answer.body).unwrap())
}

#[test]
fn calls_without_a_protected_table_pass_byte_for_byte() {
    for (operation, body) in [
        ("PutItem", r#"{ "TableName":"Other", "Item":{"aws_dbe_head":{"S":"x"}}, "New":1 }"#),
        ("Query", r#"{"TableName":"Other","FilterExpression":"email = ;"}"#),
        ("BatchWriteItem", r#"{"RequestItems":{"Other":[{"New":{}}]}}"#),
        ("TransactWriteItems", r#"{"TransactItems":[{"New":{"TableName":"Other"}}]}"#),
        ("ExecuteStatement", r#"{"Statement":"SELECT * FROM Other", "New":1}"#),
        // What can be read is known to be about another table, also where it names a protected one as text.
        ("ExecuteStatement", r#"{"Statement":"INSERT INTO \"Other\" VALUE {'id': 'Users', 'a': ?}"}"#),
        ("ExecuteStatement", r#"{"Statement":"not even PartiQL"}"#),
        ("BatchExecuteStatement", r#"{"Statements":[{"Statement":"SELECT Users FROM Other WHERE id = '1'"},{}]}"#),
        // A member that nobody knows passes where no protected table is named beside it.
        ("ExecuteTransaction", r#"{"TransactStatements":[{"Statement":"SELECT * FROM Other WHERE a = 1"}],"New":1}"#),
        ("ListTables", "not even json"),
        ("CreateTable", r#"{"TableName":"Other"}"#),
    ] {
        assert_eq!(call(operation, body, 200, "as it comes").0, body, "{operation}");
        assert_eq!(call(operation, body, 400, "as it comes").1, "as it comes", "{operation}");
    }
}

#[test]
fn a_put_is_sealed_and_its_old_item_opened() {
    let body = format!(
        r#"{{"TableName":"Users","Item":{ITEM},"ReturnValues":"ALL_OLD","ConditionExpression":"attribute_not_exists(email) OR tier = :p","ExpressionAttributeValues":{{":p":{{"S":"free"}}}}}}"#
    );
    let old = format!(r#"{{"Attributes":{},"ConsumedCapacity":{{"Table":{{"CapacityUnits":1.50}}}}}}"#, sealed(ITEM));
    let (sent, answer) = call("PutItem", &body, 200, &old);
    let sent = json(&sent);
    assert!(sent["Item"]["email"]["B"].is_string() && sent["Item"]["card"]["B"].is_string());
    assert!(sent["Item"]["aws_dbe_head"]["B"].is_string() && sent["Item"]["aws_dbe_foot"]["B"].is_string());
    assert_eq!((&sent["Item"]["tier"]["S"], &sent["Item"]["hits"]["N"]), (&json("\"free\""), &json("\"3\"")));
    assert_eq!(sent["ConditionExpression"], json(&body)["ConditionExpression"]);
    assert_eq!(json(&answer)["Attributes"], json(ITEM));
    assert!(answer.contains(r#""ConsumedCapacity":{"Table":{"CapacityUnits":1.50}}"#));
}

#[test]
fn a_projection_is_done_here() {
    let body = r##"{"TableName":"Users","Key":{"id":{"S":"1"}},"ProjectionExpression":"#c.cvc, #p","ExpressionAttributeNames":{"#c":"card","#p":"tier"}}"##;
    let stored = format!(r#"{{"Item":{}}}"#, sealed(ITEM));
    let (sent, answer) = call("GetItem", body, 200, &stored);
    assert_eq!(json(&sent), json(r#"{"TableName":"Users","Key":{"id":{"S":"1"}}}"#));
    assert_eq!(json(&answer), json(r#"{"Item":{"card":{"M":{"cvc":{"S":"7"}}},"tier":{"S":"free"}}}"#));

    let body = r#"{"TableName":"Users","Key":{"id":{"S":"1"}},"AttributesToGet":["email","nothing"]}"#;
    assert_eq!(json(&call("GetItem", body, 200, &stored).1), json(r#"{"Item":{"email":{"S":"a@example.com"}}}"#));
    assert_eq!(call("GetItem", body, 200, "{}").1, "{}");
}

#[test]
fn a_query_keeps_its_paging_and_the_names_of_its_filter() {
    let body = r##"{"TableName":"Users","KeyConditionExpression":"id = :i","FilterExpression":"#p = :p","ProjectionExpression":"#e,#p","ExpressionAttributeNames":{"#p":"tier","#e":"email"},"ExpressionAttributeValues":{":i":{"S":"1"},":p":{"S":"free"}},"Select":"SPECIFIC_ATTRIBUTES","Limit":2}"##;
    let items =
        format!(r#"{{"Items":[{}],"Count":1,"ScannedCount":5,"LastEvaluatedKey":{{"id":{{"S":"1"}}}}}}"#, sealed(ITEM));
    let (sent, answer) = call("Query", body, 200, &items);
    let (sent, answer) = (json(&sent), json(&answer));
    assert_eq!(sent["ExpressionAttributeNames"], json(r##"{"#p":"tier"}"##));
    assert!(sent.get("Select").is_none() && sent.get("ProjectionExpression").is_none() && sent["Limit"] == 2);
    let item = r#"{"email":{"S":"a@example.com"},"tier":{"S":"free"}}"#;
    assert_eq!(answer["Items"], json(&format!("[{item}]")));
    assert_eq!((&answer["Count"], &answer["ScannedCount"]), (&json("1"), &json("5")));
    assert_eq!(call("Scan", r#"{"TableName":"Users","Select":"COUNT"}"#, 200, r#"{"Count":7}"#).1, r#"{"Count":7}"#);
}

#[test]
fn what_an_index_leaves_out_is_read_by_key() {
    let body = r#"{"TableName":"Users","IndexName":"by_tier","KeyConditionExpression":"tier = :p","ExpressionAttributeValues":{":p":{"S":"free"}}}"#;
    let wire = Script::new(|operation, _| {
        let answer = match operation {
            "Query" => {
                r#"{"Items":[{"id":{"S":"1"},"tier":{"S":"free"},"email":{"B":"AAAA"}},{"id":{"S":"2"},"tier":{"S":"free"}}],"Count":2,"ScannedCount":2}"#
                    .to_owned()
            }
            _ => format!(r#"{{"Responses":{{"Users":[{}]}}}}"#, sealed(ITEM)),
        };
        (200, answer)
    });
    let answer = ready(engine().call(&wire, dynamodb("Query", body))).unwrap();
    let keys = r#"{"RequestItems":{"Users":{"Keys":[{"id":{"S":"1"}},{"id":{"S":"2"}}],"ConsistentRead":true}}}"#;
    assert_eq!(wire.sent(), keys);
    let expected =
        r#"{"Items":[{"id":{"S":"1"},"tier":{"S":"free"},"email":{"S":"a@example.com"}}],"Count":1,"ScannedCount":2}"#;
    assert_eq!(json(&String::from_utf8(answer.body).unwrap()), json(expected));
}

#[test]
fn batches_mix_tables_and_hand_unprocessed_work_back() {
    let body = format!(
        r#"{{"RequestItems":{{"Other":[{{"PutRequest":{{"Item":{{"k":{{"S":"1"}}}}}}}}],"Users":[{{"DeleteRequest":{{"Key":{{"id":{{"S":"9"}}}}}}}},{{"PutRequest":{{"Item":{ITEM}}}}}]}}}}"#
    );
    let unprocessed = format!(
        r#"{{"UnprocessedItems":{{"Users":[{{"PutRequest":{{"Item":{}}}}},{{"DeleteRequest":{{"Key":{{"id":{{"S":"9"}}}}}}}}]}}}}"#,
        sealed(ITEM)
    );
    let (sent, answer) = call("BatchWriteItem", &body, 200, &unprocessed);
    assert_eq!(json(&sent)["RequestItems"]["Other"], json(&body)["RequestItems"]["Other"]);
    assert!(json(&sent)["RequestItems"]["Users"][1]["PutRequest"]["Item"]["aws_dbe_head"]["B"].is_string());
    let back = &json(&answer)["UnprocessedItems"]["Users"];
    assert_eq!(back[0]["PutRequest"]["Item"], json(ITEM));
    assert_eq!(back[1], json(r#"{"DeleteRequest":{"Key":{"id":{"S":"9"}}}}"#));

    let body = r##"{"RequestItems":{"Users":{"Keys":[{"id":{"S":"1"}},{"id":{"S":"2"}}],"ProjectionExpression":"#e","ExpressionAttributeNames":{"#e":"email"}},"Other":{"Keys":[{"k":{"S":"1"}}],"ProjectionExpression":"k"}}}"##;
    let answer = format!(
        r#"{{"Responses":{{"Users":[{}],"Other":[{{"k":{{"S":"1"}}}}]}},"UnprocessedKeys":{{"Users":{{"Keys":[{{"id":{{"S":"2"}}}}]}}}}}}"#,
        sealed(ITEM)
    );
    let (sent, answer) = call("BatchGetItem", body, 200, &answer);
    assert_eq!(json(&sent)["RequestItems"]["Users"], json(r#"{"Keys":[{"id":{"S":"1"}},{"id":{"S":"2"}}]}"#));
    assert_eq!(json(&sent)["RequestItems"]["Other"], json(body)["RequestItems"]["Other"]);
    let answer = json(&answer);
    assert_eq!(answer["Responses"]["Users"], json(r#"[{"email":{"S":"a@example.com"}}]"#));
    assert_eq!(answer["Responses"]["Other"], json(r#"[{"k":{"S":"1"}}]"#));
    let keys = r##"{"Keys":[{"id":{"S":"2"}}],"ProjectionExpression":"#e","ExpressionAttributeNames":{"#e":"email"}}"##;
    assert_eq!(answer["UnprocessedKeys"]["Users"], json(keys));
}

#[test]
fn transactions_mix_tables_and_open_the_reasons() {
    let second = ITEM.replacen(r#"{"S":"1"}"#, r#"{"S":"2"}"#, 1);
    let body = format!(
        r#"{{"TransactItems":[{{"Put":{{"TableName":"Other","Item":{{}}}}}},{{"Put":{{"TableName":"Users","Item":{ITEM}}}}},{{"ConditionCheck":{{"TableName":"Users","Key":{{"id":{{"S":"2"}}}},"ConditionExpression":"attribute_exists(id)","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}}}},{{"Update":{{"TableName":"Users","Key":{{"id":{{"S":"3"}}}},"UpdateExpression":"ADD hits :one","ExpressionAttributeValues":{{":one":{{"N":"1"}}}}}}}}],"ClientRequestToken":"t"}}"#
    );
    let reasons = format!(
        r#"{{"__type":"x#TransactionCanceledException","CancellationReasons":[{{"Code":"None"}},{{"Code":"None"}},{{"Code":"ConditionalCheckFailed","Item":{}}},{{"Code":"None"}}]}}"#,
        sealed(&second)
    );
    // The item that is updated is not there: it is made sealed, though what is updated is not signed.
    let wire =
        Script::new(|operation, _| if operation == "GetItem" { (200, "{}".into()) } else { (400, reasons.clone()) });
    let answer = ready(engine().call(&wire, dynamodb("TransactWriteItems", &body))).unwrap();
    let (sent, answer) = (json(&wire.sent()), String::from_utf8(answer.body).unwrap());
    assert_eq!(sent["TransactItems"][0], json(r#"{"Put":{"TableName":"Other","Item":{}}}"#));
    assert!(sent["TransactItems"][1]["Put"]["Item"]["aws_dbe_foot"]["B"].is_string());
    let update = sent["TransactItems"][3]["Update"].to_string();
    assert!(update.contains("attribute_not_exists(") && update.contains(" ADD "), "{update}");
    assert!(update.contains("aws_dbe_foot") && update.contains(r#""hits""#), "{update}");
    assert_eq!(json(&answer)["CancellationReasons"][2]["Item"], json(&second));

    let gets = r#"{"TransactItems":[{"Get":{"TableName":"Other","Key":{}}},{"Get":{"TableName":"Users","Key":{"id":{"S":"1"}},"ProjectionExpression":"email"}},{"Get":{"TableName":"Users","Key":{}}}]}"#;
    let answer = format!(r#"{{"Responses":[{{"Item":{{"k":{{"S":"1"}}}}}},{{"Item":{}}},{{}}]}}"#, sealed(ITEM));
    let (_, answer) = call("TransactGetItems", gets, 200, &answer);
    let expected = r#"{"Responses":[{"Item":{"k":{"S":"1"}}},{"Item":{"email":{"S":"a@example.com"}}},{}]}"#;
    assert_eq!(json(&answer), json(expected));
}

#[test]
fn an_item_of_a_transaction_with_nothing_to_show_is_not_shown() {
    let gets =
        r#"{"TransactItems":[{"Get":{"TableName":"Users","Key":{"id":{"S":"1"}},"ProjectionExpression":"gone"}}]}"#;
    let stored = sealed(ITEM);
    let (_, answer) = call("TransactGetItems", gets, 200, &format!(r#"{{"Responses":[{{"Item":{stored}}}]}}"#));
    assert_eq!(json(&answer), json(r#"{"Responses":[{}]}"#));
    // A read of one item shows it empty.
    let get = r#"{"TableName":"Users","Key":{"id":{"S":"1"}},"ProjectionExpression":"gone"}"#;
    assert_eq!(json(&call("GetItem", get, 200, &format!(r#"{{"Item":{stored}}}"#)).1), json(r#"{"Item":{}}"#));
}

#[test]
fn a_projection_beside_another_selection_is_left_for_dynamodb_to_refuse() {
    for (select, projection) in
        [("COUNT", r#""ProjectionExpression":"email""#), ("ALL_ATTRIBUTES", r#""AttributesToGet":["email"]"#)]
    {
        let filter = r#""FilterExpression":"card = :c","ExpressionAttributeValues":{":c":{"S":"x"}},"#;
        let filter = if select == "COUNT" { filter } else { "" };
        let body = format!(r#"{{"TableName":"Users",{filter}"Select":"{select}",{projection}}}"#);
        let (sent, _) = call("Scan", &body, 400, "{}");
        assert_eq!(json(&sent), json(&format!(r#"{{"TableName":"Users","Select":"{select}",{projection}}}"#)));
    }
}

#[test]
fn a_failed_condition_shows_its_item_opened() {
    let body = r#"{"TableName":"Users","Key":{"id":{"S":"1"}},"ConditionExpression":"tier = :p","ExpressionAttributeValues":{":p":{"S":"x"}},"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}"#;
    let failed = format!(r#"{{"__type":"x#ConditionalCheckFailedException","message":"m","Item":{}}}"#, sealed(ITEM));
    assert_eq!(json(&call("DeleteItem", body, 400, &failed).1)["Item"], json(ITEM));
    let update = r#"{"TableName":"Users","Key":{"id":{"S":"1"}},"UpdateExpression":"ADD hits :one","ExpressionAttributeValues":{":one":{"N":"1"}},"ReturnValues":"UPDATED_NEW"}"#;
    let conditional = update.replacen(
        '{',
        r#"{"ConditionExpression":"hits < :one","ReturnValuesOnConditionCheckFailure":"ALL_OLD","#,
        1,
    );
    let stored = format!(r#"{{"Item":{}}}"#, sealed(ITEM));
    let wire =
        Script::new(|operation, _| if operation == "GetItem" { (200, stored.clone()) } else { (400, failed.clone()) });
    let answer = ready(engine().call(&wire, dynamodb("UpdateItem", &conditional))).unwrap();
    assert_eq!((answer.status, wire.count()), (400, 2));
    assert_eq!(json(std::str::from_utf8(&answer.body).unwrap())["Item"], json(ITEM));
    let new = r#"{"Attributes":{"hits":{"N":"4"}}}"#;
    assert_eq!(call("UpdateItem", update, 200, new).1, new);
    let other = r#"{"__type":"x#ThrottlingException","message":"slow down"}"#;
    assert_eq!(call("GetItem", r#"{"TableName":"Users","Key":{}}"#, 400, other).1, other);
}

#[test]
fn what_was_not_sealed_is_not_returned() {
    let get = r#"{"TableName":"Users","Key":{"id":{"S":"1"}}}"#;
    let unsealed = format!(r#"{{"Item":{ITEM}}}"#);
    let damaged = format!(r#"{{"Item":{}}}"#, sealed(ITEM).replace("\"free\"", "\"paid\""));
    for (answer, code) in [(&unsealed, "DSL-3001"), (&damaged, "DSL-3008")] {
        let wire = Script::new(|_, _| (200, answer.clone()));
        let error = ready(engine().call(&wire, dynamodb("GetItem", get))).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains("GetItem on table Users (key id)"), "{error}");
    }
    for answer in ["<html>", "", "[]", r#"{"Item":[]}"#, r#"{"Item":{"id":1}}"#] {
        let wire = Script::new(|_, _| (200, answer.to_owned()));
        let error = ready(engine().call(&wire, dynamodb("GetItem", get))).unwrap_err();
        assert_eq!(error.code(), "DSL-6004", "{answer}: {error}");
    }
}

#[test]
fn plaintext_policies() {
    let put = format!(r#"{{"TableName":"Users","Item":{ITEM}}}"#);
    let get = r#"{"TableName":"Users","Key":{"id":{"S":"1"}}}"#;
    for (policy, writes_sealed) in [(Plaintext::Read, true), (Plaintext::Write, false)] {
        let wire = Script::new(|_, _| (200, "{}".into()));
        ready(engine_with(policy).call(&wire, dynamodb("PutItem", &put))).unwrap();
        assert_eq!(wire.sent().contains("aws_dbe_head"), writes_sealed);
        for stored in [ITEM.to_owned(), sealed(ITEM)] {
            let wire = Script::new(|_, _| (200, format!(r#"{{"Item":{stored}}}"#)));
            let answer = ready(engine_with(policy).call(&wire, dynamodb("GetItem", get))).unwrap();
            assert_eq!(json(&String::from_utf8(answer.body).unwrap())["Item"], json(ITEM));
        }
        // Half of a seal is damage under every policy.
        let half = sealed(ITEM).replace("aws_dbe_foot", "aws_dbe_fool");
        let wire = Script::new(|_, _| (200, format!(r#"{{"Item":{half}}}"#)));
        assert_eq!(ready(engine_with(policy).call(&wire, dynamodb("GetItem", get))).unwrap_err().code(), "DSL-3002");
    }
}

/// What is only signed stands in the store as it is, so DynamoDB may copy it into what is not.
#[test]
fn an_update_of_unsigned_attributes_may_read_signed_ones() {
    let update = r#"{"TableName":"Users","Key":{"id":{"S":"1"}},"UpdateExpression":"SET hits = tier"}"#;
    let transaction = format!(r#"{{"TransactItems":[{{"Update":{update}}}]}}"#);
    for (operation, body) in [("UpdateItem", update), ("TransactWriteItems", &transaction)] {
        let wire = Script::new(|_, _| (200, "{}".into()));
        ready(engine_with(Plaintext::Write).call(&wire, dynamodb(operation, body))).unwrap();
        assert_eq!((wire.count(), json(&wire.sent())["TransactItems"].is_array()), (1, operation != "UpdateItem"));
        // It takes a mark away too (`modify/mark.rs`), and so is printed again.
        assert!(wire.sent().contains("SET #n0 = #n1 REMOVE #n2"));
        assert!(wire.sent().contains(r##"{"#n0":"hits","#n1":"tier","#n2":"aws_dbe_sealing"}"##), "{}", wire.sent());
    }
}

/// A transaction whose answer was lost is sent again by the SDK, and must not be carried out twice: sealed bytes differ every
/// time, so it is known by its token. Without one of the caller's the SDK's own id of the call tells.
#[test]
fn a_transaction_without_a_token_is_known_by_the_sdk_s_call() {
    let put = |email: &str| {
        format!(
            r#"{{"TransactItems":[{{"Put":{{"TableName":"Users","Item":{{"id":{{"S":"1"}},"email":{{"S":"{email}"}}}}}}}}]}}"#
        )
    };
    let token = |invocation: Option<(&str, u32)>, email: &str| {
        let wire = Script::new(|_, _| (200, "{}".into()));
        let invocation = invocation.map(|(id, attempt)| Invocation { id: id.into(), attempt });
        let call = dynamodb("TransactWriteItems", &put(email)).attempt_of(invocation);
        assert_eq!(ready(engine().call(&wire, call)).unwrap().status, 200);
        json(&wire.sent())["ClientRequestToken"].as_str().unwrap().to_owned()
    };
    let first = token(Some(("call", 1)), "a");
    assert_eq!(first, token(Some(("call", 2)), "a"));
    assert_ne!(first, token(Some(("another", 1)), "a"));
    assert_ne!(first, token(Some(("call", 1)), "b"));
    assert_ne!(token(None, "a"), token(None, "a"));
}

/// An update of an item of very many attributes, sealed before or not: what grows with the square of their number takes
/// minutes here, and all else takes a moment.
#[test]
fn an_update_of_very_many_attributes_takes_its_time_once() {
    let actions = vec![("id".into(), Action::SignOnly)];
    let (logical_name, partition_key) = ("Users".into(), "id".into());
    let default_action = Some(Action::EncryptAndSign);
    let unsigned_prefix = Some("x".into());
    let spec =
        SchemaSpec { logical_name, partition_key, actions, default_action, unsigned_prefix, ..SchemaSpec::default() };
    let schema = SchemaSpec { suite: Suite::Hmac, ..spec }.build().unwrap();
    let ring = RawAes::new("test", "key", &[7; 32]).unwrap();
    let table = Table::new("Users".into(), schema, Provider::new(Arc::new(ring)), Plaintext::Read);
    let engine = Engine::new([table], Arc::new(SystemClock));
    let many = |prefix: &str, count: usize| -> String {
        (0..count).map(|number| format!(r#","{prefix}{number}":{{"S":"v"}}"#)).collect()
    };
    let update = r#"{"TableName":"Users","Key":{"id":{"S":"1"}},"UpdateExpression":"SET a1 = :v","ExpressionAttributeValues":{":v":{"S":"w"}},"ReturnValues":"ALL_NEW"}"#;
    let started = std::time::Instant::now();
    for (signed, unsigned) in [(8_000, 0), (2_000, 12_000)] {
        let plain = format!(r#"{{"id":{{"S":"1"}}{}{}}}"#, many("a", signed), many("x", unsigned));
        let item = Mutex::new(plain);
        let wire = Script::new(|operation, body| {
            let mut item = item.lock().unwrap();
            let read = || format!(r#"{{"Item":{item}}}"#);
            match operation {
                "GetItem" => (200, read()),
                "UpdateItem" if body.contains("SET #n0 = :v0") && body.contains("aws_dbe_sealing") => {
                    let request: serde_json::Value = serde_json::from_str(body).unwrap();
                    let marked = item.replacen(
                        '{',
                        &format!(r#"{{"aws_dbe_sealing":{},"#, request["ExpressionAttributeValues"][":v0"]),
                        1,
                    );
                    (200, format!(r#"{{"Attributes":{marked}}}"#))
                }
                "PutItem" => {
                    let request: serde_json::Value = serde_json::from_str(body).unwrap();
                    *item = request["Item"].to_string();
                    (200, "{}".into())
                }
                other => panic!("{other}"),
            }
        });
        for _ in 0..2 {
            let answer = ready(engine.call(&wire, dynamodb("UpdateItem", update))).unwrap();
            assert_eq!(answer.status, 200);
        }
        assert_eq!(wire.calls.lock().unwrap().iter().filter(|(operation, _)| operation == "PutItem").count(), 2);
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(60), "{:?}", started.elapsed());
}
