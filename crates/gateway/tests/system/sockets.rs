//! Callers who do nothing: they send a head and no body, a body byte by byte, or read no answer. Others are served all the
//! same, and so are health and metrics.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{FnWire, Gateway, assert_error, ok, target};
use dynaseal_engine::Wire;
use dynaseal_gateway::{Limits, Settings};
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

fn empty() -> Arc<dyn Wire> {
    Arc::new(FnWire(|_| async { ok("{}") }))
}

async fn gateway(limits: Limits, wire: Arc<dyn Wire>) -> Gateway {
    Gateway::start_with(Settings { limits, ..Settings::default() }, wire).await
}

/// A connection that sends these bytes and then nothing.
async fn idler(gateway: &Gateway, bytes: &str) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    // The gateway may have closed it to make room.
    let _ = stream.write_all(bytes.as_bytes()).await;
    stream
}

/// A call, health and metrics are answered, each at once and over a connection of its own.
async fn assert_served(gateway: &Gateway) {
    let soon = Duration::from_secs(2);
    let call = timeout(soon, gateway.call("PutItem", "{}")).await.expect("a call waits");
    assert_eq!(call.status, 200, "{:?}", call.body);
    for path in ["/healthz", "/metrics"] {
        let mut client = timeout(soon, gateway.connect()).await.expect("a probe waits");
        let reply = timeout(soon, client.send(Request::get(path).header("host", "10.0.0.7:8000"), "")).await;
        assert_eq!(reply.expect("a probe waits").status, 200, "{path}");
    }
}

/// Reads until the end; how long that took.
async fn until_closed(stream: &mut TcpStream, longest: Duration) -> Duration {
    let started = Instant::now();
    let mut bytes = vec![0; 1 << 16];
    let ended = timeout(longest, async { while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {} });
    ended.await.expect("it stays open");
    started.elapsed()
}

const ONE_BYTE: &str =
    "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: DynamoDB_20120810.PutItem\r\ncontent-length: 1000000\r\n\r\n{";

#[tokio::test]
async fn bodies_that_do_not_come_take_no_places() {
    let gateway = gateway(Limits { in_flight: 4, ..Limits::default() }, empty()).await;
    let mut idlers = Vec::new();
    for _ in 0..64 {
        idlers.push(idler(&gateway, ONE_BYTE).await);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_served(&gateway).await;
}

#[tokio::test]
async fn a_body_comes_at_a_pace_or_not_at_all() {
    let limits = Limits { stall_time: Duration::from_millis(300), rate: 1000, ..Limits::default() };
    let gateway = gateway(limits, empty()).await;
    let started = Instant::now();
    // A byte every 50 ms is far below the pace, and would take 14 hours.
    let mut slow = idler(&gateway, ONE_BYTE).await;
    let mut answer = [0; 12];
    loop {
        let _ = slow.write_all(b"{").await;
        if timeout(Duration::from_millis(50), slow.read_exact(&mut answer)).await.is_ok() {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(5), "it is still read");
    }
    assert_eq!(&answer, b"HTTP/1.1 408");
    // One that is slow but comes is read to its end.
    let body = format!("{{\"x\":\"{}\"}}", "x".repeat(3000));
    let head = format!(
        "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: DynamoDB_20120810.PutItem\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut steady = idler(&gateway, &head).await;
    for part in body.as_bytes().chunks(300) {
        steady.write_all(part).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    steady.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

/// Idle connections of SDKs are kept, but a head that has begun must end: whoever sends it byte by byte holds nothing for long.
#[tokio::test]
async fn a_head_that_has_begun_ends_in_time_and_an_idle_connection_stays() {
    let limits = Limits { head_time: Duration::from_millis(500), ..Limits::default() };
    let gateway = gateway(limits, empty()).await;
    let whole = ONE_BYTE.replace("1000000", "1").replace("\r\n\r\n{", "\r\n\r\n1");
    let (mut fresh, mut used) = (idler(&gateway, "").await, idler(&gateway, &whole).await);
    let mut answer = vec![0; 4096];
    assert!(used.read(&mut answer).await.unwrap() > 0);
    tokio::time::sleep(Duration::from_millis(900)).await;
    // A head of a connection that is new and of one that was used before, each a byte at a time.
    for stream in [&mut fresh, &mut used] {
        let mut byte = [0];
        assert!(timeout(Duration::from_millis(50), stream.read(&mut byte)).await.is_err(), "an idle one was closed");
        let started = Instant::now();
        let trickle = async {
            for one in whole.as_bytes() {
                if stream.write_all(&[*one]).await.is_err() {
                    break;
                }
                if timeout(Duration::from_millis(60), stream.read(&mut byte)).await.is_ok() {
                    break;
                }
            }
        };
        timeout(Duration::from_secs(5), trickle).await.expect("it is still read");
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(400) && took < Duration::from_secs(2), "{took:?}");
    }
    // One that stops in the middle of a head is closed too.
    let mut half = idler(&gateway, "POST / HT").await;
    assert!(until_closed(&mut half, Duration::from_secs(3)).await >= Duration::from_millis(300));
    // A slow answer is not the caller's head, nor is a slow body.
    let slow = FnWire(|_| async {
        tokio::time::sleep(Duration::from_millis(900)).await;
        ok("{}")
    });
    let gateway = self::gateway(limits, Arc::new(slow)).await;
    let mut client = gateway.connect().await;
    for _ in 0..2 {
        assert_eq!(client.call("PutItem", "{}").await.status, 200);
    }
    let mut body = idler(&gateway, &whole[..whole.len() - 1]).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    body.write_all(b"1").await.unwrap();
    let read = body.read(&mut answer).await.unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "{:?}", String::from_utf8_lossy(&answer[..read]));
}

#[tokio::test]
async fn connections_that_only_wait_make_room_for_others() {
    // Where one peer has too many, and where all together have.
    for connections_of_peer in [32, 2048] {
        let limits = Limits { connections: 32, connections_of_peer, ..Limits::default() };
        let gateway = gateway(limits, empty()).await;
        for start in ["", "POST / HT", ONE_BYTE] {
            let mut idlers = Vec::new();
            for _ in 0..100 {
                idlers.push(idler(&gateway, start).await);
            }
            assert_served(&gateway).await;
            // The first ones are gone, since they waited longest.
            until_closed(&mut idlers[0], Duration::from_secs(2)).await;
        }
        let metrics = gateway.connect().await.send(Request::get("/metrics"), "").await;
        let text = String::from_utf8_lossy(&metrics.body).into_owned();
        assert!(!text.contains("dynaseal_connections_closed_total 0\n"), "{text}");
    }
}

#[tokio::test]
async fn one_peer_does_not_take_the_places_of_others() {
    let limits = Limits { connections: 64, connections_of_peer: 8, ..Limits::default() };
    let gateway = gateway(limits, empty()).await;
    let from = async |address: &str| {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
        socket.connect(gateway.address).await.unwrap()
    };
    let mut other = from("127.0.0.3").await;
    other.write_all(b"POST / HT").await.unwrap();
    let mut idlers = Vec::new();
    for _ in 0..40 {
        idlers.push(from("127.0.0.2").await);
    }
    assert_served(&gateway).await;
    until_closed(&mut idlers[0], Duration::from_secs(2)).await;
    // It waited longer than any of them, but its places are its own.
    let mut byte = [0];
    assert!(timeout(Duration::from_millis(200), other.read(&mut byte)).await.is_err(), "the other peer paid for it");
}

#[tokio::test]
async fn probes_are_answered_while_every_place_is_at_work() {
    let wire = FnWire(|_| std::future::pending());
    let limits = Limits { connections: 3, ..Limits::default() };
    let gateway = gateway(limits, Arc::new(wire)).await;
    let mut busy = Vec::new();
    for _ in 0..3 {
        busy.push(idler(&gateway, &ONE_BYTE.replace("1000000", "1")).await);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..40 {
        let health = gateway.connect().await.send(Request::get("/healthz"), "").await;
        assert_eq!(health.status, 200);
    }
    let refused = gateway.connect().await.call("PutItem", "{}").await;
    assert_error(&refused, 503, "ThrottlingException", "DSL-7107");
    assert_eq!(refused.header("connection"), "close");
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_not_kept() {
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(24 << 20));
    let wire = FnWire(move |_| {
        let answer = ok(&long);
        async move { answer }
    });
    let limits = Limits { stall_time: Duration::from_millis(400), rate: 1 << 20, ..Limits::default() };
    let gateway = gateway(limits, Arc::new(wire)).await;
    let request = ONE_BYTE.replace("1000000", "1");
    let mut deaf = idler(&gateway, &request).await;
    // Reading a little now and then is not reading.
    let mut trickling = idler(&gateway, &request).await;
    let mut bytes = vec![0; 4096];
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if trickling.read(&mut bytes).await.is_err() {
            break;
        }
    }
    let metrics = gateway.connect().await.send(Request::get("/metrics").header("host", "[::1]:8000"), "").await;
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    // The one that asks.
    assert!(text.contains("dynaseal_connections_open 1\n"), "{text}");
    until_closed(&mut deaf, Duration::from_secs(5)).await;
    // Whoever reads gets all of it.
    let read = gateway.call("PutItem", "{}").await;
    assert_eq!((read.status, read.body.len()), (200, (24 << 20) + 8));
}

#[tokio::test]
async fn unread_answers_do_not_fill_the_memory() {
    let long = format!("{{\"x\":\"{}\"}}", "x".repeat(12 << 20));
    let wire = FnWire(move |call: dynaseal_engine::Call| {
        let answer = ok(if call.operation == "Scan" { long.as_str() } else { "{}" });
        async move { answer }
    });
    let limits = Limits { buffered: 30 << 20, ..Limits::default() };
    let gateway = gateway(limits, Arc::new(wire)).await;
    let scan = ONE_BYTE.replace("1000000", "1").replace("PutItem", "Scan");
    let mut deaf = Vec::new();
    for _ in 0..8 {
        deaf.push(idler(&gateway, &scan).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // One call may be turned away for want of memory; what it frees is there for the next.
    let mut answered = 0;
    for _ in 0..12 {
        answered += usize::from(gateway.call("PutItem", "{}").await.status == 200);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(answered >= 4, "{answered} of 12 calls were answered");
    // They had to make room.
    let metrics = gateway.connect().await.send(Request::get("/metrics").header("host", "[::1]:8000"), "").await;
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(!text.contains("dynaseal_connections_closed_total 0\n"), "{text}");
}

/// A short body of many small values is long in memory, so that is what counts.
#[tokio::test]
async fn what_is_made_of_a_body_counts_against_the_memory() {
    let gateway = gateway(Limits { buffered: 1 << 20, ..Limits::default() }, empty()).await;
    let of = |inside: &str, times: usize| format!("{{\"x\":[{}1]}}", inside.repeat(times));
    assert_eq!(gateway.call("PutItem", &of("111111111,", 6000)).await.status, 200);
    for many in [of("{},", 20_000), of("[],", 20_000), of("1,", 30_000)] {
        let refused = gateway.call("PutItem", &many).await;
        assert_error(&refused, 503, "ThrottlingException", "DSL-7107");
        // It was given back.
        assert_eq!(gateway.call("PutItem", "{}").await.status, 200);
    }
}

#[tokio::test]
async fn pages_reach_neither_calls_nor_probes() {
    let gateway =
        Gateway::start_with(Settings { hosts: vec!["gateway.example.com".into()], ..Settings::default() }, empty())
            .await;
    let mut client = gateway.connect().await;
    for path in ["/healthz", "/metrics"] {
        for host in
            ["127.0.0.1:8000", "10.1.2.3", "[fd00::7]:8000", "localhost:8000", "dynaseal", "gateway.example.com"]
        {
            assert_eq!(client.send(Request::get(path).header("host", host), "").await.status, 200, "{path} {host}");
        }
        for host in ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "gateway.example.com.evil.example"]
        {
            let reply = client.send(Request::get(path).header("host", host), "").await;
            assert_error(&reply, 403, "AccessDeniedException", "DSL-7108");
            assert!(!reply.json().to_string().contains("evil"));
        }
        let page = Request::get(path).header("host", "127.0.0.1").header("origin", "http://evil.example");
        assert_error(&client.send(page, "").await, 403, "AccessDeniedException", "DSL-7103");
    }
    let call = |host: &str| Request::post("/").header("host", host).header("x-amz-target", "DynamoDB_20120810.PutItem");
    assert_error(&client.send(call("evil.example"), "{}").await, 403, "AccessDeniedException", "DSL-7108");
    assert_eq!(client.send(call("gateway.example.com:443"), "{}").await.status, 200);
    assert_eq!(client.send(target("DynamoDB_20120810.PutItem"), "{}").await.status, 200);
}
