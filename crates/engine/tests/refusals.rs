//! What is refused on a protected table, and that nothing was sent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test helpers")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use dynaseal_engine::Error;
use support::{Script, dynamodb, engine, ready};

/// The refusal of a call, which must name `names` and never reach the wire.
fn refusal(operation: &str, body: &str, names: &[&str]) -> Error {
    let wire = Script::new(|_, _| (200, "{}".into()));
    let error = ready(engine().call(&wire, dynamodb(operation, body))).expect_err(body);
    assert_eq!(wire.count(), 0, "{operation} was sent: {body}");
    let text = error.to_string();
    for name in names {
        assert!(text.contains(name), "{text} does not name {name}");
    }
    assert!(!text.contains("SECRET"), "{text}");
    assert!(!error.hint().is_empty());
    error
}

/// Names that no expression may use, wherever it is worked out.
const NEVER: [&str; 2] = ["unlisted = :v", "aws_dbe_head = :v"];

#[test]
fn names_that_no_expression_may_use() {
    for condition in NEVER {
        let name = condition.split(' ').next().unwrap();
        let condition = tail("ConditionExpression", condition);
        for (operation, target) in [("PutItem", ITEM), ("DeleteItem", KEY), ("UpdateItem", KEY)] {
            refusal(operation, &format!(r#"{{"TableName":"Users",{target},{condition}}}"#), &[name]);
        }
    }
    for expression in
        ["SET aws_dbe_foot = :v", "SET unlisted = :v", "SET email = unlisted, hits = :v", "REMOVE aws_dbe_b_email"]
    {
        let update = tail("UpdateExpression", expression);
        refusal("UpdateItem", &format!(r#"{{"TableName":"Users",{KEY},{update}}}"#), &["UpdateExpression touches"]);
    }
    for condition in NEVER {
        let tail = tail("ConditionExpression", condition);
        for (action, target) in [("Put", ITEM), ("Delete", KEY), ("ConditionCheck", KEY)] {
            let body = format!(r#"{{"TransactItems":[{{"{action}":{{"TableName":"Users",{target},{tail}}}}}]}}"#);
            refusal("TransactWriteItems", &body, &["ConditionExpression", "Users"]);
        }
    }
    for filter in NEVER {
        let filter = tail("FilterExpression", filter);
        refusal("Scan", &format!(r#"{{"TableName":"Users",{filter}}}"#), &["FilterExpression"]);
    }
}

#[test]
fn key_conditions_and_legacy_parameters_on_encrypted_attributes() {
    let body = format!(r#"{{"TableName":"Users",{}}}"#, tail("KeyConditionExpression", "email = :v"));
    refusal("Query", &body, &["KeyConditionExpression", "\"email\""]);
    let legacy = r#"{"email":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"SECRET"}]}}"#;
    let body = format!(r#"{{"TableName":"Users","KeyConditions":{legacy}}}"#);
    refusal("Query", &body, &["KeyConditions", "\"email\""]);
    for (operation, member, name) in [("PutItem", "Expected", "unlisted"), ("Scan", "ScanFilter", "aws_dbe_b_email")] {
        let legacy = legacy.replace("email", name);
        refusal(operation, &format!(r#"{{"TableName":"Users","{member}":{legacy}}}"#), &[name]);
    }
    let legacy = r#"{"TableName":"Users","Key":{"id":{"S":"1"}},"AttributeUpdates":{"unlisted":{"Action":"DELETE"}}}"#;
    refusal("UpdateItem", legacy, &["unlisted"]);
}

/// DynamoDB would refuse such a write, and would see what an encrypted attribute is compared with.
#[test]
fn writes_without_a_target_whose_condition_reads_encrypted_attributes() {
    let condition = tail("ConditionExpression", "email = :v");
    let legacy = r#""Expected":{"email":{"Value":{"S":"SECRET"}}}"#;
    for (operation, target) in [("PutItem", "Item"), ("DeleteItem", "Key"), ("UpdateItem", "Key")] {
        for nothing in [String::new(), format!(r#""{target}":null,"#)] {
            for condition in [&condition, legacy] {
                refusal(operation, &format!(r#"{{"TableName":"Users",{nothing}{condition}}}"#), &[operation, target]);
            }
        }
    }
    for (action, target) in [("Put", "Item"), ("Delete", "Key"), ("ConditionCheck", "Key"), ("Update", "Key")] {
        let body = format!(r#"{{"TransactItems":[{{"{action}":{{"TableName":"Users",{condition}}}}}]}}"#);
        refusal("TransactWriteItems", &body, &["TransactWriteItems", target]);
    }
}

#[test]
fn updates_that_would_leave_something_unsealed() {
    let update = tail("UpdateExpression", "SET aws_dbe_foot = :v");
    let body = format!(r#"{{"TransactItems":[{{"Update":{{"TableName":"Users",{KEY},{update}}}}}]}}"#);
    refusal("TransactWriteItems", &body, &["aws_dbe_foot"]);
}

const ITEM: &str = r#""Item":{"id":{"S":"1"}}"#;
const KEY: &str = r#""Key":{"id":{"S":"1"}}"#;

/// An expression with the placeholders that it uses.
fn tail(member: &str, expression: &str) -> String {
    let names = if expression.contains("#e") { r##","ExpressionAttributeNames":{"#e":"email"}"## } else { "" };
    let value = |name: &str| format!(r#""{name}":{{"S":"SECRET"}}"#);
    let values: Vec<_> = [":v", ":p"].into_iter().filter(|name| expression.contains(*name)).map(value).collect();
    let values = values.join(",");
    let values = if values.is_empty() { values } else { format!(r#","ExpressionAttributeValues":{{{values}}}"#) };
    format!(r#""{member}":"{expression}"{names}{values}"#)
}

/// Statements that cannot be read, or say what no call does, and what the refusal names besides the table.
const STATEMENTS: [(&str, &str); 16] = [
    ("SELECT 1 WHERE EXISTS(SELECT * FROM Users)", "byte 7"),
    ("SELECT * FROM Other WHERE EXISTS(SELECT * FROM Users)", "byte 26"),
    ("SELECT * FROM Other -- '\\n, Users -- '", "byte 20"),
    ("SELECT * FROM Users, Other", "byte 19"),
    ("SELECT * FROM Users AS u", "byte 20"),
    ("SELECT id AS x FROM Users", "byte 10"),
    ("SELECT COUNT(*) FROM Users", "byte 12"),
    ("SELECT * FROM Users LIMIT 1", "byte 20"),
    ("SELECT * FROM Users WHERE email LIKE 'SECRET'", "byte 32"),
    ("SELECT * FROM Users WHERE id IN (SELECT id FROM Other)", "byte 33"),
    ("SELECT * FROM Users; SELECT * FROM Other", "byte 21"),
    ("INSERT INTO Users VALUE {'id': '1', 'email': `SECRET`}", "byte 45"),
    ("INSERT INTO Users VALUE {'id': '1', 'id': 'SECRET'}", "each name once"),
    ("INSERT INTO Other VALUE {'id': 'Users'", "byte 38"),
    (r#"UPDATE \"users\" SET email = 'SECRET' WHERE id = '1'"#, "capital letters"),
    ("EXISTS(SELECT * FROM Users WHERE id = '1')", "transaction"),
];

#[test]
fn statements_that_cannot_be_told() {
    for (statement, names) in STATEMENTS {
        let one = format!(r#"{{"Statement":"{statement}"}}"#);
        refusal("ExecuteStatement", &one, &["ExecuteStatement", "Users", names]);
        // Those that can be read are each answered by themselves in a batch.
        if !statement.starts_with("EXISTS") {
            refusal("BatchExecuteStatement", &format!(r#"{{"Statements":[{one}]}}"#), &["Users", names]);
            refusal("ExecuteTransaction", &format!(r#"{{"TransactStatements":[{one}]}}"#), &["Users", names]);
        }
    }
    let long = format!(r#"{{"Statement":"SELECT * FROM Users WHERE email = '{}'"}}"#, "x".repeat(8192));
    refusal("ExecuteStatement", &long, &["byte 8192"]);
    let unread =
        r#"{"TransactStatements":[{"Statement":"DELETE FROM Users WHERE id = '1'"},{"Statement":"DROP TABLE Other"}]}"#;
    refusal("ExecuteTransaction", unread, &["Users", "byte 0"]);
}

#[test]
fn statements_that_say_what_their_call_may_not() {
    for (statement, names) in [
        ("SELECT * FROM Users WHERE id = '1' AND unlisted = 'SECRET'", "unlisted"),
        ("SELECT * FROM Users WHERE aws_dbe_head = 'SECRET'", "aws_dbe_head"),
        ("UPDATE Users SET aws_dbe_foot = 'SECRET' WHERE id = '1'", "aws_dbe_foot"),
        ("INSERT INTO Users VALUE {'id': '1', 'unlisted': 'SECRET'}", "unlisted"),
    ] {
        let one = format!(r#"{{"Statement":"{statement}"}}"#);
        refusal("ExecuteStatement", &one, &["ExecuteStatement as ", "Users", names]);
        if !statement.starts_with("SELECT") {
            let names = &["ExecuteTransaction as TransactWriteItems", "Users", names];
            refusal("ExecuteTransaction", &format!(r#"{{"TransactStatements":[{one}]}}"#), names);
        }
    }
    let one = r#""Statement":"SELECT * FROM Users WHERE id = '1'""#;
    for unknown in [r#""New":"SECRET""#, r#""Parameters":[{"S":7}]"#] {
        refusal("ExecuteStatement", &format!("{{{one},{unknown}}}"), &["Users"]);
        refusal("BatchExecuteStatement", &format!(r#"{{"Statements":[{{{one},{unknown}}}]}}"#), &["Users"]);
        refusal("ExecuteTransaction", &format!(r#"{{"TransactStatements":[{{{one},{unknown}}}]}}"#), &["Users"]);
    }
    let other = r#"{"Statement":"DELETE FROM Other WHERE id = '1'","New":"SECRET"}"#;
    refusal("ExecuteTransaction", &format!(r#"{{"TransactStatements":[{{{one}}},{other}]}}"#), &["New"]);
    let many = vec![format!("{{{one}}}"); 26].join(",");
    // In DynamoDB's own words.
    let wire = Script::new(|_, _| (200, "{}".into()));
    let many = dynamodb("BatchExecuteStatement", &format!(r#"{{"Statements":[{many}]}}"#));
    let answer = ready(engine().call(&wire, many)).unwrap();
    let text = String::from_utf8(answer.body).unwrap();
    assert!(answer.status == 400 && text.contains("less than or equal to 25"), "{text}");
    assert_eq!(wire.count(), 0);
}

#[test]
fn operations_that_are_not_known() {
    let unknown = refusal("SomethingNew", r#"{"TableName":"Users"}"#, &["SomethingNew"]);
    assert_eq!(unknown.code(), "DSL-2002");
    let body = r#"{"TableName":"Users","Item":{"id":{"S":"1"}},"NewParameter":"SECRET"}"#;
    refusal("PutItem", body, &["NewParameter"]);
    let upsert = r#"{"TransactItems":[{"Upsert":{"TableName":"Users"}},{"Delete":{"TableName":"Users"}}]}"#;
    refusal("TransactWriteItems", upsert, &["Upsert"]);
    refusal("TransactWriteItems", r#"{"TransactItems":[{"Upsert":{"TableName":"Users"}}]}"#, &["Upsert"]);
}

#[test]
fn two_readings_of_one_request() {
    refusal("PutItem", r#"{"TableName":"Other","TableName":"Users","Item":{"id":{"S":"SECRET"}}}"#, &["stands twice"]);
    let batch = r#"{"RequestItems":{"Users":[],"arn:aws:dynamodb:eu-west-1:111122223333:table/Users":[]}}"#;
    refusal("BatchWriteItem", batch, &["stands twice"]);
    refusal(
        "PutItem",
        r#"{"TableName":"Users","Item":{"id":{"S":"1"},"email":{"S":"SECRET"},"email":{"S":""}}}"#,
        &["twice"],
    );
    refusal("GetItem", "not json SECRET", &["GetItem", "not JSON"]);
    let arn = r#"{"TableName":"arn:aws:dynamodb:eu-west-1:111122223333:table/Users","Item":{"id":{"S":"1"},"x":{"S":"SECRET"}}}"#;
    assert_eq!(refusal("PutItem", arn, &["\"x\""]).code(), "DSL-1002");
}

#[test]
fn parameters_from_before_expressions_beside_expressions_in_dynamodb_s_words() {
    for (operation, members, legacy, expressions) in [
        (
            "GetItem",
            r#"KEY,"AttributesToGet":["email"],"ProjectionExpression":"tier""#,
            "AttributesToGet",
            "ProjectionExpression",
        ),
        (
            "Query",
            r#""AttributesToGet":["email"],"KeyConditionExpression":"id = :v","FilterExpression":"email = :v""#,
            "AttributesToGet",
            "FilterExpression, KeyConditionExpression",
        ),
        (
            "UpdateItem",
            r#"KEY,"Expected":{},"AttributeUpdates":{},"ConditionalOperator":"OR","UpdateExpression":"REMOVE email""#,
            "AttributeUpdates, Expected, ConditionalOperator",
            "UpdateExpression",
        ),
        (
            "BatchGetItem",
            r#""RequestItems":{"Users":{KEYS,"AttributesToGet":["email"]},"Other":{KEYS,"ProjectionExpression":"k"}}"#,
            "AttributesToGet",
            "ProjectionExpression",
        ),
    ] {
        let members = members.replace("KEYS", r#""Keys":[{"id":{"S":"1"}}]"#).replace("KEY", KEY);
        let table = if operation == "BatchGetItem" { "" } else { r#""TableName":"Users","# };
        let wire = Script::new(|_, _| (200, "{}".into()));
        let answer = ready(engine().call(&wire, dynamodb(operation, &format!("{{{table}{members}}}")))).unwrap();
        let (count, answer) = (wire.count(), String::from_utf8(answer.body).unwrap());
        let text = format!(
            "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: \
             {{{legacy}}} Expression parameters: {{{expressions}}}"
        );
        assert!(count == 0 && answer.contains(&text), "{operation}: {answer}");
    }
}

#[test]
fn of_two_faults_that_of_the_condition_is_told() {
    let operator = r#""Expected":{"email":{"Exists":false}},"ConditionalOperator":"OR""#;
    let updates = r#""AttributeUpdates":{"email":{"Action":"ADD","Value":{"BOOL":true}}}"#;
    let wire = Script::new(|_, _| (200, "{}".into()));
    let body = format!(r#"{{"TableName":"Users",{KEY},{operator},{updates}}}"#);
    let answer = ready(engine().call(&wire, dynamodb("UpdateItem", &body))).unwrap();
    assert!(String::from_utf8(answer.body).unwrap().contains("ConditionalOperator can only be used"));
}

#[test]
fn items_that_do_not_fit() {
    let put = |item: &str| format!(r#"{{"TableName":"Users","Item":{item}}}"#);
    assert_eq!(refusal("PutItem", &put(r#"{"email":{"S":"SECRET"}}"#), &["\"id\""]).code(), "DSL-1003");
    assert_eq!(
        refusal("PutItem", &put(r#"{"id":{"S":"1"},"aws_dbe_head":{"B":""}}"#), &["aws_dbe_head"]).code(),
        "DSL-1001"
    );
    // What DynamoDB would refuse by itself, it would have refused in these words.
    let long = |name: &str, length: usize| format!(r#"{{"id":{{"S":"1"}},"{name}":{{"S":"{}"}}}}"#, "x".repeat(length));
    for (item, words) in [
        (r#"{"id":{"S":"1"},"email":{"N":"1e200"}}"#.to_owned(), "Number overflow"),
        (r#"{"id":{"S":"1"},"email":{"N":"SECRET"}}"#.to_owned(), "cannot be converted to a numeric value"),
        (r#"{"id":{"S":"1"},"email":{"B":null}}"#.to_owned(), "is empty, must contain exactly one"),
        (r#"{"id":{"S":"1"},"email":{"B":null}}"#.to_owned(), "email"),
        (
            long("id", 2049).replacen(r#""id":{"S":"1"},"#, "", 1),
            "Size of hashkey has exceeded the maximum size limit of2048",
        ),
        (
            long("id", 70_000).replacen(r#""id":{"S":"1"},"#, "", 1),
            "Size of hashkey has exceeded the maximum size limit of2048",
        ),
    ] {
        let transaction = format!(r#"{{"TransactItems":[{{"Put":{{"TableName":"Users","Item":{item}}}}}]}}"#);
        let batch = format!(r#"{{"RequestItems":{{"Users":[{{"PutRequest":{{"Item":{item}}}}}]}}}}"#);
        let mut calls = vec![("PutItem", put(&item)), ("BatchWriteItem", batch)];
        // Of a transaction it is a reason; see below.
        calls.extend((!words.contains("hashkey")).then_some(("TransactWriteItems", transaction)));
        for (operation, body) in calls {
            let wire = Script::new(|_, _| (200, "{}".into()));
            let answer = ready(engine().call(&wire, dynamodb(operation, &body))).unwrap();
            let text = String::from_utf8(answer.body).unwrap();
            assert!(answer.status == 400 && text.contains(words) && !text.contains("SECRET"), "{operation}: {text}");
            assert_eq!(wire.count(), 0, "{operation} was sent");
        }
    }
    let large = put(&format!(r#"{{"id":{{"S":"1"}},"email":{{"S":"{}"}}}}"#, "x".repeat(409_600)));
    let error = refusal("PutItem", &large, &["409600"]);
    assert!(matches!(error, Error::ItemTooLarge { size, over, .. } if size == over + 409_600 && over > 100), "{error}");
}

/// A transaction tells a key that is too long as the reason of its action, which DynamoDB alone can say with all others: it is
/// sent the key, on a condition that cannot hold, and nothing else of the item.
#[test]
fn a_transaction_whose_key_is_too_long_is_cancelled_by_dynamodb() {
    let put = |more: &str| {
        let long = "k".repeat(2049);
        format!(
            r#"{{"Put":{{"TableName":"Users","Item":{{"id":{{"S":"{long}"}},"email":{{"S":"SECRET"}},"hits":{{"N":"1"}}}}{more}}}}}"#
        )
    };
    let fine = r#"{"Put":{"TableName":"Users","Item":{"id":{"S":"1"},"email":{"S":"SECRET"}}}}"#;
    let encrypted = tail("ConditionExpression", "email = :v");
    let plain = tail("ConditionExpression", "hits = :v").replace("SECRET", "x");
    for more in [String::new(), format!(",{encrypted}"), format!(",{plain}")] {
        let wire = Script::new(|operation, _| {
            assert_eq!(operation, "TransactWriteItems");
            let reasons = r#"[{"Code":"ValidationError","Message":"too long"},{"Code":"None"}]"#;
            let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
            (
                400,
                format!(
                    r#"{{"__type":"{kind}","message":"m [ValidationError, None]","CancellationReasons":{reasons}}}"#
                ),
            )
        });
        let body = format!(r#"{{"TransactItems":[{},{fine}]}}"#, put(&more));
        let answer = ready(engine().call(&wire, dynamodb("TransactWriteItems", &body))).unwrap();
        let (sent, answer) = (wire.sent(), String::from_utf8(answer.body).unwrap());
        assert_eq!(wire.count(), 1, "{sent}");
        let sent: serde_json::Value = serde_json::from_str(&sent).unwrap();
        let part = &sent["TransactItems"][0]["Put"];
        assert_eq!(part["Item"].as_object().unwrap().keys().collect::<Vec<_>>(), ["id"]);
        assert_eq!(part["ConditionExpression"], "attribute_exists(#k) AND attribute_not_exists(#k)");
        assert!(part.get("ExpressionAttributeValues").is_none(), "{part}");
        assert!(
            !sent.to_string().contains("SECRET") && sent["TransactItems"][1]["Put"]["Item"]["aws_dbe_head"].is_object()
        );
        assert!(answer.contains("too long") && answer.contains("TransactionCanceledException"), "{answer}");
    }
}

#[test]
fn keys_that_dynamodb_could_not_read() {
    let definitions =
        |name: &str| format!(r#""AttributeDefinitions":[{{"AttributeName":"{name}","AttributeType":"S"}}]"#);
    let keys = r#""KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]"#;
    refusal("CreateTable", &format!(r#"{{"TableName":"Users",{},{keys}}}"#, definitions("email")), &["\"email\""]);
    refusal("UpdateTable", &format!(r#"{{"TableName":"Users",{}}}"#, definitions("email")), &["\"email\""]);
    let other = r#""KeySchema":[{"AttributeName":"tier","KeyType":"HASH"}]"#;
    refusal("CreateTable", &format!(r#"{{"TableName":"Users",{},{other}}}"#, definitions("tier")), &["tier", "id"]);
    let ttl = r#"{"TableName":"Users","TimeToLiveSpecification":{"AttributeName":"email","Enabled":true}}"#;
    refusal("UpdateTimeToLive", ttl, &["\"email\""]);
}
