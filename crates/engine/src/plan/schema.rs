//! Calls that say which attributes DynamoDB itself must read: keys of tables and indexes of every kind, and time to live.

use std::cell::RefCell;

use dynaseal_item::Action;

use crate::doc::Object;
use crate::error::Error;
use crate::learn::{fitted, keys_of};
use crate::operation::{First, Visit, walk};

use super::concern::not_known;
use super::scope::Scope;
use super::{Plan, Request, table_name};

pub(crate) fn create<'e, 'a>(request: &Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    made(request, &request.body)
}

/// An import makes the table that it fills. The items come out of a bucket as they lie there, sealed or not.
pub(crate) fn import<'e, 'a>(request: &Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    const MEMBER: &str = "TableCreationParameters";
    let Some(table) = request.body.raw(MEMBER) else { return request.forward() };
    let table = Object::parse(table).map_err(|error| Error::member(request.operation, MEMBER, error))?;
    made(request, &table)
}

/// A table that is made as `object` says.
fn made<'e, 'a>(request: &Request<'e, 'a>, object: &Object<'_>) -> Result<Plan<'e, 'a>, Error> {
    let name = object.text("TableName").map_err(|error| request.bad(error))?.unwrap_or_default();
    // A table that is made now brings its keys; they are learned from the answer.
    let Some(table) = request.tables.named(&name) else { return made_of_pattern(request, object, &name) };
    let scope = Scope { operation: request.operation, table };
    is_readable(request, &scope, &would_be_a_key, PLAIN_KEYS)?;
    let keys = keys_of(object).map_err(|error| request.bad(error))?;
    let mut configured: Vec<&str> = table.schema().keys().collect();
    let mut found: Vec<&str> = [keys.partition_key.as_str()].into_iter().chain(keys.sort_key.as_deref()).collect();
    found.retain(|name| !name.is_empty());
    configured.sort_unstable();
    found.sort_unstable();
    found.dedup();
    // Without a key schema DynamoDB says what is missing.
    if !found.is_empty() && found != configured {
        let what =
            format!("its key would be {}, but the configuration says {}", found.join(", "), configured.join(", "));
        return Err(scope.refused(what, "make partition_key and sort_key agree with the table"));
    }
    Ok(Plan::Forward)
}

/// A table of a pattern must fit it, which its keys may not.
fn made_of_pattern<'e, 'a>(request: &Request<'e, 'a>, object: &Object<'_>, name: &str) -> Result<Plan<'e, 'a>, Error> {
    let Some(pattern) = request.tables.pattern(name) else { return request.forward() };
    let keys = keys_of(object).map_err(|error| request.bad(error))?;
    // What is no key at all DynamoDB refuses in its own words.
    if keys.partition_key.is_empty() || keys.sort_key.as_ref() == Some(&keys.partition_key) {
        return request.forward();
    }
    let table = fitted(request.operation, pattern, table_name(name), &keys)?;
    if let Some(attribute) = table.hidden_index_keys().next() {
        return Err(hidden_index_key(request.operation, table.name(), attribute.to_owned()));
    }
    is_readable(request, &Scope { operation: request.operation, table: &table }, &would_be_a_key, PLAIN_KEYS)?;
    Ok(Plan::Forward)
}

pub(crate) fn update<'e, 'a>(request: &Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    let Some(table) = request.named("TableName")? else { return request.forward() };
    is_readable(request, &Scope { operation: request.operation, table }, &would_be_a_key, PLAIN_KEYS)?;
    Ok(Plan::Forward)
}

/// A restored table may get other indexes than the one that it is a copy of. Where it is protected it is judged by that;
/// otherwise by the table that it comes from, whose items it holds, sealed as they are. What a pattern says of the keys of
/// indexes it says of every table, so that none must be there to be asked for its own.
pub(crate) fn restore<'e, 'a>(request: &Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    const INDEXES: [&str; 3] = ["GlobalSecondaryIndexOverride", "LocalSecondaryIndexOverride", "VectorIndexOverride"];
    if !INDEXES.iter().any(|member| request.body.raw(member).is_some()) {
        return request.forward();
    }
    for member in ["TargetTableName", "BackupArn", "SourceTableName", "SourceTableArn"] {
        let Some(name) = request.body.text(member).map_err(|error| request.bad(error))? else { continue };
        if let Some(table) = request.tables.named(&name) {
            is_readable(request, &Scope { operation: request.operation, table }, &would_be_a_key, PLAIN_KEYS)?;
            return Ok(Plan::Forward);
        }
        if let Some(pattern) = request.tables.pattern(&name) {
            let table = table_name(&name);
            return match first_hidden(request, table, &|attribute| !pattern.can_be_index_key(attribute))? {
                None => Ok(Plan::Forward),
                Some(attribute) => Err(hidden_index_key(request.operation, table, attribute)),
            };
        }
    }
    request.forward()
}

pub(crate) fn time_to_live<'e, 'a>(request: &Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    let Some(table) = request.named("TableName")? else { return request.forward() };
    let scope = Scope { operation: request.operation, table };
    let what = |name: &str| format!("\"{name}\" is encrypted, so DynamoDB could not read when items expire");
    is_readable(request, &scope, &what, "make the attribute sign_only or unsigned")?;
    Ok(Plan::Forward)
}

/// Refuses members that nobody knows, and a call by which DynamoDB would read encrypted attributes.
fn is_readable(
    request: &Request<'_, '_>,
    scope: &Scope<'_, '_>,
    what: &dyn Fn(&str) -> String,
    instead: &'static str,
) -> Result<(), Error> {
    let is_encrypted = |name: &str| scope.table.schema().action(name) == Some(Action::EncryptAndSign);
    match first_hidden(request, scope.table.name(), &is_encrypted)? {
        Some(name) => Err(scope.refused(what(&name), instead)),
        None => Ok(()),
    }
}

/// The first attribute that DynamoDB would have to read and that is hidden from it.
fn first_hidden(
    request: &Request<'_, '_>,
    table: &str,
    is_hidden: &dyn Fn(&str) -> bool,
) -> Result<Option<String>, Error> {
    let seen = Seen { is_hidden, unclassed: First::default(), hidden: RefCell::default() };
    walk(Some(request.known), request.text.as_bytes(), &seen).map_err(|error| request.bad(error))?;
    match seen.unclassed.0.into_inner() {
        Some(member) => Err(not_known(request.operation, table, &member)),
        None => Ok(seen.hidden.into_inner()),
    }
}

fn hidden_index_key(operation: &str, table: &str, attribute: String) -> Error {
    let (operation, table) = (operation.to_owned(), table.to_owned());
    Error::HiddenKey { operation, table, attribute, role: "a key of an index" }
}

struct Seen<'t> {
    is_hidden: &'t dyn Fn(&str) -> bool,
    unclassed: First,
    hidden: RefCell<Option<String>>,
}

impl Visit for Seen<'_> {
    fn read(&self, attribute: &str) {
        if (self.is_hidden)(attribute) {
            self.hidden.borrow_mut().get_or_insert_with(|| attribute.to_owned());
        }
    }

    fn unclassed(&self, member: &str) {
        self.unclassed.unclassed(member);
    }
}

fn would_be_a_key(name: &str) -> String {
    format!("\"{name}\" would be a key, but it is encrypted; DynamoDB could neither sort nor find by it")
}

const PLAIN_KEYS: &str = "make the attribute sign_only, or leave it out of every key and index";
