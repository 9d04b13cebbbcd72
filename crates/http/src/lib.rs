//! HTTP: what every head that speaks it shares. A DynamoDB-shaped reply to whatever the engine says, and the signature of
//! what goes on to DynamoDB; with the feature `network` also sockets, where no SDK stands behind a call.
//!
//! ```text
//!  engine ── Answer ──> Reply::of_answer ──┐
//!         ── Error ───> Reply::of_error ───┴──> status, body, request id: the gateway and the Rust client send them
//!
//!  http::Request, identity, region ── sign ──> the request with its SigV4 headers
//!
//!  network/  Vault ──> Retries ──> Connections ──> Vault or OpenBao, for the gateway and the Rust client
//! ```

mod invocation;
#[cfg(feature = "network")]
mod network;
mod reply;
pub mod retry_after;
mod sign;

pub use invocation::invocation;
#[cfg(feature = "network")]
pub use network::{
    AddressError, Connections, Retries, TRIES, Trust, TrustError, UpstreamLimits, Vault, VaultError, VaultServer,
    address, host, plain_address,
};
pub use reply::{Outcome, Refusal, Reply};
pub use sign::{Scope, sign};
