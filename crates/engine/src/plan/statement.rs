//! PartiQL. A statement on a protected table is refused; one whose tables cannot be told is refused too (FORMAT T24).

use crate::doc::{Object, array};
use crate::error::Error;

use super::scope::Scope;
use super::{Plan, Request};

const STATEMENT: &str = "Statement";

pub(crate) fn execute<'e, 'a>(request: &Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    statement(request, &request.body)?;
    Ok(Plan::Forward)
}

pub(crate) fn batch<'e, 'a>(request: &Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    statements(request, "Statements")
}

pub(crate) fn transaction<'e, 'a>(request: &Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    statements(request, "TransactStatements")
}

fn statements<'e, 'a>(request: &Request<'e, 'a>, member: &str) -> Result<Plan<'e, 'a>, Error> {
    if let Some(list) = request.body.raw(member) {
        for entry in array(list).map_err(|error| request.bad(error))? {
            statement(request, &Object::parse(entry).map_err(|error| request.bad(error))?)?;
        }
    }
    Ok(Plan::Forward)
}

fn statement(request: &Request<'_, '_>, holder: &Object<'_>) -> Result<(), Error> {
    let Some(text) = holder.text(STATEMENT).map_err(|error| request.bad(error))? else { return Ok(()) };
    match request.tables.directory().named().find(|table| names(&text, table.name())) {
        None if request.tables.directory().has_patterns() => {
            Err(Error::UnknownOperation { operation: request.operation.to_owned() })
        }
        None => Ok(()),
        Some(table) => Err(Scope { operation: request.operation, table }.refused(
            "PartiQL does not work on protected tables yet".to_owned(),
            "use GetItem, Query, PutItem or the transactions; pass text that equals a table's name as a parameter",
        )),
    }
}

/// Whether a statement could name a table: its name stands somewhere as a whole word, in any case and in any quotation,
/// text literals and comments included. Telling those apart as DynamoDB does would have to be exactly right; this errs on
/// the safe side, and a literal that equals the name can be passed as a parameter.
fn names(statement: &str, table: &str) -> bool {
    let (statement, table) = (statement.to_ascii_lowercase(), table.to_ascii_lowercase());
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    statement.match_indices(&table).any(|(at, found)| {
        let before = statement.get(..at).and_then(|text| text.chars().next_back());
        let after = statement.get(at + found.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_wherever_it_stands() {
        for statement in [
            "SELECT * FROM Users",
            "select * from \"USERS\".\"by\"",
            "UPDATE Users-- x",
            "SELECT * FROM a WHERE EXISTS(SELECT * FROM Users)",
            "SELECT * FROM a -- '\n, Users -- '",
            "INSERT INTO \"arn:aws:dynamodb:eu-west-1:1:table/Users\" VALUE {}",
        ] {
            assert!(names(statement, "Users"), "{statement}");
        }
        assert!(!names("SELECT * FROM UsersArchive, MyUsers, users_old", "Users"));
    }
}
