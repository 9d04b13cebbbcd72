//! What a decided write sends, and what its answer means.

use std::borrow::Cow;

use dynaseal_item::{Item, Value, json};
use dynaseal_keys::{Answer, Io};

use crate::answers;
use crate::doc::{Node, NotJson, Object};
use crate::error::Error;
use crate::expr::ast::{Condition, Path};
use crate::expr::print::Printer;
use crate::expr::syntax::MAX_BYTES;
use crate::expressions::{Parsed, placeholders};
use crate::plan::{Put, Reply, View};
use crate::reply;
use crate::run::seal_one;
use crate::table::Table;

use super::current::{Current, FOOTER};
use super::guard::guard;
use super::returns::Returns;
use super::update::{Updated, actions, is_sealed, updated};
use super::{Decision, Modify};

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
}

impl Change<'_> {
    /// Turns a decision over `stored`, opened to `opened`, into a write; or into DynamoDB's refusal of it.
    pub(super) async fn write(
        &self,
        operation: &str,
        modify: &Modify<'_, '_>,
        parsed: &Parsed<'_>,
        (stored, opened): (Option<&Item<'_>>, Option<Item<'_>>),
        io: Io<'_>,
    ) -> Result<Decision, Error> {
        let (mut write, sealed);
        let mut unsigned = Cow::Borrowed(&modify.unsigned);
        let mut printer = Printer::default();
        match self {
            Change::Put(text) => {
                let put = Put { table: modify.table, text: Cow::Borrowed(text), number: None };
                sealed = seal_one(&put, operation, io).await?.into_owned();
                not_exposed(operation, modify.table, stored, &sealed)?;
                write = Write::new(modify.returns());
                write.members.push(("Item", printed(|out| json::write_item(&sealed, out))));
                write.footer = sealed.get(FOOTER).cloned();
            }
            Change::Delete | Change::Check => {
                write = Write::new(modify.returns());
                write.members.push(("Key", modify.key.clone().into_bytes()));
            }
            Change::Update(_) => {
                let written;
                (sealed, written) = match updated(operation, modify, parsed, opened, io).await? {
                    Updated::Sealed(sealed, written) => (sealed, written),
                    Updated::Nothing => return Ok(Decision::Nothing),
                    Updated::Invalid(fault) => return Ok(Decision::Invalid(fault)),
                };
                not_exposed(operation, modify.table, stored, &sealed)?;
                write = Write::new(modify.returns().over(written, stored.is_some()));
                write.footer = sealed.get(FOOTER).cloned();
                let schema = modify.table.schema();
                let actions = parsed.update.as_ref().map(|update| actions(stored, &sealed, update, schema));
                let text = actions.as_ref().map(|actions| printer.update(actions)).unwrap_or_default();
                if text.len() <= MAX_BYTES {
                    write.members.push(("Key", modify.key.clone().into_bytes()));
                    write.members.push(("UpdateExpression", printed(|out| json::write_text(&text, out))));
                    let returns = write.returns.upstream().map(|returns| ("ReturnValues", returns.into()));
                    write.members.extend(returns);
                } else {
                    // DynamoDB has no longer expressions. What it would do itself has been done here, so that the
                    // guard must cover what the footer does not.
                    printer = Printer::default();
                    let item = printed(|out| json::write_item(&sealed, out));
                    write.whole = Some(Current::of(&item));
                    write.members.push(("Item", item));
                    if modify.body.raw("ReturnValues").is_some() && write.returns.is_known() {
                        write.members.push(("ReturnValues", b"\"NONE\"".to_vec()));
                    }
                    let all = stored.into_iter().flat_map(Item::iter).chain(sealed.iter()).map(|(name, _)| name);
                    let outside = all.filter(|name| *name != FOOTER && !is_sealed(schema, name));
                    unsigned.to_mut().extend(outside.map(str::to_owned));
                    unsigned.to_mut().sort_unstable();
                    unsigned.to_mut().dedup();
                }
            }
        }
        let condition = printer.condition(&guard(stored, modify.table, &unsigned));
        write.members.push(("ConditionExpression", printed(|out| json::write_text(&condition, out))));
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

/// An update that DynamoDB can carry out itself, of an item that is there.
pub(super) fn native(modify: &Modify<'_, '_>, parsed: &Parsed<'_>) -> Option<Write> {
    let mut write = Write::new(modify.returns());
    let mut printer = Printer::default();
    let update = printer.update(parsed.update.as_ref()?);
    let exists = Condition::Exists(Path::attribute(modify.table.schema().partition_key()));
    let condition = match &parsed.condition {
        Some(condition) => exists.and(condition.clone()),
        None => exists,
    };
    let condition = printer.condition(&condition);
    write.members.push(("Key", modify.key.clone().into_bytes()));
    write.members.push(("UpdateExpression", printed(|out| json::write_text(&update, out))));
    write.members.push(("ConditionExpression", printed(|out| json::write_text(&condition, out))));
    write.members.extend(placeholders(&printer));
    Some(write)
}

impl Write {
    fn new(returns: Returns) -> Self {
        Self { members: Vec::new(), footer: None, returns, whole: None }
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
        table: &Table,
        answer: Answer,
        io: Io<'_>,
    ) -> Result<Answer, Error> {
        let reply = Reply::One {
            field: "Attributes",
            view: View { projection: self.returns.projection(), ..View::whole(table) },
        };
        let answer = reply::open(operation, &reply, answer, io).await?;
        Ok(if self.returns.projection().is_some() { answers::without_empty(answer, "Attributes") } else { answer })
    }

    /// What tells later that it was carried out, and how to answer it then.
    pub(super) fn to_remember(&self) -> Self {
        Self { footer: self.footer.clone(), ..Self::new(self.returns.clone()) }
    }

    /// Whether this is what the write left behind.
    pub(super) fn left(&self, now: &Current) -> bool {
        self.footer.as_ref().is_some_and(|footer| now.has_footer(footer))
    }

    /// An answer that shows no item, with what the caller asked for; one that was lost is empty.
    pub(super) async fn recognised(
        &self,
        operation: &str,
        table: &Table,
        answer: Option<Answer>,
        (before, now): (&Current, &Current),
        io: Io<'_>,
    ) -> Result<Answer, Error> {
        let answer = answer.unwrap_or_else(answers::nothing);
        let text = std::str::from_utf8(&answer.body).unwrap_or_default();
        let mut body = Object::parse(text)
            .map_err(|NotJson(reason)| Error::Answer { operation: operation.to_owned(), reason: reason.to_owned() })?;
        if let Some(text) = self.returns.pick(before.text(), now.text()) {
            body.set("Attributes", Node::Raw(text.into()));
        }
        let body = body.print(&[], 64);
        self.reply(operation, table, Answer { body, ..answer }, io).await
    }
}

fn printed(print: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    print(&mut out);
    out
}
