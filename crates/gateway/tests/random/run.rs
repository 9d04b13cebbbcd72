//! Runs many random sequences, and reports the first that tells two tables apart as small as it gets.

use std::time::Duration;

use super::Random;
use super::compare::{Difference, Request, Tally, printed};
use super::shrink::shrink;

/// However large a sequence is, it is reported after this time.
const LONGEST: Duration = Duration::from_secs(20);

/// The generator of a sequence.
pub fn seeded(seed: u64) -> Random {
    Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
}

/// Compares sequences from `DYNASEAL_SEED` (1) on, `DYNASEAL_SEQUENCES` of them or `usual`. Gives what was alike, if it was
/// the usual run, which must be wide enough.
///
/// # Panics
/// The tables differ: with the smallest sequence on which they do.
pub async fn sequences(
    usual: u64,
    make: impl Fn(&mut Random) -> Vec<Request>,
    differs: impl AsyncFn(u64, &[Request], &mut Tally) -> Option<Difference>,
) -> Option<Tally> {
    let number =
        |name: &str, default: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (first, count) = (number("DYNASEAL_SEED", 1), number("DYNASEAL_SEQUENCES", usual));
    let mut tally = Tally::default();
    for seed in first..first + count {
        let requests = make(&mut seeded(seed));
        if let Some(difference) = differs(seed, &requests, &mut tally).await {
            let again = async |requests: &[Request]| differs(seed, requests, &mut Tally::default()).await;
            let (requests, difference) = shrink(requests, difference, LONGEST, again).await;
            panic!("DYNASEAL_SEED={seed}\n{}\ndiffers at {difference}", printed(&requests));
        }
    }
    Some(tally).filter(|_| first == 1 && count >= usual)
}
