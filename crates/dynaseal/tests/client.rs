//! The SDK's client, sealed, over a store that shows every request. The SDK's whole API runs over it in
//! `crates/cli/tests/sealed_rust.rs`; here is what only this head can get wrong: signatures, retries, time limits, and
//! clients that go past their seal.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, not tests themselves"
)]

mod support;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal::{AwsItem, Error};
use dynaseal_gateway::{Server, Settings};
use support::{Fate, SECRET, Store, assert_signature, engine, s, user};

#[tokio::test]
async fn every_inner_call_is_signed_again_and_nothing_readable_goes_out() {
    let store = Store::start().await;
    let db = store.sealed();
    db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    let got = db.get_item().table_name("Users").key("id", s("1")).send().await.unwrap();
    assert_eq!(got.item, Some(user("1")));
    birthday(&db).send().await.unwrap();
    db.list_tables().send().await.unwrap();

    assert_eq!(store.operations(), ["PutItem", "GetItem", "GetItem", "UpdateItem", "ListTables"]);
    for (head, body) in store.seen() {
        assert_signature(&head, &body, "eu-west-1");
        assert_eq!(head.uri.host(), Some("dynamodb.eu-west-1.amazonaws.com"));
        assert_eq!(head.headers["content-length"], body.len().to_string());
        // The SDK's own headers stay: they carry its retries and tell AWS which SDK calls.
        assert!(head.headers["user-agent"].to_str().unwrap().starts_with("aws-sdk-rust/"));
        assert_eq!(head.headers["amz-sdk-request"], "attempt=1; max=3");
        assert!(!String::from_utf8(body).unwrap().contains(SECRET));
    }
}

#[tokio::test]
async fn the_answers_metadata_are_the_stores_own_without_its_checksum() {
    let store = Store::start().await;
    let db = store.sealed();
    db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    let error = db.get_item().table_name("Nothing").key("id", s("1")).send().await.unwrap_err();
    let raw = error.raw_response().unwrap();
    assert_eq!(raw.headers().get("x-amzn-requestid"), Some("STORE"));
    assert_eq!(raw.headers().get("x-amz-crc32"), None);
    assert_eq!((error.code(), dynaseal::code(&error)), (Some("ResourceNotFoundException"), None));
}

/// The SDK waits as long as DynamoDB asks it to, as it does without a seal.
#[tokio::test]
async fn the_sdk_comes_back_when_it_was_told_to() {
    let store = Store::start().await;
    let db = store.sealed();
    db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    let get = || db.get_item().table_name("Users").key("id", s("1")).send();
    let cases = [("GetItem", Fate::Throttled(700)), ("UpdateItem", Fate::Throttled(700)), ("GetItem", Fate::Page(700))];
    for (operation, fate) in cases {
        store.order(vec![(operation, fate)]);
        let started = Instant::now();
        match operation {
            "UpdateItem" => drop(birthday(&db).send().await.unwrap()),
            _ => drop(get().await.unwrap()),
        }
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(690) && took < Duration::from_secs(5), "{took:?}");
    }
    for (fate, code) in [(Fate::Throttled(90), "ThrottlingException"), (Fate::Page(90), "InternalServerError")] {
        store.order(vec![("GetItem", fate); 3]);
        let error = get().await.unwrap_err();
        let headers = error.raw_response().unwrap().headers();
        assert_eq!((headers.get("x-amz-retry-after"), error.code()), (Some("90"), Some(code)));
    }
}

/// The SDK has no endpoint discovery for DynamoDB; an application that asks by itself is not led past the seal either.
#[tokio::test]
async fn an_answer_that_leads_elsewhere_is_not_asked_for() {
    let store = Store::start().await;
    let error = store.sealed().describe_endpoints().send().await.unwrap_err();
    assert_eq!(dynaseal::code(&error), Some("DSL-2012"));
    assert!(store.operations().is_empty());
}

#[tokio::test]
async fn a_failed_condition_is_typed_and_a_changed_item_has_a_code() {
    let store = Store::start().await;
    let db = store.sealed();
    let none = birthday(&db).condition_expression("attribute_exists(id)").send().await.unwrap_err();
    assert!(matches!(none.into_service_error(), UpdateItemError::ConditionalCheckFailedException(_)));

    db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    let stored = raw(&store).await;
    // Bound to another key, its data key does not open; with another value in it, its tag does not fit.
    for (attribute, value, code, exception) in [
        ("id", s("2"), "DSL-4003", "AccessDeniedException"),
        ("email", stored["age"].clone(), "DSL-3008", "ItemVerificationException"),
    ] {
        let mut changed = stored.clone();
        changed.insert(attribute.into(), value);
        let id = changed["id"].clone();
        store.plain().put_item().table_name("Users").set_item(Some(changed)).send().await.unwrap();
        let error = db.get_item().table_name("Users").key("id", id).send().await.unwrap_err();
        assert_eq!((dynaseal::code(&error), error.code()), (Some(code), Some(exception)), "{error:?}");
        assert!(!DisplayErrorContext(&error).to_string().contains(SECRET));
    }
}

/// An engine can be put together by hand, past the checks of a configuration.
#[tokio::test]
async fn an_engine_that_protects_nothing_is_refused() {
    let store = Store::start().await;
    let clock = || std::sync::Arc::new(dynaseal_engine::SystemClock);
    let none = || dynaseal::Engine::new([], clock());
    assert_eq!(dynaseal::seal(store.options(), none()).unwrap_err(), Error::NothingProtected);
    assert!(dynaseal::seal(store.options(), none().with_no_tables_allowed(true)).is_ok());
    for name in ["arn:aws:dynamodb:eu-west-1:000000000000:table/Users", "prod/Users", "Us"] {
        let table = engine().table("Users").unwrap().clone();
        let (schema, plaintext) = (table.schema().clone(), table.plaintext());
        let ring = dynaseal_keys::RawAes::new("test", "key", &[7; 32]).unwrap(); // a test key
        let provider = dynaseal_keys::Provider::new(std::sync::Arc::new(ring));
        let table = dynaseal::Table::new(name.to_owned(), schema, provider, plaintext);
        let error = dynaseal::seal(store.options(), dynaseal::Engine::new([table], clock())).unwrap_err();
        assert_eq!(error, Error::TableName(name.to_owned()));
    }
}

/// The client can be changed after it was sealed, in two ways; both refuse before anything is sent.
#[tokio::test]
async fn a_call_that_would_go_past_the_seal_is_refused() {
    let store = Store::start().await;
    let db = store.sealed();
    let elsewhere = Store::start().await;

    let config = db.config().to_builder().http_client(elsewhere.clone()).build();
    let changed = aws_sdk_dynamodb::Client::from_conf(config);
    let put = changed.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap_err();
    assert_replaced(&put);

    let other = aws_sdk_dynamodb::Config::builder().http_client(elsewhere.clone());
    let put = db.put_item().table_name("Users").set_item(Some(user("1")));
    assert_replaced(&put.customize().config_override(other).send().await.unwrap_err());

    // What does not touch the HTTP client is anyone's right.
    let other = aws_sdk_dynamodb::Config::builder().retry_config(RetryConfig::disabled());
    let put = db.put_item().table_name("Users").set_item(Some(user("1")));
    put.customize().config_override(other).send().await.unwrap();
    assert!(elsewhere.seen().is_empty());
    assert!(raw(&store).await["email"].is_b());
}

#[tokio::test]
async fn a_client_is_sealed_once() {
    let store = Store::start().await;
    let twice = dynaseal::seal(store.sealed().config().to_builder(), engine()).unwrap_err();
    assert_eq!((&twice, twice.code()), (&Error::SealedTwice, "DSL-9302"));
}

/// The answer is lost, not the write: the SDK tries again or the engine finds its own footer, and counts once.
#[tokio::test]
async fn a_lost_answer_is_the_sdks_to_retry() {
    let store = Store::start().await;
    let db = store.sealed();
    store.lose("PutItem");
    db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    let tries: Vec<_> =
        store.seen().iter().map(|(head, _)| head.headers["amz-sdk-request"].to_str().unwrap().to_owned()).collect();
    assert_eq!(tries, ["attempt=1; max=3", "attempt=2; max=3"]);

    for lost in ["GetItem", "UpdateItem"] {
        let before = age(&db).await;
        store.lose(lost);
        birthday(&db).send().await.unwrap();
        assert_eq!(age(&db).await, before + 1, "{lost}");
    }
}

#[tokio::test]
async fn without_an_answer_the_error_is_the_connectors_own() {
    let store = Store::start().await;
    let config = store.options().retry_config(RetryConfig::disabled());
    let db = dynaseal::seal(config, engine()).unwrap();
    store.lose("GetItem");
    match birthday(&db).send().await.unwrap_err() {
        SdkError::DispatchFailure(failure) => assert!(failure.is_io(), "{failure:?}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_sdks_time_limits_hold() {
    let store = Store::start().await;
    let limits = TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(100)).build();
    let config = store.options().timeout_config(limits).retry_config(RetryConfig::disabled());
    let db = dynaseal::seal(config, engine()).unwrap();
    db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    store.hang(1);
    let slow = birthday(&db).send().await.unwrap_err();
    assert!(matches!(slow, SdkError::TimeoutError(_)), "{slow:?}");
    birthday(&db).send().await.unwrap();
}

/// The clock is the test's: it moves as soon as everyone waits.
#[tokio::test(start_paused = true)]
async fn an_answer_that_stops_coming_is_not_waited_for() {
    let store = Store::start().await;
    let db = dynaseal::seal(store.options().retry_config(RetryConfig::disabled()), engine()).unwrap();
    store.stall();
    match db.get_item().table_name("Users").key("id", s("1")).send().await.unwrap_err() {
        SdkError::DispatchFailure(failure) => {
            assert!(failure.is_timeout(), "{failure:?}");
            assert!(format!("{failure:?}").contains("Stalled"), "{failure:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read_to_it() {
    let store = Store::start().await;
    let db = store.sealed();
    let taken = store.babble();
    match db.get_item().table_name("Users").key("id", s("1")).send().await.unwrap_err() {
        SdkError::DispatchFailure(failure) => assert!(format!("{failure:?}").contains("TooLong"), "{failure:?}"),
        other => panic!("{other:?}"),
    }
    // One page's most, once.
    assert_eq!(taken.load(Ordering::SeqCst), 65);
}

/// What one head writes, the other reads and changes.
#[tokio::test]
async fn a_protected_gateway_and_a_sealed_client_share_their_items() {
    let store = Store::start().await;
    let db = store.sealed();
    let settings = Settings { listen: ([127, 0, 0, 1], 0).into(), ..Settings::default() };
    let server = Server::bind(settings, engine(), store.database()).await.unwrap();
    let url = format!("http://{}", server.local_addr());
    let serving = tokio::spawn(server.serve(std::future::pending()));
    let mut options = store.options().endpoint_url(url);
    options.set_http_client(None);
    let through = aws_sdk_dynamodb::Client::from_conf(options.build());

    through.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    birthday(&db).send().await.unwrap();
    let got = through.get_item().table_name("Users").key("id", s("1")).send().await.unwrap().item.unwrap();
    assert_eq!((&got["age"], &got["email"]), (&AttributeValue::N("37".into()), &s(SECRET)));
    birthday(&through).send().await.unwrap();
    assert_eq!(age(&db).await, 38);
    assert!(raw(&store).await["age"].is_b());
    serving.abort();
}

#[tokio::test]
async fn a_client_that_signs_nothing_goes_on_signing_nothing() {
    let store = Store::start().await;
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .region(aws_sdk_dynamodb::config::Region::new("eu-west-1"))
        .allow_no_auth()
        .http_client(store.clone());
    let db = dynaseal::seal(config, engine()).unwrap();
    db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    assert!(store.seen().iter().all(|(head, _)| !head.headers.contains_key("authorization")));
    assert!(raw(&store).await["email"].is_b());
}

#[tokio::test]
async fn single_items_are_sealed_and_opened_without_a_call() {
    let store = Store::start().await;
    let db = store.sealed();
    db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    let engine = dynaseal::Client::engine(&db);
    assert_eq!(dynaseal::open_item(engine, "Users", &raw(&store).await).await.unwrap(), user("1"));

    let sealed = dynaseal::seal_item(engine, "Users", &user("9")).await.unwrap();
    store.plain().put_item().table_name("Users").set_item(Some(sealed.clone())).send().await.unwrap();
    let got = db.get_item().table_name("Users").key("id", s("9")).send().await.unwrap();
    assert_eq!(got.item, Some(user("9")));

    let mut changed = sealed;
    changed.insert("id".into(), s("8"));
    let error = dynaseal::open_item(engine, "Users", &changed).await.unwrap_err();
    assert_eq!(error.code(), "DSL-4003");
    assert!(error.to_string().starts_with("DSL-4003: table Users: "), "{error}");
    let error = dynaseal::seal_item(engine, "Others", &user("1")).await.unwrap_err();
    assert_eq!(error.code(), "DSL-9308");
}

#[track_caller]
fn assert_replaced<E: std::error::Error + Send + Sync + 'static>(error: &SdkError<E>) {
    assert!(matches!(error, SdkError::ConstructionFailure(_)), "{error:?}");
    let text = DisplayErrorContext(error).to_string();
    assert!(text.contains("DSL-9303") && !text.contains(SECRET), "{text}");
}

/// An update of an encrypted number: a read and a write under a guard.
fn birthday(
    db: &aws_sdk_dynamodb::Client,
) -> aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder {
    let update = db.update_item().table_name("Users").key("id", s("1")).update_expression("SET age = age + :one");
    update.expression_attribute_values(":one", AttributeValue::N("1".into()))
}

async fn age(db: &dynaseal::Client) -> u32 {
    let item = db.get_item().table_name("Users").key("id", s("1")).send().await.unwrap().item.unwrap();
    item["age"].as_n().unwrap().parse().unwrap()
}

/// User 1 as the store has it.
async fn raw(store: &Store) -> AwsItem {
    store.plain().get_item().table_name("Users").key("id", s("1")).send().await.unwrap().item.unwrap()
}
