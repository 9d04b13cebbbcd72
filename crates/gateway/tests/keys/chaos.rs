//! One trouble after another: the exact error, nothing written, other tenants untouched, cached keys as the policy says,
//! and all well again once it ends, without a restart.

use std::sync::Arc;
use std::time::Duration;

use dynaseal_engine::{Engine, WireError};
use dynaseal_item::Kind;
use dynaseal_keys::testing::{FixedClock, KeyState, TableTrouble, Trouble};
use serde_json::{Value, json};

use crate::world::*;

/// What goes wrong, and what a put and a get by who has no key cached then come to: a code and kind, or success.
pub struct Case {
    name: &'static str,
    begin: fn(&World),
    put: Outcome,
    get: Outcome,
    /// Whether it is only about the records of tenant `a`.
    of_one: bool,
}

pub type Outcome = Result<(), (&'static str, Kind)>;

/// Trouble with KMS or the table meets whoever asks.
pub fn of_all(name: &'static str, code: &'static str, kind: Kind, begin: fn(&World)) -> Case {
    Case { name, begin, put: Err((code, kind)), get: Err((code, kind)), of_one: false }
}

/// Trouble with the active record of tenant `a`, which seals.
fn active(name: &'static str, code: &'static str, kind: Kind, begin: fn(&World)) -> Case {
    Case { name, begin, put: Err((code, kind)), get: Ok(()), of_one: true }
}

/// Trouble with a version record of tenant `a`, which opens.
fn version(name: &'static str, code: &'static str, kind: Kind, begin: fn(&World)) -> Case {
    Case { name, begin, put: Ok(()), get: Err((code, kind)), of_one: true }
}

fn cases() -> Vec<Case> {
    vec![
        of_all("KMS throttled", "DSL-4101", Kind::Outage, |world| kms(world, Trouble::Throttle)),
        of_all("KMS at fault", "DSL-4102", Kind::Outage, |world| kms(world, Trouble::Internal)),
        of_all("KMS too slow", "DSL-4112", Kind::Outage, |world| kms(world, Trouble::Slow(PATIENCE * 2))),
        of_all("KMS down", "DSL-4112", Kind::Outage, |world| kms(world, Trouble::Down(WireError::Unreachable))),
        of_all("KMS denies", "DSL-4103", Kind::Keys, |world| kms(world, Trouble::AccessDenied)),
        of_all("KMS answers garbage", "DSL-4113", Kind::Internal, |world| kms(world, Trouble::Garbage)),
        of_all("key disabled", "DSL-4106", Kind::Keys, |world| world.aws.kms.set_state(KEY, KeyState::Disabled)),
        of_all("key pending deletion", "DSL-4107", Kind::Keys, |world| {
            world.aws.kms.set_state(KEY, KeyState::PendingDeletion);
        }),
        of_all("table missing", "DSL-4121", Kind::Config, |world| table(world, "ResourceNotFoundException")),
        of_all("table denied", "DSL-4122", Kind::Keys, |world| table(world, "AccessDeniedException")),
        of_all("credentials expired", "DSL-4123", Kind::Keys, |world| table(world, "ExpiredTokenException")),
        of_all("table throttled", "DSL-4124", Kind::Outage, |world| {
            table(world, "ProvisionedThroughputExceededException");
        }),
        of_all("table at fault", "DSL-4125", Kind::Outage, |world| table(world, "InternalServerError")),
        of_all("table down", "DSL-4127", Kind::Outage, |world| {
            world.aws.table.trouble(TableTrouble::Down(WireError::Timeout), "GetItem", 0, usize::MAX);
        }),
        of_all("table answers garbage", "DSL-4128", Kind::Internal, |world| {
            world.aws.table.trouble(TableTrouble::Garbage, "GetItem", 0, usize::MAX);
        }),
        active("active record of another tenant", "DSL-4132", Kind::Data, |world| {
            replace(world, ("a", Which::Active), ("b", Which::Active), &["branch-key-id"]);
        }),
        active("active key of another tenant", "DSL-4132", Kind::Data, |world| {
            replace(
                world,
                ("a", Which::Active),
                ("b", Which::Active),
                &["branch-key-id", "version", "aws-crypto-ec:tenant"],
            );
        }),
        active("active record names another version", "DSL-4132", Kind::Data, |world| {
            let old = find(&world.records(), "a", Which::Old)["type"].clone();
            set(world, Which::Active, "version", Some(old));
        }),
        active("context changed", "DSL-4132", Kind::Data, |world| {
            set(world, Which::Active, "aws-crypto-ec:tenant", Some(json!({ "S": "b" })));
        }),
        active("context removed", "DSL-4132", Kind::Data, |world| {
            set(world, Which::Active, "aws-crypto-ec:tenant", None);
        }),
        active("enc truncated", "DSL-4132", Kind::Data, |world| truncate(world, Which::Active)),
        active("enc missing", "DSL-4130", Kind::Data, |world| set(world, Which::Active, "enc", None)),
        active("hierarchy-version 2", "DSL-4131", Kind::Config, |world| {
            set(world, Which::Active, "hierarchy-version", Some(json!({ "N": "2" })));
        }),
        active("active record gone", "DSL-4005", Kind::Keys, |world| {
            world.aws.table.edit(STORE, |items| items.retain(|item| !is(item, "a", "branch:ACTIVE")));
        }),
        // What KEYS.md says that writing the key store allows: nothing is wrong with the record but its age. It seals under
        // an older version of its own tenant.
        Case {
            name: "older active record put back",
            begin: |world| {
                let first = first_active(world);
                world.aws.table.edit(STORE, |items| {
                    *items.iter_mut().find(|item| is(item, "a", "branch:ACTIVE")).unwrap() = first;
                });
            },
            put: Ok(()),
            get: Ok(()),
            of_one: true,
        },
        version("version record of another tenant", "DSL-4132", Kind::Data, |world| {
            replace(world, ("a", Which::Old), ("b", Which::Old), &["branch-key-id", "type"]);
        }),
        version("version records swapped", "DSL-4132", Kind::Data, |world| {
            replace(world, ("a", Which::Old), ("a", Which::New), &["type"]);
        }),
        version("version record's context changed", "DSL-4132", Kind::Data, |world| {
            set(world, Which::Old, "aws-crypto-ec:tenant", Some(json!({ "S": "b" })));
        }),
        version("version record's enc truncated", "DSL-4132", Kind::Data, |world| truncate(world, Which::Old)),
        version("version record's hierarchy-version 2", "DSL-4131", Kind::Config, |world| {
            set(world, Which::Old, "hierarchy-version", Some(json!({ "N": "2" })));
        }),
    ]
}

#[tokio::test(start_paused = true)]
async fn every_trouble_is_exact_writes_nothing_and_passes_without_a_restart() {
    for case in cases() {
        run(&case, World::new(TENANTS.map(str::to_owned)).await).await;
    }
}

/// All time in it is moved, not waited for: the clock of the caches by hand, the patience of the wire by tokio.
pub async fn run(case: &Case, world: World) {
    let name = case.name;
    let clock = Arc::new(FixedClock::new(Duration::from_secs(1_704_067_200)));
    let fail = world.engine("cache_ttl = 60", clock.clone());
    let keep = world.engine("cache_ttl = 60\nwhen_unavailable = \"keep\"\nkeep_for = 300", clock.clone());
    let cold = || world.engine("cache_ttl = 60", clock.clone());

    // Every tenant has an item under a retired version, and the engines hold that version and the active one.
    for tenant in TENANTS {
        put(&cold(), &world, tenant, "old").await.unwrap();
        world.store().rotate(tenant, world.io(&*clock)).await.unwrap();
        for engine in [&fail, &keep] {
            put(engine, &world, tenant, "warm").await.unwrap();
            get(engine, &world, tenant, "old").await.unwrap();
        }
    }
    let good = world.records();
    let expect = |what: &str, found: Result<(), Failed>, wanted: Outcome| {
        if let Err(failed) = &found {
            assert!(failed.text.contains(USERS), "{name}, {what}: {}", failed.text);
            assert!(
                world.secrets().iter().all(|secret| !failed.text.contains(secret)),
                "{name}, {what}: a secret is told"
            );
        }
        let text = found.as_ref().err().map(|failed| failed.text.clone());
        assert_eq!(found.map_err(|failed| (failed.code, failed.kind)), wanted, "{name}, {what}: {text:?}");
    };
    (case.begin)(&world);
    assert!(case.of_one == (world.records() != good), "{name} changes the records if it is about them");

    // Who has nothing cached is told, and nothing is written.
    expect_unwritten(&world, &cold(), "a", case.put, &expect).await;
    expect("a cold get", get(&cold(), &world, "a", "old").await, case.get);
    if case.of_one {
        expect_unwritten(&world, &cold(), "c", Ok(()), &expect).await;
        expect("another tenant's get", get(&cold(), &world, "c", "old").await, Ok(()));
        // In one batch with the tenant in trouble, nothing is written of the other either.
        let before = world.stored();
        expect("a batch", put_all(&cold(), &world, &[("c", "batch"), ("a", "batch")]).await, case.put);
        assert_eq!(world.stored().len(), before.len() + if case.put.is_ok() { 2 } else { 0 }, "{name}, a batch");
    }

    // Who has the keys goes on until their time is over.
    for engine in [&fail, &keep] {
        expect("a warm put", put(engine, &world, "a", "within").await, Ok(()));
        expect("a warm get", get(engine, &world, "a", "old").await, Ok(()));
    }

    // After that an outage is outlived where the policy says so, and a refusal is not.
    clock.advance(Duration::from_secs(61));
    let kept = |outcome: Outcome| {
        outcome.or_else(|(code, kind)| if kind == Kind::Outage { Ok(()) } else { Err((code, kind)) })
    };
    for (engine, put, read) in [(&fail, case.put, case.get), (&keep, kept(case.put), kept(case.get))] {
        expect_unwritten(&world, engine, "a", put, &expect).await;
        expect("a late get", get(engine, &world, "a", "old").await, read);
    }

    // And what is kept is not kept for ever.
    clock.advance(Duration::from_secs(301));
    expect_unwritten(&world, &keep, "a", case.put, &expect).await;
    expect("a very late get", get(&keep, &world, "a", "old").await, case.get);

    // It ends. An outage is remembered for up to a second.
    world.calm(good);
    clock.advance(Duration::from_secs(1));
    for engine in [&fail, &keep] {
        expect("a put afterwards", put(engine, &world, "a", "after").await, Ok(()));
        expect("a get afterwards", get(engine, &world, "a", "old").await, Ok(()));
    }

    // Whatever was sealed meanwhile was sealed under its own tenant's keys, by which it opens.
    let versions: Vec<_> =
        world.records().iter().map(|record| (record["branch-key-id"].clone(), record["type"].clone())).collect();
    for item in world.stored() {
        let (tenant, version) = sealed_under(&item);
        assert_eq!(item["tenant"]["S"], tenant, "{name}");
        let record = (json!({ "S": tenant }), json!({ "S": format!("branch:version:{version}") }));
        assert!(versions.contains(&record), "{name}: {version} is no version of {tenant}");
    }
    assert_eq!(scan(&cold(), &world).await.unwrap(), world.stored().len(), "{name}");
}

/// A put of an item that is not there; if it fails, the table is as it was.
async fn expect_unwritten(
    world: &World,
    engine: &Engine,
    tenant: &str,
    wanted: Outcome,
    expect: &impl Fn(&str, Result<(), Failed>, Outcome),
) {
    let before = world.stored();
    let id = before.len().to_string();
    expect("a put", put(engine, world, tenant, &id).await, wanted);
    let after = world.stored();
    assert_eq!(after.len(), before.len() + usize::from(wanted.is_ok()));
    assert!(wanted.is_ok() || after == before, "a put that failed changed the table");
}

fn kms(world: &World, trouble: Trouble) {
    world.aws.kms.trouble(trouble, Some("Decrypt"), usize::MAX);
}

fn table(world: &World, refusal: &'static str) {
    world.aws.table.trouble(TableTrouble::Refuse(refusal), "GetItem", 0, usize::MAX);
}

/// A record of a tenant: the active one, the version that was retired, or the one that is active.
#[derive(Clone, Copy, PartialEq)]
enum Which {
    Active,
    Old,
    New,
}

fn find(records: &[Value], tenant: &str, which: Which) -> Value {
    let active = records.iter().find(|record| is(record, tenant, "branch:ACTIVE")).unwrap();
    let own = |record: &&Value| match which {
        Which::Active => *record == active,
        Which::New => record["branch-key-id"]["S"] == tenant && record["type"] == active["version"],
        Which::Old => {
            let r#type = record["type"]["S"].as_str().unwrap();
            record["branch-key-id"]["S"] == tenant
                && r#type.starts_with("branch:version:")
                && record["type"] != active["version"]
        }
    };
    records.iter().find(own).unwrap().clone()
}

/// The active record of tenant `a` as it was created.
fn first_active(world: &World) -> Value {
    let calls = world.aws.table.calls();
    let written = calls.iter().filter_map(|(_, body)| body["TransactItems"].as_array()).flatten();
    let mut items = written.map(|action| &action["Put"]["Item"]);
    items.find(|item| is(item, "a", "branch:ACTIVE")).unwrap().clone()
}

fn is(record: &Value, tenant: &str, r#type: &str) -> bool {
    record["branch-key-id"]["S"] == tenant && record["type"]["S"] == r#type
}

/// Puts one record in the place of another, of which it keeps some attributes.
fn replace(world: &World, place: (&str, Which), by: (&str, Which), kept: &[&str]) {
    let records = world.records();
    let (old, mut new) = (find(&records, place.0, place.1), find(&records, by.0, by.1));
    for name in kept {
        new[*name] = old[*name].clone();
    }
    world.aws.table.edit(STORE, |items| *items.iter_mut().find(|item| **item == old).unwrap() = new);
}

/// Changes one attribute of a record of tenant `a`; `None` takes it away.
fn set(world: &World, which: Which, attribute: &str, value: Option<Value>) {
    let record = find(&world.records(), "a", which);
    world.aws.table.edit(STORE, |items| {
        let item = items.iter_mut().find(|item| **item == record).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => drop(item.insert(attribute.to_owned(), value)),
            None => assert!(item.remove(attribute).is_some()),
        }
    });
}

fn truncate(world: &World, which: Which) {
    let record = find(&world.records(), "a", which);
    let mut enc = base64_simd::STANDARD.decode_to_vec(record["enc"]["B"].as_str().unwrap()).unwrap();
    enc.pop();
    set(world, which, "enc", Some(json!({ "B": base64_simd::STANDARD.encode_to_string(enc) })));
}

pub const TENANTS: [&str; 3] = ["a", "b", "c"];
