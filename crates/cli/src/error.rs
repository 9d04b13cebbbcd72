//! Why a command could not be carried out.

use std::io;
#[cfg(feature = "items")]
use std::path::PathBuf;

use dynaseal_engine::ConfigErrors;
use thiserror::Error;

#[cfg(feature = "items")]
use crate::items::input::Unreadable;

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
    /// The configuration has no such table.
    #[cfg(feature = "items")]
    #[error("{file} has no table \"{table}\"{near}")]
    NoTable {
        /// The configuration.
        file: PathBuf,
        /// What was asked for.
        table: String,
        /// The one that may have been meant, ready to print.
        near: String,
    },
    /// The keys of a table are not known, or are not those that were given.
    #[cfg(feature = "items")]
    #[error("{file}, table \"{table}\": {what}")]
    TableKeys {
        /// The configuration.
        file: PathBuf,
        /// The table.
        table: String,
        /// What is missing or does not fit.
        what: String,
    },
    /// There is no such code.
    #[error("there is no code {code}{near}")]
    NoCode {
        /// What was asked for.
        code: String,
        /// The one that may have been meant, ready to print.
        near: String,
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
    /// The input is in a form that cannot be read.
    #[cfg(feature = "items")]
    #[error("{name} cannot be read: {source}")]
    InputForm {
        /// A file, or stdin.
        name: String,
        /// What it is.
        source: Unreadable,
    },
    /// The output cannot be written.
    #[error("{name} cannot be written: {source}")]
    Output {
        /// stdout or stderr.
        name: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A stream of items was given up before its end, since nothing that comes after would go otherwise.
    #[cfg(feature = "items")]
    #[error("stopped at line {line}: {message}")]
    Stopped {
        /// The first line that is not done.
        line: u64,
        /// Of the failure.
        code: &'static str,
        /// What, and what to do.
        message: String,
        /// Whether it may go by itself.
        passing: bool,
    },
    /// A pair of a custom encryption context stands twice.
    #[cfg(feature = "items")]
    #[error("nothing was done: the pair \"{}\" of the context was given more than once", .name.escape_debug())]
    PairTwice {
        /// Its name.
        name: String,
    },
    /// A worker thread could not be started or ended early.
    #[cfg(feature = "items")]
    #[error("a worker thread {what}")]
    Worker {
        /// What happened.
        what: &'static str,
    },
    /// A key ring or a key store refused, or could not be reached.
    #[cfg(feature = "items")]
    #[error(transparent)]
    Keys(#[from] dynaseal_keys::Error),
    /// The configuration does not say which key store is meant.
    #[cfg(feature = "items")]
    #[error("{file} {what}")]
    KeyStore {
        /// The configuration.
        file: PathBuf,
        /// What is missing or too much.
        what: String,
    },
    /// An option that nothing of the configuration has to do with.
    #[cfg(feature = "items")]
    #[error("{file} has nothing that {option} could be about")]
    NoUse {
        /// The configuration.
        file: PathBuf,
        /// The option.
        option: String,
    },
    /// What cannot be taken back was not confirmed.
    #[cfg(feature = "items")]
    #[error("nothing was changed: {what}")]
    NotConfirmed {
        /// Why.
        what: &'static str,
    },
    /// The audit log cannot be written.
    #[cfg(feature = "items")]
    #[error("the audit log {path} cannot be written: {source}")]
    AuditLog {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was named as the audit log is none.
    #[cfg(feature = "items")]
    #[error("nothing was done: the audit log {path} {what}")]
    AuditFile {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// An erasure must leave a record.
    #[cfg(feature = "items")]
    #[error("destroy needs an audit log")]
    NoAuditLog,
    /// Something else listens on the port of `dynaseal dev`.
    #[cfg(feature = "dev")]
    #[error("port {port} of 127.0.0.1 is taken")]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The key of `dynaseal dev` is an empty file.
    #[cfg(feature = "dev")]
    #[error("{name} is empty, so nothing was ever sealed with it")]
    EmptyDevKey {
        /// The file.
        name: &'static str,
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
    /// Why something that comes in cannot be read.
    #[cfg(feature = "items")]
    pub(crate) fn input(name: &str, source: io::Error) -> Self {
        let name = name.to_owned();
        match source.get_ref().and_then(|inner| inner.downcast_ref::<Unreadable>()) {
            Some(form) => Self::InputForm { name, source: *form },
            None => Self::Input { name, source },
        }
    }

    /// Whether the same command may succeed later, with nothing changed on this side.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            #[cfg(feature = "items")]
            Error::Keys(error) => error.is_passing(),
            #[cfg(feature = "items")]
            Error::Stopped { passing, .. } => *passing,
            _ => false,
        }
    }

    /// The stable code, listed in `docs/ERRORS.md`.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Error::Config(errors) => errors.iter().next().map_or("DSL-5000", |fault| fault.code),
            Error::Gateway(error) => error.code(),
            #[cfg(feature = "items")]
            Error::NoTable { .. } => "DSL-8001",
            #[cfg(feature = "items")]
            Error::TableKeys { .. } => "DSL-8012",
            Error::NoCode { .. } => "DSL-8013",
            #[cfg(feature = "items")]
            Error::InputForm { .. } => "DSL-8014",
            #[cfg(feature = "items")]
            Error::Input { .. } => "DSL-8002",
            Error::Output { .. } => "DSL-8003",
            #[cfg(feature = "items")]
            Error::Stopped { code, .. } => code,
            #[cfg(feature = "items")]
            Error::PairTwice { .. } => "DSL-8015",
            #[cfg(feature = "items")]
            Error::Worker { .. } => "DSL-8004",
            #[cfg(feature = "items")]
            Error::Keys(error) => error.code(),
            #[cfg(feature = "items")]
            Error::KeyStore { .. } => "DSL-8007",
            #[cfg(feature = "items")]
            Error::NotConfirmed { .. } => "DSL-8008",
            #[cfg(feature = "items")]
            Error::AuditLog { .. } => "DSL-8009",
            #[cfg(feature = "items")]
            Error::AuditFile { .. } => "DSL-8016",
            #[cfg(feature = "items")]
            Error::NoAuditLog => "DSL-8010",
            #[cfg(feature = "items")]
            Error::NoUse { .. } => "DSL-8011",
            #[cfg(feature = "dev")]
            Error::PortInUse { .. } => "DSL-8005",
            #[cfg(feature = "dev")]
            Error::DevFile { .. } | Error::EmptyDevKey { .. } => "DSL-8006",
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Error::Config(_) => "correct the configuration; `dynaseal check FILE` shows every fault",
            Error::Gateway(error) => error.hint(),
            #[cfg(feature = "items")]
            Error::NoTable { .. } => "add [tables.NAME] to it, or name one that `dynaseal check FILE` lists",
            #[cfg(feature = "items")]
            Error::TableKeys { .. } => {
                "give the keys that the table has in DynamoDB: --partition-key NAME, and --sort-key NAME if it has one"
            }
            Error::NoCode { .. } => "write a code as errors show it, such as DSL-3008",
            #[cfg(feature = "items")]
            Error::InputForm { source, .. } => source.hint(),
            #[cfg(feature = "items")]
            Error::Input { .. } => "check the path and its permissions",
            Error::Output { .. } => "check the disk or the program that reads from this one",
            #[cfg(feature = "items")]
            Error::Stopped { .. } => {
                "the lines before it are done; go on there with --from-line and the number of the line"
            }
            #[cfg(feature = "items")]
            Error::PairTwice { .. } => "write each name once; a pair cannot have two values",
            #[cfg(feature = "items")]
            Error::Worker { .. } => "try again with a smaller --threads; if it lasts, report it",
            #[cfg(feature = "items")]
            Error::Keys(error) => error.hint(),
            #[cfg(feature = "items")]
            Error::KeyStore { .. } => "name one with --keys, or add one to the configuration",
            #[cfg(feature = "items")]
            Error::NotConfirmed { .. } => "type the branch key's id when asked, or give it once more as --confirm ID",
            #[cfg(feature = "items")]
            Error::AuditLog { .. } => {
                "free the disk or name another file; look at the key's state with `dynaseal keys describe`"
            }
            #[cfg(feature = "items")]
            Error::AuditFile { .. } => "name a file that is not there yet, or one that only `dynaseal keys` writes to",
            #[cfg(feature = "items")]
            Error::NoUse { .. } => "leave it out, or correct it or the configuration",
            #[cfg(feature = "items")]
            Error::NoAuditLog => {
                "name a file with --audit-log FILE, to which one line is appended before and one after"
            }
            #[cfg(feature = "dev")]
            Error::PortInUse { .. } => "choose another with --port 8001, or any free one with --port 0",
            #[cfg(feature = "dev")]
            Error::DevFile { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "make room on the disk; nothing was left behind"
            }
            #[cfg(feature = "dev")]
            Error::DevFile { .. } => "run it in a directory that you may write to",
            #[cfg(feature = "dev")]
            Error::EmptyDevKey { .. } => "remove it and run `dynaseal dev` again, which makes another",
        }
    }
}
