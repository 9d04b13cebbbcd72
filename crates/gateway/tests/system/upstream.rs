//! The upstream over the network: signatures, and every way in which an upstream can fail.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{
    FakeUpstream, FnWire, Gateway, TEST_TOKEN, assert_error, assert_signature, brisk, raw_upstream, target, upstream,
};
use bytes::Bytes;
use dynaseal_engine::{Answer, Call, RetryAfter};
use dynaseal_gateway::{Settings, Target, UpstreamLimits, open_upstream};
use http::Response;
use http_body_util::Full;
use serde_json::json;
use tokio::net::TcpListener;

fn json_answer(status: u16, body: &'static str) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    response.header("x-amzn-requestid", "UPSTREAMID").body(Full::from(body)).unwrap()
}

async fn before(url: &str) -> Gateway {
    Gateway::start(upstream(url, brisk())).await
}

#[tokio::test]
async fn what_goes_on_is_signed_for_the_upstream_and_carries_nothing_of_the_caller() {
    let fake = FakeUpstream::start(|| json_answer(200, "{}")).await;
    let gateway = before(&fake.url()).await;
    let mut client = gateway.connect().await;
    let caller = |name: &str| {
        target(name)
            .header("authorization", "AWS4-HMAC-SHA256 caller")
            .header("x-amz-security-token", "callers")
            .header("x-canary", "1")
    };
    let body = r#"{"TableName":"Users","Item":{"id":{"S":"\u00e9 – 1"}}}"#;
    assert_eq!(client.send(caller("DynamoDB_20120810.PutItem"), body).await.status, 200);
    assert_eq!(client.send(caller("DynamoDBStreams_20120810.ListStreams"), "{}").await.status, 200);

    let seen = fake.seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    for ((head, sent), (name, body)) in
        seen.iter().zip([("DynamoDB_20120810.PutItem", body), ("DynamoDBStreams_20120810.ListStreams", "{}")])
    {
        assert_eq!((&head.headers["x-amz-target"], sent.as_ref()), (&name.parse().unwrap(), body.as_bytes()));
        assert_eq!(head.headers["host"], fake.address.to_string());
        assert_eq!(head.headers["x-amz-security-token"], TEST_TOKEN);
        assert!(!head.headers.contains_key("x-canary"));
        assert_signature(head, sent, "eu-west-1");
    }
}

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The upstream's log names the client, and a trace goes on; nothing else of the caller does.
#[tokio::test]
async fn the_client_and_its_trace_are_told_on() {
    let fake = FakeUpstream::start(|| json_answer(200, "{}")).await;
    let gateway = before(&fake.url()).await;
    let mut client = gateway.connect().await;
    let call = || target("DynamoDB_20120810.GetItem");
    let traced = call()
        .header("user-agent", "Boto3/1.44.0 lang/python#3.14")
        .header("traceparent", TRACE)
        .header("tracestate", "vendor=1")
        .header("baggage", "user=canary");
    for request in [traced, call(), call().header("traceparent", "canary").header("tracestate", "canary")] {
        assert_eq!(client.send(request, "{}").await.status, 200);
    }
    let seen = fake.seen.lock().unwrap();
    let text = |head: &http::request::Parts, name: &str| {
        head.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    let (first, second, third) = (&seen[0].0, &seen[1].0, &seen[2].0);
    let agent = text(first, "user-agent");
    assert!(agent.starts_with("Boto3/1.44.0 lang/python#3.14 dynaseal-gateway/"), "{agent}");
    assert_eq!((text(first, "traceparent"), text(first, "tracestate")), (TRACE.to_owned(), "vendor=1".to_owned()));
    for head in [second, third] {
        assert!(text(head, "user-agent").starts_with("dynaseal-gateway/"));
        assert!(!head.headers.contains_key("traceparent") && !head.headers.contains_key("tracestate"));
    }
    for (head, body) in seen.iter() {
        assert!(!format!("{head:?}").contains("canary"));
        // What stands between may change these headers, so the signature leaves them out.
        let signed = text(head, "authorization");
        assert!(!signed.contains("user-agent") && !signed.contains("trace"), "{signed}");
        assert_signature(head, body, "eu-west-1");
    }
}

/// A caller that is told when to come back is told so through the gateway, in the form that its SDK obeys.
#[tokio::test]
async fn the_caller_learns_when_to_come_back() {
    let throttled = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"m"}"#;
    let cases = [
        (400, &[("x-amz-retry-after", "1500")][..], "1500", "2"),
        (400, &[("retry-after", "3")], "3000", "3"),
        (503, &[("x-amz-retry-after", "1234"), ("retry-after", "7")], "1234", "7"),
        (429, &[("retry-after", "86400")], "30000", "30"),
        (500, &[("x-amz-retry-after", "canary")], "", ""),
        (503, &[], "", ""),
        (200, &[("x-amz-retry-after", "1500")], "", ""),
    ];
    for (status, headers, milliseconds, seconds) in cases {
        let fake = FakeUpstream::start(move || {
            let mut answer = json_answer(status, throttled);
            for (name, value) in headers {
                answer.headers_mut().insert(*name, value.parse().unwrap());
            }
            answer
        })
        .await;
        let reply = before(&fake.url()).await.call("GetItem", "{}").await;
        assert_eq!((reply.status, &reply.body[..]), (status, throttled.as_bytes()));
        let said = (reply.header("x-amz-retry-after"), reply.header("retry-after"));
        assert_eq!(said, (milliseconds, seconds), "{status} {headers:?}");
    }
    // An outage is ours to tell, and so is the time.
    let away = before("http://127.0.0.1:1").await.call("GetItem", "{}").await;
    assert_error(&away, 503, "ServiceUnavailable", "DSL-6001");
    let milliseconds: u32 = away.header("x-amz-retry-after").parse().unwrap();
    assert!((500..1500).contains(&milliseconds) && away.header("retry-after") == "1", "{milliseconds}");
}

/// A load balancer in front of DynamoDB answers with a page, and knows when to come back as well.
#[tokio::test]
async fn what_stands_in_front_of_dynamodb_says_when_to_come_back() {
    let key = json!({"id": {"S": "1"}});
    let update = json!({"TableName": "Users", "Key": key, "UpdateExpression": "SET email = :e",
        "ExpressionAttributeValues": {":e": {"S": "x"}}});
    let one = json!({"Statement": "SELECT * FROM Users WHERE id = '1'"});
    let calls = [
        ("PutItem", json!({"TableName": "Users", "Item": crate::protected::user("1", "x")})),
        ("GetItem", json!({"TableName": "Users", "Key": key})),
        ("DeleteItem", json!({"TableName": "Users", "Key": key, "ReturnValues": "ALL_OLD"})),
        ("UpdateItem", update.clone()),
        ("Scan", json!({"TableName": "Users"})),
        ("BatchGetItem", json!({"RequestItems": {"Users": {"Keys": [key]}}})),
        ("BatchWriteItem", json!({"RequestItems": {"Users": [{"DeleteRequest": {"Key": key}}]}})),
        ("TransactWriteItems", json!({"TransactItems": [{"Update": update}]})),
        ("TransactWriteItems", json!({"TransactItems": [{"Delete": {"TableName": "Users", "Key": key}}]})),
        ("TransactGetItems", json!({"TransactItems": [{"Get": {"TableName": "Users", "Key": key}}]})),
        ("ExecuteStatement", one.clone()),
        ("ExecuteTransaction", json!({"TransactStatements": [one]})),
        ("DescribeTable", json!({"TableName": "Users"})),
    ];
    for (status, header, page, milliseconds, seconds) in [
        (503, ("retry-after", "4"), "<html>503 canary</html>", "4000", "4"),
        (503, ("x-amz-retry-after", "1700"), "", "1700", "2"),
        (429, ("retry-after", "4"), "[canary]", "4000", "4"),
        (502, ("retry-after", "4"), "upstream connect error, canary", "4000", "4"),
    ] {
        let fake = FakeUpstream::start(move || {
            let mut answer = json_answer(status, page);
            answer.headers_mut().insert(header.0, header.1.parse().unwrap());
            answer
        })
        .await;
        let wire = upstream(&fake.url(), UpstreamLimits::default());
        let protected = Gateway::start_for(crate::protected::engine(), Settings::default(), Arc::clone(&wire)).await;
        let plain = Gateway::start(wire).await;
        for (operation, body) in &calls {
            for gateway in [&plain, &protected] {
                let reply = gateway.call(operation, &body.to_string()).await;
                assert_error(&reply, 502, "InternalServerError", "DSL-6004");
                let said = (reply.header("x-amz-retry-after"), reply.header("retry-after"));
                assert_eq!(said, (milliseconds, seconds), "{status} {operation} {:?}", reply.body);
                assert!(!reply.json().to_string().contains("canary"));
            }
        }
    }
}

/// Also where the call is one step of several that a protected table takes.
#[tokio::test]
async fn the_callers_of_a_protected_table_learn_it_too() {
    let throttled = |status| {
        let kind = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
        let said = RetryAfter { milliseconds: Some(1700), seconds: None };
        Answer { retry_after: said, ..Answer::new(status, format!("{{\"__type\":\"{kind}\"}}").into()) }
    };
    let key = json!({"id": {"S": "1"}});
    let update = json!({"TableName": "Users", "Key": key, "UpdateExpression": "SET email = :e",
        "ExpressionAttributeValues": {":e": {"S": "x"}}});
    for status in [400, 503] {
        let wire = FnWire(move |_: Call| async move { Ok(throttled(status)) });
        let gateway = Gateway::start_for(crate::protected::engine(), Settings::default(), Arc::new(wire)).await;
        for (operation, body) in [
            ("PutItem", json!({"TableName": "Users", "Item": crate::protected::user("1", "x")})),
            ("GetItem", json!({"TableName": "Users", "Key": key})),
            ("UpdateItem", update.clone()),
            (
                "Query",
                json!({"TableName": "Users", "KeyConditionExpression": "id = :i",
                "ExpressionAttributeValues": {":i": {"S": "1"}}}),
            ),
            ("BatchGetItem", json!({"RequestItems": {"Users": {"Keys": [key]}}})),
            ("TransactWriteItems", json!({"TransactItems": [{"Update": update}]})),
            ("ExecuteStatement", json!({"Statement": "SELECT * FROM Users WHERE id = '1'"})),
        ] {
            let reply = gateway.call(operation, &body.to_string()).await;
            let said = (reply.status, reply.header("x-amz-retry-after"), reply.header("retry-after"));
            assert_eq!(said, (status, "1700", "2"), "{operation} {:?}", reply.body);
        }
    }
}

#[tokio::test]
async fn answers_and_errors_of_the_upstream_go_on_byte_for_byte() {
    for (status, body) in [
        (200, "{ \"Item\": {\"id\": {\"S\": \"1\"}} }"),
        (
            400,
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"m","Item":{}}"#,
        ),
        (500, r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"m"}"#),
        (503, r#"{"__type":"com.amazon.coral.availability#ThrottlingException"}"#),
    ] {
        let fake = FakeUpstream::start(move || json_answer(status, body)).await;
        let reply = before(&fake.url()).await.call("GetItem", "{}").await;
        assert_eq!((reply.status, &reply.body[..]), (status, body.as_bytes()));
        assert_eq!(reply.header("x-amzn-requestid"), "UPSTREAMID");
        assert_eq!(reply.header("x-amz-crc32"), crc32fast::hash(body.as_bytes()).to_string());
    }
}

#[tokio::test]
async fn what_is_no_answer_of_dynamodb_is_an_error_that_says_so() {
    for (status, body) in [(502, "<html>canary</html>"), (200, "canary"), (200, ""), (404, "not found"), (301, "{}")] {
        let fake = FakeUpstream::start(move || json_answer(status, body)).await;
        let reply = before(&fake.url()).await.call("GetItem", "{}").await;
        assert_error(&reply, 502, "InternalServerError", "DSL-6004");
        assert!(!reply.json().to_string().contains("canary"));
    }
}

/// A redirect is not followed, and nothing that names another place goes on to the caller, whose SDK might.
#[tokio::test]
async fn an_answer_leads_nowhere_else() {
    let elsewhere = FakeUpstream::start(|| json_answer(200, "{}")).await;
    let away = ["location", "content-location", "alt-svc", "refresh", "link"];
    for status in [200, 300, 301, 302, 303, 307, 308, 421] {
        let url = elsewhere.url();
        let fake = FakeUpstream::start(move || {
            let mut response = json_answer(status, "{}");
            for name in away {
                response.headers_mut().insert(name, url.parse().unwrap());
            }
            response
        })
        .await;
        let reply = before(&fake.url()).await.call("GetItem", "{}").await;
        assert_eq!(reply.status, if (300..400).contains(&status) { 502 } else { status });
        assert!(away.iter().all(|name| !reply.headers.contains_key(*name)), "{status} {:?}", reply.headers);
        assert_eq!((fake.seen.lock().unwrap().len(), elsewhere.seen.lock().unwrap().len()), (1, 0));
    }
}

/// DescribeEndpoints would tell an SDK with endpoint discovery switched on to go past the gateway.
#[tokio::test]
async fn no_sdk_is_led_around_a_gateway_that_protects_a_table() {
    let endpoints = r#"{"Endpoints":[{"Address":"elsewhere.invalid","CachePeriodInMinutes":1440}]}"#;
    let fake = FakeUpstream::start(move || json_answer(200, endpoints)).await;
    let engine = crate::protected::engine();
    let gateway = Gateway::start_for(engine, Settings::default(), upstream(&fake.url(), brisk())).await;
    assert_error(&gateway.call("DescribeEndpoints", "{}").await, 400, "ValidationException", "DSL-2012");
    assert!(fake.seen.lock().unwrap().is_empty());
    // Where nothing is protected the answer is DynamoDB's.
    assert_eq!(before(&fake.url()).await.call("DescribeEndpoints", "{}").await.body, endpoints);
}

#[tokio::test]
async fn an_upstream_that_is_down_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let reply = before(&format!("http://{address}")).await.call("GetItem", "{}").await;
    assert_error(&reply, 503, "ServiceUnavailable", "DSL-6001");
    assert!(reply.json()["message"].as_str().unwrap().contains("could not be reached"), "{}", reply.json());
}

#[tokio::test]
async fn an_upstream_that_does_not_speak_tls_is_unreachable_in_time() {
    let silent = raw_upstream(b"", Duration::from_secs(30)).await;
    let plain = FakeUpstream::start(|| json_answer(200, "{}")).await.url();
    // What does not speak TLS is not what was called, and nothing is sent to it.
    for (url, code) in [(silent, "DSL-6001"), (plain, "DSL-6007")] {
        let gateway = before(&url.replace("http:", "https:")).await;
        let started = Instant::now();
        let reply = gateway.call("GetItem", "{}").await;
        assert_error(&reply, 503, "ServiceUnavailable", code);
        assert!(started.elapsed() < Duration::from_millis(550), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn an_upstream_that_is_slow_times_out_before_and_within_its_answer() {
    let silent = raw_upstream(b"", Duration::from_secs(30)).await;
    let stuck = raw_upstream(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{", Duration::from_secs(30)).await;
    for url in [silent, stuck] {
        let gateway = before(&url).await;
        let started = Instant::now();
        let reply = gateway.call("GetItem", "{}").await;
        assert_error(&reply, 504, "ServiceUnavailable", "DSL-6002");
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_not_http_is_not_taken_for_an_answer() {
    let broken: [&'static [u8]; 4] = [
        b"",
        b"no http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
    ];
    for bytes in broken {
        let reply = before(&raw_upstream(bytes, Duration::ZERO).await).await.call("GetItem", "{}").await;
        assert_error(&reply, 503, "ServiceUnavailable", "DSL-6001");
        assert!(reply.json()["message"].as_str().unwrap().contains("broke before"), "{}", reply.json());
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_its_checksum_is_told_as_such() {
    let changed = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-amz-crc32: 1\r\n\r\n{}";
    for operation in ["GetItem", "PutItem", "Query", "ListTables"] {
        let reply = before(&raw_upstream(changed, Duration::ZERO).await).await.call(operation, "{}").await;
        assert_error(&reply, 502, "InternalServerError", "DSL-6004");
        assert!(reply.json()["message"].as_str().unwrap().contains("x-amz-crc32"), "{}", reply.json());
    }
}

#[tokio::test]
async fn an_answer_is_bounded_in_size() {
    let long: &'static str = Box::leak(format!("{{\"x\":\"{}\"}}", "x".repeat(5000)).into_boxed_str());
    let fake = FakeUpstream::start(move || json_answer(200, long)).await;
    let limits = UpstreamLimits { answer: 4096, ..brisk() };
    let reply = Gateway::start(upstream(&fake.url(), limits)).await.call("Scan", "{}").await;
    assert_error(&reply, 503, "ServiceUnavailable", "DSL-6001");
    let limits = UpstreamLimits { answer: 6000, ..brisk() };
    assert_eq!(Gateway::start(upstream(&fake.url(), limits)).await.call("Scan", "{}").await.status, 200);
}

#[tokio::test]
async fn connections_are_kept_and_a_stale_one_costs_no_request() {
    let fake = FakeUpstream::start(|| {
        let mut response = json_answer(200, "{}");
        // The upstream closes behind every answer.
        response.headers_mut().insert("connection", "close".parse().unwrap());
        response
    })
    .await;
    let gateway = before(&fake.url()).await;
    for _ in 0..20 {
        assert_eq!(gateway.call("GetItem", "{}").await.status, 200);
    }
}

#[tokio::test]
async fn settings_that_would_send_in_the_clear_or_nowhere_are_refused_at_start() {
    let open = async |text: &str| {
        let target = Target::new(text, Some("eu-west-1".into()), None);
        open_upstream(&target, brisk()).await.err().map(|error| error.code())
    };
    assert_eq!(open("http://dynamodb.example:8000").await, Some("DSL-7003"));
    assert_eq!(open("http://192.0.2.1").await, Some("DSL-7003"));
    assert_eq!(open("embeded").await, Some("DSL-7004"));
    let far = Target::new("http://dynamodb.example:8000", Some("eu-west-1".into()), None);
    let opened = open_upstream(&far.danger_plain_upstream(true), brisk()).await.unwrap();
    let loud = opened.facts.iter().find(|fact| fact.about == "DynamoDB").unwrap();
    assert!(loud.warns && loud.text.contains("WITHOUT TLS"), "{loud:?}");
    assert_eq!(open("https://host/path").await, Some("DSL-7004"));
    assert_eq!(open("embedded").await, None);
    let wire: Arc<dyn dynaseal_engine::Wire> =
        open_upstream(&Target::new("http://127.0.0.1:1", Some("eu-west-1".into()), None), brisk()).await.unwrap().wire;
    drop(wire);
}
