//! The audit log: what was done to branch keys, one JSON object a line, on the disk before the command says it is done.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use serde::Serialize;

use crate::error::Error;

/// A file that is only appended to.
pub(crate) struct AuditLog<'a> {
    file: Option<(File, &'a Path)>,
}

/// One line.
#[derive(Debug, Serialize)]
pub(crate) struct Record {
    /// ISO 8601, UTC.
    pub(crate) time: String,
    pub(crate) action: String,
    /// `started`, `finished` or `failed`.
    pub(crate) phase: &'static str,
    pub(crate) key_store: String,
    pub(crate) branch_key_id: String,
    /// The versions that were made or deleted.
    pub(crate) versions: Vec<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<&'static str>,
    /// The program's version.
    pub(crate) dynaseal: &'static str,
}

impl<'a> AuditLog<'a> {
    /// Opens the log before anything is done, so that a disk that is full or a path that is wrong stops the command.
    pub(crate) fn open(path: Option<&'a Path>) -> Result<Self, Error> {
        let open = |path: &'a Path| {
            let file = OpenOptions::new().create(true).append(true).open(path);
            file.map(|file| (file, path)).map_err(|source| failed(path, source))
        };
        Ok(Self { file: path.map(open).transpose()? })
    }

    /// Appends a line and waits until it is on the disk.
    pub(crate) fn write(&mut self, record: &Record) -> Result<(), Error> {
        let Some((file, path)) = &mut self.file else { return Ok(()) };
        let line = serde_json::to_vec(record).map_err(io::Error::from);
        // One write, so that lines of two processes do not mix.
        let written = line.map(|line| [line.as_slice(), b"\n"].concat()).and_then(|line| file.write_all(&line));
        written.and_then(|()| file.sync_data()).map_err(|source| failed(path, source))
    }
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::AuditLog { path: path.to_owned(), source }
}
