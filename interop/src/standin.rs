//! KMS and DynamoDB for both sides: those in memory that Dynaseal's own tests use. We call them over our wire, AWS's clients
//! through a connector that hands them target, body and Region, without a socket.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use dynaseal_keys::testing::FakeAws;
use dynaseal_keys::{Call, Service, Wire};
use serde_json::{Map, Value, json};

use crate::rings::{BRANCH_KEYS, BranchKey, RsaPair};

/// Where AWS's clients are, but for those that say otherwise; of ours, each call goes to the Region of its key.
pub const REGION: &str = "us-west-2";
/// Where the other replica of the multi-Region key is.
pub const OTHER_REGION: &str = "eu-west-1";
pub const ACCOUNT: &str = "111122223333";
pub const KMS_ARN: &str = "arn:aws:kms:us-west-2:111122223333:key/00000000-0000-4000-8000-000000000000";
/// One key in two Regions: AWS's side uses the first, we the second.
pub const MRK_ARN: &str = "arn:aws:kms:us-west-2:111122223333:key/mrk-00000000000040008000000000000000";
pub const REPLICA_ARN: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-00000000000040008000000000000000";
/// A key of another account, which lets this one use it.
pub const FOREIGN_ARN: &str = "arn:aws:kms:us-west-2:444455556666:key/00000000-0000-4000-8000-000000000002";
pub const RSA_ARN: &str = "arn:aws:kms:us-west-2:111122223333:key/00000000-0000-4000-8000-000000000001";
/// The table of the key store, and the name to which its keys are bound.
pub const KEY_STORE: &str = "InteropKeyStore";
pub const LOGICAL_KEY_STORE: &str = "InteropKeyStoreAsItWasFirst";

/// The services, with the KMS keys above and an empty key store.
pub fn services(rsa: &RsaPair) -> FakeAws {
    let aws = FakeAws::default();
    let kms = aws.kms.clone().with_key(KMS_ARN).with_key(MRK_ARN).with_key(REPLICA_ARN);
    let kms = kms.with_key(FOREIGN_ARN);
    drop(kms.with_private_key(RSA_ARN, &rsa.private_pem));
    aws
}

/// Puts the branch keys whose bytes are known into the key store, so that a file with the same keys opens the same items.
pub fn put_branch_keys(aws: &FakeAws) {
    let records = BRANCH_KEYS.iter().flat_map(|branch| {
        let version = format!("branch:version:{}", branch.version);
        let active = [("version", version.as_str()), ("type", "branch:ACTIVE")];
        [record(aws, branch, &active), record(aws, branch, &[("type", &version)])]
    });
    let records: Vec<Value> = records.collect();
    aws.table.edit(KEY_STORE, |items| items.extend(records));
    settle(aws);
}

/// Lets reads that need not be consistent see the last write, as they do some time later.
pub fn settle(aws: &FakeAws) {
    let nothing = json!({ "TableName": KEY_STORE, "Key": { "branch-key-id": {"S": "none"}, "type": {"S": "none"} } });
    let call = Call::new(Service::DynamoDb, "DeleteItem", nothing.to_string().into_bytes());
    let answer = crate::ours::block_on(aws.send(call)).expect("an answer");
    assert_eq!(answer.status, 200, "the key store is there");
}

/// A DynamoDB client of AWS's.
pub fn dynamodb(aws: &FakeAws) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(StandIn { aws: aws.clone(), region: REGION });
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// A KMS client of AWS's, in a Region.
pub fn kms(aws: &FakeAws, region: &'static str) -> aws_sdk_kms::Client {
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(StandIn { aws: aws.clone(), region });
    aws_sdk_kms::Client::from_conf(config.build())
}

#[derive(Clone, Debug)]
struct StandIn {
    aws: FakeAws,
    region: &'static str,
}

impl HttpClient for StandIn {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for StandIn {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let target = target.split_once('.').and_then(|(prefix, operation)| {
            let service = [Service::DynamoDb, Service::Kms].into_iter().find(|one| one.target_prefix() == prefix)?;
            Some((service, operation.to_owned()))
        });
        let (Some((service, operation)), Some(body)) = (target, request.body().bytes()) else {
            return HttpConnectorFuture::ready(Err(ConnectorError::user("neither DynamoDB nor KMS".into())));
        };
        let call = Call::new(service, operation, body.to_vec()).in_region(Some(self.region));
        let aws = self.aws.clone();
        HttpConnectorFuture::new(async move {
            let answer = aws.send(call).await.map_err(|error| ConnectorError::io(error.into()))?;
            let status = answer.status.try_into().expect("a status");
            Ok(HttpResponse::new(status, SdkBody::from(answer.body)))
        })
    }
}

/// A record of a branch key, its bytes wrapped by KMS and bound to all that the record says.
fn record(aws: &FakeAws, branch: &BranchKey, own: &[(&str, &str)]) -> Value {
    let mut texts = Map::new();
    let common = [
        ("branch-key-id", branch.id),
        ("kms-arn", KMS_ARN),
        ("create-time", "2024-01-01T00:00:00.000000Z"),
        ("hierarchy-version", "1"),
    ];
    texts.extend(common.iter().chain(own).map(|(name, text)| ((*name).to_owned(), json!(text))));
    let mut context = texts.clone();
    context.insert("tablename".to_owned(), json!(LOGICAL_KEY_STORE));
    let key = base64_simd::STANDARD.encode_to_string(branch.key);
    let request = json!({ "KeyId": KMS_ARN, "Plaintext": key, "EncryptionContext": context });
    let answer: Value =
        serde_json::from_slice(&aws.kms.answer("Encrypt", request.to_string().as_bytes()).body).expect("an answer");
    let typed = |(name, text): (String, Value)| {
        let value = if name == "hierarchy-version" { json!({ "N": text }) } else { json!({ "S": text }) };
        (name, value)
    };
    let mut item: Map<String, Value> = texts.into_iter().map(typed).collect();
    item.insert("enc".to_owned(), json!({ "B": answer["CiphertextBlob"] }));
    item.into()
}
