//! An engine with one protected table, for the targets that carry calls out: one poll is enough for any of them.

use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use dynaseal_engine::{BoxFuture, Clock, Config, Engine, Error, Outside};

/// The engine, with a test key.
pub fn engine() -> Engine {
    let config = Config::parse(CONFIG, "fuzz.toml", &TestKey).expect("a valid configuration");
    Engine::new(config.tables.into_values(), Arc::new(NoWaiting))
}

/// Carries a call out. Raw keys need no network and the wire answers at once, so one poll is enough.
pub fn ready<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("the engine waits for something other than the wire"),
    }
}

/// Lost races are tried again at once.
struct NoWaiting;

impl Clock for NoWaiting {
    fn now(&self) -> Duration {
        Duration::from_secs(1_800_000_000)
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

struct TestKey;

impl Outside for TestKey {
    fn env(&self, _: &str) -> Option<String> {
        Some("5a".repeat(32))
    }

    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn others_can_read(&self, _: &Path) -> bool {
        false
    }
}

/// The protected table: key `id`, signed `kind`, unsigned `views`, all else encrypted.
pub const TABLE: &str = "Vault";
const CONFIG: &str = r#"
    [keys.main]
    type = "raw-aes"
    namespace = "fuzz"
    name = "test"
    key_env = "TEST_KEY"
    [tables.Vault]
    keys = "main"
    partition_key = "id"
    suite = "hmac"
    default_action = "encrypt_and_sign"
    unsigned = ["views"]
    [tables.Vault.attributes]
    id = "sign_only"
    kind = "sign_only"
"#;
