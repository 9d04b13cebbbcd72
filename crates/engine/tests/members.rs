//! Nothing of a caller's reaches DynamoDB through a member that nobody looks at.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test helpers")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
#[path = "support/outcome.rs"]
mod outcome;
#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use dynaseal_engine::Plaintext;
use outcome::{hides, refused};
use support::{Script, dynamodb, engine, ready};

const MORE_KEY: &str = r#""Key":{"id":{"S":"1"},"ssn":{"S":"SECRET"}}"#;
const KEY: &str = r#""Key":{"id":{"S":"1"}}"#;
const NOT_KEY: &str = "The provided key element does not match the schema";

#[test]
fn a_key_holds_the_keys_of_the_table_alone() {
    let in_transaction = |action: &str, more: &str| {
        format!(r#"{{"TransactItems":[{{"{action}":{{"TableName":"Users",{MORE_KEY}{more}}}}}]}}"#)
    };
    let check = r#","ConditionExpression":"attribute_exists(id)""#;
    let here = r#","ConditionExpression":"email = :v","ExpressionAttributeValues":{":v":{"S":"x"}}"#;
    let update = r#","UpdateExpression":"REMOVE email""#;
    for (operation, body) in [
        ("GetItem", format!(r#"{{"TableName":"Users",{MORE_KEY}}}"#)),
        ("DeleteItem", format!(r#"{{"TableName":"Users",{MORE_KEY}}}"#)),
        ("DeleteItem", format!(r#"{{"TableName":"Users",{MORE_KEY}{here}}}"#)),
        ("UpdateItem", format!(r#"{{"TableName":"Users",{MORE_KEY}{update}}}"#)),
        ("UpdateItem", format!(r#"{{"TableName":"Users",{MORE_KEY},"UpdateExpression":"REMOVE hits"}}"#)),
        (
            "BatchGetItem",
            r#"{"RequestItems":{"Users":{"Keys":[{"id":{"S":"1"}},{"id":{"S":"1"},"ssn":{"S":"SECRET"}}]}}}"#.into(),
        ),
        ("BatchWriteItem", format!(r#"{{"RequestItems":{{"Users":[{{"DeleteRequest":{{{MORE_KEY}}}}}]}}}}"#)),
        ("TransactGetItems", in_transaction("Get", "")),
        ("TransactWriteItems", in_transaction("Delete", "")),
        ("TransactWriteItems", in_transaction("Delete", here)),
        ("TransactWriteItems", in_transaction("Update", update)),
        ("TransactWriteItems", in_transaction("ConditionCheck", check)),
        ("TransactWriteItems", in_transaction("ConditionCheck", here)),
    ] {
        refused(operation, &body, &[NOT_KEY, "ssn"]);
    }
    for key in [r#""SECRET""#, r#"["SECRET"]"#, r#"{"id":"SECRET"}"#] {
        refused("GetItem", &format!(r#"{{"TableName":"Users","Key":{key}}}"#), &["DSL-2001", "Key"]);
    }
    // DynamoDB has words for these.
    for (key, words) in [
        (r#"{"id":{"S":"1","M":{"SECRET":{"S":"x"}}}}"#, "more than one datatypes set"),
        (r#"{"id":{"S":null}}"#, "Supplied AttributeValue is empty"),
        (r#"{"id":{"NULL":false}}"#, "must have the value of true"),
    ] {
        refused("GetItem", &format!(r#"{{"TableName":"Users","Key":{key}}}"#), &[words]);
    }
}

#[test]
fn a_page_begins_at_keys_that_dynamodb_can_read() {
    let page = |more: &str| format!(r#"{{"TableName":"Users","ExclusiveStartKey":{{"id":{{"S":"1"}}{more}}}}}"#);
    let start = "The provided starting key is invalid";
    refused("Scan", &page(r#","ssn":{"S":"SECRET"}"#), &[start, "ssn"]);
    refused("Query", &page(r#","email":{"S":"SECRET"}"#), &[start, "email"]);
    refused("Scan", &page(r#","tier":{"S":"SECRET"}"#), &[start, "tier"]);
    let of_index = |more: &str| page(more).replacen('{', r#"{"IndexName":"by","#, 1);
    refused("Scan", &of_index(r#","tier":{"S":"x"},"email":{"S":"SECRET"}"#), &[start, "email"]);
    refused("Query", &of_index(r#","unlisted":{"S":"SECRET"}"#), &[start, "unlisted"]);
    refused("Scan", r#"{"TableName":"Users","ExclusiveStartKey":["SECRET"]}"#, &["DSL-2001", "ExclusiveStartKey"]);
    hides("Scan", &of_index(r#","tier":{"S":"x"},"hits":{"N":"1"}"#));
    hides("Query", &page(""));
}

#[test]
fn names_and_values_are_those_of_an_expression() {
    let values = r#""ExpressionAttributeValues":{":v":{"S":"SECRET"}}"#;
    let names = r##""ExpressionAttributeNames":{"#n":"SECRET"}"##;
    let item = r#""Item":{"id":{"S":"1"}}"#;
    let only = "can only be specified when using expressions";
    for (operation, target) in [
        ("PutItem", item),
        ("DeleteItem", KEY),
        ("UpdateItem", KEY),
        ("GetItem", KEY),
        ("Query", r#""Limit":1"#),
        ("Scan", r#""Limit":1"#),
    ] {
        refused(operation, &format!(r#"{{"TableName":"Users",{target},{names}}}"#), &[only]);
        if operation != "GetItem" {
            refused(operation, &format!(r#"{{"TableName":"Users",{target},{values}}}"#), &[only]);
        }
    }
    let legacy = r#""Expected":{"tier":{"Value":{"S":"x"}}}"#;
    refused("PutItem", &format!(r#"{{"TableName":"Users",{item},{legacy},{values}}}"#), &[only]);
    for (action, target) in [("Put", item), ("Delete", KEY), ("Update", KEY), ("ConditionCheck", KEY)] {
        let body = format!(r#"{{"TransactItems":[{{"{action}":{{"TableName":"Users",{target},{values}}}}}]}}"#);
        refused("TransactWriteItems", &body, &[only]);
    }
    refused(
        "TransactGetItems",
        &format!(r#"{{"TransactItems":[{{"Get":{{"TableName":"Users",{KEY},{names}}}}}]}}"#),
        &[only],
    );
    let keys = r#""Keys":[{"id":{"S":"1"}}]"#;
    refused("BatchGetItem", &format!(r#"{{"RequestItems":{{"Users":{{{keys},{names}}}}}}}"#), &[only]);

    let unused = "unused in expressions";
    let values = r#""ExpressionAttributeValues":{":t":{"S":"x"},":v":{"S":"SECRET"}}"#;
    for (operation, members) in [
        ("PutItem", format!(r#"{item},"ConditionExpression":"tier = :t""#)),
        ("DeleteItem", format!(r#"{KEY},"ConditionExpression":"tier = :t""#)),
        ("UpdateItem", format!(r#"{KEY},"UpdateExpression":"SET hits = :t""#)),
        ("Query", r#""KeyConditionExpression":"id = :t""#.into()),
        ("Query", r#""KeyConditionExpression":"id = :t","FilterExpression":"tier = :t""#.into()),
        ("Query", r#""KeyConditionExpression":"id = :t","FilterExpression":"email = :t""#.into()),
        ("Scan", r#""FilterExpression":"tier = :t""#.into()),
        ("Scan", r#""FilterExpression":"email = :t""#.into()),
    ] {
        refused(operation, &format!(r#"{{"TableName":"Users",{members},{values}}}"#), &[unused, ":v"]);
    }
    let names = r##""ExpressionAttributeNames":{"#t":"tier","#n":"SECRET"}"##;
    for (operation, members) in [
        ("GetItem", format!(r##"{KEY},"ProjectionExpression":"#t""##)),
        ("Scan", r##""ProjectionExpression":"#t""##.into()),
        ("Scan", r##""FilterExpression":"attribute_exists(#t)""##.into()),
    ] {
        refused(operation, &format!(r#"{{"TableName":"Users",{members},{names}}}"#), &[unused, "#n"]);
    }
    let projected = format!(r##"{keys},"ProjectionExpression":"#t",{names}"##);
    refused("BatchGetItem", &format!(r#"{{"RequestItems":{{"Users":{{{projected}}}}}}}"#), &[unused, "#n"]);
}

#[test]
fn values_that_are_compared_with_each_other_stay_here() {
    let values = r#""ExpressionAttributeValues":{":s":{"S":"SECRET"}}"#;
    for constant in [
        ":s = :s",
        "tier = :s OR :s = :s",
        "NOT :s <> :s",
        ":s IN (:s)",
        "begins_with(:s, :s)",
        ":s BETWEEN :s AND :s",
        "size(:s) = size(:s)",
        "contains(:s, :s)",
    ] {
        let condition = format!(r#""ConditionExpression":"{constant}",{values}"#);
        hides("PutItem", &format!(r#"{{"TableName":"Users","Item":{{"id":{{"S":"1"}}}},{condition}}}"#));
        hides("DeleteItem", &format!(r#"{{"TableName":"Users",{KEY},{condition}}}"#));
        hides("UpdateItem", &format!(r#"{{"TableName":"Users",{KEY},"UpdateExpression":"REMOVE hits",{condition}}}"#));
        let check = format!(r#"{{"TransactItems":[{{"ConditionCheck":{{"TableName":"Users",{KEY},{condition}}}}}]}}"#);
        hides("TransactWriteItems", &check);
        let filter = format!(r#""FilterExpression":"{constant}",{values}"#);
        hides("Scan", &format!(r#"{{"TableName":"Users",{filter}}}"#));
    }
    let body = format!(r#"{{"TableName":"Users","KeyConditionExpression":":s = :s",{values}}}"#);
    refused("Query", &body, &["Invalid KeyConditionExpression"]);
}

#[test]
fn a_request_on_items_says_which_table_it_is_about() {
    let item = r#""Item":{"id":{"S":"1"},"email":{"S":"SECRET"}}"#;
    let null = "failed to satisfy constraint: Member must not be null";
    for table in ["", r#""TableName":null,"#] {
        for (operation, members) in [
            ("PutItem", item),
            ("GetItem", KEY),
            ("DeleteItem", KEY),
            ("UpdateItem", KEY),
            ("Query", r#""Limit":1"#),
            ("Scan", r#""Limit":1"#),
        ] {
            refused(operation, &format!("{{{table}{members}}}"), &["'tableName'", null]);
        }
        let put = format!(r#"{{"TransactItems":[{{"Delete":{{"TableName":"Other"}}}},{{"Put":{{{table}{item}}}}}]}}"#);
        refused("TransactWriteItems", &put, &["'transactItems.2.member.put.tableName'", null]);
    }
    refused("PutItem", &format!(r#"{{"TableName":7,{item}}}"#), &["DSL-2001"]);
    for name in [
        "",
        " Users",
        "Users ",
        "Users/x",
        "x:Users",
        "Us ers",
        "Users\\n",
        "\u{feff}Users",
        "ARN:aws:dynamodb:r:1:TABLE/Users",
    ] {
        refused("PutItem", &format!(r#"{{"TableName":"{name}",{item}}}"#), &["ValidationException", "constraint"]);
        let batch = format!(r#"{{"RequestItems":{{"{name}":[{{"PutRequest":{{{item}}}}}]}}}}"#);
        refused("BatchWriteItem", &batch, &["constraint"]);
        refused(
            "TransactWriteItems",
            &format!(r#"{{"TransactItems":[{{"Put":{{"TableName":"{name}",{item}}}}}]}}"#),
            &["constraint"],
        );
    }
    refused("PutItem", &format!(r#"{{"tablename":"Users",{item}}}"#), &["tableName"]);
    refused(
        "PutItem",
        &format!(r#"{{"TableName":"Other","tablename":"users",{item}}}"#),
        &["DSL-2003", "tablename", "Users"],
    );
    for (operation, member) in [
        ("BatchWriteItem", "requestItems"),
        ("BatchGetItem", "requestItems"),
        ("TransactWriteItems", "transactItems"),
        ("ExecuteStatement", "statement"),
        ("BatchExecuteStatement", "statements"),
        ("ExecuteTransaction", "transactStatements"),
    ] {
        for body in [format!(r#"{{"{member}":"SECRET"}}"#), format!(r#"{{"{member}":{{"Users":["SECRET"]}}}}"#)] {
            refused(operation, &body, &[member, null]);
        }
    }
    for body in ["Users", r#"{"T":"\u0055sers""#, r#"["users","#] {
        refused("SomethingNew", body, &["DSL-2001"]);
        refused("ListTables", body, &["DSL-2001"]);
    }
    refused("ExecuteStatement", r#"{"Statement":null,"Parameters":[{"S":"SECRET"}]}"#, &["'statement'", null]);
    refused("BatchExecuteStatement", r#"{"Statements":[{"Parameters":[{"S":"SECRET"}]}]}"#, &["'statement'", null]);
}

#[test]
fn members_that_nobody_knows_are_refused_at_every_depth() {
    let new = r#""New":{"S":"SECRET"}"#;
    for (operation, body) in [
        ("BatchWriteItem", format!(r#"{{"RequestItems":{{"Users":[{{"DeleteRequest":{{{KEY},{new}}}}}]}}}}"#)),
        (
            "BatchWriteItem",
            format!(r#"{{"RequestItems":{{"Users":[{{"PutRequest":{{"Item":{{"id":{{"S":"1"}}}},{new}}}}}]}}}}"#),
        ),
        ("BatchWriteItem", format!(r#"{{"RequestItems":{{"Users":[{{"DeleteRequest":{{{KEY}}},{new}}}]}}}}"#)),
        (
            "BatchWriteItem",
            format!(
                r#"{{"RequestItems":{{"Users":[{{"DeleteRequest":{{{KEY}}}}}],"Other":[{{"DeleteRequest":{{{KEY},{new}}}}}]}}}}"#
            ),
        ),
        ("BatchGetItem", format!(r#"{{"RequestItems":{{"Users":{{"Keys":[{{"id":{{"S":"1"}}}}],{new}}}}}}}"#)),
        (
            "BatchGetItem",
            format!(
                r#"{{"RequestItems":{{"Users":{{"Keys":[{{"id":{{"S":"1"}}}}]}},"Other":{{"Keys":[{{"id":{{"S":"1"}}}}],{new}}}}}}}"#
            ),
        ),
        ("TransactWriteItems", format!(r#"{{"TransactItems":[{{"Delete":{{"TableName":"Users",{KEY},{new}}}}}]}}"#)),
        (
            "TransactWriteItems",
            format!(
                r#"{{"TransactItems":[{{"Delete":{{"TableName":"Users",{KEY}}}}},{{"Delete":{{"TableName":"Other",{new}}}}}]}}"#
            ),
        ),
        ("TransactGetItems", format!(r#"{{"TransactItems":[{{"Get":{{"TableName":"Users",{KEY},{new}}}}}]}}"#)),
        ("PutItem", format!(r#"{{"TableName":"Other","Copies":[{{"TableName":"Users",{new}}}]}}"#)),
        (
            "PutItem",
            format!(r#"{{"TableName":"Other","Expected":{{"a":{{"Value":{{"S":"x"}},"In":"USERS",{new}}}}}}}"#),
        ),
        ("DescribeTable", format!(r#"{{"TableName":"Users",{new}}}"#)),
        (
            "TagResource",
            format!(r#"{{"ResourceArn":"arn:aws:dynamodb:r:1:table/Users","Tags":[{{"Key":"a","Value":"b",{new}}}]}}"#),
        ),
        (
            "UpdateTable",
            format!(
                r#"{{"TableName":"Users","GlobalSecondaryIndexUpdates":[{{"Create":{{"IndexName":"x",{new}}}}}]}}"#
            ),
        ),
        ("CreateTable", format!(r#"{{"TableName":"Users","VectorIndexes":[{{"IndexName":"x",{new}}}]}}"#)),
        ("ExportTableToPointInTime", format!(r#"{{"TableArn":"arn:aws:dynamodb:r:1:table/Users",{new}}}"#)),
        ("ListTables", r#"{"New":"{\"table\":\"\\u0055sers\"}"}"#.into()),
        ("SomethingNew", r#"{"Anything":[{"arn:aws:dynamodb:r:1:table/USERS":1}]}"#.into()),
    ] {
        refused(operation, &body, &["DSL-200"]);
    }
    let condition = r#"{"id":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"1"}],"Value":{"S":"SECRET"}}}"#;
    for (operation, member) in [("Query", "KeyConditions"), ("Query", "QueryFilter"), ("Scan", "ScanFilter")] {
        refused(operation, &format!(r#"{{"TableName":"Users","{member}":{condition}}}"#), &["DSL-2003", "Value"]);
    }
    for settings in [r#""ReturnValues":{"S":"SECRET"}"#, r#""ReturnConsumedCapacity":["SECRET"]"#] {
        refused(
            "PutItem",
            &format!(r#"{{"TableName":"Users","Item":{{"id":{{"S":"1"}}}},{settings}}}"#),
            &["DSL-2001"],
        );
    }
    let both = format!(
        r#"{{"RequestItems":{{"Users":[{{"DeleteRequest":{{{KEY}}},"PutRequest":{{"Item":{{"id":{{"S":"1"}}}}}}}}]}}}}"#
    );
    refused("BatchWriteItem", &both, &["more than one datatypes set"]);
}

#[test]
fn names_of_the_format_are_refused_where_they_stand() {
    let item = r#"{"id":{"S":"1"},"aws_dbe_b_email":{"S":"SECRET"}}"#;
    let names = &["DSL-1001", "aws_dbe_b_email"];
    refused("PutItem", &format!(r#"{{"TableName":"Users","Item":{item}}}"#), names);
    let condition = r#""ConditionExpression":"NOT email = :v","ExpressionAttributeValues":{":v":{"S":"x"}}"#;
    refused(
        "BatchWriteItem",
        &format!(r#"{{"RequestItems":{{"Users":[{{"PutRequest":{{"Item":{item}}}}}]}}}}"#),
        names,
    );
    refused(
        "TransactWriteItems",
        &format!(r#"{{"TransactItems":[{{"Put":{{"TableName":"Users","Item":{item}}}}}]}}"#),
        names,
    );
    let wire = Script::new(|_, _| (200, "{}".into()));
    for plaintext in [Plaintext::Forbid, Plaintext::Read, Plaintext::Write] {
        for condition in [String::new(), format!(",{condition}")] {
            let body = format!(r#"{{"TableName":"Users","Item":{item}{condition}}}"#);
            let error = ready(support::engine_with(plaintext).call(&wire, dynamodb("PutItem", &body))).unwrap_err();
            assert_eq!(error.code(), "DSL-1001", "{error}");
        }
    }
    assert!(wire.calls.lock().unwrap().iter().all(|(operation, _)| operation == "GetItem"));
    let near = ready(engine().seal_item(&wire, "Usres", item)).unwrap_err().to_string();
    assert!(near.ends_with("the configuration has no such table (did you mean \"Users\"?)"), "{near}");
    let sealed = ready(engine().seal_item(&wire, "Users", item)).unwrap_err();
    assert_eq!(sealed.code(), "DSL-1001");
    // The member that names it is told, and no other.
    let update = r#""UpdateExpression":"SET aws_dbe_x = :v","ExpressionAttributeValues":{":v":{"S":"SECRET"}}"#;
    refused(
        "UpdateItem",
        &format!(r#"{{"TableName":"Users",{KEY},{update}}}"#),
        &["UpdateExpression touches \"aws_dbe_x\""],
    );
    let legacy = r#""AttributeUpdates":{"aws_dbe_x":{"Action":"PUT","Value":{"S":"SECRET"}}}"#;
    refused("UpdateItem", &format!(r#"{{"TableName":"Users",{KEY},{legacy}}}"#), &["AttributeUpdates touches"]);
    let expected = r#""Expected":{"aws_dbe_x":{"Value":{"S":"SECRET"}}}"#;
    refused("DeleteItem", &format!(r#"{{"TableName":"Users",{KEY},{expected}}}"#), &["Expected touches"]);
}
