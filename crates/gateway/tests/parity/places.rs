//! Every kind of value that DynamoDB does not take, or takes though it looks odd, in every place where a value can stand, and
//! settings that it does not have: plain and protected tables must answer the same.

use dynaseal_engine::Engine;
use dynaseal_gateway::Embedded;
use dynaseal_item::Suite;
use serde_json::{Value, json};

use super::tables::{self, RANGES, THINGS};
use crate::random::compare::{Exception, Request, Sides, Tally};

fn request(operation: &str, body: Value) -> Request {
    Request { operation: operation.to_owned(), body }
}

/// Values as they stand in requests.
fn values() -> Vec<Value> {
    let odd = [
        json!({"SS": []}),
        json!({"NS": []}),
        json!({"BS": []}),
        json!({"SS": ["a", "b", "a"]}),
        json!({"NS": ["1", "1.0"]}),
        json!({"BS": ["AA==", "AA=="]}),
        json!({"NS": ["1", "x"]}),
        json!({"N": "abc"}),
        json!({"N": ""}),
        json!({"N": "0E400"}),
        json!({"N": "1e400"}),
        json!({"N": "1e-400"}),
        json!({"N": "123456789012345678901234567890123456789"}),
        json!({"NULL": false}),
        json!({"B": null}),
        json!({"S": "x", "N": null}),
        json!({"N": "1", "S": null, "BOOL": null, "NULL": null, "L": null, "M": null, "SS": null, "NS": null, "BS": null}),
        json!({"NULL": true, "S": null}),
        json!({"S": "x", "N": "1"}),
        json!({}),
        json!({"M": {"": {"S": "x"}}}),
        json!({"SS": ["", "a"]}),
        json!({"B": ""}),
        json!({"S": ""}),
    ];
    let inside = |value: &Value| [json!({"L": [{"S": "y"}, value]}), json!({"M": {"k": value}})];
    let nested: Vec<_> = odd.iter().flat_map(inside).collect();
    odd.into_iter().chain(nested).collect()
}

/// Places where a value can stand, on either side of what is worked out here.
fn places(value: &Value) -> Vec<Request> {
    let (key, item) = (json!({"id": {"S": "a"}}), json!({"id": {"S": "a"}, "n": value}));
    let update = |more: Value| {
        let mut body = json!({"TableName": THINGS, "Key": key});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request("UpdateItem", body)
    };
    let given = json!({":v": value});
    let compared = json!({"n": {"ComparisonOperator": "EQ", "AttributeValueList": [value]}});
    let statement = "SELECT * FROM \"Things\" WHERE id = 'a' AND n = ?";
    let mut all = vec![
        request("PutItem", json!({"TableName": THINGS, "Item": item})),
        request(
            "PutItem",
            json!({"TableName": THINGS, "Item": item, "ConditionExpression": "n = :w", "ExpressionAttributeValues": {":w": {"S": "no"}}}),
        ),
        request(
            "PutItem",
            json!({"TableName": THINGS, "Item": key, "ConditionExpression": "n <> :v", "ExpressionAttributeValues": given}),
        ),
        request("PutItem", json!({"TableName": THINGS, "Item": key, "Expected": {"n": {"Value": value}}})),
        request("DeleteItem", json!({"TableName": THINGS, "Key": key, "Expected": compared})),
        update(json!({"AttributeUpdates": {"n": {"Action": "PUT", "Value": value}}})),
        update(json!({"AttributeUpdates": {"n": {"Value": value}, "hits": {"Action": "DELETE"}}})),
        update(json!({"AttributeUpdates": {"hits": {"Value": value}}})),
        update(json!({"UpdateExpression": "SET n = :v", "ExpressionAttributeValues": given})),
        update(json!({"UpdateExpression": "SET hits = :v", "ExpressionAttributeValues": given})),
        update(
            json!({"UpdateExpression": "REMOVE gone", "ConditionExpression": "s <> :v", "ExpressionAttributeValues": given}),
        ),
        request("Scan", json!({"TableName": THINGS, "ScanFilter": compared})),
        request("Scan", json!({"TableName": THINGS, "FilterExpression": "n = :v", "ExpressionAttributeValues": given})),
        request("Scan", json!({"TableName": THINGS, "FilterExpression": "t = :v", "ExpressionAttributeValues": given})),
        request(
            "Query",
            json!({"TableName": THINGS, "KeyConditions": {"id": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}, "QueryFilter": compared}),
        ),
        request("BatchWriteItem", json!({"RequestItems": {THINGS: [{"PutRequest": {"Item": item}}]}})),
        request("TransactWriteItems", json!({"TransactItems": [{"Put": {"TableName": THINGS, "Item": item}}]})),
        request(
            "TransactWriteItems",
            json!({"TransactItems": [{"Update": {"TableName": THINGS, "Key": key, "UpdateExpression": "SET n = :v", "ExpressionAttributeValues": given}}]}),
        ),
        request("ExecuteStatement", json!({"Statement": statement, "Parameters": [value]})),
    ];
    all.push(request("GetItem", json!({"TableName": THINGS, "Key": key})));
    all
}

/// Settings that DynamoDB does not have, and lists and tokens of a length that it does not take.
fn settings() -> Vec<Request> {
    let key = json!({"id": {"S": "a"}});
    let with = |body: &Value, name: &str, value: Value| {
        let mut body = body.clone();
        body[name] = value;
        body
    };
    let put = json!({"TableName": THINGS, "Item": {"id": {"S": "a"}, "n": {"N": "1"}}});
    let conditional = |body: &Value| {
        let body = with(body, "ConditionExpression", json!("n = :w"));
        with(&body, "ExpressionAttributeValues", json!({":w": {"S": "no"}}))
    };
    let update = json!({"TableName": THINGS, "Key": key, "UpdateExpression": "REMOVE gone"});
    let legacy = json!({"TableName": THINGS, "Key": key, "AttributeUpdates": {"n": {"Value": {"N": "5"}}}});
    let bare = json!({"TableName": THINGS, "Key": key});
    let mut all = Vec::new();
    let mut each = |operation: &str, bodies: &[Value], settings: &[(&str, Value)]| {
        for body in bodies {
            all.extend(settings.iter().map(|(name, value)| request(operation, with(body, name, value.clone()))));
        }
    };
    each(
        "PutItem",
        &[put.clone(), conditional(&put)],
        &[
            ("ReturnValues", json!("all")),
            ("ReturnValues", json!("ALL_NEW")),
            ("ReturnValuesOnConditionCheckFailure", json!("ALL_NEW")),
            ("ReturnConsumedCapacity", json!("total")),
            ("ReturnItemCollectionMetrics", json!("")),
            ("ConditionalOperator", json!("AND")),
        ],
    );
    each(
        "UpdateItem",
        &[update.clone(), conditional(&update), legacy, bare.clone()],
        &[
            ("ReturnValues", json!("all")),
            ("ReturnValuesOnConditionCheckFailure", json!("ALL_NEW")),
            ("ReturnConsumedCapacity", json!("total")),
            ("ReturnItemCollectionMetrics", json!("size")),
            ("ConditionalOperator", json!("AND")),
            ("ConditionalOperator", json!("or")),
        ],
    );
    each(
        "DeleteItem",
        &[bare.clone(), conditional(&bare)],
        &[
            ("ReturnValues", json!("ALL_NEW")),
            ("ReturnValuesOnConditionCheckFailure", json!("x")),
            ("ReturnConsumedCapacity", json!("x")),
            ("ConditionalOperator", json!("OR")),
        ],
    );
    all.push(request("GetItem", with(&bare, "AttributesToGet", json!([]))));
    all.push(request("GetItem", with(&bare, "AttributesToGet", json!([""]))));
    all.push(request("GetItem", with(&bare, "ReturnConsumedCapacity", json!("x"))));
    let projected = with(&bare, "ProjectionExpression", json!("#n"));
    for names in [json!({"#n": ""}), json!({"#n": "n", "#unused": "x"}), json!({})] {
        all.push(request("GetItem", with(&projected, "ExpressionAttributeNames", names.clone())));
        let scan = json!({"TableName": THINGS, "ProjectionExpression": "#n", "ExpressionAttributeNames": names});
        all.push(request("Scan", scan.clone()));
        let part = json!({"Keys": [key], "ProjectionExpression": "#n", "ExpressionAttributeNames": names});
        all.push(request("BatchGetItem", json!({"RequestItems": {THINGS: part}})));
        let get = with(&projected, "ExpressionAttributeNames", names.clone());
        all.push(request("TransactGetItems", json!({"TransactItems": [{"Get": get}]})));
        let query = json!({"TableName": THINGS, "KeyConditionExpression": "id = :i", "ProjectionExpression": "#n",
            "ExpressionAttributeValues": {":i": {"S": "a"}}, "ExpressionAttributeNames": names});
        all.push(request("Query", query));
        let set = json!({"TableName": THINGS, "Key": key, "UpdateExpression": "SET #n = :v",
            "ExpressionAttributeValues": {":v": {"S": "a"}}, "ExpressionAttributeNames": names});
        all.push(request("UpdateItem", set));
    }
    let transact = |token: &str| json!({"ClientRequestToken": token, "TransactItems": [{"Put": put}]});
    all.push(request("TransactWriteItems", transact(&"t".repeat(36))));
    all.push(request("TransactWriteItems", transact(&"t".repeat(37))));
    let check = json!({"TableName": THINGS, "Key": key, "ConditionExpression": "attribute_exists(n)", "ReturnValuesOnConditionCheckFailure": "x"});
    all.push(request(
        "TransactWriteItems",
        json!({"TransactItems": [{"Put": put}, {"ConditionCheck": with(&check, "Key", json!({"id": {"S": "b"}}))}]}),
    ));
    for statement in ["SELECT * FROM \"Things\" WHERE id = 'a'", "DELETE FROM \"Things\" WHERE id = 'a'"] {
        let one = json!({"Statement": statement});
        for (name, value) in [("Parameters", json!([])), ("ReturnValuesOnConditionCheckFailure", json!("x"))] {
            let one = with(&one, name, value);
            all.push(request("ExecuteStatement", one.clone()));
            all.push(request("ExecuteTransaction", json!({"TransactStatements": [one]})));
            all.push(request("BatchExecuteStatement", json!({"Statements": [one]})));
        }
        all.push(request("ExecuteStatement", with(&one, "ReturnConsumedCapacity", json!("x"))));
        let long = json!({"TransactStatements": [one], "ClientRequestToken": "t".repeat(37)});
        all.push(request("ExecuteTransaction", long));
        let token = json!({"TransactStatements": [one], "ClientRequestToken": format!("token of {}", &statement[..6])});
        all.push(request("ExecuteTransaction", token));
    }
    all
}

/// Old parameters beside new ones, and those that say nothing.
fn legacy() -> Vec<Request> {
    let (eq, ge) = (
        json!({"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}),
        json!({"ComparisonOperator": "GE", "AttributeValueList": [{"N": "1"}]}),
    );
    let ranges = json!({"id": eq, "pos": ge});
    let mut all = Vec::new();
    for (table, conditions) in [(THINGS, json!({"id": eq})), (RANGES, json!({"id": eq})), (RANGES, ranges)] {
        let query = json!({"TableName": table, "KeyConditions": conditions});
        for more in [
            json!({"FilterExpression": "n >= :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}),
            json!({"FilterExpression": "t = :t", "ExpressionAttributeValues": {":t": {"BOOL": true}}}),
            json!({"FilterExpression": "attribute_exists(n)", "Select": "COUNT"}),
            json!({"ProjectionExpression": "#n, s", "ExpressionAttributeNames": {"#n": "n"}}),
            json!({"ProjectionExpression": "n", "FilterExpression": "attribute_exists(s)", "Select": "SPECIFIC_ATTRIBUTES"}),
            json!({"Select": "COUNT"}),
            json!({"Select": "ALL_ATTRIBUTES"}),
            json!({"AttributesToGet": ["n"]}),
            json!({"AttributesToGet": ["n"], "Select": "SPECIFIC_ATTRIBUTES"}),
            json!({"ScanIndexForward": false, "Limit": 1, "FilterExpression": "attribute_exists(n)"}),
            json!({"QueryFilter": {"n": ge}, "ProjectionExpression": "n"}),
            json!({"AttributesToGet": ["n"], "FilterExpression": "attribute_exists(n)"}),
            json!({"ConditionalOperator": "AND", "FilterExpression": "attribute_exists(n)"}),
            json!({"ConditionalOperator": "AND"}),
            json!({"KeyConditionExpression": "id = :i", "ExpressionAttributeValues": {":i": {"S": "a"}}}),
            json!({"FilterExpression": "id = :i", "ExpressionAttributeValues": {":i": {"S": "a"}}}),
            json!({"FilterExpression": "n = :n", "ExpressionAttributeValues": {":n": {"N": "1"}, ":unused": {"N": "1"}}}),
        ] {
            let mut body = query.clone();
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all.push(request("Query", body));
        }
    }
    for id in ["a", "new"] {
        let key = json!({"id": {"S": id}});
        for more in [
            json!({"AttributeUpdates": {}}),
            json!({"AttributeUpdates": {}, "ReturnValues": "ALL_NEW"}),
            json!({"AttributeUpdates": {}, "ReturnValues": "ALL_OLD"}),
            json!({"AttributeUpdates": {}, "ReturnValues": "UPDATED_NEW"}),
            json!({"AttributeUpdates": {}, "Expected": {"n": {"Exists": false}}}),
            json!({"AttributeUpdates": {}, "Expected": {"n": {"Value": {"N": "1"}}}, "ReturnValues": "ALL_NEW"}),
            json!({"AttributeUpdates": {}, "Expected": {}}),
            json!({"AttributeUpdates": {}, "ConditionalOperator": "AND"}),
            json!({"Expected": {"n": {"Value": {"N": "1"}}}}),
            json!({"AttributeUpdates": {"": {"Value": {"S": "x"}}}}),
            json!({"AttributeUpdates": {"n": {"Value": {"N": "1"}}}, "Expected": {"": {"Exists": false}}}),
        ] {
            let mut body = json!({"TableName": THINGS, "Key": key});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all.push(request("UpdateItem", body));
            all.push(request("GetItem", json!({"TableName": THINGS, "Key": key})));
        }
    }
    all
}

/// DynamoDB does not always say which value it does not take, and we do where it helps.
fn words(answer: &mut Value) {
    let Some(message) = answer["message"].as_str() else { return };
    let message = message.split("; attribute: ").next().unwrap_or_default();
    // A number of no digits is told with or without what it is.
    let message = message.trim_end_matches(": ");
    let Some((before, value)) = message.split_once("ExpressionAttributeValues contains invalid value: ") else {
        answer["message"] = json!(message);
        return;
    };
    answer["message"] = json!(format!("{before}{}", value.trim_end_matches(" for key :v").trim_end_matches(": ")));
}

/// dynoxide looks at no sets inside other values unless it stores them, and words those that it stores as it does for items.
fn is_nested_set(request: &Request) -> bool {
    let text = request.body.to_string();
    let nested = |kind: &str| {
        text.contains(&format!("{{\"S\":\"y\"}},{{\"{kind}\":")) || text.contains(&format!("\"k\":{{\"{kind}\":"))
    };
    let stored = request.operation.contains("Put")
        || request.operation.contains("Batch")
        || text.contains("\"Put\"")
        || text.contains("\"Action\":");
    let item = text.contains("\"Item\":{\"id\":{\"S\":\"a\"},\"n\"");
    ["SS", "NS", "BS"].into_iter().any(nested) && !(stored && item)
}

/// Where the two differ, each request over tables with two items.
async fn differences(engine: &Engine, requests: Vec<Request>, skipped: fn(&Request) -> bool) -> Vec<String> {
    let (plain, protected) = (tables::database(), tables::database());
    let exception = |_: &Embedded, _: &Request| Exception::Forgive(words);
    let sides = Sides { plain: &plain, engine, protected: &protected, exception, streams: &[] };
    let first = [
        json!({"id": {"S": "a"}, "n": {"N": "1"}, "s": {"S": "x"}, "t": {"BOOL": true}, "hits": {"N": "1"}}),
        json!({"id": {"S": "b"}, "n": {"S": "x"}}),
    ];
    let ranges = [("1", "1"), ("2", "5")]
        .map(|(pos, n)| json!({"id": {"S": "a"}, "pos": {"N": pos}, "n": {"N": n}, "s": {"S": "x"}}));
    let puts = first.into_iter().map(|item| (THINGS, item)).chain(ranges.into_iter().map(|item| (RANGES, item)));
    let puts: Vec<_> =
        puts.map(|(table, item)| request("PutItem", json!({"TableName": table, "Item": item}))).collect();
    let mut found = Vec::new();
    for one in requests.into_iter().filter(|request| !skipped(request)) {
        let sequence: Vec<_> = puts.iter().cloned().chain([one]).collect();
        if let Some(difference) = sides.compare(&sequence, &mut Tally::default()).await {
            found.push(difference.to_string());
        }
    }
    found
}

#[tokio::test]
async fn values_of_all_kinds_in_all_places() {
    let requests = values().iter().flat_map(places).collect();
    let found = differences(&tables::named(Suite::Hmac), requests, is_nested_set).await;
    assert!(found.is_empty(), "{} differ:\n{}", found.len(), found.join("\n"));
}

#[tokio::test]
async fn settings_tokens_and_names() {
    for engine in [tables::named(Suite::Hmac), tables::patterned()] {
        let found = differences(&engine, settings(), |request| {
            // dynoxide reads the expression first.
            let names = &request.body["TransactItems"][0]["Get"]["ExpressionAttributeNames"];
            *names == json!({})
        })
        .await;
        assert!(found.is_empty(), "{} differ:\n{}", found.len(), found.join("\n"));
    }
}

#[tokio::test]
async fn old_parameters_beside_new_ones() {
    for engine in [tables::named(Suite::Hmac), tables::patterned()] {
        let found = differences(&engine, legacy(), |_| false).await;
        assert!(found.is_empty(), "{} differ:\n{}", found.len(), found.join("\n"));
    }
}
