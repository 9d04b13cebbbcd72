//! What left and may have been carried out, remembered by the SDK's call.
//!
//! An SDK gives up an attempt whose answer is late or lost and sends the same request again, which is a new call here: the
//! first one's future may have been dropped in the middle of its write. So each write is noted before it is sent, and a later
//! attempt first looks at what became of those of the earlier ones. As long as the item is the version that they were to
//! change, each stands under a guard that none of the others leaves true, so at most one is ever carried out; once it is another version, one of
//! their footers stands in it, or nobody can tell.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dynaseal_keys::{Answer, Call, Io, fingerprint};

use crate::error::Error;
use crate::table::Table;

use super::Modify;
use super::change::Write;
use super::current::{Current, Version};

/// How long an SDK's call is remembered, as long as DynamoDB remembers the token of a transaction; how many are, and how
/// many bytes of old items that their callers asked for.
const REMEMBERED: Duration = Duration::from_secs(600);
const MOST: usize = 32_768;
const MOST_BYTES: usize = 16 << 20;

/// The memory of an engine.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    histories: HashMap<String, History>,
    /// The oldest first.
    ages: VecDeque<(Duration, String)>,
    bytes: usize,
    /// Until when a call that is not found may be one that had to be forgotten with its end unknown.
    unsure_until: Duration,
}

/// What one call has sent.
#[derive(Default)]
struct History {
    /// The version of the item that all the writes were to change.
    before: Option<Version>,
    writes: Vec<Mark>,
    /// The ticket of the one that was answered as carried out.
    carried_out: Option<usize>,
    tickets: usize,
}

/// One write, as far as it can be recognised and answered later.
#[derive(Clone)]
pub(super) struct Mark {
    ticket: usize,
    /// Without what was sent.
    write: Write,
    /// The old item, if the caller wants to see it.
    old: Current,
}

/// What is known of the earlier writes of a call.
pub(super) enum Standing {
    /// None is under way that the guard of the next one does not exclude.
    Open,
    /// This one was carried out.
    Ours(Box<Mark>),
    /// The item is another one, and not by a write that can be recognised.
    Unknown,
}

/// Where the attempts of one call note their writes.
pub(crate) struct Sent<'l> {
    place: Place<'l>,
    now: Duration,
}

enum Place<'l> {
    /// Found again by the next attempt.
    Ledger(&'l Ledger, String),
    /// Of a call that does not say which of an SDK's it belongs to.
    Own(Mutex<History>),
}

impl Ledger {
    /// The place of a call.
    ///
    /// # Errors
    /// It is a later attempt, and what the earlier ones did may have been forgotten.
    pub(crate) fn of(&self, call: &Call, table: &Table, now: Duration) -> Result<Sent<'_>, Error> {
        let Some(invocation) = &call.invocation else {
            return Ok(Sent { place: Place::Own(Mutex::default()), now });
        };
        // With the request, so that no caller is answered for what another one did under the same id.
        let key = fingerprint(&[invocation.id.as_bytes(), call.operation.as_bytes(), &call.body]);
        let memory = lock(&self.0);
        if invocation.attempt > 1 && now < memory.unsure_until && !memory.histories.contains_key(&key) {
            let why = "this is a later attempt, and too many other calls have come since the earlier ones";
            return Err(Error::unsettled(&call.operation, table, why));
        }
        drop(memory);
        Ok(Sent { place: Place::Ledger(self, key), now })
    }
}

impl Sent<'_> {
    /// Whether nothing has left that may have been carried out.
    pub(super) fn is_empty(&self) -> bool {
        self.with(|history| history.writes.is_empty())
    }

    /// Whether the SDK's next attempt will find this.
    pub(super) fn is_remembered(&self) -> bool {
        matches!(self.place, Place::Ledger(..))
    }

    pub(super) fn standing(&self, current: &Current) -> Standing {
        self.with(|history| {
            let known = |mark: &&Mark| Some(mark.ticket) == history.carried_out || mark.write.left(current);
            match history.writes.iter().find(known) {
                Some(mark) => Standing::Ours(Box::new(mark.clone())),
                None if history.allows(current) => Standing::Open,
                None => Standing::Unknown,
            }
        })
    }

    /// Notes a write that is about to be sent. `None` if another attempt of the same call has gone on in the meantime.
    pub(super) fn note(&self, write: &Write, before: &Current) -> Option<usize> {
        self.with(|history| {
            if history.carried_out.is_some() || !history.allows(before) {
                return None;
            }
            history.before = Some(before.version());
            history.tickets = history.tickets.wrapping_add(1);
            let ticket = history.tickets;
            let old = if write.returns.wants_old() { before.clone() } else { Current::none() };
            history.writes.push(Mark { ticket, write: write.to_remember(), old });
            Some(ticket)
        })
    }

    /// That write was refused, and will never be carried out.
    pub(super) fn refused(&self, ticket: usize) {
        self.with(|history| history.writes.retain(|mark| mark.ticket != ticket));
    }

    /// That write was answered as carried out.
    pub(super) fn carried_out(&self, ticket: usize) {
        self.with(|history| history.carried_out = Some(ticket));
    }

    fn with<R>(&self, act: impl FnOnce(&mut History) -> R) -> R {
        match &self.place {
            Place::Own(history) => act(&mut lock(history)),
            Place::Ledger(ledger, key) => lock(&ledger.0).with(key, self.now, act),
        }
    }
}

impl Memory {
    fn with<R>(&mut self, key: &str, now: Duration, act: impl FnOnce(&mut History) -> R) -> R {
        if !self.histories.contains_key(key) {
            self.ages.push_back((now, key.to_owned()));
        }
        let history = self.histories.entry(key.to_owned()).or_default();
        let before = history.bytes();
        let result = act(history);
        self.bytes = self.bytes.saturating_sub(before).saturating_add(history.bytes());
        self.forget(now);
        result
    }

    /// Drops what is too old, and the oldest of what is too much.
    fn forget(&mut self, now: Duration) {
        while let Some((since, key)) = self.ages.front() {
            let until = since.saturating_add(REMEMBERED);
            let is_old = until <= now;
            if !is_old && self.ages.len() <= MOST && (self.bytes <= MOST_BYTES || self.ages.len() == 1) {
                return;
            }
            let history = self.histories.remove(key).unwrap_or_default();
            self.bytes = self.bytes.saturating_sub(history.bytes());
            if !is_old && !history.writes.is_empty() && history.carried_out.is_none() {
                self.unsure_until = self.unsure_until.max(until);
            }
            self.ages.pop_front();
        }
    }
}

impl History {
    /// Whether a write that changes `current` and one of those noted cannot both be carried out.
    fn allows(&self, current: &Current) -> bool {
        self.writes.is_empty() || self.before.as_ref() == Some(&current.version())
    }

    fn bytes(&self) -> usize {
        self.writes.iter().filter_map(|mark| mark.old.text()).map(str::len).sum()
    }
}

impl Mark {
    /// The caller's answer, now that the item is this one.
    pub(super) async fn answer(
        &self,
        operation: &str,
        modify: &Modify<'_, '_>,
        now: Current,
        io: Io<'_>,
    ) -> Result<Answer, Error> {
        if self.write.returns.wants_new() && !self.write.left(&now) {
            let why = "it was carried out, and the item has been changed since, so what it left cannot be shown";
            return Err(Error::unsettled(operation, modify.table, why));
        }
        let now = modify.with_additions(operation, &self.write, now, io).await;
        self.write.recognised(operation, modify, None, (&self.old, &now), io).await
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is whole, so a panic elsewhere does not spoil it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use dynaseal_item::Item;

    use super::*;
    use crate::doc::Object;
    use crate::modify::Returns;

    /// Attempts of one call can be under way at once, when one has waited too long for its turn.
    #[test]
    fn an_attempt_sends_nothing_once_another_one_was_carried_out() {
        let write = Write {
            members: Vec::new(),
            footer: None,
            returns: Returns::of(&Object::default()),
            whole: None,
            needs_mark: false,
            seals: None,
        };
        let ledger = Ledger::default();
        let attempt = |key: &str| Sent { place: Place::Ledger(&ledger, key.to_owned()), now: Duration::ZERO };
        let (one, two) = (attempt("call"), attempt("call"));
        let ticket = one.note(&write, &Current::none()).unwrap();
        // Both may change the same version, of which DynamoDB lets one; another version is neither's.
        assert!(two.note(&write, &Current::of(&Item::new())).is_none());
        assert!(two.note(&write, &Current::none()).is_some());
        one.carried_out(ticket);
        assert!(two.note(&write, &Current::none()).is_none());
        assert!(attempt("another call").note(&write, &Current::none()).is_some());
    }
}
