//! Why the gateway did not start. What it answers to callers is in `respond.rs`.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use dynaseal_http::{TrustError, VaultError};
use dynaseal_item::Kind;
use thiserror::Error;

/// A gateway that could not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The address to listen on is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The address to listen on can be reached from other machines.
    #[error(
        "{address} can be reached from other machines, and this version does not check who calls: \
         whoever reaches it reads and writes with the gateway's keys and AWS credentials"
    )]
    RemoteListen {
        /// The address.
        address: SocketAddr,
    },
    /// The upstream's address has no TLS and is not on this machine.
    #[error("{setting} = http://{host} would be called without TLS, and it is not on this machine")]
    PlainUpstream {
        /// The setting that names it.
        setting: &'static str,
        /// The upstream's host.
        host: String,
    },
    /// The upstream's address cannot be used.
    #[error("{setting} cannot be used: {what}")]
    Upstream {
        /// The setting that names it.
        setting: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Nothing says which region to sign for.
    #[error("no AWS region is configured")]
    NoRegion,
    /// The trusted certificates or the cipher suites cannot be used.
    #[error("TLS cannot be set up: {source}")]
    Tls {
        /// Why.
        source: io::Error,
    },
    /// A setting names no certificates that can be used.
    #[error("TLS cannot be set up: {0}")]
    Trust(#[from] TrustError),
    /// Vault cannot be called.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The embedded database cannot be opened.
    #[error("the embedded database {path} cannot be opened: {reason}")]
    Database {
        /// The file, or "in memory".
        path: String,
        /// The engine's reason.
        reason: String,
    },
    /// The embedded database's file name is not Unicode.
    #[error("the embedded database {path:?} has a name that is not valid Unicode")]
    DatabaseName {
        /// The file.
        path: PathBuf,
    },
    /// The process cannot watch for signals or set its log up.
    #[error("{what} cannot be set up: {source}")]
    Process {
        /// Which part.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// The stable code, listed in `docs/ERRORS.md`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::Listen { .. } => "DSL-7001",
            Error::RemoteListen { .. } => "DSL-7002",
            Error::PlainUpstream { .. } => "DSL-7003",
            Error::Upstream { .. } => "DSL-7004",
            Error::NoRegion => "DSL-7005",
            Error::Tls { .. } | Error::Trust(_) => "DSL-7006",
            Error::Vault(error) => error.code(),
            Error::Database { .. } | Error::DatabaseName { .. } => "DSL-7007",
            Error::Process { .. } => "DSL-7008",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Error::Process { .. } => Kind::Internal,
            Error::Vault(error) => error.kind(),
            Error::Listen { .. } | Error::Tls { .. } | Error::Database { .. } => Kind::Outage,
            _ => Kind::Config,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Error::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                "stop what listens there, or choose another address; port 0 takes any free port"
            }
            Error::Listen { .. } => "listen on an address of this machine, such as 127.0.0.1:8000",
            Error::RemoteListen { .. } => {
                "listen on 127.0.0.1 or [::1]; if the network itself lets only trusted callers in, set allow_remote"
            }
            Error::PlainUpstream { setting: "upstream", .. } => {
                "use https; http is for an upstream on this machine; for one in another container of it set danger_plain_upstream"
            }
            Error::PlainUpstream { .. } => "use https; http is for an upstream on this machine, such as DynamoDB Local",
            Error::Upstream { setting: "kms_endpoint", .. } => {
                "write a URL of scheme and host such as https://kms.eu-west-1.amazonaws.com, or leave it out"
            }
            Error::Upstream { setting: "region", .. } => "write the name of an AWS region, such as eu-west-1",
            Error::Upstream { .. } => {
                "write \"dynamodb\", \"embedded\", or a URL of scheme and host such as https://dynamodb.eu-west-1.amazonaws.com"
            }
            Error::NoRegion => "set region beside upstream, or AWS_REGION in the environment",
            Error::Vault(error) => error.hint(),
            Error::Tls { .. } => "report it",
            Error::Trust(_) => TrustError::HINT,
            Error::Database { .. } => {
                "check that the file is a dynoxide database, and that its directory can be written"
            }
            Error::DatabaseName { .. } => "give the file another name",
            Error::Process { .. } => "try again; if it lasts, report it",
        }
    }
}
