//! Parity through encryption: the same random requests against a plain table and against a protected one, in which every
//! attribute but the key and a counter is encrypted, must give the same answers. A failure prints its seed and step;
//! `DYNASEAL_SEED` starts there, `DYNASEAL_SEQUENCES` says how many to try. Left out is what dynoxide does otherwise than
//! DynamoDB, with which we go; `crates/engine/tests/differential/exceptions.rs` has the list.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests, not tests themselves")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod random;

use std::sync::Arc;

use dynaseal_engine::{Engine, Plaintext, Service, Table};
use dynaseal_gateway::{Embedded, RuntimeClock};
use dynaseal_item::{Action, SchemaSpec, Suite};
use dynaseal_keys::{Provider, RawAes};
use random::{Random, call, call_service, normal, value};
use serde_json::{Value, json};

fn id(random: &mut Random) -> Value {
    json!({"S": random.pick(&["a", "b", "c"])})
}

fn item(random: &mut Random) -> Value {
    let mut item = json!({"id": id(random)});
    for attribute in ["n", "s", "l", "m", "ss", "t", "hits"] {
        if random.chance(60) {
            item[attribute] = value(random, attribute);
        }
    }
    item
}

/// An expression out of parts, and the values that it uses.
fn condition(random: &mut Random) -> (String, Value) {
    let mut values = json!({});
    let mut parts = Vec::new();
    for number in 0..=random.below(2) {
        let name = format!(":c{number}");
        let attribute = random.pick(&["n", "s", "m.k", "l[0]", "ss", "hits", "id", "gone", "t"]);
        let root = attribute.split(['.', '[']).next().unwrap().to_owned();
        let kind = match attribute {
            "m.k" | "l[0]" => "n",
            "ss" => "s",
            _ => root.as_str(),
        };
        let (text, uses) = match random.below(9) {
            0 => (format!("attribute_exists({attribute})"), false),
            1 => (format!("attribute_not_exists({attribute})"), false),
            2 => (format!("{attribute} = {name}"), true),
            3 => (format!("{attribute} <> {name}"), true),
            4 => (format!("{attribute} >= {name}"), true),
            5 => (format!("contains({attribute}, {name})"), true),
            6 => (format!("{attribute} IN ({name}, other)"), true),
            7 => (format!("NOT {attribute} < {name}"), true),
            _ => (format!("size({attribute}) > {name}"), true),
        };
        if uses {
            // Operators that order or search take numbers and texts only; dynoxide does not check that everywhere.
            let plain = ["size", "contains", "NOT"].iter().any(|word| text.starts_with(word)) || text.contains(">=");
            values[&name] = match plain {
                true if text.starts_with("size") || kind == "n" || kind == "hits" => json!({"N": "1"}),
                true => json!({"S": "x"}),
                false => value(random, kind),
            };
        }
        parts.push(text);
    }
    (parts.join(random.pick(&[" AND ", " OR "])), values)
}

fn update(random: &mut Random) -> (String, Value) {
    let mut values = json!({});
    let mut set = Vec::new();
    let mut rest = String::new();
    let mut use_value = |random: &mut Random, attribute: &str| {
        let name = format!(":u{}", values.as_object().unwrap().len());
        values[&name] = value(random, attribute);
        name
    };
    if random.chance(60) {
        let name = use_value(random, "n");
        set.push(match random.below(4) {
            0 => format!("n = n + {name}"),
            1 => format!("n = if_not_exists(n, {name})"),
            2 => format!("m.k = {name}"),
            _ => format!("n = {name}"),
        });
    }
    if random.chance(30) {
        let name = use_value(random, "l");
        set.push(random.pick(&["l = list_append(l, V)", "l = V", "copied = n, other = V"]).replace('V', &name));
    }
    if random.chance(30) {
        rest.push_str(random.pick(&[" REMOVE s", " REMOVE gone", " REMOVE s, t"]));
    }
    if random.chance(40) {
        let name = use_value(random, "hits");
        rest.push_str(&format!(" ADD hits {name}"));
        if random.chance(40) {
            let name = use_value(random, "ss");
            rest.push_str(&format!(", ss {name}"));
        }
    }
    if set.is_empty() && !rest.contains("ADD") {
        let name = use_value(random, "s");
        set.push(format!("other = {name}"));
    }
    let set = if set.is_empty() { String::new() } else { format!("SET {}", set.join(", ")) };
    (format!("{set}{rest}").trim().to_owned(), values)
}

/// Adds an expression, most of the time.
fn add(body: &mut Value, member: &str, (text, values): (String, Value)) {
    body[member] = json!(text);
    for (name, value) in values.as_object().unwrap() {
        body["ExpressionAttributeValues"][name] = value.clone();
    }
}

fn request(random: &mut Random) -> (&'static str, Value) {
    let mut body = json!({"TableName": "Things"});
    match random.below(10) {
        0 | 1 => {
            body["Item"] = item(random);
            body["ReturnValues"] = json!(random.pick(&["NONE", "ALL_OLD"]));
            if random.chance(60) {
                add(&mut body, "ConditionExpression", condition(random));
                body["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
            }
            ("PutItem", body)
        }
        2..=4 => {
            body["Key"] = json!({"id": id(random)});
            add(&mut body, "UpdateExpression", update(random));
            body["ReturnValues"] = json!(random.pick(&["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"]));
            if random.chance(40) {
                add(&mut body, "ConditionExpression", condition(random));
            }
            ("UpdateItem", body)
        }
        5 => {
            body["Key"] = json!({"id": id(random)});
            body["ReturnValues"] = json!("ALL_OLD");
            if random.chance(60) {
                add(&mut body, "ConditionExpression", condition(random));
            }
            ("DeleteItem", body)
        }
        6 => {
            body["Key"] = json!({"id": id(random)});
            if random.chance(60) {
                body["ProjectionExpression"] = json!(random.pick(&["n, m.k", "l[0], gone", "s", "m"]));
            }
            ("GetItem", body)
        }
        7 => {
            add(&mut body, "FilterExpression", condition(random));
            if random.chance(30) {
                body["Select"] = json!("COUNT");
            }
            ("Scan", body)
        }
        8 => {
            add(
                &mut body,
                "FilterExpression",
                (
                    random.pick(&["n > :n OR s = :s", "n > :n AND id <> :s"]).to_owned(),
                    json!({":n": {"N": "1"}, ":s": {"S": "x"}}),
                ),
            );
            body["KeyConditionExpression"] = json!("id = :id");
            body["ExpressionAttributeValues"][":id"] = id(random);
            ("Query", body)
        }
        _ => {
            let mut actions = Vec::new();
            for key in ["a", "b", "c"].iter().take(1 + random.below(3)) {
                let mut part = json!({"TableName": "Things", "Key": {"id": {"S": key}}});
                add(&mut part, "ConditionExpression", condition(random));
                part["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
                actions.push(match random.below(4) {
                    0 => json!({"ConditionCheck": part}),
                    1 => json!({"Delete": part}),
                    2 => {
                        // A fault that only the stored item shows is told otherwise here, so there is none.
                        let values = json!({":u": value(random, "s"), ":h": {"N": "1"}});
                        add(
                            &mut part,
                            "UpdateExpression",
                            ("SET s = :u, t = :u REMOVE gone ADD other :h".to_owned(), values),
                        );
                        json!({"Update": part})
                    }
                    _ => {
                        part.as_object_mut().unwrap().remove("Key");
                        part["Item"] = item(random);
                        part["Item"]["id"] = json!({"S": key});
                        json!({"Put": part})
                    }
                });
            }
            ("TransactWriteItems", json!({"TransactItems": actions}))
        }
    }
}

fn table() -> Embedded {
    let database = Embedded::open(None).unwrap();
    let table = json!({
        "TableName": "Things", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    });
    assert!(database.call(&call("CreateTable", &table)).ok());
    database
}

fn exists(database: &Embedded, key: &Value) -> bool {
    let answer = database.call(&call("GetItem", &json!({"TableName": "Things", "Key": key})));
    serde_json::from_slice::<Value>(&answer.body).unwrap().get("Item").is_some()
}

/// What happened to the table, as a reader of its stream is told.
async fn changes(engine: &Engine, database: &Embedded) -> Vec<Value> {
    let ask = async |operation: &str, body: Value| -> Value {
        let answer = engine.call(database, call_service(Service::DynamoDbStreams, operation, &body)).await.unwrap();
        assert!(answer.ok(), "{}", String::from_utf8_lossy(&answer.body));
        serde_json::from_slice(&answer.body).unwrap()
    };
    let stream = &ask("ListStreams", json!({"TableName": "Things"})).await["Streams"][0]["StreamArn"];
    let described = ask("DescribeStream", json!({"StreamArn": stream})).await;
    let shard = &described["StreamDescription"]["Shards"][0]["ShardId"];
    let iterator = json!({"StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    let iterator = ask("GetShardIterator", iterator).await;
    let answer = ask("GetRecords", json!({"ShardIterator": iterator["ShardIterator"]})).await;
    let told = |record: &Value| {
        let change = &record["dynamodb"];
        json!([record["eventName"], change["Keys"], change["OldImage"], change["NewImage"]])
    };
    answer["Records"].as_array().unwrap().iter().map(|record| normal(&told(record))).collect()
}

fn engine() -> Engine {
    let schema = SchemaSpec {
        logical_name: "T".into(),
        partition_key: "id".into(),
        actions: vec![("id".into(), Action::SignOnly)],
        default_action: Some(Action::EncryptAndSign),
        unsigned: vec!["hits".into()],
        suite: Suite::Hmac,
        ..SchemaSpec::default()
    };
    // A test key.
    let ring = RawAes::new("test", "key", &[7; 32]).unwrap();
    // An update of the counter alone creates an unsealed item, as DynamoDB would; it may be read.
    let table = Table::new("Things".into(), schema.build().unwrap(), Provider::new(Arc::new(ring)), Plaintext::Read);
    Engine::new([table], Arc::new(RuntimeClock))
}

#[tokio::test]
async fn a_protected_table_answers_as_a_plain_one() {
    const STEPS: usize = 12;
    let number =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (first, sequences) = (number("DYNASEAL_SEED", 1), number("DYNASEAL_SEQUENCES", 2000));
    let engine = engine();
    let nothing = Engine::new([], Arc::new(RuntimeClock));
    let (mut answered, mut failed, mut changed) = (0, 0, 0);
    for seed in first..first + sequences {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let (plain, protected) = (table(), table());
        for step in 0..STEPS {
            let (operation, body) = request(&mut random);
            let creates = operation == "UpdateItem" && !exists(&plain, &body["Key"]);
            let expected = plain.call(&call(operation, &body));
            let answer = engine.call(&protected, call(operation, &body)).await.unwrap();
            let read = |body: &[u8]| normal(&serde_json::from_slice(body).unwrap());
            let (mut expected_body, mut answer_body) = (read(&expected.body), read(&answer.body));
            // dynoxide shows the key of an item that it has just created as the old item; DynamoDB shows nothing.
            if creates && body["ReturnValues"] == "ALL_OLD" {
                for body in [&mut expected_body, &mut answer_body] {
                    body.as_object_mut().unwrap().remove("Attributes");
                }
            }
            assert_eq!(
                (answer.status, &answer_body),
                (expected.status, &expected_body),
                "seed {seed}, step {step}: {operation} {body}"
            );
            if expected.ok() {
                answered += 1;
            } else {
                failed += 1;
            }
        }
        let expected = changes(&nothing, &plain).await;
        assert_eq!(changes(&engine, &protected).await, expected, "seed {seed}: the stream");
        changed += expected.len();
    }
    // Both outcomes must have been compared often.
    assert!(
        first != 1 || sequences < 100 || (answered > failed && failed * 10 > answered && changed * 4 > answered),
        "{answered} {failed} {changed}"
    );
}
