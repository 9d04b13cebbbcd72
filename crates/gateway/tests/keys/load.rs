//! What KMS is asked under load, counted where it is asked.

use std::sync::Arc;
use std::time::Duration;

use dynaseal_engine::Clock;
use dynaseal_gateway::RuntimeClock;
use dynaseal_keys::testing::{FixedClock, Trouble};
use serde_json::{Value, json};

use crate::world::*;

const TENANTS: usize = 500;
const ITEMS: usize = 20_000;
const BATCH: usize = 25;
const CACHE: &str = "cache_ttl = 600\ncache_refresh_early = 0";

/// Each item of a batch is of another tenant. The clock moves so that each pass lasts a little less than a time to live.
#[tokio::test]
async fn kms_is_asked_once_for_each_branch_key_and_time_to_live() {
    let tenants = || (0..TENANTS).map(|tenant| format!("tenant-{tenant}"));
    let world = World::new(tenants()).await;
    let clock = Arc::new(FixedClock::new(Duration::from_secs(1_704_067_200)));
    let engine = world.engine(CACHE, clock.clone());
    let once = |times: usize| tenants().map(|tenant| (tenant, times)).collect();
    let before = world.aws.kms.count("Decrypt");

    let names: Vec<_> = (0..ITEMS).map(|item| (format!("tenant-{}", item % TENANTS), format!("{item}"))).collect();
    for batch in names.chunks(BATCH) {
        clock.advance(Duration::from_millis(700));
        put_all(&engine, &world, batch).await.unwrap();
    }
    assert_eq!(world.decrypts(), once(1), "all are sealed within one time to live");
    let stored = world.stored();
    assert_eq!(stored.len(), ITEMS);
    for item in stored {
        assert_eq!(sealed_under(&item).0, item["tenant"]["S"].as_str().unwrap());
    }

    // In the next time to live all are read.
    clock.advance(Duration::from_secs(600));
    for batch in names.chunks(100) {
        clock.advance(Duration::from_millis(2800));
        let keys: Vec<_> =
            batch.iter().map(|(tenant, id)| json!({ "tenant": { "S": tenant }, "id": { "S": id } })).collect();
        let body = json!({ "RequestItems": { USERS: { "Keys": keys } } });
        let answer = read(&engine.call(&world, call("BatchGetItem", &body)).await.unwrap());
        let mut found = answer["Responses"][USERS].as_array().unwrap().clone();
        let mut wanted: Vec<Value> = batch.iter().map(|(tenant, id)| user(tenant, id)).collect();
        for items in [&mut found, &mut wanted] {
            items.sort_by_cached_key(ToString::to_string);
        }
        assert_eq!(found, wanted);
    }
    assert_eq!(world.decrypts(), once(2));
    assert_eq!(world.aws.kms.count("Decrypt") - before, 2 * TENANTS, "KMS itself has counted no more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cold_start_of_64_requests_makes_one_call_of_kms() {
    let world = Arc::new(World::new(["a".to_owned()]).await);
    let clock: Arc<dyn Clock> = Arc::new(RuntimeClock);
    let engine = Arc::new(world.engine(CACHE, clock.clone()));
    let before = world.aws.kms.count("Decrypt");
    // All come while KMS thinks.
    world.aws.kms.trouble(Trouble::Slow(PATIENCE / 4), Some("Decrypt"), usize::MAX);
    let gate = Arc::new(tokio::sync::Barrier::new(64));
    let request = |id: usize| {
        let (world, engine, gate) = (world.clone(), engine.clone(), gate.clone());
        tokio::spawn(async move {
            gate.wait().await;
            put(&engine, &world, "a", &id.to_string()).await
        })
    };
    let requests: Vec<_> = (0..64).map(request).collect();
    for request in requests {
        request.await.unwrap().unwrap();
    }
    assert_eq!(world.stored().len(), 64);
    assert_eq!(world.aws.kms.count("Decrypt") - before, 1);

    // And so do 64 that read, with another engine.
    let reader = Arc::new(world.engine(CACHE, clock));
    let requests: Vec<_> = (0..64)
        .map(|id| {
            let (world, reader, gate) = (world.clone(), reader.clone(), gate.clone());
            tokio::spawn(async move {
                gate.wait().await;
                get(&reader, &world, "a", &id.to_string()).await
            })
        })
        .collect();
    for request in requests {
        request.await.unwrap().unwrap();
    }
    assert_eq!(world.aws.kms.count("Decrypt") - before, 2);
}
