//! A file system that is so small that it fills up: a tmpfs, where the user who runs the tests may mount one.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A mounted file system. It is unmounted when this is dropped.
#[derive(Debug)]
pub struct FullDisk {
    folder: TempDir,
}

impl FullDisk {
    /// One of so many bytes; `None` with a word on stderr where nothing can be mounted.
    #[must_use]
    pub fn mount(bytes: usize) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let size = format!("size={bytes}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path());
        if mount.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            return Some(Self { folder });
        }
        eprintln!("skipped: a small file system cannot be mounted here (that needs root)");
        None
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all that is free.
    pub fn fill(&self) {
        let mut filler = File::create(self.filler()).expect("a file");
        // By pages first, then by bytes, until nothing more fits.
        for size in [4096, 1] {
            while filler.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// Gives it back.
    pub fn empty(&self) {
        fs::remove_file(self.filler()).expect("a filler");
    }

    /// Lets nobody write from now on, whoever they are.
    pub fn make_read_only(&self) {
        let mounted = Command::new("mount").args(["-o", "remount,ro"]).arg(self.path()).status();
        assert!(mounted.is_ok_and(|status| status.success()), "the file system cannot be mounted again");
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }
}

impl Drop for FullDisk {
    fn drop(&mut self) {
        // Lazily: a child that still runs in it does not keep it.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_full_until_it_is_emptied() {
        let Some(disk) = FullDisk::mount(256 << 10) else { return };
        let folder = disk.path().to_owned();
        disk.fill();
        assert!(fs::write(folder.join("more"), "x").is_err());
        disk.empty();
        fs::write(folder.join("more"), "x").unwrap();
        drop(disk);
        assert!(!folder.exists());
    }
}
