//! The gateway as its callers meet it, over real sockets.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{Client, FnWire, Gateway, assert_error, ok, target};
use dynaseal_engine::{Engine, SystemClock};
use dynaseal_gateway::{Embedded, Limits, Server, Settings};
use http::Request;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

fn embedded() -> Arc<Embedded> {
    Arc::new(Embedded::open(None).unwrap())
}

const CREATE: &str = r#"{"TableName":"Users","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
    "AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}"#;

#[tokio::test]
async fn items_go_in_and_come_out_over_one_connection() {
    let gateway = Gateway::start(embedded()).await;
    let mut client = gateway.connect().await;
    assert_eq!(client.call("CreateTable", CREATE).await.status, 200);
    let put = client.call("PutItem", r#"{"TableName":"Users","Item":{"id":{"S":"1"},"n":{"N":"7"}}}"#).await;
    assert_eq!((put.status, &put.body[..]), (200, &b"{}"[..]));
    let get = client.call("GetItem", r#"{"TableName":"Users","Key":{"id":{"S":"1"}}}"#).await;
    assert_eq!((get.status, get.json()), (200, json!({"Item": {"id": {"S": "1"}, "n": {"N": "7"}}})));
    assert_eq!(get.header("content-type"), "application/x-amz-json-1.0");
    assert_eq!(get.header("x-amz-crc32"), crc32fast::hash(&get.body).to_string());
    assert_eq!(get.header("x-amzn-requestid").len(), 52);
    assert_ne!(get.header("x-amzn-requestid"), put.header("x-amzn-requestid"));
    let streams = client.send(target("DynamoDBStreams_20120810.ListStreams"), "{}").await;
    assert_eq!((streams.status, streams.json()["Streams"].is_array()), (200, true));
}

#[tokio::test]
async fn bad_requests_get_errors_that_sdks_understand_and_the_connection_goes_on() {
    let gateway = Gateway::start(embedded()).await;
    let mut client = gateway.connect().await;
    for (garbage, body) in [("", "{}"), ("PutItem", "{}"), ("DynamoDB_20120810.", ""), ("Canary_1.PutItem", "{}")] {
        let reply = client.send(target(garbage), body).await;
        assert_error(&reply, 400, "UnknownOperationException", "DSL-7101");
        assert!(!reply.json().to_string().contains("Canary"));
    }
    let untargeted = client.send(Request::post("/"), "{}").await;
    assert_error(&untargeted, 400, "UnknownOperationException", "DSL-7101");
    // Of two targets nobody knows which one the upstream would take.
    for second in ["DynamoDB_20120810.ListTables", "DynamoDB_20120810.PutItem"] {
        let twice = target("DynamoDB_20120810.ListTables").header("X-Amz-Target", second);
        assert_error(&client.send(twice, "{}").await, 400, "UnknownOperationException", "DSL-7101");
    }
    for wrong in [Request::get("/"), Request::put("/"), Request::post("/users"), Request::get("/healthz/x")] {
        let reply = client.send(wrong.header("x-amz-target", "DynamoDB_20120810.GetItem"), "").await;
        assert_error(&reply, 404, "UnknownOperationException", "DSL-7102");
    }
    let page = target("DynamoDB_20120810.ListTables").header("origin", "http://evil.example");
    assert_error(&client.send(page, "{}").await, 403, "AccessDeniedException", "DSL-7103");

    let unknown = client.call("FlyToTheMoon", "{}").await;
    assert_eq!(unknown.status, 400);
    assert_eq!(unknown.json()["__type"], "com.amazon.coral.service#UnknownOperationException");
    for malformed in ["", "{", "canary", "[]", "{\"TableName\":\"\u{0}\"}", "{\"TableName\": 3}"] {
        let reply = client.call("GetItem", malformed).await;
        let kind = reply.json()["__type"].as_str().unwrap().to_owned();
        assert_eq!(reply.status, 400, "{malformed}");
        assert!(kind.ends_with("#SerializationException") || kind.ends_with("#ValidationException"), "{kind}");
        assert!(!reply.json().to_string().contains("canary"));
    }
    assert_eq!(client.call("ListTables", "{}").await.json(), json!({"TableNames": []}));
}

#[tokio::test]
async fn a_20_mb_body_is_refused_with_an_answer_and_the_connection_goes_on() {
    let gateway = Gateway::start(embedded()).await;
    let mut client = gateway.connect().await;
    let long = "x".repeat(20_000_000);
    let reply = client.call("PutItem", &long).await;
    assert_error(&reply, 413, "RequestEntityTooLargeException", "DSL-7104");
    assert_eq!(client.call("ListTables", "{}").await.status, 200);

    // The same without an announced length.
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let head =
        "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: DynamoDB_20120810.PutItem\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..20 {
        stream.write_all(format!("f4240\r\n{}\r\n", &long[..1_000_000]).as_bytes()).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    assert!(first_bytes(&mut stream).await.starts_with("HTTP/1.1 413 "));

    // A body as long as DynamoDB takes gets to the engine.
    let most = format!("{{\"x\":\"{}\"}}", "x".repeat((16 << 20) - 8));
    assert_eq!(client.call("ListTables", &most).await.status, 200);
}

#[tokio::test]
async fn a_caller_that_waits_for_100_continue_is_refused_before_it_sends() {
    let gateway = Gateway::start(embedded()).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: DynamoDB_20120810.PutItem\r\n\
                content-length: 20000000\r\nexpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn heads_and_bodies_have_limits_of_size_and_time() {
    let limits = Limits {
        head: 4096,
        head_time: Duration::from_millis(300),
        idle_time: Duration::from_millis(300),
        body_time: Duration::from_millis(300),
        ..Limits::default()
    };
    let gateway = Gateway::start_with(Settings { limits, ..Settings::default() }, embedded()).await;

    let mut long_head = TcpStream::connect(gateway.address).await.unwrap();
    let head = format!("POST / HTTP/1.1\r\nhost: x\r\nx-padding: {}\r\n\r\n", "x".repeat(8192));
    long_head.write_all(head.as_bytes()).await.unwrap();
    assert!(first_bytes(&mut long_head).await.starts_with("HTTP/1.1 431 "));

    let mut slow_head = TcpStream::connect(gateway.address).await.unwrap();
    slow_head.write_all(b"POST / HT").await.unwrap();
    let mut idle = TcpStream::connect(gateway.address).await.unwrap();
    for stream in [&mut slow_head, &mut idle] {
        let mut rest = Vec::new();
        tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await.expect("closed").unwrap();
    }

    let mut slow_body = TcpStream::connect(gateway.address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: DynamoDB_20120810.PutItem\r\ncontent-length: 100\r\n\r\n{";
    slow_body.write_all(head.as_bytes()).await.unwrap();
    let answer = first_bytes(&mut slow_body).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("DSL-7105"), "{answer}");
}

#[tokio::test]
async fn load_beyond_the_limits_is_turned_away_while_health_answers() {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (signal, wait) = (entered.clone(), leave.clone());
    let wire = FnWire(move |_| {
        let (signal, wait) = (signal.clone(), wait.clone());
        async move {
            signal.notify_one();
            wait.notified().await;
            ok("{}")
        }
    });
    let limits = Limits { in_flight: 1, buffered: 1000, ..Limits::default() };
    let gateway = Gateway::start_with(Settings { limits, ..Settings::default() }, Arc::new(wire)).await;
    let mut first = gateway.connect().await;
    let first = tokio::spawn(async move { first.call("PutItem", "{}").await });
    entered.notified().await;

    let refused = gateway.call("PutItem", "{}").await;
    assert_error(&refused, 503, "ThrottlingException", "DSL-7107");
    let wait: u32 = refused.header("x-amz-retry-after").parse().unwrap();
    assert!((500..1500).contains(&wait) && refused.header("retry-after") == "1", "{:?}", refused.headers);
    let mut client = gateway.connect().await;
    let health = client.send(Request::get("/healthz"), "").await;
    assert_eq!((health.status, health.json()), (200, json!({"status": "ok"})));
    let metrics = client.send(Request::get("/metrics"), "").await;
    let text = std::str::from_utf8(&metrics.body).unwrap();
    assert!(text.contains("dynaseal_requests_in_flight 1\n"), "{text}");
    assert!(text.contains("dynaseal_requests_total{operation=\"PutItem\",outcome=\"failed\"} 1\n"), "{text}");
    assert!(text.contains("\ndynaseal_key_cache_fetches_total 0\n"), "{text}");

    leave.notify_one();
    assert_eq!(first.await.unwrap().status, 200);
    let too_much = gateway.call("PutItem", &" ".repeat(2000)).await;
    assert_error(&too_much, 503, "ThrottlingException", "DSL-7107");
    leave.notify_one();
    assert_eq!(gateway.call("PutItem", "{}").await.status, 200);
}

#[tokio::test]
async fn a_panic_costs_its_own_request_only() {
    let wire = FnWire(|call: dynaseal_engine::Call| async move {
        assert_ne!(call.operation, "GetItem", "a fault on purpose");
        ok("{}")
    });
    let gateway = Gateway::start(Arc::new(wire)).await;
    let mut client = gateway.connect().await;
    let reply = client.call("GetItem", "{}").await;
    assert_error(&reply, 500, "InternalServerError", "DSL-7199");
    assert!(!reply.json().to_string().contains("on purpose"));
    assert_eq!(client.call("PutItem", "{}").await.status, 200);
}

#[tokio::test]
async fn draining_finishes_open_requests_and_closes_idle_connections() {
    let entered = Arc::new(Notify::new());
    let signal = entered.clone();
    let wire = FnWire(move |_| {
        let signal = signal.clone();
        async move {
            signal.notify_one();
            tokio::time::sleep(Duration::from_millis(300)).await;
            ok(r#"{"finished":true}"#)
        }
    });
    let gateway = Gateway::start(Arc::new(wire)).await;
    let address = gateway.address;
    let _silent = TcpStream::connect(address).await.unwrap();
    let mut idle = gateway.connect().await;
    assert_eq!(idle.send(Request::get("/healthz"), "").await.status, 200);
    let mut busy = gateway.connect().await;
    let busy = tokio::spawn(async move { busy.call("PutItem", "{}").await });
    entered.notified().await;

    let started = Instant::now();
    let stopping = gateway.stop();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(busy.await.unwrap().json(), json!({"finished": true}));
    assert_eq!(stopping.await.unwrap().cut, 0);
    assert!(started.elapsed() < Duration::from_secs(3), "idle connections held the drain up: {:?}", started.elapsed());
}

#[tokio::test]
async fn draining_ends_though_a_request_does_not() {
    let entered = Arc::new(Notify::new());
    let signal = entered.clone();
    let wire = FnWire(move |_| {
        signal.notify_one();
        std::future::pending()
    });
    let limits = Limits { drain_time: Duration::from_millis(200), ..Limits::default() };
    let gateway = Gateway::start_with(Settings { limits, ..Settings::default() }, Arc::new(wire)).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: x\r\nx-amz-target: DynamoDB_20120810.PutItem\r\ncontent-length: 2\r\n\r\n{}";
    stream.write_all(head.as_bytes()).await.unwrap();
    entered.notified().await;
    assert_eq!(gateway.stop().await.unwrap().cut, 1);
}

#[tokio::test]
async fn only_this_machine_reaches_it_unless_the_settings_say_so() {
    let bind = |listen: &str, allow_remote| {
        let settings = Settings { listen: listen.parse().unwrap(), allow_remote, ..Settings::default() };
        Server::bind(settings, Arc::new(Engine::new([], Arc::new(SystemClock))), embedded())
    };
    for remote in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "[::ffff:192.0.2.1]:0"] {
        let error = bind(remote, false).await.unwrap_err();
        assert_eq!(error.code(), "DSL-7002", "{remote}");
        assert!(error.to_string().contains("does not check who calls"), "{error}");
    }
    assert_eq!(bind("0.0.0.0:0", true).await.unwrap().local_addr().ip().to_string(), "0.0.0.0");
    let taken = bind("127.0.0.1:0", false).await.unwrap();
    let error = bind(&taken.local_addr().to_string(), false).await.unwrap_err();
    assert_eq!(error.code(), "DSL-7001");
    assert!(error.hint().contains("port 0"), "{}", error.hint());
}

#[tokio::test]
async fn pipelined_and_concurrent_requests_keep_their_answers() {
    let wire = FnWire(|call: dynaseal_engine::Call| async move {
        tokio::time::sleep(Duration::from_millis(u64::try_from(call.body.len() % 7).unwrap())).await;
        ok(std::str::from_utf8(&call.body).unwrap())
    });
    let gateway = Gateway::start(Arc::new(wire)).await;
    let callers = (0..32).map(|caller| {
        let address: SocketAddr = gateway.address;
        tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            for turn in 0..20 {
                let body = json!({"caller": caller, "turn": turn, "padding": "x".repeat(caller * turn)});
                assert_eq!(client.call("PutItem", &body.to_string()).await.json(), body);
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
}

/// What arrives first, up to the end of a small answer.
async fn first_bytes(stream: &mut TcpStream) -> String {
    let mut bytes = vec![0; 4096];
    let mut filled = 0;
    loop {
        let read = stream.read(&mut bytes[filled..]).await.unwrap();
        filled += read;
        let text = String::from_utf8_lossy(&bytes[..filled]).into_owned();
        if read == 0 || text.ends_with('}') {
            return text;
        }
    }
}
