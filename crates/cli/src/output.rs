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
