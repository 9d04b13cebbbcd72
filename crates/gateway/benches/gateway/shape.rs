//! The item `user` (0.5 KB, 4 of 8 attributes encrypted) and the requests that carry it.

use serde_json::{Value, json};

pub(crate) const PROTECTED: &str = "Users";
pub(crate) const PLAIN: &str = "PlainUsers";

#[derive(Clone, Copy, Debug)]
pub(crate) enum Operation {
    Get,
    Put,
}

impl Operation {
    pub(crate) const ALL: [Self; 2] = [Self::Get, Self::Put];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GetItem",
            Self::Put => "PutItem",
        }
    }

    /// A request for each item of a table, as bytes on the wire.
    pub(crate) fn requests(self, table: &str) -> Vec<Vec<u8>> {
        let body = |number| match self {
            Self::Get => get(table, number),
            Self::Put => json!({ "TableName": table, "Item": item(number) }),
        };
        (0..ITEMS).map(|number| request(self.name(), &body(number))).collect()
    }
}

pub(crate) fn create(table: &str) -> Value {
    json!({
        "TableName": table,
        "KeySchema": [{ "AttributeName": "userId", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "userId", "AttributeType": "S" }],
        "BillingMode": "PAY_PER_REQUEST",
    })
}

pub(crate) fn get(table: &str, number: u32) -> Value {
    json!({ "TableName": table, "Key": { "userId": item(number)["userId"] } })
}

/// No table carries this out: on a plain one the condition is false, on a protected one it uses a reserved name.
pub(crate) fn put_under_condition(table: &str) -> Value {
    json!({ "TableName": table, "Item": item(0), "ConditionExpression": "attribute_exists(aws_dbe_head)" })
}

pub(crate) fn item(number: u32) -> Value {
    json!({
        "userId": { "S": format!("user-{number:020}") },
        "email": { "S": "someone.with.a.name@example.com" },
        "name": { "S": "Someone With A Longer Name" },
        "birthday": { "S": "1970-01-01" },
        "address": { "S": format!("1 Long Street, {}", "Some Town ".repeat(18)) },
        "created": { "N": "1700000000" },
        "plan": { "S": "standard" },
        "active": { "BOOL": true },
    })
}

/// The configuration of a gateway that protects one of the two tables, with a key for this bench only.
pub(crate) const CONFIG: &str = r#"
[gateway]
listen = "127.0.0.1:0"
upstream = "embedded"

[keys.bench]
type = "raw-aes"
namespace = "bench"
name = "bench key"
key_env = "DYNASEAL_BENCH_KEY"

[tables.Users]
keys = "bench"
partition_key = "userId"
suite = "hmac"
default_action = "encrypt_and_sign"

[tables.Users.attributes]
userId = "sign_only"
created = "sign_only"
plan = "sign_only"
active = "sign_only"
"#;

/// A test key: it protects nothing.
pub(crate) const KEY: &str = "7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e7e";

/// A request with the headers that an SDK sends.
pub(crate) fn request(operation: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST / HTTP/1.1\r\n\
         host: 127.0.0.1:8000\r\n\
         content-type: application/x-amz-json-1.0\r\n\
         x-amz-target: DynamoDB_20120810.{operation}\r\n\
         content-length: {length}\r\n\
         user-agent: aws-sdk-js/3.900.0 ua/2.1 os/linux#6.1 lang/js md/nodejs#22.0.0 api/dynamodb#3.900.0 m/E,b\r\n\
         amz-sdk-invocation-id: 00000000-0000-4000-8000-000000000000\r\n\
         amz-sdk-request: attempt=1; max=3\r\n\
         x-amz-date: 20260101T000000Z\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=TEST/20260101/eu-west-1/dynamodb/aws4_request, \
         SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;content-length;content-type;host;x-amz-date;x-amz-target, \
         Signature=0000000000000000000000000000000000000000000000000000000000000000\r\n\
         \r\n{body}"
    )
    .into_bytes()
}

const ITEMS: u32 = 256;
