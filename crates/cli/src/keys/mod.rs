//! KEYS: branch keys, as an operator handles them.
//!
//! ```text
//!  args.rs ──> run.rs ──> KeyStoreTable (crates/keys)        confirm.rs   what cannot be taken back is typed twice
//!                 └─────> report.rs ──> text or JSON         audit.rs     what is done is written down first
//!                                                            told.rs      a signal lets a change come to its end
//! ```

pub(crate) mod args;
mod audit;
mod confirm;
mod report;
mod run;
mod told;

pub(crate) use run::run;
