//! Every test of `clients_rust.rs` once more, with the SDK's client sealed in this process by the `dynaseal` crate:
//!
//! ```text
//!  dynaseal::seal(SDK client) ──> store: protects nothing, embedded database in memory
//!  the test ──────────────────────^  reads and changes what is really stored
//! ```

#[path = "clients_rust.rs"]
mod clients;

use clients::{orders, support};
