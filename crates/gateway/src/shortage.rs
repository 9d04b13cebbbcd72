//! What runs short: told once when it begins, and a while later how often it was met since.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

/// What ran short lately, and how often since it was told. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shortages(Arc<Mutex<HashMap<&'static str, u64>>>);

impl Shortages {
    /// Notes that something was met that keeps calls from being carried out.
    pub(crate) fn meet(&self, what: &'static str) {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(what) {
            Entry::Occupied(mut met) => {
                *met.get_mut() = met.get().saturating_add(1);
                return;
            }
            Entry::Vacant(first) => first.insert(0),
        };
        tracing::warn!("{what}");
        if let Ok(runtime) = Handle::try_current() {
            let this = self.clone();
            runtime.spawn(async move {
                tokio::time::sleep(COUNTED_AFTER).await;
                this.count(what);
            });
        }
    }

    fn count(&self, what: &'static str) {
        let count = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(what);
        if let Some(count) = count.filter(|count| *count > 0) {
            tracing::warn!(count, seconds = COUNTED_AFTER.as_secs(), "again: {what}");
        }
    }
}

/// The limit that kept a connection from being accepted; `None` if it was the connection's own end.
pub(crate) fn of_accept(error: &io::Error) -> Option<&'static str> {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::MFILE) => return Some(OWN_FILES),
            Some(Errno::NFILE) => {
                return Some("connections wait: this machine has no room for another open file (fs.file-max)");
            }
            Some(Errno::NOBUFS | Errno::NOMEM) => {
                return Some("connections wait: this machine has no memory for another socket");
            }
            _ => {}
        }
    }
    match error.kind() {
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted => None,
        _ => Some("connections wait: none could be accepted"),
    }
}

/// What SQLite says in each case, as `sqlite3_errstr` words it: the embedded engine hands on its texts, not all its codes.
pub(crate) fn of_database(error: &str) -> Option<&'static str> {
    DATABASE.iter().find(|(text, _)| error.contains(text)).map(|(_, what)| *what)
}

const DATABASE: [(&str, &str); 6] = [
    ("database or disk is full", "no room on the disk of the embedded database: calls that write fail"),
    ("readonly database", "the embedded database cannot be written: calls that write fail"),
    ("unable to open database file", "the embedded database's files cannot be opened: calls fail"),
    ("database is locked", "another process holds the embedded database: calls fail"),
    ("disk image is malformed", "the embedded database is damaged: calls fail"),
    ("disk I/O error", "the disk of the embedded database cannot be read or written: calls fail"),
];

const OWN_FILES: &str = "connections wait: this process has as many files open as it may (ulimit -n)";
const COUNTED_AFTER: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_met_again_is_counted_once_a_while_later() {
        let shortages = Shortages::default();
        let count = |what| shortages.0.lock().unwrap().get(what).copied();
        for _ in 0..300 {
            shortages.meet("a");
        }
        shortages.meet("b");
        assert_eq!((count("a"), count("b")), (Some(299), Some(0)));
        tokio::time::sleep(COUNTED_AFTER + Duration::from_secs(1)).await;
        assert_eq!((count("a"), count("b")), (None, None), "told, so that it is told again");
        shortages.meet("a");
        assert_eq!(count("a"), Some(0));
    }

    #[cfg(unix)]
    #[test]
    fn a_limit_is_named_and_a_lost_connection_is_none() {
        let of = |errno: rustix::io::Errno| of_accept(&io::Error::from_raw_os_error(errno.raw_os_error()));
        assert!(of(rustix::io::Errno::MFILE).unwrap().contains("ulimit -n"));
        assert!(of(rustix::io::Errno::NFILE).unwrap().contains("this machine"));
        assert!(of(rustix::io::Errno::PERM).is_some());
        assert_eq!(of(rustix::io::Errno::CONNABORTED), None);
    }
}
