//! REQUESTS
mod error;
pub use dynaseal_keys::{Answer, BoxFuture, Call, Service, Wire, WireError};
pub use error::Error;

/// The engine: checked tables and what they need.
#[derive(Debug)]
pub struct Engine {}

impl Engine {
    /// Carries one call out. Tables without a configuration pass through untouched.
    pub async fn call(&self, wire: &dyn Wire, call: Call) -> Result<Answer, Error> {
        let operation = call.operation.to_string();
        wire.send(call).await.map_err(|source| Error::Wire { operation, source })
    }
}
