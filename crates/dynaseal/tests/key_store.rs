//! Single items and stream records with hierarchical keys of AWS KMS, whose key store is in DynamoDB: the SDK's own clients,
//! and for the whole way on real sockets.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests, not tests themselves")]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use dynaseal::{AwsItem, Error, Sealing};
use dynaseal_engine::{Call, Engine, Service, SystemClock};
use dynaseal_gateway::{Server, Settings};
use dynaseal_keys::testing::FakeKms;
use dynaseal_testkit::fake_aws;
use serde_json::{Value, json};
use support::{SECRET, Store, TEST_KEY_ID, TEST_SECRET, engine_of, key_store, s, user};

#[tokio::test]
async fn single_items_are_those_of_a_sealed_client_over_real_sockets() {
    let account = Account::start().await;
    let db = dynaseal::seal(account.dynamodb(), Sealing::new(engine_of(CONFIG)).kms(account.kms())).unwrap();
    let sealing = account.sealing();

    db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    let stored = account.stored("1").await;
    assert!(stored["email"].is_b());
    assert_eq!(sealing.open_item("Users", &stored).await.unwrap(), user("1"));

    let sealed = sealing.seal_item("Users", &user("2")).await.unwrap();
    assert!(sealed["email"].is_b() && sealed.contains_key("aws_dbe_head"));
    account.plain().put_item().table_name("Users").set_item(Some(sealed)).send().await.unwrap();
    let got = db.get_item().table_name("Users").key("id", s("2")).send().await.unwrap();
    assert_eq!(got.item, Some(user("2")));
}

#[tokio::test]
async fn stream_records_are_opened_with_the_ways_that_were_given() {
    let account = Account::start().await;
    let sealing = account.sealing();
    let sealed = sealing.seal_item("Users", &user("1")).await.unwrap();
    account.plain().put_item().table_name("Users").set_item(Some(sealed)).send().await.unwrap();
    let get = Call::new(Service::DynamoDb, "GetItem", br#"{"TableName":"Users","Key":{"id":{"S":"1"}}}"#.to_vec());
    let stored: Value = serde_json::from_slice(&account.store.database().call(&get).body).unwrap();
    let arn = "arn:aws:dynamodb:eu-west-1:111122223333:table/Users/stream/2026-01-01T00:00:00.000";
    let event = json!({ "Records": [{
        "eventSourceARN": arn, "dynamodb": { "Keys": { "id": { "S": "1" } }, "NewImage": stored["Item"] },
    }]});

    let engine = engine_of(CONFIG);
    let opened = engine.open_records(sealing.wire(), None, &event.to_string()).await.unwrap();
    let opened: Value = serde_json::from_slice(&opened).unwrap();
    assert_eq!(opened["Records"][0]["dynamodb"]["NewImage"]["email"], json!({ "S": SECRET }));

    let nothing = Sealing::new(engine_of(CONFIG));
    let error = engine_of(CONFIG).open_records(nothing.wire(), None, &event.to_string()).await.unwrap_err();
    assert_eq!(error.code(), "DSL-6005");
    assert!(error.hint().contains(".dynamodb("), "{}", error.hint());
}

#[tokio::test]
async fn what_was_not_given_is_named() {
    let account = Account::start().await;
    let sealed = account.sealing().seal_item("Users", &user("1")).await.unwrap();
    let (without_key_store, without_kms) =
        (Sealing::new(engine_of(CONFIG)).kms(account.kms()), Sealing::new(engine_of(CONFIG)).dynamodb(account.plain()));
    let engine = engine_of(CONFIG);
    for (error, way) in [
        (without_key_store.open_item("Users", &sealed).await.unwrap_err(), ".dynamodb("),
        (without_key_store.seal_item("Users", &user("1")).await.unwrap_err(), ".dynamodb("),
        (without_kms.open_item("Users", &sealed).await.unwrap_err(), ".kms("),
        (without_kms.seal_item("Users", &user("1")).await.unwrap_err(), ".kms("),
        (dynaseal::open_item(&engine, "Users", &sealed).await.unwrap_err(), ".dynamodb("),
        (dynaseal::seal_item(&engine, "Users", &user("1")).await.unwrap_err(), ".dynamodb("),
    ] {
        let text = error.to_string();
        assert!(error.code() == "DSL-6005" && text.contains(way) && text.contains("table Users"), "{text}");
        assert!(!text.contains(SECRET));
    }
    let refused = dynaseal::seal(account.dynamodb(), without_kms).unwrap_err();
    assert_eq!(refused, Error::NoKms);
    // A sealed client reads the key store itself.
    assert!(dynaseal::seal(account.dynamodb(), without_key_store).is_ok());
}

#[tokio::test]
async fn the_key_store_is_not_read_through_a_sealed_client() {
    let account = Account::start().await;
    let db = dynaseal::seal(account.dynamodb(), Sealing::new(engine_of(CONFIG)).kms(account.kms())).unwrap();
    let sealing = Sealing::new(engine_of(CONFIG)).kms(account.kms()).dynamodb((*db).clone());
    let error = sealing.seal_item("Users", &user("1")).await.unwrap_err();
    assert!(error.code() == "DSL-6005" && error.to_string().contains("not sealed"), "{error}");
}

#[tokio::test]
async fn reads_of_the_key_store_are_retried_as_the_client_says_and_fail_by_code() {
    let account = Account::start().await;
    let of = |client| Sealing::new(engine_of(CONFIG)).kms(account.kms()).dynamodb(client);
    account.store.forget();
    account.store.lose("GetItem");
    of(account.store.plain()).seal_item("Users", &user("1")).await.unwrap();
    assert_eq!(account.store.operations(), ["GetItem", "GetItem"]);

    let once = account.store.options().retry_config(RetryConfig::disabled());
    let once = aws_sdk_dynamodb::Client::from_conf(once.build());
    account.store.lose("GetItem");
    let lost = of(once.clone()).seal_item("Users", &user("1")).await.unwrap_err();
    assert_eq!(lost.code(), "DSL-4127", "{lost}");

    // A key store that is not there, and a branch key that is not in it.
    let elsewhere = CONFIG.replace("\"KeyStore\"", "\"OtherKeys\"");
    let sealing = Sealing::new(engine_of(&elsewhere)).kms(account.kms()).dynamodb(once.clone());
    assert_eq!(sealing.seal_item("Users", &user("1")).await.unwrap_err().code(), "DSL-4121");
    let other = CONFIG.replace("branch_key_id = \"t\"", "branch_key_id = \"other\"");
    let sealing = Sealing::new(engine_of(&other)).kms(account.kms()).dynamodb(once);
    assert_eq!(sealing.seal_item("Users", &user("1")).await.unwrap_err().code(), "DSL-4005");
}

/// A key that is not needed need not be reachable.
#[tokio::test]
async fn a_key_of_this_process_opens_although_another_is_out_of_reach() {
    let table = CONFIG.split_once("keys = \"tenants\"").unwrap().1;
    let config = |keys: &str| format!("{MULTI}\n[tables.Users]\nkeys = \"{keys}\"{table}");
    let local = engine_of(&config("test"));
    let sealed = dynaseal::seal_item(&local, "Users", &user("1")).await.unwrap();
    let both = engine_of(&config("both"));
    assert_eq!(dynaseal::open_item(&both, "Users", &sealed).await.unwrap(), user("1"));
    assert_eq!(dynaseal::seal(Store::start().await.options(), both).unwrap_err(), Error::NoKms);
}

/// The keys of a pattern's tables are described by the same client.
#[tokio::test]
async fn a_pattern_learns_its_tables_from_the_client_for_reads() {
    let account = Account::start().await;
    let keys = CONFIG.split("[tables.Users]").next().unwrap();
    let table = "[tables.\"Us*\"]\nkeys = \"tenants\"\ndefault_action = \"encrypt_and_sign\"\n\
                 [tables.\"Us*\".attributes]\nid = \"sign_only\"\n";
    let engine = engine_of(&format!("{keys}{table}"));
    let wire = account.sealing();
    let item = r#"{"id":{"S":"1"},"email":{"S":"ada@example.com"}}"#;
    let sealed = engine.seal_item(wire.wire(), "Users", item).await.unwrap();
    let sealed = String::from_utf8(sealed).unwrap();
    assert!(sealed.contains("aws_dbe_head") && !sealed.contains("ada@"), "{sealed}");
    let opened: Value =
        serde_json::from_slice(&engine.open_item(wire.wire(), "Users", &sealed).await.unwrap()).unwrap();
    assert_eq!(opened, serde_json::from_str::<Value>(item).unwrap());
}

/// An account on loopback: a DynamoDB with the table `Users` and a key store, and the KMS that protects it.
struct Account {
    store: Store,
    dynamodb: SocketAddr,
    kms: SocketAddr,
}

impl Account {
    async fn start() -> Self {
        let (store, kms) = (Store::start().await, FakeKms::default().with_key(KEY));
        key_store(CONFIG, &store, &kms).await;
        // A gateway that protects nothing is a plain DynamoDB.
        let settings = Settings { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Settings::default() };
        let engine = Arc::new(Engine::new([], Arc::new(SystemClock)));
        let server = Server::bind(settings, engine, store.database()).await.unwrap();
        let dynamodb = server.local_addr();
        tokio::spawn(server.serve(std::future::pending()));
        Self { store, dynamodb, kms: fake_aws::serve(kms).await.unwrap() }
    }

    fn dynamodb(&self) -> aws_sdk_dynamodb::config::Builder {
        aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new(TEST_KEY_ID, TEST_SECRET, None, None, "test"))
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .endpoint_url(format!("http://{}", self.dynamodb))
    }

    fn plain(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::from_conf(self.dynamodb().build())
    }

    fn kms(&self) -> aws_sdk_kms::Client {
        let config = aws_sdk_kms::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new(TEST_KEY_ID, TEST_SECRET, None, None, "test"))
            .endpoint_url(format!("http://{}", self.kms));
        aws_sdk_kms::Client::from_conf(config.build())
    }

    fn sealing(&self) -> Sealing {
        Sealing::new(engine_of(CONFIG)).kms(self.kms()).dynamodb(self.plain())
    }

    async fn stored(&self, id: &str) -> AwsItem {
        self.plain().get_item().table_name("Users").key("id", s(id)).send().await.unwrap().item.unwrap()
    }
}

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const CONFIG: &str = r#"
[keys.tenants]
type = "hierarchical"
key_store_table = "KeyStore"
kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
branch_key_id = "t"
cache_ttl = 60

[tables.Users]
keys = "tenants"
partition_key = "id"
default_action = "encrypt_and_sign"
[tables.Users.attributes]
id = "sign_only"
"#;
const MULTI: &str = r#"
[keys.test]
type = "raw-aes"
namespace = "tests"
name = "test key"
key_file = "test.key"

[keys.kms]
type = "aws-kms"
key_arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

[keys.both]
type = "multi"
generator = "kms"
children = ["test"]
"#;
