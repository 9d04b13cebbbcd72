//! Bodies that are compressed, and requests in a protocol that is not read.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{FnWire, Gateway, Reply, assert_error, ok, target};
use dynaseal_engine::{Call, Wire};
use dynaseal_gateway::{Limits, Settings};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::Request;
use serde_json::json;

/// Answers with what it was sent.
fn echo() -> Arc<dyn Wire> {
    Arc::new(FnWire(|call: Call| async move { ok(std::str::from_utf8(&call.body).unwrap()) }))
}

async fn gateway(limits: Limits) -> Gateway {
    Gateway::start_with(Settings { limits, ..Settings::default() }, echo()).await
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

async fn send(gateway: &Gateway, encoding: &str, body: Vec<u8>) -> Reply {
    let request = target("DynamoDB_20120810.PutItem").header("content-encoding", encoding);
    gateway.connect().await.send(request, body).await
}

const BODY: &str = r#"{"TableName":"Users","Item":{"id":{"S":"canary"}}}"#;

#[tokio::test]
async fn a_gzip_body_is_read_as_what_it_holds() {
    let gateway = gateway(Limits::default()).await;
    for encoding in ["gzip", "GZIP", "x-gzip", "identity, gzip"] {
        let reply = send(&gateway, encoding, gzip(BODY.as_bytes())).await;
        assert_eq!((reply.status, &reply.body[..]), (200, BODY.as_bytes()), "{encoding}");
    }
    // Two members, one after the other, are one body.
    let (one, two) = BODY.as_bytes().split_at(20);
    assert_eq!(send(&gateway, "gzip", [gzip(one), gzip(two)].concat()).await.body, BODY.as_bytes());
    let long = json!({ "x": "x".repeat(3 << 20) }).to_string();
    assert_eq!(send(&gateway, "gzip", gzip(long.as_bytes())).await.body, long.as_bytes());
    assert_eq!(send(&gateway, "identity", BODY.into()).await.body, BODY.as_bytes());
}

#[tokio::test]
async fn what_is_no_gzip_is_refused_without_its_text() {
    let gateway = gateway(Limits::default()).await;
    let whole = gzip(BODY.as_bytes());
    let mut wrong_sum = whole.clone();
    let sum = wrong_sum.len() - 6;
    wrong_sum[sum] ^= 1;
    for garbled in [BODY.into(), whole[..whole.len() - 9].to_vec(), wrong_sum, [&whole, &b"canary"[..]].concat()] {
        let reply = send(&gateway, "gzip", garbled).await;
        assert_error(&reply, 400, "SerializationException", "DSL-7110");
        assert!(!reply.json().to_string().contains("canary"));
    }
}

#[tokio::test]
async fn other_encodings_are_named() {
    let gateway = gateway(Limits::default()).await;
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(BODY.as_bytes()).unwrap();
    let zlib = zlib.finish().unwrap();
    for (encoding, named) in [("deflate", "deflate"), ("br", "br"), ("zstd", "zstd"), ("gzip, gzip", "more than one")] {
        let reply = send(&gateway, encoding, zlib.clone()).await;
        assert_error(&reply, 415, "UnsupportedMediaTypeException", "DSL-7109");
        let message = reply.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(named) && message.contains("gzip"), "{message}");
    }
    let reply = send(&gateway, "canary", BODY.into()).await;
    assert_error(&reply, 415, "UnsupportedMediaTypeException", "DSL-7109");
    assert!(!reply.json().to_string().contains("canary"));
}

/// A few kilobytes that stand for gigabytes cost no more than the longest body.
#[tokio::test]
async fn a_bomb_is_bounded_as_a_body_is() {
    let limits = Limits { buffered: 8 << 20, body: 4 << 20, ..Limits::default() };
    let gateway = gateway(limits).await;
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    let block = vec![b' '; 1 << 20];
    for _ in 0..200 {
        bomb.write_all(&block).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    let started = Instant::now();
    assert_error(&send(&gateway, "gzip", bomb.clone()).await, 413, "RequestEntityTooLargeException", "DSL-7104");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    // Its share of the memory is given back, and what many take at once is bounded, too.
    let within = gzip(json!({ "x": "x".repeat(3 << 20) }).to_string().as_bytes());
    for _ in 0..8 {
        assert_eq!(send(&gateway, "gzip", within.clone()).await.status, 200);
    }
    let small = self::gateway(Limits { buffered: 1 << 20, ..limits }).await;
    assert_error(&send(&small, "gzip", within).await, 503, "ThrottlingException", "DSL-7107");
    assert_eq!(send(&small, "gzip", gzip(BODY.as_bytes())).await.status, 200);
}

/// Whoever speaks another protocol of Smithy's gets an error that it can read.
#[tokio::test]
async fn an_error_comes_in_the_protocol_that_was_asked() {
    let gateway = gateway(Limits::default()).await;
    let mut client = gateway.connect().await;
    let call = |path: &str| {
        let request = Request::post(path).header("host", "gateway").header("smithy-protocol", "rpc-v2-cbor");
        request.header("content-type", "application/cbor").header("accept", "application/cbor")
    };
    let path = "/service/DynamoDB_20120810/operation/GetItem";
    for request in [call(path), call("/"), call("/").header("x-amz-target", "DynamoDB_20120810.GetItem")] {
        let reply = client.send(request, vec![0xa0]).await;
        assert_eq!((reply.status, reply.header("content-type")), (400, "application/cbor"));
        assert_eq!(reply.header("smithy-protocol"), "rpc-v2-cbor");
        let texts = texts(&reply.body);
        assert_eq!(texts[0..2], ["__type", "com.amazonaws.dynamodb.v20120810#UnknownOperationException"]);
        assert_eq!(texts[2], "message");
        assert!(texts[3].starts_with("DSL-7111: ") && texts[3].contains("awsJson1_0"), "{}", texts[3]);
    }
    // Any other refusal, too.
    let page = client.send(call(path).header("origin", "http://evil.example"), vec![0xa0]).await;
    assert_eq!((page.status, page.header("content-type")), (403, "application/cbor"));
    assert!(texts(&page.body)[3].starts_with("DSL-7103: "));
}

/// The texts of a map of texts, as RFC 8949 writes it.
fn texts(cbor: &[u8]) -> Vec<String> {
    assert_eq!(cbor[0], 0xa2, "a map of two");
    let (mut texts, mut rest) = (Vec::new(), &cbor[1..]);
    while !rest.is_empty() {
        let (length, start) = match rest[0] {
            short @ 0x60..=0x77 => (usize::from(short - 0x60), 1),
            0x78 => (usize::from(rest[1]), 2),
            0x79 => (usize::from(u16::from_be_bytes([rest[1], rest[2]])), 3),
            other => panic!("no text: {other:#x}"),
        };
        texts.push(String::from_utf8(rest[start..start + length].to_vec()).unwrap());
        rest = &rest[start + length..];
    }
    texts
}
