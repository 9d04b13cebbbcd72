//! The key store over KMS and DynamoDB in memory: what it writes, what it reads, and what it makes of trouble.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "the helpers of a test may stop it")]

mod bound;
mod erase;
mod list;
mod lost;
mod read;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "these tests have a network")]
mod support;
mod switch;
mod tamper;
mod thief;
mod thief_items;
mod vault;
mod write;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use dynaseal_item::{Context, EncryptedDataKey, Kind, Suite};
use dynaseal_keys::testing::{FakeAws, FixedClock};
use dynaseal_keys::{
    AtMost, AwsKms, BranchKeyId, CacheOptions, CreateKey, Created, Discovery, Error, Hierarchical, Io, KeyStore,
    KeyStoreOptions, KeyStoreTable, Keyring, KmsConfiguration, Provider, Wire,
};
use serde_json::Value;

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const MRK: &str = "arn:aws:kms:eu-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
const REPLICA: &str = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab";
const TABLE: &str = "KeyStore";
const LOGICAL: &str = "KeyStoreAsItWasFirst";

/// An account with KMS keys, a key store and a clock.
struct World {
    aws: FakeAws,
    clock: FixedClock,
    store: KeyStoreTable,
}

impl World {
    /// With an empty table.
    fn new() -> Self {
        let aws = FakeAws::default();
        let _ = aws.kms.clone().with_key(KEY).with_key(MRK).with_key(REPLICA);
        let clock = FixedClock::new(Duration::new(1_704_067_200, 123_456_789));
        let world = Self { aws, clock, store: store(KmsConfiguration::Key(KEY.into())) };
        assert!(run(world.store.create_table(world.io())).unwrap().created);
        world
    }

    fn io(&self) -> Io<'_> {
        self.io_over(&self.aws)
    }

    fn io_over<'a>(&'a self, wire: &'a dyn Wire) -> Io<'a> {
        Io { wire, clock: &self.clock }
    }

    /// Makes a branch key for a tenant.
    fn create(&self, id: &str) -> Created {
        run(self.store.create(tenant(id), self.io())).unwrap()
    }

    fn items(&self) -> Vec<Value> {
        self.aws.table.items(TABLE)
    }

    /// The types of the records under an id.
    fn types(&self, id: &str) -> Vec<String> {
        let own =
            |item: &Value| (item["branch-key-id"]["S"] == id).then(|| item["type"]["S"].as_str().unwrap().to_owned());
        self.items().iter().filter_map(own).collect()
    }

    /// Changes one attribute of every record of a type; `None` takes it away.
    fn set(&self, id: &str, r#type: &str, attribute: &str, value: Option<Value>) {
        self.aws.table.edit(TABLE, |items| {
            let item = items.iter_mut().find(|item| item["branch-key-id"]["S"] == id && item["type"]["S"] == r#type);
            let item = item.unwrap().as_object_mut().unwrap();
            match value {
                Some(value) => drop(item.insert(attribute.into(), value)),
                None => assert!(item.remove(attribute).is_some()),
            }
        });
    }

    fn active(&self, id: &str) -> Result<String, Error> {
        run(self.store.active(id, self.io())).map(|key| key.version().to_string())
    }
}

fn store(keys: KmsConfiguration) -> KeyStoreTable {
    let kms = Arc::new(AwsKms::default());
    let options = KeyStoreOptions { table: TABLE.into(), logical_name: LOGICAL.into(), kms, keys };
    KeyStoreTable::new(options).unwrap()
}

fn discovery(regions: &[&str]) -> KmsConfiguration {
    KmsConfiguration::Discovery(Discovery {
        partition: "aws".into(),
        accounts: ["111122223333".to_owned()].into(),
        regions: regions.iter().map(|region| (*region).to_owned()).collect(),
    })
}

fn tenant(id: &str) -> CreateKey {
    CreateKey { id: Some(id.to_owned()), context: BTreeMap::from([("tenant".to_owned(), id.to_owned())]) }
}

fn active_type() -> &'static str {
    "branch:ACTIVE"
}

fn run<T>(future: impl Future<Output = T>) -> T {
    pollster::block_on(future)
}

/// Data keys that name a branch key and could each cost a fetch of it, in a version that nobody knows.
fn planted(id: &str, count: usize) -> Vec<EncryptedDataKey<'static>> {
    let one = |number: usize| {
        let mut ciphertext = vec![7; 140];
        ciphertext[76..84].copy_from_slice(&number.to_be_bytes());
        EncryptedDataKey {
            provider_id: b"aws-kms-hierarchy".as_slice().into(),
            provider_info: id.as_bytes().to_vec().into(),
            ciphertext: ciphertext.into(),
        }
    };
    (0..count).map(one).collect()
}

/// Whoever writes to the table can put 255 data keys into one item, each of another version of the branch key: none is
/// asked for.
fn assert_bounded(store: &KeyStoreTable, id: &str, io: Io<'_>, calls: &dyn Fn() -> usize) {
    let ring = || {
        let (id, options) = (BranchKeyId::Fixed(id.to_owned()), CacheOptions::new(Duration::from_secs(1)));
        Arc::new(Hierarchical::new(Arc::new(store.clone()), id, options).unwrap()) as Arc<dyn Keyring>
    };
    assert_ring_bounded(ring(), 3, id, io, calls);
    assert_ring_bounded(Arc::new(AtMost::new(ring(), 1)), 1, id, io, calls);
    assert_ring_bounded(Arc::new(AtMost::new(ring(), 20)), 20, id, io, calls);
}

fn assert_ring_bounded(ring: Arc<dyn Keyring>, most: usize, id: &str, io: Io<'_>, calls: &dyn Fn() -> usize) {
    let context: Context = [("k".to_owned(), "v".to_owned())].into_iter().collect();
    let provider = Provider::new(ring);
    let open = |data_keys: &[EncryptedDataKey<'_>]| run(provider.open_keys(Suite::Hmac, data_keys, &context, io));
    let before = calls();
    for count in [most + 1, 255] {
        let error = open(&planted(id, count)).map(drop).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("DSL-4017", Kind::Data), "{error}");
        assert!(error.to_string().contains(&format!("more than {most} encrypted data keys")), "{error}");
        assert_eq!(calls(), before);
    }
    // As many as may be are tried, each by one or two reads, beside any number of another branch key.
    let data_keys = [planted("another", 255 - most), planted(id, most)].concat();
    open(&data_keys).map(drop).unwrap_err();
    assert!((before + most..=before + 2 * most).contains(&calls()), "{before} {}", calls());
    let sealed = run(provider.seal_keys(Suite::Hmac, &context, io)).unwrap();
    let last = sealed.wrapped.into_iter().map(|(data_key, _)| data_key);
    let data_keys: Vec<_> = planted(id, most - 1).into_iter().chain(last).collect();
    assert_eq!(open(&data_keys).unwrap().data_key.expose(), sealed.data_key.expose());
}

/// Seals a data key with one key store and opens it with another; both hold the same branch keys if this is true.
fn opens(sealing: Arc<dyn KeyStore>, opening: Arc<dyn KeyStore>, id: &str, io: Io<'_>) -> Result<bool, Error> {
    let ring = |store| {
        let ring =
            Hierarchical::new(store, BranchKeyId::Fixed(id.to_owned()), CacheOptions::new(Duration::from_secs(1)));
        Provider::new(Arc::new(ring.unwrap()))
    };
    let context: Context = [("k".to_owned(), "v".to_owned())].into_iter().collect();
    let sealed = run(ring(sealing).seal_keys(Suite::Hmac, &context, io))?;
    let data_keys: Vec<_> = sealed.wrapped.iter().map(|(data_key, _)| data_key.clone()).collect();
    let opened = run(ring(opening).open_keys(Suite::Hmac, &data_keys, &context, io))?;
    Ok(opened.data_key.expose() == sealed.data_key.expose())
}
