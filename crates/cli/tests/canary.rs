//! No plaintext outside: markers in every attribute are searched for in everything that the process wrote, over calls
//! that succeed and calls that fail.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper of a test may panic, as the test may")]

mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use serde_json::{Value, json};
use support::{Gateway, TEST_KEY};

#[test]
fn no_marker_is_found_in_anything_that_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(folder.path(), "gateway", &config(), VERBOSE, TEST_KEY);
    let mut calls = Calls { address: gateway.address.clone(), failures: 0 };

    succeed(&mut calls);
    fail(&mut calls);
    damage(folder.path(), &mut calls);
    for path in ["/metrics", "/healthz"] {
        let (status, text) = http(&calls.address, "GET", path, None, b"");
        assert_eq!(status, 200, "{path}");
        assert_clean(path, text.as_bytes(), &[&SECRETS, &READABLE]);
    }
    // The files of a running database, its write-ahead log among them, and then those that it leaves.
    assert!(folder.path().join("data.db-wal").exists(), "no write-ahead log, so nothing there was searched");
    assert_folder_is_clean(folder.path());
    gateway.stop();
    assert_folder_is_clean(folder.path());

    another_key(folder.path());
    upstream_down(folder.path());
    assert_folder_is_clean(folder.path());
    assert!(calls.failures >= 20, "only {} calls failed", calls.failures);
}

/// Every operation that stores or returns items.
fn succeed(calls: &mut Calls) {
    let table = json!({
        "TableName": "Vault", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    });
    calls.ok("CreateTable", &table);
    calls.ok("PutItem", &json!({"TableName": "Vault", "Item": item("1")}));
    calls.ok("PutItem", &json!({"TableName": "Vault", "Item": item("1"), "ReturnValues": "ALL_OLD"}));
    let batch = json!([{"PutRequest": {"Item": item("2")}}, {"PutRequest": {"Item": item("3")}}]);
    calls.ok("BatchWriteItem", &json!({"RequestItems": {"Vault": batch}}));
    calls.ok("TransactWriteItems", &json!({"TransactItems": [{"Put": {"TableName": "Vault", "Item": item("4")}}]}));

    let answer = calls.ok("GetItem", &json!({"TableName": "Vault", "Key": key("1")}));
    assert!(answer.contains(SECRETS[0]), "the caller gets the plaintext");
    calls.ok("Query", &json!({
        "TableName": "Vault", "KeyConditionExpression": "id = :i", "ExpressionAttributeValues": {":i": {"S": id("1")}},
    }));
    let scan = calls.ok("Scan", &json!({"TableName": "Vault"}));
    assert!(scan.matches(SECRETS[0]).count() > 4);
    calls.ok("BatchGetItem", &json!({"RequestItems": {"Vault": {"Keys": [key("2"), key("3")]}}}));
    calls.ok("TransactGetItems", &json!({"TransactItems": [{"Get": {"TableName": "Vault", "Key": key("4")}}]}));
    calls.ok("DeleteItem", &json!({"TableName": "Vault", "Key": key("4"), "ReturnValues": "ALL_OLD"}));
}

/// Requests that are refused or fail, each with markers where a careless message would repeat them.
fn fail(calls: &mut Calls) {
    let secret = SECRETS[0];
    let text = json!({"S": secret});
    let with = |name: &str, value: Value| {
        let mut item = item("9");
        item[name] = value;
        json!({"TableName": "Vault", "Item": item})
    };
    calls.fails("PutItem", &json!({"TableName": "Vault", "Item": {"text": text}}));
    calls.fails("PutItem", &with("id", json!({"N": "1"})));
    calls.fails("PutItem", &with("aws_dbe_head", text.clone()));
    calls.fails("PutItem", &with("text", json!({secret: "x"})));
    calls.fails("PutItem", &with("text", json!({"S": secret, "N": "1"})));
    calls.fails("PutItem", &with("text", json!(secret)));
    calls.fails("PutItem", &with("text", json!({"N": secret})));
    calls.fails("PutItem", &with("text", json!({"B": secret})));
    calls.fails("PutItem", &with("text", json!({"SS": [secret, secret]})));
    calls.fails("PutItem", &with("text", json!({"M": {"": text}})));
    calls.fails("PutItem", &with("text", json!({"S": secret.repeat(40_000)})));
    let deep = (0..40).fold(text.clone(), |inner, _| json!({"L": [inner]}));
    calls.fails("PutItem", &with("text", deep));

    let mut put = with("text", text.clone());
    put["Unheard"] = text.clone();
    calls.fails("PutItem", &put);
    put = with("text", text.clone());
    put["ConditionExpression"] = json!("text = :s");
    put["ExpressionAttributeValues"] = json!({":s": text});
    calls.fails("PutItem", &put);
    put = json!({"TableName": "Vault", "Item": item("1"), "ConditionExpression": "attribute_not_exists(id)"});
    assert!(calls.fails("PutItem", &put).contains("ConditionalCheckFailedException"));
    put = with("text", text.clone());
    put["ReturnValues"] = json!(secret);
    calls.fails("PutItem", &put);

    let values = json!({":s": text});
    let expression = |member: &str, words: &str| {
        let mut body = json!({"TableName": "Vault", "ExpressionAttributeValues": values});
        body[member] = json!(words);
        body
    };
    calls.fails("Scan", &expression("FilterExpression", "text = :s"));
    calls.fails("Scan", &expression("FilterExpression", "text ; :s"));
    let mut update = expression("UpdateExpression", "SET text = :s");
    update["Key"] = key("1");
    calls.fails("UpdateItem", &update);
    let statement = format!("UPDATE Vault SET text = '{secret}' WHERE id = '{}'", id("1"));
    calls.fails("ExecuteStatement", &json!({"Statement": statement}));
    calls.fails("SomethingNew", &with("text", text.clone()));

    let whole = with("text", text).to_string();
    for cut in [whole.len() - 1, whole.len() / 2] {
        calls.fails_raw("PutItem", &whole.as_bytes()[..cut]);
    }
    calls.fails_raw("PutItem", format!("{whole} {secret}").as_bytes());
    calls.fails_raw("PutItem", format!("{secret}{whole}").as_bytes());
    calls.fails_raw("PutItem", format!("\"{secret}\"").as_bytes());
    calls.fails_raw("PutItem", &[secret.as_bytes(), &[0xff, 0xfe]].concat());
    calls.fails_raw(secret, whole.as_bytes());
    let twice = whole.replacen("{\"", &format!("{{\"TableName\":\"{secret}\",\""), 1);
    calls.fails_raw("PutItem", twice.as_bytes());
}

/// Items that were changed behind the gateway's back.
fn damage(folder: &Path, calls: &mut Calls) {
    let store = Gateway::start(folder, "store", STORE, &[], TEST_KEY);
    let stored = http(&store.address, "POST", "/", Some("GetItem"), get("1").to_string().as_bytes()).1;
    let stored: Value = serde_json::from_str(&stored).unwrap();
    for (name, value) in [
        ("aws_dbe_head", json!({"B": "AQA="})),
        ("aws_dbe_foot", json!({"B": "AQA="})),
        ("aws_dbe_head", json!({"S": DAMAGE[0]})),
        ("text", json!({"S": DAMAGE[0]})),
        ("status", json!({"N": "1"})),
    ] {
        let mut item = stored["Item"].clone();
        item[name] = value;
        let put = json!({"TableName": "Vault", "Item": item}).to_string();
        assert_eq!(http(&store.address, "POST", "/", Some("PutItem"), put.as_bytes()).0, 200);
        calls.fails("GetItem", &get("1"));
        calls.fails("Scan", &json!({"TableName": "Vault"}));
    }
}

/// The same database under a key that does not open it.
fn another_key(folder: &Path) {
    let wrong = "8f".repeat(32);
    let gateway = Gateway::start(folder, "wrong", &config(), VERBOSE, &wrong);
    let mut calls = Calls { address: gateway.address.clone(), failures: 0 };
    calls.fails("GetItem", &get("2"));
    calls.fails("Scan", &json!({"TableName": "Vault"}));
    gateway.stop();
}

/// An upstream that nobody answers for.
fn upstream_down(folder: &Path) {
    let config =
        config().replace("upstream = \"embedded\"\ndatabase = \"data.db\"", "upstream = \"http://127.0.0.1:9\"");
    let gateway = Gateway::start(folder, "down", &config, VERBOSE, TEST_KEY);
    let mut calls = Calls { address: gateway.address.clone(), failures: 0 };
    calls.fails("PutItem", &json!({"TableName": "Vault", "Item": item("1")}));
    calls.fails("GetItem", &get("1"));
    gateway.stop();
}

/// Sends calls, and checks every answer that is an error.
struct Calls {
    address: String,
    failures: usize,
}

impl Calls {
    fn ok(&mut self, operation: &str, body: &Value) -> String {
        let (status, answer) = http(&self.address, "POST", "/", Some(operation), body.to_string().as_bytes());
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    }

    fn fails(&mut self, operation: &str, body: &Value) -> String {
        self.fails_raw(operation, body.to_string().as_bytes())
    }

    fn fails_raw(&mut self, operation: &str, body: &[u8]) -> String {
        let (status, answer) = http(&self.address, "POST", "/", Some(operation), body);
        assert!(status >= 400, "{operation} did not fail: {status}");
        assert_clean(operation, answer.as_bytes(), &[&SECRETS, &DAMAGE]);
        self.failures += 1;
        answer
    }
}

/// One request on a connection of its own, without a client that would correct it.
fn http(address: &str, method: &str, path: &str, operation: Option<&str>, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let target = operation.map(|name| format!("X-Amz-Target: DynamoDB_20120810.{name}\r\n")).unwrap_or_default();
    // The embedded engine wants to see a signature; nobody checks it.
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.0\r\n\
         {target}Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, \
         SignedHeaders=host, Signature=0\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

fn id(number: &str) -> String {
    format!("{}-{number}", READABLE[0])
}

fn key(number: &str) -> Value {
    json!({"id": {"S": id(number)}})
}

fn get(number: &str) -> Value {
    json!({"TableName": "Vault", "Key": key(number)})
}

/// An item with a marker in every attribute: secret ones where it is encrypted, readable ones where it is not.
fn item(number: &str) -> Value {
    let [text, digits] = SECRETS;
    json!({
        "id": {"S": id(number)},
        "status": {"S": READABLE[0]},
        "views": {"N": READABLE[1]},
        "text": {"S": text},
        "binary": {"B": base64_simd::STANDARD.encode_to_string(text)},
        "number": {"N": digits},
        "texts": {"SS": [text, "b"]},
        "numbers": {"NS": [digits, "1"]},
        "binaries": {"BS": [base64_simd::STANDARD.encode_to_string(format!("x{text}"))]},
        "list": {"L": [{"S": text}, {"L": [{"N": digits}]}, {"BOOL": true}, {"NULL": true}]},
        "map": {"M": {text: {"S": "a name inside an encrypted map is a secret too"}, "k": {"S": text}}},
    })
}

/// Everything in the folder: the database with its write-ahead log, logs, temporary files. Configurations hold no item.
fn assert_folder_is_clean(folder: &Path) {
    let mut searched = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        // DynamoDB must read the plain attributes, and `damage` wrote behind the gateway's back.
        let others: &[&[&str]] = if name.starts_with("data.db") { &[] } else { &[&READABLE, &DAMAGE] };
        assert_clean(name, &bytes, &[&[&SECRETS[..]], others].concat());
        searched += usize::from(!bytes.is_empty());
    }
    assert!(searched >= 3, "only {searched} files were searched");
}

/// Searches for markers as they are, in hexadecimal, and in base64 at each of its three alignments.
fn assert_clean(place: &str, bytes: &[u8], markers: &[&[&str]]) {
    for marker in markers.iter().copied().flatten() {
        let hex: String = marker.bytes().map(|byte| format!("{byte:02x}")).collect();
        let base64 = (0..3).map(|shift| {
            let text = base64_simd::STANDARD_NO_PAD.encode_to_string(format!("{}{marker}", "x".repeat(shift)));
            // The outer characters depend on what stands beside the marker.
            text[4..text.len() - 3].to_owned()
        });
        for form in base64.chain([(*marker).to_owned(), hex]) {
            let found = bytes.windows(form.len()).any(|window| window == form.as_bytes());
            assert!(!found, "a marker stands in {place}");
        }
    }
}

fn config() -> String {
    r#"
        [gateway]
        listen = "127.0.0.1:0"
        region = "us-east-1"
        upstream = "embedded"
        database = "data.db"

        [keys.test]
        type = "raw-aes"
        namespace = "tests"
        name = "test key"
        key_env = "DYNASEAL_TEST_KEY"

        [tables.Vault]
        keys = "test"
        partition_key = "id"
        default_action = "encrypt_and_sign"
        unsigned = ["views"]

        [tables.Vault.attributes]
        id = "sign_only"
        status = "sign_only"
    "#
    .lines()
    .map(str::trim)
    .collect::<Vec<_>>()
    .join("\n")
}

const STORE: &str = "[gateway]\nlisten = \"127.0.0.1:0\"\nupstream = \"embedded\"\ndatabase = \"data.db\"\n";

/// Markers that stand in encrypted attributes only: a text and a number.
const SECRETS: [&str; 2] = ["canary-Zq7vK2mXw9", "918273645546372819"];
/// Markers of attributes that DynamoDB can read; logs and metrics hold no values at all.
const READABLE: [&str; 2] = ["parrot-Hn4tB8cLd1", "564738291192837465"];
/// What was put into the stored items to damage them.
const DAMAGE: [&str; 1] = ["magpie-Rv6sJ3pYk5"];
/// As much as the log can say.
const VERBOSE: &[&str] = &["--log", "trace"];
