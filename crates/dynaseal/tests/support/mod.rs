//! An HTTP client that answers out of an embedded database, remembers every request, and fails when told to.
#![allow(dead_code, unused_imports, reason = "each test binary uses its part")]

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Credentials, HttpClient, Region, RuntimeComponents};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    StreamSpecification, StreamViewType,
};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use dynaseal::{AwsItem, Config, Engine, Machine};
use dynaseal_engine::{Answer, BoxFuture, Call, Io, Service, SystemClock, Wire, WireError};
use dynaseal_gateway::Embedded;
use dynaseal_keys::CreateKey;
use http::request::Parts;

#[path = "../../../http/tests/sigv4/mod.rs"]
mod sigv4;
pub(crate) use sigv4::{TEST_KEY_ID, TEST_SECRET, TEST_TOKEN, assert_signature, assert_signed_for};

/// A DynamoDB in this process, as an HTTP client.
#[derive(Clone)]
pub(crate) struct Store(Arc<Inner>);

struct Inner {
    database: Arc<Embedded>,
    seen: Mutex<Vec<(Parts, Vec<u8>)>>,
    /// The operation whose next request gets no answer, though it is carried out.
    lost: Mutex<Option<&'static str>>,
    /// What becomes of the next requests of each operation.
    fates: Mutex<Vec<(&'static str, Fate)>>,
    /// Requests that are still to arrive.
    under_way: Arc<AtomicUsize>,
    /// How many requests from now on are never answered.
    stuck: AtomicUsize,
    /// Whether answers begin and never come to an end.
    stalls: AtomicBool,
    /// Whether answers go on and on; how many MiB of them were taken.
    endless: Mutex<Option<Arc<AtomicUsize>>>,
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// It is carried out, and the connection breaks before the answer.
    Lost,
    /// It is carried out, and its answer is HTTP 500.
    Failed,
    /// A load balancer's page, to come back after so many milliseconds.
    Page(u32),
    /// It is refused: too many come, and the next is wanted after so many milliseconds.
    Throttled(u32),
    /// It is carried out, and its answer is HTTP 200 with half a body.
    Garbled,
    /// The connection breaks before it.
    NeverSent,
    /// It is carried out at once, and answered later.
    Answered { after: Duration },
    /// It is carried out later, whether or not somebody still waits.
    CarriedOut { after: Duration },
}

impl Store {
    /// With the table `Users`, which has a stream.
    pub(crate) async fn start() -> Self {
        let (seen, lost, stuck) = (Mutex::default(), Mutex::default(), AtomicUsize::new(0));
        let stalls = AtomicBool::new(false);
        let store = Self(Arc::new(Inner {
            database: Arc::new(Embedded::open(None).unwrap()),
            seen,
            lost,
            fates: Mutex::default(),
            endless: Mutex::default(),
            under_way: Arc::default(),
            stuck,
            stalls,
        }));
        let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().unwrap();
        let id = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
        let create = store.plain().create_table().table_name("Users").billing_mode(BillingMode::PayPerRequest);
        let stream = StreamSpecification::builder().stream_enabled(true);
        let stream = stream.stream_view_type(StreamViewType::NewAndOldImages).build().unwrap();
        let create = create.key_schema(key).attribute_definitions(id.build().unwrap()).stream_specification(stream);
        create.send().await.unwrap();
        store.forget();
        store
    }

    /// The SDK's configuration for it.
    pub(crate) fn options(&self) -> Builder {
        aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new(TEST_KEY_ID, TEST_SECRET, Some(TEST_TOKEN.into()), None, "test"))
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .http_client(self.clone())
    }

    pub(crate) fn sealed(&self) -> dynaseal::Client {
        dynaseal::seal(self.options(), engine()).unwrap()
    }

    /// What the database holds, as it is.
    pub(crate) fn plain(&self) -> Client {
        Client::from_conf(self.options().build())
    }

    pub(crate) fn seen(&self) -> Vec<(Parts, Vec<u8>)> {
        self.0.seen.lock().unwrap().clone()
    }

    pub(crate) fn operations(&self) -> Vec<String> {
        let target = |(head, _): (Parts, _)| head.headers["x-amz-target"].to_str().unwrap().to_owned();
        self.seen().into_iter().map(target).map(|text| text.split_once('.').unwrap().1.to_owned()).collect()
    }

    pub(crate) fn forget(&self) {
        self.0.seen.lock().unwrap().clear();
    }

    pub(crate) fn lose(&self, operation: &'static str) {
        *self.0.lost.lock().unwrap() = Some(operation);
    }

    /// Says what becomes of the next requests; what was said before is void.
    pub(crate) fn order(&self, fates: Vec<(&'static str, Fate)>) {
        *self.0.fates.lock().unwrap() = fates;
    }

    /// Waits until nothing is under way any more; what follows is answered.
    pub(crate) async fn arrive(&self) {
        self.order(Vec::new());
        while self.0.under_way.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn fate(&self, operation: &str) -> Option<Fate> {
        let mut fates = self.0.fates.lock().unwrap();
        let at = fates.iter().position(|(of, _)| *of == operation)?;
        Some(fates.remove(at).1)
    }

    /// The same answer, however it comes.
    fn answered(&self, answer: Answer) -> HttpResponse {
        let response = http::Response::builder().status(answer.status).header("x-amzn-requestid", "STORE");
        // Of other bytes than those that the caller gets.
        let response = response.header("x-amz-crc32", answer.body.len());
        let body = match (self.0.stalls.load(Ordering::SeqCst), self.0.endless.lock().unwrap().clone()) {
            (true, _) => SdkBody::from_body_1_x(Stalled),
            (false, Some(taken)) => SdkBody::from_body_1_x(Endless(taken)),
            (false, None) => SdkBody::from(answer.body),
        };
        HttpResponse::try_from(response.body(body).unwrap()).unwrap()
    }

    /// A request that has a fate.
    fn befallen(&self, fate: Fate, call: Call) -> HttpConnectorFuture {
        let (store, broken) = (self.clone(), || ConnectorError::io("the answer is lost".into()));
        let carry_out = |store: &Self| store.0.database.call(&call);
        match fate {
            Fate::NeverSent => HttpConnectorFuture::ready(Err(broken())),
            Fate::Lost => {
                carry_out(self);
                HttpConnectorFuture::ready(Err(broken()))
            }
            Fate::Failed => {
                carry_out(self);
                let body = br#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}"#.to_vec();
                HttpConnectorFuture::ready(Ok(self.answered(Answer::new(500, body))))
            }
            Fate::Throttled(milliseconds) => {
                let body = br#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException"}"#.to_vec();
                let mut response = self.answered(Answer::new(400, body));
                response.headers_mut().insert("x-amz-retry-after", milliseconds.to_string());
                HttpConnectorFuture::ready(Ok(response))
            }
            Fate::Page(milliseconds) => {
                let mut response = self.answered(Answer::new(503, b"<html>busy</html>".to_vec()));
                response.headers_mut().insert("x-amz-retry-after", milliseconds.to_string());
                HttpConnectorFuture::ready(Ok(response))
            }
            Fate::Garbled => {
                let mut answer = carry_out(self);
                answer.body = br#"{"Attributes":{"#.to_vec();
                HttpConnectorFuture::ready(Ok(self.answered(answer)))
            }
            Fate::Answered { after } => {
                let answer = carry_out(self);
                HttpConnectorFuture::new(async move {
                    tokio::time::sleep(after).await;
                    Ok(store.answered(answer))
                })
            }
            Fate::CarriedOut { after } => {
                self.0.under_way.fetch_add(1, Ordering::SeqCst);
                let arrives = tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    let answer = store.0.database.call(&call);
                    store.0.under_way.fetch_sub(1, Ordering::SeqCst);
                    store.answered(answer)
                });
                HttpConnectorFuture::new(async move { Ok(arrives.await.unwrap()) })
            }
        }
    }

    pub(crate) fn stall(&self) {
        self.0.stalls.store(true, Ordering::SeqCst);
    }

    /// From now on answers do not end; gives how many MiB of them were taken.
    pub(crate) fn babble(&self) -> Arc<AtomicUsize> {
        self.0.endless.lock().unwrap().get_or_insert_default().clone()
    }

    pub(crate) fn database(&self) -> Arc<Embedded> {
        self.0.database.clone()
    }

    pub(crate) fn hang(&self, requests: usize) {
        self.0.stuck.store(requests, Ordering::SeqCst);
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl HttpClient for Store {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Store {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (head, body) = request.try_into_http1x().unwrap().into_parts();
        let body = body.bytes().unwrap().to_vec();
        self.0.seen.lock().unwrap().push((head.clone(), body.clone()));
        let less = |left: usize| left.checked_sub(1);
        if self.0.stuck.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            return HttpConnectorFuture::new(std::future::pending());
        }
        let (prefix, operation) = head.headers["x-amz-target"].to_str().unwrap().split_once('.').unwrap();
        let (service, operation) = (Service::from_target_prefix(prefix).unwrap(), operation.to_owned());
        let lost = self.0.lost.lock().unwrap().take_if(|lost| operation == *lost).is_some();
        if let Some(fate) = self.fate(&operation) {
            return self.befallen(fate, Call::new(service, operation, body));
        }
        let answer = self.0.database.call(&Call::new(service, operation, body));
        if lost {
            return HttpConnectorFuture::ready(Err(ConnectorError::io("the answer is lost".into())));
        }
        HttpConnectorFuture::ready(Ok(self.answered(answer)))
    }
}

/// An engine that seals `Users`.
pub(crate) fn engine() -> Arc<Engine> {
    engine_of(CONFIG)
}

/// The engine of a configuration.
pub(crate) fn engine_of(config: &str) -> Arc<Engine> {
    dynaseal::engine(config_of(config))
}

/// Makes the key store of the key `tenants`, with the branch key `t`, which `protector` wraps.
pub(crate) async fn key_store(config: &str, store: &Store, protector: &dyn Wire) {
    let table = config_of(config).key_stores()["tenants"].clone();
    let wire = KeyServices { table: store.database(), protector };
    let io = Io { wire: &wire, clock: &SystemClock };
    table.create_table(io).await.unwrap();
    let context = [("tenant".to_owned(), "t".to_owned())].into();
    table.create(CreateKey { id: Some("t".to_owned()), context }, io).await.unwrap();
}

struct KeyServices<'a> {
    table: Arc<Embedded>,
    protector: &'a dyn Wire,
}

impl Wire for KeyServices<'_> {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        if call.service == Service::DynamoDb { self.table.send(call) } else { self.protector.send(call) }
    }
}

fn config_of(config: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    // A test key: it protects nothing.
    std::fs::write(folder.path().join("test.key"), "7e21".repeat(16)).unwrap();
    let file = folder.path().join("dynaseal.toml");
    Config::parse(config, file.to_str().unwrap(), &Machine).unwrap()
}

pub(crate) fn user(id: &str) -> AwsItem {
    AwsItem::from([("id".into(), s(id)), ("email".into(), s(SECRET)), ("age".into(), AttributeValue::N("36".into()))])
}

pub(crate) fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

/// A body that never comes.
struct Stalled;

impl http_body::Body for Stalled {
    type Data = bytes::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<bytes::Bytes>, std::io::Error>>> {
        Poll::Pending
    }
}

/// A body that has no end.
struct Endless(Arc<AtomicUsize>);

impl http_body::Body for Endless {
    type Data = bytes::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<bytes::Bytes>, std::io::Error>>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(Some(Ok(http_body::Frame::data(bytes::Bytes::from_static(&[b' '; 1 << 20])))))
    }
}

/// Stands in an encrypted attribute.
pub(crate) const SECRET: &str = "canary-4f1c9a@example.com";

const CONFIG: &str = r#"
[keys.test]
type = "raw-aes"
namespace = "tests"
name = "test key"
key_file = "test.key"

[tables.Users]
keys = "test"
partition_key = "id"
default_action = "encrypt_and_sign"
[tables.Users.attributes]
id = "sign_only"
hits = "do_nothing"
"#;

/// Branch keys in a key store, under a key of Vault.
pub(crate) const VAULT_CONFIG: &str = r#"
[keys.tenants]
type = "hierarchical"
key_store_table = "KeyStore"
vault_key = "branch-keys"
branch_key_id = "t"
cache_ttl = 60

[tables.Users]
keys = "tenants"
partition_key = "id"
default_action = "encrypt_and_sign"
[tables.Users.attributes]
id = "sign_only"
"#;
