//! Writes that depend on plaintext: read the item, decide here, and write under a guard that fails if the item changed in
//! between. A lost race is decided again; a lost answer is recognised by our own footer.
//!
//! ```text
//!  Modify ── read ──> Current ── open ──> condition holds? ── no ──> ConditionalCheckFailedException
//!               ^                              | yes
//!               |                           change.rs: seal, guard.rs ──(mark.rs)── write ──> answer, opened
//!               └────── someone was faster <──────────────────────────────────────────┘
//! ```
//!
//! A guard names attributes, so it cannot say that no other one was added. Where that matters, because an item that was
//! unsealed is sealed as a whole, the item is marked first.

mod adopt;
pub(crate) mod by_key;
mod change;
mod current;
mod guard;
mod mark;
mod returns;
mod sent;
mod settle;
mod transact;
mod turns;
mod update;

use std::time::Duration;

use dynaseal_item::{Item, Kind, json};
use dynaseal_keys::{Answer, Call, Io, Service, WireError};

use crate::answers::{self, Failed};
use crate::crew::Crew;
use crate::doc::{Node, Object};
use crate::error::Error;
use crate::expr::error::Error as Fault;
use crate::expressions::Expressions;
use crate::plan::{Reply, View};
use crate::reply;
use crate::table::Table;

pub(crate) use adopt::{Update as AdoptingUpdate, adopt};
pub(crate) use change::Change;
use change::Write;
use current::{Current, FOOTER};
use mark::{Mark, Marked};
pub(crate) use returns::Returns;
pub(crate) use sent::Ledger;
use sent::{Sent, Standing};
use settle::Written;
pub(crate) use transact::{Entry, Transact};
pub(crate) use turns::Turns;
pub(crate) use update::Split;

/// A write of one item whose condition or change needs plaintext.
#[derive(Debug)]
pub(crate) struct Modify<'e, 'a> {
    pub(crate) table: &'e Table,
    /// The table as the request names it, a JSON string.
    pub(crate) table_name: &'a str,
    /// The item's key, an object of attribute values.
    pub(crate) key: String,
    /// The members of the request that are neither item nor expressions.
    pub(crate) body: Object<'a>,
    pub(crate) change: Change<'a>,
    pub(crate) expressions: Expressions,
    /// The attributes that are read here. Unsigned ones can change without the footer, and so can one that is not there.
    pub(crate) reads: Vec<String>,
    /// Whether the caller wants the item on which a condition failed.
    pub(crate) show_item: bool,
    /// Whether DynamoDB can do it to an item that is there: an update of unsigned attributes. One that it makes must be
    /// sealed.
    pub(crate) natively_first: bool,
}

/// How often a write is tried before the caller is told to come back.
pub(crate) const TRIES: u32 = 12;
/// After how many lost races the next try comes at once. The loser knows the item by then and the next writer must still
/// read it, so writers take turns; a pause would let the others in first.
const AT_ONCE: u32 = 2;
/// The longest pause after the first try; it doubles from try to try, up to [`LONGEST`].
const PAUSE: Duration = Duration::from_millis(4);
const LONGEST: Duration = Duration::from_millis(200);
const CHANGED: &str = "its answer was lost, and the item has been changed since";

/// What was decided.
enum Decision {
    Write(Write),
    /// The condition does not hold, in DynamoDB's words.
    ConditionFailed(Answer),
    /// There is nothing to take away from.
    Nothing,
    /// The item does not allow it, such as adding to a string.
    Invalid(Fault),
}

impl Modify<'_, '_> {
    /// A read and a write for each try.
    pub(crate) const CALLS: u32 = 2;
    /// The same with a mark in between.
    pub(crate) const MARKED_CALLS: u32 = 3;

    pub(crate) async fn carry_out(
        self,
        operation: &str,
        turns: &Turns,
        sent: &Sent<'_>,
        io: Io<'_>,
    ) -> Result<Answer, Error> {
        if self.natively_first
            && sent.is_empty()
            && let Some(answer) = self.natively(operation, io).await?
        {
            return Ok(answer);
        }
        // Writers of one gateway take turns, so that they race only with those of other gateways, and with one that hangs.
        let _turn = turns.take(self.table.name(), &self.key, io.clock).await;
        match self.decided(operation, sent, io).await {
            // The SDK's next attempt finds what left; whoever else would send this again would do it once more.
            Err(error) if error.kind() == Kind::Outage && !sent.is_empty() && !sent.is_remembered() => {
                Err(self.unsettled(operation, error))
            }
            result => result,
        }
    }

    /// Reads, decides and writes, until it is done or nobody can tell.
    async fn decided(&self, operation: &str, sent: &Sent<'_>, io: Io<'_>) -> Result<Answer, Error> {
        let (mut known, mut unanswered, mut last) = (None, None, None);
        for attempt in 0..TRIES {
            let current = match known.take() {
                Some(current) => current,
                None => match self.read(operation, io).await? {
                    Ok(current) => current,
                    Err(answer) => return self.not_read(operation, answer, io).await,
                },
            };
            match sent.standing(&current) {
                Standing::Open => {}
                Standing::Ours(ours) => return ours.answer(operation, self, current, io).await,
                Standing::Unknown => return Err(Error::unsettled(operation, self.table, CHANGED)),
            }
            let mark = Mark::kept_or_fresh(last.take(), &current, operation)?;
            let write = match self.decide(operation, &current, &mark, io).await? {
                Decision::Write(write) => write,
                Decision::ConditionFailed(answer) => return Ok(answer),
                Decision::Nothing => return Ok(answers::nothing()),
                Decision::Invalid(fault) => return Err(Error::expression(operation, fault)),
            };
            known = match self.marked(operation, &write, &mark, current, io).await? {
                Marked::Refused(answer) => return Ok(answer),
                Marked::Lost(now) => now,
                Marked::On(current) => match sent.note(&write, &current) {
                    Some(ticket) => match self.write(operation, &write, &current, (sent, ticket), io).await? {
                        Written::Done(answer) => return Ok(answer),
                        Written::Lost(now) => now,
                        Written::Unanswered(source, now) => {
                            unanswered = Some(source);
                            Some(now)
                        }
                    },
                    // Another attempt of this call is ahead; the next read shows what it did.
                    None => None,
                },
            };
            last = Some(mark);
            if attempt >= AT_ONCE {
                // What was seen before a pause is old after it, and its guard would fail again.
                io.clock.sleep(pause(attempt)?).await;
                known = None;
            }
        }
        let (operation, table) = (operation.to_owned(), self.table.name().to_owned());
        Err(match unanswered {
            Some(source) => Error::Wire { operation, source },
            None => Error::Contended { operation, table, tries: TRIES },
        })
    }

    fn unsettled(&self, operation: &str, error: Error) -> Error {
        match error {
            unsettled @ Error::Unsettled { .. } => unsettled,
            Error::Wire { source, .. } => Error::unsettled(operation, self.table, source.to_string()),
            Error::Answer { reason, .. } => {
                Error::unsettled(operation, self.table, format!("its answer cannot be read: {reason}"))
            }
            other => Error::unsettled(operation, self.table, other.to_string()),
        }
    }

    /// Leaves the whole to DynamoDB, on the condition that the item is there. `None` if a condition failed: that one, or
    /// the caller's.
    async fn natively(&self, operation: &str, io: Io<'_>) -> Result<Option<Answer>, Error> {
        let parsed = self.expressions.parse().map_err(|fault| Error::expression(operation, fault))?;
        let answer = match change::native(self, &parsed) {
            Some(write) => send(operation, write.object(&self.body).print(&[], 512), io).await,
            None => return Ok(None),
        };
        let answer = answer.map_err(|source| Error::Wire { operation: operation.to_owned(), source })?;
        if answers::failed(&answer) == Some(Failed::Condition) {
            return Ok(None);
        }
        let is_done = answer.status < 400;
        let updates = parsed.update.iter().flat_map(|update| &update.actions).map(|(path, _)| path.root.clone());
        let shown = self.returns().natively(updates.collect());
        let reply = Reply::Write { shown, view: View::of(self.table, Some(&self.key)) };
        // It was carried out, whatever became of its answer.
        let opened =
            reply::open(operation, &reply, answer, io, Crew::alone()).await.map(|answer| Some(self.worded(answer)));
        opened.map_err(|error| if is_done && error.is_retryable() { self.unsettled(operation, error) } else { error })
    }

    /// What the caller wants to see of the item.
    pub(crate) fn returns(&self) -> Returns {
        match &self.change {
            Change::Update(returns) => returns.clone(),
            Change::Put(_) | Change::Delete | Change::Check => Returns::of(&self.body),
        }
    }

    /// `AttributeUpdates` is sent as an expression, of whose faults DynamoDB speaks in other words.
    fn worded(&self, answer: Answer) -> Answer {
        match self.expressions.legacy.updates {
            Some(_) => answers::of_legacy(answer),
            None => answer,
        }
    }

    /// The attributes whose change since the read keeps the write from being carried out, beside those that were read and
    /// not there.
    pub(crate) fn guarded(&self) -> impl Iterator<Item = &str> {
        let signed = |name: &&String| self.table.schema().in_signature_scope(name);
        std::iter::once(FOOTER).chain(self.reads.iter().filter(move |name| !signed(name)).map(String::as_str))
    }

    /// The item as it is stored, or the upstream's refusal to say.
    async fn read(&self, operation: &str, io: Io<'_>) -> Result<Result<Current, Answer>, Error> {
        let mut body = Object::default();
        body.set("TableName", Node::Raw(self.table_name.into()));
        body.set("Key", Node::Raw(self.key.as_str().into()));
        body.set("ConsistentRead", Node::Raw("true".into()));
        let answer = send("GetItem", body.print(&[], 256), io).await;
        let answer = answer.map_err(|source| Error::Wire { operation: operation.to_owned(), source })?;
        if answer.ok() {
            Current::from_answer(operation, &answer).map(Ok)
        } else {
            reply::refusal(operation, answer).map(Err)
        }
    }

    /// What to do about `current`.
    async fn decide(&self, operation: &str, current: &Current, mark: &Mark, io: Io<'_>) -> Result<Decision, Error> {
        let mut to_open = current.item();
        let opened = match &mut to_open {
            Some(stored) => {
                let opened = reply::open_asked(self.table, stored, &self.key, io).await;
                Some(opened.map_err(|failure| Error::of_item(operation, self.table, None, failure))?)
            }
            None => None,
        };
        let parsed = self.expressions.parse().map_err(|fault| Error::expression(operation, fault))?;
        match parsed.holds(opened.as_ref()) {
            Ok(true) => {}
            Ok(false) => {
                let shown = opened.as_ref().filter(|_| self.show_item);
                return Ok(Decision::ConditionFailed(answers::condition_failed(shown)));
            }
            Err(fault) => return Ok(Decision::Invalid(fault)),
        }
        self.change.write(operation, self, &parsed, (current, opened), mark, io).await
    }

    /// Marks the item if this write needs it and it is not marked yet. If it then is another one than was read, the write
    /// must be decided again, under the same mark.
    async fn marked(
        &self,
        operation: &str,
        write: &Write,
        mark: &Mark,
        current: Current,
        io: Io<'_>,
    ) -> Result<Marked, Error> {
        if !write.needs_mark || mark.is_on(&current) {
            return Ok(Marked::On(current));
        }
        Ok(match self.mark(operation, mark, &current, io).await? {
            // Unsigned attributes count too: nobody knows any more which of them the decision read.
            Marked::On(now) if now.item() != current.item() => Marked::Lost(Some(now)),
            marked => marked,
        })
    }
}

/// Sends one call to DynamoDB.
async fn send(operation: &str, body: Vec<u8>, io: Io<'_>) -> Result<Answer, WireError> {
    let operation = operation.to_owned();
    io.wire.send(Call::new(Service::DynamoDb, operation, body)).await
}

/// A random part of the time that this attempt may wait at most, so that racers part.
fn pause(attempt: u32) -> Result<Duration, Error> {
    let longest = PAUSE.saturating_mul(1 << attempt.min(8)).min(LONGEST);
    let [byte, ..] = random("a pause")?;
    Ok(longest.mul_f64(f64::from(byte) / 255.0))
}

fn random(operation: &str) -> Result<[u8; 32], Error> {
    dynaseal_keys::message_id().map_err(|source| Error::Keys {
        operation: operation.to_owned(),
        table: String::new(),
        source: Box::new(source),
    })
}

/// Text as JSON.
fn printed_text(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    json::write_text(text, &mut out);
    out
}

/// An item as JSON.
fn printed_item(item: &Item<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    json::write_item(item, &mut out);
    out
}
