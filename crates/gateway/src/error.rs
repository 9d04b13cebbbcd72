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
    #[error("the embedded database {path} cannot be opened: {fault}")]
    Database {
        /// The file, or "in memory".
        path: String,
        /// Why.
        fault: DatabaseFault,
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

/// Why a file cannot be the embedded database.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DatabaseFault {
    /// Its folder does not exist.
    #[error("the folder {} is not there", .0.display())]
    NoFolder(PathBuf),
    /// It is a folder.
    #[error("it is a folder")]
    Folder,
    /// It is a pipe, a socket or a device.
    #[error("it is no file, but a pipe, a socket or a device")]
    NoFile,
    /// It has something else in it.
    #[error("it is not a database")]
    NotDatabase,
    /// A SQLite database without our tables.
    #[error("it is another program's database")]
    Foreign,
    /// It begins as a database, and what follows is none.
    #[error("it is damaged: it begins as a database, and the rest cannot be read as one")]
    Damaged,
    /// It, or its folder, cannot be written.
    #[error("it or its folder cannot be written")]
    ReadOnly,
    /// Another process holds it.
    #[error("another process holds it")]
    Locked,
    /// The disk is full.
    #[error("there is no room on its disk")]
    NoRoom,
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
    /// The embedded engine's own words.
    #[error("{0}")]
    Engine(String),
}

impl DatabaseFault {
    fn hint(&self) -> &'static str {
        match self {
            Self::NoFolder(_) => "make the folder, or name a file in one that is there",
            Self::Folder => "name a file in it; one that is not there yet is made",
            Self::NoFile | Self::NotDatabase => {
                "name another file; one that is not there yet is made, and this one was not touched"
            }
            Self::Foreign => {
                "name another file; only one that Dynaseal made, an empty one or none at all is taken, and this one was not \
                 touched"
            }
            Self::Damaged => "put back a copy of it, or name another file; it was not touched",
            Self::ReadOnly | Self::Unreadable(_) => "check the permissions of the file and of its folder",
            Self::Locked => "stop the other process, or name another file",
            Self::NoRoom => "make room, or name a file on another disk",
            Self::Engine(_) => "check the file and its folder; if it lasts, report it",
        }
    }
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
            Error::Database { fault: DatabaseFault::Foreign | DatabaseFault::Folder, .. } => Kind::Config,
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
            Error::Database { fault, .. } => fault.hint(),
            Error::DatabaseName { .. } => "give the file another name",
            Error::Process { .. } => "try again; if it lasts, report it",
        }
    }
}
