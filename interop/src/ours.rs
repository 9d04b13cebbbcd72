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
use dynaseal_keys::{
    Answer, BoxFuture, BranchKeyFile, BranchKeyId, CacheOptions, Call, Hierarchical, Io, Keyring, Multi, Padding, Provider, RawAes,
    RawRsa, SystemClock, Wire, WireError, message_id,
};
use serde_json::json;

use crate::rings::{BRANCH_KEYS, BranchKey, NAMESPACE, Ring, RsaPair};
use crate::values::{self, Attributes};

/// Our library with one key ring of each kind.
pub struct Ours {
    providers: BTreeMap<Ring, Provider>,
}

impl Ours {
    /// Builds the key rings.
    pub fn new(rsa: &RsaPair) -> Self {
        let fixed = Ring::ALL.into_iter().filter(|ring| *ring != Ring::BranchPerTenant);
        Self { providers: fixed.map(|ring| (ring, Provider::new(keyring(ring, rsa)))).collect() }
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
        let sealed = seal(&schema(table)?, &self.provider(table, ring), values::to_json(item).as_bytes())?;
        values::from_json(&sealed)
    }

    /// Opens an item, or says why the table or the item is refused.
    pub fn open(&self, table: &SchemaSpec, ring: Ring, item: &Attributes) -> Result<Attributes, String> {
        let plain = open(&schema(table)?, &self.provider(table, ring), values::to_json(item).as_bytes())?;
        values::from_json(&plain)
    }
}

/// Seals from DynamoDB JSON to DynamoDB JSON.
pub fn seal(schema: &Schema, provider: &Provider, item: &[u8]) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(item).map_err(say)?;
    let draft = Draft::new(schema, json::read_item(text).map_err(say)?).map_err(say)?;
    let keys = block_on(provider.seal_keys(draft.suite(), draft.context(), IO)).map_err(say)?;
    let sealed = draft.seal(keys, &message_id().map_err(say)?).map_err(say)?;
    let mut out = Vec::with_capacity(item.len() + item.len() / 2 + 1024);
    json::write_item(&sealed, &mut out);
    Ok(out)
}

/// Opens from DynamoDB JSON to DynamoDB JSON.
pub fn open(schema: &Schema, provider: &Provider, item: &[u8]) -> Result<Vec<u8>, String> {
    let text = std::str::from_utf8(item).map_err(say)?;
    let mut stored = json::read_item(text).map_err(say)?;
    let sealed = Sealed::parse(schema, &mut stored).map_err(say)?;
    let keys = provider.open_keys(sealed.suite(), sealed.data_keys(), sealed.context(), IO);
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
    Arc::new(Hierarchical::new(Arc::new(store), id, CacheOptions::new(Duration::from_secs(600))).expect("a hierarchical key ring"))
}

fn schema(table: &SchemaSpec) -> Result<Schema, String> {
    table.clone().build().map_err(|faults| format!("{faults:?}"))
}

fn say(error: impl Display) -> String {
    error.to_string()
}

/// Local key rings wait for nothing but for another thread that is just reading the same branch key.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => return result,
            Poll::Pending => thread::yield_now(),
        }
    }
}

const IO: Io<'static> = Io { wire: &NoWire, clock: &SystemClock };

/// A network that is not there.
struct NoWire;

impl Wire for NoWire {
    fn send(&self, _: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(async { Err(WireError::Unreachable) })
    }
}
