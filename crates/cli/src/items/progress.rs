//! A progress bar on stderr, if that is a terminal and the input takes more than a moment.

use std::fs::File;
use std::io::{self, IsTerminal as _, Seek as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Input that is done sooner shows no bar.
const MOMENT: Duration = Duration::from_secs(1);

/// How far the input is.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    started: Instant,
    wanted: bool,
    size: Option<u64>,
    bytes: u64,
}

impl Progress {
    pub(crate) fn new() -> Self {
        let wanted = io::stderr().is_terminal();
        Self { bar: None, started: Instant::now(), wanted, size: wanted.then(stdin_size).flatten(), bytes: 0 }
    }

    /// Counts input that was worked on.
    pub(crate) fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
        if self.wanted && self.bar.is_none() && self.started.elapsed() > MOMENT {
            self.bar = Some(bar(self.size));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.bytes);
        }
    }

    /// Does something on the terminal without the bar in its way.
    pub(crate) fn aside<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(work),
            None => work(),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(size: Option<u64>) -> ProgressBar {
    let (bar, template) = match size {
        Some(size) => (ProgressBar::new(size), "{bar:32} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes}, {bytes_per_sec}"),
    };
    // A template that cannot be read would leave the bar in its own default style.
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// How much is left of stdin, if that is a file.
fn stdin_size() -> Option<u64> {
    #[cfg(unix)]
    let stdin = std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned();
    #[cfg(windows)]
    let stdin = std::os::windows::io::AsHandle::as_handle(&io::stdin()).try_clone_to_owned();
    let mut file = File::from(stdin.ok()?);
    let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
    metadata.len().checked_sub(file.stream_position().ok()?)
}
