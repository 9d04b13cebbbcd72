//! Calls of Vault over real sockets: what is sent, what is tried again, and every way in which a server can fail.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests, not tests themselves")]

#[path = "../../gateway/tests/private_ca/mod.rs"]
mod authority;
mod vault_server;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use authority::Authority;
use dynaseal_engine::{Answer, Call, Outside, Service, TlsFault, Wire, WireError};
use dynaseal_http::{UpstreamLimits, Vault, VaultError, VaultServer};
use vault_server::{Manner, TOKEN, Vault as Server};

#[tokio::test]
async fn a_call_is_a_post_that_a_client_of_vault_would_send() {
    let server = Server::start().await;
    let vault = of([("VAULT_ADDR", &*server.url()), ("VAULT_TOKEN", TOKEN), ("VAULT_NAMESPACE", "teams/a")]);
    assert!(encrypt(&vault).await.unwrap().ok());
    let seen = server.take_seen();
    let [(head, body)] = &seen[..] else { unreachable!("one request: {seen:?}") };
    assert_eq!((head.method.as_str(), head.uri.path()), ("POST", "/v1/transit/encrypt/branch-keys"));
    assert_eq!(&body[..], BODY);
    for (name, value) in [
        ("host", server.url().strip_prefix("http://").unwrap()),
        ("content-type", "application/json"),
        ("x-vault-request", "true"),
        ("x-vault-token", TOKEN),
        ("x-vault-namespace", "teams/a"),
    ] {
        assert_eq!(head.headers[name], value);
    }
    assert!(!format!("{vault:?}").contains(TOKEN));

    let given = Vault::open(&at(&server.url()), brisk()).unwrap();
    assert!(encrypt(&given).await.unwrap().ok());
    assert!(!server.take_seen()[0].0.headers.contains_key("x-vault-namespace"));
    assert!(!format!("{:?} {given:?}", at(&server.url())).contains(TOKEN));
}

#[tokio::test]
async fn the_file_of_a_token_is_read_for_each_call() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let vault = of([("VAULT_ADDR", &*server.url()), ("VAULT_TOKEN_FILE", file.to_str().unwrap())]);
    let write = |token: &str| std::fs::write(&file, token).unwrap();
    // An agent that has not started yet has written none.
    assert_eq!(encrypt(&vault).await, Err(WireError::NoToken));
    write("");
    assert_eq!(encrypt(&vault).await, Err(WireError::NoToken));
    write("a\nb");
    assert_eq!(encrypt(&vault).await, Err(WireError::NoToken));
    // One that never ends is not read.
    let endless = of([("VAULT_ADDR", &*server.url()), ("VAULT_TOKEN_FILE", "/dev/zero")]);
    assert_eq!(encrypt(&endless).await, Err(WireError::NoToken));
    assert!(server.take_seen().is_empty());

    write(&format!("{TOKEN}\n"));
    assert!(encrypt(&vault).await.unwrap().ok());
    server.renew("test-token-2");
    assert_eq!(encrypt(&vault).await.unwrap().status, 403);
    write("test-token-2");
    assert!(encrypt(&vault).await.unwrap().ok());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (server, elsewhere) = (Server::start().await, Server::start().await);
    server.behave(Manner::Redirects(elsewhere.url()));
    let vault = Vault::open(&at(&server.url()), brisk()).unwrap();
    assert_eq!(encrypt(&vault).await.unwrap().status, 307);
    assert_eq!((server.take_seen().len(), elsewhere.take_seen().len()), (1, 0));
}

#[tokio::test]
async fn what_may_pass_is_tried_three_times_and_all_else_once() {
    let server = Server::start().await;
    let vault = Vault::open(&at(&server.url()), brisk()).unwrap();
    for (status, tries) in [(429, 3), (500, 3), (503, 3), (400, 1), (403, 1), (404, 1)] {
        server.transit().trouble(Some(status));
        assert_eq!((encrypt(&vault).await.unwrap().status, server.take_seen().len()), (status, tries));
    }
    server.transit().trouble(None);
    assert!(encrypt(&vault).await.unwrap().ok());
    server.take_seen();
    // With a status that an outage has, too, but not with its text: another try would say the same.
    let changed = format!(r#"{{"ciphertext":"vault:v1:{}"}}"#, "A".repeat(64));
    let call = Call::new(Service::Vault, "transit/decrypt/branch-keys", changed.into_bytes());
    let answer = vault.send(call).await.unwrap();
    assert_eq!((answer.status, server.take_seen().len()), (500, 1));
}

#[tokio::test]
async fn an_answer_is_bounded_in_size_and_in_time() {
    let server = Server::start().await;
    let vault = Vault::open(&at(&server.url()), brisk()).unwrap();
    server.behave(Manner::SaysTooMuch(64 << 10));
    assert_eq!(encrypt(&vault).await, Err(WireError::Broken));
    server.behave(Manner::SaysTooMuch(60 << 10));
    assert!(encrypt(&vault).await.unwrap().ok());

    server.behave(Manner::Hangs);
    let started = Instant::now();
    assert_eq!(encrypt(&vault).await, Err(WireError::Timeout));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_from_one_that_speaks_no_tls() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let plain = Server::start().await.url().replace("http:", "https:");
    for (url, failure) in [(nobody, WireError::Unreachable), (plain, WireError::Tls(TlsFault::NotTls))] {
        let vault = Vault::open(&at(&url), brisk()).unwrap();
        assert_eq!(encrypt(&vault).await, Err(failure), "{url}");
    }
}

/// The authority of a company's own is trusted where the setting or the variable names it, beside the system's.
#[tokio::test]
async fn a_private_authority_is_trusted_by_name() {
    let (server, authority, other) = (Server::start().await, Authority::new(), Authority::new());
    let url = authority.in_front_of(server.url().strip_prefix("http://").unwrap().parse().unwrap()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (ours, theirs) = (file("ours.pem", &authority.pem), file("theirs.pem", &other.pem));
    let (address, token) = (("VAULT_ADDR", &*url), ("VAULT_TOKEN", TOKEN));
    let unknown = Err(WireError::Tls(TlsFault::UnknownIssuer));
    assert_eq!(encrypt(&of([address, token])).await, unknown);
    assert_eq!(encrypt(&of([address, token, ("AWS_CA_BUNDLE", &theirs)])).await, unknown);
    assert!(server.take_seen().is_empty());
    assert!(encrypt(&of([address, token, ("AWS_CA_BUNDLE", &ours)])).await.unwrap().ok());
    let trusting = |ca: &str| Vault::open_trusting(&at(&url), Some(Path::new(ca)), brisk());
    assert!(encrypt(&trusting(&ours).unwrap()).await.unwrap().ok());
    assert_eq!(encrypt(&trusting(&theirs).unwrap()).await, unknown);
    // What is no authority is told before anything is sent, and not taken for nothing.
    let junk = file("junk.pem", "certainly no certificate");
    let bundle = of_all([address, token, ("AWS_CA_BUNDLE", &junk)]).unwrap_err();
    for (error, setting) in [(bundle, "AWS_CA_BUNDLE"), (trusting(&junk).unwrap_err(), "ca of [gateway]")] {
        assert!(error.code() == "DSL-7006" && error.to_string().contains(setting), "{error}");
    }
}

#[tokio::test]
async fn only_calls_of_vault_are_sent() {
    let server = Server::start().await;
    let vault = Vault::open(&at(&server.url()), brisk()).unwrap();
    for service in [Service::DynamoDb, Service::DynamoDbStreams, Service::Kms] {
        let call = Call::new(service, "GetItem", BODY.to_vec());
        assert_eq!(vault.send(call).await, Err(WireError::Unreachable));
    }
    assert!(server.take_seen().is_empty());
}

#[test]
fn an_environment_that_does_not_lead_to_vault_is_refused_by_name() {
    let (good, token) = ("https://vault.example.com:8200", ("VAULT_TOKEN", TOKEN));
    let far =
        "Vault cannot be called: VAULT_ADDR: http://vault.example.com:8200 has no TLS, and it is not on this machine";
    let path = "Vault cannot be called: VAULT_ADDR: it has a path; an endpoint is a scheme and a host";
    let no_token = "Vault cannot be called: VAULT_TOKEN: it is not set, and neither is VAULT_TOKEN_FILE";
    let unsendable = |name: &str| format!("Vault cannot be called: {name}: it cannot stand in a header");
    for (environment, error) in [
        (vec![token], "Vault cannot be called: VAULT_ADDR: it is not set".to_owned()),
        (vec![("VAULT_ADDR", " "), token], "Vault cannot be called: VAULT_ADDR: it is not set".to_owned()),
        (vec![("VAULT_ADDR", "http://vault.example.com:8200"), token], far.to_owned()),
        (vec![("VAULT_ADDR", "https://vault.example.com/v1"), token], path.to_owned()),
        (vec![("VAULT_ADDR", good)], no_token.to_owned()),
        (vec![("VAULT_ADDR", good), ("VAULT_TOKEN", "")], no_token.to_owned()),
        (vec![("VAULT_ADDR", good), ("VAULT_TOKEN", "test\ncanary")], unsendable("VAULT_TOKEN")),
        (vec![("VAULT_ADDR", good), token, ("VAULT_NAMESPACE", "a\nb")], unsendable("VAULT_NAMESPACE")),
    ] {
        let refused = Vault::of_environment(&Environment(environment.into_iter().collect()), brisk()).unwrap_err();
        assert_eq!((refused.to_string(), refused.code()), (error, "DSL-9011"));
        assert!(refused.hint().contains("VAULT_TOKEN_FILE") && !format!("{refused:?}").contains("canary"));
    }
    for url in ["vault", "https://me:canary@vault.example.com", "ftp://localhost", "https://vault.example.com?q"] {
        let refused = Vault::open(&at(url), brisk()).unwrap_err();
        assert!(refused.code() == "DSL-9011" && !refused.to_string().contains("canary"), "{refused}");
    }
}

/// A token in the environment goes before a file of one.
#[tokio::test]
async fn a_token_goes_before_its_file() {
    let server = Server::start().await;
    let settings = [("VAULT_ADDR", &*server.url()), ("VAULT_TOKEN", TOKEN), ("VAULT_TOKEN_FILE", "/nowhere/token")];
    assert!(encrypt(&of(settings)).await.unwrap().ok());
}

struct Environment<'a>(BTreeMap<&'a str, &'a str>);

impl Outside for Environment<'_> {
    fn env(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| (*value).to_owned())
    }

    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn others_can_read(&self, _: &Path) -> bool {
        false
    }
}

fn of<const N: usize>(settings: [(&str, &str); N]) -> Vault {
    of_all(settings).unwrap()
}

fn of_all<const N: usize>(settings: [(&str, &str); N]) -> Result<Vault, VaultError> {
    Vault::of_environment(&Environment(settings.into()), brisk())
}

fn at(url: &str) -> VaultServer {
    VaultServer::At { url: url.to_owned(), token: TOKEN.to_owned().into() }
}

async fn encrypt(vault: &Vault) -> Result<Answer, WireError> {
    vault.send(Call::new(Service::Vault, "transit/encrypt/branch-keys", BODY.to_vec())).await
}

fn brisk() -> UpstreamLimits {
    UpstreamLimits {
        connect_time: Duration::from_millis(300),
        answer_time: Duration::from_millis(900),
        ..UpstreamLimits::default()
    }
}

const BODY: &[u8] = br#"{"plaintext":"AAEC"}"#;
