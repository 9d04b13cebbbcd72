//! REQUESTS: what must change in a DynamoDB call, and is it safe. Works on `(service, operation, JSON bytes)` in and
//! out; the decisions are pure, and one driver, `run.rs`, carries them out.
//!
//! ```text
//!  Call ── plan/ ──> Plan ── keys ── seal ──> Wire ──> answer ── reply.rs: keys, open, project ──> Answer
//!           |          |
//!           |          forward   a table without a configuration, or nothing to change
//!           |          edit      the request with holes for sealed items, and what to open in the reply
//!           |          modify    read the item, decide on plaintext, write under a guard: modify/
//!           doc.rs     refuse    an Error that names call, table and attribute
//!           expr/     other calls, answered in another shape: partiql/
//!                     and any plan in plain data: explain.rs
//! ```
//!
//! A head that cannot lend its sockets to a future steps the same driver by hand: `session.rs`.

mod answers;
mod bounds;
mod config;
mod cost;
mod crew;
mod doc;
mod error;
mod explain;
#[doc(hidden)]
pub mod expr;
mod expressions;
mod index_keys;
mod key_conditions;
mod learn;
mod library;
mod modify;
mod nearest;
mod operation;
mod partiql;
mod pattern;
mod plan;
mod reply;
mod run;
mod session;
mod size;
mod stale;
mod table;

pub use bounds::check_bounds;
pub use config::{
    AttributeExplanation, Config, ConfigErrors, Explanation, Fault, GatewaySection, KeyExplanation, KmsAsked,
    KmsExplanation, Machine, Outside, TableExplanation, TableSection, is_table_name,
};
pub use crew::Aside;
pub use dynaseal_keys::{
    Answer, Attribution, BoxFuture, CacheStats, Call, Clock, Invocation, Io, Refusal, RetryAfter, Service, SystemClock,
    TlsFault, Wire, WireError,
};
pub use error::Error;
pub use explain::{
    AttributeAction, CallsExplanation, OpenedExplanation, PlanExplanation, PlanKind, SectionExplanation,
    StatementExplanation, UpdateExplanation, WriteExplanation,
};
pub use key_conditions::as_key_condition_expression;
pub use nearest::did_you_mean;
pub use operation::{OPERATIONS, Operation};
pub use pattern::{Misfit, Pattern, Patterns, TableKeys};
pub use plan::OtherTables;
pub use run::Engine;
pub use session::{Session, Stale, Step};
pub use size::{LIMIT as ITEM_LIMIT, item_size};
pub use table::{Failure, Plaintext, Table};
