//! Sealed clients with keys of AWS KMS: the SDK's own client of KMS over a KMS in memory, beside the store of DynamoDB.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, not tests themselves"
)]

mod support;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_kms::config::{BehaviorVersion, Builder, Credentials, HttpClient, Region, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use dynaseal::{Engine, Error, Sealing};
use dynaseal_engine::{Call, Io, Service, SystemClock, Wire, WireError};
use dynaseal_keys::testing::{FakeKms, KeyState, Trouble};
use dynaseal_keys::{AwsKms, Kms as _};
use http::request::Parts;
use support::{SECRET, Store, TEST_KEY_ID, TEST_SECRET, TEST_TOKEN, assert_signed_for, engine_of, s, user};

#[tokio::test]
async fn items_are_sealed_and_opened_with_keys_of_kms() {
    let (store, kms) = (Store::start().await, HttpKms::new());
    let db = kms.sealed(&store);
    db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    let stored = store.plain().get_item().table_name("Users").key("id", s("1")).send().await.unwrap().item.unwrap();
    assert!(stored["email"].is_b() && stored.contains_key("aws_dbe_head"));
    assert_eq!(get(&db).await.unwrap(), Some(user("1")));
    assert_eq!(kms.operations(), ["GenerateDataKey", "Decrypt"]);
    // Without the table's call, too.
    let sealing = dynaseal::Client::sealing(&db);
    assert_eq!(sealing.open_item("Users", &stored).await.unwrap(), user("1"));
    let sealed = sealing.seal_item("Users", &user("2")).await.unwrap();
    assert_eq!(sealing.open_item("Users", &sealed).await.unwrap(), user("2"));
    assert_eq!(dynaseal::open_item(&sealing_engine(), "Users", &sealed).await.unwrap_err().code(), "DSL-6005");
    for (_, body) in store.seen() {
        assert!(!String::from_utf8(body).unwrap().contains(SECRET));
    }
}

#[tokio::test]
async fn calls_go_to_the_region_of_their_key_with_the_clients_own_signature() {
    let (store, kms) = (Store::start().await, HttpKms::new());
    let db = kms.sealed(&store);
    db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    let seen = kms.seen();
    let (head, body) = &seen[0];
    // The client itself is of eu-west-1.
    assert_eq!(head.uri.host(), Some("kms.us-east-1.amazonaws.com"));
    assert_signed_for("kms", head, body, "us-east-1");
    assert!(!String::from_utf8_lossy(body).contains(SECRET));
}

#[tokio::test]
async fn what_passes_is_the_sdks_to_retry_and_what_lasts_has_its_code() {
    let (store, kms) = (Store::start().await, HttpKms::new());
    let db = kms.sealed(&store);
    db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    for passing in [Trouble::Throttle, Trouble::Internal, Trouble::Down(WireError::Broken)] {
        kms.fake.trouble(passing, None, 2);
        let before = kms.operations().len();
        assert_eq!(get(&db).await.unwrap(), Some(user("1")), "{passing:?}");
        assert_eq!(kms.operations().len(), before + 3, "{passing:?}");
    }
    for (trouble, status, code) in [
        (Trouble::Throttle, 503, "DSL-4101"),
        (Trouble::Internal, 503, "DSL-4102"),
        (Trouble::AccessDenied, 400, "DSL-4103"),
        (Trouble::Down(WireError::Broken), 503, "DSL-4112"),
        (Trouble::Garbage, 500, "DSL-4113"),
    ] {
        // As the application would find it: without the retries of DynamoDB's client in between.
        let db = kms.sealed_with(store.options().retry_config(RetryConfig::disabled()));
        kms.fake.trouble(trouble, None, usize::MAX);
        assert_code(&get(&db).await.unwrap_err(), status, code);
        let put = db.put_item().table_name("Users").set_item(Some(user("2"))).send().await.unwrap_err();
        assert_code(&put, status, code);
        kms.fake.calm();
        assert_eq!(get(&db).await.unwrap(), Some(user("1")));
    }
    for (state, code) in [(KeyState::Disabled, "DSL-4106"), (KeyState::PendingDeletion, "DSL-4107")] {
        kms.fake.set_state(KEY, state);
        assert_code(&get(&db).await.unwrap_err(), 400, code);
        kms.fake.set_state(KEY, KeyState::Enabled);
    }
    kms.fake.delete_key(KEY);
    assert_code(&get(&db).await.unwrap_err(), 400, "DSL-4105");
    let stored = store.plain().get_item().table_name("Users").key("id", s("2")).send().await.unwrap();
    assert_eq!(stored.item, None);
}

#[tokio::test]
async fn without_a_client_of_kms_nothing_is_sealed() {
    let store = Store::start().await;
    let error = dynaseal::seal(store.options(), sealing_engine()).unwrap_err();
    assert_eq!((&error, error.code()), (&Error::NoKms, "DSL-9309"));
    assert!(error.to_string().contains("Sealing::new"), "{error}");
}

#[tokio::test]
async fn without_credentials_the_error_says_so() {
    let (store, kms) = (Store::start().await, HttpKms::new());
    let mut options = kms.options();
    options
        .set_credentials_provider(Some(aws_credential_types::provider::SharedCredentialsProvider::new(NoCredentials)));
    let sealing = Sealing::new(sealing_engine()).kms(aws_sdk_kms::Client::from_conf(options.build()));
    let db = dynaseal::seal(store.options().retry_config(RetryConfig::disabled()), sealing).unwrap();
    let put = db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap_err();
    assert_code(&put, 503, "DSL-4112");
    assert!(put.message().unwrap().contains("no AWS credentials"), "{put:?}");
}

/// What the key rings and key stores of this project ask of KMS comes through unchanged: the same calls, once to the KMS
/// itself and once through the SDK's client.
#[tokio::test]
async fn every_operation_says_what_the_kms_says() {
    let kms = HttpKms::new();
    let sealing = Sealing::new(sealing_engine()).kms(kms.client());
    let wire = sealing.wire();
    let context = json_context();
    let blob = said(
        &kms.fake,
        "Encrypt",
        &serde_json::json!({"KeyId": KEY, "Plaintext": "AAEC", "EncryptionContext": context}),
    )
    .await;
    let blob = blob["CiphertextBlob"].as_str().unwrap();
    for (operation, body, random) in [
        (
            "Decrypt",
            serde_json::json!({"KeyId": KEY, "CiphertextBlob": blob, "EncryptionContext": context, "GrantTokens": ["a"]}),
            &[][..],
        ),
        ("DescribeKey", serde_json::json!({"KeyId": KEY}), &[]),
        (
            "GenerateDataKey",
            serde_json::json!({"KeyId": KEY, "NumberOfBytes": 32, "EncryptionContext": context}),
            &["Plaintext", "CiphertextBlob"],
        ),
        (
            "GenerateDataKeyWithoutPlaintext",
            serde_json::json!({"KeyId": KEY, "NumberOfBytes": 32}),
            &["CiphertextBlob"],
        ),
        (
            "ReEncrypt",
            serde_json::json!({
                "CiphertextBlob": blob, "SourceKeyId": KEY, "SourceEncryptionContext": context,
                "DestinationKeyId": KEY, "DestinationEncryptionContext": {"other": "1"},
            }),
            &["CiphertextBlob"],
        ),
        (
            "Encrypt",
            serde_json::json!({"KeyId": KEY, "Plaintext": "AAEC", "EncryptionContext": context}),
            &["CiphertextBlob"],
        ),
        ("Decrypt", serde_json::json!({"KeyId": KEY, "CiphertextBlob": blob}), &[]),
        ("Decrypt", serde_json::json!({"KeyId": "alias/none", "CiphertextBlob": blob}), &[]),
    ] {
        let (mut direct, mut through) = (said(&kms.fake, operation, &body).await, said(wire, operation, &body).await);
        for random in random {
            let long = |answer: &serde_json::Value| answer[*random].as_str().map(str::len);
            assert!(long(&direct).is_some() && long(&direct) == long(&through), "{operation} {random}");
            direct[*random] = serde_json::Value::Null;
            through[*random] = serde_json::Value::Null;
        }
        for (member, value) in through.as_object().unwrap() {
            assert_eq!(Some(value), direct.get(member), "{operation} {member}");
        }
        // What is not said again, no key ring reads.
        let unread = ["EncryptionAlgorithm", "SourceEncryptionAlgorithm", "DestinationEncryptionAlgorithm", "message"];
        let missing = direct
            .as_object()
            .unwrap()
            .keys()
            .find(|name| through.get(name).is_none() && !unread.contains(&name.as_str()));
        assert_eq!(missing, None, "{operation}");
    }
    // A member that the operation does not take, one that nobody knows, and an operation that nobody sends.
    let before = kms.operations().len();
    for (operation, body) in [
        ("Decrypt", serde_json::json!({"KeyId": KEY, "CiphertextBlob": blob, "PublicKey": "AA=="})),
        ("Decrypt", serde_json::json!({"KeyId": KEY, "CiphertextBlob": blob, "DryRun": true})),
        ("DescribeKey", serde_json::json!({"KeyId": KEY, "NumberOfBytes": 3})),
        ("ScheduleKeyDeletion", serde_json::json!({"KeyId": KEY})),
        ("Decrypt", serde_json::json!("no object")),
    ] {
        let call = Call::new(Service::Kms, operation, body.to_string().into());
        assert_eq!(wire.send(call).await, Err(WireError::Unreachable), "{operation} {body}");
    }
    assert_eq!(kms.operations().len(), before);

    // And as a key store uses it.
    let io = Io { wire, clock: &SystemClock };
    let context = |name: &str| [(name.to_owned(), "1".to_owned())].into_iter().collect();
    let (from, to) = (context("a"), context("b"));
    let api = AwsKms::new(Vec::new());
    let wrapped = api.generate(KEY, &from, io).await.unwrap();
    let moved = api.re_encrypt(KEY, &wrapped, &from, &to, io).await.unwrap();
    assert_eq!(api.decrypt(KEY, &wrapped, &from, io).await.unwrap(), api.decrypt(KEY, &moved, &to, io).await.unwrap());
    assert!(api.decrypt(KEY, &moved, &from, io).await.is_err());
}

type Request = (Parts, Vec<u8>);

/// A KMS in memory as the HTTP client of the SDK's own client.
#[derive(Clone)]
struct HttpKms {
    fake: FakeKms,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl HttpKms {
    fn new() -> Self {
        Self { fake: FakeKms::default().with_key(KEY), seen: Arc::default() }
    }

    fn options(&self) -> Builder {
        aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new(TEST_KEY_ID, TEST_SECRET, Some(TEST_TOKEN.into()), None, "test"))
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .http_client(self.clone())
    }

    fn client(&self) -> aws_sdk_kms::Client {
        aws_sdk_kms::Client::from_conf(self.options().build())
    }

    fn sealed(&self, store: &Store) -> dynaseal::Client {
        self.sealed_with(store.options())
    }

    fn sealed_with(&self, options: aws_sdk_dynamodb::config::Builder) -> dynaseal::Client {
        dynaseal::seal(options, Sealing::new(sealing_engine()).kms(self.client())).unwrap()
    }

    fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    fn operations(&self) -> Vec<String> {
        let target = |(head, _): Request| head.headers["x-amz-target"].to_str().unwrap().to_owned();
        self.seen().into_iter().map(target).map(|text| text.strip_prefix("TrentService.").unwrap().to_owned()).collect()
    }
}

impl std::fmt::Debug for HttpKms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HttpKms")
    }
}

impl HttpClient for HttpKms {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for HttpKms {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (head, body) = request.try_into_http1x().unwrap().into_parts();
        let body = body.bytes().unwrap().to_vec();
        let target = head.headers["x-amz-target"].to_str().unwrap().strip_prefix("TrentService.").unwrap().to_owned();
        let region = head.uri.host().unwrap().split('.').nth(1).unwrap().to_owned();
        self.seen.lock().unwrap().push((head, body.clone()));
        let fake = self.fake.clone();
        HttpConnectorFuture::new(async move {
            let answer = fake.send(Call::new(Service::Kms, target, body).in_region(Some(&region))).await;
            let answer = answer.map_err(|_| ConnectorError::io("the connection broke".into()))?;
            let response = http::Response::builder().status(answer.status).body(SdkBody::from(answer.body)).unwrap();
            Ok(HttpResponse::try_from(response).unwrap())
        })
    }
}

#[derive(Debug)]
struct NoCredentials;

impl aws_credential_types::provider::ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        use aws_credential_types::provider::error::CredentialsError;
        let none = Err(CredentialsError::not_loaded("the test has none"));
        aws_credential_types::provider::future::ProvideCredentials::ready(none)
    }
}

async fn get(db: &dynaseal::Client) -> Result<Option<dynaseal::AwsItem>, SdkError<GetItemError>> {
    let got = db.get_item().table_name("Users").key("id", s("1")).send().await;
    got.map(|got| got.item)
}

/// What a wire says to one call, errors included.
async fn said(wire: &dyn Wire, operation: &'static str, body: &serde_json::Value) -> serde_json::Value {
    let call = Call::new(Service::Kms, operation, body.to_string().into()).in_region(Some("us-east-1"));
    let answer = wire.send(call).await.unwrap();
    serde_json::from_slice(&answer.body).unwrap()
}

#[track_caller]
fn assert_code<E: ProvideErrorMetadata + std::error::Error + 'static>(error: &SdkError<E>, status: u16, code: &str) {
    assert_eq!(dynaseal::code(error), Some(code), "{error:?}");
    assert_eq!(error.raw_response().unwrap().status().as_u16(), status, "{error:?}");
    let text = DisplayErrorContext(error).to_string();
    assert!(text.contains("on table Users") && text.contains(KEY) && !text.contains(SECRET), "{text}");
}

fn json_context() -> HashMap<&'static str, &'static str> {
    HashMap::from([("tenant", "é"), ("table", "Users")])
}

fn sealing_engine() -> Arc<Engine> {
    engine_of(CONFIG)
}

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const CONFIG: &str = r#"
[keys.kms]
type = "aws-kms"
key_arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

[tables.Users]
keys = "kms"
partition_key = "id"
default_action = "encrypt_and_sign"
[tables.Users.attributes]
id = "sign_only"
"#;
