//! What a configuration may ask of the world outside.

use std::io;
use std::path::Path;

/// Environment and files, passed in so that tests need neither.
pub trait Outside {
    /// An environment variable.
    fn env(&self, name: &str) -> Option<String>;

    /// The contents of a file.
    ///
    /// # Errors
    /// The file cannot be read.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Whether users other than its owner can read a file.
    fn others_can_read(&self, path: &Path) -> bool;
}

/// The environment and files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl Outside for Machine {
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    #[cfg(unix)]
    fn others_can_read(&self, path: &Path) -> bool {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o044 != 0)
    }

    #[cfg(not(unix))]
    fn others_can_read(&self, _: &Path) -> bool {
        false
    }
}
