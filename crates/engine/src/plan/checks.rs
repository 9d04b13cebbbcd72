//! What may stand in the members of a request on a protected table beside items: keys hold the table's own keys and
//! nothing else, and names and values are those of an expression. Anything more would reach DynamoDB as it came.

use std::borrow::Cow;
use std::collections::BTreeSet;

use dynaseal_item::{Action, json};

use crate::answers;
use crate::doc::{IS_NULL, NOT_A_SETTING, Object};
use crate::error::Error;
use crate::expr::error::{Error as Invalid, Fault, Quote};
use crate::expr::lex::used_placeholders;
use crate::operation::{Class, First, Members, class_of, walk_part};
use crate::pattern::ANY_KEY;

use super::concern::not_known;
use super::scope::{EXPRESSIONS, NAMES, Scope, VALUES, not_mixed};
use super::settings;

impl Scope<'_, '_> {
    /// Refuses members that this version does not know, since they could carry an expression or a value, those that
    /// exclude each other, settings that DynamoDB does not take, and names and values without an expression.
    pub(crate) fn known(&self, object: &Object<'_>, members: Members) -> Result<(), Error> {
        self.known_at("", object, members)
    }

    /// The same of an object that stands at `at` in the request, such as `statements.1.member.`.
    pub(crate) fn known_at(&self, at: &str, object: &Object<'_>, members: Members) -> Result<(), Error> {
        for (name, text) in object.entries() {
            let Some(class) = class_of(members, name) else {
                return Err(not_known(self.operation, self.table.name(), name));
            };
            if class.is_scalar() && text.starts_with(['{', '[']) {
                return Err(self.bad(name, NOT_A_SETTING));
            }
            if matches!(class, Class::Legacy(_)) {
                let first = First::default();
                walk_part(class, text, &first).map_err(|error| self.bad(name, error))?;
                if let Some(member) = first.0.into_inner() {
                    return Err(not_known(self.operation, self.table.name(), &member));
                }
            }
        }
        settings::check(self.operation, object, members, at)?;
        not_mixed(self.operation, &[object])?;
        self.not_alone(object, members)
    }

    /// The key of an item, which is all that may stand there.
    pub(crate) fn key(&self, object: &Object<'_>) -> Result<(), Error> {
        const MEMBER: &str = "Key";
        object.raw(MEMBER).map_or(Ok(()), |key| self.is_key(MEMBER, key))
    }

    /// One key of an item.
    pub(crate) fn is_key(&self, member: &str, key: &str) -> Result<(), Error> {
        if key == "null" {
            return Err(Error::request(self.operation, IS_NULL));
        }
        self.holds_only(member, key, false, |name| self.table.schema().keys().any(|key| key == name))
    }

    /// Where a page begins: at the table's key and, of an index, at its keys, which DynamoDB reads and so are not encrypted.
    pub(crate) fn start_key(&self, object: &Object<'_>) -> Result<(), Error> {
        const MEMBER: &str = "ExclusiveStartKey";
        let Some(key) = object.raw(MEMBER) else { return Ok(()) };
        let (of_index, schema) = (object.raw("IndexName").is_some(), self.table.schema());
        let is_plain = |name: &str| schema.action(name).is_some_and(|action| action != Action::EncryptAndSign);
        let is_read = |name: &str| schema.keys().any(|key| key == name) || of_index && is_plain(name);
        self.holds_only(MEMBER, key, true, is_read)
    }

    fn holds_only(&self, member: &str, key: &str, start: bool, is_allowed: impl Fn(&str) -> bool) -> Result<(), Error> {
        let key = json::read_item(key).map_err(|error| Error::values(self.operation, member, &error))?;
        // Nobody knows yet what its key is.
        if self.table.schema().partition_key() == ANY_KEY {
            return Ok(());
        }
        let names: Vec<_> = key
            .iter()
            .map(|(name, _)| name)
            .filter(|name| !is_allowed(name))
            .map(|name| format!("\"{name}\""))
            .collect();
        if names.is_empty() { Ok(()) } else { Err(self.invalid(None, Fault::NotOfKey { start, names })) }
    }

    /// Refuses names and values where nothing could use them.
    fn not_alone(&self, object: &Object<'_>, members: Members) -> Result<(), Error> {
        if EXPRESSIONS.iter().any(|member| object.raw(member).is_some()) {
            return Ok(());
        }
        let only = |map: &str| format!("{map} can only be specified when using expressions");
        if object.raw(NAMES).is_some() {
            return Err(self.invalid(None, Fault::Parameter(only(NAMES))));
        }
        if object.raw(VALUES).is_none() {
            return Ok(());
        }
        // Of pages DynamoDB says which expressions it missed.
        let missed = ["FilterExpression", "KeyConditionExpression"].into_iter();
        let missed: Vec<_> = missed.filter(|name| class_of(members, name).is_some()).collect();
        let missed: Vec<_> = missed.into_iter().map(|name| format!("{name} is null")).collect();
        let missed = if missed.is_empty() { String::new() } else { format!(": {}", missed.join(" and ")) };
        Err(self.invalid(None, Fault::Parameter(only(VALUES) + &missed)))
    }

    /// Refuses names and values that no expression uses. Call it when what is worked out here has been taken out.
    pub(crate) fn all_used(&self, object: &Object<'_>) -> Result<(), Error> {
        if object.raw(NAMES).is_none() && object.raw(VALUES).is_none() {
            return Ok(());
        }
        let mut texts = Vec::new();
        for member in EXPRESSIONS {
            texts.extend(object.text(member).map_err(|error| self.bad(member, error))?);
        }
        let used: BTreeSet<&str> = texts.iter().flat_map(|text| used_placeholders(text)).collect();
        let unused = |keys: &mut dyn Iterator<Item = &str>| -> Vec<String> {
            let mut unused: Vec<_> = keys.filter(|key| !used.contains(key)).map(str::to_owned).collect();
            unused.sort_unstable();
            unused
        };
        if let Some(names) = object.raw(NAMES) {
            let names = Object::parse(names).map_err(|error| self.bad(NAMES, error))?;
            let unused = unused(&mut names.names());
            if !unused.is_empty() {
                return Err(self.invalid(None, Fault::UnusedNames(unused)));
            }
        }
        if let Some(values) = object.raw(VALUES) {
            let values = json::read_item(values).map_err(|error| Error::values(self.operation, VALUES, &error))?;
            let unused = unused(&mut values.iter().map(|(name, _)| name));
            if !unused.is_empty() {
                return Err(self.invalid(None, Fault::UnusedValues(unused)));
            }
        }
        Ok(())
    }
}

/// DynamoDB's refusal of a request that lacks a member without which nobody can say which table it is about.
pub(super) fn missing(operation: &str, member: &str) -> Error {
    let text = format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    );
    Error::expression(operation, Invalid { expression: None, fault: Fault::Request(text) })
}

/// Refuses a name that no table can have: another reader might see a protected table in it.
pub(super) fn check_name(operation: &str, name: &str) -> Result<(), Error> {
    match answers::name_fault(name) {
        None => Ok(()),
        Some(text) => {
            let fault = Fault::TableName(Quote(text));
            Err(Error::expression(operation, Invalid { expression: None, fault }))
        }
    }
}

/// The name of the table that an object on items is about.
pub(super) fn table_name<'o>(operation: &str, object: &'o Object<'_>, at: &str) -> Result<Cow<'o, str>, Error> {
    let name = object.text("TableName").map_err(|error| Error::request(operation, error))?;
    let name = name.ok_or_else(|| missing(operation, at))?;
    check_name(operation, &name)?;
    Ok(name)
}

/// A member as DynamoDB's messages spell it.
pub(super) fn lower(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}
