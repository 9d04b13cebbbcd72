//! Parity through encryption: the same random requests against plain tables and against protected ones, in which every
//! attribute but keys, one that is signed only, a counter and a set is encrypted, must give the same answers and the same
//! streams. A failure prints its seed and the smallest sequence that shows it; `DYNASEAL_SEED` starts there,
//! `DYNASEAL_SEQUENCES` says how many to try. `exceptions.rs` and notes in the generators say what is left out.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "helpers of tests, not tests themselves"
)]

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "../random/mod.rs"]
mod random;

mod census;
mod exceptions;
mod expressions;
mod keys;
mod known;
mod legacy;
mod lies;
mod many;
mod places;
mod reads;
mod tables;
mod writes;

use dynaseal_engine::Engine;
use dynaseal_item::Suite;
use random::Random;
use random::compare::{Difference, Request, Sides, Tally};
use random::run::sequences;
use random::spoil::{pad, spoil};

/// Requests of one sequence.
const STEPS: usize = 12;

/// Sequences of a usual run.
const SEQUENCES: u64 = 2050;

/// Kinds of requests that a sequence can have.
const OPERATIONS: usize = 10;

fn sequence(random: &mut Random) -> Vec<Request> {
    let mut all: Vec<Request> = Vec::with_capacity(STEPS);
    while all.len() < STEPS {
        let mut request = match random.below(24) {
            0..=3 => writes::put(random),
            4..=8 => writes::change(random),
            9 => writes::delete(random),
            10 | 11 => reads::get(random),
            12..=14 => reads::query(random),
            15..=17 => reads::scan(random),
            18 => many::batch_write(random),
            19 => many::batch_get(random),
            20 | 21 => many::transact_write(random),
            22 => many::transact_get(random),
            // The same again: a retry, or a token that was used.
            _ => match all.last() {
                Some(last) => last.clone(),
                None => continue,
            },
        };
        match random.below(100) {
            0..=9 => spoil(random, &mut request),
            10..=14 => pad(random, &mut request),
            _ => {}
        }
        all.push(request);
    }
    all
}

async fn differs(engine: &Engine, requests: &[Request], tally: &mut Tally) -> Option<Difference> {
    let (plain, protected) = (tables::database(), tables::database());
    let (exception, streams) = (exceptions::of, &tables::ALL);
    let sides = Sides { plain: &plain, engine, protected: &protected, exception, streams };
    sides.compare(requests, tally).await
}

#[tokio::test]
async fn a_protected_table_answers_as_a_plain_one() {
    let (hmac, ecdsa) = (tables::named(Suite::Hmac), tables::named(Suite::EcdsaP384));
    let differs = async |seed: u64, requests: &[Request], tally: &mut Tally| match seed % 20 {
        // A new engine has to learn the keys of its tables.
        1..=4 => differs(&tables::patterned(), requests, tally).await,
        // Signatures are slow.
        0 => differs(&ecdsa, requests, tally).await,
        _ => differs(&hmac, requests, tally).await,
    };
    if let Some(tally) = sequences(SEQUENCES, sequence, differs).await {
        // Both outcomes of every call must have been compared often; GetItem has nothing to refuse here.
        assert_eq!(tally.0.keys().filter(|name| *name != "GetRecords").count(), OPERATIONS, "{tally:?}");
        for (operation, (answered, refused)) in &tally.0 {
            let may_refuse = !matches!(operation.as_str(), "GetItem" | "GetRecords");
            assert!(*answered >= 500 && (!may_refuse || *refused >= 10), "{operation}: {tally:?}");
        }
    }
}
