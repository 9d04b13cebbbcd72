//! Updates are carried out once, whatever becomes of the SDK's attempts: with its retries on and the limits of
//! `examples/users-axum`, over a store whose answers are late, lost, garbled or wrong. The clock is the test's: it moves as
//! soon as everyone waits.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests, not tests themselves"
)]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryPartition;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use support::{Fate, Store, engine, s, user};

/// As in the example.
const ATTEMPT: Duration = Duration::from_secs(3);
const WHOLE: Duration = Duration::from_secs(8);

/// Longer than an attempt, and than an attempt and the next one's read.
const LATE: Duration = Duration::from_secs(4);
const SOON: Duration = Duration::from_millis(3500);

fn sealed(store: &Store) -> dynaseal::Client {
    let limits = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).operation_timeout(WHOLE).build();
    // Clients share what retries may cost; here none is to run out of it.
    static CLIENTS: AtomicUsize = AtomicUsize::new(0);
    let own = RetryPartition::new(format!("client {}", CLIENTS.fetch_add(1, Ordering::SeqCst)));
    dynaseal::seal(store.options().timeout_config(limits).retry_partition(own), engine()).unwrap()
}

/// What becomes of the requests of one kind, one after another; those that follow are answered.
type Fates = &'static [(&'static str, Fate)];

const FATES: &[Fates] = &[
    // The answer comes after the SDK gave the attempt up.
    &[(WRITE, Fate::Answered { after: LATE })],
    // The request itself is slow: it arrives while the next attempt is under way, or after that one is done.
    &[(WRITE, Fate::CarriedOut { after: SOON })],
    &[(WRITE, Fate::CarriedOut { after: LATE })],
    &[(WRITE, Fate::CarriedOut { after: LATE }), (WRITE, Fate::CarriedOut { after: LATE })],
    &[(WRITE, Fate::Answered { after: LATE }), ("GetItem", Fate::Lost)],
    // Answer and read again are lost, once and twice.
    &[(WRITE, Fate::Lost), ("GetItem", Fate::Lost)],
    &[(WRITE, Fate::Lost), ("GetItem", Fate::Lost), ("GetItem", Fate::Lost)],
    &[(WRITE, Fate::Lost), ("GetItem", Fate::Answered { after: LATE })],
    &[(WRITE, Fate::Lost), ("GetItem", Fate::Garbled)],
    &[(WRITE, Fate::Lost), ("GetItem", Fate::Failed)],
    // Carried out, and told otherwise.
    &[(WRITE, Fate::Garbled)],
    &[(WRITE, Fate::Garbled), ("GetItem", Fate::Lost)],
    &[(WRITE, Fate::Failed)],
    &[(WRITE, Fate::Failed), ("GetItem", Fate::Lost)],
    &[(WRITE, Fate::Failed), ("GetItem", Fate::Failed), ("GetItem", Fate::Answered { after: LATE })],
    &[(WRITE, Fate::NeverSent)],
    &[(WRITE, Fate::NeverSent), ("GetItem", Fate::Lost)],
];

/// Stands for the operation that writes.
const WRITE: &str = "write";
const AT_ONCE: Fate = Fate::Answered { after: Duration::ZERO };

/// The first read is answered: it comes before the write.
fn fate(fates: Fates, write: &'static str) -> Vec<(&'static str, Fate)> {
    let read = std::iter::once(("GetItem", AT_ONCE));
    let named = |operation| if operation == WRITE { write } else { operation };
    read.chain(fates.iter().map(|(operation, fate)| (named(*operation), *fate))).collect()
}

#[tokio::test(start_paused = true)]
async fn an_update_counts_once() {
    const UPDATES: [&str; 3] =
        ["SET age = age + :one", "ADD age :one", "SET age = age + :one, email = :mail ADD hits :one"];
    for (round, (fates, update)) in FATES.iter().flat_map(|fates| UPDATES.map(|update| (*fates, update))).enumerate() {
        let store = Store::start().await;
        let db = sealed(&store);
        db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
        for returns in ["NONE", "ALL_NEW", "UPDATED_OLD"] {
            let before = numbers(&db).await;
            store.order(fate(fates, "UpdateItem"));
            let request = db.update_item().table_name("Users").key("id", s("1")).update_expression(update);
            let mut request = request.expression_attribute_values(":one", n("1")).return_values(returns.into());
            if update.contains(":mail") {
                request = request.expression_attribute_values(":mail", s("new@example.com"));
            }
            let outcome = request.send().await;
            let after = settled(&store, &db).await;
            let place = format!("{round}: {fates:?}, {update}, {returns}: {outcome:?}");
            assert!(outcome.is_ok(), "{place}");
            assert_eq!(after.0, before.0 + 1, "{place}");
            assert_eq!(after.1, before.1 + u32::from(update.contains("hits")), "{place}");
            let shown = outcome.unwrap().attributes.map(|item| item["age"].as_n().unwrap().parse::<u32>().unwrap());
            let expected = [None, Some(after.0), Some(before.0)];
            assert_eq!(shown, expected[["NONE", "ALL_NEW", "UPDATED_OLD"].iter().position(|r| *r == returns).unwrap()]);
        }
    }
}

/// A new item has no footer to be guarded by; and where only unsigned attributes are updated, DynamoDB is asked first to do it
/// to an item that is there.
#[tokio::test(start_paused = true)]
async fn an_item_is_made_once_and_counts_once() {
    for fates in FATES {
        for (update, first, expected) in [("ADD age :one, hits :one", 0, (1, 1)), ("ADD hits :one", 1, (0, 1))] {
            let store = Store::start().await;
            let db = sealed(&store);
            let first = vec![("UpdateItem", AT_ONCE); first];
            store.order([first, fate(fates, "UpdateItem")].concat());
            let request = db.update_item().table_name("Users").key("id", s("1")).update_expression(update);
            let outcome = request.expression_attribute_values(":one", n("1")).send().await;
            assert_eq!(settled(&store, &db).await, expected, "{update}, {fates:?}: {outcome:?}");
            outcome.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_statement_counts_once() {
    for fates in FATES {
        let store = Store::start().await;
        let db = sealed(&store);
        db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
        store.order(fate(fates, "UpdateItem"));
        let outcome = db.execute_statement().statement("UPDATE Users SET age = age + 1 WHERE id = '1'").send().await;
        assert_eq!(settled(&store, &db).await.0, 37, "{fates:?}: {outcome:?}");
        outcome.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_transaction_counts_once() {
    for fates in FATES {
        let store = Store::start().await;
        let db = sealed(&store);
        db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
        store.order(fate(fates, "TransactWriteItems"));
        let update = Update::builder().table_name("Users").key("id", s("1"));
        let update = update.update_expression("SET age = age + :one").expression_attribute_values(":one", n("1"));
        let action = TransactWriteItem::builder().update(update.build().unwrap()).build();
        let outcome = db.transact_write_items().transact_items(action).send().await;
        assert_eq!(settled(&store, &db).await.0, 37, "{fates:?}: {outcome:?}");
        // Three things that go wrong take all three attempts, since each of a transaction begins with a read.
        assert!(outcome.is_ok() || fates.len() > 2, "{fates:?}: {outcome:?}");
    }
}

/// A put and a delete leave the same behind twice, but their conditions do not hold twice. They are told as carried out, or
/// as nobody's to tell; never as a condition that failed.
#[tokio::test(start_paused = true)]
async fn a_condition_on_plaintext_is_not_told_to_have_failed_of_a_write_that_was_made() {
    for fates in FATES {
        let store = Store::start().await;
        let db = sealed(&store);
        db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
        store.order(fate(fates, "PutItem"));
        let put = db.put_item().table_name("Users").item("id", s("1")).item("email", s("x")).item("age", n("37"));
        let put = put.condition_expression("age = :age").expression_attribute_values(":age", n("36"));
        put.send().await.unwrap_or_else(|error| panic!("{fates:?}: {error:?}"));
        assert_eq!(settled(&store, &db).await.0, 37);

        store.order(fate(fates, "DeleteItem"));
        let delete = db.delete_item().table_name("Users").key("id", s("1"));
        let delete = delete.condition_expression("age = :age").expression_attribute_values(":age", n("37"));
        let outcome = delete.send().await;
        store.arrive().await;
        let left = db.get_item().table_name("Users").key("id", s("1")).send().await.unwrap().item;
        match outcome {
            Ok(_) => assert_eq!(left, None, "{fates:?}"),
            Err(error) => {
                assert_eq!(dynaseal::code(&error), Some("DSL-6006"), "{fates:?}: {}", DisplayErrorContext(&error));
            }
        }
    }
}

/// Another writer takes the place of a write whose answer was lost, so nobody can tell, and nothing is sent again.
#[tokio::test(start_paused = true)]
async fn what_nobody_can_tell_is_an_error_that_is_not_retried() {
    let store = Store::start().await;
    let db = sealed(&store);
    db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    store.order(vec![("UpdateItem", Fate::Answered { after: LATE })]);
    let update = db.update_item().table_name("Users").key("id", s("1")).update_expression("SET age = age + :one");
    let update = update.expression_attribute_values(":one", n("1")).send();
    let other = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    };
    let (outcome, ()) = tokio::join!(update, other);
    let error = outcome.unwrap_err();
    assert!(matches!(error, SdkError::ServiceError(_)), "{error:?}");
    assert_eq!((dynaseal::code(&error), error.code()), (Some("DSL-6006"), Some("OutcomeUnknownException")));
    assert_eq!(settled(&store, &db).await.0, 36);
}

/// The store loses and delays at random; what was told as carried out is what is counted.
#[tokio::test(start_paused = true)]
async fn the_counter_is_exact() {
    let store = Store::start().await;
    let db = sealed(&store);
    db.put_item().table_name("Users").set_item(Some(user("1"))).send().await.unwrap();
    let (mut told, mut unknown, mut seed) = (36, 0, 7_u64);
    for _ in 0..300 {
        let mut fates = Vec::new();
        for operation in ["UpdateItem", "GetItem", "UpdateItem", "GetItem", "GetItem"] {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let fate = match (seed >> 33) % 28 {
                0 => Fate::Lost,
                1 => Fate::Failed,
                2 => Fate::Garbled,
                3 => Fate::NeverSent,
                4 => Fate::Answered { after: LATE },
                5 => Fate::CarriedOut { after: SOON },
                6 => Fate::CarriedOut { after: LATE },
                _ => continue,
            };
            fates.push((operation, fate));
        }
        let before = numbers(&db).await.0;
        store.order(fates);
        let update = db.update_item().table_name("Users").key("id", s("1")).update_expression("SET age = age + :one");
        let outcome = update.expression_attribute_values(":one", n("1")).send().await;
        let after = settled(&store, &db).await.0;
        match outcome {
            Ok(_) => told += 1,
            Err(_) if after > before => unknown += 1,
            Err(_) => {}
        }
        assert!(after <= before + 1, "once at most");
        assert_eq!(after, told + unknown);
    }
    assert!(told - 36 > 250, "{told}");
}

fn n(number: &str) -> AttributeValue {
    AttributeValue::N(number.to_owned())
}

/// The encrypted number and the plain one, once everything has arrived that is still under way.
async fn settled(store: &Store, db: &dynaseal::Client) -> (u32, u32) {
    store.arrive().await;
    numbers(db).await
}

async fn numbers(db: &dynaseal::Client) -> (u32, u32) {
    let item = db.get_item().table_name("Users").key("id", s("1")).send().await.unwrap().item.unwrap();
    let number = |name: &str| item.get(name).map_or(0, |value| value.as_n().unwrap().parse().unwrap());
    (number("age"), number("hits"))
}
