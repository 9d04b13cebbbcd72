//! A KMS for tests of other heads and of other libraries: `cargo run -p dynaseal-gateway --example fake_kms -- KEY…`.
//!
//! It prints the address that it listens on, and ends when its standard input closes. Orders and counts: `crates/testkit/src/fake_aws.rs`. It
//! protects nothing.
//!
//! | argument | a key |
//! |---|---|
//! | `ARN` | of its own making |
//! | `ARN=alias/NAME` | the same, with an alias |
//! | `ARN=FILE` | an RSA key that encrypts or an elliptic-curve key that agrees, from a private key in PEM (PKCS#8) |

#![expect(clippy::print_stdout, reason = "the address is the output")]

use std::io::Read;
use std::sync::Arc;

use dynaseal_gateway::RuntimeClock;
use dynaseal_keys::is_key_id;
use dynaseal_keys::testing::FakeKms;
use dynaseal_testkit::fake_aws;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut kms = FakeKms::with_clock(Arc::new(RuntimeClock));
    for argument in std::env::args().skip(1) {
        kms = with_key(kms, &argument)?;
    }
    println!("listening on http://{}", fake_aws::serve(kms).await?);
    // The one who started us holds the other end.
    let closed = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    closed.await.map_err(std::io::Error::other)?.map(drop)
}

fn with_key(kms: FakeKms, argument: &str) -> std::io::Result<FakeKms> {
    let wrong = |what: &str| Err(std::io::Error::other(format!("{argument}: {what}")));
    let (arn, more) = argument.split_once('=').map_or((argument, None), |(arn, more)| (arn, Some(more)));
    if !is_key_id(arn) {
        return wrong("each argument is a key's ARN, ARN=alias/NAME, or ARN=FILE");
    }
    let Some(more) = more else { return Ok(kms.with_key(arn)) };
    if more.starts_with("alias/") {
        let kms = kms.with_key(arn);
        kms.set_alias(more, arn);
        return Ok(kms);
    }
    let kms = kms.with_private_key(arn, &std::fs::read_to_string(more)?);
    let described = kms.answer("DescribeKey", serde_json::json!({ "KeyId": arn }).to_string().as_bytes());
    if described.ok() { Ok(kms) } else { wrong("the file holds no private key in PEM (PKCS#8)") }
}
