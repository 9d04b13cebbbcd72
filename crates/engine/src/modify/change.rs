//! What a decided write sends, and what its answer means.

use std::borrow::Cow;

use dynaseal_item::{Item, Value, json};
use dynaseal_keys::{Answer, Io};

use crate::answers;
use crate::doc::{Node, Object};
use crate::error::Error;
use crate::expr::print::Printer;
use crate::expressions::{Parsed, placeholders};
use crate::plan::{Put, Reply, View};
use crate::reply;
use crate::run::seal_one;
use crate::table::Table;

use super::current::{Current, FOOTER};
use super::guard::guard;
use super::returns::Returns;
use super::update::{actions, updated};
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
pub(super) struct Write {
    /// What the request gets besides the caller's own members.
    pub(super) members: Vec<(&'static str, Vec<u8>)>,
    /// The footer that this write leaves behind.
    pub(super) footer: Option<Value<'static>>,
    pub(super) returns: Returns,
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
        let mut printer = Printer::default();
        match self {
            Change::Put(text) => {
                let put = Put { table: modify.table, text: Cow::Borrowed(text), number: None };
                sealed = seal_one(&put, operation, io).await?.into_owned();
                write = Write::new(Returns::of(modify.body.raw("ReturnValues")));
                write.members.push(("Item", printed(|out| json::write_item(&sealed, out))));
                write.footer = sealed.get(FOOTER).cloned();
            }
            Change::Delete | Change::Check => {
                write = Write::new(Returns::of(modify.body.raw("ReturnValues")));
                write.members.push(("Key", modify.key.clone().into_bytes()));
            }
            Change::Update(returns) => {
                let Some(update) = updated(operation, modify, parsed, opened, io).await? else {
                    return Ok(Decision::Nothing);
                };
                sealed = update.sealed;
                write = Write::new(returns.clone().over(update.written));
                write.footer = sealed.get(FOOTER).cloned();
                write.members.push(("Key", modify.key.clone().into_bytes()));
                if let Some(update) = &parsed.update {
                    let text = printer.update(&actions(stored, &sealed, update, modify.table.schema()));
                    write.members.push(("UpdateExpression", printed(|out| json::write_text(&text, out))));
                }
                let returns = write.returns.upstream().map(|returns| ("ReturnValues", returns.into()));
                write.members.extend(returns);
            }
        }
        let condition = printer.condition(&guard(stored, modify.table, &modify.unsigned));
        write.members.push(("ConditionExpression", printed(|out| json::write_text(&condition, out))));
        write.members.extend(placeholders(&printer));
        Ok(Decision::Write(write))
    }
}

impl Write {
    fn new(returns: Returns) -> Self {
        Self { members: Vec::new(), footer: None, returns }
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

    /// The answer that was lost, as far as the caller asked for one.
    pub(super) fn recognised(&self, before: &Current, now: &Current) -> Answer {
        let mut body = Object::default();
        if let Some(text) = self.returns.pick(before.text(), now.text()) {
            body.set("Attributes", Node::Raw(text.into()));
        }
        Answer { status: 200, request_id: None, body: body.print(&[], 64) }
    }
}

fn printed(print: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    print(&mut out);
    out
}
