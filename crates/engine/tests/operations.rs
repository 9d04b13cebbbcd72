//! Operations that carry no items, that are not known or that would go past the seal; and that what concerns no protected
//! table passes byte for byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test helpers")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
#[path = "support/outcome.rs"]
mod outcome;
#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::sync::Arc;

use dynaseal_engine::{Engine, Pattern, Plaintext, SystemClock};
use dynaseal_item::{Action, SchemaSpec};
use dynaseal_keys::{Provider, RawAes};
use outcome::{carry_out, hides, passes, passes_call, refused};
use support::{Script, dynamodb, engine, ready, streams};

#[test]
fn an_action_of_a_transaction_is_one() {
    let put = r#""Put":{"TableName":"Users","Item":{"id":{"S":"1"},"email":{"S":"SECRET"}}}"#;
    let update = r#""Update":{"TableName":"Users","Key":{"id":{"S":"1"}},"UpdateExpression":"REMOVE email"}"#;
    let check = r#""ConditionCheck":{"TableName":"Other","Key":{"id":{"S":"1"}},"ConditionExpression":"a = b"}"#;
    let one = "TransactItems can only contain one of Check, Put, Update or Delete";
    for (first, second) in [(put, update), (update, put), (put, check), (check, update)] {
        refused("TransactWriteItems", &format!(r#"{{"TransactItems":[{{{first},{second}}}]}}"#), &[one]);
    }
    let get = r#""Get":{"TableName":"Users","Key":{"id":{"S":"1"}}}"#;
    refused("TransactGetItems", &format!(r#"{{"TransactItems":[{{{get},{put}}}]}}"#), &[one]);
    // The same on other tables is for DynamoDB to refuse.
    let other = format!(r#"{{"TransactItems":[{{{check},"Delete":{{"TableName":"Other"}}}}]}}"#);
    passes("TransactWriteItems", &other);
    hides("TransactWriteItems", &format!(r#"{{"TransactItems":[{{{put},"Update":null}}]}}"#));
}

#[test]
fn what_goes_along_to_another_table_is_known_too() {
    let statement =
        |table: &str, more: &str| format!(r#"{{"Statement":"SELECT * FROM {table} WHERE id = '1'"{more}}}"#);
    let (protected, known) = (statement("Users", ""), statement("Other", r#","ConsistentRead":true"#));
    let unknown = statement("Other", r#","Copy":{"S":"SECRET"}"#);
    for (operation, list) in [("BatchExecuteStatement", "Statements"), ("ExecuteTransaction", "TransactStatements")] {
        for both in [format!("{protected},{unknown}"), format!("{unknown},{protected}")] {
            refused(operation, &format!(r#"{{"{list}":[{both}]}}"#), &["DSL-2003", "Users", "Copy"]);
        }
        passes(operation, &format!(r#"{{"{list}":[{unknown}],"New":1}}"#));
        let named = unknown.replace("Copy", "Users");
        refused(operation, &format!(r#"{{"{list}":[{named}]}}"#), &["DSL-2003", "Users"]);
    }
    let wire = Script::new(|operation: &str, _: &str| match operation {
        "BatchExecuteStatement" => (200, r#"{"Responses":[{}]}"#.to_owned()),
        _ => (200, r#"{"Items":[]}"#.to_owned()),
    });
    let body = format!(r#"{{"Statements":[{protected},{known}]}}"#);
    assert_eq!(ready(engine().call(&wire, dynamodb("BatchExecuteStatement", &body))).unwrap().status, 200);
    let get =
        |table: &str, more: &str| format!(r#"{{"Get":{{"TableName":"{table}","Key":{{"id":{{"S":"1"}}}}{more}}}}}"#);
    for more in [r#","Copy":"SECRET""#, r#","ProjectionExpression":{"Copy":"SECRET"}"#] {
        let both = format!("{},{}", get("Other", more), get("Users", ""));
        let name = if more.contains("Projection") { "ProjectionExpression" } else { "Copy" };
        refused("TransactGetItems", &format!(r#"{{"TransactItems":[{both}]}}"#), &["DSL-2003", "Users", name]);
        passes("TransactGetItems", &format!(r#"{{"TransactItems":[{}]}}"#, get("Other", more)));
    }
}

#[test]
fn other_tables_pass_byte_for_byte() {
    for (operation, body) in [
        ("SearchVectors", r#"{ "TableName":"Other","SearchVector":[{"N":"1"}] }"#),
        ("StartBulkPutItems", r#"{ "TableName":"Other","InputS3Configuration":{"S3Bucket":"b"} }"#),
        ("ListBulkOperations", "{ }"),
        ("DescribeBulkOperation", r#"{"BulkOperationArn":"arn:aws:dynamodb:r:1:table/Other/bulk/x"}"#),
        ("UpdateKinesisStreamingDestination", r#"{"TableName":"Users","StreamArn":"arn:aws:kinesis:r:1:stream/x"}"#),
        (
            "ImportTable",
            r#"{"TableCreationParameters":{"TableName":"Other","New":1},"S3BucketSource":{"S3Bucket":"b"}}"#,
        ),
        ("SomethingNew", r#"{"Anything":"UsersArchive"}"#),
        ("SomethingNew", ""),
        ("SomethingNew", "no JSON"),
        ("PutItem", "{}"),
        ("ListTables", ""),
        ("ListTables", r#"{"New":7}"#),
        ("PutItem", r#"{ "TableName":"Other","Item":{"tableName":{"S":"Users"}},"New":[1.50] }"#),
        (
            "BatchWriteItem",
            r#"{"RequestItems":{"Other":[{"PutRequest":{"Item":{"RequestItems":{"S":"Users"}},"New":1}}]}}"#,
        ),
        ("TransactWriteItems", r#"{"TransactItems":[{"Upsert":{"TableName":"Other"}}]}"#),
        ("Query", r#"{"TableName":"users"}"#),
        ("ExecuteStatement", r#"{"Statement":"SELECT * FROM Other","New":"x"}"#),
        (
            "ExportTableToPointInTime",
            r#"{"TableArn":"arn:aws:dynamodb:r:1:table/Other","FilterSpecification":{"FilterExpression":":a = :a","New":1}}"#,
        ),
        (
            "ExportTableToPointInTime",
            r#"{"TableArn":"arn:aws:dynamodb:r:1:table/Users","FilterSpecification":{"FilterExpression":"tier = :t","ProjectionExpression":"id, aws_dbe_head","ExpressionAttributeValues":{":t":{"S":"x"}}}}"#,
        ),
        (
            "RestoreTableToPointInTime",
            r#"{"SourceTableName":"Users","TargetTableName":"Copy","GlobalSecondaryIndexOverride":[]}"#,
        ),
    ] {
        passes(operation, body);
    }
    passes_call(
        &engine(),
        streams(
            "DescribeStream",
            r#"{"StreamArn":"arn:aws:dynamodb:r:1:table/Users/stream/x","ShardFilter":{"Type":"CHILD_SHARDS"}}"#,
        ),
    );
}

#[test]
fn what_would_go_past_the_seal_is_refused() {
    refused("SearchVectors", r#"{"TableName":"Users","SearchVector":[{"S":"SECRET"}]}"#, &["DSL-2003", "Users"]);
    refused("StartBulkPutItems", r#"{"TableName":"Users"}"#, &["DSL-2003", "Users"]);
    refused("StartBulkPutItems", r#"{"TableName":"Other","TableName":"Users"}"#, &["DSL-2003", "Users"]);
    let export = |filter: &str| {
        format!(
            r#"{{"TableArn":"arn:aws:dynamodb:r:1:table/Users","FilterSpecification":{{{filter},"ExpressionAttributeValues":{{":v":{{"S":"SECRET"}}}}}}}}"#
        )
    };
    for filter in ["email = :v", ":v = :v", "tier = :v AND email = :v"] {
        refused("ExportTableToPointInTime", &export(&format!(r#""FilterExpression":"{filter}""#)), &["DSL-2003"]);
    }
    refused("ExportTableToPointInTime", &export(r#""KeyConditionExpression":"email = :v""#), &["DSL-2003", "email"]);
    refused("ExportTableToPointInTime", &export(r#""FilterExpression":"attribute_exists(tier)""#), &["unused", ":v"]);
}

#[test]
fn every_kind_of_index_is_judged_alike() {
    let keys = |name: &str| format!(r#""KeySchema":[{{"AttributeName":"{name}","KeyType":"HASH"}}]"#);
    let vector = |vector: &str, filter: &str| {
        format!(
            r#"{{"IndexName":"v","VectorAttribute":{{"AttributeName":"{vector}"}},"SearchSchema":[{{"AttributeName":"{filter}","SearchSchemaElementType":"INLINE_FILTER"}}],"Projection":{{"ProjectionType":"INCLUDE","NonKeyAttributes":["email"]}}}}"#
        )
    };
    let indexes = |name: &str| {
        let index = format!(r#"{{"IndexName":"x",{}}}"#, keys(name));
        [
            ("GlobalSecondary", index.clone()),
            ("LocalSecondary", index),
            ("Vector", vector(name, "tier")),
            ("Vector", vector("tier", name)),
        ]
    };
    for (name, is_refused) in [("email", true), ("tier", false), ("hits", false)] {
        for (kind, index) in indexes(name) {
            let judge = |operation: &str, body: String| {
                if is_refused {
                    refused(operation, &body, &["DSL-2003", "email", "Users"]);
                } else {
                    passes(operation, &body);
                }
            };
            let plural = format!("{kind}Indexes");
            let made = format!(r#""TableName":"Users",{},"{plural}":[{index}]"#, keys("id"));
            judge("CreateTable", format!("{{{made}}}"));
            judge(
                "ImportTable",
                format!(r#"{{"TableCreationParameters":{{{made}}}}}"#).replace("LocalSecondary", "GlobalSecondary"),
            );
            if kind != "LocalSecondary" {
                judge("UpdateTable", format!(r#"{{"TableName":"Users","{kind}IndexUpdates":[{{"Create":{index}}}]}}"#));
            }
            for (operation, from) in [
                ("RestoreTableToPointInTime", r#""SourceTableName":"Users","TargetTableName":"Copy""#),
                (
                    "RestoreTableToPointInTime",
                    r#""SourceTableArn":"arn:aws:dynamodb:r:1:table/Old","TargetTableName":"Users""#,
                ),
                (
                    "RestoreTableFromBackup",
                    r#""BackupArn":"arn:aws:dynamodb:r:1:table/Users/backup/1","TargetTableName":"Copy""#,
                ),
            ] {
                judge(operation, format!(r#"{{{from},"{kind}IndexOverride":[{index}]}}"#));
            }
        }
    }
    let other_key = format!(r#"{{"TableCreationParameters":{{"TableName":"Users",{}}}}}"#, keys("tier"));
    refused("ImportTable", &other_key, &["tier", "id"]);
}

#[test]
fn patterns_are_names_too() {
    let ring = RawAes::new("test", "key", &[7; 32]).unwrap();
    let actions = vec![("id".to_owned(), Action::SignOnly)];
    let spec = SchemaSpec { actions, default_action: Some(Action::EncryptAndSign), ..SchemaSpec::default() };
    let pattern = Pattern::new("prod-*".into(), spec, Provider::new(Arc::new(ring)), Plaintext::Forbid);
    let engine = Engine::new([], Arc::new(SystemClock)).with_patterns([pattern]);
    for body in
        [r#"{"T":"prod-Users"}"#, r#"{"x":["a PROD-users b"]}"#, r#"{"arn:aws:dynamodb:r:1:table/prod-x/index/y":0}"#]
    {
        let (sent, answer) = carry_out(&engine, dynamodb("SomethingNew", body));
        assert_eq!((sent.len(), answer.unwrap_err().code()), (0, "DSL-2002"), "{body}");
    }
    let (sent, answer) = carry_out(&engine, dynamodb("StartBulkPutItems", r#"{"TableName":"prod-Users"}"#));
    assert_eq!((sent.len(), answer.unwrap_err().code()), (0, "DSL-2003"));
    passes_call(&engine, dynamodb("SomethingNew", r#"{"T":"test-prod","x":"reprod-x"}"#));
    // A vector index of a table that is made now is judged as the pattern says.
    let body = r#"{"TableName":"prod-x","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],"VectorIndexes":[{"IndexName":"v","VectorAttribute":{"AttributeName":"embedding"}}]}"#;
    let (sent, answer) = carry_out(&engine, dynamodb("CreateTable", body));
    assert!(sent.is_empty() && answer.unwrap_err().to_string().contains("embedding"));
    // So is one of a table that is restored, without asking for a table that need not be there.
    let index = |attribute: &str| {
        [
            format!(
                r#""GlobalSecondaryIndexOverride":[{{"IndexName":"x","KeySchema":[{{"AttributeName":"{attribute}","KeyType":"HASH"}}]}}]"#
            ),
            format!(
                r#""LocalSecondaryIndexOverride":[{{"IndexName":"x","KeySchema":[{{"AttributeName":"id","KeyType":"HASH"}},{{"AttributeName":"{attribute}","KeyType":"RANGE"}}]}}]"#
            ),
            format!(
                r#""VectorIndexOverride":[{{"IndexName":"v","VectorAttribute":{{"AttributeName":"{attribute}"}}}}]"#
            ),
        ]
    };
    let backup = |table: &str| format!(r#""BackupArn":"arn:aws:dynamodb:r:1:table/{table}/backup/1""#);
    for (operation, from) in [
        ("RestoreTableFromBackup", format!(r#""TargetTableName":"prod-new",{}"#, backup("Old"))),
        ("RestoreTableFromBackup", format!(r#""TargetTableName":"Copy",{}"#, backup("prod-old"))),
        ("RestoreTableToPointInTime", r#""TargetTableName":"prod-new","SourceTableName":"Old""#.to_owned()),
        ("RestoreTableToPointInTime", r#""TargetTableName":"Copy","SourceTableName":"prod-old""#.to_owned()),
        (
            "RestoreTableToPointInTime",
            r#""TargetTableName":"Copy","SourceTableArn":"arn:aws:dynamodb:r:1:table/prod-old""#.to_owned(),
        ),
    ] {
        for (hidden, readable) in index("email").into_iter().zip(index("id")) {
            let (sent, answer) = carry_out(&engine, dynamodb(operation, &format!("{{{from},{hidden}}}")));
            let error = answer.unwrap_err();
            assert!(sent.is_empty() && error.code() == "DSL-2009" && error.to_string().contains("email"), "{error}");
            passes_call(&engine, dynamodb(operation, &format!("{{{from},{readable}}}")));
            let (sent, answer) = carry_out(&engine, dynamodb(operation, &format!("{{{from},{readable},\"New\":1}}")));
            assert!(sent.is_empty() && answer.unwrap_err().code() == "DSL-2003", "{operation}");
        }
    }
}

#[test]
fn an_answer_that_leads_away_is_not_asked_for() {
    let (sent, answer) = carry_out(&engine(), dynamodb("DescribeEndpoints", "{}"));
    let error = answer.unwrap_err();
    assert!(sent.is_empty() && error.code() == "DSL-2012" && error.hint().contains("endpoint discovery"), "{error}");
    passes_call(&Engine::new([], Arc::new(SystemClock)), dynamodb("DescribeEndpoints", "{}"));
}

#[test]
fn a_shard_is_read_from_a_time() {
    let body = r#"{"StreamArn":"arn:aws:dynamodb:r:1:table/Users/stream/x","ShardId":"s","ShardIteratorType":"AT_TIMESTAMP","Timestamp":1790000000.5}"#;
    let wire = Script::new(|_, _| (200, r#"{"ShardIterator":"AAAA"}"#.into()));
    let answer = ready(engine().call(&wire, streams("GetShardIterator", body))).unwrap();
    assert_eq!((wire.sent().as_str(), answer.status), (body, 200));
}
