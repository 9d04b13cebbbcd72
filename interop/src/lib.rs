//! Dynaseal beside AWS's own crate, `aws-db-esdk`.
//!
//! ```text
//!  generate ── table, key ring, item ──> aws  seals ──┬──> ours opens
//!                                        ours seals ──┴──> aws  opens
//!                     mutate ── one change to a sealed item ──> aws and ours give the same verdict
//!                     faults ── one fault in table or item ───> aws and ours refuse to seal
//!                  keystore ── one makes and rotates branch keys ──> both seal and open with them
//!                     standin ── the KMS and the DynamoDB behind both
//!  run puts a case together; node has the Node package do the same; report counts
//! ```

pub mod aws;
mod faults;
mod generate;
pub mod keystore;
mod mutate;
pub mod node;
mod numbers;
pub mod ours;
pub mod report;
pub mod rings;
pub mod run;
mod standin;
pub mod values;
