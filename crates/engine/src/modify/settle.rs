//! What became of a write: carried out, lost to another writer, or never answered.

use dynaseal_keys::{Answer, Io, WireError};

use crate::answers::{self, Failed};
use crate::doc::Node;
use crate::error::Error;
use crate::reply;

use super::change::Write;
use super::current::Current;
use super::sent::Sent;
use super::{AdoptingUpdate, CHANGED, Modify, adopt, send};

/// What became of one try.
pub(super) enum Written {
    Done(Answer),
    /// The item is not the one that was read; it is this one, if that is known.
    Lost(Option<Current>),
    /// No answer came, and nothing of the write is seen yet; it may still arrive.
    Unanswered(WireError, Current),
}

impl Modify<'_, '_> {
    pub(super) async fn write(
        &self,
        operation: &str,
        write: &Write,
        before: &Current,
        (sent, ticket): (&Sent<'_>, usize),
        io: Io<'_>,
    ) -> Result<Written, Error> {
        let mut body = write.object(&self.body);
        // So a lost race costs no other read.
        body.set("ReturnValuesOnConditionCheckFailure", Node::Raw("\"ALL_OLD\"".into()));
        let body = body.print(&[], 2048);
        let name = if write.whole.is_some() { "PutItem" } else { operation };
        let answer = match send(name, body, io).await {
            Ok(answer) => answer,
            Err(source) => {
                if matches!(source, WireError::NoCredentials | WireError::NoWay(_)) {
                    sent.refused(ticket);
                    return Err(Error::Wire { operation: operation.to_owned(), source });
                }
                let lost = Error::Wire { operation: operation.to_owned(), source };
                return match self.looked_for(operation, write, before, lost, io).await? {
                    Ok(answer) => Ok(Written::Done(answer)),
                    Err(now) => Ok(Written::Unanswered(source, now)),
                };
            }
        };
        // Another status than 200 or an error's says no more than a body that cannot be read.
        if answer.status < 400 {
            return match self.done(operation, write, answer, before, io).await {
                // Whoever spoiled the answer may have made it up.
                Err(lost @ Error::Answer { .. }) => match self.looked_for(operation, write, before, lost, io).await? {
                    Ok(answer) => Ok(Written::Done(answer)),
                    Err(now) => Ok(Written::Unanswered(WireError::Broken, now)),
                },
                reply => {
                    sent.carried_out(ticket);
                    reply.map(Written::Done)
                }
            };
        }
        if answer.status >= 500 {
            let lost = Error::Wire { operation: operation.to_owned(), source: WireError::Broken };
            return Ok(Written::Done(match self.looked_for(operation, write, before, lost, io).await? {
                Ok(answer) => answer,
                // Not yet, as it seems: the SDK knows best when to try again.
                Err(_) => self.worded(reply::refusal(operation, answer)?),
            }));
        }
        if answers::failed(&answer) == Some(Failed::Condition) {
            let now = Current::from_answer(operation, &answer)?;
            if !write.left(&now) {
                sent.refused(ticket);
            }
            // If none is shown, there is no item any more, or this upstream does not show it.
            return Ok(Written::Lost(Some(now).filter(Current::exists)));
        }
        sent.refused(ticket);
        Ok(Written::Done(self.worded(reply::refusal(operation, answer)?)))
    }

    async fn done(
        &self,
        operation: &str,
        write: &Write,
        answer: Answer,
        before: &Current,
        io: Io<'_>,
    ) -> Result<Answer, Error> {
        if let Some(now) = &write.whole {
            return write.recognised(operation, self, Some(answer), (before, now), io).await;
        }
        if write.seals.is_none() {
            return write.reply(operation, self, answer, io).await;
        }
        let now = Current::from_member(operation, &answer, "Attributes")?;
        let now = self.with_additions(operation, write, now, io).await;
        write.recognised(operation, self, Some(answer), (before, &now), io).await
    }

    /// The item that a first sealing left, with what a writer added nonetheless who put back all that it had read, the mark
    /// included: it is taken in at once. The write that was asked for is done whatever becomes of that; what is not taken in
    /// is an item that does not verify, with `dynaseal repair` to mend it. A forger gains nothing: what was added a moment before
    /// would have been sealed as well.
    pub(super) async fn with_additions(&self, operation: &str, write: &Write, now: Current, io: Io<'_>) -> Current {
        let (Some(signed), Some(item), true) = (&write.seals, now.item(), write.left(&now)) else { return now };
        let is_signed = |name: &&str| self.table.schema().in_signature_scope(name) && !signed.contains(*name);
        let added: Vec<_> = item.iter().map(|(name, _)| name).filter(is_signed).map(str::to_owned).collect();
        if added.is_empty() {
            return now;
        }
        let adopted = adopt(self.table, &item, &added, operation, io).await;
        if let Ok(sealed) = adopted
            && let Some(update) = AdoptingUpdate::of(self.table, &item, &sealed, &added)
            && let Ok(answer) = send("UpdateItem", update.body(self.table_name), io).await
            && answer.ok()
        {
            return Current::of(&sealed);
        }
        let mut rest = item;
        rest.retain(|name| !added.iter().any(|added| added == name));
        Current::of(&rest)
    }

    /// The write may have been carried out. Our footer says that it was; the version that was read, which is given back, that
    /// it was not yet, and then the guard lets it be tried again. Anything else cannot be told, and is the caller's to know.
    async fn looked_for(
        &self,
        operation: &str,
        write: &Write,
        before: &Current,
        lost: Error,
        io: Io<'_>,
    ) -> Result<Result<Answer, Current>, Error> {
        let now = match self.read(operation, io).await {
            Ok(Ok(now)) => now,
            Ok(Err(_)) | Err(_) => return Err(lost),
        };
        if write.left(&now) {
            let now = self.with_additions(operation, write, now, io).await;
            return write.recognised(operation, self, None, (before, &now), io).await.map(Ok);
        }
        if now.version() == before.version() {
            Ok(Err(now))
        } else {
            Err(Error::unsettled(operation, self.table, CHANGED))
        }
    }
}
