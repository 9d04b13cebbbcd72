//! A connection whose peer must take what is sent to it, since answers that nobody reads would be kept for ever; and that must
//! end a request's head in time once it has begun one.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::lines::Line;
use crate::settings::Limits;

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
    head_time: Duration,
    /// Of the head that has begun to arrive, its number and when it must be there.
    head: Option<(u64, Pin<Box<Sleep>>)>,
    /// Since when and with how many bytes the peer has made us wait.
    stalled: Option<(Instant, usize, Pin<Box<Sleep>>)>,
}

impl Paced {
    pub(crate) fn new(stream: TcpStream, line: Arc<Line>, limits: &Limits) -> Self {
        Self { stream, line, pace: limits.pace(), head_time: limits.head_time, head: None, stalled: None }
    }

    /// Ready once a head that has begun has not ended in time. `came` says whether bytes have just arrived.
    fn head_is_late(&mut self, cx: &mut Context<'_>, came: bool) -> Poll<()> {
        let awaited = self.line.awaited_head();
        if self.head.as_ref().is_some_and(|(number, _)| Some(*number) != awaited) {
            self.head = None;
        }
        if let Some(number) = awaited.filter(|_| came && self.head.is_none()) {
            self.head = Some((number, Box::pin(sleep(self.head_time))));
        }
        match &mut self.head {
            Some((_, sleep)) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
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
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        if self.head_is_late(cx, into.filled().len() > before).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
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
