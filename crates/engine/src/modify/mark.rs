//! The mark on an item whose writer needs more than a guard: DynamoDB has no condition for "and no other attribute".
//!
//! ```text
//!  read, decided ── SET aws_dbe_sealing = fresh bytes ──> ALL_NEW: the item at this moment ── is it the one that was read?
//!                                                                                 | yes            | no: decide on this one
//!                                      guard aws_dbe_sealing = these bytes, REMOVE aws_dbe_sealing <┘
//! ```
//!
//! Every update of ours takes the mark away in the same step, and so does every whole put and delete, whoever makes it. So
//! while it is there, nobody has changed the item since it was marked. A mark that a killed writer left binds nobody: the
//! next one puts its own in its place. Readers of ours never show it.

use std::borrow::Cow;

use dynaseal_item::Value;
use dynaseal_keys::{Io, WireError};

use crate::answers::{self, Failed};
use crate::doc::{Node, Object};
use crate::error::Error;
use crate::expr::ast::{self, Action, Condition, Path, SetValue};
use crate::expr::print::Printer;
use crate::expressions::placeholders;
use crate::reply;
use crate::table::MARK;

use super::current::{Current, FOOTER};
use super::guard::{absent, equal};
use super::{Answer, Modify, printed_text, send};

/// Bytes that no other mark has.
pub(super) struct Mark(Value<'static>);

/// What became of a mark.
pub(super) enum Marked {
    /// It is on the item, which is this one.
    On(Current),
    /// The item is another one than was thought; it is this one, if that is known.
    Lost(Option<Current>),
    /// The upstream refused it.
    Refused(Answer),
}

impl Mark {
    fn fresh(operation: &str) -> Result<Self, Error> {
        super::random(operation).map(|bytes| Self(Value::B(Cow::Owned(bytes.to_vec()))))
    }

    /// The one that was put on the item, if it is still there; otherwise another. One that is gone must not come back: a
    /// write under it could still be under way.
    pub(super) fn kept_or_fresh(mark: Option<Self>, current: &Current, operation: &str) -> Result<Self, Error> {
        mark.filter(|mark| mark.is_on(current)).map_or_else(|| Self::fresh(operation), Ok)
    }

    pub(super) fn value(&self) -> &Value<'static> {
        &self.0
    }

    pub(super) fn is_on(&self, current: &Current) -> bool {
        current.mark() == Some(&self.0)
    }
}

impl Modify<'_, '_> {
    /// Marks the item, if it is still sealed under the same footer or still unsealed.
    pub(super) async fn mark(
        &self,
        operation: &str,
        mark: &Mark,
        current: &Current,
        io: Io<'_>,
    ) -> Result<Marked, Error> {
        let stored = current.item();
        let footer = stored.as_ref().and_then(|stored| stored.get(FOOTER));
        let exists = Condition::Exists(Path::attribute(self.table.schema().partition_key()));
        let condition = exists.and(footer.map_or_else(|| absent(FOOTER), |footer| equal(FOOTER, footer)));
        let set = (Path::attribute(MARK), Action::Set(SetValue::Value(mark.value())));
        let mut printer = Printer::default();
        let mut body = Object::default();
        body.set("TableName", Node::Raw(self.table_name.into()));
        body.set("Key", Node::Raw(self.key.as_str().into()));
        let update = printer.update(&ast::Update { actions: vec![set], legacy: false });
        body.set("UpdateExpression", Node::Printed(printed_text(&update)));
        let condition = printer.condition(&condition);
        body.set("ConditionExpression", Node::Printed(printed_text(&condition)));
        for (name, map) in placeholders(&printer) {
            body.set(name, Node::Printed(map));
        }
        body.set("ReturnValues", Node::Raw("\"ALL_NEW\"".into()));
        body.set("ReturnValuesOnConditionCheckFailure", Node::Raw("\"ALL_OLD\"".into()));
        match send("UpdateItem", body.print(&[], 512), io).await {
            Ok(answer) if answer.ok() => Current::from_member(operation, &answer, "Attributes").map(Marked::On),
            Ok(answer) => match answers::failed(&answer) {
                Some(Failed::Condition) => {
                    let now = Current::from_answer(operation, &answer)?;
                    Ok(Marked::Lost(Some(now).filter(Current::exists)))
                }
                Some(Failed::Conflict) => Ok(Marked::Lost(None)),
                _ => reply::refusal(operation, answer).map(Marked::Refused),
            },
            // It may be there or may still arrive, and harms nothing; a read tells.
            Err(WireError::Broken | WireError::Checksum | WireError::Timeout) => Ok(Marked::Lost(None)),
            Err(source) => Err(Error::Wire { operation: operation.to_owned(), source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use dynaseal_item::Item;

    use super::*;

    /// A write under it could still be under way, and would find it there again.
    #[test]
    fn a_mark_that_is_gone_does_not_come_back() {
        let mark = || Mark(Value::B(Cow::Borrowed(b"mark")));
        let answer = Answer::new(200, br#"{"Item":{"id":{"S":"1"},"aws_dbe_sealing":{"B":"bWFyaw=="}}}"#.to_vec());
        let marked = Current::from_answer("UpdateItem", &answer).unwrap();
        assert_eq!(Mark::kept_or_fresh(Some(mark()), &marked, "UpdateItem").unwrap().0, mark().0);
        for gone in [Current::none(), Current::of(&Item::new())] {
            assert_ne!(Mark::kept_or_fresh(Some(mark()), &gone, "UpdateItem").unwrap().0, mark().0);
        }
    }
}
