//! PartiQL beyond what `partiql` draws at random: indexes, several partitions, several tables, EXISTS, tokens.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests, not tests themselves")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod random;

use std::sync::{Arc, Mutex};

use dynaseal_engine::{Answer, BoxFuture, Call, Engine, Plaintext, Table, Wire, WireError};
use dynaseal_gateway::{Embedded, RuntimeClock};
use dynaseal_item::{Action, SchemaSpec, Suite};
use dynaseal_keys::{Provider, RawAes};
use random::call;
use serde_json::{Value, json};

/// `Orders`: key `customer` and `number`; `state` is signed, `total` and `note` are encrypted. The index `ByState` of `state`
/// and `number` holds everything, `Numbers` of `number` only `total`. `Log` has no configuration.
struct Shop {
    database: Embedded,
    engine: Engine,
    sent: Mutex<Vec<(String, Value)>>,
}

impl Wire for Shop {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        self.sent.lock().unwrap().push((call.operation.to_string(), serde_json::from_slice(&call.body).unwrap()));
        let answer = self.database.call(&call);
        Box::pin(async move { Ok(answer) })
    }
}

fn shop() -> Shop {
    let database = Embedded::open(None).unwrap();
    let key = |name: &str, kind: &str| json!({"AttributeName": name, "KeyType": kind});
    let of_type = |name: &str, kind: &str| json!({"AttributeName": name, "AttributeType": kind});
    let orders = json!({
        "TableName": "Orders", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [of_type("customer", "S"), of_type("number", "N"), of_type("state", "S")],
        "KeySchema": [key("customer", "HASH"), key("number", "RANGE")],
        "GlobalSecondaryIndexes": [{
            "IndexName": "ByState", "KeySchema": [key("state", "HASH"), key("number", "RANGE")],
            "Projection": {"ProjectionType": "ALL"},
        }, {
            "IndexName": "Numbers", "KeySchema": [key("number", "HASH")],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["total"]},
        }],
    });
    let log = json!({
        "TableName": "Log", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [of_type("at", "N")], "KeySchema": [key("at", "HASH")],
    });
    for table in [orders, log] {
        assert!(database.call(&call("CreateTable", &table)).ok());
    }
    let plain = |name: &str| (name.to_owned(), Action::SignOnly);
    let schema = SchemaSpec {
        logical_name: "Orders".into(),
        partition_key: "customer".into(),
        sort_key: Some("number".into()),
        actions: vec![plain("customer"), plain("number"), plain("state")],
        default_action: Some(Action::EncryptAndSign),
        suite: Suite::Hmac,
        ..SchemaSpec::default()
    };
    // A test key.
    let ring = RawAes::new("test", "key", &[7; 32]).unwrap();
    let table = Table::new("Orders".into(), schema.build().unwrap(), Provider::new(Arc::new(ring)), Plaintext::Forbid);
    Shop { database, engine: Engine::new([table], Arc::new(RuntimeClock)), sent: Mutex::default() }
}

impl Shop {
    async fn call(&self, operation: &str, body: Value) -> (u16, Value) {
        let answer = self.engine.call(self, call(operation, &body)).await.unwrap();
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    async fn run(&self, statement: &str) -> Value {
        let (status, answer) = self.call("ExecuteStatement", json!({"Statement": statement})).await;
        assert_eq!(status, 200, "{statement}: {answer}");
        answer
    }

    /// What was sent since this was last asked.
    fn sent(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.sent.lock().unwrap())
    }
}

async fn with_orders() -> Shop {
    let shop = shop();
    for (customer, number, state, total) in [
        ("ann", 1, "open", 10),
        ("ann", 2, "done", 20),
        ("ann", 3, "open", 30),
        ("bob", 1, "open", 40),
        ("cy", 1, "done", 50),
    ] {
        shop.run(&format!(
            "INSERT INTO Orders VALUE {{'customer': '{customer}', 'number': {number}, 'state': '{state}', 'total': {total}, \
             'note': 'it''s {customer}'}}"
        ))
        .await;
    }
    shop.sent();
    shop
}

fn totals(answer: &Value) -> Vec<&str> {
    answer["Items"].as_array().unwrap().iter().map(|item| item["total"]["N"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn nothing_but_sealed_items_is_sent() {
    let shop = shop();
    shop.run("INSERT INTO Orders VALUE {'customer': 'ann', 'number': 1, 'state': 'open', 'note': 'canary'}").await;
    shop.run("UPDATE Orders SET note = 'canary 2' WHERE customer = 'ann' AND number = 1 AND note = 'canary'").await;
    let answer = shop.run("SELECT note FROM Orders WHERE customer = 'ann' AND note = 'canary 2'").await;
    assert_eq!(answer["Items"], json!([{"note": {"S": "canary 2"}}]));
    let sent = shop.sent();
    let operations: Vec<_> = sent.iter().map(|(operation, _)| operation.as_str()).collect();
    assert_eq!(operations, ["PutItem", "GetItem", "UpdateItem", "Query"]);
    assert!(!sent.iter().any(|(_, body)| body.to_string().contains("canary")), "{sent:?}");
    let (status, answer) = shop
        .call("ExecuteStatement", json!({"Statement": "INSERT INTO Orders VALUE {'customer': 'ann', 'number': 1}"}))
        .await;
    let kind = answer["__type"].as_str().unwrap();
    assert_eq!((status, kind.ends_with("#DuplicateItemException")), (400, true), "{answer}");
    assert_eq!(answer["message"], "Duplicate primary key exists in table");
}

#[tokio::test]
async fn an_index_is_read_by_its_own_key() {
    let shop = with_orders().await;
    let answer = shop
        .run(r#"SELECT total FROM "Orders"."ByState" WHERE state = 'open' AND total > 10 ORDER BY number DESC"#)
        .await;
    assert_eq!(totals(&answer)[0], "30");
    assert_eq!(totals(&answer).len(), 2);
    let sent = shop.sent();
    assert_eq!((sent[0].0.as_str(), sent[1].0.as_str()), ("DescribeTable", "Query"));
    assert_eq!((&sent[1].1["IndexName"], &sent[1].1["ScanIndexForward"]), (&json!("ByState"), &json!(false)));
    let answer = shop.run(r#"SELECT * FROM "Orders"."ByState" WHERE total = 50"#).await;
    assert_eq!(totals(&answer), ["50"]);
    let (status, answer) =
        shop.call("ExecuteStatement", json!({"Statement": r#"SELECT * FROM "Orders"."None""#})).await;
    assert_eq!((status, &answer["message"]), (400, &json!("The table does not have the specified index: None")));
}

#[tokio::test]
async fn several_partitions_are_read_one_after_another_and_page_by_page() {
    let shop = with_orders().await;
    let statement =
        "SELECT total FROM Orders WHERE customer IN ['cy', 'ann', 'bob'] AND total <> 20 ORDER BY customer, number";
    assert_eq!(totals(&shop.run(statement).await), ["10", "30", "40", "50"]);
    assert!(shop.sent().iter().all(|(operation, _)| operation == "Query"));
    let (mut all, mut pages, mut token) = (Vec::new(), 0, Value::Null);
    loop {
        let body = json!({"Statement": statement, "Limit": 2, "NextToken": token, "ReturnConsumedCapacity": "TOTAL"});
        let (status, answer) = shop.call("ExecuteStatement", body).await;
        assert_eq!(status, 200, "{answer}");
        all.extend(totals(&answer).into_iter().map(str::to_owned));
        assert_eq!(answer["ConsumedCapacity"]["TableName"], "Orders");
        pages += 1;
        token = answer["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!((all.join(" ").as_str(), pages), ("10 30 40 50", 3));
    for (statement, token, message) in [
        (statement, json!("0123"), "Invalid NextToken"),
        (statement, json!({"not": "text"}), "Invalid NextToken"),
        ("SELECT * FROM Orders", json!("0".repeat(36)), "NextToken does not match request"),
    ] {
        let (status, answer) = shop.call("ExecuteStatement", json!({"Statement": statement, "NextToken": token})).await;
        assert_eq!((status, answer["message"].as_str()), (400, Some(message)));
    }
}

#[tokio::test]
async fn a_batch_answers_every_statement_in_its_place() {
    let shop = with_orders().await;
    let statement = |text: &str| json!({"Statement": text});
    let body = json!({"ReturnConsumedCapacity": "TOTAL", "Statements": [
        statement("INSERT INTO Log VALUE {'at': 1, 'note': 'first'}"),
        statement("UPDATE Orders SET total = total + 1 WHERE customer = 'ann' AND number = 1 RETURNING ALL NEW *"),
        statement("INSERT INTO Orders VALUE {'customer': 'ann', 'number': 2, 'state': 'x'}"),
        statement("DELETE FROM Orders WHERE customer = 'bob' AND number = 1 AND total = 1"),
        statement("INSERT INTO Log VALUE {'at': 2}"),
        statement("INSERT INTO Lost VALUE {'at': 2}"),
        statement("UPDATE Orders SET total = ? WHERE customer = 'cy' AND number = 1"),
        statement("UPDATE Orders SET aws_dbe_head = 1 WHERE customer = 'cy' AND number = 2"),
    ]});
    let (status, answer) = shop.call("BatchExecuteStatement", body).await;
    assert_eq!(status, 200, "{answer}");
    let responses = answer["Responses"].as_array().unwrap();
    assert_eq!(responses.len(), 8);
    assert_eq!(responses[0], json!({"TableName": "Log"}));
    assert_eq!((&responses[1]["Item"]["total"], &responses[1]["TableName"]), (&json!({"N": "11"}), &json!("Orders")));
    assert_eq!(responses[4], json!({"TableName": "Log"}));
    for (place, code, message, table) in [
        (2, "DuplicateItem", "Duplicate primary key exists in table", json!("Orders")),
        (3, "ConditionalCheckFailed", "The conditional request failed", json!("Orders")),
        (6, "ValidationError", "Number of parameters in request and statement don't match.", Value::Null),
    ] {
        assert_eq!(responses[place]["Error"], json!({"Code": code, "Message": message}));
        assert_eq!(responses[place]["TableName"], table);
    }
    assert_eq!(responses[5]["Error"]["Code"], "ResourceNotFound");
    let refused = responses[7]["Error"]["Message"].as_str().unwrap();
    assert!(refused.starts_with("DSL-2003: BatchExecuteStatement as UpdateItem on table Orders: "), "{refused}");
    // One entry for each table; the reads before writes are not counted.
    let capacity: Vec<_> = answer["ConsumedCapacity"].as_array().unwrap().iter().map(|one| &one["TableName"]).collect();
    assert_eq!(capacity, ["Log", "Orders"]);
    let sent = shop.sent();
    assert_eq!(sent[0].0, "BatchExecuteStatement");
    assert_eq!(sent[0].1["Statements"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn what_dynamodb_refuses_of_a_whole_batch_is_refused_before_anything_is_sent() {
    let shop = with_orders().await;
    for (statements, message) in [
        (
            ["SELECT * FROM Log WHERE at = 1", "DELETE FROM Orders WHERE customer = 'ann' AND number = 1"],
            "Read and write requests together in the same batch is not supported.",
        ),
        (
            [
                "DELETE FROM Orders WHERE customer = 'ann' AND number = 1.0",
                "INSERT INTO Orders VALUE {'number': 1, 'customer': 'ann'}",
            ],
            "Provided list of item keys contains duplicates",
        ),
    ] {
        let statements: Vec<_> = statements.into_iter().map(|text| json!({"Statement": text})).collect();
        let (status, answer) = shop.call("BatchExecuteStatement", json!({"Statements": statements})).await;
        assert_eq!((status, answer["message"].as_str()), (400, Some(message)));
    }
    assert!(shop.sent().is_empty());
}

#[tokio::test]
async fn a_transaction_takes_other_tables_along() {
    let shop = with_orders().await;
    let statement = |text: &str| json!({"Statement": text});
    let body = json!({"ClientRequestToken": "token", "TransactStatements": [
        statement("INSERT INTO Log VALUE {'at': 1, 'note': 'first'}"),
        statement("UPDATE Orders SET total = total + 1 WHERE customer = 'ann' AND number = 1 AND total = 10"),
        statement("EXISTS(SELECT * FROM Orders WHERE customer = 'bob' AND number = 1 AND total >= 40)"),
        statement("DELETE FROM Orders WHERE customer = 'cy' AND number = 1"),
    ]});
    for _ in 0..2 {
        // The second time it is answered as carried out.
        let (status, answer) = shop.call("ExecuteTransaction", body.clone()).await;
        assert_eq!((status, &answer["Responses"]), (200, &json!([])), "{answer}");
    }
    let sent = shop.sent();
    assert_eq!(sent[0], ("DescribeTable".to_owned(), json!({"TableName": "Log"})));
    assert_eq!(totals(&shop.run("SELECT * FROM Orders WHERE customer = 'ann' AND number = 1").await), ["11"]);
    let (_, answer) = shop
        .call(
            "ExecuteTransaction",
            json!({"TransactStatements": [
                statement("SELECT total FROM Orders WHERE number = 1 AND customer = 'ann'"),
                statement("SELECT note FROM Log WHERE at = 1"),
                statement("SELECT * FROM Orders WHERE number = 1 AND customer = 'cy'"),
            ]}),
        )
        .await;
    assert_eq!(answer["Responses"], json!([{"Item": {"total": {"N": "11"}}}, {"Item": {"note": {"S": "first"}}}, {}]));
    let body = json!({"TransactStatements": [
        statement("INSERT INTO Log VALUE {'at': 1}"),
        statement("EXISTS(SELECT * FROM Orders WHERE customer = 'bob' AND number = 1 AND total > 40)"),
        {"Statement": "DELETE FROM Orders WHERE customer = 'ann' AND number = 2 AND total = ?",
            "Parameters": [{"N": "1"}], "ReturnValuesOnConditionCheckFailure": "ALL_OLD"},
        statement("INSERT INTO Orders VALUE {'customer': 'dee', 'number': 1}"),
    ]});
    let (status, answer) = shop.call("ExecuteTransaction", body).await;
    assert_eq!(status, 400, "{answer}");
    let codes: Vec<_> =
        answer["CancellationReasons"].as_array().unwrap().iter().map(|reason| &reason["Code"]).collect();
    assert_eq!(codes, ["DuplicateItem", "ConditionalCheckFailed", "ConditionalCheckFailed", "None"]);
    let message = answer.get("Message").or(answer.get("message")).unwrap();
    assert_eq!(
        message,
        "Transaction cancelled, please refer cancellation reasons for specific reasons [DuplicateItem, \
         ConditionalCheckFailed, ConditionalCheckFailed, None]"
    );
    assert_eq!(answer["CancellationReasons"][2]["Item"]["total"], json!({"N": "20"}));
    assert!(shop.sent().iter().all(|(_, body)| !body.to_string().contains("it's")));
}
