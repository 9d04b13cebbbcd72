//! PartiQL on protected tables. A statement is read, and carried out as the call that says the same; that call goes
//! through the same plan as one that an application wrote, so that sealing, guards, filters and rehydration are its.
//!
//! ```text
//!  statement ── lex.rs ── parse.rs, condition.rs, value.rs ──> ast.rs ── read.rs   SELECT -> Query, Scan
//!                                                               key.rs   write.rs  the others -> Put, Update, Delete
//!                                                               index.rs
//!                                                                          |
//!  run.rs, batch.rs, transaction.rs ── Engine::call ──> answer ── answer.rs: PartiQL's shape; token.rs: NextToken
//! ```
//!
//! What cannot be read, or says what no call does, is a [`Fault`]; it is never sent on where it could mean a protected
//! table.

mod answer;
mod ast;
mod batch;
mod condition;
mod explain;
mod index;
mod key;
mod lex;
mod parse;
mod read;
mod run;
mod token;
mod transaction;
mod value;
mod write;

use dynaseal_item::Value;
use dynaseal_keys::Answer;

use crate::answers;
use crate::bounds::LONGEST_STATEMENT;
use crate::doc::Object;
use crate::error::Error;
use crate::expr::stored::Layer;
use crate::table::Table;

pub(crate) use batch::{Batch, Entry};
pub(crate) use run::Job;
pub(crate) use transaction::Transaction;

use ast::Statement;
use parse::parse;

/// Why a statement is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It cannot be read from this byte on.
    Unreadable { at: usize, expected: &'static str },
    /// It says what no call on a protected table does.
    Unmapped { what: &'static str, instead: &'static str },
    /// DynamoDB refuses it, in these words.
    Invalid(String),
}

impl Fault {
    /// What the caller gets: DynamoDB's own words as an answer, anything else as a refusal.
    pub(crate) fn settle(self, operation: &str, table: &Table) -> Result<Answer, Error> {
        match self {
            Fault::Invalid(message) => Ok(answers::validation(&message)),
            other => Err(other.refusal(operation, table.name())),
        }
    }

    /// The refusal of a statement that is about a table, or could be.
    pub(crate) fn refusal(self, operation: &str, table: &str) -> Error {
        let (what, instead) = match self {
            Fault::Invalid(message) => (message, "correct the statement"),
            Fault::Unmapped { what, instead } => (what.to_owned(), instead),
            Fault::Unreadable { at, expected } => (
                format!("the statement cannot be read at byte {at}, where {expected} should stand"),
                "use PutItem, GetItem, Query, UpdateItem or DeleteItem; `dynaseal explain COMPAT.md` lists what is read of \
                 PartiQL",
            ),
        };
        Error::Refused { operation: operation.to_owned(), table: table.to_owned(), what, instead }
    }
}

/// The table that a statement is about, if it can be read.
pub(crate) fn table_of(text: &str) -> Option<String> {
    let (statement, _) = parse(text, Vec::new()).ok()?;
    Some(statement.target().table.clone())
}

/// A statement that was read, with the members that stand beside it.
#[derive(Debug)]
pub(crate) struct Planned<'e> {
    pub(crate) statement: Statement,
    /// The protected table that it is about.
    pub(crate) table: Option<&'e Table>,
    pub(crate) text: String,
    /// Whether there are fewer parameters than question marks.
    pub(crate) lacks_parameters: bool,
    /// Why DynamoDB does not take one of the parameters.
    invalid: Option<String>,
    /// The members that stand beside it, as JSON.
    pub(crate) beside: Vec<(&'static str, String)>,
}

impl<'e> Planned<'e> {
    /// Reads what `Statement` and `Parameters` hold.
    pub(crate) fn read(
        holder: &Object<'_>,
        text: &str,
        table: impl FnOnce(&str) -> Option<&'e Table>,
    ) -> Result<Self, Fault> {
        if text.chars().count() > LONGEST_STATEMENT {
            return Err(Fault::Unreadable { at: LONGEST_STATEMENT, expected: "the end of the statement" });
        }
        let (parameters, unread) = parameters(holder)?;
        let given = parameters.len();
        let refused = || parameters.iter().find_map(|value| Layer::Older.check(value).err());
        let invalid = unread.map(str::to_owned).or_else(|| refused().map(|fault| fault.message()));
        let (statement, used) = parse(text, parameters)?;
        let lacks_parameters = used > given;
        let table = table(&statement.target().table);
        let beside = BESIDE.iter().filter_map(|name| Some((*name, holder.raw(name)?.to_owned()))).collect();
        Ok(Self { statement, table, text: text.to_owned(), lacks_parameters, invalid, beside })
    }

    /// Parameters are looked at once a statement is read.
    fn check(&self) -> Result<(), Fault> {
        if let Some(message) = &self.invalid {
            return Err(Fault::Invalid(message.clone()));
        }
        if self.lacks_parameters {
            return Err(Fault::Invalid("Number of parameters in request and statement don't match.".to_owned()));
        }
        Ok(())
    }

    fn beside(&self, name: &str) -> Option<&str> {
        self.beside.iter().find(|(other, _)| *other == name).map(|(_, text)| text.as_str())
    }
}

/// The parameters; and why DynamoDB does not read one of them, which then stands there as NULL.
fn parameters(holder: &Object<'_>) -> Result<(Vec<Value<'static>>, Option<&'static str>), Fault> {
    const EXPECTED: Fault = Fault::Unmapped {
        what: "Parameters is not a list of attribute values",
        instead: "give one attribute value for each question mark",
    };
    let Some(text) = holder.raw("Parameters") else { return Ok((Vec::new(), None)) };
    // A statement is carried out as another call, and holds its values several times on the way.
    if text.bytes().filter(|byte| matches!(byte, b',' | b'{')).count() > MOST_VALUES {
        return Err(Fault::Unmapped {
            what: "Parameters hold more than 131,072 values",
            instead: "use PutItem, UpdateItem, Query or Scan, which take more of them",
        });
    }
    let all = crate::doc::list(text, LONGEST_STATEMENT).map_err(|_| EXPECTED)?;
    let mut unread = None;
    let read = |text: &str| match dynaseal_item::json::read_value(text) {
        Ok(value) => Ok(value.into_owned()),
        Err(error) => {
            let words = error.dynamodb_words().ok_or(EXPECTED)?;
            unread.get_or_insert(words.text);
            Ok(Value::Null)
        }
    };
    let read = all.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok((read, unread))
}

const MOST_VALUES: usize = 1 << 17;

/// Members beside `Statement` and `Parameters`.
const BESIDE: [&str; 5] =
    ["ConsistentRead", "Limit", "NextToken", "ReturnConsumedCapacity", "ReturnValuesOnConditionCheckFailure"];
