//! Calls that say which attributes DynamoDB itself must read: keys of tables and indexes, and time to live.

use dynaseal_item::Action;

use crate::doc::{MOST_ENTRIES, Object, list as entries};
use crate::error::Error;
use crate::learn::{fitted, keys_of};
use crate::table::Table;

use super::scope::Scope;
use super::{Plan, Request, table_name};

pub(crate) fn create<'e, 'a>(request: &Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    let name = request.body.text("TableName").map_err(|error| request.bad(error))?.unwrap_or_default();
    // A table that is made now brings its keys; they are learned from the answer.
    let Some(table) = request.tables.named(&name) else { return create_of_pattern(request, &name) };
    let scope = Scope { operation: request.operation, table };
    key_attributes_are_plain(request, &scope)?;
    let keys = named(request, "KeySchema")?;
    let mut configured: Vec<&str> = table.schema().keys().collect();
    let mut found: Vec<&str> = keys.iter().map(String::as_str).collect();
    configured.sort_unstable();
    found.sort_unstable();
    // Without a key schema DynamoDB says what is missing.
    if !found.is_empty() && found != configured {
        let what =
            format!("its key would be {}, but the configuration says {}", found.join(", "), configured.join(", "));
        return Err(scope.refused(what, "make partition_key and sort_key agree with the table"));
    }
    Ok(Plan::Forward)
}

/// A table of a pattern must fit it, which its keys may not.
fn create_of_pattern<'e, 'a>(request: &Request<'e, 'a>, name: &str) -> Result<Plan<'e, 'a>, Error> {
    let keys = keys_of(&request.body).map_err(|error| request.bad(error))?;
    // What is no key at all DynamoDB refuses in its own words.
    let is_key = !keys.partition_key.is_empty() && keys.sort_key.as_ref() != Some(&keys.partition_key);
    if let Some(pattern) = request.tables.pattern(name).filter(|_| is_key) {
        let table = fitted(request.operation, pattern, table_name(name), &keys)?;
        if let Some(attribute) = table.hidden_index_keys().next() {
            let (operation, table) = (request.operation.to_owned(), table.name().to_owned());
            let (attribute, role) = (attribute.to_owned(), "a key of an index");
            return Err(Error::HiddenKey { operation, table, attribute, role });
        }
    }
    Ok(Plan::Forward)
}

pub(crate) fn update<'e, 'a>(request: &Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    if let Some(table) = request.table()? {
        key_attributes_are_plain(request, &Scope { operation: request.operation, table })?;
    }
    Ok(Plan::Forward)
}

pub(crate) fn time_to_live<'e, 'a>(request: &Request<'e, 'a>) -> Result<Plan<'e, 'a>, Error> {
    const MEMBER: &str = "TimeToLiveSpecification";
    let Some(table) = request.table()? else { return Ok(Plan::Forward) };
    let scope = Scope { operation: request.operation, table };
    if let Some(specification) = request.body.raw(MEMBER) {
        let bad = |error| scope.bad(MEMBER, error);
        let specification = Object::parse(specification).map_err(bad)?;
        if let Some(name) = specification.text("AttributeName").map_err(bad)?
            && is_encrypted(table, &name)
        {
            let what = format!("\"{name}\" is encrypted, so DynamoDB could not read when items expire");
            return Err(scope.refused(what, "make the attribute sign_only or unsigned"));
        }
    }
    Ok(Plan::Forward)
}

/// `AttributeDefinitions` names the key attributes of the table and of all indexes.
fn key_attributes_are_plain(request: &Request<'_, '_>, scope: &Scope<'_, '_>) -> Result<(), Error> {
    let names = named(request, "AttributeDefinitions")?;
    match names.iter().find(|name| is_encrypted(scope.table, name)) {
        None => Ok(()),
        Some(name) => Err(scope.refused(would_be_a_key(name), PLAIN_KEYS)),
    }
}

fn would_be_a_key(name: &str) -> String {
    format!("\"{name}\" would be a key, but it is encrypted; DynamoDB could neither sort nor find by it")
}

const PLAIN_KEYS: &str = "make the attribute sign_only, or leave it out of every key and index";

/// The `AttributeName`s of a list.
fn named(request: &Request<'_, '_>, member: &str) -> Result<Vec<String>, Error> {
    let bad = |error| Error::member(request.operation, member, error);
    let Some(list) = request.body.raw(member) else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries(list, MOST_ENTRIES).map_err(bad)? {
        let entry = Object::parse(entry).map_err(bad)?;
        names.extend(entry.text("AttributeName").map_err(bad)?.map(|name| name.into_owned()));
    }
    Ok(names)
}

fn is_encrypted(table: &Table, name: &str) -> bool {
    table.schema().action(name) == Some(Action::EncryptAndSign)
}
