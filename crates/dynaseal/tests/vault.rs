//! Sealed clients and single items with branch keys that Vault protects: the transit engine in memory, on a real socket,
//! beside a store that holds items and key store.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests, not tests themselves")]

#[path = "../../gateway/tests/private_ca/mod.rs"]
mod authority;
mod support;
#[path = "../../http/tests/vault_server/mod.rs"]
mod vault_server;

use std::io;
use std::path::Path;

use authority::Authority;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::error::{DisplayErrorContext, SdkError};
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use dynaseal::{AwsItem, Error, Outside, Sealing, Vault};
use support::{SECRET, Store, VAULT_CONFIG, engine_of, key_store, s, user};
use vault_server::{Manner, TOKEN, Vault as Server};

#[tokio::test]
async fn a_sealed_client_fetches_branch_keys_from_vault() {
    let (store, vault) = world().await;
    let db = sealed(&store, &vault);
    db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    let stored = stored(&store, "1").await;
    assert!(stored["email"].is_b() && stored.contains_key("aws_dbe_head"));
    assert_eq!(get(&db).await.unwrap(), Some(user("1")));
    // The key store itself is read by the client that is sealed; the branch key is fetched once.
    assert_eq!(store.operations(), ["GetItem", "PutItem", "GetItem", "GetItem"]);
    let asked: Vec<_> = vault.take_seen();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].0.uri.path(), "/v1/transit/decrypt/branch-keys");
    // Another process opens it.
    assert_eq!(get(&sealed(&store, &vault)).await.unwrap(), Some(user("1")));
    assert!(!format!("{db:?}").contains(TOKEN));
}

#[tokio::test]
async fn single_items_and_stream_records_take_vault_and_the_key_store() {
    let (store, vault) = world().await;
    let sealing = Sealing::new(engine_of(VAULT_CONFIG)).vault(at(&vault.url())).dynamodb(store.plain());
    let item = sealing.seal_item("Users", &user("1")).await.unwrap();
    assert!(item["email"].is_b());
    assert_eq!(sealing.open_item("Users", &item).await.unwrap(), user("1"));
    // What the one sealed, the other opens.
    store.plain().put_item().table_name("Users").set_item(Some(item)).send().await.unwrap();
    assert_eq!(get(&sealed(&store, &vault)).await.unwrap(), Some(user("1")));

    for (sealing, service) in [
        (Sealing::new(engine_of(VAULT_CONFIG)).dynamodb(store.plain()), ".vault("),
        (Sealing::new(engine_of(VAULT_CONFIG)).vault(at(&vault.url())), ".dynamodb("),
    ] {
        let error = sealing.open_item("Users", &stored(&store, "1").await).await.unwrap_err();
        assert!(error.code() == "DSL-6005" && error.to_string().contains(service), "{error}");
    }
}

#[tokio::test]
async fn without_a_server_nothing_is_sealed() {
    let store = Store::start().await;
    let error = dynaseal::seal(store.options(), engine_of(VAULT_CONFIG)).unwrap_err();
    assert_eq!((&error, error.code()), (&Error::NoVault, "DSL-9306"));
    assert!(error.to_string().contains(".vault(dynaseal::Vault::from_env()?)"), "{error}");
}

#[test]
fn an_environment_that_does_not_lead_to_vault_says_what_to_set() {
    for (settings, what) in [
        (Environment { address: None, token: Some(TOKEN), ca: None }, "VAULT_ADDR: it is not set"),
        (
            Environment { address: Some("http://vault.example.com"), token: Some(TOKEN), ca: None },
            "VAULT_ADDR: http://",
        ),
        (Environment { address: Some("https://vault.example.com/v1/"), token: Some(TOKEN), ca: None }, "it has a path"),
        (
            Environment { address: Some("https://vault.example.com"), token: None, ca: None },
            "VAULT_TOKEN: it is not set",
        ),
        (
            Environment { address: Some("https://vault.example.com"), token: Some("a\ncanary"), ca: None },
            "VAULT_TOKEN: it cannot",
        ),
    ] {
        let error = Vault::from_outside(&settings).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("DSL-9011: Vault cannot be called: ") && text.contains(what), "{text}");
        assert!(text.contains("VAULT_TOKEN_FILE") && !text.contains("canary"), "{text}");
    }
    let good = Environment { address: Some("https://vault.example.com:8200"), token: Some(TOKEN), ca: None };
    assert!(!format!("{:?}", Vault::from_outside(&good).unwrap()).contains(TOKEN));
}

/// A company's own authority is trusted where `AWS_CA_BUNDLE` names it; where it does not, the error says so.
#[tokio::test]
async fn a_vault_with_a_certificate_of_a_private_authority() {
    let ((store, vault), authority) = (world().await, Authority::new());
    let url = authority.in_front_of(vault.url().strip_prefix("http://").unwrap().parse().unwrap()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &authority.pem).unwrap();
    for ca in [None, file.to_str()] {
        let settings = Environment { address: Some(&url), token: Some(TOKEN), ca };
        let sealing = Sealing::new(engine_of(VAULT_CONFIG)).vault(Vault::from_outside(&settings).unwrap());
        let db = dynaseal::seal(store.options().retry_config(RetryConfig::disabled()), sealing).unwrap();
        let put = db.put_item().table_name("Users").set_item(Some(user("1"))).send().await;
        match ca {
            Some(_) => assert!(put.is_ok() && get(&db).await.unwrap() == Some(user("1"))),
            None => {
                let error = put.unwrap_err();
                let text = DisplayErrorContext(&error).to_string();
                assert_eq!(dynaseal::code(&error), Some("DSL-4112"), "{text}");
                assert!(text.contains("signed by no authority") && text.contains("AWS_CA_BUNDLE"), "{text}");
            }
        }
    }
}

#[tokio::test]
async fn every_trouble_with_vault_has_its_code_and_passes() {
    let (store, vault) = world().await;
    sealed(&store, &vault).put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    for (status, code) in [(429, "DSL-4101"), (503, "DSL-4102"), (403, "DSL-4103"), (404, "DSL-4105")] {
        vault.transit().trouble(Some(status));
        assert_code(&get(&sealed(&store, &vault)).await.unwrap_err(), code);
    }
    vault.transit().trouble(None);

    // A redirect would carry the token away, and an answer without end fill the memory.
    let elsewhere = Server::start().await;
    for (manner, code) in [(Manner::Redirects(elsewhere.url()), "DSL-4111"), (Manner::SaysTooMuch(1 << 20), "DSL-4112")]
    {
        vault.behave(manner);
        assert_code(&get(&sealed(&store, &vault)).await.unwrap_err(), code);
    }
    assert!(elsewhere.take_seen().is_empty());
    vault.behave(Manner::Serves);

    vault.renew("another-token");
    assert_code(&get(&sealed(&store, &vault)).await.unwrap_err(), "DSL-4103");
    vault.renew(TOKEN);
    assert_eq!(get(&sealed(&store, &vault)).await.unwrap(), Some(user("1")));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_outage() {
    let (store, vault) = world().await;
    sealed(&store, &vault).put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let sealing = Sealing::new(engine_of(VAULT_CONFIG)).vault(at(&nobody));
    let db = dynaseal::seal(store.options().retry_config(RetryConfig::disabled()), sealing).unwrap();
    let error = get(&db).await.unwrap_err();
    assert_code(&error, "DSL-4112");
    assert_eq!(error.raw_response().unwrap().status().as_u16(), 503);
}

#[track_caller]
fn assert_code(error: &SdkError<GetItemError>, code: &str) {
    assert_eq!(dynaseal::code(error), Some(code), "{error:?}");
    let text = format!("{} {error:?}", DisplayErrorContext(error));
    assert!(text.contains("transit/branch-keys") && !text.contains(TOKEN) && !text.contains(SECRET), "{text}");
}

/// A store with the table `Users` and a key store, and the server that protects its branch keys.
async fn world() -> (Store, Server) {
    let (store, vault) = (Store::start().await, Server::start().await);
    key_store(VAULT_CONFIG, &store, vault.transit()).await;
    store.forget();
    (store, vault)
}

fn sealed(store: &Store, vault: &Server) -> dynaseal::Client {
    let options = store.options().retry_config(RetryConfig::disabled());
    dynaseal::seal(options, Sealing::new(engine_of(VAULT_CONFIG)).vault(at(&vault.url()))).unwrap()
}

fn at(url: &str) -> Vault {
    Vault::at(url, TOKEN).unwrap()
}

async fn get(db: &dynaseal::Client) -> Result<Option<AwsItem>, SdkError<GetItemError>> {
    db.get_item().table_name("Users").key("id", s("1")).send().await.map(|got| got.item)
}

async fn stored(store: &Store, id: &str) -> AwsItem {
    let got = store.plain().get_item().table_name("Users").key("id", s(id)).send().await.unwrap();
    got.item.unwrap()
}

/// Some variables of an environment.
struct Environment<'a> {
    address: Option<&'a str>,
    token: Option<&'a str>,
    ca: Option<&'a str>,
}

impl Outside for Environment<'_> {
    fn env(&self, name: &str) -> Option<String> {
        let value = match name {
            "VAULT_ADDR" => self.address,
            "VAULT_TOKEN" => self.token,
            "AWS_CA_BUNDLE" => self.ca,
            _ => None,
        };
        value.map(str::to_owned)
    }

    fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn others_can_read(&self, _: &Path) -> bool {
        false
    }
}
