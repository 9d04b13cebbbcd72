//! SERVER: the DynamoDB API on one side, DynamoDB or an embedded engine on the other.
//!
//! ```text
//!            listen ──> stack ──────────────────> engine ──> wire
//!  an SDK    accept,    side door, admit, load,   seals,     forward: sign, send   ──> DynamoDB
//!            drain      body, reply, log, count   opens      embedded: dynoxide        in this process
//!                                  │
//!                               respond: the one place where an error becomes a reply
//! ```
//!
//! A head makes the runtime, starts [`log`](start_log), opens the [upstream](open_upstream), builds the engine, binds a
//! [`Server`] and serves until [`StopSignals`] says stop.

mod attribution;
mod backlog;
mod caches;
mod clock;
mod cores;
mod descriptors;
mod embedded;
mod encoding;
mod endpoint;
mod error;
mod forward;
mod hosts;
mod kms;
mod limits;
mod lines;
mod listen;
mod look;
mod metrics;
mod operation;
mod paced;
mod reject;
mod respond;
mod settings;
mod shortage;
mod sign;
mod signals;
mod stack;
mod start;
mod trace;
mod upstream;

pub use backlog::Log;
pub use clock::RuntimeClock;
pub use cores::on_all_cores;
pub use descriptors::make_room;
pub use dynaseal_http::{UpstreamLimits, VaultServer};
pub use embedded::Embedded;
pub use error::{DatabaseFault, Error};
pub use forward::Upstream;
pub use listen::{Server, Stopped};
pub use look::look_at_tables;
pub use settings::{Limits, Settings, Store, Target};
pub use signals::StopSignals;
pub use start::Fact;
pub use trace::start as start_log;
pub use tracing::Level as LogLevel;
pub use upstream::{Opened, open as open_upstream, with_keys, without_database};
