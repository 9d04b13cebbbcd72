//! Tables that a pattern protects: their keys are learned, and nothing passes before they are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test helpers")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use dynaseal_engine::{Answer, BoxFuture, Call, Clock, Engine, Pattern, Plaintext, Wire, WireError};
use dynaseal_item::{Action, SchemaSpec, Suite};
use dynaseal_keys::testing::{FixedClock, NoWire};
use dynaseal_keys::{Provider, RawAes};
use serde_json::{Value, json};
use support::{Script, dynamodb, engine, ready};

fn pattern(text: &str, actions: &[(&str, Action)]) -> Pattern {
    // A test key.
    let ring = RawAes::new("test", "key", &[7; 32]).unwrap();
    let spec = SchemaSpec {
        actions: actions.iter().map(|(name, action)| ((*name).to_owned(), *action)).collect(),
        default_action: Some(Action::EncryptAndSign),
        suite: Suite::Hmac,
        ..SchemaSpec::default()
    };
    Pattern::new(text.to_owned(), spec, Provider::new(Arc::new(ring)), Plaintext::Forbid)
}

fn with(patterns: impl IntoIterator<Item = Pattern>, clock: &Arc<FixedClock>) -> Engine {
    Engine::new([], Arc::clone(clock) as Arc<dyn Clock>).with_patterns(patterns)
}

/// What the tables' keys are called here: the configuration alone says that they are stored readable.
const KEYS: [(&str, Action); 2] = [("id", Action::SignOnly), ("mail", Action::SignOnly)];

fn everything() -> Engine {
    with([pattern("*", &KEYS)], &Arc::default())
}

/// A service that has some tables, each with its description, and answers all else with `{}`.
struct Service(Mutex<HashMap<String, Value>>);

impl Service {
    fn of(tables: &[(&str, Value)]) -> Self {
        Self(Mutex::new(tables.iter().map(|(name, keys)| ((*name).to_owned(), keys.clone())).collect()))
    }

    fn answer(&self, operation: &str, body: &str) -> (u16, String) {
        let body: Value = serde_json::from_str(body).unwrap();
        let name = body["TableName"].as_str().unwrap_or_default();
        let name = name.rsplit('/').next().unwrap().to_owned();
        let described = |member: &str, mut keys: Value| {
            keys["TableName"] = name.clone().into();
            (200, json!({ member: keys }).to_string())
        };
        match (operation, self.0.lock().unwrap().get(&name)) {
            ("DescribeTable", None) => {
                let kind = "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException";
                (400, json!({"__type": kind, "message": format!("Requested resource not found: Table: {name} not found")}).to_string())
            }
            ("DescribeTable", Some(keys)) => described("Table", keys.clone()),
            ("CreateTable" | "UpdateTable" | "DeleteTable", Some(keys)) => described("TableDescription", keys.clone()),
            _ => (200, "{}".to_owned()),
        }
    }
}

fn keys(hash: &str, index: &str) -> Value {
    let schema = |name: &str| json!([{"AttributeName": name, "KeyType": "HASH"}]);
    json!({"KeySchema": schema(hash), "GlobalSecondaryIndexes": [{"IndexName": "by", "KeySchema": schema(index)}]})
}

fn put(table: &str) -> String {
    format!(r#"{{"TableName":"{table}","Item":{{"id":{{"S":"1"}},"mail":{{"S":"a"}},"note":{{"S":"secret"}}}}}}"#)
}

/// What kind of value each attribute has in the last put.
fn stored(sent: &str) -> [bool; 3] {
    let sent: Value = serde_json::from_str(sent).unwrap();
    ["id", "mail", "note"].map(|name| sent["Item"][name]["B"].is_string())
}

fn operations<F>(wire: &Script<F>) -> Vec<String> {
    wire.calls.lock().unwrap().iter().map(|(operation, _)| operation.clone()).collect()
}

#[test]
fn a_table_is_asked_for_once_and_its_keys_stay_plain() {
    let (engine, service) = (everything(), Service::of(&[("Users", keys("id", "mail"))]));
    let wire = Script::new(|operation, body| service.answer(operation, body));
    for _ in 0..2 {
        assert!(ready(engine.call(&wire, dynamodb("PutItem", &put("Users")))).unwrap().ok());
        assert_eq!(stored(&wire.sent()), [false, false, true]);
    }
    assert_eq!(operations(&wire), ["DescribeTable", "PutItem", "PutItem"]);
    let arn = "arn:aws:dynamodb:eu-west-1:111122223333:table/Users";
    ready(engine.call(&wire, dynamodb("PutItem", &put(arn)))).unwrap();
    assert_eq!((stored(&wire.sent()), wire.count()), ([false, false, true], 4));
}

#[test]
fn what_passes_by_is_learned() {
    let (engine, service) = (everything(), Service::of(&[("Users", keys("id", "mail"))]));
    let wire = Script::new(|operation, body| service.answer(operation, body));
    let call = |operation: &str, body: &str| ready(engine.call(&wire, dynamodb(operation, body))).unwrap();
    let named = r#"{"TableName":"Users"}"#;
    call("CreateTable", named);
    call("PutItem", &put("Users"));
    assert_eq!(
        (operations(&wire), stored(&wire.sent())),
        (vec!["CreateTable".to_owned(), "PutItem".into()], [false, false, true])
    );
    // The table is made anew with another key, which makes nothing more readable and nothing less.
    call("DeleteTable", named);
    service.0.lock().unwrap().insert("Users".to_owned(), keys("mail", "mail"));
    call("PutItem", &put("Users"));
    assert_eq!(stored(&wire.sent()), [false, false, true]);
    assert_eq!(operations(&wire).iter().filter(|operation| *operation == "DescribeTable").count(), 1);
}

#[test]
fn a_description_is_not_believed_for_ever() {
    let (clock, service) = (Arc::new(FixedClock::default()), Service::of(&[("Users", keys("id", "mail"))]));
    let engine = with([pattern("*", &KEYS)], &clock);
    let wire = Script::new(|operation, body| service.answer(operation, body));
    for (seconds, asked) in [(0, 1), (299, 1), (300, 2), (599, 2)] {
        clock.set(Duration::from_secs(seconds));
        ready(engine.call(&wire, dynamodb("PutItem", &put("Users")))).unwrap();
        let descriptions = operations(&wire).iter().filter(|operation| *operation == "DescribeTable").count();
        assert_eq!(descriptions, asked, "after {seconds} s");
    }
}

#[test]
fn nothing_is_sent_for_a_table_that_cannot_be_described() {
    let (engine, service) = (everything(), Service::of(&[]));
    let wire = Script::new(|operation, body| service.answer(operation, body));
    let call = |operation: &str, body: &str| {
        let answer = ready(engine.call(&wire, dynamodb(operation, body))).unwrap();
        (answer.status, String::from_utf8(answer.body).unwrap())
    };
    let (status, body) = call("PutItem", &put("Users"));
    assert_eq!(status, 400);
    assert!(body.contains(r#"ResourceNotFoundException","message":"Requested resource not found"}"#), "{body}");
    let (_, body) = call("UpdateTable", r#"{"TableName":"Users"}"#);
    assert!(body.contains("Table: Users not found"), "{body}");
    for (name, constraint) in [("bad table!", "regular expression"), (&*"a".repeat(256), "length less than")] {
        let (status, body) = call("PutItem", &put(name));
        assert!(status == 400 && body.contains(constraint) && body.contains("'tableName'"), "{body}");
    }
    assert_eq!(operations(&wire), ["DescribeTable", "DescribeTable"]);
    let wire = Script::new(|_, _| (500, "down".into()));
    // What is no JSON cannot be cleared of what an error does not say, and goes no further.
    let error = ready(engine.call(&wire, dynamodb("PutItem", &put("Users")))).unwrap_err();
    assert_eq!((error.code(), wire.count()), ("DSL-6004", 1));
    let busy = r#"{"__type":"x#InternalServerError","message":"m","Item":{"id":{"S":"1"}}}"#;
    let wire = Script::new(|_, _| (500, busy.into()));
    let answer = ready(engine.call(&wire, dynamodb("PutItem", &put("Users")))).unwrap();
    assert_eq!((answer.status, wire.count()), (500, 1));
    assert_eq!(String::from_utf8(answer.body).unwrap(), r#"{"__type":"x#InternalServerError","message":"m"}"#);
    // An answer that describes something else is no description.
    let wire = Script::new(|_, _| (200, r#"{"Table":{"TableName":"Other","KeySchema":[]}}"#.into()));
    assert_eq!(ready(engine.call(&wire, dynamodb("PutItem", &put("Users")))).unwrap_err().code(), "DSL-6004");
    let wire = Script::new(|_, _| (200, "{}".into()));
    assert_eq!(ready(engine.call(&wire, dynamodb("PutItem", &put("Users")))).unwrap_err().code(), "DSL-6004");
    assert_eq!(operations(&wire), ["DescribeTable"]);
}

#[test]
fn the_closest_pattern_counts_and_a_name_before_any() {
    let open = [&KEYS[..], &[("note", Action::SignOnly)]].concat();
    let patterns = || [pattern("*", &KEYS), pattern("open-*", &open)];
    let service = Service::of(&[("open-Users", keys("id", "mail")), ("Users", keys("id", "mail"))]);
    let wire = Script::new(|operation, body| service.answer(operation, body));
    let engine = with(patterns(), &Arc::default());
    ready(engine.call(&wire, dynamodb("PutItem", &put("open-Users")))).unwrap();
    assert_eq!(stored(&wire.sent()), [false, false, false]);
    ready(engine.call(&wire, dynamodb("PutItem", &put("Users")))).unwrap();
    assert_eq!(stored(&wire.sent()), [false, false, true]);
    // `Users` of the other tests is configured by name, has no attribute `mail`, and needs no description.
    let engine = self::engine().with_patterns(patterns());
    let asked = wire.count();
    assert_eq!(ready(engine.call(&wire, dynamodb("PutItem", &put("Users")))).unwrap_err().code(), "DSL-1002");
    assert_eq!(wire.count(), asked);
    // Outside every pattern nothing is protected, and nothing asked.
    let engine = with([pattern("prod-*", &KEYS)], &Arc::default());
    ready(engine.call(&wire, dynamodb("PutItem", &put("Users")))).unwrap();
    assert_eq!((wire.sent(), wire.count()), (put("Users"), asked + 1));
}

/// A wire whose answers take their time.
struct Slow<W>(W);

impl<W: Wire> Wire for Slow<W> {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(async move {
            let mut waited = false;
            std::future::poll_fn(
                |_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending },
            )
            .await;
            self.0.send(call).await
        })
    }
}

#[test]
fn many_callers_ask_once() {
    let (engine, service) = (everything(), Service::of(&[("Users", keys("id", "mail"))]));
    let wire = Slow(Script::new(|operation: &str, body: &str| service.answer(operation, body)));
    let mut calls: Vec<_> = (0..8).map(|_| Box::pin(engine.call(&wire, dynamodb("PutItem", &put("Users"))))).collect();
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..100 {
        calls.retain_mut(|call| call.as_mut().poll(&mut context).is_pending());
    }
    assert!(calls.is_empty(), "{} calls hang", calls.len());
    assert_eq!(operations(&wire.0).iter().filter(|operation| *operation == "DescribeTable").count(), 1);
    assert_eq!(wire.0.count(), 9);
}

/// A wire that never answers calls of an operation that name a table.
struct Hanging<W>(W, &'static str, &'static str);

impl<W: Wire> Wire for Hanging<W> {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        let hangs = call.operation == self.1 && String::from_utf8_lossy(&call.body).contains(self.2);
        if hangs { Box::pin(std::future::pending()) } else { self.0.send(call) }
    }
}

#[test]
fn a_table_that_is_never_described_holds_up_no_other() {
    let clock = Arc::new(FixedClock::default());
    let engine = with([pattern("*", &KEYS)], &clock);
    let service = Service::of(&["One", "Two"].map(|name| (name, keys("id", "mail"))));
    let script = || Script::new(|operation: &str, body: &str| service.answer(operation, body));
    let mut context = Context::from_waker(Waker::noop());
    let wire = Hanging(script(), "DescribeTable", "One");
    let mut one = Box::pin(engine.call(&wire, dynamodb("PutItem", &put("One"))));
    assert!(one.as_mut().poll(&mut context).is_pending());
    assert_eq!(ready(engine.call(&wire, dynamodb("PutItem", &put("Two")))).unwrap().status, 200);
    // Who gives up, or gets no answer in time, leaves the question to the next one.
    let mut next = Box::pin(engine.call(&wire.0, dynamodb("PutItem", &put("One"))));
    assert!(next.as_mut().poll(&mut context).is_pending());
    drop(one);
    assert!(next.as_mut().poll(&mut context).is_ready());

    // The same where keys that are known are asked for again: a put that the table refuses may be of a table made anew.
    let refuses = |operation: &str, body: &str| match operation {
        "PutItem" => (400, r#"{"__type":"x#ValidationException","message":"no"}"#.to_owned()),
        _ => service.answer(operation, body),
    };
    let wire = Hanging(Script::new(refuses), "DescribeTable", "One");
    let mut one = Box::pin(engine.call(&wire, dynamodb("PutItem", &put("One"))));
    assert!(one.as_mut().poll(&mut context).is_pending());
    assert_eq!(ready(engine.call(&wire, dynamodb("PutItem", &put("Two")))).unwrap().status, 400);
    assert_eq!(operations(&wire.0), ["PutItem", "PutItem", "DescribeTable"]);
}

#[test]
fn records_of_a_pattern_s_table_are_opened_once_its_keys_are_known() {
    let (engine, service) = (everything(), Service::of(&[("Users", keys("id", "mail"))]));
    let wire = Script::new(|operation, body| service.answer(operation, body));
    ready(engine.call(&wire, dynamodb("PutItem", &put("Users")))).unwrap();
    let stored: Value = serde_json::from_str(&wire.sent()).unwrap();
    let change = json!({"Keys": {"id": {"S": "1"}}, "NewImage": stored["Item"]});
    let event = |table: &str| {
        let arn = format!("arn:aws:dynamodb:eu-west-1:111122223333:table/{table}/stream/x");
        json!({"Records": [{"eventSourceARN": arn, "dynamodb": change}]}).to_string()
    };
    // Another engine has not seen the table yet.
    let engine = everything();
    let opened = ready(engine.open_records(&wire, None, &event("Users"))).unwrap();
    let opened: Value = serde_json::from_slice(&opened).unwrap();
    assert_eq!(opened["Records"][0]["dynamodb"]["NewImage"]["note"], json!({"S": "secret"}));
    let error = ready(engine.open_records(&wire, None, &event("Gone"))).unwrap_err();
    assert!(error.code() == "DSL-2008" && error.to_string().contains("Gone"), "{error}");
    // Nor can it ask without a network.
    let error = ready(everything().open_records(&NoWire, None, &event("Users"))).unwrap_err();
    assert_eq!(error.code(), "DSL-2008", "{error}");
}

/// As of a table by name: what is wrong with a request by itself is told before anybody is asked for the table.
#[test]
fn a_malformed_request_is_judged_before_its_table_is_looked_up() {
    let engine = everything();
    let service = Service::of(&[]);
    let wire = Script::new(|operation, body| service.answer(operation, body));
    let key = r#""Key":{"other":{"S":"1"}}"#;
    let value = |value: &str| format!(r#""Item":{{"other":{{"S":"1"}},"x":{value}}}"#);
    for (operation, body) in [
        ("PutItem", value(r#"{"SS":[]}"#)),
        ("PutItem", value(r#"{"NULL":false}"#)),
        ("PutItem", value(r#"{"N":"abc"}"#)),
        ("PutItem", value(r#"{"B":null}"#)),
        ("PutItem", format!(r#"{},"ReturnValues":"x""#, value(r#"{"S":"x"}"#))),
        ("PutItem", format!(r#"{},"ConditionExpression":"x = ""#, value(r#"{"S":"x"}"#))),
        ("GetItem", format!(r#"{key},"ProjectionExpression":"a..b""#)),
        ("GetItem", format!(r#"{key},"AttributesToGet":[]"#)),
        ("UpdateItem", format!(r#"{key},"UpdateExpression":"SET x = :v""#)),
        ("UpdateItem", format!(r#"{key},"AttributeUpdates":{{"x":{{"Value":{{"NS":["1","1"]}}}}}}"#)),
        ("DeleteItem", format!(r#"{key},"ConditionalOperator":"AND","ConditionExpression":"a = b""#)),
        ("Query", r#""KeyConditionExpression":"other = :o""#.to_owned()),
        ("Scan", r#""FilterExpression":"x =""#.to_owned()),
    ] {
        let answer = ready(engine.call(&wire, dynamodb(operation, &format!(r#"{{"TableName":"Gone",{body}}}"#))));
        let answer = answer.unwrap();
        let text = String::from_utf8(answer.body).unwrap();
        assert!(answer.status == 400 && text.contains("ValidationException"), "{operation} {body}: {text}");
        assert_eq!(wire.count(), 0, "{operation} {body}");
    }
    // What takes the keys to see comes after the table.
    let sound = format!(r#"{{"TableName":"Gone",{key}}}"#);
    let answer = ready(engine.call(&wire, dynamodb("GetItem", &sound))).unwrap();
    assert!(String::from_utf8(answer.body).unwrap().contains("ResourceNotFoundException"));
    let service = Service::of(&[("Users", keys("id", "mail"))]);
    let wire = Script::new(|operation, body| service.answer(operation, body));
    ready(engine.call(&wire, dynamodb("PutItem", &put("Users")))).unwrap();
    assert_eq!(wire.count(), 2);
}

/// The statements of a batch fail one by one, also where a pattern protects a table that is not there. Nothing is sent that is
/// about it: it may come to be there in the next moment.
#[test]
fn a_statement_on_a_table_that_is_not_there_fails_in_its_place() {
    let service = Service::of(&[("Users", keys("id", "mail"))]);
    let wire = Script::new(|operation: &str, body: &str| match operation {
        "Query" => (200, r#"{"Items":[],"Count":0,"ScannedCount":0}"#.to_owned()),
        _ => service.answer(operation, body),
    });
    let there = json!({"Statement": "SELECT * FROM Users WHERE id = '1'"});
    let gone = |text: &str| json!({ "Statement": text });
    let told = |statements: Value| {
        let body = json!({ "Statements": statements }).to_string();
        let answer = ready(everything().call(&wire, dynamodb("BatchExecuteStatement", &body))).unwrap();
        assert_eq!(answer.status, 200);
        serde_json::from_slice::<Value>(&answer.body).unwrap()["Responses"].clone()
    };
    let missing = |table: &str| {
        let error = json!({"Code": "ResourceNotFound", "Message": "Requested resource not found"});
        json!({"Error": error, "TableName": table})
    };
    let found = json!({"TableName": "Users"});
    let read = gone("SELECT * FROM Gone WHERE id = 'SECRET' AND email = 'SECRET'");
    assert_eq!(told(json!([there, read])), json!([found, missing("Gone")]));
    assert_eq!(told(json!([read, there])), json!([missing("Gone"), found]));
    let write = gone("INSERT INTO Gone VALUE {'id': 'SECRET', 'email': 'SECRET'}");
    let other = gone("DELETE FROM Away WHERE id = 'SECRET'");
    assert_eq!(told(json!([write, other])), json!([missing("Gone"), missing("Away")]));
    let sent = wire.calls.lock().unwrap().clone();
    assert!(sent.iter().all(|(_, body)| !body.contains("SECRET")), "{sent:?}");
    // Elsewhere the whole call fails, as it does in DynamoDB.
    for (operation, body) in [
        ("ExecuteStatement", write.clone()),
        ("ExecuteTransaction", json!({"TransactStatements": [write]})),
        ("BatchGetItem", json!({"RequestItems": {"Gone": {"Keys": [{"id": {"S": "SECRET"}}]}}})),
    ] {
        let answer = ready(everything().call(&wire, dynamodb(operation, &body.to_string()))).unwrap();
        assert!(String::from_utf8(answer.body).unwrap().contains("ResourceNotFoundException"), "{operation}");
    }
    assert!(wire.calls.lock().unwrap().iter().all(|(_, body)| !body.contains("SECRET")));
    // What is not known of a statement cannot go along.
    let unknown = json!({"Statements": [{"Statement": "DELETE FROM Gone WHERE id = '1'", "New": "SECRET"}]});
    let refused = ready(everything().call(&wire, dynamodb("BatchExecuteStatement", &unknown.to_string())));
    assert_eq!(refused.unwrap_err().code(), "DSL-2003");
}
