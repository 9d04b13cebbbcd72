//! TransactWriteItems and TransactGetItems.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::bounds::{GETS, PUTS};
use crate::doc::{Node, Object, list};
use crate::error::Error;
use crate::expr::shown::placeholder;
use crate::modify::{Entry, Transact};

use super::item::{put_part, transact_members, transact_work};
use super::scope::{NAMES, Scope};
use super::token::{TOKEN, token};
use super::{Plan, Put, Reply, Request, View, table_of};

const TRANSACT_ITEMS: &str = "TransactItems";

pub(crate) fn write<'e, 'a>(mut request: Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    const MEMBERS: [&str; 4] = [TRANSACT_ITEMS, TOKEN, "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"];
    let (mut puts, mut works) = (Vec::new(), BTreeMap::new());
    let views = each(&mut request, &MEMBERS, |scope, action, part, number| {
        let Some((action, members)) = transact_members(action) else {
            let what = format!("the action {} is not known to Dynaseal", placeholder(action));
            return Err(scope.refused(what, "use Put, Update, Delete or ConditionCheck"));
        };
        scope.known(part, &members)?;
        if let Some(work) = transact_work(scope, action, part)? {
            works.insert(number, (action, work));
        } else if action == "Put" {
            puts.extend(put_part(scope, part, puts.len(), Some(number)));
        }
        Ok(View::whole(scope.table))
    })?;
    let Some(reply) = views.map(Reply::Reasons) else { return Ok(Plan::Forward) };
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

pub(crate) fn get<'e, 'a>(mut request: Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    let views = each(&mut request, &[TRANSACT_ITEMS, "ReturnConsumedCapacity"], |scope, action, part, _| {
        if action != "Get" {
            return Err(
                scope.refused(format!("the action {} is not known to Dynaseal", placeholder(action)), "use Get")
            );
        }
        scope.known(part, &["TableName", "Key", "ProjectionExpression", NAMES])?;
        let (projection, _) = scope.take_projection(part)?;
        Ok(View { table: scope.table, projection, index_of: None })
    })?;
    Ok(finish(request, Vec::new(), views.map(Reply::Responses)))
}

fn finish<'e, 'a>(request: Request<'e, 'a>, puts: Vec<Put<'e, 'a>>, reply: Option<Reply<'e, 'a>>) -> Plan<'e, 'a> {
    match reply {
        Some(reply) => request.edit(puts, reply),
        None => Plan::Forward,
    }
}

/// Visits every action on a protected table, with its name, its members and its place. Gives a view for each action,
/// `None` for those on other tables, or nothing if no table is protected.
fn each<'e, 'a>(
    request: &mut Request<'e, 'a>,
    members: &[&str],
    mut visit: impl FnMut(&Scope<'e, 'a>, &str, &mut Object<'a>, usize) -> Result<View<'e>, Error>,
) -> Result<Option<Vec<Option<View<'e>>>>, Error> {
    let operation = request.operation;
    let bad = |error| Error::request(operation, error);
    let Some(text) = request.body.borrowed(TRANSACT_ITEMS) else { return Ok(None) };
    let (mut nodes, mut views) = (Vec::new(), Vec::new());
    let limit = if operation == "TransactGetItems" { GETS } else { PUTS };
    let all = list(text, limit.most).map_err(|error| Error::listed(limit, error))?;
    for (number, text) in all.into_iter().enumerate() {
        let mut action = Object::parse(text).map_err(bad)?;
        let mut view = None;
        for (name, node) in action.entries_mut() {
            let Node::Raw(Cow::Borrowed(text)) = &*node else { continue };
            if *text == "null" {
                continue;
            }
            let mut part = Object::parse(text).map_err(bad)?;
            if let Some(table) = table_of(request.tables, operation, &part)? {
                let scope = Scope { operation, table };
                scope.known(&request.body, members)?;
                view = Some(visit(&scope, name, &mut part, number)?);
                *node = Node::Object(part);
            }
        }
        nodes.push(Node::Object(action));
        views.push(view);
    }
    if views.iter().all(Option::is_none) {
        return Ok(None);
    }
    request.body.set(TRANSACT_ITEMS, Node::Array(nodes));
    Ok(Some(views))
}
