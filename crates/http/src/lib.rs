//! HTTP: what every head that speaks it shares. A DynamoDB-shaped reply to whatever the engine says, and the signature of
//! what goes on to DynamoDB. No sockets.
//!
//! ```text
//!  engine ── Answer ──> Reply::of_answer ──┐
//!         ── Error ───> Reply::of_error ───┴──> status, body, request id: the gateway and the Rust client send them
//!
//!  http::Request, identity, region ── sign ──> the request with its SigV4 headers
//! ```

mod reply;
mod sign;

pub use reply::{Outcome, Refusal, Reply};
pub use sign::{Scope, sign};
