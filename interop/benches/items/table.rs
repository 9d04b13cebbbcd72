//! The table that is published.

use std::fmt::Write as _;
use std::time::Duration;

use dynaseal_item::Suite;

/// One shape with one suite.
pub struct Row {
    pub shape: &'static str,
    pub what: &'static str,
    pub suite: Suite,
    pub target: f64,
    pub seal: Times,
    pub open: Times,
}

/// CPU time of one call.
pub struct Times {
    pub ours: Duration,
    pub floor: Duration,
    pub aws: Duration,
}

impl Row {
    /// Whether seal and open cost no more of the floor than they may.
    pub fn within_target(&self) -> bool {
        [&self.seal, &self.open].into_iter().all(|times| times.ours <= times.floor.mul_f64(self.target))
    }
}

/// The rows as a Markdown table.
pub fn markdown(rows: &[Row]) -> String {
    let mut out = String::from(
        "| suite | item | | Dynaseal µs | floor µs | of the floor | target | aws-db-esdk µs | faster than it |\n\
         |---|---|---|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let suite = if row.suite == Suite::Hmac { "hmac" } else { "ecdsa-p384" };
        for (call, times) in [("seal", &row.seal), ("open", &row.open)] {
            let [ours, floor, aws] = [times.ours, times.floor, times.aws].map(|time| time.as_secs_f64() * 1e6);
            let Row { shape, target, .. } = row;
            let (above, faster) = (ours / floor, aws / ours);
            let _ = writeln!(
                out,
                "| {suite} | {shape} | {call} | {ours:.1} | {floor:.1} | {above:.2}x | {target:.2}x | {aws:.0} | {faster:.0}x |",
            );
        }
    }
    out
}

/// The section of docs/BENCHMARKS.md.
pub fn section(table: &str, rows: &[Row]) -> String {
    let mut shapes = String::new();
    for row in rows.iter().filter(|row| row.suite == Suite::Hmac) {
        let _ = writeln!(shapes, "- `{}`: {}", row.shape, row.what);
    }
    format!("{HEAD}{shapes}\n{table}")
}

const HEAD: &str = "\
`cd interop && cargo bench --bench items -- --write`

From DynamoDB JSON to DynamoDB JSON, one thread, one raw AES-256 key ring, medians of process CPU time over batches in
which the three sides take turns. *Floor* is the cryptography that the format forces for the same item, called directly:
randomness, HKDF, AES-CTR, AES-GCM for each field and key, SHA-384 over the record, the HMACs, and with ecdsa-p384 a new
key pair and a signature, or the check of one. `aws-db-esdk` is AWS's crate, release 1.3.0, its item encryptor called
with the values that serde_json reads and writes.

";
