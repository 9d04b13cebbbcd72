//! Sealed clients of DynamoDB Streams: the SDK's own client over a store whose table has a stream.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests, not tests themselves")]

mod support;
#[path = "../../http/tests/vault_server/mod.rs"]
mod vault_server;

use std::collections::HashMap;

use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::config::{BehaviorVersion, Builder, Credentials, Region};
use aws_sdk_dynamodbstreams::types::{AttributeValue, Record, ShardIteratorType};
use dynaseal::{Engine, Error, Sealing, StreamsClient, seal_streams};
use support::{
    SECRET, Store, TEST_KEY_ID, TEST_SECRET, TEST_TOKEN, VAULT_CONFIG, assert_signature, engine, engine_of, key_store,
    s, user,
};

#[tokio::test]
async fn images_come_opened_and_everything_else_as_it_is() {
    let store = Store::start().await;
    let db = store.sealed();
    write(&db).await;
    store.forget();
    let sealed = records(&client(&store, engine()), None).await.unwrap();
    for (head, body) in store.seen() {
        assert_signature(&head, &body, "eu-west-1");
    }
    let plain = records(&Client::from_conf(options(&store).build()), None).await.unwrap();
    assert_eq!((sealed.len(), plain.len()), (3, 3));
    for ((sealed, plain), (old, new)) in sealed.iter().zip(&plain).zip([(0, 36), (36, 37), (37, 0)]) {
        let (opened, stored) = (sealed.dynamodb().unwrap(), plain.dynamodb().unwrap());
        assert_eq!(opened.keys(), stored.keys());
        assert_eq!(opened.sequence_number(), stored.sequence_number());
        assert_eq!(sealed.event_name(), plain.event_name());
        for (image, stored, age) in
            [(opened.old_image(), stored.old_image(), old), (opened.new_image(), stored.new_image(), new)]
        {
            assert_eq!(image, (age > 0).then(|| at_age(age)).as_ref());
            assert!(stored.is_none_or(|stored| stored["email"].is_b()));
        }
    }
}

#[tokio::test]
async fn an_image_that_was_changed_is_an_error_with_a_code_and_a_place() {
    let store = Store::start().await;
    let db = store.sealed();
    write(&db).await;
    db.put_item().table_name("Users").set_item(Some(user("2"))).send().await.unwrap();
    let change = store.plain().update_item().table_name("Users").key("id", s("2"));
    change.update_expression("SET email = aws_dbe_foot").send().await.unwrap();
    let error = records(&client(&store, engine()), None).await.unwrap_err();
    let code = dynaseal::code(&error).unwrap();
    assert!(code.starts_with("DSL-3"), "{error:?}");
    let text = aws_sdk_dynamodb::error::DisplayErrorContext(&error).to_string();
    assert!(text.contains("on table Users, record 5, SequenceNumber ") && !text.contains(SECRET), "{text}");
}

#[tokio::test]
async fn shard_iterators_come_from_a_sealed_client() {
    let store = Store::start().await;
    write(&store.sealed()).await;
    let foreign = iterator(&Client::from_conf(options(&store).build())).await;
    let error = records(&client(&store, engine()), Some(foreign)).await.unwrap_err();
    assert_eq!(dynaseal::code(&error), Some("DSL-2007"), "{error:?}");
}

#[tokio::test]
async fn a_key_store_is_read_with_the_client_that_was_given() {
    let (store, vault) = (Store::start().await, vault_server::Vault::start().await);
    key_store(VAULT_CONFIG, &store, vault.transit()).await;
    let sealing =
        || Sealing::new(engine_of(VAULT_CONFIG)).vault(dynaseal::Vault::at(vault.url(), vault_server::TOKEN).unwrap());
    write(&dynaseal::seal(store.options(), sealing()).unwrap()).await;
    let streams = seal_streams(options(&store), sealing().dynamodb(store.plain())).unwrap();
    let opened = records(&streams, None).await.unwrap();
    assert_eq!(opened[0].dynamodb().unwrap().new_image(), Some(&at_age(36)));

    let refused = seal_streams(options(&store), sealing()).unwrap_err();
    assert_eq!((&refused, refused.code()), (&Error::NoDynamoDb, "DSL-9311"));
    assert!(refused.to_string().contains(".dynamodb("), "{refused}");
    let refused =
        seal_streams(options(&store), Sealing::new(engine_of(VAULT_CONFIG)).dynamodb(store.plain())).unwrap_err();
    assert_eq!(refused, Error::NoVault);
}

#[tokio::test]
async fn a_client_is_sealed_once_and_stays_so() {
    let store = Store::start().await;
    let streams = client(&store, engine());
    let again = seal_streams(streams.config().to_builder(), engine()).unwrap_err();
    assert_eq!(again, Error::SealedTwice);
    let past = Client::from_conf(streams.config().to_builder().http_client(store.clone()).build());
    let error = past.list_streams().send().await.unwrap_err();
    let text = aws_sdk_dynamodb::error::DisplayErrorContext(&error).to_string();
    assert!(text.contains("DSL-9303"), "{text}");
}

/// A user who comes, has a birthday and goes.
async fn write(db: &aws_sdk_dynamodb::Client) {
    db.put_item().table_name("Users").set_item(Some(user("2"))).send().await.unwrap();
    let birthday = db.update_item().table_name("Users").key("id", s("2")).update_expression("SET age = age + :one");
    let one = aws_sdk_dynamodb::types::AttributeValue::N("1".to_owned());
    birthday.expression_attribute_values(":one", one).send().await.unwrap();
    db.delete_item().table_name("Users").key("id", s("2")).send().await.unwrap();
}

fn at_age(age: u32) -> HashMap<String, AttributeValue> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    HashMap::from([
        ("id".to_owned(), text("2")),
        ("email".to_owned(), text(SECRET)),
        ("age".to_owned(), AttributeValue::N(age.to_string())),
    ])
}

fn client(store: &Store, engine: std::sync::Arc<Engine>) -> StreamsClient {
    seal_streams(options(store), engine).unwrap()
}

fn options(store: &Store) -> Builder {
    aws_sdk_dynamodbstreams::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new(TEST_KEY_ID, TEST_SECRET, Some(TEST_TOKEN.into()), None, "test"))
        .http_client(store.clone())
}

/// The start of the stream's only shard.
async fn iterator(streams: &Client) -> String {
    let listed = streams.list_streams().table_name("Users").send().await.unwrap();
    let arn = listed.streams()[0].stream_arn().unwrap();
    let described = streams.describe_stream().stream_arn(arn).send().await.unwrap();
    let shard = described.stream_description().unwrap().shards()[0].shard_id().unwrap().to_owned();
    let start = streams.get_shard_iterator().stream_arn(arn).shard_id(shard);
    let start = start.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.unwrap();
    start.shard_iterator().unwrap().to_owned()
}

async fn records(
    streams: &Client,
    from: Option<String>,
) -> Result<
    Vec<Record>,
    aws_sdk_dynamodbstreams::error::SdkError<aws_sdk_dynamodbstreams::operation::get_records::GetRecordsError>,
> {
    let from = match from {
        Some(from) => from,
        None => iterator(streams).await,
    };
    Ok(streams.get_records().shard_iterator(from).send().await?.records.unwrap_or_default())
}
