//! Load, size and time: what keeps one caller from taking the gateway from the others.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout, timeout_at};

use crate::encoding::{Encoding, Unpacked};
use crate::lines::{Line, Lines};
use crate::reject::Reject;
use crate::settings::Limits;

/// The requests that are worked on and the bytes they hold.
#[derive(Debug)]
pub(crate) struct Load {
    limits: Limits,
    slots: Semaphore,
    lines: Arc<Lines>,
}

impl Load {
    pub(crate) fn new(limits: Limits, lines: Arc<Lines>) -> Self {
        Self { limits, slots: Semaphore::new(limits.in_flight), lines }
    }

    /// Takes a place, or turns the request away at once: a queue would only make every caller wait longer. Whoever has not
    /// sent its body has none, so that nobody holds one by doing nothing.
    pub(crate) fn enter(&self) -> Result<SemaphorePermit<'_>, Reject> {
        self.slots.try_acquire().map_err(|_| Reject::Busy)
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.limits.in_flight.saturating_sub(self.slots.available_permits())
    }

    /// Reads a body within its limits of size, time, pace and the memory that all bodies share.
    pub(crate) async fn read<'l>(
        &'l self,
        body: &mut Incoming,
        encoding: Encoding,
        line: &'l Line,
    ) -> Result<(Vec<u8>, Held<'l>), Reject> {
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > self.limits.body {
            return Err(Reject::BodyTooLong { limit: self.limits.body });
        }
        let mut held = Held { lines: &self.lines, line, bytes: 0 };
        let reading = self.collect(body, announced, &mut held);
        let mut bytes = timeout(self.limits.body_time, reading).await.map_err(|_| Reject::BodySlow)??;
        if encoding == Encoding::Gzip {
            bytes = self.unpack(bytes, &mut held).await?;
        }
        held.add(weight(&bytes))?;
        Ok((bytes, held))
    }

    async fn collect(&self, body: &mut Incoming, announced: usize, held: &mut Held<'_>) -> Result<Vec<u8>, Reject> {
        let mut bytes = Vec::new();
        let (start, pace) = (Instant::now(), self.limits.pace());
        loop {
            let frame = timeout_at(pace.deadline(start, bytes.len()), body.frame()).await;
            let Some(frame) = frame.map_err(|_| Reject::BodySlow)? else { break };
            let frame = frame.map_err(|_| Reject::BodyCut)?;
            let Some(data) = frame.data_ref() else { continue };
            // Nothing is reserved for what was only announced, and no more than that.
            self.append(data, announced, &mut bytes, held)?;
        }
        Ok(bytes)
    }

    /// What was packed, within the same limits: a few bytes may stand for many.
    async fn unpack(&self, packed: Vec<u8>, held: &mut Held<'_>) -> Result<Vec<u8>, Reject> {
        let (mut bytes, mut room) = (Vec::new(), vec![0; FIRST_BUFFER]);
        let mut unpacked = Unpacked::of(&packed);
        loop {
            let read = unpacked.more(&mut room)?;
            let Some(data) = room.get(..read).filter(|data| !data.is_empty()) else { break };
            self.append(data, self.limits.body, &mut bytes, held)?;
            // Others come in between.
            tokio::task::yield_now().await;
        }
        held.release(packed.capacity());
        Ok(bytes)
    }

    /// Appends to a body. Room for up to `expected` bytes is made in leaps, for more as they come.
    fn append(&self, data: &[u8], expected: usize, bytes: &mut Vec<u8>, held: &mut Held<'_>) -> Result<(), Reject> {
        let length = bytes.len() + data.len();
        if length > self.limits.body {
            return Err(Reject::BodyTooLong { limit: self.limits.body });
        }
        if length > bytes.capacity() {
            let room = length.max((2 * bytes.capacity()).max(FIRST_BUFFER).min(expected));
            held.add(room - bytes.capacity())?;
            bytes.reserve_exact(room - bytes.len());
        }
        bytes.extend_from_slice(data);
        Ok(())
    }
}

/// About how much is made of a body when it is read: something for each value in it.
fn weight(body: &[u8]) -> usize {
    body.iter().filter(|byte| matches!(**byte, b',' | b'{' | b'[')).count().saturating_mul(VALUE)
}

/// A share of the memory for bodies, given back when dropped.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    lines: &'a Lines,
    line: &'a Line,
    bytes: usize,
}

impl Held<'_> {
    fn add(&mut self, more: usize) -> Result<(), Reject> {
        self.bytes += more;
        self.line.holds(self.bytes);
        if self.lines.memory().take(more) {
            return Ok(());
        }
        // This request is turned away, and the next one finds what an idle one held.
        self.lines.free_memory();
        Err(Reject::Busy)
    }

    fn release(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.line.holds(self.bytes);
        self.lines.memory().give_back(bytes);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.line.holds(0);
        self.lines.memory().give_back(self.bytes);
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

/// What is reserved for a body with its first bytes; a longer one grows as its bytes arrive.
const FIRST_BUFFER: usize = 64 << 10;
/// The bytes of a value in memory, with its name.
const VALUE: usize = 64;
const DISCARD_BYTES: usize = 64 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(5);
