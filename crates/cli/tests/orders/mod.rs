//! Both gateways, each with a client; and orders to store.

use std::collections::HashMap;
use std::path::Path;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Builder, Credentials, Region};
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};

use crate::support::{Gateway, PROGRAM, TEST_KEY};

pub(crate) type Item = HashMap<String, AttributeValue>;

/// The gateway under test and the store behind it, with a client for each.
pub(crate) struct Both {
    pub(crate) client: Client,
    pub(crate) raw: Client,
    gateway: Gateway,
    store: Gateway,
    _folder: tempfile::TempDir,
}

impl Both {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let gateway = before(&store, folder.path(), "gateway");
        let sealed = if SEALED { Some(sealed_client(folder.path(), &store)) } else { None };
        let (client, raw) = (sealed.unwrap_or_else(|| client(&gateway)), client(&store));
        for table in ["Orders", "Plain"] {
            create(&raw, table).await;
        }
        Self { client, raw, gateway, store, _folder: folder }
    }

    /// Both must drain and end well, and may not have printed what the test stored.
    pub(crate) fn end(self) {
        drop((self.client, self.raw));
        for printed in [self.gateway.stop(), self.store.stop()] {
            assert!(!printed.contains(SECRET));
        }
    }

    pub(crate) async fn put(&self, item: Item) {
        self.client.put_item().table_name("Orders").set_item(Some(item)).send().await.unwrap();
    }

    pub(crate) async fn get(&self, number: u32) -> Option<Item> {
        let get = self.client.get_item().table_name("Orders").set_key(Some(key(number)));
        get.send().await.unwrap().item.map(with_sorted_sets)
    }

    /// The item as the database holds it.
    pub(crate) async fn stored(&self, number: u32) -> Item {
        self.raw_item(number).await.unwrap()
    }

    pub(crate) async fn is_stored(&self, number: u32) -> bool {
        self.raw_item(number).await.is_some()
    }

    async fn raw_item(&self, number: u32) -> Option<Item> {
        let get = self.raw.get_item().table_name("Orders").set_key(Some(key(number)));
        get.send().await.unwrap().item
    }
}

/// A gateway that protects nothing, over a database in memory.
pub(crate) fn store(folder: &Path) -> Gateway {
    Gateway::start(PROGRAM, folder, "store", include_str!("../../../../clients/store.toml"), &[], TEST_KEY)
}

/// A gateway before a store, under a name of its own; it protects Orders.
pub(crate) fn before(store: &Gateway, folder: &Path, name: &str) -> Gateway {
    before_in(store, folder, name, "forbid")
}

/// The same with another policy for what is unsealed.
pub(crate) fn before_in(store: &Gateway, folder: &Path, name: &str, plaintext: &str) -> Gateway {
    let table = format!("[tables.Orders]\nplaintext = \"{plaintext}\"");
    Gateway::start(PROGRAM, folder, name, &config(store).replace("[tables.Orders]", &table), &[], TEST_KEY)
}

fn config(store: &Gateway) -> String {
    include_str!("../../../../clients/gateway.toml").replace("{upstream}", &format!("http://{}", store.address))
}

/// The SDK's client sealed in this process, over the store that protects nothing.
fn sealed_client(folder: &Path, store: &Gateway) -> Client {
    std::fs::write(folder.join("test.key"), TEST_KEY).unwrap();
    let config = config(store).replace("key_env = \"DYNASEAL_TEST_KEY\"", "key_file = \"test.key\"");
    let file = folder.join("client.toml");
    std::fs::write(&file, config).unwrap();
    let sealed = dynaseal::seal(options(store), dynaseal::load(file).unwrap()).unwrap();
    Client::clone(&sealed)
}

/// A client that never sends a call again by itself.
pub(crate) fn client(gateway: &Gateway) -> Client {
    Client::from_conf(options(gateway).build())
}

fn options(gateway: &Gateway) -> Builder {
    aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(format!("http://{}", gateway.address))
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .retry_config(RetryConfig::disabled())
}

pub(crate) async fn create(raw: &Client, table: &str) {
    let part = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
    let of =
        |name: &str, kind| AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().unwrap();
    let create = raw.create_table().table_name(table).billing_mode(BillingMode::PayPerRequest);
    let create = create.key_schema(part("customer", KeyType::Hash)).key_schema(part("number", KeyType::Range));
    let create = create.attribute_definitions(of("customer", ScalarAttributeType::S));
    create.attribute_definitions(of("number", ScalarAttributeType::N)).send().await.unwrap();
}

/// A refusal is the caller's error, says what and why, and repeats no value.
pub(crate) fn assert_refused<E>(error: &SdkError<E>, operation: &str, name: &str)
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    assert_eq!(error.code(), Some("ValidationException"));
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 400);
    let message = message(error);
    assert!(message.contains("DSL-2003") && message.contains(operation) && message.contains(name), "{message}");
    assert!(!shown(error).contains(SECRET));
}

pub(crate) fn message<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    error.message().unwrap().to_owned()
}

pub(crate) fn shown<E: std::error::Error + 'static>(error: &SdkError<E>) -> String {
    DisplayErrorContext(error).to_string()
}

pub(crate) fn key(number: u32) -> Item {
    Item::from([pair("customer", s("rust")), pair("number", n(&number.to_string()))])
}

pub(crate) fn order(number: u32) -> Item {
    let status = if number % 2 == 1 { "open" } else { "shipped" };
    let mut item = key(number);
    item.extend([pair("status", s(status)), pair("note", s(&format!("{SECRET} {number}")))]);
    item
}

pub(crate) fn everything(number: u32) -> Item {
    let address = HashMap::from([pair("city", s(SECRET)), pair("geo", AttributeValue::L(vec![n("1"), n("-2")]))]);
    let lines = vec![AttributeValue::M(HashMap::from([pair("sku", s(SECRET))])), AttributeValue::Null(true)];
    let mut item = order(number);
    item.extend([
        pair("amount", n("12.5")),
        pair("photo", AttributeValue::B(Blob::new(SECRET))),
        pair("paid", AttributeValue::Bool(true)),
        pair("coupon", AttributeValue::Null(true)),
        pair("tags", AttributeValue::Ss(vec!["a".to_owned(), SECRET.to_owned()])),
        pair("sizes", AttributeValue::Ns(vec!["1".to_owned(), "2.5".to_owned()])),
        pair("scans", AttributeValue::Bs(vec![Blob::new([0, 255]), Blob::new(SECRET)])),
        pair("lines", AttributeValue::L(lines)),
        pair("address", AttributeValue::M(address)),
        pair("Ünïcode 😀", s(SECRET)),
    ]);
    item
}

/// Sets have no order.
pub(crate) fn with_sorted_sets(mut item: Item) -> Item {
    for value in item.values_mut() {
        match value {
            AttributeValue::Ss(all) | AttributeValue::Ns(all) => all.sort(),
            AttributeValue::Bs(all) => all.sort_by(|left, right| left.as_ref().cmp(right.as_ref())),
            _ => {}
        }
    }
    item
}

pub(crate) fn pair(name: &str, value: AttributeValue) -> (String, AttributeValue) {
    (name.to_owned(), value)
}

pub(crate) fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(crate) fn n(number: &str) -> AttributeValue {
    AttributeValue::N(number.to_owned())
}

/// Stands in every encrypted attribute that a test writes.
pub(crate) const SECRET: &str = "canary-4f1c9a";

/// `sealed_rust.rs` runs the same tests with a client that seals in this process; the gateway then stands idle beside it.
const SEALED: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"sealed_rust");
