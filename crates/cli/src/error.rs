//! Why a command could not be carried out.

#[cfg(any(feature = "dev", feature = "items"))]
use std::io;
#[cfg(feature = "items")]
use std::path::PathBuf;

use dynaseal_engine::ConfigErrors;
use thiserror::Error;

/// A command that could not be carried out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum Error {
    /// The configuration has faults.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The gateway or the embedded database did not start.
    #[error(transparent)]
    Gateway(#[from] dynaseal_gateway::Error),
    /// A key could not be asked about.
    #[cfg(feature = "items")]
    #[error(transparent)]
    Keys {
        /// Why.
        source: dynaseal_keys::Error,
    },
    /// The configuration has no such table.
    #[cfg(feature = "items")]
    #[error("{file} has no table \"{table}\"")]
    NoTable {
        /// The configuration.
        file: PathBuf,
        /// What was asked for.
        table: String,
    },
    /// The input cannot be opened or read.
    #[cfg(feature = "items")]
    #[error("{name} cannot be read: {source}")]
    Input {
        /// A file, or stdin.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// The output cannot be written.
    #[cfg(any(feature = "dev", feature = "items"))]
    #[error("stdout cannot be written: {source}")]
    Output {
        /// Why.
        source: io::Error,
    },
    /// A worker thread could not be started or ended early.
    #[cfg(feature = "items")]
    #[error("a worker thread {what}")]
    Worker {
        /// What happened.
        what: &'static str,
    },
    /// Something else listens on the port of `dynaseal dev`.
    #[cfg(feature = "dev")]
    #[error("port {port} of 127.0.0.1 is taken")]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// `dynaseal dev` could not make one of its files.
    #[cfg(feature = "dev")]
    #[error("{name} cannot be made: {source}")]
    DevFile {
        /// The file.
        name: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// The stable code, listed in `docs/ERRORS.md`.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Error::Config(errors) => errors.iter().next().map_or("DSL-5000", |fault| fault.code),
            Error::Gateway(error) => error.code(),
            #[cfg(feature = "items")]
            Error::Keys { source } => source.code(),
            #[cfg(feature = "items")]
            Error::NoTable { .. } => "DSL-8001",
            #[cfg(feature = "items")]
            Error::Input { .. } => "DSL-8002",
            #[cfg(any(feature = "dev", feature = "items"))]
            Error::Output { .. } => "DSL-8003",
            #[cfg(feature = "items")]
            Error::Worker { .. } => "DSL-8004",
            #[cfg(feature = "dev")]
            Error::PortInUse { .. } => "DSL-8005",
            #[cfg(feature = "dev")]
            Error::DevFile { .. } => "DSL-8006",
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Error::Config(_) => "correct the configuration; `dynaseal check FILE` shows every fault",
            Error::Gateway(error) => error.hint(),
            #[cfg(feature = "items")]
            Error::Keys { source } => source.hint(),
            #[cfg(feature = "items")]
            Error::NoTable { .. } => {
                "add [tables.NAME] to it, or name one that `dynaseal check FILE` lists; a pattern does not tell the keys"
            }
            #[cfg(feature = "items")]
            Error::Input { .. } => "check the path and its permissions",
            #[cfg(any(feature = "dev", feature = "items"))]
            Error::Output { .. } => "check the disk or the program that reads from this one",
            #[cfg(feature = "items")]
            Error::Worker { .. } => "try again with a smaller --threads; if it lasts, report it",
            #[cfg(feature = "dev")]
            Error::PortInUse { .. } => "choose another with --port 8001, or any free one with --port 0",
            #[cfg(feature = "dev")]
            Error::DevFile { .. } => "run it in a directory that you may write to",
        }
    }
}
