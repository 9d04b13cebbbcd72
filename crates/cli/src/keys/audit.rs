//! The audit log: what was done to branch keys, one JSON object a line, on the disk before the command says it is done.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

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
    /// `started`, `finished` or `failed`. What has started and neither finished nor failed was interrupted: the key store
    /// says whether it was done.
    pub(crate) phase: &'static str,
    pub(crate) key_store: String,
    /// None of the table itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) branch_key_id: String,
    /// The versions that are to be made or deleted, or that were.
    pub(crate) versions: Vec<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<&'static str>,
    /// The program's version.
    pub(crate) dynaseal: &'static str,
}

impl<'a> AuditLog<'a> {
    /// Opens the log before anything is done, so that a disk that is full or a path that is wrong stops the command. What
    /// is there already must be such a log: what is appended would ruin another file, and one that is no file may take a
    /// line without keeping it, or never take it.
    pub(crate) fn open(path: Option<&'a Path>) -> Result<Self, Error> {
        Ok(Self { file: path.map(|path| Ok::<_, Error>((opened(path)?, path))).transpose()? })
    }

    /// Appends a line and waits until it is on the disk.
    pub(crate) fn write(&mut self, record: &Record) -> Result<(), Error> {
        let Some((file, path)) = &mut self.file else { return Ok(()) };
        append(file, record).map_err(|source| failed(path, source))
    }
}

fn append(file: &mut File, record: &Record) -> io::Result<()> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    // A line that a full disk cut off keeps its place and takes no other with it.
    if is_cut_off(file)? {
        line.insert(0, b'\n');
    }
    // One write, so that lines of two processes do not mix.
    file.write_all(&line)?;
    file.sync_data()
}

fn is_cut_off(file: &mut File) -> io::Result<bool> {
    let Some(last) = file.metadata()?.len().checked_sub(1) else { return Ok(false) };
    let mut byte = [0];
    file.seek(SeekFrom::Start(last))?;
    file.read_exact(&mut byte)?;
    Ok(byte != *b"\n")
}

fn opened(path: &Path) -> Result<File, Error> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => Some(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(failed(path, source)),
    };
    // Looked at before it is opened: to open a pipe is to wait for its reader.
    if let Some(found) = &found {
        regular(path, found)?;
    }
    let file = OpenOptions::new().create(true).read(true).append(true).open(path);
    let mut file = file.map_err(|source| failed(path, source))?;
    let named = fs::symlink_metadata(path).map_err(|source| failed(path, source))?;
    regular(path, &named)?;
    let is_ours = is_log(&mut file).map_err(|source| failed(path, source))?;
    if !is_ours {
        return Err(unfit(path, "is another file: what stands in it is not what `dynaseal keys` writes"));
    }
    if found.is_none() {
        remember(path).map_err(|source| failed(path, source))?;
    }
    Ok(file)
}

fn regular(path: &Path, found: &Metadata) -> Result<(), Error> {
    if found.is_symlink() {
        return Err(unfit(path, "is a symbolic link, which may lead to another file tomorrow"));
    }
    if found.is_file() { Ok(()) } else { Err(unfit(path, "is no regular file, so it keeps nothing")) }
}

/// Whether a file is empty or begins with records. The first of them may be cut off; then the next one tells, or how it begins.
fn is_log(file: &mut File) -> io::Result<bool> {
    let mut start = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    Read::take(&mut *file, LOOK).read_to_end(&mut start)?;
    let text = String::from_utf8_lossy(&start);
    if start.is_empty() {
        return Ok(true);
    }
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let read = lines.find_map(|line| serde_json::from_str::<Value>(line).ok());
    Ok(read.map_or_else(|| text.starts_with(BEGINNING) || BEGINNING.starts_with(&*text), |record| is_record(&record)))
}

fn is_record(record: &Value) -> bool {
    ["time", "action", "phase", "key_store", "dynaseal"]
        .iter()
        .all(|name| record.get(name).is_some_and(Value::is_string))
}

/// Has the folder keep the name of a new file.
fn remember(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::AuditLog { path: path.to_owned(), source }
}

fn unfit(path: &Path, what: &'static str) -> Error {
    Error::AuditFile { path: path.to_owned(), what }
}

/// How each record begins.
const BEGINNING: &str = "{\"time\":\"";
/// How much of a file is looked at: some hundred records, or one of a branch key with a thousand versions.
const LOOK: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            time: "2024-01-01T00:00:00.000000Z".into(),
            action: "rotate".into(),
            phase: "started",
            key_store: "KeyStore".into(),
            branch_key_id: "acme".into(),
            versions: Vec::new(),
            code: None,
            dynaseal: "0.1.0",
        }
    }

    #[test]
    fn only_an_empty_file_or_a_log_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let line = serde_json::to_string(&record()).unwrap();
        let half = &line[..line.len() / 2];
        for (text, taken) in [
            ("", true),
            (line.as_str(), true),
            (half, true),
            (&line[..3], true),
            (&format!("{half}\n{line}\n"), true),
            (&format!("{line}\n{half}"), true),
            ("[keys.tenants]\ntype = \"hierarchical\"\n", false),
            ("{\"time\":1,\"level\":30,\"msg\":\"x\"}\n", false),
            ("{\"id\":{\"S\":\"1\"}}\n", false),
            ("\n", false),
            ("SQLite format 3\0", false),
            ("\u{0}\u{ff}", false),
        ] {
            fs::write(&path, text).unwrap();
            let mut log = match AuditLog::open(Some(&path)) {
                Ok(log) if taken => log,
                Err(error) if !taken => {
                    assert_eq!(error.code(), "DSL-8016", "{text:?}");
                    assert_eq!(fs::read_to_string(&path).unwrap(), text);
                    continue;
                }
                other => panic!("{text:?}: {:?}", other.err()),
            };
            log.write(&record()).unwrap();
            log.write(&record()).unwrap();
            let written = fs::read_to_string(&path).unwrap();
            assert!(
                written.starts_with(text) && written.ends_with(&format!("\n{line}\n{line}\n")) || text.is_empty(),
                "{written}"
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_refused_and_never_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let [pipe, link, file] = ["pipe", "link", "file"].map(|name| folder.path().join(name));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        fs::write(&file, "").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        for path in [&pipe, &link, folder.path(), Path::new("/dev/null")] {
            let error = AuditLog::open(Some(path)).err().unwrap();
            assert_eq!(error.code(), "DSL-8016", "{}", path.display());
        }
        assert!(AuditLog::open(Some(&file)).is_ok());
    }
}
