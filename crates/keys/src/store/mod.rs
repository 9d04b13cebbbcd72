//! The key store: a table of DynamoDB that holds branch keys, each wrapped by KMS (FORMAT 12). Its records are those of
//! DB-ESDK, so that both work on one table.
//!
//! ```text
//!  record.rs    what stands in the table, and what KMS binds each key to
//!  table.rs     the key store as key rings see it: reads, and opens with KMS
//!  keys.rs      which KMS key protects the records
//!  admin/       what operators do: setup.rs create.rs rotate.rs list.rs switch.rs erase.rs
//!  bound.rs     what KMS is asked for a record, told without asking
//!  calls.rs     the calls of DynamoDB, and why it refuses them
//!  time.rs      times as records write them
//! ```

pub(crate) mod admin;
pub(crate) mod bound;
mod calls;
pub(crate) mod error;
pub(crate) mod keys;
pub(crate) mod record;
pub(crate) mod table;
pub(crate) mod time;
