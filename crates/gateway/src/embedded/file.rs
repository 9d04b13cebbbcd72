//! The file of an embedded database: looked at before the engine opens it, since the engine puts its tables into whatever
//! SQLite database it is given.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use dynoxide::Database;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::{DatabaseFault, Error};

/// Opens a database of ours, or makes one where there is none.
pub(super) fn open(path: &Path) -> Result<Database, Error> {
    let name = path.to_str().ok_or_else(|| Error::DatabaseName { path: path.to_owned() })?;
    let refused = |fault| Error::Database { path: path.display().to_string(), fault };
    look(path, name).map_err(refused)?;
    Database::new(name).map_err(|error| refused(of_engine(&error.to_string())))
}

/// Takes what is absent, empty or ours.
fn look(path: &Path, name: &str) -> Result<(), DatabaseFault> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(DatabaseFault::NoFolder(folder.to_owned()));
    }
    let found = match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(DatabaseFault::Unreadable)?,
    };
    if found.is_dir() {
        return Err(DatabaseFault::Folder);
    }
    if !found.is_file() {
        return Err(DatabaseFault::NoFile);
    }
    if found.len() == 0 {
        return Ok(());
    }
    let mut begins = [0; MAGIC.len()];
    let read = File::open(path).map_err(DatabaseFault::Unreadable)?.read_exact(&mut begins);
    if read.is_err() || begins != *MAGIC {
        return Err(DatabaseFault::NotDatabase);
    }
    match is_ours(path, name) {
        Ok(true) => Ok(()),
        Ok(false) => Err(DatabaseFault::Foreign),
        Err(error) => Err(of_look(&error)),
    }
}

/// Whether the engine's tables are in it, or nothing at all.
fn is_ours(path: &Path, name: &str) -> rusqlite::Result<bool> {
    let database = connect(path, name)?;
    let number = |sql| database.query_row(sql, [], |row| row.get::<_, i64>(0));
    // No engine of ours has set one.
    if number("PRAGMA application_id")? != 0 {
        return Ok(false);
    }
    if number("SELECT count(*) FROM sqlite_master")? == 0 {
        return Ok(true);
    }
    Ok(number(TABLES)? == TABLES_COLUMNS && number(CONFIG)? == CONFIG_COLUMNS)
}

/// Opens it to read only. Where no other process's log lies beside it, nothing is locked and no file is made beside it.
fn connect(path: &Path, name: &str) -> rusqlite::Result<Connection> {
    let log = PathBuf::from(format!("{name}-wal"));
    let is_alone = fs::metadata(log).map_or(true, |log| log.len() == 0);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if cfg!(unix) && is_alone {
        let uri = format!("file:{}?immutable=1", escaped(name));
        return Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI);
    }
    Connection::open_with_flags(path, flags)
}

/// A path as a URI has it.
fn escaped(path: &str) -> String {
    let escape = |byte: u8| match byte {
        b'/' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02x}"),
    };
    path.bytes().map(escape).collect()
}

fn of_look(error: &rusqlite::Error) -> DatabaseFault {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => DatabaseFault::Damaged,
        _ => of_engine(&error.to_string()),
    }
}

/// The engine's texts are for who programs it.
fn of_engine(text: &str) -> DatabaseFault {
    let says = |words: &[&str]| words.iter().any(|words| text.contains(words));
    if says(&["readonly database", "unable to open database file"]) {
        DatabaseFault::ReadOnly
    } else if says(&["database is locked"]) {
        DatabaseFault::Locked
    } else if says(&["disk is full"]) {
        DatabaseFault::NoRoom
    } else if says(&["malformed", "not a database", "not a valid SQLite database"]) {
        DatabaseFault::Damaged
    } else {
        DatabaseFault::Engine(text.to_owned())
    }
}

/// How a file of SQLite begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The engine's table of tables has had these columns from its first version on.
const TABLES: &str = "SELECT count(*) FROM pragma_table_info('_tables') \
                      WHERE name IN ('table_name', 'key_schema', 'attribute_definitions', 'created_at')";
const TABLES_COLUMNS: i64 = 4;
const CONFIG: &str = "SELECT count(*) FROM pragma_table_info('_config') WHERE name IN ('key', 'value')";
const CONFIG_COLUMNS: i64 = 2;
