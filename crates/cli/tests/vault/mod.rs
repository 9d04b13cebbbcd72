//! Calls on the table `Vault`, whose items are full of markers, and the search for these.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

/// Sends calls, and checks every answer that is an error.
pub(crate) struct Calls {
    pub(crate) address: String,
    pub(crate) failures: usize,
}

impl Calls {
    pub(crate) fn ok(&mut self, operation: &str, body: &Value) -> String {
        let (status, answer) = http(&self.address, "POST", "/", Some(operation), body.to_string().as_bytes());
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    }

    pub(crate) fn fails(&mut self, operation: &str, body: &Value) -> String {
        self.fails_raw(operation, body.to_string().as_bytes())
    }

    /// A condition that fails and shows the caller the opened item.
    pub(crate) fn fails_showing(&mut self, operation: &str, body: &Value) {
        let (status, answer) = http(&self.address, "POST", "/", Some(operation), body.to_string().as_bytes());
        assert!(status == 400 && answer.contains("ConditionalCheckFailedException"), "{operation}: {status}");
        assert!(
            answer.contains(SECRETS[0]) && !answer.contains("aws_dbe_"),
            "{operation} did not show the item opened"
        );
        self.failures += 1;
    }

    pub(crate) fn fails_raw(&mut self, operation: &str, body: &[u8]) -> String {
        let (status, answer) = http(&self.address, "POST", "/", Some(operation), body);
        assert!(status >= 400, "{operation} did not fail: {status}");
        assert_clean(operation, answer.as_bytes(), &[&SECRETS, &DAMAGE]);
        self.failures += 1;
        answer
    }
}

/// One request on a connection of its own, without a client that would correct it.
pub(crate) fn http(address: &str, method: &str, path: &str, operation: Option<&str>, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let service = if operation.is_some_and(|name| STREAMS.contains(&name)) { "Streams" } else { "" };
    let target = operation.map(|name| format!("X-Amz-Target: DynamoDB{service}_20120810.{name}\r\n"));
    let target = target.unwrap_or_default();
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

/// A call of GetRecords that starts with the first change of the table.
pub(crate) fn all_changes(calls: &mut Calls) -> Value {
    let parsed = |answer: String| serde_json::from_str::<Value>(&answer).unwrap();
    let arn = parsed(calls.ok("ListStreams", &json!({})))["Streams"][0]["StreamArn"].clone();
    let stream = parsed(calls.ok("DescribeStream", &json!({"StreamArn": arn})));
    let shard = &stream["StreamDescription"]["Shards"][0]["ShardId"];
    let first = json!({"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"});
    json!({"ShardIterator": parsed(calls.ok("GetShardIterator", &first))["ShardIterator"]})
}

pub(crate) fn id(number: &str) -> String {
    format!("{}-{number}", READABLE[0])
}

pub(crate) fn key(number: &str) -> Value {
    json!({"id": {"S": id(number)}})
}

pub(crate) fn get(number: &str) -> Value {
    json!({"TableName": "Vault", "Key": key(number)})
}

/// A call on the table with expressions, and the placeholders that they use: markers in every value.
pub(crate) fn expressions(mut body: Value, members: Value) -> Value {
    let [text, digits] = SECRETS;
    let words = members.to_string() + &body.to_string();
    body["TableName"] = json!("Vault");
    if let Value::Object(members) = members {
        body.as_object_mut().unwrap().extend(members);
    }
    let used = |all: Value| {
        let mut all = all;
        let follows = |name: &str, at: usize| words[at + name.len()..].starts_with(|next: char| next.is_alphanumeric());
        let is_used = |name: &str| words.match_indices(name).any(|(at, _)| !follows(name, at));
        all.as_object_mut().unwrap().retain(|name, _| is_used(name));
        all
    };
    let names = used(json!({"#t": "text", "#m": "map", "#l": "list", "#n": "number", "#ts": "texts", "#v": "visits"}));
    let values = used(json!({
        ":s": {"S": text}, ":d": {"N": digits}, ":set": {"SS": [text]}, ":wrong": {"S": format!("{text} wrong")},
        ":one": {"N": "1"},
    }));
    for (member, all) in [("ExpressionAttributeNames", names), ("ExpressionAttributeValues", values)] {
        if all != json!({}) {
            body[member] = all;
        }
    }
    body
}

pub(crate) fn with(members: &Value, name: &str, value: &str) -> Value {
    let mut members = members.clone();
    members[name] = json!(value);
    members
}

/// An item with a marker in every attribute: secret ones where it is encrypted, readable ones where it is not.
pub(crate) fn item(number: &str) -> Value {
    let [text, digits] = SECRETS;
    json!({
        "id": {"S": id(number)},
        "status": {"S": READABLE[0]},
        "visits": {"N": READABLE[1]},
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

/// Searches for markers as they are, in hexadecimal, and in base64 at each of its three alignments.
pub(crate) fn assert_clean(place: &str, bytes: &[u8], markers: &[&[&str]]) {
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

const STREAMS: [&str; 4] = ["ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"];
/// Markers that stand in encrypted attributes only: a text and a number.
pub(crate) const SECRETS: [&str; 2] = ["canary-Zq7vK2mXw9", "918273645546372819"];
/// Markers of attributes that DynamoDB can read; logs and metrics hold no values at all.
pub(crate) const READABLE: [&str; 2] = ["parrot-Hn4tB8cLd1", "564738291192837465"];
/// What was put into the stored items to damage them.
pub(crate) const DAMAGE: [&str; 1] = ["magpie-Rv6sJ3pYk5"];
