//! What came back: every item in it verified, opened, compared with what was asked for and projected. Of the rest stays what
//! the operation can answer.
//!
//! ```text
//!  answer ── members.rs: what may be in it ──> items: verified, opened ── asked.rs: of the row that was asked ──> projected
//!            refusal: what an error may say     one here; pages.rs, index.rs; batch.rs; records.rs
//! ```

mod asked;
mod batch;
mod index;
mod members;
mod pages;
mod records;
mod texts;

pub(crate) use asked::open_asked;
pub(crate) use index::{BATCH, TRIES};
pub(crate) use texts::open_records;

use std::collections::BTreeMap;

use dynaseal_item::{Item, json};
use dynaseal_keys::{Answer, BoxFuture, Io};

use crate::answers::{self, Failed};
use crate::crew::{Crew, Work};
use crate::doc::{NOT_UTF8, Node, NotJson, Object, array};
use crate::error::Error;
use crate::plan::{Reply, Shown, View};
use crate::table::{Failure, Table};

use members::REASONS;

/// Opens the items of an answer.
pub(crate) async fn open(
    operation: &str,
    reply: &Reply<'_, '_>,
    answer: Answer,
    io: Io<'_>,
    crew: &Crew,
) -> Result<Answer, Error> {
    let opener = Opener { operation, io, crew };
    // What most writes are answered with holds nothing to open.
    if answer.ok() && answer.body == b"{}" && !matches!(reply, Reply::Responses(_)) {
        return Ok(answer);
    }
    if !answer.ok() {
        let failed = answers::failed(&answer);
        let mut body = error_body(operation, &answer)?;
        opener.failure(reply, failed, &mut body).await?;
        let body = body.print(&[], answer.body.len());
        return Ok(Answer { body, ..answer });
    }
    let text = std::str::from_utf8(&answer.body).map_err(|_| opener.bad(NOT_UTF8))?;
    let body = match reply {
        Reply::One(view) => opener.one(reply, "Item", text, view).await?,
        Reply::Write { shown: Shown::Item, view } => opener.one(reply, "Attributes", text, view).await?,
        Reply::Items(listing) => opener.list(reply, text, listing).await?,
        reply => {
            let mut body = opener.object(text)?;
            opener.keep(reply, &mut body)?;
            opener.success(reply, &mut body).await?;
            body.print(&[], text.len())
        }
    };
    Ok(Answer { body, ..answer })
}

/// What an error of DynamoDB says, without any item: for a call that was made on the way to the caller's own.
pub(crate) fn refusal(operation: &str, answer: Answer) -> Result<Answer, Error> {
    let mut body = error_body(operation, &answer)?;
    body.remove("Item");
    body.remove(REASONS);
    let body = body.print(&[], answer.body.len());
    Ok(Answer { body, ..answer })
}

/// What an answer other than 200 says, if it is an error of DynamoDB's. What comes under another status, such as 201, is of
/// something else, and so is what is no JSON; but whoever is in front of DynamoDB may know when to come back.
fn error_body<'t>(operation: &str, answer: &'t Answer) -> Result<Object<'t>, Error> {
    let Answer { status, retry_after, .. } = *answer;
    let bad = |reason: String| Error::Answer { operation: operation.to_owned(), reason, retry_after };
    if status < 400 {
        return Err(bad(format!("it has HTTP status {status}")));
    }
    let unreadable = |NotJson(reason)| bad(format!("it has HTTP status {status} and {reason}"));
    let text = std::str::from_utf8(&answer.body).map_err(|_| unreadable(NOT_UTF8))?;
    let mut body = Object::parse(text).map_err(unreadable)?;
    members::keep_of_error(&mut body).map_err(unreadable)?;
    Ok(body)
}

fn bad(operation: &str, NotJson(reason): NotJson) -> Error {
    Error::answer(operation, reason)
}

/// Opens what one answer holds.
struct Opener<'o> {
    operation: &'o str,
    io: Io<'o>,
    crew: &'o Crew,
}

impl<'o> Opener<'o> {
    /// The same with another network.
    fn with<'s>(&self, io: Io<'s>) -> Opener<'s>
    where
        'o: 's,
    {
        Opener { operation: self.operation, io, crew: self.crew }
    }

    async fn success<'a>(&self, reply: &Reply<'_, 'a>, body: &mut Object<'_>) -> Result<(), Error> {
        match reply {
            Reply::ByTable(all) => self.by_table(body, all).await,
            Reply::Unprocessed(all) => self.unprocessed(body, all),
            Reply::Responses(views) => self.responses(body, views).await,
            Reply::Stream(stream) => self.stream(body, stream).await,
            Reply::Write { shown, .. } => self.updated(body, shown),
            Reply::One(_) | Reply::Items(_) | Reply::Reasons(_) => Ok(()),
        }
    }

    /// A successful answer with one item, the most frequent kind.
    async fn one(
        &self,
        reply: &Reply<'_, '_>,
        member: &str,
        text: &str,
        view: &View<'_, '_>,
    ) -> Result<Vec<u8>, Error> {
        let (mut body, stored) = Object::parse_around(text, member).map_err(|error| self.bad(error))?;
        self.keep(reply, &mut body)?;
        let Some(mut stored) = stored else { return Ok(body.print(&[], text.len())) };
        let mut opened = self.asked(&mut stored, view, None).await?;
        Ok(match &view.projection {
            Some(projection) => body.print(&[projection.apply(&mut opened)], text.len()),
            None => body.print(&[opened], text.len()),
        })
    }

    /// What DynamoDB updated of attributes that are stored as they are. What is signed could not be verified by itself.
    fn updated(&self, body: &mut Object<'_>, shown: &Shown) -> Result<(), Error> {
        const ATTRIBUTES: &str = "Attributes";
        match (shown, body.take_raw(ATTRIBUTES)) {
            (Shown::Updated(updates), Some(text)) => {
                let mut attributes = self.object(&text)?;
                attributes.retain(|name| updates.iter().any(|update| update == name));
                self.stored(&text)?;
                if attributes.is_empty() {
                    body.remove(ATTRIBUTES);
                } else {
                    let attributes = attributes.print(&[], text.len());
                    body.replace(ATTRIBUTES, Node::Printed(attributes));
                }
            }
            _ => body.remove(ATTRIBUTES),
        }
        Ok(())
    }

    /// A failed condition can carry the item it failed on.
    async fn failure(&self, reply: &Reply<'_, '_>, failed: Option<Failed>, body: &mut Object<'_>) -> Result<(), Error> {
        match reply {
            Reply::Write { view, .. } if failed == Some(Failed::Condition) && view.on_failure => {
                if let Some(text) = body.take_raw(ITEM) {
                    let opened = self.item(&text, view, None).await?;
                    body.replace(ITEM, Node::Printed(opened));
                }
            }
            _ => body.remove(ITEM),
        }
        match reply {
            Reply::Reasons(views) | Reply::Responses(views) if failed == Some(Failed::Transaction) => {
                self.reasons(body, views).await
            }
            _ => {
                body.remove(REASONS);
                Ok(())
            }
        }
    }

    /// An item for each get of a transaction.
    async fn responses(&self, body: &mut Object<'_>, views: &[Option<View<'_, '_>>]) -> Result<(), Error> {
        let text = body.take_raw(RESPONSES);
        let entries: Vec<_> = self.entries(text.as_deref(), views)?.collect();
        let mut nodes = Vec::with_capacity(views.len());
        let take = |_, entry| {
            nodes.push(Node::Printed(entry));
            Ok(())
        };
        self.crew.each(self.io, &Entries { opener: self, entries: &entries }, take).await?;
        body.set(RESPONSES, Node::Printed(Node::Array(nodes).print()));
        Ok(())
    }

    /// Why each action of a transaction failed, if it did.
    async fn reasons(&self, body: &mut Object<'_>, views: &[Option<View<'_, '_>>]) -> Result<(), Error> {
        let Some(text) = body.take_raw(REASONS) else { return Ok(()) };
        let mut nodes = Vec::with_capacity(views.len());
        for (number, (entry, view)) in self.entries(Some(&text), views)?.enumerate() {
            let Some(view) = view else {
                nodes.push(Node::Raw(entry.into()));
                continue;
            };
            let mut entry = self.object(entry)?;
            let is_condition = matches!(entry.text("Code"), Ok(Some(code)) if code == "ConditionalCheckFailed");
            let shows = is_condition && view.on_failure;
            entry.retain(|name| ["Code", "Message"].contains(&name) || shows && name == ITEM);
            self.entry(&mut entry, view, number).await?;
            nodes.push(Node::Printed(entry.print(&[], 0)));
        }
        body.replace(REASONS, Node::Printed(Node::Array(nodes).print()));
        Ok(())
    }

    /// The entries of a list with one for each action, and what each must be.
    fn entries<'t, 'v, 'e, 'a>(
        &self,
        text: Option<&'t str>,
        views: &'v [Option<View<'e, 'a>>],
    ) -> Result<impl Iterator<Item = (&'t str, Option<&'v View<'e, 'a>>)>, Error> {
        let entries = self.array(text.unwrap_or("[]"))?;
        if entries.len() != views.len() {
            return Err(self.bad(NotJson("it has another number of entries than the request")));
        }
        Ok(entries.into_iter().zip(views.iter().map(Option::as_ref)))
    }

    /// Opens the item of one entry.
    async fn entry(&self, entry: &mut Object<'_>, view: &View<'_, '_>, number: usize) -> Result<(), Error> {
        let Some(text) = entry.take_raw(ITEM) else { return Ok(()) };
        let opened = self.item(&text, view, Some(number)).await?;
        // An item of which nothing is to be shown is left out, other than in the answer to a read of one.
        if view.projection.is_some() && opened == b"{}" {
            entry.remove(ITEM);
        } else {
            entry.replace(ITEM, Node::Printed(opened));
        }
        Ok(())
    }

    /// The item that was asked for, as the caller sees it.
    async fn item(&self, text: &str, view: &View<'_, '_>, number: Option<usize>) -> Result<Vec<u8>, Error> {
        let mut out = Vec::with_capacity(text.len());
        let mut stored = self.stored(text)?;
        print(self.asked(&mut stored, view, number).await?, view, &mut out);
        Ok(out)
    }

    fn stored<'t>(&self, text: &'t str) -> Result<Item<'t>, Error> {
        json::read_item(text).map_err(|_| self.bad(NotJson("an item in it is malformed")))
    }

    /// Opens the item that was asked for.
    async fn asked<'a>(
        &self,
        stored: &'a mut Item<'_>,
        view: &View<'a, '_>,
        number: Option<usize>,
    ) -> Result<Item<'a>, Error> {
        let opened = match view.asked {
            Some(asked) => open_asked(view.table, stored, asked, self.io).await,
            None => Err(asked::OTHER),
        };
        opened.map_err(|failure| self.failed(failure, view.table, number))
    }

    /// Opens one of several items.
    async fn opened<'a>(
        &self,
        stored: &'a mut Item<'_>,
        view: &View<'a, '_>,
        number: Option<usize>,
    ) -> Result<Item<'a>, Error> {
        view.table.open(self.io, stored).await.map_err(|failure| self.failed(failure, view.table, number))
    }

    fn failed(&self, failure: Failure, table: &Table, number: Option<usize>) -> Error {
        Error::of_item(self.operation, table, number, failure)
    }

    fn object<'t>(&self, text: &'t str) -> Result<Object<'t>, Error> {
        Object::parse(text).map_err(|error| self.bad(error))
    }

    fn array<'t>(&self, text: &'t str) -> Result<Vec<&'t str>, Error> {
        array(text).map_err(|error| self.bad(error))
    }

    fn bad(&self, error: NotJson) -> Error {
        bad(self.operation, error)
    }
}

/// The entries of a transaction's answer, each with what it must be, opened and printed.
struct Entries<'n, 't, 'e, 'a> {
    opener: &'n Opener<'n>,
    entries: &'n [(&'t str, Option<&'n View<'e, 'a>>)],
}

impl<'n, 't, 'e, 'a> Work<'n> for Entries<'n, 't, 'e, 'a> {
    type Job = (&'t str, Option<&'n View<'e, 'a>>);
    type Out = Vec<u8>;

    fn jobs(&self) -> &'n [Self::Job] {
        self.entries
    }

    fn cost(&self) -> usize {
        let cost = |(text, view): &(&str, Option<&View<'_, '_>>)| view.map(|view| view.cost_of(text));
        self.entries.iter().filter_map(cost).sum()
    }

    fn one<'s>(&'s self, number: usize, job: &'n Self::Job, io: Io<'s>) -> BoxFuture<'s, Result<Vec<u8>, Error>>
    where
        'n: 's,
    {
        let (text, view) = *job;
        Box::pin(async move {
            let Some(view) = view else { return Ok(text.as_bytes().to_vec()) };
            let opener = self.opener.with(io);
            let mut entry = opener.object(text)?;
            entry.retain(|name| name == ITEM);
            opener.entry(&mut entry, view, number).await?;
            Ok(entry.print(&[], 0))
        })
    }
}

/// Prints what a caller asked to see of an item.
fn print(mut opened: Item<'_>, view: &View<'_, '_>, out: &mut Vec<u8>) {
    match &view.projection {
        Some(projection) => json::write_item(&projection.apply(&mut opened), out),
        None => json::write_item(&opened, out),
    }
}

/// A table of the answer; DynamoDB may name by its name what the request named by ARN.
fn of_table<'m, T>(map: &'m BTreeMap<String, T>, name: &str) -> Option<(&'m str, &'m T)> {
    let same = |other: &str| crate::plan::table_name(other) == crate::plan::table_name(name);
    let found = map.get_key_value(name).or_else(|| map.iter().find(|(other, _)| same(other)));
    found.map(|(name, value)| (name.as_str(), value))
}

const ITEM: &str = "Item";
const RESPONSES: &str = "Responses";
