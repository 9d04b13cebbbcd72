//! What AWS's hierarchical key ring needs of DynamoDB and KMS: two answers, given in process, without a socket.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use crate::rings::BRANCH_KEYS;

pub const KMS_ARN: &str = "arn:aws:kms:us-west-2:111122223333:key/00000000-0000-4000-8000-000000000000";
pub const KEY_STORE: &str = "InteropKeyStore";

/// A DynamoDB client that knows the branch key table.
pub fn dynamodb() -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-west-2"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(StandIn);
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// A KMS client that decrypts the branch keys.
pub fn kms() -> aws_sdk_kms::Client {
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-west-2"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(StandIn);
    aws_sdk_kms::Client::from_conf(config.build())
}

#[derive(Clone, Debug)]
struct StandIn;

impl HttpClient for StandIn {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for StandIn {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body = request.body().bytes().and_then(|body| serde_json::from_slice::<Value>(body).ok());
        let answer = match (target, body) {
            ("DynamoDB_20120810.GetItem", Some(body)) => branch_key_item(&body["Key"]),
            ("TrentService.Decrypt", Some(body)) => decrypted(&body),
            _ => None,
        };
        let (status, body) = match answer {
            Some(answer) => (200, answer),
            None => (400, json!({"__type": "ValidationException", "message": "the stand-in knows no such thing"})),
        };
        let status = status.try_into().expect("a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(body.to_string()))))
    }
}

/// The ACTIVE or version item of a branch key. Its ciphertext is just the branch key's number.
fn branch_key_item(key: &Value) -> Option<Value> {
    let (id, kind) = (key["branch-key-id"]["S"].as_str()?, key["type"]["S"].as_str()?);
    let number = BRANCH_KEYS.iter().position(|branch| branch.id == id)?;
    let version = format!("branch:version:{}", BRANCH_KEYS[number].version);
    let mut item = json!({
        "branch-key-id": {"S": id},
        "type": {"S": kind},
        "enc": {"B": base64_simd::STANDARD.encode_to_string([number as u8])},
        "kms-arn": {"S": KMS_ARN},
        "create-time": {"S": "2024-01-01T00:00:00.000000Z"},
        "hierarchy-version": {"N": "1"},
    });
    if kind == "branch:ACTIVE" {
        item["version"] = json!({"S": version});
    } else if kind != version {
        return Some(json!({}));
    }
    Some(json!({ "Item": item }))
}

fn decrypted(body: &Value) -> Option<Value> {
    let number = base64_simd::STANDARD.decode_to_vec(body["CiphertextBlob"].as_str()?).ok()?;
    let branch = BRANCH_KEYS.get(usize::from(*number.first()?))?;
    (body["EncryptionContext"]["branch-key-id"].as_str()? == branch.id).then(|| {
        json!({
            "KeyId": KMS_ARN,
            "Plaintext": base64_simd::STANDARD.encode_to_string(branch.key),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        })
    })
}
