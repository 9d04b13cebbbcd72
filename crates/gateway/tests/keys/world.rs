//! An account, engines over it, and what they come to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dynaseal_engine::{
    Answer, BoxFuture, Call, Clock, Config, Engine, Error, Machine, Service, SystemClock, Wire, WireError,
};
use dynaseal_gateway::{Embedded, RuntimeClock};
use dynaseal_item::{Header, Kind};
use dynaseal_keys::testing::{FakeAws, FakeKms, FakeTable, FakeTransit, KeyState};
use dynaseal_keys::{CreateKey, Io, KeyStoreTable, KeyVersion};
use serde_json::{Value, json};

/// KMS, Vault and the key store's table in memory, and the protected table `Users` in dynoxide.
pub struct World {
    pub aws: FakeAws,
    pub vault: FakeTransit,
    users: Embedded,
    /// Who protects the key store, as the configuration says it.
    protector: String,
    /// How often KMS was asked to decrypt a record of each branch key.
    decrypts: Mutex<BTreeMap<String, usize>>,
    /// Every branch key that KMS or Vault gave out.
    keys: Mutex<BTreeSet<Vec<u8>>>,
    /// Whether Vault cannot be reached.
    pub vault_down: AtomicBool,
}

impl World {
    /// A key store under a key of KMS.
    pub async fn new(tenants: impl IntoIterator<Item = String>) -> Self {
        Self::under(format!("kms_key_arn = \"{KEY}\"\ngrant_tokens = [\"{TOKEN}\"]"), tenants).await
    }

    /// A key store under who a line of the configuration says, with a branch key for each tenant.
    pub async fn under(protector: String, tenants: impl IntoIterator<Item = String>) -> Self {
        let kms = FakeKms::with_clock(Arc::new(RuntimeClock)).with_key(KEY);
        let world = Self {
            aws: FakeAws { kms, table: FakeTable::default() },
            vault: FakeTransit::default().with_key("branch-keys"),
            users: Embedded::open(None).unwrap(),
            protector,
            decrypts: Mutex::default(),
            keys: Mutex::default(),
            vault_down: AtomicBool::new(false),
        };
        let users = json!({
            "TableName": USERS, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": "tenant", "AttributeType": "S" }, { "AttributeName": "id", "AttributeType": "S" },
            ],
            "KeySchema": [
                { "AttributeName": "tenant", "KeyType": "HASH" }, { "AttributeName": "id", "KeyType": "RANGE" },
            ],
        });
        assert!(world.users.call(&call("CreateTable", &users)).ok());
        let (store, io) = (world.store(), world.io(&SystemClock));
        assert!(store.create_table(io).await.unwrap().created);
        for id in tenants {
            let context = BTreeMap::from([("tenant".to_owned(), id.clone())]);
            store.create(CreateKey { id: Some(id), context }, io).await.unwrap();
        }
        world.decrypts.lock().unwrap().clear();
        world
    }

    /// An engine with empty caches; `cache` is lines of its key's configuration.
    pub fn engine(&self, cache: &str, clock: Arc<dyn Clock>) -> Engine {
        self.config(cache).into_engine(clock)
    }

    /// The key store, as operators use it.
    pub fn store(&self) -> Arc<KeyStoreTable> {
        self.config("").key_stores()["tenants"].clone()
    }

    pub fn io<'a>(&'a self, clock: &'a dyn Clock) -> Io<'a> {
        Io { wire: self, clock }
    }

    /// How often KMS was asked to decrypt a record of each branch key.
    pub fn decrypts(&self) -> BTreeMap<String, usize> {
        self.decrypts.lock().unwrap().clone()
    }

    /// The items of `Users` as they are stored.
    pub fn stored(&self) -> Vec<Value> {
        let (mut items, mut start) = (Vec::new(), Value::Null);
        loop {
            let mut scan = json!({ "TableName": USERS });
            if start.is_object() {
                scan["ExclusiveStartKey"] = start;
            }
            let answer = read(&self.users.call(&call("Scan", &scan)));
            items.extend(answer["Items"].as_array().unwrap().iter().cloned());
            start = answer["LastEvaluatedKey"].clone();
            if start.is_null() {
                return items;
            }
        }
    }

    /// The records of the key store.
    pub fn records(&self) -> Vec<Value> {
        self.aws.table.items(STORE)
    }

    /// What must stand in no message: what is sealed, tokens, wrapped keys, and every branch key that KMS or Vault gave out,
    /// in the ways in which bytes are written.
    pub fn secrets(&self) -> BTreeSet<String> {
        let mut secrets = BTreeSet::from([SECRET.to_owned(), TOKEN.to_owned()]);
        secrets.extend(self.records().iter().filter_map(|record| Some(record["enc"]["B"].as_str()?.to_owned())));
        let keys = self.keys.lock().unwrap();
        assert!(!keys.is_empty(), "a branch key has passed");
        for key in &*keys {
            secrets.insert(base64_simd::STANDARD.encode_to_string(key).trim_end_matches('=').to_owned());
            secrets.insert(key.iter().map(|byte| format!("{byte:02x}")).collect());
            secrets.insert(format!("{key:?}"));
        }
        secrets
    }

    /// Ends all trouble; the records of the key store become those that are given.
    pub fn calm(&self, records: Vec<Value>) {
        self.aws.kms.calm();
        self.aws.kms.set_state(KEY, KeyState::Enabled);
        self.aws.table.calm();
        self.aws.table.edit(STORE, |items| *items = records);
        self.vault.trouble(None);
        self.vault_down.store(false, Ordering::SeqCst);
    }

    async fn protect(&self, call: Call) -> Result<Answer, WireError> {
        let answer = if call.service == Service::Kms {
            let body: Value = serde_json::from_slice(&call.body).unwrap();
            if call.operation == "Decrypt" {
                let id = body["EncryptionContext"]["branch-key-id"].as_str().unwrap().to_owned();
                *self.decrypts.lock().unwrap().entry(id).or_default() += 1;
            }
            tokio::time::timeout(PATIENCE, self.aws.kms.send(call)).await.unwrap_or(Err(WireError::Timeout))?
        } else if self.vault_down.load(Ordering::SeqCst) {
            return Err(WireError::Unreachable);
        } else {
            self.vault.send(call).await?
        };
        let body = read(&answer);
        let plaintext = body["Plaintext"].as_str().or(body["data"]["plaintext"].as_str());
        let key = plaintext.map(|text| base64_simd::STANDARD.decode_to_vec(text).unwrap());
        self.keys.lock().unwrap().extend(key.map(|bytes| bytes[..32].to_vec()));
        Ok(answer)
    }

    fn config(&self, cache: &str) -> Config {
        let text = format!(
            "[keys.tenants]\ntype = \"hierarchical\"\nkey_store_table = \"{STORE}\"\n{}\n\
            branch_key_id_attribute = \"tenant\"\n{cache}\n\
            [tables.{USERS}]\nkeys = \"tenants\"\npartition_key = \"tenant\"\nsort_key = \"id\"\n\
            default_action = \"encrypt_and_sign\"\n",
            self.protector
        );
        Config::parse(&text, "dynaseal.toml", &Machine).unwrap()
    }
}

impl Wire for World {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        match call.service {
            Service::DynamoDb if String::from_utf8_lossy(&call.body).contains(&format!("\"{STORE}\"")) => {
                self.aws.table.send(call)
            }
            Service::DynamoDb => self.users.send(call),
            _ => Box::pin(self.protect(call)),
        }
    }
}

/// Why a call failed, as far as a program can tell, and in words.
#[derive(Debug)]
pub struct Failed {
    pub code: &'static str,
    pub kind: Kind,
    pub text: String,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let text = format!("{error}\n{error:?}\n{}", error.hint());
        Self { code: error.code(), kind: error.kind(), text }
    }
}

/// Writes a user of a tenant.
pub async fn put(engine: &Engine, world: &World, tenant: &str, id: &str) -> Result<(), Failed> {
    let item = user(tenant, id);
    let answer = engine.call(world, call("PutItem", &json!({ "TableName": USERS, "Item": item }))).await?;
    assert!(answer.ok(), "{answer:?}");
    Ok(())
}

/// Writes several users in one batch.
pub async fn put_all<T: AsRef<str>>(engine: &Engine, world: &World, users: &[(T, T)]) -> Result<(), Failed> {
    let put = |(tenant, id): &(T, T)| json!({ "PutRequest": { "Item": user(tenant.as_ref(), id.as_ref()) } });
    let writes: Vec<_> = users.iter().map(put).collect();
    let body = json!({ "RequestItems": { USERS: writes } });
    let answer = engine.call(world, call("BatchWriteItem", &body)).await?;
    assert_eq!(read(&answer)["UnprocessedItems"], json!({}), "{answer:?}");
    Ok(())
}

/// Reads a user of a tenant, who must be as they were written.
pub async fn get(engine: &Engine, world: &World, tenant: &str, id: &str) -> Result<(), Failed> {
    let key = json!({ "tenant": { "S": tenant }, "id": { "S": id } });
    let answer = engine.call(world, call("GetItem", &json!({ "TableName": USERS, "Key": key }))).await?;
    assert_eq!(read(&answer)["Item"], user(tenant, id));
    Ok(())
}

/// Reads everything by scanning, checks it, and says how much it is.
pub async fn scan(engine: &Engine, world: &World) -> Result<usize, Failed> {
    let (mut count, mut start) = (0, Value::Null);
    loop {
        let mut body = json!({ "TableName": USERS });
        if start.is_object() {
            body["ExclusiveStartKey"] = start;
        }
        let answer = read(&engine.call(world, call("Scan", &body)).await?);
        for item in answer["Items"].as_array().unwrap() {
            assert_eq!(*item, user(item["tenant"]["S"].as_str().unwrap(), item["id"]["S"].as_str().unwrap()));
            count += 1;
        }
        start = answer["LastEvaluatedKey"].clone();
        if start.is_null() {
            return Ok(count);
        }
    }
}

pub fn user(tenant: &str, id: &str) -> Value {
    json!({ "tenant": { "S": tenant }, "id": { "S": id }, "email": { "S": format!("{SECRET}+{tenant}+{id}") } })
}

/// The branch key that sealed a stored item, and its version, as the header names them.
pub fn sealed_under(item: &Value) -> (String, KeyVersion) {
    let head = base64_simd::STANDARD.decode_to_vec(item["aws_dbe_head"]["B"].as_str().unwrap()).unwrap();
    let header = Header::parse(&head).unwrap();
    let [data_key] = <[_; 1]>::try_from(header.data_keys).unwrap();
    // After the wrapped key of 48 bytes, the salt of 16 and the IV of 12.
    let version = data_key.ciphertext[76..92].try_into().unwrap();
    (String::from_utf8(data_key.provider_info.to_vec()).unwrap(), KeyVersion::from_bytes(version))
}

pub fn call(operation: &'static str, body: &Value) -> Call {
    Call::new(Service::DynamoDb, operation, body.to_string().into_bytes())
}

pub fn read(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

pub const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
pub const STORE: &str = "KeyStore";
pub const USERS: &str = "Users";
/// How long the wire waits for KMS.
pub const PATIENCE: Duration = Duration::from_secs(2);
const SECRET: &str = "canary-5f0c@example.com";
const TOKEN: &str = "canary-grant-token-91be";
