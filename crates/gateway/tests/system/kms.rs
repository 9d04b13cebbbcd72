//! Keys of AWS KMS through the gateway: a KMS over HTTP, DynamoDB in this process, and callers over sockets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{
    FakeUpstream, Gateway, Reply, assert_error, assert_signed_for, brisk, network, raw_upstream, target,
};
use dynaseal_engine::{Answer, BoxFuture, Call, Engine, Plaintext, Service, Table, Wire, WireError};
use dynaseal_gateway::{Embedded, RuntimeClock, Settings, Target, Upstream, UpstreamLimits};
use dynaseal_item::{Action, SchemaSpec};
use dynaseal_keys::testing::{FakeKms, KeyState, Trouble};
use dynaseal_keys::{AwsKmsRing, Provider};
use dynaseal_testkit::fake_aws;
use http::Response;
use http_body_util::Full;
use serde_json::json;

#[tokio::test]
async fn items_are_sealed_and_opened_with_keys_of_kms() {
    let world = World::start(brisk()).await;
    world.put("1").await;
    let stored = world.stored("1");
    assert!(stored.contains("aws_dbe_head") && !stored.contains(SECRET), "{stored}");
    assert_eq!(world.get("1").await.json()["Item"]["email"]["S"], SECRET);
    let query = json!({
        "TableName": "Users", "KeyConditionExpression": "id = :i", "ExpressionAttributeValues": {":i": {"S": "1"}},
    });
    let found = world.gateway.call("Query", &query.to_string()).await.json();
    assert_eq!((&found["Count"], &found["Items"][0]["email"]["S"]), (&json!(1), &json!(SECRET)));
    let called = |operation: &str| (operation.to_owned(), KEY.to_owned());
    assert_eq!(world.kms.calls(), [called("GenerateDataKey"), called("Decrypt"), called("Decrypt")]);

    let metrics = world.metrics().await;
    assert!(metrics.contains("dynaseal_kms_calls_total{operation=\"Decrypt\",outcome=\"ok\"} 2\n"), "{metrics}");
    assert!(metrics.contains("dynaseal_kms_call_seconds_count{operation=\"GenerateDataKey\"} 1\n"), "{metrics}");
    assert!(!metrics.contains("arn:") && !metrics.contains("111122223333"), "{metrics}");
}

#[tokio::test]
async fn a_call_is_signed_for_kms_in_the_region_of_its_key() {
    let fake = FakeUpstream::start(|| Response::new(Full::from("{}"))).await;
    let kms = network(&target_of(&fake.url()), brisk());
    for region in [None, Some("us-east-1")] {
        let call = Call::new(Service::Kms, "Decrypt", b"{\"x\":1}".to_vec()).in_region(region);
        assert!(kms.send(call).await.unwrap().ok());
    }
    let table = Call::new(Service::DynamoDb, "GetItem", b"{}".to_vec()).in_region(Some("us-west-2"));
    let upstream = network(&Target::new(&fake.url(), Some("eu-west-1".into()), None), brisk());
    assert!(upstream.send(table).await.unwrap().ok());

    let evil = Call::new(Service::Kms, "Decrypt", b"{}".to_vec()).in_region(Some("evil.example/"));
    assert_eq!(kms.send(evil).await, Err(WireError::Unreachable));
    let seen = fake.seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    for ((head, body), region) in seen.iter().zip(["eu-west-1", "us-east-1"]) {
        assert_eq!(head.headers["content-type"], "application/x-amz-json-1.1");
        assert_eq!(
            (&head.headers["x-amz-target"], &body[..]),
            (&"TrentService.Decrypt".parse().unwrap(), &b"{\"x\":1}"[..])
        );
        assert_signed_for("kms", head, body, region);
    }
    assert_signed_for("dynamodb", &seen[2].0, &seen[2].1, "us-west-2");
}

#[tokio::test]
async fn callers_cannot_call_kms_through_the_gateway() {
    let world = World::start(brisk()).await;
    let body = json!({"KeyId": KEY, "NumberOfBytes": 32}).to_string();
    for name in ["TrentService.GenerateDataKey", "trentservice.Decrypt", "DynamoDB_20120810.TrentService.Decrypt"] {
        let reply = world.gateway.connect().await.send(target(name), body.clone()).await;
        assert_error(&reply, 400, "UnknownOperationException", "DSL-7101");
    }
    // As an operation of DynamoDB it names no protected table, so it is for DynamoDB to refuse, as it does here.
    let reply = world.gateway.call("GenerateDataKey", &body).await;
    let kind = "com.amazon.coral.service#UnknownOperationException";
    assert_eq!((reply.status, &reply.json()["__type"]), (400, &json!(kind)));
    let named = body.replace('}', r#","TableName":"Users"}"#);
    assert_error(&world.gateway.call("GenerateDataKey", &named).await, 400, "UnknownOperationException", "DSL-2002");
    assert!(world.kms.calls().is_empty());
}

#[tokio::test]
async fn what_passes_is_tried_again_and_what_lasts_is_not() {
    let world = World::start(brisk()).await;
    world.put("1").await;
    for passing in [Trouble::Throttle, Trouble::Internal, Trouble::Down(WireError::Broken)] {
        let before = world.kms.count("Decrypt");
        world.kms.trouble(passing, None, 2);
        assert_eq!(world.get("1").await.status, 200, "{passing:?}");
        assert_eq!(world.kms.count("Decrypt"), before + 3);
    }
    let before = world.kms.count("Decrypt");
    world.kms.trouble(Trouble::Slow(Duration::from_secs(30)), None, 1);
    assert_eq!(world.get("1").await.status, 200);
    assert_eq!(world.kms.count("Decrypt"), before + 2);
    for lasting in [Trouble::AccessDenied, Trouble::Garbage] {
        let before = world.kms.count("Decrypt");
        world.kms.trouble(lasting, None, 1);
        assert_ne!(world.get("1").await.status, 200);
        assert_eq!(world.kms.count("Decrypt"), before + 1, "{lasting:?}");
    }
}

/// What SDKs retry is 5xx; what no retry can mend is 400. Nothing is stored, and all is well once KMS is.
#[tokio::test]
async fn each_trouble_has_its_code_its_status_and_its_end() {
    let world = World::start(brisk()).await;
    world.put("1").await;
    for (trouble, status, exception, code) in [
        (Trouble::Throttle, 503, "ServiceUnavailable", "DSL-4101"),
        (Trouble::Internal, 503, "ServiceUnavailable", "DSL-4102"),
        (Trouble::AccessDenied, 400, "AccessDeniedException", "DSL-4103"),
        (Trouble::Down(WireError::Broken), 503, "ServiceUnavailable", "DSL-4112"),
        (Trouble::Slow(Duration::from_secs(30)), 503, "ServiceUnavailable", "DSL-4112"),
        (Trouble::Garbage, 500, "InternalServerError", "DSL-4113"),
    ] {
        world.kms.trouble(trouble, None, usize::MAX);
        let started = Instant::now();
        for reply in [world.get("1").await, world.put_reply("2").await] {
            assert_error(&reply, status, exception, code);
            assert_told(&reply);
        }
        assert!(started.elapsed() < Duration::from_secs(3), "{trouble:?}: {:?}", started.elapsed());
        assert_eq!(world.stored("2"), "{}", "{trouble:?}");
        world.kms.calm();
        assert_eq!(world.get("1").await.status, 200, "{trouble:?}");
    }
    for (state, code) in [(KeyState::Disabled, "DSL-4106"), (KeyState::PendingDeletion, "DSL-4107")] {
        world.kms.set_state(KEY, state);
        let reply = world.get("1").await;
        assert_error(&reply, 400, "AccessDeniedException", code);
        assert_told(&reply);
        world.kms.set_state(KEY, KeyState::Enabled);
        assert_eq!(world.get("1").await.status, 200);
    }
    world.kms.delete_key(KEY);
    let reply = world.get("1").await;
    assert_error(&reply, 400, "AccessDeniedException", "DSL-4105");
    assert_told(&reply);
}

#[tokio::test]
async fn a_kms_that_is_not_there_or_no_kms_is_an_answer_in_time() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let long: &'static [u8] = Box::leak(
        format!("HTTP/1.1 200 OK\r\ncontent-length: 70000\r\n\r\n{{\"x\":\"{}\"}}", "x".repeat(69_992))
            .into_bytes()
            .into(),
    );
    let urls = [
        format!("http://{nobody}"),
        raw_upstream(long, Duration::ZERO).await,
        raw_upstream(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-amz-crc32: 1\r\n\r\n{}", Duration::ZERO).await,
        raw_upstream(b"no http at all\r\n\r\n", Duration::ZERO).await,
    ];
    for url in urls {
        let world = World::over(FakeKms::default(), network(&target_of(&url), brisk())).await;
        let started = Instant::now();
        let reply = world.put_reply("1").await;
        assert_error(&reply, 503, "ServiceUnavailable", "DSL-4112");
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        assert_eq!(world.stored("1"), "{}");
    }
}

/// An embedded database needs no network, unless its keys do.
#[tokio::test]
async fn without_keys_of_kms_a_call_of_kms_goes_nowhere() {
    let wire = dynaseal_gateway::open_upstream(&Target::new("embedded", None, None), brisk()).await.unwrap().wire;
    let world =
        World { gateway: Gateway::start_for(engine(), Settings::default(), wire).await, ..World::start(brisk()).await };
    world.gateway.call("CreateTable", CREATE).await;
    assert_error(&world.put_reply("1").await, 503, "ServiceUnavailable", "DSL-4112");
}

/// A gateway for `Users`, whose key is in a KMS over HTTP.
struct World {
    kms: FakeKms,
    database: Embedded,
    gateway: Gateway,
}

impl World {
    async fn start(limits: UpstreamLimits) -> Self {
        let kms = FakeKms::with_clock(Arc::new(RuntimeClock)).with_key(KEY);
        let url = format!("http://{}", fake_aws::serve(kms.clone()).await.unwrap());
        Self::over(kms, network(&target_of(&url), limits)).await
    }

    async fn over(kms: FakeKms, network: Upstream) -> Self {
        let database = Embedded::open(None).unwrap();
        let wire = Arc::new(Split { database: database.clone(), network });
        let gateway = Gateway::start_for(engine(), Settings::default(), wire).await;
        assert_eq!(gateway.call("CreateTable", CREATE).await.status, 200);
        Self { kms, database, gateway }
    }

    async fn put(&self, id: &str) {
        let reply = self.put_reply(id).await;
        assert_eq!(reply.status, 200, "{}", reply.json());
    }

    async fn put_reply(&self, id: &str) -> Reply {
        let put = json!({"TableName": "Users", "Item": {"id": {"S": id}, "email": {"S": SECRET}}});
        self.gateway.call("PutItem", &put.to_string()).await
    }

    async fn get(&self, id: &str) -> Reply {
        let get = json!({"TableName": "Users", "Key": {"id": {"S": id}}});
        self.gateway.call("GetItem", &get.to_string()).await
    }

    /// What the database answers, past the gateway.
    fn stored(&self, id: &str) -> String {
        let get = json!({"TableName": "Users", "Key": {"id": {"S": id}}}).to_string();
        String::from_utf8(self.database.call(&Call::new(Service::DynamoDb, "GetItem", get.into())).body).unwrap()
    }

    async fn metrics(&self) -> String {
        let reply = self.gateway.connect().await.send(http::Request::get("/metrics"), "").await;
        String::from_utf8(reply.body.to_vec()).unwrap()
    }
}

/// DynamoDB in this process, KMS over the network, with the tests' credentials.
struct Split {
    database: Embedded,
    network: Upstream,
}

impl Wire for Split {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        if call.service == Service::Kms { self.network.send(call) } else { self.database.send(call) }
    }
}

fn target_of(kms: &str) -> Target {
    Target::new("embedded", Some("eu-west-1".into()), None).with_kms(Some(kms.to_owned()))
}

fn engine() -> Engine {
    let schema = SchemaSpec {
        logical_name: "Users".into(),
        partition_key: "id".into(),
        actions: vec![("id".into(), Action::SignOnly)],
        default_action: Some(Action::EncryptAndSign),
        ..SchemaSpec::default()
    };
    let provider = Provider::new(Arc::new(AwsKmsRing::single(KEY, Vec::new()).unwrap()));
    Engine::new(
        [Table::new("Users".into(), schema.build().unwrap(), provider, Plaintext::Forbid)],
        Arc::new(RuntimeClock),
    )
}

/// The message names operation, table and key, says what to do, and holds nothing of the item.
#[track_caller]
fn assert_told(reply: &Reply) {
    let message = reply.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("on table Users") && message.contains(KEY) && message.ends_with('.'), "{message}");
    assert!(!message.contains(SECRET), "{message}");
}

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const SECRET: &str = "canary-7d1e@example.com";
const CREATE: &str = r#"{"TableName":"Users","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
    "AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}"#;
