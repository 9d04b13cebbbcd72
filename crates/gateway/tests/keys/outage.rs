//! KMS is down for half a minute, which the clock of the caches passes in steps.

use std::sync::Arc;
use std::time::Duration;

use dynaseal_engine::WireError;
use dynaseal_item::Kind;
use dynaseal_keys::testing::{FixedClock, Trouble};

use crate::world::*;

const TTL: u32 = 10;
const STEP: Duration = Duration::from_millis(100);
/// Half a minute.
const STEPS: u32 = 300;

#[tokio::test]
async fn half_a_minute_without_kms_is_outlived_or_told_as_the_policy_says() {
    let world = World::new(["a".to_owned()]).await;
    let clock = Arc::new(FixedClock::new(Duration::from_secs(1_704_067_200)));
    let fail = world.engine(&format!("cache_ttl = {TTL}\nwhen_unavailable = \"fail\""), clock.clone());
    let keep = world.engine(&format!("cache_ttl = {TTL}\nwhen_unavailable = \"keep\"\nkeep_for = 60"), clock.clone());
    for engine in [&fail, &keep] {
        put(engine, &world, "a", "first").await.unwrap();
    }

    let calls = || world.aws.kms.count("Decrypt");
    let before = calls();
    world.aws.kms.trouble(Trouble::Down(WireError::Unreachable), None, usize::MAX);
    for step in 1..=STEPS {
        clock.advance(STEP);
        put(&keep, &world, "a", &format!("keep-{step}")).await.unwrap();
        get(&keep, &world, "a", "first").await.unwrap();
        let failing = [put(&fail, &world, "a", &format!("fail-{step}")).await, get(&fail, &world, "a", "first").await];
        for outcome in failing {
            let outcome = outcome.map_err(|failed| (failed.code, failed.kind));
            let wanted =
                if STEP * step <= Duration::from_secs(TTL.into()) { Ok(()) } else { Err(("DSL-4112", Kind::Outage)) };
            assert_eq!(outcome, wanted, "{:?} after it was fetched", STEP * step);
        }
    }
    // Two engines, each with an active key and a version: each asks at most twice a second.
    let asked = calls() - before;
    assert!((30..=4 * 60).contains(&asked), "KMS was asked {asked} times while it was down");
    let within = 1000 * usize::try_from(TTL).unwrap() / 100;
    assert_eq!(world.stored().len(), 1 + 300 + within, "what failed was not written");

    world.aws.kms.calm();
    clock.advance(Duration::from_secs(1));
    let before = calls();
    for engine in [&fail, &keep] {
        put(engine, &world, "a", "last").await.unwrap();
        get(engine, &world, "a", "first").await.unwrap();
    }
    assert_eq!(calls() - before, 2, "one fetch for each engine, and no more");
    let fresh = world.engine("", clock);
    assert_eq!(scan(&fresh, &world).await.unwrap(), world.stored().len());
}
