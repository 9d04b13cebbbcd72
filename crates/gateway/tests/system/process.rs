//! What needs a process of its own: the certificates that the environment trusts, and the log.
//!
//! Such a test runs this same binary again with an environment variable that makes it the child.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use crate::support::{self, Gateway, assert_error, target, upstream};
use bytes::Bytes;
use dynaseal_gateway::{Embedded, Settings, UpstreamLimits, start_log};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// The same TLS upstream is called by a gateway that trusts its certificate and by one that does not.
#[tokio::test(flavor = "multi_thread")]
async fn tls_upstreams_are_called_only_with_a_trusted_certificate_for_their_name() {
    if let Ok(url) = std::env::var(CHILD) {
        let reply = Gateway::start(upstream(&url, UpstreamLimits::default())).await.call("ListTables", "{}").await;
        println!("status={} {}", reply.status, std::str::from_utf8(&reply.body).unwrap());
        return;
    }
    let name = "tls_upstreams_are_called_only_with_a_trusted_certificate_for_their_name";
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let trusted = directory.path().join("trusted.pem");
    std::fs::write(&trusted, certified.cert.pem()).unwrap();
    let other = directory.path().join("other.pem");
    std::fs::write(&other, rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem()).unwrap();
    let port = tls_server(&certified).await;

    let run = |url: String, certificates: &Path| {
        let certificates = certificates.to_owned();
        tokio::task::spawn_blocking(move || child(name, &url, &[("SSL_CERT_FILE", certificates.as_os_str())]))
    };
    let good = output(&run(format!("https://localhost:{port}"), &trusted).await.unwrap());
    assert!(good.contains(r#"status=200 {"TableNames":[]}"#), "{good}");
    let untrusted = output(&run(format!("https://localhost:{port}"), &other).await.unwrap());
    assert!(untrusted.contains("status=503") && untrusted.contains("DSL-6001"), "{untrusted}");
    let wrong_name = output(&run(format!("https://127.0.0.1:{port}"), &trusted).await.unwrap());
    assert!(wrong_name.contains("status=503") && wrong_name.contains("DSL-6001"), "{wrong_name}");
}

/// At the most verbose level, the log names operations, tables and codes and holds nothing of what callers sent.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_holds_no_text_of_a_caller_at_any_level() {
    if std::env::var(CHILD).is_ok() {
        start_log(tracing::Level::TRACE).unwrap();
        speak_canary().await;
        return;
    }
    let run = || child("the_log_holds_no_text_of_a_caller_at_any_level", "log", &[]);
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
        start_log(tracing::Level::INFO).unwrap();
        refuse_items().await;
        return;
    }
    let run = || child("the_log_of_a_refused_item_names_its_tables", "log", &[]);
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

async fn tls_server(certified: &rcgen::CertifiedKey<rcgen::KeyPair>) -> u16 {
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service = service_fn(async |_| {
                    Ok::<_, std::convert::Infallible>(http::Response::new(Full::<Bytes>::from(r#"{"TableNames":[]}"#)))
                });
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    port
}

fn child(test: &str, argument: &str, environment: &[(&str, &std::ffi::OsStr)]) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", &format!("process::{test}"), "--nocapture"])
        .env(CHILD, argument)
        .envs(environment.iter().copied());
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
fn output(ran: &Output) -> String {
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success(), "{text}\n{}", String::from_utf8_lossy(&ran.stderr));
    text
}

const CHILD: &str = "DYNASEAL_TEST_CHILD";
