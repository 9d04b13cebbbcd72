//! HashiCorp Vault or OpenBao, as the gateway calls it.

use std::sync::Arc;

use dynaseal_engine::Outside;
use dynaseal_http::{UpstreamLimits, VaultServer};

use crate::error::Error;

/// A server of HashiCorp Vault or OpenBao, for [`Sealing::vault`](crate::Sealing::vault). It is called over HTTPS, or over
/// HTTP on this machine, in a runtime of tokio. A call has 20 seconds, and is tried up to three times in them; redirects
/// are not followed, since they would carry the token to another host.
#[derive(Clone, Debug)]
pub struct Vault(pub(crate) Arc<dynaseal_http::Vault>);

impl Vault {
    /// The server that the environment names, as for its own clients: `VAULT_ADDR`; `VAULT_TOKEN`, or `VAULT_TOKEN_FILE`,
    /// which is read for each call, so that an agent can renew the token; `VAULT_NAMESPACE`, if there is one.
    ///
    /// # Errors
    /// One of them is missing or cannot be used. Nothing is called yet.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_outside(&dynaseal_engine::Machine)
    }

    /// The server that another environment names, such as one of a test.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_outside(outside: &dyn Outside) -> Result<Self, Error> {
        let server = dynaseal_http::Vault::of_environment(outside, UpstreamLimits::default());
        server.map(Arc::new).map(Self).map_err(Error::Vault)
    }

    /// The server at a URL of scheme, host and port, with a token.
    ///
    /// # Errors
    /// One of them cannot be used.
    pub fn at(url: impl Into<String>, token: impl Into<String>) -> Result<Self, Error> {
        let server = VaultServer::At { url: url.into(), token: token.into().into() };
        let server = dynaseal_http::Vault::open(&server, UpstreamLimits::default());
        server.map(Arc::new).map(Self).map_err(Error::Vault)
    }
}
