//! What a run found: how many pairs agreed, how often each exception was used, and the pairs that differ.

use std::collections::BTreeMap;

use crate::exceptions::{self, Outcome};

#[derive(Default)]
pub struct Report {
    pairs: usize,
    refused: usize,
    succeeded: usize,
    excused: BTreeMap<&'static str, usize>,
    different: Vec<String>,
}

impl Report {
    pub fn pair(&mut self, seed: u64, text: &str, ours: &Outcome, theirs: &Outcome) {
        self.pairs += 1;
        match ours {
            Outcome::Request(_) => self.refused += 1,
            Outcome::Item(_) => {}
            Outcome::Done(_) => self.succeeded += 1,
        }
        if ours == theirs || ours.hides_only(theirs) {
            return;
        }
        match exceptions::excuse(text, ours, theirs) {
            Some(name) => *self.excused.entry(name).or_default() += 1,
            None => self.different.push(format!("seed {seed}: {text}\n    ours   {ours}\n    theirs {theirs}")),
        }
    }

    /// Fails with the seeds of the pairs that differ, or when a run says little.
    pub fn finish(self, what: &str) {
        let excused: usize = self.excused.values().sum();
        println!("{what}: {} pairs, {} refused, {excused} excused {:?}", self.pairs, self.refused, self.excused);
        let shown: Vec<_> = self.different.iter().take(40).map(String::as_str).collect();
        assert!(
            self.different.is_empty(),
            "{} of {} pairs differ:\n{}",
            self.different.len(),
            self.pairs,
            shown.join("\n")
        );
        assert!(self.succeeded * 4 > self.pairs, "too few pairs were evaluated: {} of {}", self.succeeded, self.pairs);
        assert!(self.refused * 10 > self.pairs, "too few pairs were refused: {} of {}", self.refused, self.pairs);
        assert!(excused * 8 < self.pairs, "too many pairs were excused: {excused} of {}", self.pairs);
    }
}

/// How many pairs to try, and the seed of the first.
pub fn plan(default: u64) -> (u64, u64) {
    let read = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    (read("DYNASEAL_PAIRS").unwrap_or(default), read("DYNASEAL_SEED").unwrap_or(1))
}
