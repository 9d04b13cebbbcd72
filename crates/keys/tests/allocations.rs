//! The budget of STYLE 4: under 150 allocations to seal and to open a `user` item from JSON to JSON, and none more when
//! its values are ten times as long. A growth of a buffer counts as an allocation.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may stop it")]

mod support;
#[path = "support/user.rs"]
mod users;

use std::sync::Arc;

use allocation_counter::measure;
use dynaseal_item::Suite;
use dynaseal_keys::{Provider, RawAes};

use users::{open, schema, seal, user};

const BUDGET: u64 = 150;

#[test]
fn a_user_item_stays_in_the_budget_whatever_its_length() {
    let ring = RawAes::new("tests", "key", b"a test key of 32 bytes, not safe").unwrap();
    let provider = Provider::new(Arc::new(ring));
    for suite in [Suite::Hmac, Suite::EcdsaP384] {
        let schema = schema(suite);
        let [short, long] = [user(1, 1), user(1, 10)];
        assert!(long.len() > 5 * short.len() && (400..700).contains(&short.len()));
        let [sealed_short, sealed_long] = [&short, &long].map(|item| seal(&schema, &provider, item));
        assert!(open(&schema, &provider, &sealed_long).len() > 5 * short.len());

        let [seals, long_seals] = [&short, &long].map(|item| count(|| drop(seal(&schema, &provider, item))));
        let [opens, long_opens] =
            [&sealed_short, &sealed_long].map(|item| count(|| drop(open(&schema, &provider, item))));
        println!("{suite:?}: {seals} allocations to seal, {opens} to open");
        assert!((1..BUDGET).contains(&seals), "{suite:?}: {seals} allocations to seal");
        assert!((1..BUDGET).contains(&opens), "{suite:?}: {opens} allocations to open");
        assert_eq!((seals, opens), (long_seals, long_opens), "{suite:?}: longer values must cost no allocation");
    }
}

/// The least of many runs: the first also fills what the libraries keep for themselves, and the library that signs needs
/// one allocation more for three signatures in four.
fn count(run: impl Fn()) -> u64 {
    (0..64).map(|_| measure(&run).count_total).min().unwrap_or_default()
}
