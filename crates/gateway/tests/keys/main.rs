//! Engines whose keys come from a key store, under load, under rotation and in trouble: KMS, Vault and the key store's table
//! in memory with failures on order, the protected table in dynoxide. `DYNASEAL_ROTATION_SECONDS` makes the rotation test
//! longer.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "helpers of tests, not tests themselves"
)]

mod chaos;
mod load;
mod outage;
mod rotation;
mod vault;
mod world;
