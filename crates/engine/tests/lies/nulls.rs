//! Values whose other types stand there as `null`, as some SDKs and stores write them: they mean what stands there alone.

use serde_json::{Value, json};

use crate::support::engine;
use crate::{KEY, asked_for_one, assert_not_asked, carry_out, count, failed, on_one, read, stored, user};

const TYPES: [&str; 10] = ["S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"];

/// The same value with every other type as `null`, also inside.
fn with_nulls(value: &Value) -> Value {
    let (kind, inner) = value.as_object().unwrap().iter().next().unwrap();
    let inner = match (kind.as_str(), inner) {
        ("L", Value::Array(all)) => all.iter().map(with_nulls).collect(),
        ("M", map) => item_with_nulls(map),
        (_, other) => other.clone(),
    };
    let mut all: serde_json::Map<_, _> = TYPES.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    all.insert(kind.clone(), inner);
    Value::Object(all)
}

fn item_with_nulls(item: &Value) -> Value {
    let members = item.as_object().unwrap().iter();
    Value::Object(members.map(|(name, value)| (name.clone(), with_nulls(value))).collect())
}

#[test]
fn in_an_answer() {
    let stored = stored("1");
    let (plain, nulls) = (asked_for_one(&stored), asked_for_one(&item_with_nulls(&stored)));
    for ((operation, body, answers, status, answer), (.., with)) in plain.into_iter().zip(nulls) {
        let given = |answer: String| carry_out(&engine(), (operation, &body), &[(answers, status, answer)]);
        let (expected, told) = (given(answer).unwrap(), given(with).unwrap());
        assert_eq!((expected.0, read(&expected.1)), (told.0, read(&told.1)), "{operation} {body}");
    }
    // And where DynamoDB shows what it updated by itself.
    let shown = |value: &Value| {
        let answer = json!({"Attributes": {"hits": value}}).to_string();
        carry_out(&engine(), ("UpdateItem", &count("UPDATED_NEW")), &[("UpdateItem", 200, answer)]).unwrap()
    };
    let three = json!({"N": "3"});
    let told = read(&shown(&with_nulls(&three)).1);
    assert_eq!(told["Attributes"]["hits"]["N"], "3", "{told}");
    // Nothing is made of it that a change would hide behind.
    let mut other = stored.clone();
    other["tier"]["S"] = json!("paid");
    let forged = json!({"Item": item_with_nulls(&other)}).to_string();
    let error = carry_out(&engine(), ("GetItem", &on_one(json!({}))), &[("GetItem", 200, forged)]).unwrap_err();
    assert_eq!(error.code(), "DSL-3008", "{error}");
    let row = json!({"Item": item_with_nulls(&crate::stored("2"))}).to_string();
    assert_not_asked(&engine(), ("GetItem", &on_one(json!({}))), &[("GetItem", 200, row)]);
}

#[test]
fn in_pages_keys_and_records() {
    let (sealed, key) = (stored("1"), read(KEY));
    let both = |operation: &str, body: &Value, make: &dyn Fn(&Value, &Value) -> Value| {
        let given = |item: &Value, key: &Value| {
            let answer = make(item, key).to_string();
            let (status, told) = carry_out(&engine(), (operation, body), &[(operation, 200, answer)]).unwrap();
            assert_eq!(status, 200);
            read(&told)
        };
        (given(&sealed, &key), given(&item_with_nulls(&sealed), &item_with_nulls(&key)))
    };
    let page =
        |item: &Value, key: &Value| json!({"Items": [item], "Count": 1, "ScannedCount": 1, "LastEvaluatedKey": key});
    let scan = json!({"TableName": "Users", "FilterExpression": "begins_with(email, :m)",
        "ExpressionAttributeValues": {":m": {"S": crate::MARK}}});
    for body in [json!({"TableName": "Users"}), scan] {
        let (plain, nulls) = both("Scan", &body, &page);
        assert_eq!(plain["Items"], nulls["Items"]);
        assert_eq!(nulls["LastEvaluatedKey"]["id"]["S"], "1", "{nulls}");
    }
    let iterator = json!({"ShardIterator": "dynaseal-1/Users/AAAA"});
    let record = |item: &Value, key: &Value| json!({"Records": [{"eventName": "MODIFY", "dynamodb": {"Keys": key, "NewImage": item, "OldImage": item}}]});
    let (plain, nulls) = both("GetRecords", &iterator, &record);
    for image in ["NewImage", "OldImage"] {
        let at = |told: &Value| told["Records"][0]["dynamodb"][image].clone();
        assert_eq!(at(&plain), at(&nulls));
    }
    // What the caller wrote that way comes back as it was written.
    let write = json!({"PutRequest": {"Item": item_with_nulls(&read(&user("1")))}});
    let batch = json!({"RequestItems": {"Users": [write]}});
    let left = json!({"UnprocessedItems": {"Users": [{"PutRequest": {"Item": item_with_nulls(&sealed)}}]}}).to_string();
    let (_, told) = carry_out(&engine(), ("BatchWriteItem", &batch), &[("BatchWriteItem", 200, left)]).unwrap();
    assert_eq!(read(&told)["UnprocessedItems"]["Users"], json!([write]));
    let condition = failed("ConditionalCheckFailedException", json!({"Item": item_with_nulls(&sealed)}));
    let delete = on_one(
        json!({"ConditionExpression": "attribute_not_exists(id)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}),
    );
    let (status, told) = carry_out(&engine(), ("DeleteItem", &delete), &[("DeleteItem", 400, condition)]).unwrap();
    assert_eq!((status, &read(&told)["Item"]), (400, &read(&user("1"))));
}
