//! Conditions on an item's own partition key, which DynamoDB asks though the item is sealed. They make it say what only it can
//! say as it does: that a transaction's action failed; and of a key that it does not take, such as one that is too long or of
//! another type, the words and the shape that each operation has for it.

use dynaseal_keys::{Answer, Io};

use crate::answers::{self, Failed};
use crate::doc::{Node, Object};
use crate::error::Error;
use crate::reply;
use crate::table::Table;

use super::{Change, Modify, printed_text, send};

/// Does not hold, whatever is stored.
pub(crate) const NEVER: &str = "attribute_exists(#k) AND attribute_not_exists(#k)";
/// Holds where there is no item.
pub(super) const ABSENT: &str = "attribute_not_exists(#k)";

/// Puts such a condition into an action or a request.
pub(crate) fn condition(part: &mut Object<'_>, condition: &str, table: &Table) {
    let mut names = Object::default();
    names.insert("#k".to_owned(), Node::Printed(printed_text(table.schema().partition_key())));
    part.insert("ConditionExpression".to_owned(), Node::Raw(format!("\"{condition}\"").into()));
    part.insert("ExpressionAttributeNames".to_owned(), Node::Object(names));
}

impl<'a> Modify<'_, 'a> {
    /// A check of the item's own partition key, as an action of a transaction.
    pub(super) fn check(&self, condition: &str, show_item: bool) -> Object<'a> {
        let mut check = self.on_key("Key", condition);
        if show_item {
            check.insert("ReturnValuesOnConditionCheckFailure".to_owned(), Node::Raw("\"ALL_OLD\"".into()));
        }
        check
    }

    /// An action of this key that nothing comes of, and its name.
    pub(super) fn to_refuse(&self) -> (&'static str, Object<'a>) {
        match self.change {
            Change::Put(_) => ("Put", self.on_key("Item", NEVER)),
            _ => ("ConditionCheck", self.on_key("Key", NEVER)),
        }
    }

    /// The answer to a call whose item could not be read. Of a key in an item DynamoDB speaks in other words than of a key that
    /// is read.
    pub(super) async fn not_read(&self, operation: &str, answer: Answer, io: Io<'_>) -> Result<Answer, Error> {
        let is_put = matches!(self.change, Change::Put(_));
        if !is_put || answers::failed(&answer) != Some(Failed::Validation) {
            return Ok(answer);
        }
        let asked = send(operation, self.on_key("Item", NEVER).print(&[], 256), io).await;
        let said = asked.map_err(|source| Error::Wire { operation: operation.to_owned(), source })?;
        if answers::failed(&said) == Some(Failed::Validation) { reply::refusal(operation, said) } else { Ok(answer) }
    }

    fn on_key(&self, target: &str, under: &str) -> Object<'a> {
        let mut part = Object::default();
        part.insert("TableName".to_owned(), Node::Raw(self.table_name.into()));
        part.insert(target.to_owned(), Node::Printed(self.key.clone().into_bytes()));
        condition(&mut part, under, self.table);
        part
    }
}
