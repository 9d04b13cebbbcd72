//! The loop of each comparison: random items, and for each of them many random requests.

use dynaseal_item::{Item, json as item_json};
use serde_json::{Map, Value};

use crate::exceptions::Outcome;
use crate::generate::item;
use crate::oracle::Oracle;
use crate::random::Random;
use crate::report::{Report, plan};

/// Requests for each item.
const BATCH: u64 = 50;

/// One item, as it is stored and as the engine reads it.
pub struct Given<'a> {
    pub oracle: &'a Oracle,
    pub stored: &'a Map<String, Value>,
    pub opened: &'a Item<'a>,
}

/// What was asked, and what each engine made of it.
pub struct Pair {
    pub asked: String,
    pub ours: Outcome,
    pub theirs: Outcome,
}

/// Asks about `count` pairs; `salt` sets the random numbers apart from those of other comparisons. What is stored must be
/// as before after each request.
pub fn compare(what: &str, count: u64, salt: u64, ask: impl Fn(&mut Random, &Given<'_>) -> Pair) {
    let (pairs, first) = plan(count);
    let oracle = Oracle::new(false);
    let mut report = Report::default();
    for batch in 0..pairs.div_ceil(BATCH) {
        let stored = oracle.store(&item(&mut Random::new(first + batch), "key"));
        let text = Value::Object(stored.clone()).to_string();
        let opened = item_json::read_item(&text).unwrap();
        let given = Given { oracle: &oracle, stored: &stored, opened: &opened };
        for number in 0..BATCH {
            let mut random = Random::new(((first + batch) * BATCH + number) ^ salt);
            let Pair { asked, ours, theirs } = ask(&mut random, &given);
            report.pair(first + batch, &format!("{asked} over {text}"), &ours, &theirs);
        }
    }
    report.finish(what);
}
