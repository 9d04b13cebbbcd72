//! Lines of the log on their way to standard error: a bounded buffer and one thread that writes it.
//!
//! ```text
//!   calls ── push, never waits ──> buffer ── the thread ──> standard error
//!                │ full                          │ cannot be written
//!                └──────> counted, in /metrics <─┘     and told in one line once it can be written again
//! ```

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

/// The process's log. As long as this lives, and a moment longer at most, what was said is still written.
#[derive(Debug)]
#[must_use = "what was said last is only written if this is kept until the end"]
pub struct Log(Arc<Backlog>);

impl Log {
    /// Starts the thread that writes to standard error.
    pub(crate) fn start() -> io::Result<(Self, Arc<Backlog>)> {
        let backlog = Arc::new(Backlog::default());
        let (writes, mut pen) = (backlog.clone(), Pen { out: standard_error(), is_torn: false, untold: 0 });
        let thread = thread::Builder::new().name("log".to_owned());
        thread.spawn(move || {
            let mut text = Vec::new();
            loop {
                let dropped = writes.take(&mut text);
                pen.write(&text, dropped);
                writes.wrote();
            }
        })?;
        Ok((Self(backlog.clone()), backlog))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.0.wait(LAST_WORDS);
    }
}

/// How many lines were lost since the process began.
pub(crate) fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// The lines that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    held: Mutex<Held>,
    more: Condvar,
    written: Condvar,
}

#[derive(Debug, Default)]
struct Held {
    text: Vec<u8>,
    /// Lines that came when the buffer was full, after those in it.
    dropped: u64,
    is_writing: bool,
}

impl Backlog {
    /// Takes one or more whole lines, or counts them.
    fn push(&self, lines: &[u8]) {
        let mut held = self.held();
        if held.text.len().saturating_add(lines.len()) > MOST {
            let count = count(lines);
            held.dropped = held.dropped.saturating_add(count);
            DROPPED.fetch_add(count, Ordering::Relaxed);
            return;
        }
        held.text.extend_from_slice(lines);
        drop(held);
        self.more.notify_one();
    }

    /// Waits for lines and puts them into `text`; gives how many were dropped after them.
    fn take(&self, text: &mut Vec<u8>) -> u64 {
        let mut held = self.held();
        while held.text.is_empty() {
            held = self.more.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        text.clear();
        std::mem::swap(&mut held.text, text);
        held.is_writing = true;
        std::mem::take(&mut held.dropped)
    }

    fn wrote(&self) {
        self.held().is_writing = false;
        self.written.notify_all();
    }

    /// Waits until all is written, or for so long.
    fn wait(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        let mut held = self.held();
        while held.is_writing || !held.text.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            held = self.written.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        // Nothing in it is left half changed.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for &Backlog {
    /// The formatter hands over each line as a whole.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.push(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes lines out, and accounts for those that it cannot.
struct Pen<W> {
    out: W,
    /// Whether the last line that was written has no end.
    is_torn: bool,
    /// Lines that were lost since that was last told.
    untold: u64,
}

impl<W: Write> Pen<W> {
    fn write(&mut self, text: &[u8], dropped: u64) {
        let lost = self.lines(text);
        DROPPED.fetch_add(lost, Ordering::Relaxed);
        self.untold = self.untold.saturating_add(lost).saturating_add(dropped);
        if lost == 0 && self.untold > 0 && self.lines(told(self.untold).as_bytes()) == 0 {
            self.untold = 0;
        }
    }

    /// Writes whole lines, in pieces that a pipe with several writers takes as one; gives how many could not be written.
    fn lines(&mut self, mut text: &[u8]) -> u64 {
        let mut lost = 0;
        while !text.is_empty() {
            let (lines, rest) = text.split_at_checked(first_lines(text)).unwrap_or((text, &[]));
            if self.is_torn && self.piece(b"\n").is_ok() {
                self.is_torn = false;
            }
            if let Err(unwritten) = self.piece(lines) {
                lost += count(lines.get(unwritten..).unwrap_or_default());
                let written = lines.get(..unwritten).unwrap_or_default();
                self.is_torn |= written.last().is_some_and(|last| *last != b'\n');
            }
            text = rest;
        }
        lost
    }

    /// Writes a piece to its end, or says how much of it was written.
    fn piece(&mut self, piece: &[u8]) -> Result<(), usize> {
        let mut at = 0;
        while let Some(rest) = piece.get(at..).filter(|rest| !rest.is_empty()) {
            match self.out.write(rest) {
                Ok(0) => return Err(at),
                Ok(written) => at += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Whoever shares the descriptor has made it one that does not wait.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(AGAIN),
                Err(_) => return Err(at),
            }
        }
        Ok(())
    }
}

/// How long the first lines are that go out in one piece: at least one.
fn first_lines(text: &[u8]) -> usize {
    let end = |part: &[u8]| part.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
    if text.len() <= PIECE {
        return text.len();
    }
    let fits = text.get(..PIECE).and_then(end);
    fits.or_else(|| text.iter().position(|byte| *byte == b'\n').map(|at| at + 1)).unwrap_or(text.len())
}

fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count().try_into().unwrap_or(u64::MAX)
}

/// The one line that does not come from a caller.
fn told(count: u64) -> String {
    let mut line = String::new();
    // Without a time it is still true.
    let _ = SystemTime.format_time(&mut Writer::new(&mut line));
    line + &format!(
        "  WARN {}: log lines were dropped, since they could not be written lines={count}\n",
        module_path!()
    )
}

/// Standard error under a descriptor of its own: where it is blocked, what others say there does not wait for our lock.
fn standard_error() -> Box<dyn Write + Send> {
    #[cfg(unix)]
    if let Ok(own) = std::os::fd::AsFd::as_fd(&io::stderr()).try_clone_to_owned() {
        return Box::new(std::fs::File::from(own));
    }
    Box::new(io::stderr())
}

static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Some thousand lines; twice as many are held while one half is written.
const MOST: usize = 256 << 10;
/// What POSIX lets a pipe take as one, whoever else writes into it.
const PIECE: usize = 4096;
const AGAIN: Duration = Duration::from_millis(20);
/// How long the end of a process waits for its log.
const LAST_WORDS: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes what it is told to, piece by piece.
    #[derive(Default)]
    struct Moody {
        moods: Vec<io::Result<usize>>,
        text: Vec<u8>,
        pieces: usize,
    }

    impl Write for Moody {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let most = if self.moods.is_empty() { bytes.len() } else { self.moods.remove(0)? };
            let taken = most.min(bytes.len());
            self.text.extend_from_slice(&bytes[..taken]);
            self.pieces += 1;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn pen(moods: Vec<io::Result<usize>>) -> Pen<Moody> {
        Pen { out: Moody { moods, ..Moody::default() }, is_torn: false, untold: 0 }
    }

    fn text(pen: &Pen<Moody>) -> String {
        String::from_utf8(pen.out.text.clone()).unwrap()
    }

    #[test]
    fn a_descriptor_that_does_not_wait_is_asked_again() {
        let wait = || Err(io::ErrorKind::WouldBlock.into());
        let mut pen = pen(vec![wait(), Ok(3), Err(io::ErrorKind::Interrupted.into()), wait(), Ok(9)]);
        pen.write(b"one\ntwo\n", 0);
        assert_eq!((text(&pen).as_str(), pen.untold), ("one\ntwo\n", 0));
    }

    #[test]
    fn a_line_that_was_cut_is_counted_and_the_next_begins_afresh() {
        let full = || Err(io::ErrorKind::StorageFull.into());
        let mut pen = pen(vec![Ok(6), full(), full(), full()]);
        pen.write(b"one\ntwo\nthree\n", 0);
        assert_eq!((text(&pen).as_str(), pen.untold), ("one\ntw", 2));
        pen.write(b"four\n", 0);
        assert_eq!(pen.untold, 3, "still full");
        pen.write(b"five\n", 4);
        let text = text(&pen);
        assert!(text.starts_with("one\ntw\nfive\n20") && text.ends_with("could not be written lines=7\n"), "{text}");
        assert_eq!(text.lines().count(), 4);
    }

    #[test]
    fn pieces_are_whole_lines() {
        let line = "x".repeat(1500) + "\n";
        let long = "y".repeat(5000) + "\n";
        let mut pen = pen(Vec::new());
        pen.write((line.repeat(4) + &long + &line).as_bytes(), 0);
        assert_eq!((pen.out.pieces, pen.out.text.len()), (4, 5 * 1501 + 5001));
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let backlog = Backlog::default();
        let line = [b"x".repeat(1023), b"\n".to_vec()].concat();
        let before = dropped();
        for _ in 0..300 {
            (&backlog).write_all(&line).unwrap();
        }
        let mut text = Vec::new();
        assert_eq!(backlog.take(&mut text), 300 - 256);
        assert!(text.len() == MOST && dropped() - before >= 44);
        let started = Instant::now();
        backlog.wait(Duration::from_millis(50));
        assert!(started.elapsed() >= Duration::from_millis(50), "it is still being written");
        backlog.wrote();
        backlog.wait(LAST_WORDS);
    }
}
