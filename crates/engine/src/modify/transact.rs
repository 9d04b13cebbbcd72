//! TransactWriteItems with actions that depend on plaintext: every item is read, every action decided, and all of them are
//! sent as one transaction under their guards. A condition that does not hold becomes a check that cannot, so that DynamoDB
//! itself cancels the transaction and gives every action's reason in the caller's order.
//!
//! The token makes it safe to send again. Sealed bytes are never the same twice, so DynamoDB answers a repeated token with
//! a mismatch; the token that is sent is made of the caller's token and of the whole request (`plan/token.rs`), so that only
//! the same request can meet it: then it was carried out before, here or by another gateway.

use dynaseal_item::{Item, json};
use dynaseal_keys::{Answer, Io, WireError};

use crate::answers::{self, Failed};
use crate::crew::Crew;
use crate::doc::{Node, NotJson, Object, array};
use crate::error::Error;
use crate::plan::{Put, Reply, Token};
use crate::reply;
use crate::run::seal_one;

use super::change::Write;
use super::mark::{Mark, Marked};
use super::{AT_ONCE, Decision, Modify, TRIES, by_key, pause, send};

/// A transaction with sealed or decided parts.
#[derive(Debug)]
pub(crate) struct Transact<'e, 'a> {
    /// The request without its actions and its token.
    pub(crate) body: Object<'a>,
    pub(crate) entries: Vec<Entry<'e, 'a>>,
    /// Items to seal; their holes are in the entries.
    pub(crate) puts: Vec<Put<'e, 'a>>,
    pub(crate) reply: Reply<'e, 'a>,
    pub(crate) token: Token,
}

/// One action.
#[derive(Debug)]
pub(crate) enum Entry<'e, 'a> {
    /// Sent as it stands.
    Ready(Node<'a>),
    /// Decided here, under the name of its action.
    Work(&'static str, Box<Modify<'e, 'a>>),
}

const OPERATION: &str = "TransactWriteItems";

/// How an action is sent.
enum Sent {
    AsItStands,
    /// Under a guard of ours.
    Guarded,
    /// As a check that cannot hold, since the item does not allow it; why, in DynamoDB's words.
    Invalid(String),
}

/// What is sent.
#[derive(Default)]
struct Decided<'n, 'e, 'a> {
    actions: Vec<Node<'n>>,
    /// How each action is sent.
    sent: Vec<Sent>,
    /// Updates that seal an item which was not sealed.
    sealing: Vec<(&'n Modify<'e, 'a>, Write)>,
}

impl<'e, 'a> Transact<'e, 'a> {
    /// For each try a read of each item that is decided on, and the transaction.
    pub(crate) fn calls(&self) -> u32 {
        self.decided().saturating_add(1)
    }

    /// The same with a mark on each item, which others keep taking away, and a read in the end.
    pub(crate) fn most_calls(&self) -> u32 {
        const READY: u32 = 2 * (AT_ONCE + 2);
        let each_try = self.decided().saturating_mul(READY).saturating_add(1);
        each_try.saturating_mul(TRIES).saturating_add(self.decided())
    }

    fn decided(&self) -> u32 {
        let decided = self.entries.iter().filter(|entry| matches!(entry, Entry::Work(..)));
        u32::try_from(decided.count()).unwrap_or(u32::MAX)
    }

    pub(crate) async fn carry_out(&self, io: Io<'_>) -> Result<Answer, Error> {
        let mut sealed = Vec::with_capacity(self.puts.len());
        for put in &self.puts {
            sealed.push(seal_one(put, OPERATION, io).await?);
        }
        let mut lost = false;
        let answer = self.sent(&sealed, &mut lost, io).await;
        let unsettled = |why| Err(Error::Unsettled { operation: OPERATION.to_owned(), table: self.table(), why });
        match answer {
            // It was carried out, or may have been. Sent again under another token it would be carried out once more.
            Err(error @ Error::Answer { .. }) if lost && !self.token.is_of_attempt => unsettled(error.to_string()),
            Err(error) if lost && !self.token.is_repeatable && error.is_retryable() => unsettled(error.to_string()),
            Ok(answer) if lost && !self.token.is_repeatable && answer.status >= 500 => {
                unsettled(format!("it was answered with HTTP status {}", answer.status))
            }
            answer => answer,
        }
    }

    /// Sends the transaction, once more where its answer was lost; `lost` says that it was.
    async fn sent(&self, sealed: &[Item<'_>], lost: &mut bool, io: Io<'_>) -> Result<Answer, Error> {
        for attempt in 0..TRIES {
            let mut body = Object::default();
            for (name, text) in self.body.entries() {
                body.insert(name.to_owned(), Node::Raw(text.into()));
            }
            let Decided { actions, sent, sealing } = match self.decide(io).await? {
                Ok(decided) => decided,
                Err(answer) => return Ok(answer),
            };
            body.insert("TransactItems".to_owned(), Node::Array(actions));
            body.insert("ClientRequestToken".to_owned(), Node::Raw(format!("\"{}\"", self.token.text).into()));
            // The token tells whether it was carried out.
            let again = !std::mem::replace(lost, true);
            match send(OPERATION, body.print(sealed, 4096), io).await {
                Ok(answer) if answer.status >= 500 && again && !self.token.is_repeatable => {}
                Ok(answer) if answer.status >= 500 => return Ok(answer),
                Ok(answer) if answer.ok() => {
                    take_additions_in(&sealing, io).await;
                    match reply::open(OPERATION, &self.reply, answer, io, Crew::alone()).await {
                        Err(Error::Answer { .. }) if again => {}
                        opened => return opened,
                    }
                }
                Ok(answer) => {
                    *lost = !again;
                    match answers::failed(&answer) {
                        // It was carried out under this token before.
                        Some(Failed::Token) => return Ok(answers::nothing()),
                        Some(Failed::Transaction) => match Cancelled::parse(&answer)? {
                            cancelled if cancelled.lost_a_race(&sent)? => {}
                            cancelled => {
                                let answer = cancelled.explained(&answer, &sent)?;
                                return reply::open(OPERATION, &self.reply, answer, io, Crew::alone()).await;
                            }
                        },
                        _ => return reply::open(OPERATION, &self.reply, answer, io, Crew::alone()).await,
                    }
                }
                Err(WireError::Broken | WireError::Checksum | WireError::Timeout) if again => {}
                Err(source) => {
                    if matches!(source, WireError::NoCredentials | WireError::NoWay(_)) {
                        *lost = !again;
                    }
                    return Err(Error::Wire { operation: OPERATION.to_owned(), source });
                }
            }
            io.clock.sleep(pause(attempt)?).await;
        }
        Err(Error::Contended { operation: OPERATION.to_owned(), table: self.table(), tries: TRIES })
    }

    /// A table of its actions, to name in errors.
    fn table(&self) -> String {
        let decided = self.entries.iter().find_map(|entry| match entry {
            Entry::Work(_, modify) => Some(modify.table),
            Entry::Ready(_) => None,
        });
        let table = decided.or_else(|| self.puts.first().map(|put| put.table));
        table.map(|table| table.name().to_owned()).unwrap_or_default()
    }

    /// The actions to send, and how; or the upstream's refusal of a read.
    async fn decide<'n>(&'n self, io: Io<'_>) -> Result<Result<Decided<'n, 'e, 'a>, Answer>, Error> {
        let mut decided = Decided::default();
        for entry in &self.entries {
            let (name, modify) = match entry {
                Entry::Ready(node) => {
                    decided.actions.push(node.clone());
                    decided.sent.push(Sent::AsItStands);
                    continue;
                }
                Entry::Work(name, modify) => (*name, modify),
            };
            let mut action = Object::default();
            let decision = match modify.ready(io).await? {
                Ok(decision) => decision,
                // The key does not fit, which a transaction tells as the reason of this action.
                Err(answer) if answers::failed(&answer) == Some(Failed::Validation) => {
                    let (name, refused) = modify.to_refuse();
                    action.insert(name.to_owned(), Node::Object(refused));
                    decided.sent.push(Sent::AsItStands);
                    decided.actions.push(Node::Object(action));
                    continue;
                }
                Err(answer) => return Ok(Err(answer)),
            };
            let mut how = Sent::AsItStands;
            match decision {
                Decision::Write(write) => {
                    how = Sent::Guarded;
                    let name = if write.whole.is_some() { "Put" } else { name };
                    let mut part = write.object(&modify.body);
                    // An action shows nothing.
                    part.remove("ReturnValues");
                    part.insert("TableName".to_owned(), Node::Raw(modify.table_name.into()));
                    action.insert(name.to_owned(), Node::Printed(part.print(&[], 2048)));
                    if write.seals.is_some() {
                        decided.sealing.push((modify, write));
                    }
                }
                Decision::ConditionFailed(_) => {
                    action.insert(
                        "ConditionCheck".to_owned(),
                        Node::Object(modify.check(by_key::NEVER, modify.show_item)),
                    );
                }
                Decision::Nothing => {
                    action.insert("ConditionCheck".to_owned(), Node::Object(modify.check(by_key::ABSENT, false)));
                }
                Decision::Invalid(fault) => {
                    how = Sent::Invalid(fault.message());
                    action.insert("ConditionCheck".to_owned(), Node::Object(modify.check(by_key::NEVER, false)));
                }
            }
            decided.sent.push(how);
            decided.actions.push(Node::Object(action));
        }
        Ok(Ok(decided))
    }
}

/// A transaction does not show what it left, so items that were sealed for the first time are read once more.
async fn take_additions_in(sealing: &[(&Modify<'_, '_>, Write)], io: Io<'_>) {
    for (modify, write) in sealing {
        // The transaction is done, whatever becomes of this.
        if let Ok(Ok(now)) = modify.read(OPERATION, io).await
            && write.left(&now)
        {
            modify.with_additions(OPERATION, write, now, io).await;
        }
    }
}

/// A cancelled transaction's answer.
struct Cancelled<'t> {
    body: Object<'t>,
    reasons: Vec<Object<'t>>,
}

impl<'t> Cancelled<'t> {
    fn parse(answer: &'t Answer) -> Result<Self, Error> {
        let text = std::str::from_utf8(&answer.body).unwrap_or_default();
        let body = Object::parse(text).map_err(unreadable)?;
        let reasons = match body.borrowed(REASONS) {
            Some(reasons) => array(reasons).map_err(unreadable)?.into_iter().map(Object::parse).collect(),
            None => Ok(Vec::new()),
        };
        Ok(Self { body, reasons: reasons.map_err(unreadable)? })
    }

    /// Whether it was cancelled because an item changed after it was read: a guard of ours failed.
    fn lost_a_race(&self, sent: &[Sent]) -> Result<bool, Error> {
        for (reason, sent) in self.reasons.iter().zip(sent) {
            if matches!(sent, Sent::Guarded) && code(reason)? == "ConditionalCheckFailed" {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The answer with our own reasons in it, and their codes in the message, as DynamoDB has them.
    fn explained(mut self, answer: &Answer, sent: &[Sent]) -> Result<Answer, Error> {
        let mut any = false;
        for (reason, sent) in self.reasons.iter_mut().zip(sent) {
            if let Sent::Invalid(message) = sent {
                *reason = Object::default();
                reason.insert("Code".to_owned(), Node::Raw("\"ValidationError\"".into()));
                reason.insert("Message".to_owned(), quoted(message));
                any = true;
            }
        }
        if !any {
            return Ok(answer.clone());
        }
        let codes = self.reasons.iter().map(code).collect::<Result<Vec<_>, _>>()?.join(", ");
        for member in ["message", "Message"] {
            let text = self.body.text(member).map_err(unreadable)?;
            if let Some((start, _)) = text.as_deref().and_then(|text| text.rsplit_once('[')) {
                let text = quoted(&format!("{start}[{codes}]"));
                self.body.set(member, text);
            }
        }
        self.body.set(REASONS, Node::Array(self.reasons.into_iter().map(Node::Object).collect()));
        Ok(Answer { body: self.body.print(&[], answer.body.len()), ..answer.clone() })
    }
}

fn code(reason: &Object<'_>) -> Result<String, Error> {
    Ok(reason.text("Code").map_err(unreadable)?.unwrap_or_default().into_owned())
}

fn unreadable(_: NotJson) -> Error {
    Error::answer(OPERATION, "its reasons cannot be read")
}

fn quoted(text: &str) -> Node<'static> {
    let mut out = Vec::new();
    json::write_text(text, &mut out);
    Node::Printed(out)
}

const REASONS: &str = "CancellationReasons";

impl Modify<'_, '_> {
    /// Reads the item and decides, and marks it if the write needs that. An item that others change meanwhile is left
    /// without a mark: the guard fails then, and all is decided again.
    async fn ready(&self, io: Io<'_>) -> Result<Result<Decision, Answer>, Error> {
        let (mut known, mut last) = (None, None);
        let mut tries = 0..=AT_ONCE;
        loop {
            let current = match known.take() {
                Some(current) => current,
                None => match self.read(OPERATION, io).await? {
                    Ok(current) => current,
                    Err(answer) => return Ok(Err(answer)),
                },
            };
            let mark = Mark::kept_or_fresh(last.take(), &current, OPERATION)?;
            let decision = self.decide(OPERATION, &current, &mark, io).await?;
            let Decision::Write(write) = &decision else { return Ok(Ok(decision)) };
            known = match self.marked(OPERATION, write, &mark, current, io).await? {
                Marked::Lost(now) if tries.next().is_some() => now,
                Marked::On(_) | Marked::Lost(_) => return Ok(Ok(decision)),
                Marked::Refused(answer) => return Ok(Err(answer)),
            };
            last = Some(mark);
        }
    }
}
