//! A table while it is being sealed: gateways that seal, gateways that still write unsealed items, and programs without
//! Dynaseal that put and delete whole items, all at once, and calls that end for ever in the middle.
//!
//! Each put makes a generation of an item, which the next whole put or delete ends and shows. So what a generation was in
//! the end is known exactly: it must hold every update that was acknowledged in it, and no other than those and the ones
//! that were killed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::protected::*;
use dynaseal_engine::{Answer, BoxFuture, Call, Engine, Error, Plaintext, Wire, WireError};
use dynaseal_gateway::Embedded;
use serde_json::{Value, json};
use tokio::sync::Notify;

const ITEMS: u64 = 6;
const WRITERS: u64 = 8;
/// One gateway's call in so many is killed.
const KILLED: u64 = 25;

/// How many writes there are: `DYNASEAL_MIXED`, or as many as CI makes.
fn writes() -> u64 {
    std::env::var("DYNASEAL_MIXED").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_or_unreadable_while_a_table_is_being_sealed() {
    let started = Instant::now();
    let race = Arc::new(Race::new());
    for item in 0..ITEMS {
        race.put_plain(item).await;
    }
    let writers: Vec<_> = (0..WRITERS).map(|number| tokio::spawn(Arc::clone(&race).write(number))).collect();
    let readers: Vec<_> = [0, 1].map(|mode| tokio::spawn(Arc::clone(&race).read(mode))).into_iter().collect();
    for writer in writers {
        writer.await.unwrap();
    }
    race.over.store(true, Ordering::SeqCst);
    let mut reads = 0;
    for reader in readers {
        reads += reader.await.unwrap();
    }
    for item in 0..ITEMS {
        race.delete_plain(item).await;
    }
    let told = race.told.lock().unwrap();
    println!("{} in {:?}; {reads} reads", told.check(), started.elapsed());
}

/// The writers' world.
struct Race {
    database: Embedded,
    /// Two gateways that seal and two that do not.
    engines: [Engine; 4],
    ids: AtomicUsize,
    told: Mutex<Told>,
    over: AtomicBool,
}

/// What writers were told.
#[derive(Default)]
struct Told {
    /// Updates by the generation in which they landed.
    updates: BTreeMap<String, BTreeSet<u64>>,
    /// Counts of DynamoDB's own, by generation.
    native: BTreeMap<String, u64>,
    /// Killed calls: nobody knows what became of them.
    unknown: BTreeSet<u64>,
    /// Generations that were put for sure.
    made: BTreeSet<String>,
    /// What each generation was in the end.
    ends: BTreeMap<String, Value>,
    sealed: usize,
    refused: u64,
    contended: u64,
    puts: u64,
}

impl Race {
    fn new() -> Self {
        let modes = [Plaintext::Read, Plaintext::Read, Plaintext::Write, Plaintext::Write];
        Self {
            database: database(),
            engines: modes.map(engine_of),
            ids: AtomicUsize::new(0),
            told: Mutex::default(),
            over: AtomicBool::new(false),
        }
    }

    fn id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::SeqCst) as u64
    }

    /// One writer, which takes its turn as each kind.
    async fn write(self: Arc<Self>, number: u64) {
        let mut chance = Chance(number * 7_919 + 1);
        for _ in 0..writes() / WRITERS {
            let (item, gateway) = (chance.below(ITEMS), &self.engines[chance.place()]);
            let kill = (chance.below(KILLED) == 0).then(|| (chance.place(), chance.below(2) == 0));
            match chance.below(40) {
                0..=2 => self.put_plain(item).await,
                3 => self.delete_plain(item).await,
                4..=5 => self.put_over(gateway, item, kill).await,
                6..=9 => self.count(gateway, item, kill).await,
                _ => self.update(gateway, item, kill).await,
            }
            tokio::task::yield_now().await;
        }
    }

    /// Reads through one kind of gateway until the end, one item and all of them. Each read must succeed.
    async fn read(self: Arc<Self>, mode: usize) -> u64 {
        let (mut reads, mut chance) = (0, Chance(99 + mode as u64));
        while !self.over.load(Ordering::SeqCst) {
            let key = json!({"id": {"S": chance.below(ITEMS).to_string()}});
            let engine = &self.engines[mode * 2];
            let one = call(engine, &self.database, "GetItem", json!({"TableName": "Users", "Key": key})).await;
            let all = call(engine, &self.database, "Scan", json!({"TableName": "Users"})).await;
            for (status, answer) in [one, all] {
                assert_eq!(status, 200, "{answer}");
                assert!(!answer.to_string().contains("aws_dbe_"), "{answer}");
            }
            reads += 2;
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        reads
    }

    fn fresh(&self, item: u64) -> Value {
        let generation = format!("g{}", self.id());
        json!({
            "id": {"S": item.to_string()}, "gen": {"S": generation}, "total": {"N": "0"}, "log": {"L": []},
            "tier": {"S": "free"}, "hits": {"N": "0"},
        })
    }

    async fn put_plain(&self, item: u64) {
        let item = self.fresh(item);
        let generation = text(&item["gen"]);
        // Told first: others may end the generation before this writer hears of it.
        self.told.lock().unwrap().made.insert(generation);
        let body = json!({"TableName": "Users", "Item": item, "ReturnValues": "ALL_OLD"});
        let old = self.raw("PutItem", &body);
        self.end(old).await;
    }

    async fn delete_plain(&self, item: u64) {
        let key = json!({"id": {"S": item.to_string()}});
        let old = self.raw("DeleteItem", &json!({"TableName": "Users", "Key": key, "ReturnValues": "ALL_OLD"}));
        self.end(old).await;
        tokio::task::yield_now().await;
        if !self.over.load(Ordering::SeqCst) {
            self.put_plain(item).await;
        }
    }

    fn raw(&self, operation: &str, body: &Value) -> Value {
        let answer = self.database.call(&request(operation, body));
        assert!(answer.ok(), "{}", String::from_utf8_lossy(&answer.body));
        serde_json::from_slice::<Value>(&answer.body).unwrap()["Attributes"].take()
    }

    /// A generation was replaced: this is what it was in the end, as it was stored.
    async fn end(&self, stored: Value) {
        if stored.is_null() {
            return;
        }
        let is_sealed = stored.get("aws_dbe_foot").is_some();
        let opened = self.engines[0].open_item(&self.database, "Users", &stored.to_string()).await;
        let opened: Value =
            serde_json::from_slice(&opened.unwrap_or_else(|error| panic!("{error}: {stored}"))).unwrap();
        let mut told = self.told.lock().unwrap();
        told.sealed += usize::from(is_sealed);
        told.ended(opened);
    }

    /// An update that reads what is encrypted, appends, counts, and every other time adds an attribute.
    async fn update(&self, gateway: &Engine, item: u64, kill: Option<(usize, bool)>) {
        let id = self.id();
        let mut body = json!({
            "TableName": "Users", "Key": {"id": {"S": item.to_string()}}, "ReturnValues": "ALL_NEW",
            "UpdateExpression": "SET #l = list_append(#l, :l), #t = #t + :one", "ConditionExpression": "attribute_exists(gen)",
            "ExpressionAttributeNames": {"#l": "log", "#t": "total"},
            "ExpressionAttributeValues": {":one": {"N": "1"}, ":l": {"L": [{"N": id.to_string()}]}},
        });
        if adds(id) {
            body["UpdateExpression"] = json!("SET #l = list_append(#l, :l), #t = #t + :one, #new = :one");
            body["ExpressionAttributeNames"]["#new"] = json!(format!("extra{id}"));
        }
        if let Some(answer) = self.call(gateway, "UpdateItem", body, (id, kill)).await {
            let landed = text(&answer["Attributes"]["gen"]);
            let log = answer["Attributes"]["log"]["L"].as_array().unwrap();
            assert_eq!(log.last().unwrap()["N"], id.to_string());
            self.told.lock().unwrap().updates.entry(landed).or_default().insert(id);
        }
    }

    /// A counter outside the signature, which DynamoDB keeps.
    async fn count(&self, gateway: &Engine, item: u64, kill: Option<(usize, bool)>) {
        let body = json!({
            "TableName": "Users", "Key": {"id": {"S": item.to_string()}}, "ReturnValues": "ALL_NEW",
            "UpdateExpression": "ADD hits :one", "ConditionExpression": "attribute_exists(gen)",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        });
        // One that is killed could not be told from one that is not there, as there is no list of them.
        if let Some(answer) = self.call(gateway, "UpdateItem", body, (self.id(), kill.filter(|_| false))).await {
            *self.told.lock().unwrap().native.entry(text(&answer["Attributes"]["gen"])).or_default() += 1;
        }
    }

    /// A put under a condition on what is encrypted, which ends a generation as a plain one does.
    async fn put_over(&self, gateway: &Engine, item: u64, kill: Option<(usize, bool)>) {
        let item = self.fresh(item);
        let generation = text(&item["gen"]);
        let body = json!({
            "TableName": "Users", "Item": item, "ReturnValues": "ALL_OLD",
            "ConditionExpression": "#t >= :few AND attribute_not_exists(lockedBy)",
            "ExpressionAttributeNames": {"#t": "total"}, "ExpressionAttributeValues": {":few": {"N": "3"}},
        });
        // What it overwrote would not be known if it were killed after it.
        let kill = kill.filter(|(_, after)| !after).map(|(at, _)| (at % 2, false));
        if let Some(answer) = self.call(gateway, "PutItem", body, (self.id(), kill)).await {
            let mut told = self.told.lock().unwrap();
            told.made.insert(generation);
            told.ended(answer["Attributes"].clone());
        }
    }

    /// The answer of a call that was carried out.
    async fn call(
        &self,
        gateway: &Engine,
        operation: &str,
        body: Value,
        (id, kill): (u64, Option<(usize, bool)>),
    ) -> Option<Value> {
        let wire = Killable { database: &self.database, kill, sent: AtomicUsize::new(0), killed: Notify::new() };
        let answer = tokio::select! {
            answer = gateway.call(&wire, request(operation, &body)) => answer,
            () = wire.killed.notified() => {
                self.told.lock().unwrap().unknown.insert(id);
                return None;
            }
        };
        let mut told = self.told.lock().unwrap();
        match answer {
            Ok(answer) if answer.ok() => {
                told.puts += 1;
                serde_json::from_slice(&answer.body).unwrap()
            }
            Ok(answer) => {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                assert!(text.contains("ConditionalCheckFailed"), "{text}");
                told.refused += 1;
                None
            }
            // Not carried out: others were faster each time.
            Err(Error::Contended { .. }) => {
                told.contended += 1;
                None
            }
            Err(error) => panic!("{operation}: {error}"),
        }
    }
}

impl Told {
    fn ended(&mut self, item: Value) {
        let generation = text(&item["gen"]);
        assert!(self.ends.insert(generation, item).is_none(), "a generation ended twice");
    }

    /// Each generation against what was told of it; a line about them all.
    fn check(&self) -> String {
        let (none, mut unsure) = (BTreeSet::new(), 0);
        for (generation, item) in &self.ends {
            let log: Vec<u64> = item["log"]["L"].as_array().unwrap().iter().map(number).collect();
            let logged: BTreeSet<u64> = log.iter().copied().collect();
            assert_eq!((logged.len(), number(&item["total"])), (log.len(), log.len() as u64), "{generation}: {item}");
            let told = self.updates.get(generation).unwrap_or(&none);
            assert!(told.is_subset(&logged), "{generation} lost {:?}", told - &logged);
            let untold = &logged - told;
            assert!(untold.is_subset(&self.unknown), "{generation} has {untold:?}, which were refused");
            unsure += untold.len();
            let added = item.as_object().unwrap().keys().filter_map(|name| name.strip_prefix("extra")?.parse().ok());
            let expected: BTreeSet<u64> = logged.iter().copied().filter(|id| adds(*id)).collect();
            assert_eq!(added.collect::<BTreeSet<u64>>(), expected, "{generation}");
            let native = self.native.get(generation).copied().unwrap_or_default();
            assert_eq!(number(&item["hits"]), native, "{generation}");
        }
        for generation in self.updates.keys().chain(self.native.keys()).chain(&self.made) {
            assert!(self.ends.contains_key(generation), "{generation} is gone");
        }
        assert!(self.sealed > 0 && self.sealed < self.ends.len(), "one kind of item only");
        format!(
            "{} calls of gateways, {} generations, of which plain writers ended {} sealed; {} killed, of which {unsure} \
             had updated; {} refused, {} gave up",
            self.puts,
            self.ends.len(),
            self.sealed,
            self.unknown.len(),
            self.refused,
            self.contended,
        )
    }
}

/// A wire on which a call ends for ever, before or after what it sends in the end.
struct Killable<'w> {
    database: &'w Embedded,
    kill: Option<(usize, bool)>,
    sent: AtomicUsize,
    killed: Notify,
}

impl Wire for Killable<'_> {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(async move {
            let now = self.kill.filter(|(at, _)| *at == self.sent.fetch_add(1, Ordering::SeqCst));
            if !matches!(now, Some((_, false))) {
                // Others go on between a call and its answer.
                let answer = self.database.call(&call);
                tokio::task::yield_now().await;
                if now.is_none() {
                    return Ok(answer);
                }
            }
            self.killed.notify_one();
            std::future::pending().await
        })
    }
}

fn adds(id: u64) -> bool {
    id.is_multiple_of(2)
}

fn text(value: &Value) -> String {
    value["S"].as_str().unwrap().to_owned()
}

fn number(value: &Value) -> u64 {
    value["N"].as_str().unwrap().parse().unwrap()
}

/// Numbers that are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    /// One of the first four places of a list.
    fn place(&mut self) -> usize {
        usize::try_from(self.below(4)).unwrap()
    }
}
