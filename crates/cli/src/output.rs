//! Standard output and standard error, written so that nothing is lost without a word.
//!
//! The standard library takes it for a success when a descriptor cannot be written because it is closed or open for reading
//! alone, so these go to the descriptor as a file.

use std::io::{self, Write};

use crate::error::Error;

/// Where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// What was asked for.
    Out,
    /// What is to be said of it.
    Err,
}

impl Stream {
    /// Writes all of it, at once.
    pub(crate) fn write(self, text: &[u8]) -> Result<(), Error> {
        if text.is_empty() {
            return Ok(());
        }
        self.write_all(text).map_err(|source| Error::Output { name: self.name(), source })
    }

    fn name(self) -> &'static str {
        match self {
            Stream::Out => "stdout",
            Stream::Err => "stderr",
        }
    }

    #[cfg(unix)]
    fn write_all(self, text: &[u8]) -> io::Result<()> {
        use std::os::fd::AsFd as _;
        let file = match self {
            Stream::Out => io::stdout().as_fd().try_clone_to_owned(),
            Stream::Err => io::stderr().as_fd().try_clone_to_owned(),
        };
        std::fs::File::from(file?).write_all(text)
    }

    /// A console wants its own encoding, which the standard library sees to.
    #[cfg(not(unix))]
    fn write_all(self, text: &[u8]) -> io::Result<()> {
        match self {
            Stream::Out => {
                let mut out = io::stdout().lock();
                out.write_all(text).and_then(|()| out.flush())
            }
            Stream::Err => io::stderr().lock().write_all(text),
        }
    }
}

/// Whether standard output is the null device, open for reading, too. Rust's runtime opens it like that in the place of a
/// descriptor that was closed when the program began, so nobody can tell whether it was; whoever throws an output away on
/// purpose writes `> /dev/null`, which is open for writing alone.
#[cfg(feature = "items")]
pub(crate) fn leads_nowhere() -> bool {
    let is_null = std::fs::read_link("/proc/self/fd/1").is_ok_and(|file| file == std::path::Path::new("/dev/null"));
    let said = std::fs::read_to_string("/proc/self/fdinfo/1").unwrap_or_default();
    let flags = said.lines().find_map(|line| u32::from_str_radix(line.strip_prefix("flags:")?.trim(), 8).ok());
    // The last two bits: 0 to read, 1 to write, 2 both.
    is_null && flags.is_some_and(|flags| flags & 3 == 2)
}

/// Standard output for what wants a [`Write`].
#[cfg(feature = "dev")]
#[derive(Debug)]
pub(crate) struct Stdout;

#[cfg(feature = "dev")]
impl Write for Stdout {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        Stream::Out.write_all(text).map(|()| text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
