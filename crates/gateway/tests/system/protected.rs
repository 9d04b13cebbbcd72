//! A protected table in an embedded database, and wires on which something goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dynaseal_engine::{Answer, BoxFuture, Call, Engine, Plaintext, Service, Table, Wire, WireError};
use dynaseal_gateway::{Embedded, RuntimeClock};
use dynaseal_item::{Action, SchemaSpec, Suite};
use dynaseal_keys::{Provider, RawAes};
use serde_json::{Value, json};

/// `Users`: key `id`, unsigned `hits`, signed `tier`, all else encrypted.
pub fn engine() -> Engine {
    engine_of(Plaintext::Forbid)
}

/// The same with another policy for what is unsealed.
pub fn engine_of(plaintext: Plaintext) -> Engine {
    engine_for(plaintext, None)
}

/// The same with names that begin so and are not signed.
pub fn engine_with_prefix(prefix: &str) -> Engine {
    engine_for(Plaintext::Forbid, Some(prefix.to_owned()))
}

fn engine_for(plaintext: Plaintext, unsigned_prefix: Option<String>) -> Engine {
    let schema = SchemaSpec {
        unsigned_prefix,
        logical_name: "Users".into(),
        partition_key: "id".into(),
        actions: vec![("id".into(), Action::SignOnly), ("tier".into(), Action::SignOnly)],
        default_action: Some(Action::EncryptAndSign),
        unsigned: vec!["hits".into()],
        suite: Suite::Hmac,
        ..SchemaSpec::default()
    };
    // A test key.
    let ring = RawAes::new("test", "key", &[7; 32]).unwrap();
    let table = Table::new("Users".into(), schema.build().unwrap(), Provider::new(Arc::new(ring)), plaintext);
    Engine::new([table], Arc::new(RuntimeClock))
}

pub fn database() -> Embedded {
    let database = Embedded::open(None).unwrap();
    let table = json!({
        "TableName": "Users", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    });
    assert!(database.call(&request("CreateTable", &table)).ok());
    database
}

pub fn request(operation: &str, body: &Value) -> Call {
    Call::new(Service::DynamoDb, operation.to_owned(), serde_json::to_vec(body).unwrap())
}

pub async fn call(engine: &Engine, wire: &dyn Wire, operation: &str, body: Value) -> (u16, Value) {
    let answer = engine.call(wire, request(operation, &body)).await.unwrap();
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

pub fn user(id: &str, email: &str) -> Value {
    json!({"id": {"S": id}, "email": {"S": email}, "age": {"N": "40"}, "tier": {"S": "free"}, "hits": {"N": "1"}})
}

pub async fn put(engine: &Engine, wire: &dyn Wire, item: Value) {
    assert_eq!(call(engine, wire, "PutItem", json!({"TableName": "Users", "Item": item})).await.0, 200);
}

pub fn conditional(target: (&str, Value), condition: &str, value: Value) -> Value {
    json!({
        "TableName": "Users", target.0: target.1, "ConditionExpression": condition, "ReturnValues": "ALL_OLD",
        "ExpressionAttributeValues": {":v": value}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    })
}

/// A wire on which another writer puts the item just before each of the first `races` writes, or on which the answers to
/// the first `lost` writes, or to one write in `lost_every`, are lost after they were carried out.
pub struct Trouble {
    pub database: Embedded,
    pub races: AtomicUsize,
    pub lost: AtomicUsize,
    pub lost_every: AtomicUsize,
    sealed: Vec<Call>,
    pub writes: AtomicUsize,
    /// Calls of any kind.
    pub calls: AtomicUsize,
}

impl Wire for Trouble {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        let take = |count: &AtomicUsize| {
            count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        };
        self.calls.fetch_add(1, Ordering::SeqCst);
        let is_write = matches!(&*call.operation, "PutItem" | "DeleteItem" | "UpdateItem" | "TransactWriteItems");
        if is_write {
            let number = self.writes.fetch_add(1, Ordering::SeqCst);
            if take(&self.races) {
                assert!(self.database.call(&self.sealed[number % self.sealed.len()]).ok());
            }
        }
        let answer = self.database.call(&call);
        let every = self.lost_every.load(Ordering::SeqCst);
        let falls = every > 0 && self.writes.load(Ordering::SeqCst).is_multiple_of(every);
        let lost = is_write && (falls || take(&self.lost));
        Box::pin(async move {
            // Others go on between a call and its answer.
            tokio::task::yield_now().await;
            if lost { Err(WireError::Broken) } else { Ok(answer) }
        })
    }
}

/// Trouble around an item with one of several e-mail addresses.
pub async fn trouble(engine: &Engine, races: usize, lost: usize) -> Trouble {
    let database = database();
    let mut sealed = Vec::new();
    for email in ["x@example.com", "y@example.com"] {
        let wire = Recorder(Embedded::open(None).unwrap(), std::sync::Mutex::default());
        let _ = engine.call(&wire, request("PutItem", &json!({"TableName": "Users", "Item": user("1", email)}))).await;
        sealed.extend(wire.1.into_inner().unwrap());
    }
    put(engine, &database, user("1", "a@example.com")).await;
    Trouble {
        database,
        races: races.into(),
        lost: lost.into(),
        lost_every: AtomicUsize::new(0),
        sealed,
        writes: AtomicUsize::new(0),
        calls: AtomicUsize::new(0),
    }
}

pub struct Recorder(Embedded, std::sync::Mutex<Vec<Call>>);

impl Wire for Recorder {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        let answer = self.0.call(&call);
        self.1.lock().unwrap().push(call);
        Box::pin(async move { Ok(answer) })
    }
}

/// A wire that gives the first write up and delivers it late: just before the next one, or with other writers after it.
pub struct Late {
    pub wire: Trouble,
    kept: std::sync::Mutex<Option<Call>>,
    pub over: AtomicUsize,
}

impl Late {
    pub fn new(wire: Trouble) -> Self {
        Self { wire, kept: std::sync::Mutex::default(), over: AtomicUsize::new(0) }
    }
}

impl Wire for Late {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        if call.operation != "UpdateItem" {
            return self.wire.send(call);
        }
        if self.over.fetch_add(1, Ordering::SeqCst) == 0 {
            *self.kept.lock().unwrap() = Some(call);
            return Box::pin(async { Err(WireError::Timeout) });
        }
        if let Some(kept) = self.kept.lock().unwrap().take() {
            assert!(self.wire.database.call(&kept).ok());
        }
        self.wire.send(call)
    }
}

/// A wire on which other writers make calls of their own: each just before the call of that operation and number, counted
/// from 1. `before` counts writes of any kind if it names none.
pub struct Meddler<'w> {
    pub database: &'w Embedded,
    before: (&'static str, usize),
    call: Call,
    seen: std::sync::Mutex<Vec<Call>>,
}

impl<'w> Meddler<'w> {
    pub fn new(database: &'w Embedded, before: (&'static str, usize), call: Call) -> Self {
        Self { database, before, call, seen: std::sync::Mutex::default() }
    }

    /// The operations that were called, but for reads.
    pub fn writes(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|call| call.operation.to_string()).filter(|operation| operation != "GetItem").collect()
    }

    /// The last call.
    pub fn last(&self) -> Call {
        self.seen.lock().unwrap().last().unwrap().clone()
    }
}

impl Wire for Meddler<'_> {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        let (operation, number) = self.before;
        let counts =
            |call: &Call| if operation.is_empty() { call.operation != "GetItem" } else { call.operation == operation };
        let mut seen = self.seen.lock().unwrap();
        let is_now = counts(&call) && seen.iter().filter(|call| counts(call)).count() + 1 == number;
        seen.push(call.clone());
        if is_now {
            assert!(self.database.call(&self.call).ok());
        }
        let answer = self.database.call(&call);
        Box::pin(async move { Ok(answer) })
    }
}
