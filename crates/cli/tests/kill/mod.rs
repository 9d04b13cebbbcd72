//! Sixteen clients of two gateways count together, and again and again one of the gateways is killed while they do. What
//! each call meant to do is then done once, or its client was told that it failed or that nobody knows.
//!
//! ```text
//!  8 clients ──> gateway 0 ──┐
//!                            ├──> store: one database
//!  8 clients ──> gateway 1 ──┘
//!       a client whose gateway is gone goes on at the other one; a new gateway takes the place of the killed
//! ```

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use tokio::time::{sleep, timeout};

use crate::orders::{Item, before_in, client, create, key, n, pair, shown, store};
use crate::support::Gateway;

const CLIENTS: usize = 16;
/// Calls from one kill to the next.
const BETWEEN_KILLS: usize = 120;
const IN_CI: usize = 480;

/// How many calls are made: `DYNASEAL_INCREMENTS`, or few enough for every run of the tests.
fn increments() -> usize {
    std::env::var("DYNASEAL_INCREMENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(IN_CI)
}

/// No call is sent twice, so a call without an answer stays unknown.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_update_is_applied_once_or_reported() {
    println!("{}", counts_once(Pair::start(["forbid"; 2]).await).await);
}

/// One of the gateways seals what it updates and the other unseals it, so that most updates are the first sealing of an
/// unsealed item, and some of them are killed between their two writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_update_is_applied_once_or_reported_while_a_table_is_being_sealed() {
    println!("{}", counts_once(Pair::start(["read", "write"]).await).await);
}

async fn counts_once(mut pair: Pair) -> String {
    pair.put(0).await;
    let told = pair.storms(false, update).await;

    let Counted { encrypted, plain, log } = pair.count(0).await;
    let listed: BTreeSet<_> = log.iter().copied().collect();
    let carried_out: BTreeSet<_> = told.unknown.intersection(&listed).copied().collect();
    assert_eq!((encrypted, plain), (log.len(), log.len()), "encrypted counter and plain counter, against the list");
    assert_eq!(listed.len(), log.len(), "an id stands twice");
    // Every acknowledged id is there, no failed one, and of those without an answer each may or may not be.
    assert_eq!(listed, &told.applied | &carried_out);
    assert_eq!(told.applied.len() + told.unknown.len() + told.failed.len(), increments());
    pair.end();
    format!(
        "{} updates and {} kills: {} acknowledged; {} without an answer, of which {} were applied; {} gave up",
        increments(),
        told.kills,
        told.applied.len(),
        told.unknown.len(),
        carried_out.len(),
        told.failed.len(),
    )
}

/// A transaction with a token is sent again until its answer comes, most often by the other gateway.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transaction_that_is_sent_again_is_applied_once() {
    println!("{}", transactions_count_once(Pair::start(["forbid"; 2]).await).await);
}

/// The same with gateways of both kinds: what one began, the other one meets by its token.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transaction_that_is_sent_again_is_applied_once_while_a_table_is_being_sealed() {
    println!("{}", transactions_count_once(Pair::start(["read", "write"]).await).await);
}

async fn transactions_count_once(mut pair: Pair) -> String {
    for number in 0..ORDERS {
        pair.put(number).await;
    }
    let told = pair.storms(true, transact).await;

    let mut all = BTreeSet::new();
    for number in 0..ORDERS {
        let Counted { encrypted, plain, log } = pair.count(number).await;
        assert_eq!((encrypted, plain), (log.len(), log.len()), "encrypted counter and plain counter, against the list");
        assert!(log.iter().all(|id| id % ORDERS == number && all.insert(*id)), "an id stands twice");
        assert_eq!(pair.plain(number).await, log.len(), "the other table of the transaction");
    }
    assert_eq!(told.applied.len(), increments());
    assert_eq!(all, told.applied);
    pair.end();
    format!(
        "{} transactions and {} kills: {} sent again without an answer, {} after giving up",
        increments(),
        told.kills,
        told.unknown.len(),
        told.failed.len(),
    )
}

/// Two gateways before one store.
struct Pair {
    gateways: [Gateway; 2],
    store: Gateway,
    raw: Client,
    folder: tempfile::TempDir,
    /// What each gateway does with what is unsealed.
    plaintext: [&'static str; 2],
}

/// What an order says of how often it was counted up.
struct Counted {
    encrypted: usize,
    plain: usize,
    log: Vec<usize>,
}

/// What the clients were told of their calls, by the number of each.
#[derive(Default)]
struct Told {
    applied: BTreeSet<usize>,
    failed: BTreeSet<usize>,
    unknown: BTreeSet<usize>,
    kills: usize,
}

/// What a client is told of one call.
enum Answer {
    Applied,
    /// Not carried out: others were faster each time.
    Failed,
    /// There was no answer.
    Unknown,
}

impl Pair {
    async fn start(plaintext: [&'static str; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let gateway = |at: usize| before_in(&store, folder.path(), &format!("gateway-{at}"), plaintext[at]);
        let gateways = [gateway(0), gateway(1)];
        let raw = client(&store);
        for table in ["Orders", "Plain"] {
            create(&raw, table).await;
        }
        Self { gateways, store, raw, folder, plaintext }
    }

    async fn put(&self, number: usize) {
        let mut item = order(number);
        item.extend([pair("total", n("0")), pair("log", AttributeValue::L(Vec::new())), pair("views", n("0"))]);
        client(&self.gateways[0]).put_item().table_name("Orders").set_item(Some(item)).send().await.unwrap();
    }

    /// Reads through one gateway what both wrote.
    async fn count(&self, number: usize) -> Counted {
        let get = client(&self.gateways[0]).get_item().table_name("Orders").set_key(Some(order(number)));
        let item = get.send().await.unwrap().item.unwrap();
        Counted {
            encrypted: parsed(&item["total"]),
            plain: parsed(&item["views"]),
            log: item["log"].as_l().unwrap().iter().map(parsed).collect(),
        }
    }

    /// The counter in the table without a configuration.
    async fn plain(&self, number: usize) -> usize {
        let get = self.raw.get_item().table_name("Plain").set_key(Some(order(number)));
        parsed(&get.send().await.unwrap().item.unwrap()["total"])
    }

    fn end(self) {
        for gateway in self.gateways.into_iter().chain([self.store]) {
            gateway.stop();
        }
    }

    /// Makes all calls and kills one gateway in the middle of each storm of them. `again` sends a call that was not applied
    /// again until it is.
    async fn storms<F>(&mut self, again: bool, call: fn(Client, usize) -> F) -> Told
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let mut told = Told::default();
        for first in (0..increments()).step_by(BETWEEN_KILLS) {
            let storm = Storm {
                ids: first.into(),
                end: increments().min(first + BETWEEN_KILLS),
                victim: told.kills % 2,
                killed: false.into(),
                applied: 0.into(),
                clients: [0, 1].map(|at| client(&self.gateways[at])),
            };
            let one = timeout(Duration::from_secs(120), self.storm(storm, again, call)).await.expect("a storm ends");
            // Each client of the killed gateway had at most one call there.
            assert!((1..=CLIENTS / 2).contains(&one.unknown.len()), "{} calls without an answer", one.unknown.len());
            told.kills += 1;
            told.add(one);
        }
        told
    }

    async fn storm<F>(&mut self, storm: Storm, again: bool, call: fn(Client, usize) -> F) -> Told
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let half = (storm.end - storm.ids.load(Ordering::SeqCst)) / 2;
        let storm = Arc::new(storm);
        let tasks: Vec<_> =
            (0..CLIENTS).map(|at| tokio::spawn(Arc::clone(&storm).count(at % 2, again, call))).collect();
        while storm.applied.load(Ordering::SeqCst) < half {
            sleep(Duration::from_millis(1)).await;
        }
        storm.killed.store(true, Ordering::SeqCst);
        let name = format!("gateway-{}", storm.victim);
        self.gateways[storm.victim].kill();
        let mut told = Told::default();
        for task in tasks {
            told.add(task.await.unwrap());
        }
        let plaintext = self.plaintext[storm.victim];
        self.gateways[storm.victim] = before_in(&self.store, self.folder.path(), &name, plaintext);
        told
    }
}

/// Calls that are made together.
struct Storm {
    /// The number of the next call.
    ids: AtomicUsize,
    end: usize,
    /// The gateway that will be killed.
    victim: usize,
    killed: AtomicBool,
    applied: AtomicUsize,
    clients: [Client; 2],
}

impl Storm {
    /// One client, which makes one call after the other.
    async fn count<F>(self: Arc<Self>, mut gateway: usize, again: bool, call: fn(Client, usize) -> F) -> Told
    where
        F: Future<Output = Answer> + Send,
    {
        let mut told = Told::default();
        loop {
            let id = self.ids.fetch_add(1, Ordering::SeqCst);
            if id >= self.end {
                return told;
            }
            loop {
                match call(self.clients[gateway].clone(), id).await {
                    Answer::Applied => {
                        told.applied.insert(id);
                        self.applied.fetch_add(1, Ordering::SeqCst);
                        break;
                    }
                    Answer::Failed => told.failed.insert(id),
                    Answer::Unknown => {
                        let victim = gateway == self.victim && self.killed.load(Ordering::SeqCst);
                        assert!(victim, "gateway {gateway} did not answer, and nobody killed it");
                        gateway = 1 - gateway;
                        told.unknown.insert(id)
                    }
                };
                if !again {
                    break;
                }
            }
        }
    }
}

impl Told {
    fn add(&mut self, other: Self) {
        self.applied.extend(other.applied);
        self.failed.extend(other.failed);
        self.unknown.extend(other.unknown);
    }
}

const COUNT_UP: &str = "SET #t = #t + :one, #l = list_append(#l, :id) ADD #v :one";

/// Counts the first order up: an encrypted number, an encrypted list, and a counter that DynamoDB keeps.
async fn update(client: Client, id: usize) -> Answer {
    let mut update = client.update_item().table_name("Orders").set_key(Some(order(0))).update_expression(COUNT_UP);
    for (placeholder, name) in NAMES {
        update = update.expression_attribute_names(placeholder, name);
    }
    let update = update.expression_attribute_values(":one", n("1")).expression_attribute_values(":id", list(id));
    told(update.send().await)
}

/// The same for one of several orders, with a counter in a table without a configuration.
async fn transact(client: Client, id: usize) -> Answer {
    let key = order(id % ORDERS);
    let mut sealed = Update::builder().table_name("Orders").set_key(Some(key.clone())).update_expression(COUNT_UP);
    for (placeholder, name) in NAMES {
        sealed = sealed.expression_attribute_names(placeholder, name);
    }
    let sealed = sealed.expression_attribute_values(":one", n("1")).expression_attribute_values(":id", list(id));
    let plain = Update::builder().table_name("Plain").set_key(Some(key)).update_expression("ADD #t :one");
    let plain = plain.expression_attribute_names("#t", "total").expression_attribute_values(":one", n("1"));
    let actions = [sealed, plain].map(|update| TransactWriteItem::builder().update(update.build().unwrap()).build());
    let transact = client.transact_write_items().set_transact_items(Some(actions.into()));
    told(transact.client_request_token(format!("token-{id}")).send().await)
}

fn told<T, E: ProvideErrorMetadata + std::error::Error + 'static>(result: Result<T, SdkError<E>>) -> Answer {
    match result {
        Ok(_) => Answer::Applied,
        Err(SdkError::DispatchFailure(_) | SdkError::ResponseError(_)) => Answer::Unknown,
        Err(error) if error.message().is_some_and(|message| message.starts_with("DSL-2005")) => Answer::Failed,
        Err(error) => panic!("{}", shown(&error)),
    }
}

fn order(number: usize) -> Item {
    key(u32::try_from(number).unwrap())
}

fn list(id: usize) -> AttributeValue {
    AttributeValue::L(vec![n(&id.to_string())])
}

fn parsed(number: &AttributeValue) -> usize {
    number.as_n().unwrap().parse().unwrap()
}

const NAMES: [(&str, &str); 3] = [("#t", "total"), ("#l", "log"), ("#v", "views")];
/// The orders that transactions count up.
const ORDERS: usize = 4;
