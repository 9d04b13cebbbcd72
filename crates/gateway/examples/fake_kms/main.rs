//! A KMS for tests of other heads and of other libraries: `cargo run -p dynaseal-gateway --example fake_kms -- ARN…`.
//!
//! It holds keys of its own making under the ARNs that are given (`ARN=alias/NAME` for one with an alias), prints the
//! address that it listens on, and ends when its standard input closes. Orders and counts: `server.rs`. It protects nothing.

#![expect(clippy::print_stdout, reason = "the address is the output")]

mod server;

use std::io::Read;
use std::sync::Arc;

use dynaseal_gateway::RuntimeClock;
use dynaseal_keys::is_key_id;
use dynaseal_keys::testing::FakeKms;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut kms = FakeKms::with_clock(Arc::new(RuntimeClock));
    for argument in std::env::args().skip(1) {
        let (arn, alias) = argument.split_once('=').map_or((&*argument, None), |(arn, alias)| (arn, Some(alias)));
        if !is_key_id(arn) {
            return Err(std::io::Error::other("each argument is a key's ARN, or ARN=alias/NAME"));
        }
        kms = kms.with_key(arn);
        if let Some(alias) = alias {
            kms.set_alias(alias, arn);
        }
    }
    println!("http://{}", server::serve(kms).await?);
    // The one who started us holds the other end.
    let closed = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    closed.await.map_err(std::io::Error::other)?.map(drop)
}
