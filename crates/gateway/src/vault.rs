//! HashiCorp Vault or OpenBao, found and entered as their own clients do it: by the environment.
//!
//! | variable | meaning |
//! |---|---|
//! | `VAULT_ADDR` | scheme, host and port |
//! | `VAULT_TOKEN` | the token |
//! | `VAULT_TOKEN_FILE` | a file that holds it instead, read for each call, so that an agent can renew it |
//! | `VAULT_NAMESPACE` | the namespace, if there is one |

use std::path::PathBuf;
use std::{env, fs};

use bytes::Bytes;
use dynaseal_engine::{Answer, BoxFuture, Call, Wire, WireError};
use http::header::{CONTENT_TYPE, HOST, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use http::{HeaderName, Request};
use zeroize::Zeroizing;

use crate::connections::{Connections, host};
use crate::endpoint::checked;
use crate::error::Error;
use crate::retry::{Retries, TRIES};
use crate::settings::{UpstreamLimits, VaultServer};

/// A server's HTTP API.
#[derive(Debug)]
pub(crate) struct Vault {
    connections: Connections,
    address: Uri,
    token: Token,
    namespace: Option<HeaderValue>,
    limits: UpstreamLimits,
    retries: Retries,
}

impl Vault {
    pub(crate) fn open(server: &VaultServer, limits: UpstreamLimits) -> Result<Self, Error> {
        match server {
            VaultServer::Environment => Self::from_environment(limits),
            VaultServer::At { url, token } => Self::at(url, Token::Given(token.clone()), None, limits),
        }
    }

    fn from_environment(limits: UpstreamLimits) -> Result<Self, Error> {
        let missing =
            |setting| Error::Upstream { setting, what: "it is not set, and a key store is protected by Vault" };
        let url = env::var(ADDRESS).map_err(|_| missing(ADDRESS))?;
        let token = match (env::var(TOKEN), env::var_os(TOKEN_FILE)) {
            (Ok(token), _) => Token::Given(Zeroizing::new(token)),
            (Err(_), Some(file)) => Token::File(file.into()),
            (Err(_), None) => return Err(missing(TOKEN)),
        };
        let wrong = Error::Upstream { setting: NAMESPACE, what: "it cannot stand in a header" };
        let namespace = env::var(NAMESPACE).ok().map(|text| HeaderValue::from_str(&text)).transpose();
        Self::at(&url, token, namespace.map_err(|_| wrong)?, limits)
    }

    fn at(url: &str, token: Token, namespace: Option<HeaderValue>, limits: UpstreamLimits) -> Result<Self, Error> {
        let address = checked(ADDRESS, url)?;
        let connections = Connections::new(limits.connect_time)?;
        tracing::info!(to = %address, "calls of Vault");
        Ok(Self { connections, address, token, namespace, limits, retries: Retries::default() })
    }

    /// Both of its operations that are used can be repeated: they change nothing.
    async fn call(&self, call: Call) -> Result<Answer, WireError> {
        let path = format!("/v1/{}", call.operation);
        let body = Bytes::from(call.body);
        let attempt = || async {
            let request = self.request(&path, body.clone())?;
            self.connections.exchange(request, self.limits.answer_time / TRIES, ANSWER).await
        };
        self.retries.carry_out(self.limits.answer_time, attempt).await
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

enum Token {
    Given(Zeroizing<String>),
    File(PathBuf),
}

impl Token {
    fn header(&self) -> Result<HeaderValue, WireError> {
        let read;
        let text = match self {
            Self::Given(token) => token,
            Self::File(path) => {
                read = Zeroizing::new(fs::read_to_string(path).map_err(|_| WireError::NoCredentials)?);
                &read
            }
        };
        let mut header = HeaderValue::from_str(text.trim()).map_err(|_| WireError::NoCredentials)?;
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
/// Far more than any answer of the transit engine has.
const ANSWER: usize = 64 << 10;
