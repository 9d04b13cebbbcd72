//! Any answer to a call on a protected table: the engine does not panic, and shows nothing of a row that was not asked for,
//! nothing twice, and nothing of an encrypted attribute that was not sealed.
//!
//! The first byte picks the call, all of which ask for item 1; the second one the status of its answers. The rest is these
//! answers, divided by the byte ff, which no JSON holds; the last is for all further calls. In them the bytes 01 and 02
//! stand for items 1 and 2 as they are stored, and 03 for an older item 1.
#![no_main]

use std::sync::{LazyLock, Mutex};

use dynaseal_engine::{Answer, BoxFuture, Call, Engine, Service, Wire, WireError};
use dynaseal_fuzz::{Json, engine, ready};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let [pick, status, rest @ ..] = input else { return };
    let (operation, body, most) = CALLS[usize::from(*pick) % CALLS.len()];
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let answers: Vec<_> = rest.split(|byte| *byte == 0xff).map(filled).collect();
    // What an answer says openly was not opened here.
    if answers.iter().any(|answer| count(answer, ASKED) + count(answer, OTHER) > 0) {
        return;
    }
    let wire = Liar { status, answers, sent: Mutex::new(0) };
    let service = if operation == "GetRecords" { Service::DynamoDbStreams } else { Service::DynamoDb };
    match ready(ENGINE.call(&wire, Call::new(service, operation, body.as_bytes().to_vec()))) {
        Ok(answer) => {
            assert!([200, 400].contains(&answer.status), "{operation} passed status {}", answer.status);
            let shown = Json::parse(&answer.body).expect("an answer is JSON");
            let asks_for_all = ["Scan", "GetRecords"].contains(&operation);
            assert!(asks_for_all || shown.count(OTHER) == 0, "{operation} shows a row that was not asked for");
            assert!(shown.count(ASKED) <= most, "{operation} shows an item twice");
            assert!(!shows_forged(&shown), "{operation} shows what was not sealed");
        }
        Err(error) => {
            let words = format!("{error} {error:?} {}", error.hint());
            assert!(
                ![ASKED, OTHER, FORGED].iter().any(|value| words.contains(value)),
                "an error repeats a value: {words}"
            );
        }
    }
});

/// Answers what it is told to.
struct Liar {
    status: u16,
    answers: Vec<Vec<u8>>,
    sent: Mutex<usize>,
}

impl Wire for Liar {
    fn send(&self, _: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        let mut sent = self.sent.lock().unwrap();
        let body = self.answers.get(*sent).or(self.answers.last()).cloned().unwrap_or_default();
        *sent += 1;
        Box::pin(async move { Ok(Answer::new(self.status, body)) })
    }
}

/// Whether an attribute that is encrypted is shown with a value of the answer's own. What is unsigned is DynamoDB's.
fn shows_forged(shown: &Json) -> bool {
    match shown {
        Json::List(all) => all.iter().any(shows_forged),
        Json::Map(all) => all.iter().any(|(name, value)| match name.as_str() {
            "secret" => value.count(FORGED) > 0,
            "views" => false,
            _ => shows_forged(value),
        }),
        Json::Text(_) | Json::Other => false,
    }
}

fn count(json: &[u8], word: &str) -> usize {
    let text = String::from_utf8_lossy(json).matches(word).count();
    text + Json::parse(json).map_or(0, |json| json.count(word))
}

fn filled(answer: &[u8]) -> Vec<u8> {
    let mut filled = Vec::with_capacity(answer.len());
    for byte in answer {
        match STORED.get(usize::from(byte.wrapping_sub(1))) {
            Some(item) => filled.extend_from_slice(item.as_bytes()),
            None => filled.push(*byte),
        }
    }
    filled
}

static ENGINE: LazyLock<Engine> = LazyLock::new(engine);

/// What the first bytes stand for.
static STORED: LazyLock<[String; 3]> =
    LazyLock::new(|| [stored("1", ASKED), stored("2", OTHER), stored("1", &format!("{ASKED}-older"))]);

/// An item as the engine stores it.
fn stored(id: &str, secret: &str) -> String {
    struct Keeping(Mutex<Vec<u8>>);
    impl Wire for Keeping {
        fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
            *self.0.lock().unwrap() = call.body;
            Box::pin(async { Ok(Answer::new(200, b"{}".to_vec())) })
        }
    }
    let wire = Keeping(Mutex::default());
    let item = format!(r#"{{"id":{{"S":"{id}"}},"kind":{{"N":"7"}},"secret":{{"S":"{secret}"}},"views":{{"N":"0"}}}}"#);
    let body = format!(r#"{{"TableName":"Vault","Item":{item}}}"#).into_bytes();
    ready(ENGINE.call(&wire, Call::new(Service::DynamoDb, "PutItem", body))).expect("a valid item");
    let sent = wire.0.into_inner().unwrap();
    serde_json::from_slice::<serde_json::Value>(&sent).expect("a request")["Item"].to_string()
}

/// Words that no base64 holds by chance.
const ASKED: &str = "papuga-zielona";
const OTHER: &str = "sroka-czarna";
const FORGED: &str = "wrona-siwa";
const STATUSES: [u16; 4] = [200, 400, 201, 204];
/// A failed condition on an encrypted attribute, and an item to see for it.
const GUARDED: &str = r#"{"TableName":"Vault","Key":{"id":{"S":"1"}},"ConditionExpression":"secret = :s",
    "ExpressionAttributeValues":{":s":{"S":"x"}},"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}"#;
/// Operations with their requests, and how often at most what is secret of item 1 is answered.
const CALLS: [(&str, &str, usize); 18] = [
    ("GetItem", r#"{"TableName":"Vault","Key":{"id":{"S":"1"}}}"#, 1),
    ("GetItem", r#"{"TableName":"Vault","Key":{"id":{"S":"1"}},"ProjectionExpression":"secret"}"#, 1),
    ("PutItem", r#"{"TableName":"Vault","Item":{"id":{"S":"1"},"secret":{"S":"x"}},"ReturnValues":"ALL_OLD"}"#, 1),
    ("DeleteItem", r#"{"TableName":"Vault","Key":{"id":{"S":"1"}},"ReturnValues":"ALL_OLD"}"#, 1),
    ("DeleteItem", GUARDED, 1),
    (
        "UpdateItem",
        r#"{"TableName":"Vault","Key":{"id":{"S":"1"}},"UpdateExpression":"SET more = :v","ReturnValues":"ALL_NEW",
        "ExpressionAttributeValues":{":v":{"S":"x"}}}"#,
        1,
    ),
    (
        "UpdateItem",
        r#"{"TableName":"Vault","Key":{"id":{"S":"1"}},"UpdateExpression":"ADD views :v","ReturnValues":"UPDATED_NEW",
        "ExpressionAttributeValues":{":v":{"N":"1"}}}"#,
        0,
    ),
    ("BatchGetItem", r#"{"RequestItems":{"Vault":{"Keys":[{"id":{"S":"1"}},{"id":{"S":"3"}}]}}}"#, 1),
    (
        "BatchWriteItem",
        r#"{"RequestItems":{"Vault":[{"PutRequest":{"Item":{"id":{"S":"1"},"secret":{"S":"x"}}}},
        {"DeleteRequest":{"Key":{"id":{"S":"3"}}}}]}}"#,
        0,
    ),
    (
        "Query",
        r#"{"TableName":"Vault","KeyConditionExpression":"id = :i","ExpressionAttributeValues":{":i":{"S":"1"}}}"#,
        1,
    ),
    (
        "Query",
        r#"{"TableName":"Vault","IndexName":"by","KeyConditionExpression":"id < :i",
        "ExpressionAttributeValues":{":i":{"S":"2"}}}"#,
        usize::MAX,
    ),
    (
        "Scan",
        r#"{"TableName":"Vault","FilterExpression":"id < :i","ExpressionAttributeValues":{":i":{"S":"2"}}}"#,
        usize::MAX,
    ),
    ("TransactGetItems", r#"{"TransactItems":[{"Get":{"TableName":"Vault","Key":{"id":{"S":"1"}}}}]}"#, 1),
    (
        "TransactWriteItems",
        r#"{"TransactItems":[{"ConditionCheck":{"TableName":"Vault","Key":{"id":{"S":"1"}},
        "ConditionExpression":"attribute_exists(id)","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}}]}"#,
        1,
    ),
    ("ExecuteStatement", r#"{"Statement":"SELECT secret FROM Vault WHERE id = '1'"}"#, usize::MAX),
    ("ExecuteStatement", r#"{"Statement":"DELETE FROM Vault WHERE id = '1' RETURNING ALL OLD *"}"#, 1),
    ("ExecuteTransaction", r#"{"TransactStatements":[{"Statement":"SELECT * FROM Vault WHERE id = '1'"}]}"#, 1),
    ("GetRecords", r#"{"ShardIterator":"dynaseal-1/Vault/AAAA"}"#, usize::MAX),
];
