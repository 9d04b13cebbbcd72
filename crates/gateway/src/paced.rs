//! A connection whose peer must take what is sent to it: answers that nobody reads would be kept for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::lines::Line;

/// How slow a peer may be: after some grace, so many bytes a second on average.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) grace: Duration,
    pub(crate) rate: usize,
}

impl Pace {
    /// Until when the next byte must have come or gone, of a transfer that began at `start` and is at `bytes`.
    pub(crate) fn deadline(self, start: Instant, bytes: usize) -> Instant {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let rate = u64::try_from(self.rate.max(1)).unwrap_or(u64::MAX);
        let earned = Duration::from_millis(bytes.saturating_mul(1000).checked_div(rate).unwrap_or_default());
        start + self.grace + earned
    }
}

/// A socket that tells its line what was sent, and ends with an error where the peer takes it too slowly.
#[derive(Debug)]
pub(crate) struct Paced {
    stream: TcpStream,
    line: Arc<Line>,
    pace: Pace,
    /// Since when and with how many bytes the peer has made us wait.
    stalled: Option<(Instant, usize, Pin<Box<Sleep>>)>,
}

impl Paced {
    pub(crate) fn new(stream: TcpStream, line: Arc<Line>, pace: Pace) -> Self {
        Self { stream, line, pace, stalled: None }
    }

    fn wrote(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let pace = self.pace;
        match written {
            Poll::Ready(Ok(bytes)) => {
                if self.line.sent(bytes) {
                    self.stalled = None;
                } else if let Some((start, sent, sleep)) = &mut self.stalled {
                    *sent = sent.saturating_add(bytes);
                    sleep.as_mut().reset(pace.deadline(*start, *sent));
                }
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let begin = || {
                    let now = Instant::now();
                    (now, 0, Box::pin(sleep_until(pace.deadline(now, 0))))
                };
                let (.., sleep) = self.stalled.get_or_insert_with(begin);
                ready!(sleep.as_mut().poll(cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        }
    }
}

impl AsyncRead for Paced {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Paced {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.wrote(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
