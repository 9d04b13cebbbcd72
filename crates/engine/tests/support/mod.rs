//! What the tests of this folder share: a protected table, and a wire that answers from a script.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use dynaseal_engine::{Answer, BoxFuture, Call, Engine, Plaintext, Service, SystemClock, Table, Wire, WireError};
use dynaseal_item::{Action, Schema, SchemaSpec, Suite};
use dynaseal_keys::{Provider, RawAes};

/// `Users`: key `id`, encrypted `email` and `card`, signed `tier`, unsigned `hits`.
pub fn schema() -> Schema {
    let actions = [
        ("id", Action::SignOnly),
        ("email", Action::EncryptAndSign),
        ("card", Action::EncryptAndSign),
        ("tier", Action::SignOnly),
        ("hits", Action::DoNothing),
    ];
    SchemaSpec {
        logical_name: "Users".into(),
        partition_key: "id".into(),
        actions: actions.iter().map(|(name, action)| ((*name).into(), *action)).collect(),
        suite: Suite::Hmac,
        ..SchemaSpec::default()
    }
    .build()
    .unwrap()
}

pub fn engine_with(plaintext: Plaintext) -> Engine {
    // A test key.
    let ring = RawAes::new("test", "key", &[7; 32]).unwrap();
    let table = Table::new("Users".into(), schema(), Provider::new(Arc::new(ring)), plaintext);
    Engine::new([table], Arc::new(SystemClock))
}

pub fn engine() -> Engine {
    engine_with(Plaintext::Forbid)
}

/// Answers calls with what a function makes of them, and keeps them.
pub struct Script<F> {
    answer: F,
    pub calls: Mutex<Vec<(String, String)>>,
}

impl<F: Fn(&str, &str) -> (u16, String) + Send + Sync> Script<F> {
    pub fn new(answer: F) -> Self {
        Self { answer, calls: Mutex::default() }
    }

    /// The body of the last call.
    pub fn sent(&self) -> String {
        self.calls.lock().unwrap().last().expect("something was sent").1.clone()
    }

    pub fn count(&self) -> usize {
        self.calls.lock().unwrap().len()
    }
}

impl<F: Fn(&str, &str) -> (u16, String) + Send + Sync> Wire for Script<F> {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        let body = String::from_utf8(call.body).unwrap();
        let (status, answer) = (self.answer)(&call.operation, &body);
        self.calls.lock().unwrap().push((call.operation.into_owned(), body));
        Box::pin(async move { Ok(Answer::new(status, answer.into_bytes())) })
    }
}

/// A call to DynamoDB.
pub fn dynamodb(operation: &str, body: &str) -> Call {
    Call::new(Service::DynamoDb, operation.to_owned(), body.as_bytes().to_vec())
}

/// A call to DynamoDB Streams.
pub fn streams(operation: &str, body: &str) -> Call {
    Call { service: Service::DynamoDbStreams, ..dynamodb(operation, body) }
}

/// The result of a future that waits for nothing.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the engine waited for something"),
    }
}

/// An item, sealed by a put.
pub fn sealed(item: &str) -> String {
    let wire = Script::new(|_, _| (200, "{}".into()));
    let put = format!(r#"{{"TableName":"Users","Item":{item}}}"#);
    ready(engine().call(&wire, dynamodb("PutItem", &put))).unwrap();
    let sent = wire.sent();
    let (_, item) = sent.split_once(r#""Item":"#).unwrap();
    item.strip_suffix('}').unwrap().to_owned()
}
