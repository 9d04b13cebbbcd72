//! Counts what agreed and keeps what did not.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::values::Attributes;

/// Everything that was compared.
#[derive(Default)]
pub struct Report {
    rows: BTreeMap<(Section, String), Row>,
    aws_panics: u64,
    failures: Vec<String>,
}

/// A part of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// AWS seals, we open.
    AwsToOurs,
    /// We seal, AWS opens.
    OursToAws,
    Mutations,
    Faults,
    /// Faults that one side is stricter about, on purpose.
    Differences,
    /// Branch keys that either makes and rotates.
    KeyStore,
    /// Branch keys whose records say which KMS key to ask.
    Discovery,
    /// The Node package and AWS's crate, both directions.
    Node,
    /// Values in the items, by type: no comparison, but the proof that all of them occurred.
    Values,
}

#[derive(Default)]
struct Row {
    accepted: u64,
    refused: u64,
    failed: u64,
}

impl Report {
    /// Compares two verdicts, AWS's and ours. Errors need not be the same, plaintexts must be.
    pub fn compare(
        &mut self,
        section: Section,
        name: impl Display,
        place: impl Display,
        aws: &Result<Attributes, String>,
        ours: &Result<Attributes, String>,
    ) {
        self.aws_panics += u64::from(matches!(aws, Err(error) if error == "panicked"));
        let row = self.rows.entry((section, name.to_string())).or_default();
        match (aws, ours) {
            (Ok(theirs), Ok(ours)) if theirs == ours => row.accepted += 1,
            (Err(_), Err(_)) => row.refused += 1,
            _ => {
                row.failed += 1;
                let what = format!("AWS {}; we {}", verdict(aws), verdict(ours));
                self.failures.push(format!("{place}: {name}: {what}"));
            }
        }
    }

    /// Notes something that is wrong whatever the other side says.
    pub fn fail(&mut self, section: Section, name: impl Display, place: impl Display, what: impl Display) {
        self.rows.entry((section, name.to_string())).or_default().failed += 1;
        self.failures.push(format!("{place}: {name}: {what}"));
    }

    /// Notes a check that compares nothing but holds.
    pub fn pass(&mut self, section: Section, name: impl Display) {
        self.rows.entry((section, name.to_string())).or_default().accepted += 1;
    }

    /// Fails unless so many were accepted, and nothing but accepted: what did not run must not pass.
    pub fn require(&mut self, section: Section, name: &str, accepted: u64) {
        let row = self.rows.entry((section, name.to_owned())).or_default();
        if row.accepted != accepted || row.refused > 0 {
            let what = format!("{} accepted and {} refused, not {accepted} accepted", row.accepted, row.refused);
            self.fail(section, name, "all cases", what);
        }
    }

    /// Adds another thread's report.
    pub fn merge(&mut self, other: Report) {
        for (key, row) in other.rows {
            let sum = self.rows.entry(key).or_default();
            sum.accepted += row.accepted;
            sum.refused += row.refused;
            sum.failed += row.failed;
        }
        self.aws_panics += other.aws_panics;
        self.failures.extend(other.failures);
    }

    /// Prints the table and the first failures, and says whether there were none.
    pub fn print(&self) -> bool {
        let mut last = None;
        for ((section, name), row) in &self.rows {
            if last != Some(section) {
                println!("\n{:<58}{:>10}{:>10}{:>10}", title(*section), "accepted", "refused", "failed");
                last = Some(section);
            }
            println!("  {name:<56}{:>10}{:>10}{:>10}", row.accepted, row.refused, row.failed);
        }
        println!("\nAWS's crate panicked {} times; that counts as a refusal", self.aws_panics);
        for failure in self.failures.iter().take(SHOWN) {
            println!("FAILED {failure}");
        }
        let compared = || self.rows.iter().filter(|((section, _), _)| *section != Section::Values).map(|(_, row)| row);
        let passed: u64 = compared().map(|row| row.accepted + row.refused).sum();
        let failed = self.failures.len();
        println!("{passed} passed, {failed} failed");
        failed == 0
    }
}

fn title(section: Section) -> &'static str {
    match section {
        Section::AwsToOurs => "AWS seals, we open",
        Section::OursToAws => "we seal, AWS opens",
        Section::Mutations => "one change to a sealed item, both give their verdict",
        Section::Faults => "a fault in item or table, both seal",
        Section::Differences => "faults that one side is stricter about, as expected",
        Section::KeyStore => "branch keys that one makes and rotates, both use",
        Section::Discovery => "key stores in discovery: opened, or refused, as stated",
        Section::Node => "the Node package and AWS's crate",
        Section::Values => "values in the items",
    }
}

fn verdict(verdict: &Result<Attributes, String>) -> String {
    match verdict {
        Ok(_) => "accepted".to_owned(),
        Err(error) => format!("refused ({})", error.chars().take(160).collect::<String>()),
    }
}

/// Failures printed in full; their number is always exact.
const SHOWN: usize = 40;
