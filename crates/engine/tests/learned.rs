//! What DynamoDB says of a table opens nothing: answers that lie about keys and indexes, alternate, or are about another
//! table; tables that are made again with other keys behind the gateway.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test helpers")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use dynaseal_engine::{Clock, Engine, Pattern, Plaintext, Table};
use dynaseal_item::{Action, SchemaSpec, Suite};
use dynaseal_keys::testing::FixedClock;
use dynaseal_keys::{Provider, RawAes};
use serde_json::{Value, json};
use support::{Script, dynamodb, ready};

const SECRET: &str = "marker-5c1f";

fn spec(actions: &[(&str, Action)]) -> SchemaSpec {
    SchemaSpec {
        actions: actions.iter().map(|(name, action)| ((*name).to_owned(), *action)).collect(),
        default_action: Some(Action::EncryptAndSign),
        suite: Suite::Hmac,
        ..SchemaSpec::default()
    }
}

fn provider() -> Provider {
    // A test key.
    Provider::new(Arc::new(RawAes::new("test", "key", &[7; 32]).unwrap()))
}

/// All tables named `prod-…`, whose keys may be `id`, `at` and `mail`.
fn engine_at(clock: &Arc<FixedClock>) -> Engine {
    let actions = ["id", "at", "mail"].map(|name| (name, Action::SignOnly));
    let pattern = Pattern::new("prod-*".to_owned(), spec(&actions), provider(), Plaintext::Forbid);
    Engine::new([], Arc::clone(clock) as Arc<dyn Clock>).with_patterns([pattern])
}

fn engine() -> Engine {
    engine_at(&Arc::default())
}

const USERS: &str = "prod-Users";

/// A description of `prod-Users`.
fn description(keys: &[&str], indexes: &[&str]) -> Value {
    let schema = |keys: &[&str]| -> Value {
        let kinds = ["HASH", "RANGE"].into_iter();
        keys.iter().zip(kinds).map(|(name, kind)| json!({"AttributeName": name, "KeyType": kind})).collect()
    };
    let index = |name: &&str| json!({"IndexName": format!("by-{name}"), "KeySchema": schema(&[*name])});
    let [global, local] = ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"];
    let (globals, locals) = indexes.split_at(indexes.len().min(1));
    json!({
        "TableName": USERS,
        "KeySchema": schema(keys),
        global: globals.iter().map(index).collect::<Value>(),
        local: locals.iter().map(index).collect::<Value>(),
    })
}

/// A DynamoDB that holds one item and describes its table as it is told.
struct Upstream {
    described: Mutex<Value>,
    item: Mutex<Option<Value>>,
}

impl Upstream {
    fn new(described: Value) -> Self {
        Self { described: Mutex::new(described), item: Mutex::default() }
    }

    fn describe(&self, described: Value) {
        *self.described.lock().unwrap() = described;
    }

    fn answer(&self, operation: &str, body: &str) -> (u16, String) {
        let body: Value = serde_json::from_str(body).unwrap();
        let described = self.described.lock().unwrap().clone();
        match operation {
            "DescribeTable" => (200, json!({ "Table": described }).to_string()),
            "CreateTable" | "UpdateTable" => (200, json!({ "TableDescription": described }).to_string()),
            "PutItem" => {
                *self.item.lock().unwrap() = Some(body["Item"].clone());
                (200, "{}".to_owned())
            }
            "GetItem" => match &*self.item.lock().unwrap() {
                Some(item) => (200, json!({ "Item": item }).to_string()),
                None => (200, "{}".to_owned()),
            },
            "Query" | "Scan" => {
                let items: Vec<_> = self.item.lock().unwrap().clone().into_iter().collect();
                (200, json!({"Count": items.len(), "ScannedCount": items.len(), "Items": items}).to_string())
            }
            _ => (200, "{}".to_owned()),
        }
    }
}

fn refusal(message: &str) -> (u16, String) {
    let kind = "com.amazon.coral.validate#ValidationException";
    (400, json!({"__type": kind, "message": message}).to_string())
}

fn put(more: &str) -> String {
    format!(r#"{{"TableName":"{USERS}","Item":{{"id":{{"S":"1"}},"at":{{"S":"2"}},"mail":{{"S":"a"}}{more}}}}}"#)
}

fn with_secret() -> String {
    put(&format!(r#","ssn":{{"S":"{SECRET}"}}"#))
}

/// Requests that carry the secret, or lead to a write of the stored item that does.
fn requests() -> Vec<(&'static str, String)> {
    let key = format!(r#""TableName":"{USERS}","Key":{{"id":{{"S":"1"}}}}"#);
    let item = with_secret().replacen('{', "", 1);
    let values = format!(r#""ExpressionAttributeValues":{{":s":{{"S":"{SECRET}"}}}}"#);
    let only_item = item.split_once(r#""Item":"#).unwrap().1.strip_suffix('}').unwrap();
    vec![
        ("PutItem", with_secret()),
        ("PutItem", format!(r#"{{{},"ConditionExpression":"ssn = :s",{values}}}"#, item.strip_suffix('}').unwrap())),
        ("UpdateItem", format!(r#"{{{key},"UpdateExpression":"SET ssn = :s",{values}}}"#)),
        ("UpdateItem", format!(r#"{{{key},"UpdateExpression":"SET note = :s",{values}}}"#)),
        ("DeleteItem", format!(r#"{{{key},"ConditionExpression":"ssn = :s",{values}}}"#)),
        ("GetItem", format!("{{{key}}}")),
        ("Query", format!(r#"{{"TableName":"{USERS}","IndexName":"by-ssn","KeyConditionExpression":"ssn = :s",{values}}}"#)),
        ("Query", format!(r#"{{"TableName":"{USERS}","KeyConditionExpression":"ssn = :s",{values}}}"#)),
        ("Scan", format!(r#"{{"TableName":"{USERS}","FilterExpression":"ssn = :s",{values}}}"#)),
        ("BatchWriteItem", format!(r#"{{"RequestItems":{{"{USERS}":[{{"PutRequest":{{"Item":{only_item}}}}}]}}}}"#)),
        ("TransactWriteItems", format!(r#"{{"TransactItems":[{{"Put":{}}}]}}"#, with_secret())),
        (
            "TransactWriteItems",
            format!(r#"{{"TransactItems":[{{"Update":{{{key},"UpdateExpression":"SET ssn = :s",{values}}}}}]}}"#),
        ),
        ("ExecuteStatement", json!({"Statement": format!("INSERT INTO \"{USERS}\" VALUE {{'id':'1','at':'2','mail':'a','ssn':'{SECRET}'}}")}).to_string()),
        ("ExecuteStatement", json!({"Statement": format!("SELECT * FROM \"{USERS}\".\"by-ssn\" WHERE ssn = '{SECRET}'")}).to_string()),
        ("ExecuteStatement", json!({"Statement": format!("SELECT * FROM \"{USERS}\" WHERE ssn = '{SECRET}'")}).to_string()),
        ("ExecuteStatement", json!({"Statement": format!("UPDATE \"{USERS}\" SET ssn = '{SECRET}' WHERE id = '1'")}).to_string()),
    ]
}

/// Nothing but DynamoDB itself may say what it knows of a table.
fn lies() -> Vec<(&'static str, Value)> {
    let honest = || description(&["id"], &[]);
    let renamed = |name: &str| {
        let mut lie = description(&["ssn"], &["ssn"]);
        lie["TableName"] = name.into();
        lie
    };
    let mut twice = honest();
    twice["KeySchema"] =
        json!([{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "ssn", "KeyType": "HASH"}]);
    let mut shrunk = honest();
    shrunk["KeySchema"] = json!([]);
    let mut strange = honest();
    strange["KeySchema"] =
        json!([{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "ssn", "KeyType": "MORE"}]);
    let mut vectors = honest();
    vectors["VectorIndexes"] = json!([{
        "IndexName": "by-ssn", "VectorAttribute": {"AttributeName": "ssn"},
        "SearchSchema": [{"AttributeName": "note", "SearchSchemaElementType": "FILTER"}],
    }]);
    vec![
        ("an index of vectors", vectors),
        ("an index", description(&["id"], &["ssn"])),
        ("a local index", description(&["id"], &["mail", "ssn"])),
        ("two indexes", description(&["id"], &["ssn", "note"])),
        ("another partition key", description(&["ssn"], &[])),
        ("a sort key", description(&["id", "ssn"], &[])),
        ("keys in turn", description(&["ssn", "id"], &["ssn"])),
        ("another name", renamed("prod-Other")),
        ("a protected name in other letters", renamed("prod-users")),
        ("two partition keys", twice),
        ("no key", shrunk),
        ("a key of an unknown type", strange),
    ]
}

/// Whatever passes by or is asked for, before the first write or after it, once or in turn.
#[test]
fn nothing_that_dynamodb_says_makes_an_attribute_readable() {
    for (name, lie) in lies() {
        let tellers = ["DescribeTable", "CreateTable", "UpdateTable"].map(|teller| [(teller, true), (teller, false)]);
        for (teller, by_pattern) in tellers.into_iter().flatten() {
            for honest_first in [true, false] {
                for (operation, request) in requests() {
                    let upstream = Upstream::new(if honest_first { description(&["id"], &[]) } else { lie.clone() });
                    let wire = Script::new(|operation, body| upstream.answer(operation, body));
                    let clock = Arc::<FixedClock>::default();
                    let keys = ["id", "at", "mail"].map(|name| (name, Action::SignOnly));
                    let engine = if by_pattern { engine_at(&clock) } else { named(&keys, Action::EncryptAndSign) };
                    let call = |operation: &str, body: &str| ready(engine.call(&wire, dynamodb(operation, body)));
                    let first = call("PutItem", &with_secret());
                    assert!(!honest_first || first.is_ok(), "{name}");
                    upstream.describe(lie.clone());
                    let _ = call(teller, &json!({"TableName": USERS}).to_string());
                    let _ = call(operation, &request);
                    // Once more when nothing is believed any longer, and when the truth is told in between.
                    clock.set(Duration::from_secs(301));
                    let _ = call(operation, &request);
                    upstream.describe(description(&["id"], &[]));
                    let _ = call("DescribeTable", &json!({"TableName": USERS}).to_string());
                    upstream.describe(lie.clone());
                    let _ = call(operation, &request);
                    for (sent, body) in wire.calls.lock().unwrap().iter() {
                        let place = format!("{name}, told by {teller}, {operation}: {sent} {body}");
                        assert!(!body.contains(SECRET), "{place}");
                    }
                }
            }
        }
    }
}

#[test]
fn an_index_on_a_hidden_attribute_stops_writes_of_it_alone() {
    let upstream = Upstream::new(description(&["id"], &[]));
    let wire = Script::new(|operation, body| upstream.answer(operation, body));
    let engine = engine();
    let call = |operation: &str, body: &str| ready(engine.call(&wire, dynamodb(operation, body)));
    call("PutItem", &with_secret()).unwrap();
    upstream.describe(description(&["id"], &["ssn"]));
    call("DescribeTable", &json!({"TableName": USERS}).to_string()).unwrap();
    let error = call("PutItem", &with_secret()).unwrap_err();
    assert_eq!(error.code(), "DSL-2009");
    assert!(
        error.to_string().contains("\"ssn\" is a key of an index") && error.hint().contains("sign_only"),
        "{error}"
    );
    let get = json!({"TableName": USERS, "Key": {"id": {"S": "1"}}}).to_string();
    let got = String::from_utf8(call("GetItem", &get).unwrap().body).unwrap();
    assert!(got.contains(SECRET), "{got}");
    assert!(call("PutItem", &put("")).unwrap().ok());
    // So it is when the caller asks for such an index, here or when the table is made.
    let mut table = description(&["id"], &["ssn"]);
    table["AttributeDefinitions"] = json!([{"AttributeName": "ssn", "AttributeType": "S"}]);
    for (operation, code) in [("CreateTable", "DSL-2009"), ("UpdateTable", "DSL-2003")] {
        assert_eq!(call(operation, &table.to_string()).unwrap_err().code(), code, "{operation}");
        assert!(wire.calls.lock().unwrap().iter().all(|(sent, _)| sent != operation), "{operation} was sent");
    }
}

#[test]
fn a_key_that_the_pattern_hides_is_refused_by_name() {
    for (keys, role) in [(&["ssn"][..], "the partition key"), (&["id", "ssn"], "the sort key")] {
        let upstream = Upstream::new(description(keys, &[]));
        let wire = Script::new(|operation, body| upstream.answer(operation, body));
        let engine = engine();
        let call = |operation: &str, body: &str| ready(engine.call(&wire, dynamodb(operation, body)));
        for (operation, body) in [("CreateTable", description(keys, &[]).to_string()), ("PutItem", put(""))] {
            let error = call(operation, &body).unwrap_err();
            assert!(error.code() == "DSL-2009" && error.to_string().contains(&format!("\"ssn\" is {role}")), "{error}");
        }
        assert_eq!(
            wire.calls.lock().unwrap().iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["DescribeTable"]
        );
        // Who asks for its description gets it.
        assert!(call("DescribeTable", &json!({"TableName": USERS}).to_string()).unwrap().ok());
    }
}

#[test]
fn a_table_that_was_made_again_is_learned_again() {
    let new = description(&["mail"], &[]);
    let upstream = Upstream::new(description(&["id"], &[]));
    let wire = Script::new(|operation, body| match operation {
        // As DynamoDB refuses what does not fit the new key.
        "GetItem" if body.contains(r#""Key":{"id""#) && *upstream.described.lock().unwrap() == new => {
            refusal("The provided key element does not match the schema")
        }
        _ => upstream.answer(operation, body),
    });
    let engine = engine();
    let call = |operation: &str, body: &str| ready(engine.call(&wire, dynamodb(operation, body)));
    let described = || wire.calls.lock().unwrap().iter().filter(|(name, _)| name == "DescribeTable").count();
    call("PutItem", &put("")).unwrap();
    upstream.describe(new.clone());
    // It lacks the former key, so it was not even sent.
    let item = format!(r#"{{"TableName":"{USERS}","Item":{{"mail":{{"S":"a"}},"ssn":{{"S":"{SECRET}"}}}}}}"#);
    assert!(call("PutItem", &item).unwrap().ok());
    assert_eq!(described(), 2);
    let get = |name: &str| json!({"TableName": USERS, "Key": {name: {"S": "a"}}}).to_string();
    let got = String::from_utf8(call("GetItem", &get("mail")).unwrap().body).unwrap();
    assert!(got.contains(SECRET) && described() == 2, "{got}");

    // Back again: what the new key seals cannot be opened under the old one, and that alone tells it.
    let other = self::engine();
    upstream.describe(description(&["id"], &[]));
    ready(other.call(&wire, dynamodb("PutItem", &put("")))).unwrap();
    let before = described();
    let got = call("GetItem", &get("mail"));
    assert!(got.is_ok() && described() == before + 1, "{got:?}");

    // A refusal that has another reason is asked about once, and then left for a while.
    upstream.describe(new.clone());
    call("DescribeTable", &json!({"TableName": USERS}).to_string()).unwrap();
    let before = described();
    for _ in 0..5 {
        assert_eq!(call("GetItem", &get("id")).unwrap().status, 400);
    }
    assert_eq!(described(), before + 1);
    let calls = wire.calls.lock().unwrap();
    assert!(calls.iter().all(|(_, body)| !body.contains(SECRET)));
}

#[test]
fn an_index_that_nobody_saw_is_found_by_what_it_refuses() {
    let upstream = Upstream::new(description(&["id"], &[]));
    let wire = Script::new(|operation, body| match operation {
        "PutItem"
            if body.contains("ssn") && !upstream.described.lock().unwrap()["GlobalSecondaryIndexes"][0].is_null() =>
        {
            refusal("One or more parameter values were invalid: Type mismatch for Index Key ssn Expected: S Actual: B")
        }
        _ => upstream.answer(operation, body),
    });
    let engine = engine();
    let call = |operation: &str, body: &str| ready(engine.call(&wire, dynamodb(operation, body)));
    call("PutItem", &with_secret()).unwrap();
    upstream.describe(description(&["id"], &["ssn"]));
    assert_eq!(call("PutItem", &with_secret()).unwrap_err().code(), "DSL-2009");
}

/// One who answers for another table could have its keys taken for this one's, and then nothing of this one opens.
#[test]
fn an_answer_about_another_table_says_nothing_of_this_one() {
    let mut other = description(&["mail"], &[]);
    other["TableName"] = "prod-Other".into();
    let upstream = Upstream::new(other);
    let wire = Script::new(|operation, body| upstream.answer(operation, body));
    let error = ready(engine().call(&wire, dynamodb("PutItem", &with_secret()))).unwrap_err();
    assert_eq!(error.code(), "DSL-6004", "{error}");
    assert!(wire.calls.lock().unwrap().iter().all(|(operation, _)| operation == "DescribeTable"));
}

/// What was known is forgotten at once, so that no further call is made under the former keys.
#[test]
fn a_table_that_was_made_again_with_a_hidden_key_gets_no_more_writes() {
    let upstream = Upstream::new(description(&["id"], &[]));
    let wire = Script::new(|operation, body| match operation {
        "PutItem" if upstream.described.lock().unwrap()["KeySchema"][0]["AttributeName"] == "ssn" => {
            refusal("One or more parameter values were invalid: Missing the key ssn in the item")
        }
        _ => upstream.answer(operation, body),
    });
    let engine = engine();
    let put = || ready(engine.call(&wire, dynamodb("PutItem", &put(""))));
    let sent = || wire.calls.lock().unwrap().iter().filter(|(operation, _)| operation == "PutItem").count();
    put().unwrap();
    upstream.describe(description(&["ssn"], &[]));
    assert_eq!((put().unwrap_err().code(), sent()), ("DSL-2009", 2));
    assert_eq!((put().unwrap_err().code(), sent()), ("DSL-2009", 2));
}

/// A configuration by name, whose `ssn` is decided by what the test says.
fn named(actions: &[(&str, Action)], default_action: Action) -> Engine {
    let mut spec = SchemaSpec {
        logical_name: USERS.into(),
        partition_key: "id".into(),
        default_action: Some(default_action),
        ..spec(actions)
    };
    spec.list_keys();
    let table = Table::new(USERS.into(), spec.build().unwrap(), provider(), Plaintext::Forbid);
    Engine::new([table], Arc::new(FixedClock::default()))
}

#[test]
fn what_is_encrypted_in_a_stored_item_is_opened_by_name_only() {
    let upstream = Upstream::new(description(&["id"], &[]));
    let wire = Script::new(|operation, body| upstream.answer(operation, body));
    let call = |engine: &Engine, operation: &str, body: &str| ready(engine.call(&wire, dynamodb(operation, body)));
    let hides = named(&[("ssn", Action::EncryptAndSign)], Action::SignOnly);
    call(&hides, "PutItem", &with_secret()).unwrap();
    let sent = wire.count();
    // A default that hides nothing any more.
    let open = named(&[], Action::SignOnly);
    let key = format!(r#""TableName":"{USERS}","Key":{{"id":{{"S":"1"}}}}"#);
    let update = format!(r#"{{{key},"UpdateExpression":"SET note = id"}}"#);
    let error = call(&open, "UpdateItem", &update).unwrap_err();
    assert!(error.code() == "DSL-2010" && error.to_string().contains("\"ssn\""), "{error}");
    let get = format!("{{{key}}}");
    assert!(String::from_utf8(call(&open, "GetItem", &get).unwrap().body).unwrap().contains(SECRET));
    let in_one = format!(r#"{{"TransactItems":[{{"Update":{{{key},"UpdateExpression":"SET note = id"}}}}]}}"#);
    assert_eq!(call(&open, "TransactWriteItems", &in_one).unwrap_err().code(), "DSL-2010");
    assert!(wire.calls.lock().unwrap().iter().skip(sent).all(|(_, body)| !body.contains(SECRET)));
    // What is taken out is not written, and who lists it by name wants it readable.
    let remove = format!(r#"{{{key},"UpdateExpression":"REMOVE ssn"}}"#);
    assert!(call(&open, "UpdateItem", &remove).unwrap().ok());
    let listed = named(&[("ssn", Action::SignOnly)], Action::SignOnly);
    assert!(call(&listed, "UpdateItem", &update).unwrap().ok());
    assert!(wire.sent().contains(SECRET));
}
