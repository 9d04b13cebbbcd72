//! NODE: the engine as a native module. It holds no policy: `ts/` decides, this crate converts.
//!
//! ```text
//!  ts/ ──> engine.rs   a configuration, checked        ──> Engine
//!          session.rs  its calls, stepped: start, resume ──> Step { send | wait | done | failed }
//!                      on the caller's thread, or on one of libuv's for long work
//!          quick.rs    the two steps that most calls are made of, without a Step
//!          item.rs     one item, sealed or opened
//!          clock.rs    pauses, as steps
//!          services.rs what an answer of Vault means
//!          failure.rs  the one way an error becomes JavaScript
//! ```
//!
//! Bodies go in as borrowed bytes and come out as copies in JavaScript's own memory: a buffer that Rust owned would be freed
//! by a finalizer, and a busy event loop runs those late.

mod clock;
mod engine;
mod failure;
mod item;
mod quick;
mod services;
mod session;
mod step;

pub use engine::{Engine, EngineResult};
pub use failure::{Failure, Fault};
pub use quick::Quick;
pub use services::vault_may_pass;
pub use step::JsStep;
