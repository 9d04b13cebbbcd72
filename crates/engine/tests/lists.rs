//! Lists of a request that are too long or empty: refused in DynamoDB's words before anything is sent, since its refusal would
//! show all that it was sent, the sealed items among them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test helpers")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use serde_json::{Value, json};
use support::{Script, dynamodb, engine, ready};

/// What a call is answered with that must not be sent.
fn refused(operation: &str, body: &Value) -> String {
    let wire = Script::new(|_, _| (200, "{}".into()));
    let answer = ready(engine().call(&wire, dynamodb(operation, &body.to_string())));
    let answer = answer.unwrap_or_else(|error| panic!("{operation} {body}: {error}"));
    assert_eq!((wire.count(), answer.status), (0, 400), "{operation} {body}");
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer["__type"], "com.amazon.coral.validate#ValidationException");
    let message = answer["message"].as_str().unwrap().to_owned();
    assert!(!message.contains("SECRET") && !message.contains("aws_dbe"), "{message}");
    message
}

/// How often it is sent.
fn sent(operation: &str, body: &Value) -> usize {
    let wire = Script::new(|_, _| (200, "{}".into()));
    let _ = ready(engine().call(&wire, dynamodb(operation, &body.to_string())));
    wire.count()
}

fn item(number: usize) -> Value {
    json!({"id": {"S": format!("SECRET-{number}")}, "email": {"S": "SECRET"}})
}

fn puts(count: usize) -> Value {
    (0..count).map(|number| json!({"PutRequest": {"Item": item(number)}})).collect()
}

fn keys(count: usize) -> Value {
    json!({"Keys": (0..count).map(|number| json!({"id": {"S": format!("SECRET-{number}")}})).collect::<Value>()})
}

const ARN: &str = "arn:aws:dynamodb:eu-west-1:111122223333:table/Users";

#[test]
fn a_batch_of_writes() {
    let words = |shown: &str| {
        format!(
            "1 validation error detected: Value '{shown}' at 'requestItems' failed to satisfy constraint: Map value must \
             satisfy constraint: [Member must have length less than or equal to 25, Member must have length greater than or \
             equal to 1]"
        )
    };
    let all = "[(redacted)]";
    let delete = json!([{"DeleteRequest": {"Key": {"id": {"S": "SECRET"}}}}]);
    for (tables, shown) in [
        (json!({"Users": puts(26)}), format!("{{Users={all}}}")),
        (json!({"Users": puts(60)}), format!("{{Users={all}}}")),
        (json!({ARN: puts(26)}), format!("{{{ARN}={all}}}")),
        (json!({"Users": []}), "{Users=[]}".to_owned()),
        (json!({"Other": puts(13), "Users": puts(13)}), format!("{{Other={all}, Users={all}}}")),
        (json!({"Users": puts(13), "Zoo": puts(13)}), format!("{{Users={all}, Zoo={all}}}")),
        // What another table's list lacks would show this one's items, sealed.
        (json!({"Users": puts(1), "Zoo": []}), format!("{{Users={all}, Zoo=[]}}")),
        (json!({"Other": [], "Users": delete}), format!("{{Other=[], Users={all}}}")),
        (json!({"Other": puts(26), "Users": puts(1)}), format!("{{Other={all}, Users={all}}}")),
    ] {
        assert_eq!(refused("BatchWriteItem", &json!({ "RequestItems": tables })), words(&shown));
    }
    let many: serde_json::Map<_, _> = (0..26).map(|number| (format!("Table{number}"), puts(1))).collect();
    let mut many = json!({ "RequestItems": many });
    many["RequestItems"]["Users"] = puts(1);
    assert!(refused("BatchWriteItem", &many).contains("less than or equal to 25, "));
    for fits in [json!({"Users": puts(25)}), json!({"Other": puts(12), "Users": puts(13)})] {
        assert_eq!(sent("BatchWriteItem", &json!({ "RequestItems": fits })), 1);
    }
    // Of other tables alone DynamoDB judges.
    for others in [json!({}), json!({"Other": []}), json!({"Other": puts(26)})] {
        assert_eq!(sent("BatchWriteItem", &json!({ "RequestItems": others })), 1);
    }
}

#[test]
fn a_batch_of_keys() {
    let words = |table: &str, than: &str| {
        format!(
            "1 validation error detected: Value at 'RequestItems.{table}.member.Keys' failed to satisfy constraint: Member must \
             have length {than}"
        )
    };
    let (more, none) = ("less than or equal to 100", "greater than or equal to 1");
    for (tables, table, than) in [
        (json!({"Users": keys(101)}), "Users", more),
        (json!({ARN: keys(101)}), ARN, more),
        (json!({"Users": keys(0)}), "Users", none),
        (json!({"Users": keys(1), "Zoo": keys(0)}), "Zoo", none),
        (json!({"Other": keys(0), "Users": keys(101)}), "Other", none),
        (json!({"Other": keys(60), "Users": keys(50)}), "Other", more),
        (json!({"Other": keys(50), "Users": keys(51)}), "Users", more),
        (json!({"Other": keys(101), "Users": keys(1)}), "Other", more),
    ] {
        assert_eq!(refused("BatchGetItem", &json!({ "RequestItems": tables })), words(table, than));
    }
    for fits in
        [json!({"Users": keys(100)}), json!({"Other": keys(50), "Users": keys(50)}), json!({"Other": keys(101)})]
    {
        assert_eq!(sent("BatchGetItem", &json!({ "RequestItems": fits })), 1);
    }
}

#[test]
fn lists_of_actions_and_statements() {
    let put = json!({"Put": {"TableName": "Users", "Item": item(1)}});
    let update = json!({"Update": {"TableName": "Users", "Key": {"id": {"S": "SECRET"}}, "UpdateExpression": "SET email = :e",
        "ExpressionAttributeValues": {":e": {"S": "SECRET"}}}});
    let get = json!({"Get": {"TableName": "Users", "Key": {"id": {"S": "SECRET"}}}});
    let statement = json!({"Statement": "INSERT INTO Users VALUE {'id': 'SECRET'}"});
    for (operation, member, entry, most) in [
        ("TransactWriteItems", "TransactItems", &put, 100),
        ("TransactWriteItems", "TransactItems", &update, 100),
        ("TransactGetItems", "TransactItems", &get, 100),
        ("BatchExecuteStatement", "Statements", &statement, 25),
        ("ExecuteTransaction", "TransactStatements", &statement, 100),
    ] {
        let body = |count| json!({ member: vec![entry; count] });
        let place = format!("{}{}", member[..1].to_lowercase(), &member[1..]);
        for count in [most + 1, 3 * most] {
            let words = format!(
                "1 validation error detected: Value '[(redacted)]' at '{place}' failed to satisfy constraint: Member must have \
                 length less than or equal to {most}"
            );
            assert_eq!(refused(operation, &body(count)), words);
        }
        // An empty one holds nothing that could be shown, and DynamoDB has the words.
        assert_eq!(sent(operation, &body(0)), 1, "{operation}");
    }
}

/// Whatever else of a request DynamoDB repeats, the caller is shown none of what is sealed.
#[test]
fn what_dynamodb_repeats_is_not_shown() {
    let batch = json!({"RequestItems": {"Users": puts(1), "Other": puts(1)}});
    let put = json!({"TableName": "Users", "Item": item(1)});
    let transaction = json!({"TransactItems": [{"Put": put}]});
    for (operation, body) in [("BatchWriteItem", &batch), ("PutItem", &put), ("TransactWriteItems", &transaction)] {
        let wire = Script::new(|_, sent| {
            let echo = format!(
                "1 validation error detected: Value '{{Users=[{sent}]}}' at 'requestItems' failed to satisfy constraint: x"
            );
            (400, json!({"__type": "com.amazon.coral.validate#ValidationException", "message": echo}).to_string())
        });
        let answer = ready(engine().call(&wire, dynamodb(operation, &body.to_string()))).unwrap();
        assert!(wire.sent().contains("aws_dbe_head"), "{operation}");
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        let words = "1 validation error detected: Value '(redacted)' at 'requestItems' failed to satisfy constraint: x";
        assert_eq!(answer["message"], words, "{operation}");
    }
}

/// An entry that is null is told in DynamoDB's words, and a member that is null is as good as absent.
#[test]
fn an_entry_is_not_null() {
    let put = json!({"Put": {"TableName": "Users", "Item": item(1)}});
    let get = json!({"Get": {"TableName": "Users", "Key": {"id": {"S": "SECRET"}}}});
    let statement = json!({"Statement": "SELECT * FROM Users WHERE id = 'SECRET'"});
    for (operation, body) in [
        ("BatchWriteItem", json!({"RequestItems": {"Users": null}})),
        ("BatchWriteItem", json!({"RequestItems": {"Users": puts(1), "Zoo": null}})),
        ("BatchWriteItem", json!({"RequestItems": {"Users": [null]}})),
        ("BatchWriteItem", json!({"RequestItems": {"Users": [puts(1)[0], null]}})),
        ("BatchGetItem", json!({"RequestItems": {"Users": {"Keys": [null]}}})),
        ("BatchGetItem", json!({"RequestItems": {"Users": {"Keys": [{"id": {"S": "SECRET"}}, null]}}})),
        ("TransactWriteItems", json!({"TransactItems": [put, null]})),
        ("TransactGetItems", json!({"TransactItems": [null, get]})),
        ("BatchExecuteStatement", json!({"Statements": [statement, null]})),
        ("ExecuteTransaction", json!({"TransactStatements": [null, statement]})),
    ] {
        assert_eq!(refused(operation, &body), "A parameter that must have a value is null", "{operation} {body}");
    }
    for sent_on in
        [json!({"Users": [{"PutRequest": null, "DeleteRequest": {"Key": {"id": {"S": "1"}}}}]}), json!({"Users": [{}]})]
    {
        assert_eq!(sent("BatchWriteItem", &json!({ "RequestItems": sent_on })), 1);
    }
}
