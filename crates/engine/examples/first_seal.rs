//! The CPU time, in microseconds, of the first seal of a process and of the second. `cargo xtask bench start` runs it in new
//! processes of two builds.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement: it stops at the first surprise, and prints"
)]

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use dynaseal_engine::{Answer, BoxFuture, Call, Config, Engine, Machine, SystemClock, Wire, WireError};

fn main() {
    let text = "[keys.k]\ntype = \"raw-aes\"\nnamespace = \"n\"\nname = \"k\"\nkey_env = \"DYNASEAL_BENCH_KEY\"\n\
                [tables.Users]\nkeys = \"k\"\npartition_key = \"id\"\nattributes = { id = \"sign_only\" }\n\
                default_action = \"encrypt_and_sign\"\n";
    let engine = Config::parse(text, "bench.toml", &Machine).unwrap().into_engine(Arc::new(SystemClock));
    let before = cpu();
    seal(&engine);
    let first = cpu();
    seal(&engine);
    println!("{} {}", (first - before) / 1000, (cpu() - first) / 1000);
}

fn seal(engine: &Engine) {
    let item = r#"{"id":{"S":"1"},"email":{"S":"someone@example.com"}}"#;
    let mut sealing = Box::pin(engine.seal_item(&Nowhere, "Users", item));
    let Poll::Ready(sealed) = sealing.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        unreachable!("a key that is at hand needs no waiting")
    };
    assert!(!sealed.unwrap().is_empty());
}

/// What this process has used so far, in nanoseconds: the first number that Linux gives for its one thread. Of a thread that runs
/// it is some milliseconds old, unless the thread has just been off its core.
fn cpu() -> u64 {
    std::thread::sleep(std::time::Duration::from_micros(50));
    std::fs::read_to_string("/proc/thread-self/schedstat").unwrap().split(' ').next().unwrap().parse().unwrap()
}

/// The key needs no service.
struct Nowhere;

impl Wire for Nowhere {
    fn send(&self, _: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(std::future::ready(Err(WireError::Unreachable)))
    }
}
