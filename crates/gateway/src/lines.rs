//! The connections that are open, and which of them keeps the gateway waiting: for a head, for a body, or for reading its
//! answer. Where room is short the one that has done so longest is closed, so that no number of callers who do nothing
//! keeps others out.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::settings::Limits;

/// All open connections.
#[derive(Debug)]
pub(crate) struct Lines {
    start: Instant,
    most: usize,
    most_of_peer: usize,
    memory: Arc<Memory>,
    open: Mutex<Open>,
    freed: Notify,
    closed: AtomicU64,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    lines: HashMap<u64, Arc<Line>>,
    peers: HashMap<IpAddr, usize>,
}

/// The bytes that bodies and unread answers hold.
#[derive(Debug)]
pub(crate) struct Memory {
    used: AtomicUsize,
    most: usize,
}

impl Memory {
    /// Takes a share; `false` if that is more than there is. It is taken all the same, and must be given back.
    pub(crate) fn take(&self, bytes: usize) -> bool {
        let before = self.used.fetch_add(bytes, Ordering::Relaxed);
        before.saturating_add(bytes) <= self.most
    }

    pub(crate) fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Lines {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            start: Instant::now(),
            most: limits.connections,
            most_of_peer: limits.connections_of_peer,
            memory: Arc::new(Memory { used: AtomicUsize::new(0), most: limits.buffered }),
            open: Mutex::default(),
            freed: Notify::new(),
            closed: AtomicU64::new(0),
        }
    }

    pub(crate) fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    /// Waits until another connection can be taken: there is a place, or a connection that may be closed for it, or one
    /// of the places that are kept for probes.
    pub(crate) async fn room(&self) {
        loop {
            let freed = self.freed.notified();
            {
                let open = self.open();
                let places = self.most.saturating_add(KEPT_FOR_PROBES);
                if open.lines.len() < places || open.longest(|_| true).is_some() {
                    return;
                }
            }
            freed.await;
        }
    }

    /// Takes a connection. `None` if its peer has as many at work as it may.
    pub(crate) fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<Place> {
        let peer = whose(peer);
        let mut open = self.open();
        if open.peers.get(&peer).is_some_and(|count| *count >= self.most_of_peer) {
            let longest = open.longest(|line| line.peer == peer)?;
            self.close(&mut open, longest);
        }
        if open.lines.len() >= self.most
            && let Some(longest) = open.longest(|_| true)
        {
            self.close(&mut open, longest);
        }
        let for_probes = open.lines.len() >= self.most;
        if open.lines.len() >= self.most.saturating_add(KEPT_FOR_PROBES) {
            return None;
        }
        let line = Arc::new(Line {
            peer,
            start: self.start,
            memory: self.memory.clone(),
            since: AtomicU64::new(0),
            holds: AtomicUsize::new(0),
            unsent: AtomicUsize::new(0),
            close: Notify::new(),
            turns: AtomicU64::new(0),
            for_probes,
        });
        line.waits();
        let id = open.next;
        open.next = open.next.wrapping_add(1);
        open.lines.insert(id, line.clone());
        let count = open.peers.entry(peer).or_default();
        *count = count.saturating_add(1);
        Some(Place { lines: self.clone(), id, line })
    }

    /// Closes the connection that has held memory longest without taking or giving a byte of it.
    pub(crate) fn free_memory(&self) {
        let mut open = self.open();
        let holds = |line: &Line| line.holds.load(Ordering::Relaxed) > 0 || line.unsent.load(Ordering::Relaxed) > 0;
        if let Some(longest) = open.longest(holds) {
            self.close(&mut open, longest);
        }
    }

    /// How many are open, and how many were closed to make room.
    pub(crate) fn counts(&self) -> (usize, u64) {
        (self.open().lines.len(), self.closed.load(Ordering::Relaxed))
    }

    fn close(&self, open: &mut Open, id: u64) {
        if let Some(line) = open.remove(id) {
            line.close.notify_one();
            self.closed.fetch_add(1, Ordering::Relaxed);
            tracing::debug!("a connection was closed to make room");
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // Nothing in it is left half changed, so a panic elsewhere does not spoil it.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// The connection that has kept us waiting longest.
    fn longest(&self, which: impl Fn(&Line) -> bool) -> Option<u64> {
        let waits = |(id, line): (&u64, &Arc<Line>)| {
            let since = line.since.load(Ordering::Relaxed);
            (since > 0 && which(line)).then_some((since, *id))
        };
        self.lines.iter().filter_map(waits).min().map(|(_, id)| id)
    }

    fn remove(&mut self, id: u64) -> Option<Arc<Line>> {
        let line = self.lines.remove(&id)?;
        if let Some(count) = self.peers.get_mut(&line.peer) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.peers.remove(&line.peer);
            }
        }
        Some(line)
    }
}

/// A connection's place among the open ones, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    lines: Arc<Lines>,
    id: u64,
    line: Arc<Line>,
}

impl Place {
    pub(crate) fn line(&self) -> &Arc<Line> {
        &self.line
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lines.open().remove(self.id);
        self.line.forget_unsent();
        self.lines.freed.notify_one();
    }
}

/// One open connection.
#[derive(Debug)]
pub(crate) struct Line {
    peer: IpAddr,
    start: Instant,
    memory: Arc<Memory>,
    /// Since when we wait for the peer, in milliseconds and one more; 0 while it waits for us.
    since: AtomicU64,
    /// The bytes of its request that are held.
    holds: AtomicUsize,
    /// The bytes of its answers that it has not taken.
    unsent: AtomicUsize,
    /// How often the two sides have changed turns: an even number while the head of a request is awaited.
    turns: AtomicU64,
    close: Notify,
    for_probes: bool,
}

impl Line {
    /// Whether its place is one of those for probes alone.
    pub(crate) fn is_for_probes(&self) -> bool {
        self.for_probes
    }

    /// The head of a request is there: until there is an answer, what arrives is its body.
    pub(crate) fn begins(&self) {
        self.turns.fetch_add(1, Ordering::Relaxed);
        self.works();
    }

    /// The number of the head that is awaited, if one is.
    pub(crate) fn awaited_head(&self) -> Option<u64> {
        Some(self.turns.load(Ordering::Relaxed)).filter(|turns| turns % 2 == 0)
    }

    /// From now on we wait for the peer.
    pub(crate) fn waits(&self) {
        let since = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.since.store(since.saturating_add(1), Ordering::Relaxed);
    }

    /// From now on the peer waits for us.
    pub(crate) fn works(&self) {
        self.since.store(0, Ordering::Relaxed);
    }

    /// Notes how much of a body is held.
    pub(crate) fn holds(&self, bytes: usize) {
        self.holds.store(bytes, Ordering::Relaxed);
    }

    /// An answer of so many bytes is ready for the peer.
    pub(crate) fn answers(&self, bytes: usize) {
        self.turns.fetch_add(1, Ordering::Relaxed);
        self.unsent.fetch_add(bytes, Ordering::Relaxed);
        self.memory.take(bytes);
        self.holds(0);
        self.waits();
    }

    /// Bytes were sent; the heads of answers among them were not counted. Says whether nothing is left to send.
    pub(crate) fn sent(&self, bytes: usize) -> bool {
        let before = self.unsent.load(Ordering::Relaxed);
        let sent = before.min(bytes);
        self.unsent.fetch_sub(sent, Ordering::Relaxed);
        self.memory.give_back(sent);
        if before > 0 && sent == before {
            self.waits();
        }
        sent == before
    }

    /// Ends once the connection is to be closed.
    pub(crate) async fn closed(&self) {
        self.close.notified().await;
    }

    fn forget_unsent(&self) {
        self.memory.give_back(self.unsent.swap(0, Ordering::Relaxed));
    }
}

/// Whom an address stands for: of IPv6 one network of the smallest size that anybody is given.
fn whose(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        other => other,
    }
}

/// Places beyond the limit, for health and metrics.
const KEPT_FOR_PROBES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(connections: usize, connections_of_peer: usize) -> Arc<Lines> {
        Arc::new(Lines::new(&Limits { connections, connections_of_peer, buffered: 100, ..Limits::default() }))
    }

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    async fn is_closed(place: &Place) -> bool {
        tokio::time::timeout(std::time::Duration::from_millis(20), place.line().closed()).await.is_ok()
    }

    #[tokio::test]
    async fn the_one_that_waited_longest_makes_room() {
        let lines = lines(2, 2);
        let first = lines.enter(peer("10.0.0.1")).unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        let second = lines.enter(peer("10.0.0.2")).unwrap();
        first.line().works();
        let third = lines.enter(peer("10.0.0.3")).unwrap();
        assert!(is_closed(&second).await && !is_closed(&first).await);
        third.line().works();
        // Nobody waits: what is left is for probes.
        let probes: Vec<_> =
            (0..KEPT_FOR_PROBES).map(|_| lines.enter(peer("10.0.0.4")).inspect(|place| place.line().works())).collect();
        assert_eq!(probes.iter().flatten().count(), 2, "one peer has no more than two");
        assert!(probes.iter().flatten().all(|place| place.line().is_for_probes()));
        drop(first);
        assert!(!lines.enter(peer("10.0.0.5")).unwrap().line().is_for_probes() || lines.counts().0 > 2);
    }

    #[tokio::test]
    async fn a_peer_makes_room_for_itself_alone() {
        let lines = lines(10, 2);
        let other = lines.enter(peer("10.0.0.9")).unwrap();
        let mine: Vec<_> = ["2001:db8::1", "2001:db8::2"].map(|text| lines.enter(peer(text)).unwrap()).into();
        mine[1].line().works();
        let third = lines.enter(peer("2001:db8::3")).unwrap();
        assert!(is_closed(&mine[0]).await && !is_closed(&other).await);
        third.line().works();
        assert!(lines.enter(peer("2001:db8::4")).is_none());
        assert!(lines.enter(peer("2001:db8:0:1::4")).is_some());
        drop((mine, third));
        assert!(lines.enter(peer("2001:db8::4")).is_some());
    }

    #[tokio::test]
    async fn unread_answers_give_their_memory_back() {
        let lines = lines(10, 10);
        let (one, two) = (lines.enter(peer("10.0.0.1")).unwrap(), lines.enter(peer("10.0.0.2")).unwrap());
        one.line().answers(80);
        two.line().works();
        assert!(!lines.memory().take(40));
        lines.memory().give_back(40);
        lines.free_memory();
        assert!(is_closed(&one).await && !is_closed(&two).await);
        one.line().sent(30);
        drop(one);
        assert!(lines.memory().take(100));
    }
}
