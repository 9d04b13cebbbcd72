//! What a decided write sends, and what its answer means.

use std::borrow::Cow;
use std::collections::BTreeSet;

use dynaseal_item::{Item, Value};
use dynaseal_keys::{Answer, Io};

use crate::answers;
use crate::crew::Crew;
use crate::doc::{Node, NotJson, Object};
use crate::error::Error;
use crate::expr::ast::{self, Condition, Path};
use crate::expr::print::Printer;
use crate::expr::syntax::MAX_BYTES;
use crate::expressions::{Parsed, placeholders};
use crate::plan::{Put, Reply, View};
use crate::reply;
use crate::run::seal_one;
use crate::table::{MARK, Table};

use super::current::{Current, FOOTER};
use super::guard::guard;
use super::mark::Mark;
use super::returns::Returns;
use super::update::{Updated, actions, is_sealed, updated};
use super::{Decision, Modify, printed_item, printed_text};

/// What is done with the item if the condition holds.
#[derive(Debug)]
pub(crate) enum Change<'a> {
    /// PutItem, with the item's text.
    Put(Cow<'a, str>),
    /// DeleteItem.
    Delete,
    /// UpdateItem.
    Update(Returns),
    /// ConditionCheck, which writes nothing.
    Check,
}

/// A write that was decided.
#[derive(Clone)]
pub(super) struct Write {
    /// What the request gets besides the caller's own members.
    pub(super) members: Vec<(&'static str, Vec<u8>)>,
    /// The footer that this write leaves behind.
    pub(super) footer: Option<Value<'static>>,
    pub(super) returns: Returns,
    /// The item that an update puts in place of the old one, where it is too long for an expression.
    pub(super) whole: Option<Current>,
    /// Whether the guard holds only on an item that was marked.
    pub(super) needs_mark: bool,
    /// The signed attributes, where an update seals an item that was not.
    pub(super) seals: Option<BTreeSet<String>>,
}

impl Change<'_> {
    /// Turns a decision over `current`, opened to `opened`, into a write; or into DynamoDB's refusal of it.
    pub(super) async fn write(
        &self,
        operation: &str,
        modify: &Modify<'_, '_>,
        parsed: &Parsed<'_>,
        (current, opened): (&Current, Option<Item<'_>>),
        mark: &Mark,
        io: Io<'_>,
    ) -> Result<Decision, Error> {
        let (stored, sealed);
        stored = current.item();
        let stored = stored.as_ref();
        let mut write = Write::new(modify.returns());
        let mut reads = Cow::Borrowed(&modify.reads);
        let mut printer = Printer::default();
        match self {
            Change::Put(text) => {
                let put = Put { table: modify.table, text: Cow::Borrowed(text), number: None };
                sealed = seal_one(&put, operation, io).await?.into_owned();
                not_exposed(operation, modify.table, stored, &sealed)?;
                write.members.push(("Item", printed_item(&sealed)));
                write.footer = sealed.get(FOOTER).cloned();
            }
            Change::Delete | Change::Check => write.members.push(("Key", modify.key.clone().into_bytes())),
            Change::Update(_) => {
                let written;
                (sealed, written) = match updated(operation, modify, parsed, opened, io).await? {
                    Updated::Sealed(sealed, written) => (sealed, written),
                    Updated::Nothing => return Ok(Decision::Nothing),
                    Updated::Invalid(fault) => return Ok(Decision::Invalid(fault)),
                };
                not_exposed(operation, modify.table, stored, &sealed)?;
                write.returns = modify.returns().over(written, stored.is_some());
                write.footer = sealed.get(FOOTER).cloned();
                let text = write.update(modify, parsed, (current, stored), &sealed, &mut printer);
                if text.len() > MAX_BYTES {
                    // DynamoDB has no longer expressions. What it would do itself has been done here, so that the guard
                    // must cover what the footer does not.
                    printer = Printer::default();
                    write.put_whole(modify, (stored, &sealed));
                    let schema = modify.table.schema();
                    let all = schema.unsigned().chain(sealed.iter().map(|(name, _)| name));
                    let outside = all.filter(|name| *name != FOOTER && !is_sealed(schema, name));
                    reads.to_mut().extend(outside.map(str::to_owned));
                    reads.to_mut().sort_unstable();
                    reads.to_mut().dedup();
                }
            }
        }
        let guarded = (reads.as_slice(), write.whole.is_some());
        let guard = |mark| guard(stored, modify.table.schema(), guarded, mark);
        let condition = match guard(None).filter(|_| !write.needs_mark) {
            Some(condition) => Some(condition),
            None => {
                write.needs_mark = true;
                guard(Some(mark.value()))
            }
        };
        let condition = condition.map(|condition| printer.condition(&condition)).unwrap_or_default();
        write.members.push(("ConditionExpression", printed_text(&condition)));
        write.members.extend(placeholders(&printer));
        Ok(Decision::Write(write))
    }
}

/// Refuses to write readable what the stored item hides, unless the configuration names the attribute: what was learned of
/// a table, or a default, is not enough.
fn not_exposed(operation: &str, table: &Table, stored: Option<&Item<'_>>, new: &Item<'_>) -> Result<(), Error> {
    match stored.and_then(|stored| table.exposed(stored, new)) {
        None => Ok(()),
        Some(attribute) => {
            let (operation, table) = (operation.to_owned(), table.name().to_owned());
            Err(Error::Exposed { operation, table, attribute })
        }
    }
}

/// An update that DynamoDB can carry out itself, of an item that is there. `None` if it is too long with what is added.
pub(super) fn native(modify: &Modify<'_, '_>, parsed: &Parsed<'_>) -> Option<Write> {
    let mut write = Write::new(modify.returns());
    let mut printer = Printer::default();
    let mut update = parsed.update.clone()?;
    update.actions.push((Path::attribute(MARK), ast::Action::Remove));
    let update = printer.update(&update);
    let exists = Condition::Exists(Path::attribute(modify.table.schema().partition_key()));
    let condition = match &parsed.condition {
        Some(condition) => exists.and(condition.clone()),
        None => exists,
    };
    let condition = printer.condition(&condition);
    if update.len().max(condition.len()) > MAX_BYTES {
        return None;
    }
    write.members.push(("Key", modify.key.clone().into_bytes()));
    write.members.push(("UpdateExpression", printed_text(&update)));
    write.members.push(("ConditionExpression", printed_text(&condition)));
    write.members.extend(placeholders(&printer));
    Some(write)
}

impl Write {
    fn new(returns: Returns) -> Self {
        Self { members: Vec::new(), footer: None, returns, whole: None, needs_mark: false, seals: None }
    }

    /// An update by expression; its text, which may be too long.
    fn update<'v>(
        &mut self,
        modify: &Modify<'_, '_>,
        parsed: &Parsed<'v>,
        (current, stored): (&Current, Option<&'v Item<'v>>),
        sealed: &'v Item<'v>,
        printer: &mut Printer<'v>,
    ) -> String {
        let schema = modify.table.schema();
        let was_unsealed = stored.is_some_and(|stored| stored.get(FOOTER).is_none());
        let unmark = was_unsealed || current.mark().is_some();
        let actions = parsed.update.as_ref().map(|update| actions((stored, unmark), sealed, update, schema));
        let text = actions.as_ref().map(|actions| printer.update(actions)).unwrap_or_default();
        self.members.push(("Key", modify.key.clone().into_bytes()));
        if !text.is_empty() {
            self.members.push(("UpdateExpression", printed_text(&text)));
        }
        // DynamoDB refuses what it does not know before anything is written.
        if was_unsealed && self.footer.is_some() && self.returns.is_known() {
            let signed = sealed.iter().map(|(name, _)| name).filter(|name| schema.in_signature_scope(name));
            self.seals = Some(signed.map(str::to_owned).collect());
            self.needs_mark = true;
            self.members.push(("ReturnValues", b"\"ALL_NEW\"".to_vec()));
        } else {
            self.members.extend(self.returns.upstream().map(|returns| ("ReturnValues", returns.into())));
        }
        text
    }

    /// The same update as a put of the whole item.
    fn put_whole(&mut self, modify: &Modify<'_, '_>, (stored, sealed): (Option<&Item<'_>>, &Item<'_>)) {
        self.seals = None;
        self.needs_mark = stored.is_some() && self.returns.is_known();
        self.whole = Some(Current::of(sealed));
        self.members = vec![("Item", printed_item(sealed))];
        if modify.body.raw("ReturnValues").is_some() && self.returns.is_known() {
            self.members.push(("ReturnValues", b"\"NONE\"".to_vec()));
        }
    }

    /// The request: the caller's other members, and what was decided.
    pub(super) fn object<'o>(&'o self, members: &'o Object<'_>) -> Object<'o> {
        let mut object = Object::default();
        for (name, text) in members.entries() {
            object.insert(name.to_owned(), Node::Raw(text.into()));
        }
        for (name, json) in &self.members {
            object.set(name, Node::Printed(json.clone()));
        }
        object
    }

    /// The caller's answer to a write that was carried out.
    pub(super) async fn reply(
        &self,
        operation: &str,
        modify: &Modify<'_, '_>,
        answer: Answer,
        io: Io<'_>,
    ) -> Result<Answer, Error> {
        let view = View::of(modify.table, Some(&modify.key));
        let view = View { projection: self.returns.projection(), ..view };
        let reply = Reply::Write { shown: self.returns.shown(), view };
        let answer = reply::open(operation, &reply, answer, io, Crew::alone()).await?;
        Ok(if self.returns.projection().is_some() { answers::without_empty(answer, "Attributes") } else { answer })
    }

    /// What tells later that it was carried out, and how to answer it then.
    pub(super) fn to_remember(&self) -> Self {
        Self { footer: self.footer.clone(), seals: self.seals.clone(), ..Self::new(self.returns.clone()) }
    }

    /// Whether this is what the write left behind.
    pub(super) fn left(&self, now: &Current) -> bool {
        self.footer.as_ref().is_some_and(|footer| now.has_footer(footer))
    }

    /// An answer that shows no item, with what the caller asked for; one that was lost is empty.
    pub(super) async fn recognised(
        &self,
        operation: &str,
        modify: &Modify<'_, '_>,
        answer: Option<Answer>,
        (before, now): (&Current, &Current),
        io: Io<'_>,
    ) -> Result<Answer, Error> {
        let answer = answer.unwrap_or_else(answers::nothing);
        let text = std::str::from_utf8(&answer.body).unwrap_or_default();
        let mut body = Object::parse(text).map_err(|NotJson(reason)| Error::answer(operation, reason))?;
        match self.returns.pick(before.text(), now.text()) {
            Some(text) => body.set("Attributes", Node::Raw(text.into())),
            None => body.remove("Attributes"),
        }
        let body = body.print(&[], 64);
        self.reply(operation, modify, Answer { body, ..answer }, io).await
    }
}
