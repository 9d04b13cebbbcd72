//! BatchWriteItem and BatchGetItem.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::bounds::{KEYS, Listed, WRITES};
use crate::doc::{Node, NotJson, Object, TOO_MANY, list};
use crate::error::Error;

use super::item::put_part;
use super::scope::{NAMES, Scope, not_mixed};
use super::{BatchView, Plan, Put, Reply, Request, View};

const REQUEST_ITEMS: &str = "RequestItems";

pub(crate) fn write<'e, 'a>(mut request: Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    const MEMBERS: [&str; 3] = [REQUEST_ITEMS, "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"];
    let Some(mut tables) = request_items(&request, WRITES)? else { return Ok(Plan::Forward) };
    let (mut puts, mut protected, mut left) = (Vec::new(), BTreeMap::new(), WRITES.most);
    for (name, node) in tables.entries_mut() {
        let (Some(table), Node::Raw(Cow::Borrowed(text))) = (request.tables.table(name), &*node) else { continue };
        let scope = Scope { operation: request.operation, table };
        scope.known(&request.body, &MEMBERS)?;
        let writes = list(text, left).map_err(|error| Error::listed(WRITES, error))?;
        left = left.saturating_sub(writes.len());
        let mut nodes = Vec::with_capacity(writes.len());
        for (number, text) in writes.into_iter().enumerate() {
            nodes.push(write_one(&scope, text, number, &mut puts)?);
        }
        protected.insert(name.to_owned(), table);
        *node = Node::Array(nodes);
    }
    if protected.is_empty() {
        return Ok(Plan::Forward);
    }
    request.body.set(REQUEST_ITEMS, Node::Object(tables));
    Ok(request.edit(puts, Reply::Unprocessed(protected)))
}

/// `{"PutRequest":{"Item":…}}` or `{"DeleteRequest":{"Key":…}}`.
fn write_one<'e, 'a>(
    scope: &Scope<'e, '_>,
    text: &'a str,
    number: usize,
    puts: &mut Vec<Put<'e, 'a>>,
) -> Result<Node<'a>, Error> {
    let bad = |error| scope.bad(REQUEST_ITEMS, error);
    let mut write = Object::parse(text).map_err(bad)?;
    scope.known(&write, &["PutRequest", "DeleteRequest"])?;
    if let Some(Cow::Borrowed(put)) = write.take_raw("PutRequest") {
        let mut put = Object::parse(put).map_err(bad)?;
        scope.known(&put, &["Item"])?;
        puts.extend(put_part(scope, &mut put, puts.len(), Some(number)));
        write.set("PutRequest", Node::Object(put));
    }
    Ok(Node::Object(write))
}

pub(crate) fn get<'e, 'a>(mut request: Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    const MEMBERS: [&str; 5] = ["Keys", "ConsistentRead", "AttributesToGet", "ProjectionExpression", NAMES];
    let Some(mut tables) = request_items(&request, KEYS)? else { return Ok(Plan::Forward) };
    let (mut views, mut left) = (BTreeMap::new(), KEYS.most);
    let mixed = {
        let all: Vec<_> = tables.entries().filter_map(|(_, text)| Object::parse(text).ok()).collect();
        not_mixed(request.operation, &all.iter().collect::<Vec<_>>())
    };
    for (name, node) in tables.entries_mut() {
        let (Some(table), Node::Raw(Cow::Borrowed(text))) = (request.tables.table(name), &*node) else { continue };
        let scope = Scope { operation: request.operation, table };
        scope.known(&request.body, &[REQUEST_ITEMS, "ReturnConsumedCapacity"])?;
        let mut keys = Object::parse(text).map_err(|error| request.bad(error))?;
        scope.known(&keys, &MEMBERS)?;
        let asked = keys.raw("Keys").map_or(Ok(0), |keys| list(keys, left).map(|keys| keys.len()));
        left = left.saturating_sub(asked.map_err(|error| Error::listed(KEYS, error))?);
        let (projection, taken) = scope.take_projection(&mut keys)?;
        let view = View { table, projection, index_of: None };
        views.insert(name.to_owned(), BatchView { view, taken });
        *node = Node::Object(keys);
    }
    if views.is_empty() {
        return Ok(Plan::Forward);
    }
    mixed?;
    request.body.set(REQUEST_ITEMS, Node::Object(tables));
    Ok(request.edit(Vec::new(), Reply::ByTable(views)))
}

/// The tables of a batch. One table under two names, its own and an ARN, could not be told apart in the answer.
fn request_items<'a>(request: &Request<'_, 'a>, limit: Listed) -> Result<Option<Object<'a>>, Error> {
    let Some(text) = request.body.borrowed(REQUEST_ITEMS) else { return Ok(None) };
    let tables = Object::parse(text).map_err(|error| request.bad(error))?;
    // Each has at least one entry.
    if tables.len() > limit.most {
        return Err(Error::listed(limit, TOO_MANY));
    }
    let mut names: Vec<_> =
        tables.names().filter_map(|name| request.tables.table(name)).map(|table| table.name()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| matches!(pair, [left, right] if left == right)) {
        return Err(request.bad(NotJson("a table stands twice, by name and by ARN")));
    }
    Ok(Some(tables))
}
