//! Load, size and time: what keeps one caller from taking the gateway from the others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::reject::Reject;
use crate::settings::Limits;

/// The requests that are worked on and the bytes they hold.
#[derive(Debug)]
pub(crate) struct Load {
    limits: Limits,
    slots: Semaphore,
    buffered: AtomicUsize,
}

impl Load {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, slots: Semaphore::new(limits.in_flight), buffered: AtomicUsize::new(0) }
    }

    /// Takes a place, or turns the request away at once: a queue would only make every caller wait longer.
    pub(crate) fn enter(&self) -> Result<SemaphorePermit<'_>, Reject> {
        self.slots.try_acquire().map_err(|_| Reject::Busy)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.limits.in_flight.saturating_sub(self.slots.available_permits())
    }

    /// Reads a body within its limits of size, time and the memory that all bodies share.
    pub(crate) async fn read(&self, body: &mut Incoming) -> Result<(Vec<u8>, Held<'_>), Reject> {
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > self.limits.body {
            return Err(Reject::BodyTooLong { limit: self.limits.body });
        }
        timeout(self.limits.body_time, self.collect(body, announced)).await.map_err(|_| Reject::BodySlow)?
    }

    async fn collect(&self, body: &mut Incoming, announced: usize) -> Result<(Vec<u8>, Held<'_>), Reject> {
        let mut held = Held { load: self, bytes: 0 };
        let mut bytes = Vec::with_capacity(announced.min(FIRST_BUFFER));
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Reject::BodyCut)?;
            let Some(data) = frame.data_ref() else { continue };
            if bytes.len() + data.len() > self.limits.body {
                return Err(Reject::BodyTooLong { limit: self.limits.body });
            }
            held.add(data.len())?;
            bytes.extend_from_slice(data);
        }
        Ok((bytes, held))
    }
}

/// A share of the memory for bodies, given back when dropped.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    load: &'a Load,
    bytes: usize,
}

impl Held<'_> {
    fn add(&mut self, more: usize) -> Result<(), Reject> {
        self.bytes += more;
        let before = self.load.buffered.fetch_add(more, Ordering::Relaxed);
        if before.saturating_add(more) > self.load.limits.buffered { Err(Reject::Busy) } else { Ok(()) }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.load.buffered.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Reads the rest of a body that nobody wants, so that the caller gets the answer: a connection closed over unread
/// bytes is reset, and the reset can overtake the answer. `false` if the rest is too long or too slow to wait for.
pub(crate) async fn discard(body: &mut Incoming) -> bool {
    if body.is_end_stream() {
        return true;
    }
    let rest = async {
        let mut seen = 0;
        while let Some(Ok(frame)) = body.frame().await {
            seen += frame.data_ref().map_or(0, bytes::Bytes::len);
            if seen > DISCARD_BYTES {
                return false;
            }
        }
        body.is_end_stream()
    };
    timeout(DISCARD_TIME, rest).await.unwrap_or(false)
}

/// What is reserved at first for an announced body; a longer one grows as its bytes arrive.
const FIRST_BUFFER: usize = 256 << 10;
const DISCARD_BYTES: usize = 64 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(5);
