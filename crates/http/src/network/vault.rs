//! HashiCorp Vault or OpenBao, found and entered as their own clients do it: by the environment.
//!
//! | variable | meaning |
//! |---|---|
//! | `VAULT_ADDR` | scheme, host and port |
//! | `VAULT_TOKEN` | the token |
//! | `VAULT_TOKEN_FILE` | a file that holds it instead, read for each call, so that an agent can renew it |
//! | `VAULT_NAMESPACE` | the namespace, if there is one |

use std::path::{Path, PathBuf};

use bytes::Bytes;
use dynaseal_engine::{Answer, BoxFuture, Call, Machine, Outside, Service, Wire, WireError};
use dynaseal_item::Kind;
use http::header::{CONTENT_TYPE, HOST, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use http::{HeaderName, Request};
use thiserror::Error;
use zeroize::Zeroizing;

use super::address::{AddressError, address};
use super::connections::{Connections, UpstreamLimits, host};
use super::retry::{Retries, TRIES};
use super::trust::{Trust, TrustError};

/// A server of HashiCorp Vault or OpenBao.
#[derive(Clone, PartialEq, Eq)]
pub enum VaultServer {
    /// The one that the environment names.
    Environment,
    /// This one.
    At {
        /// Scheme, host and port.
        url: String,
        /// What lets us in.
        token: Zeroizing<String>,
    },
}

impl std::fmt::Debug for VaultServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Environment => f.write_str("Environment"),
            Self::At { url, .. } => write!(f, "At({url})"),
        }
    }
}

/// A server's HTTP API. Nothing is sent before the first call.
#[derive(Debug)]
pub struct Vault {
    connections: Connections,
    address: Uri,
    token: Token,
    namespace: Option<HeaderValue>,
    limits: UpstreamLimits,
    retries: Retries,
}

impl Vault {
    /// Connections to a server.
    ///
    /// # Errors
    /// What says where it is or how to enter it is missing or cannot be used, or TLS cannot be set up.
    pub fn open(server: &VaultServer, limits: UpstreamLimits) -> Result<Self, VaultError> {
        Self::open_trusting(server, None, limits)
    }

    /// The same with the authorities in the file `ca` trusted beside the system's.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_trusting(server: &VaultServer, ca: Option<&Path>, limits: UpstreamLimits) -> Result<Self, VaultError> {
        match server {
            VaultServer::Environment => Self::of(&Machine, ca, limits),
            VaultServer::At { url, token } => {
                let place = Place { setting: "the address", url, ca, environment: &Machine };
                Self::at(place, Token::given("the token", token.clone())?, None, limits)
            }
        }
    }

    /// Connections to the server that this environment names.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn of_environment(environment: &dyn Outside, limits: UpstreamLimits) -> Result<Self, VaultError> {
        Self::of(environment, None, limits)
    }

    fn of(environment: &dyn Outside, ca: Option<&Path>, limits: UpstreamLimits) -> Result<Self, VaultError> {
        // Set to nothing is not set: that is how a container's file takes a variable away.
        let set = |name| environment.env(name).filter(|value| !value.trim().is_empty());
        let missing = |setting| VaultError::Setting { setting, what: "it is not set" };
        let url = set(ADDRESS).ok_or_else(|| missing(ADDRESS))?;
        let token = match (set(TOKEN), set(TOKEN_FILE)) {
            (Some(token), _) => Token::given(TOKEN, Zeroizing::new(token))?,
            (None, Some(file)) => Token::File(file.into()),
            (None, None) => {
                let what = "it is not set, and neither is VAULT_TOKEN_FILE";
                return Err(VaultError::Setting { setting: TOKEN, what });
            }
        };
        let namespace = set(NAMESPACE).map(|text| HeaderValue::from_str(&text)).transpose();
        let namespace = namespace.map_err(|_| VaultError::Setting { setting: NAMESPACE, what: UNSENDABLE })?;
        Self::at(Place { setting: ADDRESS, url: &url, ca, environment }, token, namespace, limits)
    }

    fn at(
        Place { setting, url, ca, environment }: Place<'_>,
        token: Token,
        namespace: Option<HeaderValue>,
        limits: UpstreamLimits,
    ) -> Result<Self, VaultError> {
        let address = address(url).map_err(|error| match error {
            AddressError::Plain { host } => VaultError::Plain { setting, host },
            AddressError::Unusable { what } => VaultError::Setting { setting, what },
        })?;
        let trust = Trust::load(ca, environment).map_err(|source| VaultError::Tls { reason: source.to_string() })?;
        let connections = Connections::new(limits.connect_time, &trust);
        let connections = connections.map_err(|source| VaultError::Tls { reason: source.to_string() })?;
        Ok(Self { connections, address, token, namespace, limits, retries: Retries::default() })
    }

    /// Where calls go.
    #[must_use]
    pub fn address(&self) -> &Uri {
        &self.address
    }

    /// Both of its operations that are used can be repeated: they change nothing.
    async fn call(&self, call: Call) -> Result<Answer, WireError> {
        if call.service != Service::Vault {
            return Err(WireError::Unreachable);
        }
        let path = format!("/v1/{}", call.operation);
        let body = Bytes::from(call.body);
        let attempt = || async {
            let request = self.request(&path, body.clone())?;
            self.connections.exchange(request, self.limits.answer_time / TRIES, ANSWER).await
        };
        self.retries.carry_out(Service::Vault, self.limits.answer_time, attempt).await
    }

    fn request(&self, path: &str, body: Bytes) -> Result<Request<Bytes>, WireError> {
        let mut parts = self.address.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(path).map_err(|_| WireError::Unreachable)?);
        let uri = Uri::from_parts(parts).map_err(|_| WireError::Unreachable)?;
        let mut request = Request::post(uri.clone())
            .header(HOST, host(&uri)?)
            .header(CONTENT_TYPE, "application/json")
            // Without it an agent in front of the server may refuse the call, as one that a browser was led to.
            .header(REQUEST, "true")
            .header(TOKEN_HEADER, self.token.header()?);
        if let Some(namespace) = &self.namespace {
            request = request.header(NAMESPACE_HEADER, namespace);
        }
        request.body(body).map_err(|_| WireError::Broken)
    }
}

impl Wire for Vault {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(self.call(call))
    }
}

/// Where a server is, and who says so.
struct Place<'p> {
    setting: &'static str,
    url: &'p str,
    ca: Option<&'p Path>,
    environment: &'p dyn Outside,
}

/// A server that cannot be called. Nothing was sent.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum VaultError {
    /// A setting is missing or cannot be used.
    #[error("Vault cannot be called: {setting}: {what}")]
    Setting {
        /// What says it, such as an environment variable.
        setting: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The address has no TLS and is not on this machine.
    #[error("Vault cannot be called: {setting}: http://{host} has no TLS, and it is not on this machine")]
    Plain {
        /// What says it, such as an environment variable.
        setting: &'static str,
        /// The server's host.
        host: String,
    },
    /// The trusted certificates or the cipher suites cannot be used.
    #[error("TLS cannot be set up: {reason}")]
    Tls {
        /// Why.
        reason: String,
    },
}

impl VaultError {
    /// The stable code, listed in `docs/ERRORS.md`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Setting { .. } | Self::Plain { .. } => "DSL-9011",
            Self::Tls { .. } => "DSL-7006",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Setting { .. } | Self::Plain { .. } => Kind::Config,
            Self::Tls { .. } => Kind::Outage,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Setting { .. } | Self::Plain { .. } => {
                "VAULT_ADDR is to be an address such as https://vault.example.com:8200, and VAULT_TOKEN a token, or \
                 VAULT_TOKEN_FILE the path of one that an agent renews"
            }
            Self::Tls { .. } => TrustError::HINT,
        }
    }
}

enum Token {
    Given(Zeroizing<String>),
    File(PathBuf),
}

impl Token {
    fn given(setting: &'static str, token: Zeroizing<String>) -> Result<Self, VaultError> {
        let given = Self::Given(token);
        given.header().map_err(|_| VaultError::Setting { setting, what: UNSENDABLE })?;
        Ok(given)
    }

    /// The file is read for each call, since an agent may have renewed it.
    fn header(&self) -> Result<HeaderValue, WireError> {
        let read;
        let text = match self {
            Self::Given(token) => token.as_str(),
            Self::File(path) => {
                read = Zeroizing::new(Machine.read(path).map_err(|_| WireError::NoToken)?);
                std::str::from_utf8(&read).map_err(|_| WireError::NoToken)?
            }
        };
        let text = Some(text.trim()).filter(|text| !text.is_empty()).ok_or(WireError::NoToken)?;
        let mut header = HeaderValue::from_str(text).map_err(|_| WireError::NoToken)?;
        header.set_sensitive(true);
        Ok(header)
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Given(_) => "Token(redacted)",
            Self::File(_) => "Token(in a file)",
        })
    }
}

const ADDRESS: &str = "VAULT_ADDR";
const TOKEN: &str = "VAULT_TOKEN";
const TOKEN_FILE: &str = "VAULT_TOKEN_FILE";
const NAMESPACE: &str = "VAULT_NAMESPACE";
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");
const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE_HEADER: HeaderName = HeaderName::from_static("x-vault-namespace");
const UNSENDABLE: &str = "it cannot stand in a header";
/// Far more than any answer of the transit engine has.
const ANSWER: usize = 64 << 10;
