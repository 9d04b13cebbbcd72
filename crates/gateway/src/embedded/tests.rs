#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests, not tests themselves")]

use dynaseal_engine::Service;
use serde_json::{Value, json};

use super::*;

fn call(embedded: &Embedded, operation: &'static str, body: &[u8]) -> (u16, Value) {
    call_service(embedded, Service::DynamoDb, operation, body)
}

fn call_service(embedded: &Embedded, service: Service, operation: &'static str, body: &[u8]) -> (u16, Value) {
    let call = Call::new(service, operation, body.to_vec());
    let answer = embedded.call(&call);
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

fn with_users() -> Embedded {
    let embedded = Embedded::open(None).unwrap();
    let table = json!({
        "TableName": "Users",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    });
    let (status, answer) = call(&embedded, "CreateTable", table.to_string().as_bytes());
    assert_eq!((status, &answer["TableDescription"]["TableName"]), (200, &json!("Users")));
    embedded
}

#[test]
fn items_go_in_and_come_out() {
    let embedded = with_users();
    let put = br#"{"TableName":"Users","Item":{"id":{"S":"1"},"n":{"N":"7"}}}"#;
    assert_eq!(call(&embedded, "PutItem", put), (200, json!({})));
    let get = br#"{"TableName":"Users","Key":{"id":{"S":"1"}}}"#;
    assert_eq!(call(&embedded, "GetItem", get), (200, json!({"Item": {"id": {"S": "1"}, "n": {"N": "7"}}})));
    let (status, page) = call(&embedded, "Scan", br#"{"TableName":"Users"}"#);
    assert_eq!((status, &page["Count"]), (200, &json!(1)));
}

/// GetItem's answer is written here instead of by dynoxide's types; nobody may notice.
#[test]
fn a_get_answers_as_dynoxide_writes_it() {
    let embedded = with_users();
    let item = json!({
        "id": {"S": "1"}, "text": {"S": "\"\u{1}\\ é"}, "n": {"N": "-1.50"}, "b": {"B": "AAEC/w=="}, "no": {"B": ""},
        "yes": {"BOOL": true}, "null": {"NULL": true}, "ss": {"SS": ["b", "a"]}, "ns": {"NS": ["2", "10", "1"]},
        "bs": {"BS": ["Ag==", "AQ=="]}, "l": {"L": [{"S": "x"}, {"L": []}]}, "m": {"M": {"\"": {"NS": ["3", "2"]}}},
    });
    let put = json!({ "TableName": "Users", "Item": item }).to_string();
    assert_eq!(call(&embedded, "PutItem", put.as_bytes()).0, 200);
    for more in [
        json!({}),
        json!({"Key": {"id": {"S": "absent"}}}),
        json!({"ProjectionExpression": "absent"}),
        json!({"ProjectionExpression": "absent", "ReturnConsumedCapacity": "TOTAL"}),
        json!({"ReturnConsumedCapacity": "TOTAL"}),
    ] {
        let mut body = json!({ "TableName": "Users", "Key": {"id": {"S": "1"}} });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let theirs = embedded.database.get_item(serde_json::from_value(body.clone()).unwrap()).unwrap();
        let theirs = serde_json::to_value(theirs).unwrap();
        assert_eq!(call(&embedded, "GetItem", body.to_string().as_bytes()), (200, theirs), "{body}");
    }
}

#[test]
fn a_stream_is_read_as_clients_ask_for_it() {
    let embedded = Embedded::open(None).unwrap();
    let table = json!({
        "TableName": "Tab", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"},
    });
    assert_eq!(call(&embedded, "CreateTable", table.to_string().as_bytes()).0, 200);
    assert_eq!(call(&embedded, "PutItem", br#"{"TableName":"Tab","Item":{"k":{"S":"1"}}}"#).0, 200);
    let ask = |operation, body: Value| {
        let body = body.to_string();
        let (status, answer) = call_service(&embedded, Service::DynamoDbStreams, operation, body.as_bytes());
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    };
    let arn = ask("ListStreams", json!({}))["Streams"][0]["StreamArn"].clone();
    let shard = ask("DescribeStream", json!({"StreamArn": arn}))["StreamDescription"]["Shards"][0]["ShardId"].clone();
    // DynamoDB's are 28 to 65 characters long.
    assert!((28..=65).contains(&shard.as_str().unwrap().len()), "{shard}");
    let iterator = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let records = ask("GetRecords", ask("GetShardIterator", iterator));
    assert_eq!(records["Records"][0]["dynamodb"]["NewImage"], json!({"k": {"S": "1"}}), "{records}");
}

#[test]
fn a_file_outlives_the_process_that_wrote_it() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("dev.db");
    let table = br#"{"TableName":"Tab","KeySchema":[{"AttributeName":"k","KeyType":"HASH"}],
        "AttributeDefinitions":[{"AttributeName":"k","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}"#;
    assert_eq!(call(&Embedded::open(Some(&file)).unwrap(), "CreateTable", table).0, 200);
    let again = Embedded::open(Some(&file)).unwrap();
    assert_eq!(call(&again, "ListTables", b"{}"), (200, json!({"TableNames": ["Tab"]})));

    std::fs::write(directory.path().join("text"), "no database at all, but long enough to have a header").unwrap();
    let error = Embedded::open(Some(&directory.path().join("text"))).unwrap_err();
    assert_eq!(error.code(), "DSL-7007");
}

/// Malformed bodies get a type and a message of DynamoDB's, and no text of the request comes back.
#[test]
fn malformed_requests_are_worded_without_their_values() {
    let embedded = with_users();
    let serialization = "com.amazon.coral.service#SerializationException";
    let validation = "com.amazon.coral.validate#ValidationException";
    let cases: [(&str, &str, &str, Option<&str>); 12] = [
        ("GetItem", "{", serialization, None),
        ("GetItem", "", serialization, None),
        ("GetItem", "canary", serialization, None),
        ("GetItem", "\"canary\"", serialization, Some("Unexpected field type")),
        ("PutItem", r#"{"TableName":7}"#, serialization, Some("NUMBER_VALUE cannot be converted to String")),
        ("PutItem", r#"{"TableName":"Users","Item":"canary, expected a string"}"#, serialization, None),
        ("GetItem", r#"{"TableName":"Users","Key":{"id":{"S":["canary"]}}}"#, serialization, None),
        ("GetItem", r#"{"TableName":"Users","Key":{"id":{}}}"#, validation, None),
        ("GetItem", r#"{"TableName":"Users","Key":{"id":{"canary":"1"}}}"#, validation, None),
        ("GetItem", r#"{"TableName":"Users","Key":{"id":{"S":"1","N":"2"}}}"#, validation, None),
        ("ListTables", r#"{"Limit":"canary"}"#, serialization, None),
        ("PutItem", r#"{"TableName":"Users"}"#, validation, None),
    ];
    for (operation, body, kind, message) in cases {
        let (status, answer) = call(&embedded, operation, body.as_bytes());
        let text = answer.to_string();
        assert_eq!((status, &answer["__type"]), (400, &json!(kind)), "{operation} {body}: {text}");
        assert!(!text.contains("canary") && !text.contains(" column "), "{operation} {body}: {text}");
        for marker in ["VALIDATION:", "VALIDATION_", "SERIALIZATION", "invalid type", "missing field"] {
            assert!(!text.contains(marker), "{operation} {body}: {text}");
        }
        if let Some(message) = message {
            assert_eq!(answer["Message"], json!(message), "{operation} {body}");
        }
    }
    let deep =
        format!(r#"{{"TableName":"Users","Item":{{"id":{}{{"S":"1"}}{}}}}}"#, "{\"L\":[".repeat(200), "]}".repeat(200));
    let (status, answer) = call(&embedded, "PutItem", deep.as_bytes());
    assert_eq!((status, &answer["__type"]), (400, &json!(validation)), "{answer}");
    assert_eq!(call(&embedded, "GetItem", b"{\"TableName\":\"\xff\"}").0, 400);
}

#[test]
fn engine_messages_pass_untouched_and_unknown_operations_have_their_own_type() {
    let embedded = with_users();
    let (status, answer) = call(&embedded, "GetItem", br#"{"TableName":"Nowhere","Key":{"id":{"S":"1"}}}"#);
    assert_eq!(status, 400);
    assert_eq!(answer["__type"], "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException");
    assert_eq!(answer["message"], "Requested resource not found");

    let update = br#"{"TableName":"Users","Key":{"id":{"S":"1"}},"UpdateExpression":"SET"}"#;
    let (_, answer) = call(&embedded, "UpdateItem", update);
    assert_eq!(answer["__type"], "com.amazon.coral.validate#ValidationException");

    let (status, answer) = call(&embedded, "FlyToTheMoon", b"{}");
    assert_eq!((status, &answer["__type"]), (400, &json!("com.amazon.coral.service#UnknownOperationException")));
}

#[test]
fn every_operation_of_the_engine_is_dispatched() {
    let embedded = Embedded::open(None).unwrap();
    for (own, operations) in [(Service::DynamoDb, &DYNAMODB[..]), (Service::DynamoDbStreams, &STREAMS)] {
        for operation in operations {
            for service in [Service::DynamoDb, Service::DynamoDbStreams, Service::Kms] {
                let (_, answer) = call_service(&embedded, service, operation, b"{}");
                let known = answer["__type"] != "com.amazon.coral.service#UnknownOperationException";
                assert_eq!(known, service == own, "{service:?} {operation}");
            }
        }
    }
}

const STREAMS: [&str; 4] = ["ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"];

const DYNAMODB: [&str; 24] = [
    "CreateTable",
    "DeleteTable",
    "DescribeTable",
    "ListTables",
    "UpdateTable",
    "PutItem",
    "GetItem",
    "DeleteItem",
    "UpdateItem",
    "Query",
    "Scan",
    "BatchGetItem",
    "BatchWriteItem",
    "TransactWriteItems",
    "TransactGetItems",
    "UpdateTimeToLive",
    "DescribeTimeToLive",
    "ExecuteStatement",
    "ExecuteTransaction",
    "BatchExecuteStatement",
    "TagResource",
    "UntagResource",
    "ListTagsOfResource",
    "SearchVectors",
];

/// Nothing that is longer or deeper than DynamoDB takes is handed to the engine, whatever the table.
#[test]
fn requests_are_bounded_before_they_are_handed_over() {
    let embedded = with_users();
    let refused = |operation: &'static str, body: Value| {
        let (status, answer) = call(&embedded, operation, body.to_string().as_bytes());
        assert_eq!(status, 400, "{answer}");
        let message = answer["message"].as_str().or(answer["Message"].as_str()).unwrap().to_owned();
        assert!(!message.contains("xxxx"), "{message}");
        message
    };
    let (long, deep) = (format!("a = {}", "x".repeat(4093)), format!("{}a = b{}", "(".repeat(65), ")".repeat(65)));
    let key = json!({"id": {"S": "1"}});
    for (operation, member) in [
        ("Scan", "FilterExpression"),
        ("Scan", "ProjectionExpression"),
        ("Query", "KeyConditionExpression"),
        ("UpdateItem", "UpdateExpression"),
        ("DeleteItem", "ConditionExpression"),
    ] {
        for (text, words) in [(&long, "maximum allowed size"), (&deep, "too many operators")] {
            let message = refused(operation, json!({"TableName": "Users", "Key": key, member: text}));
            assert!(message.contains(&format!("Invalid {member}: ")) && message.contains(words), "{message}");
            if ["UpdateExpression", "ConditionExpression"].contains(&member) {
                let update = json!({"TransactItems": [{"Update": {"TableName": "Users", "Key": key, member: text}}]});
                assert!(refused("TransactWriteItems", update).contains(words));
            }
        }
        // Where the table of operations knows no such member, a parser might.
        let other = json!({"TransactItems": [{"Update": {"TableName": "Users", "Key": key, "Other": deep}}]});
        assert!(refused("TransactWriteItems", other).contains("Nesting Levels"));
    }
    let statement = format!("SELECT * FROM Users WHERE id = '{}'", "x".repeat(8192));
    assert!(refused("ExecuteStatement", json!({"Statement": statement})).contains("8192"));
    let put = json!({"PutRequest": {"Item": {"id": {"S": "x".repeat(200)}}}});
    assert!(refused("BatchWriteItem", json!({"RequestItems": {"Users": vec![put; 26]}})).contains("25"));
    let nested = (0..33).fold(json!({"S": "x"}), |inner, _| json!({"L": [inner]}));
    let item = json!({"TableName": "Users", "Item": {"id": {"S": "1"}, "a": nested}});
    assert!(refused("PutItem", item).contains("Nesting Levels have exceeded supported limits"));
    // What is within the limits is the engine's to judge.
    let filter = format!("{}a = :a{}", "NOT (".repeat(20), ")".repeat(20));
    let scan =
        json!({"TableName": "Users", "FilterExpression": filter, "ExpressionAttributeValues": {":a": {"S": "x"}}});
    assert_eq!(call(&embedded, "Scan", scan.to_string().as_bytes()).0, 200);
}

#[test]
fn what_is_not_there_is_told_as_it_is() {
    let embedded = with_users();
    for (operation, expected) in [
        (
            "DescribeContinuousBackups",
            json!({"ContinuousBackupsDescription": {
                "ContinuousBackupsStatus": "DISABLED",
                "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
            }}),
        ),
        ("DescribeContributorInsights", json!({"TableName": "Users", "ContributorInsightsStatus": "DISABLED"})),
        ("DescribeKinesisStreamingDestination", json!({"TableName": "Users", "KinesisDataStreamDestinations": []})),
        (
            "DescribeTableReplicaAutoScaling",
            json!({"TableAutoScalingDescription": {"TableName": "Users", "TableStatus": "ACTIVE", "Replicas": []}}),
        ),
        ("DescribeTimeToLive", json!({"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}})),
        ("ListBackups", json!({"BackupSummaries": []})),
        ("ListContributorInsights", json!({"ContributorInsightsSummaries": []})),
    ] {
        let told = |body: &str| call(&embedded, operation, body.as_bytes());
        assert_eq!(told(r#"{"TableName":"Users"}"#), (200, expected.clone()), "{operation}");
        if operation.starts_with("List") {
            continue;
        }
        if operation != "DescribeTimeToLive" {
            assert_eq!(
                told(r#"{"TableName":"arn:aws:dynamodb:eu-west-1:1:table/Users"}"#),
                (200, expected),
                "{operation}"
            );
        }
        let (status, refusal) = told(r#"{"TableName":"Absent"}"#);
        let kind = refusal["__type"].as_str().unwrap().rsplit('#').next().unwrap();
        let backups = operation == "DescribeContinuousBackups";
        let named = if backups { "TableNotFoundException" } else { "ResourceNotFoundException" };
        assert_eq!((status, kind), (400, named), "{operation}");
        assert_eq!(told("{}").0, 400, "{operation}");
        assert_eq!(told(r#"{"TableName":1}"#).0, 400, "{operation}");
        assert_eq!(told("[").0, 400, "{operation}");
    }
    let insights = br#"{"TableName":"Users","IndexName":"byMail"}"#;
    assert_eq!(call(&embedded, "DescribeContributorInsights", insights).1["IndexName"], json!("byMail"));
    let (status, limits) = call(&embedded, "DescribeLimits", b"{}");
    assert_eq!((status, limits.as_object().unwrap().len()), (200, 4));
    // What changes something that is not there is no operation of this engine.
    let (status, refusal) = call(&embedded, "UpdateContinuousBackups", br#"{"TableName":"Users"}"#);
    assert_eq!((status, &refusal["__type"]), (400, &json!("com.amazon.coral.service#UnknownOperationException")));
}
