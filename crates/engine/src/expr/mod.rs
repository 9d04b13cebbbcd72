//! Expressions: read, checked, evaluated, applied and written again, with DynamoDB's semantics and error messages.
//!
//! ```text
//!  text ── lex.rs ── syntax.rs ──> tree ── resolve.rs, condition.rs, … ──> ast.rs ──> eval.rs    condition -> bool
//!                                            names.rs: #names, :values                apply.rs   update -> new item
//!                                            reserved.rs                              projection.rs
//!  legacy parameters ──────────────────────── legacy.rs ────────────────────>         touch.rs   attributes touched
//!                                                                                     print.rs   text again
//! ```
//!
//! Values are compared in `compare.rs` and computed with in `decimal.rs`; `stored.rs` says which DynamoDB takes.

pub mod apply;
pub mod ast;
pub(crate) mod compare;
pub mod condition;
pub mod decimal;
pub mod error;
pub mod eval;
pub mod key;
pub mod legacy;
pub(crate) mod lex;
pub mod names;
pub mod print;
pub mod projection;
mod reserved;
mod resolve;
pub(crate) mod shown;
pub mod stored;
pub(crate) mod syntax;
pub mod touch;
pub mod update;
