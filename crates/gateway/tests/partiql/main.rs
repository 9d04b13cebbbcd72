//! PartiQL through encryption: the same random statements against a plain table and against a protected one, in which every
//! attribute but the key and a counter is encrypted, must give the same answers, page by page, and the same stream. A
//! failure prints its seed and the smallest sequence that shows it; `DYNASEAL_SEED` starts there, `DYNASEAL_SEQUENCES` says
//! how many to try.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests, not tests themselves")]

#[allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]
#[path = "../random/mod.rs"]
mod random;

#[allow(unreachable_pub, reason = "a module of one test")]
mod generate;

use std::sync::Arc;

use dynaseal_engine::{Engine, Plaintext, Table};
use dynaseal_gateway::{Embedded, RuntimeClock};
use dynaseal_item::{Action, SchemaSpec, Suite};
use dynaseal_keys::{Provider, RawAes};
use generate::request;
use random::compare::{Difference, Exception, Request, Sides, Tally};
use random::run::{seeded, sequences};
use random::spoil::{ODDITIES, each_value, is_spoiled, oddity, pad, spoil};
use random::{Random, call};
use serde_json::{Value, json};

fn table() -> Embedded {
    let database = Embedded::open(None).unwrap();
    let table = json!({
        "TableName": "Things", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "pos", "AttributeType": "N"},
        ],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "pos", "KeyType": "RANGE"}],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    });
    assert!(database.call(&call("CreateTable", &table)).ok());
    database
}

fn engine() -> Engine {
    let schema = SchemaSpec {
        logical_name: "T".into(),
        partition_key: "id".into(),
        sort_key: Some("pos".into()),
        actions: vec![("id".into(), Action::SignOnly), ("pos".into(), Action::SignOnly)],
        default_action: Some(Action::EncryptAndSign),
        unsigned: vec!["hits".into()],
        suite: Suite::Hmac,
        ..SchemaSpec::default()
    };
    // A test key.
    let ring = RawAes::new("test", "key", &[7; 32]).unwrap();
    let table = Table::new("Things".into(), schema.build().unwrap(), Provider::new(Arc::new(ring)), Plaintext::Forbid);
    Engine::new([table], Arc::new(RuntimeClock))
}

async fn differs(engine: &Engine, requests: &[Request], tally: &mut Tally) -> Option<Difference> {
    let (plain, protected) = (table(), table());
    let exception = |_: &Embedded, request: &Request| match is_spoiled(request) {
        // Which of several faults is told first is not compared.
        true => Exception::Forgive(without_messages),
        false => Exception::None,
    };
    let sides = Sides { plain: &plain, engine, protected: &protected, exception, streams: &["Things"] };
    sides.compare(requests, tally).await
}

#[tokio::test]
async fn statements_on_a_protected_table_answer_as_on_a_plain_one() {
    const STEPS: usize = 14;
    let engine = engine();
    let one = |random: &mut Random| {
        let mut request = request(random);
        match random.below(100) {
            0..=7 => spoil(random, &mut request),
            8..=15 => pad(random, &mut request),
            _ => {}
        }
        request
    };
    let sequence = |random: &mut Random| (0..STEPS).map(|_| one(random)).collect();
    let mut counts = std::collections::BTreeMap::<_, usize>::new();
    for seed in 1..=SEQUENCES {
        let made: Vec<Request> = sequence(&mut seeded(seed));
        made.iter().for_each(|request| {
            each_value(request, |_, _, value| {
                oddity(value).into_iter().for_each(|odd| *counts.entry(odd).or_default() += 1);
            });
        });
    }
    for odd in ODDITIES {
        assert!(counts.get(odd).is_some_and(|count| *count >= 5), "{odd}: {counts:?}");
    }
    let differs = async |_, requests: &[Request], tally: &mut Tally| differs(&engine, requests, tally).await;
    if let Some(tally) = sequences(SEQUENCES, sequence, differs).await {
        let (answered, refused) = tally.sum();
        assert!(answered > refused && refused * 10 > answered, "{tally:?}");
    }
}

/// Sequences of a usual run.
const SEQUENCES: u64 = 400;

/// An answer without what it says of faults.
fn without_messages(answer: &mut Value) {
    let Some(members) = answer.as_object_mut() else { return };
    members.remove("message");
    for list in ["Responses", "CancellationReasons"] {
        for one in members.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(error) = one.get_mut("Error").and_then(Value::as_object_mut) {
                error.remove("Message");
            }
            one.as_object_mut().map(|one| one.remove("Message"));
        }
    }
}

/// Statements that random ones seldom are, most of which DynamoDB refuses.
const ODD: [&str; 39] = [
    "INSERT INTO Things VALUE {'id': 'a', 'pos': 1, 'n': 1, 's': 'it''s', 'm': {'k': {'x': [1, NULL]}}, 'l': [1, 2, 3]}",
    "INSERT INTO Things VALUE {'id': 'a', 'pos': 1}",
    "INSERT INTO Things VALUE {'id': 'a', 'pos': 1.0, 'n': 2}",
    "SELECT m.k.x, l[1], l[9] FROM Things WHERE id = 'a'",
    "SELECT * FROM Things WHERE id = 'a' AND s = 'it''s'",
    "SELECT * FROM Things WHERE id = 'a' ORDER BY n",
    "SELECT * FROM Things ORDER BY pos",
    "SELECT * FROM Things WHERE pos = 1 ORDER BY pos",
    "SELECT * FROM Things WHERE id IN ['a', 'b'] ORDER BY pos",
    "SELECT * FROM Things WHERE id IN ['a', 'a']",
    "SELECT id FROM Things WHERE id IN ('b', 'a') ORDER BY id, pos",
    "SELECT id FROM Things WHERE id IN ('b', 'a') ORDER BY id DESC",
    "SELECT * FROM Things WHERE n = ?",
    "SELECT * FROM Things WHERE n > TRUE",
    "SELECT * FROM Things WHERE s NOT BETWEEN [1] AND 2",
    "SELECT * FROM Things WHERE n IN (n)",
    "SELECT * FROM Things WHERE s = s",
    "SELECT * FROM Things WHERE begins_with(s, 1)",
    "SELECT * FROM Things WHERE id = TRUE",
    "SELECT * FROM Things WHERE n = 1 AND n = 1.0 AND id = 'a'",
    "UPDATE Things SET n = 2",
    "UPDATE Things SET n = 2 WHERE id = 'a'",
    "UPDATE Things SET n = 2 WHERE id = 'a' OR pos = 1",
    "UPDATE Things SET n = 2 WHERE id = 'a' AND pos IN [1]",
    "UPDATE Things SET n = 2 WHERE id = 'a' AND id = 'b' AND pos = 1",
    "UPDATE Things SET n = 2 WHERE id = 'a' AND id = 'a' AND pos = 1 RETURNING MODIFIED OLD *",
    "UPDATE Things SET n = 2 WHERE id = 'a' AND pos = [1]",
    "UPDATE Things SET pos = 2 WHERE id = 'a' AND pos = 1",
    "UPDATE Things REMOVE id WHERE id = 'gone' AND pos = 1",
    "UPDATE Things SET m = 1, m.k = 2 WHERE id = 'a' AND pos = 1",
    "UPDATE Things SET m.k = 1 REMOVE m WHERE id = 'gone' AND pos = 1",
    "UPDATE Things SET gone.x = 1 WHERE id = 'a' AND pos = 1",
    "UPDATE Things SET n = s + 1 WHERE id = 'a' AND pos = 1",
    "UPDATE Things SET l[1] = 'x' REMOVE l[0] WHERE id = 'a' AND pos = 1 RETURNING ALL NEW *",
    "UPDATE \"Things\".\"x\" SET n = 1 WHERE id = 'a' AND pos = 1",
    "DELETE FROM Things WHERE id = 'a'",
    "DELETE FROM Things WHERE id = 'a' AND pos = 1 AND n = 7 RETURNING ALL OLD *",
    "DELETE FROM Things WHERE id = 'a' AND pos = 1 RETURNING MODIFIED NEW *",
    "DELETE FROM Things WHERE id = 'a' AND pos = 1 RETURNING ALL OLD *",
];

/// Transactions that DynamoDB refuses as a whole.
const ODD_TRANSACTIONS: [[&str; 2]; 8] = [
    [
        "DELETE FROM Things WHERE id = 'a' AND pos = 1",
        "DELETE FROM Things WHERE id = 'b' AND pos = 1 RETURNING ALL OLD *",
    ],
    ["SELECT * FROM Things WHERE id = 'a' AND pos = 1", "SELECT * FROM \"Things\".\"x\" WHERE id = 'a'"],
    ["SELECT * FROM Things WHERE id = 'a' AND pos = 1", "DELETE FROM Things WHERE id = 'b' AND pos = 1"],
    ["SELECT * FROM Things WHERE id = 'a' AND pos = 1", "SELECT * FROM Things WHERE id = 'a'"],
    ["SELECT * FROM Things WHERE id = 'a' AND pos = 1 AND n = 1", "SELECT * FROM Things WHERE id = 'a' AND pos = 2"],
    ["SELECT * FROM Things WHERE id = 'a' AND pos = 1", "SELECT n FROM Things WHERE pos IN [1.0] AND id = 'a'"],
    ["DELETE FROM Things WHERE id = 'a' AND pos = 1", "INSERT INTO Things VALUE {'id': 'a', 'pos': 1}"],
    ["UPDATE Things SET n = ? WHERE id = 'a' AND pos = 1", "DELETE FROM Things WHERE id = 'a' AND pos = 2"],
];

#[tokio::test]
async fn odd_statements_are_answered_in_the_same_words() {
    let engine = engine();
    let statements = ODD.map(|statement| ("ExecuteStatement", json!({ "Statement": statement })));
    let transactions = ODD_TRANSACTIONS.map(|statements| {
        let statements = statements.map(|statement| json!({ "Statement": statement }));
        ("ExecuteTransaction", json!({ "TransactStatements": statements }))
    });
    let request = |(operation, body): (&str, Value)| Request { operation: operation.to_owned(), body };
    let requests: Vec<_> = statements.into_iter().chain(transactions).map(request).collect();
    let difference = differs(&engine, &requests, &mut Tally::default()).await;
    assert!(difference.is_none(), "{}", difference.unwrap());
}
