//! New files that are there as a whole or not at all, however the process, the disk or the machine ends.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Writes a file that is not there yet; `false` if there is one. `mode` is what Unix lets whom do with it.
pub(crate) fn create(path: &Path, mode: u32, bytes: &[u8]) -> io::Result<bool> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut making = tempfile::Builder::new();
    making.prefix(".dynaseal-").suffix(".new");
    #[cfg(unix)]
    making.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    // Until it has its name, it is removed again if anything fails.
    let mut made = making.tempfile_in(folder)?;
    made.write_all(bytes)?;
    made.as_file().sync_all()?;
    match made.persist_noclobber(path) {
        Ok(_) => {}
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(error.error),
    }
    // The name lasts once its folder does. Not every system lets a folder be opened.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_never_overwritten_and_nothing_lies_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        assert!(create(&file, 0o600, b"first").unwrap());
        assert!(!create(&file, 0o600, b"second").unwrap());
        assert_eq!(fs::read(&file).unwrap(), b"first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(create(&folder.path().join("nowhere/key"), 0o600, b"x").is_err());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
