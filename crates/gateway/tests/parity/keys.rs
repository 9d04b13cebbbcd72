//! Keys that DynamoDB does not take, or just takes, in every call that has a key: empty ones, those at its limits and beyond, of
//! text and of bytes, of another type, and missing ones. Plain and protected tables must answer the same.

use dynaseal_engine::Engine;
use dynaseal_gateway::Embedded;
use dynaseal_item::Suite;
use serde_json::{Value, json};

use super::tables::{self, BYTES, TEXTS};
use crate::random::compare::{Exception, Request, Sides, Tally};

/// A value of so many bytes, of the type of the table's keys.
fn of(table: &str, length: usize) -> Value {
    match table {
        TEXTS => json!({"S": "k".repeat(length)}),
        _ => json!({"B": base64_simd::STANDARD.encode_to_string(vec![7; length])}),
    }
}

/// Pairs of partition and sort key.
fn keys(table: &str) -> Vec<Value> {
    let pair = |id: Value, pos: Value| json!({"id": id, "pos": pos});
    let fine = || of(table, 1);
    let mut all = Vec::new();
    for length in [0, 1, 1024, 1025, 2048, 2049, 65_535, 70_000] {
        all.push(pair(of(table, length), fine()));
        all.push(pair(fine(), of(table, length)));
    }
    all.push(pair(of(table, 2049), of(table, 1025)));
    all.push(pair(of(table, 0), of(table, 1025)));
    if table == TEXTS {
        // It is bytes that are counted.
        all.push(pair(fine(), json!({"S": "é".repeat(513)})));
        all.push(pair(json!({"S": "é".repeat(1025)}), fine()));
    }
    let other = if table == TEXTS { BYTES } else { TEXTS };
    for odd in [of(other, 1), json!({"N": "1"}), json!({"NULL": true}), json!({"BOOL": true}), json!({"L": []})] {
        all.push(pair(odd.clone(), fine()));
        all.push(pair(fine(), odd));
    }
    all.extend([json!({"id": fine()}), json!({"pos": fine()}), json!({})]);
    all
}

/// Every call that names an item by its key, or puts one.
fn calls(table: &str, key: &Value) -> Vec<Request> {
    let with = |more: &Value| {
        let mut body = json!({"TableName": table, "Key": key});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let mut item = key.clone();
    item["n"] = json!({"N": "1"});
    let put = json!({"TableName": table, "Item": item});
    let condition = json!({"ConditionExpression": "n <> :n", "ExpressionAttributeValues": {":n": {"N": "7"}}});
    let set = json!({"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"N": "7"}}});
    let count = json!({"UpdateExpression": "ADD hits :n", "ExpressionAttributeValues": {":n": {"N": "7"}}});
    let conditional = |body: &Value| {
        let mut body = body.clone();
        body.as_object_mut().unwrap().extend(condition.as_object().unwrap().clone());
        body
    };
    let mut all: Vec<(&str, Value)> = vec![
        ("PutItem", put.clone()),
        ("PutItem", conditional(&put)),
        ("GetItem", with(&json!({}))),
        ("GetItem", with(&json!({"ProjectionExpression": "n"}))),
        ("DeleteItem", with(&json!({"ReturnValues": "ALL_OLD"}))),
        ("DeleteItem", with(&condition)),
        ("UpdateItem", with(&set)),
        ("UpdateItem", with(&count)),
        ("UpdateItem", with(&json!({"AttributeUpdates": {"n": {"Value": {"N": "5"}}}}))),
        ("UpdateItem", with(&json!({}))),
        ("BatchGetItem", json!({"RequestItems": {table: {"Keys": [key]}}})),
        ("BatchWriteItem", json!({"RequestItems": {table: [{"PutRequest": {"Item": item}}]}})),
        ("BatchWriteItem", json!({"RequestItems": {table: [{"DeleteRequest": {"Key": key}}]}})),
        ("TransactGetItems", json!({"TransactItems": [{"Get": with(&json!({}))}]})),
        ("TransactWriteItems", json!({"TransactItems": [{"Put": put}]})),
        ("TransactWriteItems", json!({"TransactItems": [{"Update": with(&set)}]})),
        ("TransactWriteItems", json!({"TransactItems": [{"Delete": with(&json!({}))}]})),
        ("TransactWriteItems", json!({"TransactItems": [{"Delete": with(&condition)}]})),
        ("TransactWriteItems", json!({"TransactItems": [{"ConditionCheck": with(&condition)}]})),
        ("Scan", json!({"TableName": table, "ExclusiveStartKey": key})),
    ];
    if let (Some(id), Some(pos)) = (key.get("id"), key.get("pos")) {
        let query = |condition: &str| {
            let values = json!({":i": id, ":p": pos});
            json!({"TableName": table, "KeyConditionExpression": condition, "ExpressionAttributeValues": values})
        };
        let equal = |value: &Value| json!({"ComparisonOperator": "EQ", "AttributeValueList": [value]});
        let mut from = query("id = :i AND pos > :p");
        from["ExclusiveStartKey"] = key.clone();
        let statement = |text: &str| json!({"Statement": text.replace("TABLE", table), "Parameters": [id, pos]});
        all.extend([
            ("Query", query("id = :i AND pos = :p")),
            ("Query", query("id = :i AND begins_with(pos, :p)")),
            ("Query", from),
            ("Query", json!({"TableName": table, "KeyConditions": {"id": equal(id), "pos": equal(pos)}})),
        ]);
        for text in [
            "SELECT * FROM \"TABLE\" WHERE id = ? AND pos = ?",
            "UPDATE \"TABLE\" SET n = 1 WHERE id = ? AND pos = ?",
            "DELETE FROM \"TABLE\" WHERE id = ? AND pos = ?",
            "INSERT INTO \"TABLE\" VALUE {'id': ?, 'pos': ?}",
        ] {
            let one = statement(text);
            all.push(("ExecuteStatement", one.clone()));
            all.push(("BatchExecuteStatement", json!({"Statements": [one]})));
            all.push(("ExecuteTransaction", json!({"TransactStatements": [one]})));
        }
    }
    all.into_iter().map(|(operation, body)| Request { operation: operation.to_owned(), body }).collect()
}

/// What is not compared, or in other words.
fn exception(_: &Embedded, Request { operation, body }: &Request) -> Exception {
    let text = body.to_string();
    let of_statement = |verb: &str| text.contains(&format!("\"Statement\":\"{verb}"));
    if !text.contains("\"Statement\"") {
        // A key that is missing in an item is ours to name (DSL-1003).
        let puts = |item: &Value| !item.is_null() && (item.get("id").is_none() || item.get("pos").is_none());
        let in_batch = body["RequestItems"].as_object().and_then(|tables| tables.values().next());
        let items = [
            &body["Item"],
            &body["TransactItems"][0]["Put"]["Item"],
            &in_batch.map_or(&Value::Null, |writes| &writes[0])["PutRequest"]["Item"],
        ];
        return if items.into_iter().any(puts) { Exception::Skip } else { Exception::None };
    }
    let parameters =
        [&body["Parameters"], &body["Statements"][0]["Parameters"], &body["TransactStatements"][0]["Parameters"]];
    let values: Vec<_> = parameters.into_iter().filter_map(Value::as_array).flatten().collect();
    let length = |value: &&Value| value["S"].as_str().or(value["B"].as_str()).map_or(1, str::len);
    let is_empty = values.iter().any(|value| length(value) == 0);
    let is_long = values.iter().any(|value| length(value) > 1024);
    let is_odd = values.iter().any(|value| value.get("S").is_none() && value.get("B").is_none())
        || values.iter().any(|value| value.get(if text.contains(TEXTS) { "B" } else { "S" }).is_some());
    match operation.as_str() {
        // dynoxide does not look at empty keys of statements, but for those of items; and in transactions it tells them otherwise
        // than TransactWriteItems does.
        _ if is_empty && !of_statement("INSERT") => Exception::Skip,
        "ExecuteTransaction" if is_empty => Exception::Skip,
        // A SELECT is a Query here, whose keys dynoxide does not measure. DynamoDB does.
        "ExecuteStatement" | "BatchExecuteStatement" if is_long && of_statement("SELECT") => Exception::Skip,
        // Which of the two DynamoDB says of a SELECT is not known.
        "ExecuteTransaction" if is_odd && of_statement("SELECT") => Exception::Skip,
        // In the words of the call, as COMPAT has it.
        _ if is_odd => Exception::Forgive(|answer| {
            answer.as_object_mut().map(|answer| answer.remove("message"));
            for list in ["Responses", "CancellationReasons"] {
                for one in answer[list].as_array_mut().into_iter().flatten() {
                    one.as_object_mut().map(|one| one.remove("Message"));
                    one["Error"].as_object_mut().map(|error| error.remove("Message"));
                }
            }
        }),
        _ => Exception::None,
    }
}

async fn differences(engine: &Engine, table: &str) -> Vec<String> {
    let (plain, protected) = (tables::database_of_keys(), tables::database_of_keys());
    let sides = Sides { plain: &plain, engine, protected: &protected, exception, streams: &[] };
    let mut found = Vec::new();
    for key in keys(table) {
        for one in calls(table, &key) {
            if let Some(difference) = sides.compare(&[one], &mut Tally::default()).await {
                let text = difference.to_string();
                // Long keys are long.
                found.push(text.split("kkkkkkkk").collect::<Vec<_>>().join("").replace("BwcHBwcH", ""));
            }
        }
    }
    found
}

#[tokio::test]
async fn keys_of_all_lengths_and_types() {
    for engine in [tables::named(Suite::Hmac), tables::patterned()] {
        for table in [TEXTS, BYTES] {
            let found = differences(&engine, table).await;
            assert!(found.is_empty(), "{} differ:\n{}", found.len(), found.join("\n"));
        }
    }
}
