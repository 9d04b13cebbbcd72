//! Our side: items through DynamoDB JSON, as they come and go in requests.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use dynaseal_item::{Draft, Schema, SchemaSpec, Sealed, json};
use dynaseal_keys::testing::{FakeAws, NoWire};
use dynaseal_keys::{
    AwsKms, AwsKmsRing, AwsKmsRsa, BranchKeyFile, BranchKeyId, CacheOptions, Discovery, Hierarchical, Io, KeyStore,
    KeyStoreOptions, KeyStoreTable, Keyring, KmsConfiguration, Multi, Padding, Provider, RawAes, RawRsa, SystemClock,
    message_id,
};
use serde_json::json;

use crate::rings::{BRANCH_KEYS, BY_AWS, BY_US, BranchKey, NAMESPACE, Ring, RsaPair};
use crate::standin::{ACCOUNT, KEY_STORE, KMS_ARN, LOGICAL_KEY_STORE, REGION, REPLICA_ARN, RSA_ARN};
use crate::values::{self, Attributes};

/// Our library with one key ring of each kind.
pub struct Ours {
    services: FakeAws,
    providers: BTreeMap<Ring, Provider>,
}

impl Ours {
    /// Builds the key rings.
    pub fn new(rsa: &RsaPair, services: &FakeAws) -> Self {
        let fixed = Ring::ALL.into_iter().chain(Ring::OPENING).filter(|ring| *ring != Ring::BranchPerTenant);
        let providers = fixed.map(|ring| (ring, Provider::new(keyring(ring, rsa)))).collect();
        Self { services: services.clone(), providers }
    }

    /// How our calls reach KMS and DynamoDB.
    pub fn io(&self) -> Io<'_> {
        Io { wire: &self.services, clock: &SystemClock }
    }

    /// The provider for a table.
    pub fn provider(&self, table: &SchemaSpec, ring: Ring) -> Provider {
        match ring {
            Ring::BranchPerTenant => Provider::new(branch(BranchKeyId::Attribute(table.partition_key.clone()))),
            ring => self.providers[&ring].clone(),
        }
    }

    /// Seals an item, or says why the table or the item is refused.
    pub fn seal(&self, table: &SchemaSpec, ring: Ring, item: &Attributes) -> Result<Attributes, String> {
        self.seal_with(&self.provider(table, ring), table, item)
    }

    /// Opens an item, or says why the table or the item is refused.
    pub fn open(&self, table: &SchemaSpec, ring: Ring, item: &Attributes) -> Result<Attributes, String> {
        self.open_with(&self.provider(table, ring), table, item)
    }

    /// Seals an item with other keys.
    pub fn seal_with(&self, keys: &Provider, table: &SchemaSpec, item: &Attributes) -> Result<Attributes, String> {
        values::from_json(&seal(&schema(table)?, keys, self.io(), values::to_json(item).as_bytes())?)
    }

    /// Opens an item with other keys.
    pub fn open_with(&self, keys: &Provider, table: &SchemaSpec, item: &Attributes) -> Result<Attributes, String> {
        values::from_json(&open(&schema(table)?, keys, self.io(), values::to_json(item).as_bytes())?)
    }
}

/// Seals from DynamoDB JSON to DynamoDB JSON.
pub fn seal(schema: &Schema, provider: &Provider, io: Io<'_>, item: &[u8]) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(item).map_err(say)?;
    let draft = Draft::new(schema, json::read_item(text).map_err(say)?).map_err(say)?;
    let keys = block_on(provider.seal_keys(draft.suite(), draft.context(), io)).map_err(say)?;
    let sealed = draft.seal(keys, &message_id().map_err(say)?).map_err(say)?;
    let mut out = Vec::with_capacity(item.len() + item.len() / 2 + 1024);
    json::write_item(&sealed, &mut out);
    Ok(out)
}

/// Opens from DynamoDB JSON to DynamoDB JSON.
pub fn open(schema: &Schema, provider: &Provider, io: Io<'_>, item: &[u8]) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(item).map_err(say)?;
    let mut stored = json::read_item(text).map_err(say)?;
    let sealed = Sealed::parse(schema, &mut stored).map_err(say)?;
    let keys = provider.open_keys(sealed.suite(), sealed.data_keys(), sealed.context(), io);
    let keys = block_on(keys).map_err(say)?;
    let plain = sealed.verify(&keys).and_then(|verified| verified.open()).map_err(say)?;
    let mut out = Vec::with_capacity(item.len());
    json::write_item(&plain, &mut out);
    Ok(out)
}

fn keyring(ring: Ring, rsa: &RsaPair) -> Arc<dyn Keyring> {
    let padding = match ring {
        Ring::Aes128 | Ring::Aes192 | Ring::Aes256 => {
            return Arc::new(RawAes::new(NAMESPACE, &ring.key_name(), &ring.aes_key()).expect("a raw AES key ring"));
        }
        Ring::Branch | Ring::BranchPerTenant => return branch(BranchKeyId::Fixed(BRANCH_KEYS[0].id.to_owned())),
        Ring::Multi => {
            let [generator, children @ ..] = Ring::MULTI;
            let children = children.into_iter().map(|ring| keyring(ring, rsa)).collect();
            return Arc::new(Multi::new(Some(keyring(generator, rsa)), children).expect("a multi key ring"));
        }
        Ring::Kms => return Arc::new(AwsKmsRing::single(KMS_ARN, Vec::new()).expect("a KMS key ring")),
        Ring::KmsMultiRegion => {
            return Arc::new(AwsKmsRing::multi_region(REPLICA_ARN, None, Vec::new()).expect("a multi-Region key ring"));
        }
        Ring::KmsDiscovery => {
            return Arc::new(AwsKmsRing::discovery(any_key(&[REGION]), Vec::new()).expect("a discovery key ring"));
        }
        Ring::KmsMultiRegionDiscovery => {
            let keys = any_key(&["eu-west-1", REGION]);
            return Arc::new(AwsKmsRing::multi_region_discovery(keys, Vec::new()).expect("a discovery key ring"));
        }
        Ring::KmsRsa => {
            let ring = AwsKmsRsa::new(RSA_ARN, Padding::OaepSha256, Some(&rsa.public_pem), Vec::new());
            return Arc::new(ring.expect("a KMS RSA key ring"));
        }
        Ring::StoreByAws => return hierarchical(Arc::new(key_store(KmsConfiguration::Key(KMS_ARN.into()))), BY_AWS),
        Ring::StoreByUs => return hierarchical(Arc::new(key_store(KmsConfiguration::Key(KMS_ARN.into()))), BY_US),
        Ring::RsaPkcs1 => Padding::Pkcs1,
        Ring::RsaOaepSha1 => Padding::OaepSha1,
        Ring::RsaOaepSha256 => Padding::OaepSha256,
        Ring::RsaOaepSha384 => Padding::OaepSha384,
        Ring::RsaOaepSha512 => Padding::OaepSha512,
    };
    let (private, public) = (Some(rsa.private_pem.as_str()), Some(rsa.public_pem.as_str()));
    Arc::new(RawRsa::new(NAMESPACE, &ring.key_name(), padding, private, public).expect("a raw RSA key ring"))
}

/// The branch keys as a local key store.
pub fn branch_key_file() -> String {
    let entry = |branch: &BranchKey| {
        let key = base64_simd::STANDARD.encode_to_string(branch.key);
        json!({"branch_key_id": branch.id, "active_version": branch.version, "versions": {branch.version: key}})
    };
    json!(BRANCH_KEYS.iter().map(entry).collect::<Vec<_>>()).to_string()
}

fn branch(id: BranchKeyId) -> Arc<dyn Keyring> {
    let store = BranchKeyFile::parse(&branch_key_file()).expect("a branch key file");
    Arc::new(
        Hierarchical::new(Arc::new(store), id, CacheOptions::new(Duration::from_secs(600)))
            .expect("a hierarchical key ring"),
    )
}

/// A key ring over one branch key of a key store.
pub fn hierarchical(store: Arc<dyn KeyStore>, id: &str) -> Arc<dyn Keyring> {
    let options = CacheOptions::new(Duration::from_secs(600));
    Arc::new(Hierarchical::new(store, BranchKeyId::Fixed(id.to_owned()), options).expect("a hierarchical key ring"))
}

/// The key store in the table that both sides use.
pub fn key_store(keys: KmsConfiguration) -> KeyStoreTable {
    let (table, logical_name) = (KEY_STORE.to_owned(), LOGICAL_KEY_STORE.to_owned());
    let options = KeyStoreOptions { table, logical_name, kms: Arc::new(AwsKms::default()), keys };
    KeyStoreTable::new(options).expect("a key store")
}

/// Any KMS key of the account; of a multi-Region key the replicas in the Regions, if there are any.
pub fn any_key(regions: &[&str]) -> Discovery {
    Discovery {
        partition: "aws".to_owned(),
        accounts: [ACCOUNT.to_owned()].into(),
        regions: regions.iter().map(|region| (*region).to_owned()).collect(),
    }
}

fn schema(table: &SchemaSpec) -> Result<Schema, String> {
    table.clone().build().map_err(|faults| format!("{faults:?}"))
}

fn say(error: impl Display) -> String {
    error.to_string()
}

/// Services in memory answer at once; a key ring waits for nothing but for another thread that reads the same branch key.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => return result,
            Poll::Pending => thread::yield_now(),
        }
    }
}

/// No network: local key rings need none.
pub const OFFLINE: Io<'static> = Io { wire: &NoWire, clock: &SystemClock };
