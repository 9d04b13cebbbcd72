//! PutItem, GetItem, DeleteItem and UpdateItem, and their forms inside transactions.

use std::borrow::Cow;

use dynaseal_item::json;

use crate::doc::{Node, NotJson, Object};
use crate::error::Error;
use crate::expr::error::Kind;
use crate::modify::{Change, Modify, Returns};
use crate::run::check_item;
use crate::table::{Failure, Plaintext, Table};

use super::scope::{NAMES, Scope, UPDATES, VALUES, Work};
use super::unmark::unmark;
use super::{Plan, Put, Reply, Request, View, shows_on_failure};

pub(crate) fn put<'e, 'a>(mut request: Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    let Some(table) = request.table()? else { return request.forward() };
    let scope = Scope { operation: request.operation, table };
    scope.known(&request.body, request.known.members)?;
    if let Some(work) = scope.work(&request.body, Kind::Condition)?.filter(Work::is_here)
        && let Some(item) = target(&scope, &mut request.body, "Item", &work)?
    {
        let key = put_key(&scope, &item)?;
        let modify = modify(request.body, table, key, Change::Put(item), work);
        return Ok(Plan::Modify(Box::new(modify)));
    }
    let reply = written(&request, table);
    let puts = Vec::from_iter(put_part(&scope, &mut request.body, 0, None));
    Ok(request.edit(puts, reply))
}

pub(crate) fn get<'e, 'a>(mut request: Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    let Some(table) = request.table()? else { return request.forward() };
    let scope = Scope { operation: request.operation, table };
    scope.known(&request.body, request.known.members)?;
    scope.key(&request.body)?;
    let view = View::of_part(table, &request.body);
    let projection = scope.take_projection(&mut request.body)?;
    scope.all_used(&request.body)?;
    Ok(request.edit(Vec::new(), Reply::One(View { projection, ..view })))
}

pub(crate) fn delete<'e, 'a>(mut request: Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    let Some(table) = request.table()? else { return request.forward() };
    let scope = Scope { operation: request.operation, table };
    scope.known(&request.body, request.known.members)?;
    scope.key(&request.body)?;
    if let Some(work) = scope.work(&request.body, Kind::Condition)?.filter(Work::is_here)
        && let Some(key) = target(&scope, &mut request.body, "Key", &work)?
    {
        let modify = modify(request.body, table, key.into_owned(), Change::Delete, work);
        return Ok(Plan::Modify(Box::new(modify)));
    }
    let reply = written(&request, table);
    Ok(request.edit(Vec::new(), reply))
}

pub(crate) fn update<'e, 'a>(mut request: Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    let Some(table) = request.table()? else { return request.forward() };
    let scope = Scope { operation: request.operation, table };
    scope.known(&request.body, request.known.members)?;
    scope.key(&request.body)?;
    let work = scope.work(&request.body, Kind::Condition)?;
    let updates = work.as_ref().map(|work| work.updates.clone()).unwrap_or_default();
    let returns = Returns::of(&request.body);
    if let Some(work) = work.as_ref().filter(|work| !makes_or_changes(work, table)) {
        unmark(&scope, &mut request.body, work)?;
    } else if let Some(work) = work
        && let Some(key) = target(&scope, &mut request.body, "Key", &work)?
    {
        let natively_first = !work.is_here();
        let modify = modify(request.body, table, key.into_owned(), Change::Update(returns), work);
        return Ok(Plan::Modify(Box::new(Modify { natively_first, ..modify })));
    }
    // Only unsigned attributes are updated.
    let (shown, view) = (returns.natively(updates), View::of_part(table, &request.body));
    Ok(request.edit(Vec::new(), Reply::Write { shown, view }))
}

/// Whether an update has to do with what is sealed: it changes it, or it would make an item, which must then be sealed.
fn makes_or_changes(work: &Work, table: &Table) -> bool {
    work.is_here() || table.plaintext() != Plaintext::Write
}

/// The item or the key of a write that may have to be worked out here. If it must be and has none, DynamoDB would refuse
/// it, but would see the values that its condition compares encrypted attributes with.
fn target<'a>(
    scope: &Scope<'_, '_>,
    object: &mut Object<'a>,
    member: &str,
    work: &Work,
) -> Result<Option<Cow<'a, str>>, Error> {
    match object.take_raw(member) {
        None if work.is_here() => Err(scope.bad(member, NotJson("it is missing"))),
        found => Ok(found),
    }
}

/// A put inside a request: its item is replaced by hole number `hole`.
pub(crate) fn put_part<'e, 'a>(
    scope: &Scope<'e, '_>,
    part: &mut Object<'a>,
    hole: usize,
    number: Option<usize>,
) -> Option<Put<'e, 'a>> {
    // Without an item DynamoDB says what is missing.
    let text = part.take_raw("Item")?;
    part.set("Item", Node::Item(hole));
    Some(Put { table: scope.table, text, number })
}

/// A write that is worked out here.
fn modify<'e, 'a>(
    mut body: Object<'a>,
    table: &'e Table,
    key: String,
    change: Change<'a>,
    work: Work,
) -> Modify<'e, 'a> {
    const RETURNS: &str = "ReturnValuesOnConditionCheckFailure";
    let show_item = shows_on_failure(&body);
    let table_name = body.borrowed("TableName").unwrap_or_default();
    let legacy = ["Expected", "ConditionalOperator", UPDATES];
    for member in
        ["Item", "Key", "ConditionExpression", "UpdateExpression", NAMES, VALUES, RETURNS].iter().chain(&legacy)
    {
        body.remove(member);
    }
    let Work { expressions, reads, .. } = work;
    let reads = reads.into_iter().collect();
    Modify { table, table_name, key, body, change, expressions, reads, show_item, natively_first: false }
}

/// The key of an item that is put, as GetItem takes it. The item is looked at before its condition is, as by DynamoDB.
fn put_key(scope: &Scope<'_, '_>, item: &str) -> Result<String, Error> {
    let read = json::read_item(item);
    let read = read.map_err(|source| Error::of_item(scope.operation, scope.table, None, Failure::Item(source)))?;
    check_item(scope.table, &read, None, scope.operation)?;
    let item = Object::parse(item).map_err(|error| scope.bad("Item", error))?;
    let mut key = Object::default();
    for name in scope.table.schema().keys() {
        let value = item.raw(name).ok_or_else(|| {
            let source = dynaseal_item::Error::Missing { attribute: name.to_owned() };
            Error::of_item(scope.operation, scope.table, None, Failure::Item(source))
        })?;
        key.insert(name.to_owned(), Node::Raw(value.to_owned().into()));
    }
    Ok(String::from_utf8_lossy(&key.print(&[], 64)).into_owned())
}

/// An action of a transaction that must be worked out here.
pub(crate) fn transact_work<'e, 'a>(
    scope: &Scope<'e, '_>,
    action: &str,
    part: &mut Object<'a>,
) -> Result<Option<Modify<'e, 'a>>, Error> {
    let is_ours = |work: &Work| if action == "Update" { makes_or_changes(work, scope.table) } else { work.is_here() };
    let Some(work) = scope.work(part, Kind::Condition)? else { return Ok(None) };
    if !is_ours(&work) {
        if action == "Update" {
            unmark(scope, part, &work)?;
        }
        return Ok(None);
    }
    let (change, key) = if action == "Put" {
        let Some(item) = target(scope, part, "Item", &work)? else { return Ok(None) };
        let key = put_key(scope, &item)?;
        (Change::Put(item), key)
    } else {
        let Some(key) = target(scope, part, "Key", &work)? else { return Ok(None) };
        let change = match action {
            "Update" => Change::Update(Returns::default()),
            "Delete" => Change::Delete,
            _ => Change::Check,
        };
        (change, key.into_owned())
    };
    let mut modify = modify(std::mem::take(part), scope.table, key, change, work);
    modify.body.remove("TableName");
    Ok(Some(modify))
}

/// The answer to a put or a delete that DynamoDB carries out.
fn written<'e, 'a>(request: &Request<'e, 'a>, table: &'e Table) -> Reply<'e, 'a> {
    Reply::Write { shown: Returns::of(&request.body).natively(Vec::new()), view: View::of_part(table, &request.body) }
}
