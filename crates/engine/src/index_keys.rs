//! An index on an attribute that the configuration encrypts, of a table that is configured by name and was made elsewhere.
//! DynamoDB refuses every write of the attribute as being of the wrong type, which tells a caller who sent text nothing; so it
//! is told here what it is. Tables of a pattern bring their indexes (`learn.rs`).

use std::cell::RefCell;

use dynaseal_item::Action;
use dynaseal_keys::{Answer, Call, Io};

use crate::answers::{self, Failed};
use crate::doc::{Object, array};
use crate::error::Error;
use crate::learn::{Description, Directory, describe, described};
use crate::operation::{self, Visit, walk};
use crate::plan::table_name;
use crate::table::{Plaintext, Table};

/// The outcome of a call; DynamoDB's refusal of an encrypted key of an index as what it is.
pub(crate) fn explained(directory: &Directory, call: &Call, outcome: Result<Answer, Error>) -> Result<Answer, Error> {
    let Ok(answer) = &outcome else { return outcome };
    let failed = answers::failed(answer);
    if !matches!(failed, Some(Failed::Validation | Failed::Transaction)) {
        return outcome;
    }
    let Some(attribute) = refused_key(answer) else { return outcome };
    let named = Named { directory, attribute: &attribute, table: RefCell::default() };
    // It was read before; DynamoDB judged it.
    let _ = walk(operation::find(call.service, &call.operation), &call.body, &named);
    match named.table.into_inner() {
        Some(table) => Err(hidden(&call.operation, table, attribute)),
        None => outcome,
    }
}

/// What DynamoDB says of tables that are configured by name and does not fit: keys of indexes that would be encrypted, and
/// other keys than the configured ones. Tables that cannot be described say nothing.
pub(crate) async fn faults(directory: &Directory, io: Io<'_>) -> Vec<Error> {
    const OPERATION: &str = "DescribeTable";
    let mut faults = Vec::new();
    for table in directory.named().filter(|table| table.plaintext() != Plaintext::Write) {
        let Ok(answer) = describe(OPERATION, table.name(), io).await else { continue };
        let found = described(&answer).ok().flatten().filter(|found| found.name == table.name());
        let Some(Description { keys, .. }) = found else { continue };
        let own: Vec<&str> = std::iter::once(keys.partition_key.as_str()).chain(keys.sort_key.as_deref()).collect();
        let configured: Vec<&str> = table.schema().keys().collect();
        if own != configured {
            let what = format!("its key is {}, but the configuration says {}", own.join(", "), configured.join(", "));
            let instead = "make partition_key and sort_key agree with the table";
            let (operation, table) = (OPERATION.to_owned(), table.name().to_owned());
            faults.push(Error::Refused { operation, table, what, instead });
        }
        let encrypted = keys.index_keys.into_iter().filter(|key| is_encrypted(table, key));
        faults.extend(encrypted.map(|key| hidden(OPERATION, table.name().to_owned(), key)));
    }
    faults
}

/// The key of an index that DynamoDB found to be of another type than the table says, by its own words or by those of a
/// transaction's reasons.
fn refused_key(answer: &Answer) -> Option<String> {
    const WORDS: &str = "Type mismatch for Index Key ";
    let body = Object::parse(std::str::from_utf8(&answer.body).ok()?).ok()?;
    let in_words = |object: &Object<'_>| {
        let message = object.text("message").ok().flatten().or(object.text("Message").ok().flatten())?;
        let (_, rest) = message.split_once(WORDS)?;
        // The attribute's name may hold blanks.
        let (name, types) = rest.split_once(" Expected: ")?;
        // Ciphertext is `B`; of a `BOOL` or `BS` that the caller sent, DynamoDB's own words are right.
        let (_, actual) = types.split_once("Actual: ")?;
        (actual.split_whitespace().next() == Some("B")).then(|| name.to_owned())
    };
    in_words(&body).or_else(|| {
        let reasons = array(body.raw("CancellationReasons")?).ok()?;
        reasons.into_iter().find_map(|reason| in_words(&Object::parse(reason).ok()?))
    })
}

fn is_encrypted(table: &Table, attribute: &str) -> bool {
    table.schema().action(attribute) == Some(Action::EncryptAndSign)
}

fn hidden(operation: &str, table: String, attribute: String) -> Error {
    Error::HiddenKey { operation: operation.to_owned(), table, attribute, role: "a key of an index" }
}

/// Keeps the first table of a request that encrypts the attribute.
struct Named<'d> {
    directory: &'d Directory,
    attribute: &'d str,
    table: RefCell<Option<String>>,
}

impl Visit for Named<'_> {
    fn table(&self, name_or_arn: &str) {
        let encrypts = match self.directory.named_table(name_or_arn) {
            Some(table) => table.plaintext() != Plaintext::Write && is_encrypted(table, self.attribute),
            None => {
                self.directory.pattern(table_name(name_or_arn)).is_some_and(|one| !one.can_be_index_key(self.attribute))
            }
        };
        if encrypts {
            self.table.borrow_mut().get_or_insert_with(|| table_name(name_or_arn).to_owned());
        }
    }
}
