//! Expressions against dynoxide, an independent engine whose behaviour was captured from DynamoDB: the same random item
//! and expression must give the same outcome, down to the text of the error. Where it is known to differ from
//! DynamoDB, the difference is listed in `differential/exceptions.rs` with its reason.
//!
//! `DYNASEAL_PAIRS` sets how many pairs each test tries, `DYNASEAL_SEED` where the random numbers start.

#![allow(unreachable_pub, reason = "modules of one test")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of a test"
)]

#[path = "differential/conditions.rs"]
mod conditions;
#[path = "differential/exceptions.rs"]
mod exceptions;
#[path = "differential/generate.rs"]
mod generate;
#[path = "differential/keys.rs"]
mod keys;
#[path = "differential/legacy.rs"]
mod legacy;
#[path = "differential/oracle.rs"]
mod oracle;
#[path = "differential/pairs.rs"]
mod pairs;
#[path = "differential/projections.rs"]
mod projections;
#[path = "differential/random.rs"]
mod random;
#[path = "support/redaction.rs"]
mod redaction;
#[path = "differential/report.rs"]
mod report;
#[path = "differential/updates.rs"]
mod updates;
