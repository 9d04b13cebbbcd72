//! Any request on a protected table, and any answer to it: the engine neither panics nor sends on what it must seal, and
//! what it says of its plan repeats no value.
//!
//! The first byte picks the operation. Up to the first byte ff, which no JSON holds, the rest is the request's body; what
//! follows are answers, again divided by ff, for each call that is sent one, and the last for all further calls. Where one
//! is empty or lacking, reads find an item that this engine sealed, and writes get back what was sent.
#![no_main]

use std::sync::{LazyLock, Mutex};

use dynaseal_engine::{Answer, BoxFuture, Call, Engine, Service, Wire, WireError};
use dynaseal_fuzz::{Json, TABLE, engine, ready};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((pick, rest)) = input.split_first() else { return };
    let operation = OPERATIONS[usize::from(*pick) % OPERATIONS.len()];
    let mut parts = rest.split(|byte| *byte == 0xff).map(<[u8]>::to_vec);
    let body = parts.next().unwrap_or_default();
    let wire = MemoryWire { answers: parts.collect(), sent: Mutex::default() };
    let service = if STREAMS.contains(&operation) { Service::DynamoDbStreams } else { Service::DynamoDb };
    let call = Call::new(service, operation, body.clone());
    let explained = ENGINE.explain(&call).map_or_else(|error| error.to_string(), |plan| format!("{plan:?}"));
    let outcome = ready(ENGINE.call(&wire, call));
    if let Ok(opened) = ready(ENGINE.open_records(&wire, Some(TABLE), &String::from_utf8_lossy(&body))) {
        assert!(Json::parse(&opened).is_some(), "opened records are not JSON");
    }

    let sealed = must_seal_all(operation, &body);
    assert!(!sealed || !explained.contains(CANARY), "the plan repeats a value: {explained}");
    let given = |word: &str| wire.answers.iter().chain([&body]).any(|part| count(part, word) > 0);
    if let Err(error) = &outcome {
        let words = format!("{error} {error:?} {}", error.hint());
        // Errors name tables and attributes, so only a canary that stands in no name may not be repeated.
        assert!(!sealed || !words.contains(CANARY), "an error repeats a value: {words}");
        assert!(!words.contains(STORED_CANARY) || given(STORED_CANARY), "an error repeats what is stored: {words}");
    }
    let told = wire.answers.iter().any(|answer| count(answer, CANARY) > 0);
    let copied = given(STORED_CANARY) || updates_plain(operation, &body);
    for (number, sent) in wire.sent.into_inner().unwrap().iter().enumerate() {
        // What is sent after an answer can be under the condition that an attribute, which it showed, is still the same.
        let judged = sealed && (number == 0 || !told);
        assert!(!judged || count(sent, CANARY) == 0, "plaintext was sent on by {operation}");
        assert!(copied || count(sent, STORED_CANARY) == 0, "stored plaintext was sent on by {operation}");
    }
});

/// Answers what it is told to, or as a table of one item would, and keeps what was sent.
struct MemoryWire {
    answers: Vec<Vec<u8>>,
    sent: Mutex<Vec<Vec<u8>>>,
}

impl Wire for MemoryWire {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        let mut sent = self.sent.lock().unwrap();
        let told = self.answers.get(sent.len()).or(self.answers.last()).filter(|answer| !answer.is_empty());
        sent.push(call.body.clone());
        let body = told.cloned().unwrap_or_else(|| match &*call.operation {
            "GetItem" => format!(r#"{{"Item":{}}}"#, *STORED).into_bytes(),
            "GetRecords" => format!(r#"{{"Records":[{{"dynamodb":{{"NewImage":{}}}}}]}}"#, *STORED).into_bytes(),
            "Query" | "Scan" => format!(r#"{{"Items":[{}],"Count":1,"ScannedCount":1}}"#, *STORED).into_bytes(),
            _ => call.body,
        });
        let failed = Json::parse(&body).is_some_and(|body| body.all("__type").next().is_some());
        Box::pin(async move { Ok(Answer::new(if failed { 400 } else { 200 }, body)) })
    }
}

/// Whether the canary stands in values that the operation must encrypt, and nowhere else.
fn must_seal_all(operation: &str, body: &[u8]) -> bool {
    let Some(body) = Json::parse(body) else { return false };
    let all = body.count(CANARY);
    let items = items(operation, &body).into_iter().map(encrypted_canaries).sum::<usize>();
    let values = conditional(operation, &body).into_iter().map(compared_canaries).sum::<usize>();
    let statements = statements(operation, &body).into_iter().map(stated_canaries).sum::<usize>();
    all > 0 && all == items + values + statements
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

/// The objects with expressions on the protected table.
fn conditional<'j>(operation: &str, body: &'j Json) -> Vec<&'j Json> {
    match operation {
        "TransactWriteItems" => {
            let actions = body.all("TransactItems").flat_map(elements).flat_map(members);
            actions.map(|(_, action)| action).filter(|action| on_table(action)).collect()
        }
        "PutItem" | "DeleteItem" | "UpdateItem" | "Query" | "Scan" if on_table(body) => vec![body],
        _ => Vec::new(),
    }
}

/// Canaries in values that every expression only compares with encrypted attributes or writes to them.
fn compared_canaries(object: &Json) -> usize {
    let values = object.all("ExpressionAttributeValues").flat_map(members);
    let compared = values.filter(|(placeholder, _)| {
        let uses = |member: &'static str| {
            let expressions = object.all(member).filter_map(text).map(tokens);
            let all: Vec<bool> = expressions
                .flat_map(|words| {
                    let uses = words.iter().enumerate().filter(|(_, word)| *word == placeholder).map(|(at, _)| at);
                    uses.map(|at| is_for_encrypted(object, member, &words[..at])).collect::<Vec<_>>()
                })
                .collect();
            all
        };
        let uses: Vec<bool> = EXPRESSIONS.into_iter().flat_map(uses).collect();
        !uses.is_empty() && uses.into_iter().all(|compared| compared)
    });
    compared.map(|(_, value)| value.count(CANARY)).sum()
}

/// The objects with a PartiQL statement.
fn statements<'j>(operation: &str, body: &'j Json) -> Vec<&'j Json> {
    match operation {
        "ExecuteStatement" => vec![body],
        "BatchExecuteStatement" => body.all("Statements").flat_map(elements).collect(),
        "ExecuteTransaction" => body.all("TransactStatements").flat_map(elements).collect(),
        _ => Vec::new(),
    }
}

/// Canaries in values that a statement on the protected table only compares with encrypted attributes or writes to them, as
/// parameters or as literals. Says so of the plainest forms only: `'a': ?` in an INSERT, and `a = ?`.
fn stated_canaries(holder: &Json) -> usize {
    let words: Vec<String> = holder.all("Statement").filter_map(text).flat_map(tokens).collect();
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    let start =
        words.iter().position(|word| ["FROM", "INTO", "UPDATE"].iter().any(|start| word.eq_ignore_ascii_case(start)));
    let Some(name) = start.map(|at| at + 1) else { return 0 };
    let parameters: Vec<_> = holder.all("Parameters").flat_map(elements).collect();
    let marks: Vec<_> = (0..words.len()).filter(|at| word(*at) == "?").collect();
    let on_table = word(name) == TABLE || (word(name) == "\"" && word(name + 1) == TABLE);
    if !on_table || marks.len() != parameters.len() {
        return 0;
    }
    let literals = (0..words.len()).filter(|at| [word(*at), word(at + 1), word(at + 2)] == ["'", CANARY, "'"]);
    let parameters = marks.into_iter().zip(parameters).map(|(at, value)| (at, value.count(CANARY)));
    let all = literals.map(|at| (at, 1)).chain(parameters);
    all.filter(|(at, _)| is_stated_for_encrypted(&words, *at)).map(|(_, count)| count).sum()
}

fn is_stated_for_encrypted(words: &[String], at: usize) -> bool {
    let back = |steps: usize| at.checked_sub(steps).map_or("", |at| words[at].as_str());
    let is_encrypted = |word: &str| word.starts_with(char::is_alphabetic) && !PLAIN.contains(&word);
    if back(at).eq_ignore_ascii_case("INSERT") {
        let is_flat = words.iter().filter(|word| *word == "{").count() == 1 && !words.iter().any(|word| word == "[");
        return is_flat && [back(1), back(2), back(4)] == [":", "'", "'"] && is_encrypted(back(3));
    }
    let starts = ["WHERE", "AND", "OR", "SET", ","].iter().any(|start| back(3).eq_ignore_ascii_case(start));
    starts && back(1) == "=" && is_encrypted(back(2))
}

/// Whether the value that comes after these words of an expression is one for an encrypted attribute. Says so of the
/// plainest forms only: `a = :v`, `begins_with(a, :v)`, `SET a = :v` and `ADD a :v`.
fn is_for_encrypted(object: &Json, member: &str, before: &[String]) -> bool {
    let back = |steps: usize| before.len().checked_sub(steps).map_or("", |at| before[at].as_str());
    let section = |word: &str| ["SET", "ADD", "DELETE", ","].iter().any(|start| word.eq_ignore_ascii_case(start));
    let comparison = |word: &str| !word.is_empty() && word.chars().all(|letter| "<>=".contains(letter));
    match member {
        "UpdateExpression" if back(1) == "=" => section(back(3)) && is_encrypted(object, back(2)),
        "UpdateExpression" => section(back(2)) && is_encrypted(object, back(1)),
        "ConditionExpression" | "FilterExpression" => {
            (comparison(back(1)) || back(1) == ",") && back(3) != "." && is_encrypted(object, back(2))
        }
        _ => false,
    }
}

fn is_encrypted(object: &Json, word: &str) -> bool {
    let mut names = object.all("ExpressionAttributeNames").flat_map(members).filter(|(name, _)| name == word);
    let name = if word.starts_with('#') { names.next().and_then(|(_, name)| text(name)) } else { Some(word) };
    let is_name = |name: &str| name.starts_with(char::is_alphabetic) && !PLAIN.contains(&name);
    name.is_some_and(is_name)
}

/// Whether an update names what is stored in the clear, and so can ask to copy there what was encrypted.
fn updates_plain(operation: &str, body: &[u8]) -> bool {
    let Some(body) = Json::parse(body) else { return false };
    let conditional = conditional(operation, &body);
    let updates = conditional.iter().flat_map(|object| object.all("UpdateExpression"));
    let names = conditional.iter().flat_map(|object| object.all("ExpressionAttributeNames")).flat_map(members);
    let statements = statements(operation, &body).into_iter().flat_map(|holder| holder.all("Statement"));
    let words = updates.chain(statements).filter_map(text).flat_map(tokens);
    words.chain(names.filter_map(|(_, name)| text(name)).map(str::to_owned)).any(|name| PLAIN.contains(&name.as_str()))
}

/// Words, placeholders, comparators and single signs of an expression.
fn tokens(expression: &str) -> Vec<String> {
    let kind = |letter: char| match letter {
        letter if letter.is_alphanumeric() || letter == '_' => 'w',
        '<' | '=' | '>' => '=',
        letter => letter,
    };
    let mut all: Vec<String> = Vec::new();
    let mut last = ' ';
    for letter in expression.chars() {
        let this = kind(letter);
        let joins = matches!((last, this), ('w' | '#' | ':', 'w') | ('=', '='));
        match all.last_mut().filter(|_| joins) {
            Some(word) => word.push(letter),
            None if letter.is_whitespace() => {}
            None => all.push(letter.to_string()),
        }
        last = this;
    }
    all
}

fn on_table(object: &Json) -> bool {
    object.all("TableName").any(|name| matches!(name, Json::Text(name) if ours(name)))
}

/// By name or ARN, the first part of it misspelt or not.
fn ours(table: &str) -> bool {
    table == TABLE || table.split_once(":table/").is_some_and(|(_, name)| name == TABLE)
}

fn text(json: &Json) -> Option<&str> {
    if let Json::Text(text) = json { Some(text) } else { None }
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

fn count(json: &[u8], word: &str) -> usize {
    let text = String::from_utf8_lossy(json).matches(word).count();
    text + Json::parse(json).map_or(0, |json| json.count(word))
}

static ENGINE: LazyLock<Engine> = LazyLock::new(engine);

/// An item as the engine stores it.
static STORED: LazyLock<String> = LazyLock::new(|| {
    let wire = MemoryWire { answers: vec![b"{}".to_vec()], sent: Mutex::default() };
    let body =
        format!(r#"{{"TableName":"{TABLE}","Item":{PLAIN_ITEM}}}"#).replace("STORED", STORED_CANARY).into_bytes();
    let put = Call::new(Service::DynamoDb, "PutItem", body);
    ready(ENGINE.call(&wire, put)).expect("a valid item");
    let sent = wire.sent.into_inner().unwrap().remove(0);
    serde_json::from_slice::<serde_json::Value>(&sent).expect("a request")["Item"].to_string()
});

const CANARY: &str = "kanari";
/// Stands in every encrypted attribute of the stored item; no base64 holds it by chance.
const STORED_CANARY: &str = "papuga-zielona";
const PLAIN_ITEM: &str = r#"{"id":{"S":"1"},"kind":{"N":"7"},"views":{"N":"0"},"secret":{"S":"STORED"},"amount":{"N":"5"},
    "labels":{"SS":["STORED","b"]},"deep":{"M":{"a":{"L":[{"S":"STORED"},{"N":"1"}]}}}}"#;
/// Members that can hold placeholders of values.
const EXPRESSIONS: [&str; 5] =
    ["ConditionExpression", "FilterExpression", "KeyConditionExpression", "ProjectionExpression", "UpdateExpression"];
/// What the configuration leaves readable.
const PLAIN: [&str; 3] = ["id", "kind", "views"];
/// Operations of DynamoDB Streams.
const STREAMS: [&str; 2] = ["GetRecords", "GetShardIterator"];
const OPERATIONS: [&str; 19] = [
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
    "GetRecords",
    "GetShardIterator",
];
