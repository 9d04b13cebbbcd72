//! DynamoDB Streams. An answer of GetRecords does not say which table its records are of, and the iterator that leads to
//! it is opaque, so iterators carry the table's name past the caller:
//!
//! | part                | meaning                                             |
//! |---------------------|-----------------------------------------------------|
//! | `dynaseal-1/`       | wrapped by Dynaseal, in this form                   |
//! | table name, `/`     | as the stream's ARN has it, where no name holds `/` |
//! | the rest            | the upstream's own iterator                         |
//!
//! Nothing is kept here, so an iterator works through any other gateway. It is not signed: whoever changes the name sees
//! records that do not verify, or ciphertext. While any table is protected every iterator is wrapped, so that one from
//! elsewhere is noticed.

use dynaseal_item::json;

use crate::doc::{Node, NotJson};
use crate::error::Error;
use crate::table::Table;

use super::scope::Scope;
use super::{Plan, Reply, Request};

/// The stream that an answer comes from.
#[derive(Debug)]
pub(crate) struct Stream<'e> {
    pub(crate) table_name: String,
    /// The configuration of its table, if that is protected.
    pub(crate) table: Option<&'e Table>,
}

pub(super) fn shard_iterator<'e, 'a>(request: Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    // Without one DynamoDB says what is missing.
    let Some(arn) = request.body.text("StreamArn").map_err(|error| request.bad(error))? else {
        return request.forward();
    };
    let name = table_of_stream(&arn).ok_or_else(|| {
        request.bad(NotJson("StreamArn does not name the stream of a table, as arn:…:table/NAME/stream/LABEL does"))
    })?;
    let name = name.to_owned();
    answer_of(request, name)
}

pub(super) fn records<'e, 'a>(mut request: Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    const MEMBER: &str = "ShardIterator";
    let Some(iterator) = request.body.text(MEMBER).map_err(|error| request.bad(error))? else {
        return request.forward();
    };
    let Some((name, upstream)) = unwrap(&iterator) else {
        return Err(Error::ForeignIterator { operation: request.operation.to_owned() });
    };
    let (name, mut text) = (name.to_owned(), Vec::new());
    json::write_text(upstream, &mut text);
    request.body.set(MEMBER, Node::Printed(text));
    answer_of(request, name)
}

fn answer_of<'e, 'a>(request: Request<'e, 'a>, table_name: String) -> Result<Plan<'e, 'a>, Error> {
    let table = request.tables.table(&table_name);
    if let Some(table) = table {
        Scope { operation: request.operation, table }.known(&request.body, request.known.members)?;
    }
    Ok(request.edit(Vec::new(), Reply::Stream(Stream { table_name, table })))
}

impl Stream<'_> {
    /// An iterator of the upstream as callers see it.
    pub(crate) fn wrap(&self, upstream: &str) -> String {
        format!("{WRAPPED}{}/{upstream}", self.table_name)
    }
}

/// The table's name and the upstream's iterator.
fn unwrap(iterator: &str) -> Option<(&str, &str)> {
    iterator.strip_prefix(WRAPPED)?.split_once('/').filter(|(name, _)| !name.is_empty())
}

/// The table's name in `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL`.
fn table_of_stream(arn: &str) -> Option<&str> {
    let (_, rest) = arn.split_once(":table/")?;
    let (name, rest) = rest.split_once('/')?;
    (!name.is_empty() && rest.starts_with("stream/")).then_some(name)
}

const WRAPPED: &str = "dynaseal-1/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iterator_comes_back_as_it_was() {
        for table_name in ["Users", "a.b_c-d"] {
            let stream = Stream { table_name: table_name.to_owned(), table: None };
            for upstream in ["", "AAAA+/==", "arn:aws:dynamodb:r:1:table/Users/stream/l|1|AAAA", "dynaseal-1/Other/x"] {
                assert_eq!(unwrap(&stream.wrap(upstream)), Some((table_name, upstream)));
            }
        }
        for foreign in ["", "AAAA", "dynaseal-1/", "dynaseal-1/Users", "dynaseal-1//AAAA", "dynaseal-2/Users/AAAA"] {
            assert_eq!(unwrap(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn the_arn_of_a_stream_names_its_table() {
        let arn = "arn:aws:dynamodb:eu-west-1:111122223333:table/Users/stream/2015-06-27T00:48:05.899";
        assert_eq!(table_of_stream(arn), Some("Users"));
        assert_eq!(table_of_stream("arn:aws:dynamodb:ddblocal:000000000000:table/a.b-c/stream/x"), Some("a.b-c"));
        for other in
            ["", "Users", "arn:aws:dynamodb:eu-west-1:1:table/Users", "arn:x:table//stream/l", "x:tables/A/stream/l"]
        {
            assert_eq!(table_of_stream(other), None, "{other}");
        }
    }
}
