//! What a configuration may ask of the world outside.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

/// Environment and files, passed in so that tests need neither.
pub trait Outside {
    /// An environment variable.
    fn env(&self, name: &str) -> Option<String>;

    /// The contents of a file, which must be a regular one of reasonable length.
    ///
    /// # Errors
    /// The file cannot be read, or is not such.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Whether users other than its owner can read a file.
    fn others_can_read(&self, path: &Path) -> bool;

    /// Whether any user can write to a file, or put another one in its place.
    fn others_can_write(&self, _path: &Path) -> bool {
        false
    }
}

/// The environment and files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl Outside for Machine {
    fn env(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        // Before it is opened: a pipe would be waited for, and a device may never end.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut bytes = Vec::with_capacity(usize::try_from(length.min(LONGEST)).unwrap_or_default());
        if file.take(LONGEST + 1).read_to_end(&mut bytes)? > usize::try_from(LONGEST).unwrap_or(usize::MAX) {
            return Err(io::Error::other("it is longer than 4 MiB"));
        }
        Ok(bytes)
    }

    #[cfg(unix)]
    fn others_can_read(&self, path: &Path) -> bool {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o044 != 0)
    }

    #[cfg(not(unix))]
    fn others_can_read(&self, _: &Path) -> bool {
        false
    }

    /// The file itself, and the folders that its name and what it leads to stand in. In a folder such as `/tmp` nobody can
    /// put a file in the place of another user's.
    #[cfg(unix)]
    fn others_can_write(&self, path: &Path) -> bool {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).map_or(0, |meta| meta.permissions().mode());
        let folder = |path: &Path| match path.parent() {
            Some(folder) if folder.as_os_str().is_empty() => mode(Path::new(".")),
            Some(folder) => mode(folder),
            None => 0,
        };
        let open = |mode: u32| mode & 0o1002 == 0o002;
        let target = fs::canonicalize(path).ok();
        mode(path) & 0o002 != 0 || open(folder(path)) || target.is_some_and(|target| open(folder(&target)))
    }
}

/// More than any configuration has.
const LONGEST: u64 = 4 << 20;

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "a helper of a test may panic, as the test may")]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn only_regular_files_of_reasonable_length_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let refused = |path: &Path| Machine.read(path).unwrap_err().to_string();
        assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        symlink("/dev/zero", at("link")).unwrap();
        for irregular in [at("pipe"), at("link"), "/dev/zero".into(), folder.path().into()] {
            assert_eq!(refused(&irregular), "it is not a regular file", "{irregular:?}");
        }
        let longest = usize::try_from(LONGEST).unwrap();
        fs::write(at("long"), vec![b'#'; longest + 1]).unwrap();
        assert_eq!(refused(&at("long")), "it is longer than 4 MiB");
        fs::write(at("right"), vec![b'#'; longest]).unwrap();
        symlink("right", at("other")).unwrap();
        assert_eq!(Machine.read(&at("other")).unwrap().len(), longest);
    }

    #[test]
    fn who_can_write_to_a_folder_can_write_to_its_files() {
        let outer = tempfile::tempdir().unwrap();
        let (folder, file) = (outer.path().join("keys"), outer.path().join("keys/one.key"));
        fs::create_dir(&folder).unwrap();
        fs::write(&file, "").unwrap();
        let link = outer.path().join("link");
        symlink(&file, &link).unwrap();
        let chmod = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        for (of_folder, of_file, expected) in [
            (0o755, 0o644, false),
            (0o775, 0o664, false),
            (0o755, 0o646, true),
            (0o777, 0o600, true),
            (0o1777, 0o600, false),
            (0o1777, 0o602, true),
        ] {
            chmod(&folder, of_folder);
            chmod(&file, of_file);
            for path in [&file, &link] {
                assert_eq!(Machine.others_can_write(path), expected, "{of_folder:o} {of_file:o} {path:?}");
            }
        }
    }
}
