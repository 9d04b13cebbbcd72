//! Any request on a protected table, and any answer to it: the engine neither panics nor sends on what it must seal.
//!
//! The first byte picks the operation. Up to the first byte ff, which no JSON holds, the rest is the request's body;
//! what follows is the answer's, or what was sent if nothing follows, so that the engine opens what it sealed.
#![no_main]

use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll, Waker};

use dynaseal_engine::{Answer, BoxFuture, Call, Config, Engine, Error, Outside, Service, SystemClock, Wire, WireError};
use dynaseal_fuzz::Json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((pick, rest)) = input.split_first() else { return };
    let operation = OPERATIONS[usize::from(*pick) % OPERATIONS.len()];
    let mut parts = rest.splitn(2, |byte| *byte == 0xff);
    let body = parts.next().unwrap_or_default().to_vec();
    let wire = MemoryWire { answer: parts.next().map(<[u8]>::to_vec), sent: Mutex::default() };
    let call = Call { service: Service::DynamoDb, operation: operation.into(), body: body.clone() };
    let outcome = ready(ENGINE.call(&wire, call));

    if let Err(error) = &outcome {
        let words = format!("{error} {error:?} {}", error.hint());
        // Errors name tables and attributes, so only a canary that stands in no name may not be repeated.
        assert!(!must_seal_all(operation, &body) || !words.contains(CANARY), "an error repeats a value: {words}");
    }
    for sent in wire.sent.into_inner().unwrap() {
        assert!(!must_seal_all(operation, &body) || count(&sent) == 0, "plaintext was sent on by {operation}");
    }
});

/// Answers what it is told to, or echoes the request, and keeps what was sent.
struct MemoryWire {
    answer: Option<Vec<u8>>,
    sent: Mutex<Vec<Vec<u8>>>,
}

impl Wire for MemoryWire {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        self.sent.lock().unwrap().push(call.body.clone());
        let body = self.answer.clone().unwrap_or(call.body);
        Box::pin(async { Ok(Answer { status: 200, request_id: None, body }) })
    }
}

/// Whether the canary stands in values that the operation must encrypt, and nowhere else.
fn must_seal_all(operation: &str, body: &[u8]) -> bool {
    let Some(body) = Json::parse(body) else { return false };
    let all = body.count(CANARY);
    all > 0 && all == items(operation, &body).into_iter().map(encrypted_canaries).sum::<usize>()
}

/// The items for the protected table, where the operation's own members lead to them.
fn items<'j>(operation: &str, body: &'j Json) -> Vec<&'j Json> {
    match operation {
        "BatchWriteItem" | "BatchGetItem" => {
            let tables = body.all("RequestItems").flat_map(members).filter(|(name, _)| ours(name));
            let writes = tables.flat_map(|(_, writes)| elements(writes));
            writes.flat_map(|write| write.all("PutRequest")).flat_map(|put| put.all("Item")).collect()
        }
        "TransactWriteItems" | "TransactGetItems" => {
            let puts = body.all("TransactItems").flat_map(elements).flat_map(|action| action.all("Put"));
            puts.filter(|put| on_table(put)).flat_map(|put| put.all("Item")).collect()
        }
        "PutItem" | "GetItem" | "DeleteItem" | "UpdateItem" | "Query" | "Scan" if on_table(body) => {
            body.all("Item").collect()
        }
        _ => Vec::new(),
    }
}

fn on_table(object: &Json) -> bool {
    object.all("TableName").any(|name| matches!(name, Json::Text(name) if ours(name)))
}

/// By name or ARN, the first part of it misspelt or not.
fn ours(table: &str) -> bool {
    table == TABLE || table.split_once(":table/").is_some_and(|(_, name)| name == TABLE)
}

fn members(object: &Json) -> &[(String, Json)] {
    if let Json::Map(all) = object { all } else { &[] }
}

fn elements(list: &Json) -> &[Json] {
    if let Json::List(all) = list { all } else { &[] }
}

fn encrypted_canaries(item: &Json) -> usize {
    members(item).iter().filter(|(name, _)| !PLAIN.contains(&name.as_str())).map(|(_, value)| value.count(CANARY)).sum()
}

fn count(sent: &[u8]) -> usize {
    let text = String::from_utf8_lossy(sent).matches(CANARY).count();
    text + Json::parse(sent).map_or(0, |json| json.count(CANARY))
}

/// Raw keys need no network and the wire answers at once, so one poll is enough.
fn ready(call: impl Future<Output = Result<Answer, Error>>) -> Result<Answer, Error> {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("the engine waits for something other than the wire"),
    }
}

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let config = Config::parse(CONFIG, "fuzz.toml", &TestKey).expect("a valid configuration");
    Engine::new(config.tables.into_values(), Arc::new(SystemClock))
});

struct TestKey;

impl Outside for TestKey {
    fn env(&self, _: &str) -> Option<String> {
        Some("5a".repeat(32))
    }

    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn others_can_read(&self, _: &Path) -> bool {
        false
    }
}

const CANARY: &str = "kanari";
const TABLE: &str = "Vault";
/// What the configuration leaves readable.
const PLAIN: [&str; 3] = ["id", "kind", "views"];
const CONFIG: &str = r#"
    [keys.main]
    type = "raw-aes"
    namespace = "fuzz"
    name = "test"
    key_env = "TEST_KEY"
    [tables.Vault]
    keys = "main"
    partition_key = "id"
    suite = "hmac"
    default_action = "encrypt_and_sign"
    unsigned = ["views"]
    [tables.Vault.attributes]
    id = "sign_only"
    kind = "sign_only"
"#;
const OPERATIONS: [&str; 17] = [
    "PutItem",
    "GetItem",
    "DeleteItem",
    "UpdateItem",
    "BatchWriteItem",
    "BatchGetItem",
    "Query",
    "Scan",
    "TransactWriteItems",
    "TransactGetItems",
    "ExecuteStatement",
    "BatchExecuteStatement",
    "ExecuteTransaction",
    "CreateTable",
    "UpdateTable",
    "UpdateTimeToLive",
    "SomethingNew",
];
