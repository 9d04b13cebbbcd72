//! Signature Version 4 written down once more, from AWS's description alone. Shared by the tests of every head that signs.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper of tests"
)]

use aws_lc_rs::{digest, hmac};
use http::request::Parts;

/// Test credentials: they open nothing.
pub const TEST_KEY_ID: &str = "AKIDTESTONLY";
pub const TEST_SECRET: &str = "test-secret-key-not-real";
pub const TEST_TOKEN: &str = "test-session-token";

/// Fails unless the request is signed with the test credentials for DynamoDB in `region`, and all that matters is signed.
#[track_caller]
pub fn assert_signature(head: &Parts, body: &[u8], region: &str) {
    assert_signed_for("dynamodb", head, body, region);
}

/// The same for another service.
#[track_caller]
pub fn assert_signed_for(service: &str, head: &Parts, body: &[u8], region: &str) {
    let text = |name: &str| {
        let text = head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        text.or_else(|| (name == "host").then(|| head.uri.authority().unwrap().to_string())).unwrap()
    };
    let authorization = text("authorization");
    let authorization = authorization.strip_prefix("AWS4-HMAC-SHA256 ").expect("SigV4");
    let mut parts = authorization.split(", ").map(|part| part.split_once('=').unwrap().1);
    let (credential, signed, signature) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let scope = credential.strip_prefix(TEST_KEY_ID).unwrap().strip_prefix('/').unwrap();
    let (date, rest) = scope.split_once('/').unwrap();
    assert_eq!(rest, format!("{region}/{service}/aws4_request"));
    for must in ["content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"] {
        assert!(signed.split(';').any(|name| name == must), "{must} is not signed: {signed}");
    }
    assert_eq!(text("x-amz-security-token"), TEST_TOKEN);
    let headers: String = signed.split(';').map(|name| format!("{name}:{}\n", text(name).trim())).collect();
    let canonical = format!("POST\n/\n\n{headers}\n{signed}\n{}", hex(digest::digest(&digest::SHA256, body).as_ref()));
    let hashed = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let to_sign = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{hashed}", text("x-amz-date"));
    let mac =
        |key: &[u8], data: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data.as_bytes()).as_ref().to_vec();
    let key = [date, region, service, "aws4_request"]
        .iter()
        .fold(format!("AWS4{TEST_SECRET}").into_bytes(), |key, part| mac(&key, part));
    assert_eq!(hex(&mac(&key, &to_sign)), signature);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
