//! BatchWriteItem and BatchGetItem.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::bounds::{KEYS, Listed, WRITES};
use crate::doc::{Node, NotJson, Object, TOO_MANY, list};
use crate::error::Error;
use crate::expr::error::Fault;
use crate::operation::{Class, DELETE_REQUEST, First, KEYS_AND_ATTRIBUTES, PUT_REQUEST, WRITE_REQUEST, walk_part};
use crate::table::Table;

use super::checks::{check_name, missing};
use super::concern::not_known;
use super::item::put_part;
use super::scope::{Scope, not_mixed};
use super::{BatchView, Plan, Put, Reply, Request, View, Writes, table_name};

const REQUEST_ITEMS: &str = "RequestItems";

pub(crate) fn write<'e, 'a>(mut request: Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    let mut tables = request_items(&request, WRITES)?;
    let (mut puts, mut all, mut first) = (Vec::new(), BTreeMap::new(), None);
    let unclassed = First::default();
    let lists = match is_protected(&request, &tables) {
        // What is no list is told as that.
        true => counted(WRITES, tables.names().map(|name| (name, tables.borrowed(name).or(Some("null")))))?,
        false => Vec::new(),
    };
    let mut lists = lists.into_iter();
    for (name, node) in tables.entries_mut() {
        let writes = lists.next().unwrap_or_default();
        let Node::Raw(Cow::Borrowed(text)) = &*node else { continue };
        let Some(table) = request.tables.table(name) else {
            walk_part(Class::List(WRITE_REQUEST), text, &unclassed).map_err(|error| request.bad(error))?;
            all.insert(name.to_owned(), None);
            continue;
        };
        let scope = Scope { operation: request.operation, table };
        scope.known(&request.body, request.known.members)?;
        let mut nodes = Vec::with_capacity(writes.len());
        for (number, text) in writes.iter().enumerate() {
            nodes.push(write_one(&scope, text, number, &mut puts)?);
        }
        first = first.or(Some(table));
        all.insert(name.to_owned(), Some(Writes { table, written: writes }));
        *node = Node::Array(nodes);
    }
    let Some(table) = first else { return request.forward_seen(Some(REQUEST_ITEMS), &unclassed) };
    all_known(&request, table, &unclassed)?;
    request.body.set(REQUEST_ITEMS, Node::Object(tables));
    Ok(request.edit(puts, Reply::Unprocessed(all)))
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
    scope.known(&write, WRITE_REQUEST)?;
    if write.raw("PutRequest").is_some() && write.raw("DeleteRequest").is_some() {
        let text = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported \
                    datatypes";
        return Err(scope.invalid(None, Fault::Request(text.to_owned())));
    }
    if let Some(delete) = write.raw("DeleteRequest") {
        let delete = Object::parse(delete).map_err(bad)?;
        scope.known(&delete, DELETE_REQUEST)?;
        scope.key(&delete)?;
    }
    if let Some(Cow::Borrowed(put)) = write.take_raw("PutRequest") {
        let mut put = Object::parse(put).map_err(bad)?;
        scope.known(&put, PUT_REQUEST)?;
        puts.extend(put_part(scope, &mut put, puts.len(), Some(number)));
        write.set("PutRequest", Node::Object(put));
    }
    Ok(Node::Object(write))
}

pub(crate) fn get<'e, 'a>(mut request: Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    let mut tables = request_items(&request, KEYS)?;
    let (mut views, mut first) = (BTreeMap::new(), None);
    let unclassed = First::default();
    let (mut mixed, lists) = match is_protected(&request, &tables) {
        true => {
            let parts = |(name, text)| Object::parse(text).ok().map(|part| (name, part));
            let borrowed = tables.names().filter_map(|name| Some((name, tables.borrowed(name)?)));
            let parts: Vec<_> = borrowed.filter_map(parts).collect();
            let keys = parts.iter().map(|(name, part)| (*name, part.borrowed("Keys")));
            let counted = counted(KEYS, keys)?;
            let lists: BTreeMap<_, _> = parts.iter().map(|(name, _)| (*name).to_owned()).zip(counted).collect();
            (not_mixed(request.operation, &parts.iter().map(|(_, part)| part).collect::<Vec<_>>()), lists)
        }
        false => (Ok(()), BTreeMap::new()),
    };
    let mut lists = lists;
    for (name, node) in tables.entries_mut() {
        let Node::Raw(Cow::Borrowed(text)) = &*node else { continue };
        let Some(table) = request.tables.table(name) else {
            walk_part(Class::Object(KEYS_AND_ATTRIBUTES), text, &unclassed).map_err(|error| request.bad(error))?;
            views.insert(name.to_owned(), None);
            continue;
        };
        first = first.or(Some(table));
        std::mem::replace(&mut mixed, Ok(()))?;
        let scope = Scope { operation: request.operation, table };
        scope.known(&request.body, request.known.members)?;
        let mut part = Object::parse(text).map_err(|error| request.bad(error))?;
        scope.known_at(&format!("requestItems.{name}.member."), &part, KEYS_AND_ATTRIBUTES)?;
        let keys = lists.remove(name).unwrap_or_default();
        keys.iter().try_for_each(|key| scope.is_key("Keys", key))?;
        let projection = scope.take_projection(&mut part)?;
        scope.all_used(&part)?;
        let view = View { projection, ..View::of(table, None) };
        views.insert(name.to_owned(), Some(BatchView { view, keys, written: text }));
        *node = Node::Object(part);
    }
    let Some(table) = first else { return request.forward_seen(Some(REQUEST_ITEMS), &unclassed) };
    all_known(&request, table, &unclassed)?;
    request.body.set(REQUEST_ITEMS, Node::Object(tables));
    Ok(request.edit(Vec::new(), Reply::ByTable(views)))
}

/// The tables of a batch. One table under two names, its own and an ARN, could not be told apart in the answer.
fn request_items<'a>(request: &Request<'_, 'a>, limit: Listed) -> Result<Object<'a>, Error> {
    let text = request.body.borrowed(REQUEST_ITEMS).ok_or_else(|| missing(request.operation, "requestItems"))?;
    let tables = Object::parse(text).map_err(|error| request.bad(error))?;
    // Each has at least one entry.
    if tables.len() > limit.most {
        let each: Vec<_> = tables.names().take(limit.most).map(|name| (name.to_owned(), 1)).collect();
        return Err(Error::in_words(limit.operation, limit.beyond(&each)));
    }
    tables.names().try_for_each(|name| check_name(request.operation, name))?;
    let mut names: Vec<_> =
        tables.names().filter(|name| request.tables.table(name).is_some()).map(table_name).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| matches!(pair, [left, right] if left == right)) {
        return Err(request.bad(NotJson("a table stands twice, by name and by ARN")));
    }
    Ok(tables)
}

/// Whether any of the tables is protected.
fn is_protected(request: &Request<'_, '_>, tables: &Object<'_>) -> bool {
    tables.names().any(|name| request.tables.table(name).is_some())
}

/// The entries of each table's list, those of other tables too: DynamoDB counts them together, and what it refuses it shows, sealed
/// as it then would be.
fn counted<'t, 'a>(
    limit: Listed,
    texts: impl Iterator<Item = (&'t str, Option<&'a str>)>,
) -> Result<Vec<Vec<&'a str>>, Error> {
    let (mut all, mut counts) = (Vec::new(), Vec::new());
    for (name, text) in texts {
        // A list that is missing is told by DynamoDB.
        let entries = match text.map(|text| list(text, limit.most)) {
            None => Vec::new(),
            Some(Err(TOO_MANY)) => {
                counts.push((name.to_owned(), limit.most.saturating_add(1)));
                Vec::new()
            }
            Some(entries) => {
                let entries = entries.map_err(|error| Error::listed(limit, error))?;
                counts.push((name.to_owned(), entries.len()));
                entries
            }
        };
        all.push(entries);
    }
    match limit.refusal(&counts) {
        Some(words) => Err(Error::in_words(limit.operation, words)),
        None => Ok(all),
    }
}

/// What goes along to other tables must be known, too.
fn all_known(request: &Request<'_, '_>, table: &Table, unclassed: &First) -> Result<(), Error> {
    match unclassed.0.borrow().as_deref() {
        None => Ok(()),
        Some(member) => Err(not_known(request.operation, table.name(), member)),
    }
}
