//! TransactWriteItems with actions that depend on plaintext: every item is read, every action decided, and all of them are
//! sent as one transaction under their guards. A condition that does not hold becomes a check that cannot, so that DynamoDB
//! itself cancels the transaction and gives every action's reason in the caller's order.
//!
//! The token makes it safe to send again. Sealed bytes are never the same twice, so DynamoDB answers a repeated token with
//! a mismatch; the token that is sent is made of the caller's token and of the whole request (`plan/token.rs`), so that only
//! the same request can meet it: then it was carried out before, here or by another gateway.

use dynaseal_keys::{Answer, Io, WireError};

use crate::answers::{self, Failed};
use crate::doc::{Node, Object, array};
use crate::error::Error;
use crate::plan::{Put, Reply};
use crate::reply;
use crate::run::seal_one;

use super::{Decision, Modify, TRIES, pause, send};

/// A transaction with sealed or decided parts.
#[derive(Debug)]
pub(crate) struct Transact<'e, 'a> {
    /// The request without its actions and its token.
    pub(crate) body: Object<'a>,
    pub(crate) entries: Vec<Entry<'e, 'a>>,
    /// Items to seal; their holes are in the entries.
    pub(crate) puts: Vec<Put<'e, 'a>>,
    pub(crate) reply: Reply<'e, 'a>,
    /// The token to send.
    pub(crate) token: String,
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
/// Conditions on the item's partition key.
const NEVER: &str = "attribute_exists(#k) AND attribute_not_exists(#k)";
const ABSENT: &str = "attribute_not_exists(#k)";

/// What is sent for each action, and whether a guard of ours stands in it.
type Decided<'n> = (Vec<Node<'n>>, Vec<bool>);

impl Transact<'_, '_> {
    /// For each try a read of each item that is decided on, and the transaction.
    pub(crate) fn calls(&self) -> u32 {
        let decided = self.entries.iter().filter(|entry| matches!(entry, Entry::Work(..)));
        decided.fold(1, |calls, _| calls.saturating_add(1))
    }

    pub(crate) async fn carry_out(&self, io: Io<'_>) -> Result<Answer, Error> {
        let mut sealed = Vec::with_capacity(self.puts.len());
        for put in &self.puts {
            sealed.push(seal_one(put, OPERATION, io).await?);
        }
        let mut sent_again = false;
        for attempt in 0..TRIES {
            let mut body = Object::default();
            for (name, text) in self.body.entries() {
                body.insert(name.to_owned(), Node::Raw(text.into()));
            }
            let (actions, guarded) = match self.decide(io).await? {
                Ok(actions) => actions,
                Err(answer) => return Ok(answer),
            };
            body.insert("TransactItems".to_owned(), Node::Array(actions));
            body.insert("ClientRequestToken".to_owned(), Node::Raw(format!("\"{}\"", self.token).into()));
            match send(OPERATION, body.print(&sealed, 4096), io).await {
                Ok(answer) => match answers::failed(&answer) {
                    Some(Failed::Token) => return Ok(answers::nothing()),
                    Some(Failed::Transaction) if lost_a_race(&answer, &guarded)? => {}
                    _ => return reply::open(OPERATION, &self.reply, answer, io).await,
                },
                // The token tells whether it was carried out.
                Err(WireError::Broken | WireError::Timeout) if !sent_again => sent_again = true,
                Err(source) => return Err(Error::Wire { operation: OPERATION.to_owned(), source }),
            }
            io.clock.sleep(pause(attempt)?).await;
        }
        let table = self.entries.iter().find_map(|entry| match entry {
            Entry::Work(_, modify) => Some(modify.table.name().to_owned()),
            Entry::Ready(_) => None,
        });
        Err(Error::Contended { operation: OPERATION.to_owned(), table: table.unwrap_or_default(), tries: TRIES })
    }

    /// The actions to send, and for each whether a guard of ours stands in it; or the upstream's refusal of a read.
    async fn decide(&self, io: Io<'_>) -> Result<Result<Decided<'_>, Answer>, Error> {
        let (mut actions, mut guarded) = (Vec::new(), Vec::new());
        for entry in &self.entries {
            let (name, modify) = match entry {
                Entry::Ready(node) => {
                    actions.push(node.clone());
                    guarded.push(false);
                    continue;
                }
                Entry::Work(name, modify) => (*name, modify),
            };
            let current = match modify.read(OPERATION, io).await? {
                Ok(current) => current,
                Err(answer) => return Ok(Err(answer)),
            };
            let mut action = Object::default();
            let decision = modify.decide(OPERATION, &current, io).await?;
            guarded.push(matches!(decision, Decision::Write(_)));
            match decision {
                Decision::Write(write) => {
                    let mut part = write.object(&modify.body);
                    part.insert("TableName".to_owned(), Node::Raw(modify.table_name.into()));
                    action.insert(name.to_owned(), Node::Printed(part.print(&[], 2048)));
                }
                Decision::ConditionFailed(_) => {
                    action.insert("ConditionCheck".to_owned(), Node::Object(modify.check(NEVER)));
                }
                Decision::Nothing => {
                    action.insert("ConditionCheck".to_owned(), Node::Object(modify.check(ABSENT)));
                }
            }
            actions.push(Node::Object(action));
        }
        Ok(Ok((actions, guarded)))
    }
}

/// Whether a transaction was cancelled because an item changed after it was read: a guard of ours failed.
fn lost_a_race(answer: &Answer, guarded: &[bool]) -> Result<bool, Error> {
    let bad = |_| Error::Answer { operation: OPERATION.to_owned(), reason: "its reasons cannot be read".to_owned() };
    let text = std::str::from_utf8(&answer.body).unwrap_or_default();
    let body = Object::parse(text).map_err(bad)?;
    let Some(reasons) = body.raw("CancellationReasons") else { return Ok(false) };
    for (reason, guarded) in array(reasons).map_err(bad)?.into_iter().zip(guarded) {
        let reason = Object::parse(reason).map_err(bad)?;
        if *guarded && reason.text("Code").map_err(bad)?.as_deref() == Some("ConditionalCheckFailed") {
            return Ok(true);
        }
    }
    Ok(false)
}

impl<'a> Modify<'_, 'a> {
    /// A check of the item's own partition key, as an action of a transaction.
    fn check(&self, condition: &str) -> Object<'a> {
        let mut names = Object::default();
        let mut key = Vec::new();
        dynaseal_item::json::write_text(self.table.schema().partition_key(), &mut key);
        names.insert("#k".to_owned(), Node::Printed(key));
        let mut check = Object::default();
        check.insert("TableName".to_owned(), Node::Raw(self.table_name.into()));
        check.insert("Key".to_owned(), Node::Printed(self.key.clone().into_bytes()));
        check.insert("ConditionExpression".to_owned(), Node::Raw(format!("\"{condition}\"").into()));
        check.insert("ExpressionAttributeNames".to_owned(), Node::Object(names));
        if self.show_item {
            check.insert("ReturnValuesOnConditionCheckFailure".to_owned(), Node::Raw("\"ALL_OLD\"".into()));
        }
        check
    }
}
