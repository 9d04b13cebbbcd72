//! TransactWriteItems and TransactGetItems.

use std::borrow::Cow;
use std::collections::BTreeMap;

use dynaseal_item::json;

use crate::bounds::{GETS, PUTS};
use crate::doc::{Node, Object, list};
use crate::error::Error;
use crate::expr::error::Fault;
use crate::expr::stored::Layer;
use crate::modify::{Entry, Transact, by_key};
use crate::operation::{ACTIONS, Class, First, GET, Member, Members, Visit};
use crate::size::{SHORTEST_KEY_LIMIT, check_key};

use super::checks::{check_name, lower, missing};
use super::concern::not_known;
use super::item::{put_part, transact_work};
use super::scope::Scope;
use super::token::{TOKEN, token};
use super::{Plan, Reply, Request, View};

const TRANSACT_ITEMS: &str = "TransactItems";

pub(crate) fn write<'e, 'a>(mut request: Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    let (mut puts, mut works) = (Vec::new(), BTreeMap::new());
    let unclassed = First::default();
    let views = each(&mut request, ACTIONS, &unclassed, |scope, action, part, number| {
        scope.key(part)?;
        let view = View::of_part(scope.table, part);
        if action == "Put" && leave_long_key(scope, part)? {
            return Ok(view);
        }
        if let Some(work) = transact_work(scope, action, part)? {
            works.insert(number, (action, work));
        } else if action == "Put" {
            puts.extend(put_part(scope, part, puts.len(), Some(number)));
        }
        Ok(view)
    })?;
    let Some(reply) = views.map(Reply::Reasons) else {
        return request.forward_seen(Some(TRANSACT_ITEMS), &unclassed);
    };
    // What is sent is the same every time, and so DynamoDB's own tokens hold.
    if puts.is_empty() && works.is_empty() {
        return Ok(request.edit(puts, reply));
    }
    let token = token(&request)?;
    let mut body = request.body;
    let actions = match body.replaced(TRANSACT_ITEMS) {
        Some(Node::Array(actions)) => actions,
        _ => Vec::new(),
    };
    body.remove(TRANSACT_ITEMS);
    body.remove(TOKEN);
    let entry = |(number, node)| match works.remove(&number) {
        Some((name, modify)) => Entry::Work(name, Box::new(modify)),
        None => Entry::Ready(node),
    };
    let entries = actions.into_iter().enumerate().map(entry).collect();
    Ok(Plan::Transact(Box::new(Transact { body, entries, puts, reply, token })))
}

/// Leaves of a put whose key is too long the key alone, on a condition that cannot hold: DynamoDB then cancels the transaction with the
/// reason. Such a key cannot be sealed under, and a refusal of ours would not have that shape.
fn leave_long_key(scope: &Scope<'_, '_>, part: &mut Object<'_>) -> Result<bool, Error> {
    let Some(text) = part.raw("Item").filter(|text| text.len() > SHORTEST_KEY_LIMIT) else { return Ok(false) };
    // What cannot be read is told by whoever seals it.
    let Ok(item) = json::read_item(text) else { return Ok(false) };
    if check_key(&item, scope.table.schema()).is_ok() {
        return Ok(false);
    }
    Layer::of(scope.operation).check_item(&item).map_err(|fault| Error::expression(scope.operation, fault))?;
    let parsed = Object::parse(text).map_err(|error| scope.bad("Item", error))?;
    let mut key = Object::default();
    for name in scope.table.schema().keys() {
        key.insert_raw(name, parsed.raw(name));
    }
    let key = key.print(&[], text.len());
    part.retain(|member| member == "TableName");
    part.insert("Item".to_owned(), Node::Printed(key));
    by_key::condition(part, by_key::NEVER, scope.table);
    Ok(true)
}

pub(crate) fn get<'e, 'a>(mut request: Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    let unclassed = First::default();
    let views = each(&mut request, GET, &unclassed, |scope, _, part, _| {
        scope.key(part)?;
        let view = View::of_part(scope.table, part);
        let projection = scope.take_projection(part)?;
        scope.all_used(part)?;
        Ok(View { projection, ..view })
    })?;
    match views.map(Reply::Responses) {
        Some(reply) => Ok(request.edit(Vec::new(), reply)),
        None => request.forward_seen(Some(TRANSACT_ITEMS), &unclassed),
    }
}

/// Visits every action on a protected table, with its name, its members and its place, and looks through all others. Gives a
/// view for each action, `None` for those on other tables, or nothing if no table is protected.
fn each<'e, 'a>(
    request: &mut Request<'e, 'a>,
    actions: Members,
    unclassed: &First,
    mut visit: impl FnMut(&Scope<'e, 'a>, &'static str, &mut Object<'a>, usize) -> Result<View<'e, 'a>, Error>,
) -> Result<Option<Vec<Option<View<'e, 'a>>>>, Error> {
    let operation = request.operation;
    let bad = |error| Error::request(operation, error);
    let text = request.body.borrowed(TRANSACT_ITEMS).ok_or_else(|| missing(operation, "transactItems"))?;
    let (mut nodes, mut views, mut first, mut has_several) = (Vec::new(), Vec::new(), None, false);
    let limit = if operation == "TransactGetItems" { GETS } else { PUTS };
    let all = list(text, limit.most).map_err(|error| Error::listed(limit, error))?;
    for (number, text) in all.into_iter().enumerate() {
        let mut action = Object::parse(text).map_err(bad)?;
        let mut view = None;
        let mut given = 0_usize;
        for (name, node) in action.entries_mut() {
            let Node::Raw(Cow::Borrowed(text)) = &*node else { continue };
            if *text == "null" {
                continue;
            }
            given = given.saturating_add(1);
            let Some(&Member { name, class: Class::Object(members) }) = actions.iter().find(|one| one.name == name)
            else {
                unclassed.unclassed(name);
                continue;
            };
            let mut part = Object::parse(text).map_err(bad)?;
            let place = format!("transactItems.{}.member.{}.", number.saturating_add(1), lower(name));
            let missing = || missing(operation, &format!("{place}tableName"));
            let table_name = part.text("TableName").map_err(bad)?.ok_or_else(missing)?;
            check_name(operation, &table_name)?;
            let Some(table) = request.tables.table(&table_name) else {
                unclassed.look(members, &part, None).map_err(bad)?;
                continue;
            };
            let scope = Scope { operation, table };
            scope.known(&request.body, request.known.members)?;
            scope.known_at(&place, &part, members)?;
            first = first.or(Some(table));
            view = Some(visit(&scope, name, &mut part, number)?);
            *node = Node::Object(part);
        }
        has_several |= given > 1;
        nodes.push(Node::Object(action));
        views.push(view);
    }
    let Some(table) = first else { return Ok(None) };
    let scope = Scope { operation, table };
    // Whichever table it is about: of several actions only one would be carried out.
    if has_several {
        return Err(scope.invalid(None, Fault::Request(SEVERAL.to_owned())));
    }
    if let Some(member) = unclassed.0.borrow().as_deref() {
        return Err(not_known(operation, table.name(), member));
    }
    request.body.set(TRANSACT_ITEMS, Node::Array(nodes));
    Ok(Some(views))
}

const SEVERAL: &str = "TransactItems can only contain one of Check, Put, Update or Delete";
