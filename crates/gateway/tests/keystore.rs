//! The key store on a real engine: every body that it sends is understood there, and does what it should.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "the helpers of a test may stop it")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dynaseal_engine::{Answer, BoxFuture, Call, Config, Engine, Machine, Service, Wire, WireError};
use dynaseal_gateway::Embedded;
use dynaseal_keys::testing::{FakeKms, FixedClock};
use dynaseal_keys::{
    AwsKms, BranchKeyState, CreateKey, Erasure, Error, Io, KeyStore, KeyStoreOptions, KeyStoreTable, KmsConfiguration,
    StoreError,
};
use serde_json::{Value, json};

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const TABLE: &str = "KeyStore";

/// An account: DynamoDB by dynoxide, KMS in memory.
struct Account {
    table: Embedded,
    kms: FakeKms,
}

impl Account {
    fn new() -> Self {
        Self { table: Embedded::open(None).unwrap(), kms: FakeKms::default().with_key(KEY) }
    }

    /// What is stored, in the order of the keys.
    fn items(&self) -> Vec<Value> {
        let scan = Call::new(Service::DynamoDb, "Scan", json!({ "TableName": TABLE }).to_string().into_bytes());
        let answer: Value = serde_json::from_slice(&self.table.call(&scan).body).unwrap();
        let mut items = answer["Items"].as_array().unwrap().clone();
        items.sort_by_key(|item| (item["branch-key-id"].to_string(), item["type"].to_string()));
        items
    }
}

impl Wire for Account {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        if call.service == Service::Kms { self.kms.send(call) } else { self.table.send(call) }
    }
}

fn store() -> KeyStoreTable {
    let options = KeyStoreOptions {
        table: TABLE.into(),
        logical_name: TABLE.into(),
        kms: Arc::new(AwsKms::default()),
        keys: KmsConfiguration::Key(KEY.into()),
    };
    KeyStoreTable::new(options).unwrap()
}

fn tenant(id: &str) -> CreateKey {
    CreateKey { id: Some(id.to_owned()), context: BTreeMap::from([("tenant".to_owned(), id.to_owned())]) }
}

fn clock() -> FixedClock {
    FixedClock::new(Duration::from_secs(1_704_067_200))
}

#[tokio::test]
async fn the_life_of_a_branch_key() {
    let (account, clock, store) = (Account::new(), clock(), store());
    let io = Io { wire: &account, clock: &clock };
    let absent = store.active("t", io).await.unwrap_err();
    assert_eq!(absent.code(), "DSL-4121", "{absent}");
    let ready = store.create_table(io).await.unwrap();
    assert!(ready.created && ready.deletion_protection);
    assert!(!store.create_table(io).await.unwrap().created);

    let created = store.create(tenant("tenant-é"), io).await.unwrap();
    store.create(tenant("neighbour"), io).await.unwrap();
    assert_eq!(store.active("tenant-é", io).await.unwrap().version(), created.version);
    let taken = store.create(tenant("tenant-é"), io).await.unwrap_err();
    assert_eq!(taken, StoreError::Exists { id: "tenant-é".into() }.into());

    clock.advance(Duration::from_secs(1));
    let rotated = store.rotate("tenant-é", io).await.unwrap();
    assert_eq!((rotated.old, store.active("tenant-é", io).await.unwrap().version()), (created.version, rotated.new));
    KeyStore::version(&store, "tenant-é", created.version, io).await.unwrap();

    let listed = store.list(io).await.unwrap();
    let summary = |key: &dynaseal_keys::BranchKeySummary| (key.id.clone(), key.versions, key.state);
    let wanted =
        [("neighbour".to_owned(), 1, BranchKeyState::Enabled), ("tenant-é".to_owned(), 2, BranchKeyState::Enabled)];
    assert_eq!(listed.iter().map(summary).collect::<Vec<_>>(), wanted);
    let described = store.describe("tenant-é", io).await.unwrap();
    assert_eq!(
        described.history.iter().map(|version| version.version).collect::<Vec<_>>(),
        [created.version, rotated.new]
    );

    let before = account.items();
    assert_eq!(store.disable("tenant-é", io).await.unwrap().moved, 4);
    let disabled: Error = StoreError::Disabled { id: "tenant-é".into() }.into();
    assert_eq!(store.active("tenant-é", io).await.unwrap_err(), disabled);
    assert_eq!(store.create(tenant("tenant-é"), io).await.unwrap_err(), disabled);
    assert_eq!(store.enable("tenant-é", io).await.unwrap().moved, 4);
    assert_eq!(account.items(), before);

    let destroyed = store.destroy("tenant-é", Erasure::ForGood, io).await.unwrap();
    assert_eq!((destroyed.versions, destroyed.records.len()), (2, 4));
    assert!(account.items().iter().all(|item| item["branch-key-id"]["S"] == "neighbour"));
    store.active("neighbour", io).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_rotations_at_once_at_least_one_wins_and_none_is_lost() {
    let account = Arc::new(Account::new());
    let (clock, store) = (Arc::new(clock()), store());
    let io = Io { wire: &*account, clock: &*clock };
    store.create_table(io).await.unwrap();
    let mut versions = vec![store.create(tenant("t"), io).await.unwrap().version];
    for _ in 0..4 {
        let racer = || {
            let (account, clock, store) = (account.clone(), clock.clone(), store.clone());
            tokio::spawn(async move { store.rotate("t", Io { wire: &*account, clock: &*clock }).await })
        };
        let racers: Vec<_> = (0..16).map(|_| racer()).collect();
        let mut won = Vec::new();
        for racer in racers {
            match racer.await.unwrap() {
                Ok(rotated) => won.push(rotated),
                Err(error) => assert_eq!(error.code(), "DSL-4138", "{error}"),
            }
        }
        // Each winner goes on from the one before it, so they make one chain.
        assert!(!won.is_empty());
        while let Some(next) = won.iter().position(|rotated| Some(&rotated.old) == versions.last()) {
            versions.push(won.swap_remove(next).new);
        }
        assert!(won.is_empty(), "{won:?} went on from a version that another had replaced");
    }
    assert_eq!(store.active("t", io).await.unwrap().version(), *versions.last().unwrap());
    assert_eq!(account.items().len(), versions.len() + 2);
    for version in versions {
        KeyStore::version(&store, "t", version, io).await.unwrap();
    }
}

#[tokio::test]
async fn many_versions_are_moved_and_destroyed_in_batches() {
    let (account, clock, store) = (Account::new(), clock(), store());
    let io = Io { wire: &account, clock: &clock };
    store.create_table(io).await.unwrap();
    store.create(tenant("t"), io).await.unwrap();
    for _ in 0..120 {
        store.rotate("t", io).await.unwrap();
    }
    let before = account.items();
    assert_eq!(store.disable("t", io).await.unwrap().moved, 123);
    assert_eq!(store.enable("t", io).await.unwrap().moved, 123);
    assert_eq!(account.items(), before);
    assert_eq!(store.destroy("t", Erasure::ForGood, io).await.unwrap().versions, 121);
    assert!(account.items().is_empty());
}

/// Users, each under the branch key that its own key names.
fn engine(clock: &Arc<FixedClock>) -> Engine {
    let config = format!(
        "[keys.tenants]\ntype = \"hierarchical\"\nkey_store_table = \"{TABLE}\"\nkms_key_arn = \"{KEY}\"\n\
        branch_key_id_attribute = \"id\"\ncache_ttl = 60\n\
        [tables.Users]\nkeys = \"tenants\"\npartition_key = \"id\"\ndefault_action = \"encrypt_and_sign\"\n"
    );
    Config::parse(&config, "dynaseal.toml", &Machine).unwrap().into_engine(clock.clone())
}

/// What a call comes to: the e-mail address that it read, if any, or the code of the error.
async fn ask(
    engine: &Engine,
    account: &Account,
    operation: &'static str,
    id: &str,
) -> Result<Option<String>, &'static str> {
    let body = match operation {
        "PutItem" => {
            json!({ "TableName": "Users", "Item": { "id": { "S": id }, "email": { "S": format!("{id}@example.com") } } })
        }
        _ => json!({ "TableName": "Users", "Key": { "id": { "S": id } } }),
    };
    let call = Call::new(Service::DynamoDb, operation, body.to_string().into_bytes());
    let answer = engine.call(account, call).await.map_err(|error| error.code())?;
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    Ok(answer["Item"]["email"]["S"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn an_erased_tenant_is_unreadable_everywhere_after_one_ttl() {
    let (account, clock, store) = (Account::new(), Arc::new(clock()), store());
    let io = Io { wire: &account, clock: &*clock };
    store.create_table(io).await.unwrap();
    let users = json!({
        "TableName": "Users", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
    });
    assert!(account.table.call(&Call::new(Service::DynamoDb, "CreateTable", users.to_string().into_bytes())).ok());
    let here = engine(&clock);
    for id in ["a", "b"] {
        store.create(tenant(id), io).await.unwrap();
        ask(&here, &account, "PutItem", id).await.unwrap();
        store.rotate(id, io).await.unwrap();
    }

    store.destroy("a", Erasure::ForGood, io).await.unwrap();
    // Who has the key cached goes on for one TTL; who has not cannot begin.
    assert_eq!(ask(&here, &account, "GetItem", "a").await, Ok(Some("a@example.com".into())));
    assert_eq!(ask(&engine(&clock), &account, "GetItem", "a").await, Err("DSL-4006"));
    clock.advance(Duration::from_secs(61));
    assert_eq!(ask(&here, &account, "GetItem", "a").await, Err("DSL-4006"));
    assert_eq!(ask(&here, &account, "PutItem", "a").await, Err("DSL-4005"));
    assert_eq!(ask(&here, &account, "GetItem", "b").await, Ok(Some("b@example.com".into())));

    store.disable("b", io).await.unwrap();
    clock.advance(Duration::from_secs(61));
    for operation in ["GetItem", "PutItem"] {
        assert_eq!(ask(&here, &account, operation, "b").await, Err("DSL-4137"));
    }
    store.enable("b", io).await.unwrap();
    ask(&here, &account, "PutItem", "b").await.unwrap();
    assert_eq!(ask(&here, &account, "GetItem", "b").await, Ok(Some("b@example.com".into())));

    // A tenant under an id that was erased is another tenant: what was sealed before stays unreadable.
    store.create(tenant("a"), io).await.unwrap();
    assert_eq!(ask(&here, &account, "GetItem", "a").await, Err("DSL-4006"));
}
