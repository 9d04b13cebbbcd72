//! What needs a process of its own: the log, and in `tls.rs` the certificates that the environment trusts.
//!
//! Such a test runs this same binary again with an environment variable that makes it the child.

use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use crate::support::{self, Gateway, assert_error, target, upstream};
use dynaseal_gateway::{Embedded, Settings, Target, UpstreamLimits, open_upstream, start_log};
use dynaseal_testkit::{Input, Program};

/// The upstream's own faults leave lines at the default level, though not a line each in an outage; and an alert on them can be
/// told from one on ordinary refusals.
#[tokio::test(flavor = "multi_thread")]
async fn faults_of_the_upstream_are_logged_and_counted_apart() {
    if std::env::var(CHILD).is_ok() {
        let _log = start_log(tracing::Level::INFO).unwrap();
        fail_in_every_way().await;
        return;
    }
    let run = || child("process::faults_of_the_upstream_are_logged_and_counted_apart", "log", &[]);
    let ran = tokio::task::spawn_blocking(run).await.unwrap();
    let (log, metrics) = (String::from_utf8_lossy(&ran.stderr).into_owned(), output(&ran));
    let lines = |text: &str| log.lines().filter(|line| line.contains("WARN") && line.contains(text)).count();
    assert_eq!(lines("operation=\"Scan\" tables=\"\" status=500"), 10, "{log}");
    assert_eq!((lines("operation=\"GetItem\""), lines("operation=\"Query\"")), (0, 0), "{log}");
    assert!(lines("reason=\"it could not be reached\"") == 1, "{log}");
    for (operation, outcome, count) in [
        ("PutItem", "ok", 1),
        ("GetItem", "upstream_4xx", 1),
        ("Query", "upstream_throttled", 1),
        ("Scan", "upstream_5xx", 50),
        ("DeleteItem", "upstream_no_answer", 1),
        ("UpdateItem", "failed", 1),
        ("other", "refused", 1),
    ] {
        let line = format!("dynaseal_requests_total{{operation=\"{operation}\",outcome=\"{outcome}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
}

async fn fail_in_every_way() {
    let answer = |status, kind: &str| {
        let body = format!("{{\"__type\":\"com.amazonaws.dynamodb.v20120810#{kind}\"}}");
        Ok(dynaseal_engine::Answer::new(status, body.into()))
    };
    let wire = support::FnWire(move |call: dynaseal_engine::Call| {
        let answer = match &*call.operation {
            "GetItem" => answer(400, "ConditionalCheckFailedException"),
            "Query" => answer(400, "ProvisionedThroughputExceededException"),
            "Scan" => answer(500, "InternalServerError"),
            "DeleteItem" => Err(dynaseal_engine::WireError::Unreachable),
            "UpdateItem" => Ok(dynaseal_engine::Answer::new(200, b"<html>".to_vec())),
            _ => support::ok("{}"),
        };
        async move { answer }
    });
    let gateway = Gateway::start(Arc::new(wire)).await;
    let mut client = gateway.connect().await;
    for operation in ["PutItem", "GetItem", "Query", "DeleteItem", "UpdateItem"] {
        client.call(operation, "{}").await;
    }
    for _ in 0..50 {
        assert_eq!(client.call("Scan", "{}").await.status, 500);
    }
    client.send(target("Nothing_1.Nothing"), "{}").await;
    let metrics = client.send(http::Request::get("/metrics"), "").await;
    println!("{}", std::str::from_utf8(&metrics.body).unwrap());
    gateway.stop().await.unwrap();
}

/// Without descriptors no connection is accepted; which limit that is, is said once however often it is met.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_keeps_connections_out_is_named_once() {
    if std::env::var(CHILD).is_ok() {
        let _log = start_log(tracing::Level::INFO).unwrap();
        let gateway = Gateway::start(Arc::new(support::FnWire(|_| async { support::ok("{}") }))).await;
        println!("address={}", gateway.address);
        let closed = tokio::task::spawn_blocking(|| std::io::Read::read(&mut std::io::stdin(), &mut [0]));
        closed.await.unwrap().unwrap();
        gateway.stop().await.unwrap();
        return;
    }
    let test = "process::a_limit_that_keeps_connections_out_is_named_once";
    let child = Program::new(std::env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]);
    let mut child = child.env(CHILD, "few files").bound("-n 64").input(Input::Silent).start();
    let limit = Duration::from_secs(30);
    let line = |text: &str| text.lines().find_map(|line| line.strip_prefix("address=").map(ToOwned::to_owned));
    let address = child.wait_for(1, limit, line);
    let idle: Vec<_> = (0..100).map(|_| std::net::TcpStream::connect(&address).unwrap()).collect();
    child.wait_for(2, limit, |text| text.contains("ulimit -n").then_some(()));
    // It is tried again ten times a second.
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(idle);
    assert!(dynaseal_testkit::call(&address, "ListTables", "{}", limit).is_ok(), "all is well again");
    child.close_input();
    let ended = child.end(limit);
    assert_eq!(ended.stderr.matches("ulimit -n").count(), 1, "{}", ended.stderr);
    assert!(ended.status.success() && !ended.stderr.contains("uncategorized"), "{}", ended.stderr);
}

/// One block at the start says what is protected and where calls go, with whose credentials, or what is missing.
#[tokio::test(flavor = "multi_thread")]
async fn the_start_says_what_is_protected_and_where_calls_go() {
    if let Ok(upstream) = std::env::var(CHILD) {
        let _log = start_log(tracing::Level::INFO).unwrap();
        let target = Target::new(&upstream, Some("eu-west-1".into()), None);
        let target = target.danger_plain_upstream(upstream.contains("example"));
        let facts = open_upstream(&target, UpstreamLimits::default()).await.unwrap().facts;
        let settings = Settings { facts, ..Settings::default() };
        let wire = support::FnWire(|_| async { support::ok("{}") });
        let engine = if upstream == "embedded" {
            dynaseal_engine::Engine::new([], Arc::new(dynaseal_engine::SystemClock))
        } else {
            crate::protected::engine()
        };
        Gateway::start_for(engine, settings, Arc::new(wire)).await.stop().await.unwrap();
        return;
    }
    let started = |upstream: &'static str, environment: &'static [(&'static str, &'static str)]| {
        let all = [
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", "/nowhere"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/nowhere"),
        ];
        let environment: Vec<_> =
            all.iter().chain(environment).map(|(name, value)| (*name, std::ffi::OsStr::new(*value))).collect();
        let ran = child("process::the_start_says_what_is_protected_and_where_calls_go", upstream, &environment);
        output(&ran);
        String::from_utf8_lossy(&ran.stderr).into_owned()
    };
    let keys: &[_] = &[("AWS_ACCESS_KEY_ID", "AKIDTESTCANARYMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret-canary")];
    let log = tokio::task::spawn_blocking(move || {
        [
            started("dynamodb", keys),
            started("dynamodb", &[]),
            started("http://dynamodb.example:8000", keys),
            started("embedded", &[]),
        ]
    });
    let [whole, no_keys, plain, nothing] = log.await.unwrap();
    for line in [
        "  protects      Users\n",
        "  other tables  pass (other_tables)\n",
        "  DynamoDB      https://dynamodb.eu-west-1.amazonaws.com/\n",
        "  Region        eu-west-1, of [gateway]\n",
        "  credentials   access key …MPLE, from the environment\n",
        "  listens on    http://127.0.0.1:",
    ] {
        assert!(whole.contains(line), "{line}{whole}");
    }
    assert!(!whole.contains("WARN") && !whole.to_lowercase().contains("canary"), "{whole}");
    let warned = |log: &str, text: &str| log.lines().any(|line| line.contains("WARN") && line.contains(text));
    assert!(warned(&no_keys, "credentials: none found"), "{no_keys}");
    assert!(warned(&plain, "http://dynamodb.example:8000/ WITHOUT TLS"), "{plain}");
    assert!(warned(&nothing, "protects: NOTHING") && nothing.contains("embedded, in memory"), "{nothing}");
}

/// At the most verbose level, the log names operations, tables and codes and holds nothing of what callers sent.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_holds_no_text_of_a_caller_at_any_level() {
    if std::env::var(CHILD).is_ok() {
        let _log = start_log(tracing::Level::TRACE).unwrap();
        speak_canary().await;
        return;
    }
    let run = || child("process::the_log_holds_no_text_of_a_caller_at_any_level", "log", &[]);
    let ran = tokio::task::spawn_blocking(run).await.unwrap();
    let log = String::from_utf8_lossy(&ran.stderr).into_owned();
    output(&ran);
    for expected in [
        "operation=\"PutItem\" tables=\"Users\" status=200",
        "operation=\"other\"",
        "code=\"DSL-7101\"",
        "code=\"DSL-6001\"",
        "ERROR dynaseal_gateway::trace: panic",
        "listening",
    ] {
        assert!(log.contains(expected), "{expected} is not in the log:\n{log}");
    }
    let text = log.to_lowercase();
    for secret in ["canary", &support::TEST_SECRET.to_lowercase(), support::TEST_TOKEN, "hyper", "aws_"] {
        assert!(!text.contains(secret), "{secret} is in the log:\n{log}");
    }
}

/// At the level that the command has by default, the line of a refused item says of which tables, so that whoever is
/// alerted knows where to look; and a name that is none is not printed.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_refused_item_names_its_tables() {
    if std::env::var(CHILD).is_ok() {
        let _log = start_log(tracing::Level::INFO).unwrap();
        refuse_items().await;
        return;
    }
    let run = || child("process::the_log_of_a_refused_item_names_its_tables", "log", &[]);
    let ran = tokio::task::spawn_blocking(run).await.unwrap();
    let log = String::from_utf8_lossy(&ran.stderr).into_owned();
    output(&ran);
    for (operation, tables) in [
        ("GetItem", "Users"),
        ("Scan", "Users"),
        ("BatchGetItem", "Other,Users"),
        ("TransactGetItems", "Other,Users"),
        ("ExecuteStatement", "Users"),
        ("ExecuteTransaction", "Users"),
        ("BatchExecuteStatement", "Users"),
    ] {
        let line = format!("ERROR dynaseal_gateway::trace: request operation=\"{operation}\" tables=\"{tables}\"");
        let line = log.lines().find(|text| text.contains(&line));
        let line = line.unwrap_or_else(|| panic!("{operation} on {tables} is not in the log:\n{log}"));
        assert!(line.contains("status=400") && line.contains("code=\"DSL-3001\""), "{line}");
    }
    let refused = "WARN dynaseal_gateway::trace: request operation=\"PutItem\" tables=\"Users\"";
    assert!(log.lines().any(|line| line.contains(refused)), "{log}");
    assert!(!log.contains('\u{1b}') && !log.contains('\u{202e}') && !log.contains("yranac"), "{log}");
}

/// Reads an item that was never sealed in every way, and calls what is no table.
async fn refuse_items() {
    let database = crate::protected::database();
    let item = serde_json::json!({"TableName": "Users", "Item": {"id": {"S": "1"}, "text": {"S": "CANARY"}}});
    assert!(database.call(&crate::protected::request("PutItem", &item)).ok());
    let other = serde_json::json!({
        "TableName": "Other", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    });
    assert!(database.call(&crate::protected::request("CreateTable", &other)).ok());
    let gateway = Gateway::start_for(crate::protected::engine(), Settings::default(), Arc::new(database)).await;
    let key = r#"{"id":{"S":"1"}}"#;
    for (operation, body) in [
        ("GetItem", format!(r#"{{"TableName":"Users","Key":{key}}}"#)),
        ("Scan", r#"{"TableName":"arn:aws:dynamodb:eu-west-1:000000000000:table/Users"}"#.to_owned()),
        ("Scan", r#"{"TableName":"Users"}"#.to_owned()),
        ("BatchGetItem", format!(r#"{{"RequestItems":{{"Other":{{"Keys":[{key}]}},"Users":{{"Keys":[{key}]}}}}}}"#)),
        (
            "BatchExecuteStatement",
            r#"{"Statements":[{"Statement":"UPDATE Users SET text = 'CANARY' WHERE id = '1'"}]}"#.to_owned(),
        ),
        (
            "TransactGetItems",
            format!(
                r#"{{"TransactItems":[{{"Get":{{"TableName":"Other","Key":{key}}}}},{{"Get":{{"TableName":"Users","Key":{key}}}}}]}}"#
            ),
        ),
        ("ExecuteStatement", r#"{"Statement":"SELECT * FROM Users WHERE id = '1'"}"#.to_owned()),
        (
            "ExecuteTransaction",
            r#"{"TransactStatements":[{"Statement":"SELECT * FROM Users WHERE id = '1'"}]}"#.to_owned(),
        ),
        ("PutItem", r#"{"TableName":"Users","Item":{"id":{"S":"1"},"aws_dbe_head":{"S":"x"}}}"#.to_owned()),
        ("FlyToTheMoon", r#"{"TableName":"Users\u202eyranac\u001b[31m"}"#.to_owned()),
    ] {
        gateway.call(operation, &body).await;
    }
    gateway.stop().await.unwrap();
}

/// A canary in every place of a request that a caller fills.
async fn speak_canary() {
    let gateway = Gateway::start(Arc::new(Embedded::open(None).unwrap())).await;
    let mut client = gateway.connect().await;
    let table = r#"{"TableName":"Users","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
        "AttributeDefinitions":[{"AttributeName":"id","AttributeType":"S"}],"BillingMode":"PAY_PER_REQUEST"}"#;
    assert_eq!(client.call("CreateTable", table).await.status, 200);
    let put = r#"{"TableName":"Users","Item":{"id":{"S":"CANARY"},"CANARY":{"M":{"CANARY":{"S":"CANARY"}}}}}"#;
    let request = || target("DynamoDB_20120810.PutItem").header("user-agent", "CANARY").header("x-canary", "CANARY");
    assert_eq!(client.send(request().header("authorization", "CANARY"), put).await.status, 200);
    assert_eq!(client.call("GetItem", r#"{"TableName":"Users","Key":{"id":{"S":"CANARY"}}}"#).await.status, 200);
    for (operation, body) in [
        ("CANARY", "{}"),
        ("PutItem", r#"{"TableName":"Users","Item":"CANARY"}"#),
        ("PutItem", r#"{"TableName":"the CANARY","Item":{}}"#),
        ("GetItem", "CANARY"),
        ("ExecuteStatement", r#"{"Statement":"SELECT * FROM Users WHERE id = 'CANARY'"}"#),
    ] {
        client.call(operation, body).await;
    }
    assert_eq!(client.send(target("CANARY_1.CANARY"), "CANARY").await.status, 400);

    let down = Gateway::start(upstream("http://127.0.0.1:1", UpstreamLimits::default())).await;
    assert_error(&down.call("PutItem", put).await, 503, "ServiceUnavailable", "DSL-6001");
    let fault = support::FnWire(|call: dynaseal_engine::Call| async move {
        assert!(call.body.is_empty(), "{}", std::str::from_utf8(&call.body).unwrap());
        support::ok("{}")
    });
    let panics = Gateway::start(Arc::new(fault)).await;
    assert_error(&panics.call("PutItem", put).await, 500, "InternalServerError", "DSL-7199");
    gateway.stop().await.unwrap();
}

/// Runs one test of this binary, named with its module, as the child.
pub fn child(test: &str, argument: &str, environment: &[(&str, &std::ffi::OsStr)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(CHILD, argument).envs(environment.iter().copied());
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    for _ in 0..300 {
        if child.try_wait().unwrap().is_some() {
            return child.wait_with_output().unwrap();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    child.kill().unwrap();
    panic!("the child did not end: {:?}", child.wait_with_output().unwrap());
}

/// What a child that succeeded printed.
pub fn output(ran: &Output) -> String {
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{text}\n{}", String::from_utf8_lossy(&ran.stderr));
    text
}

pub const CHILD: &str = "DYNASEAL_TEST_CHILD";
