//! Whether a request could concern a protected table although nobody here knows what it asks for: an operation or a member
//! that has no class is refused if such a table is named anywhere in it, and passes otherwise.

use std::cell::RefCell;

use dynaseal_keys::Call;

use super::{Plan, Request, statement};
use crate::doc::NotJson;
use crate::error::Error;
use crate::expr::shown::placeholder;
use crate::learn::Tables;
use crate::operation::{First, Handling, Operation, Visit, walk};

/// A call of an operation that is not known.
pub(super) fn unknown<'e, 'a>(tables: &'e Tables<'e>, call: &Call) -> Result<Plan<'e, 'a>, Error> {
    match look(tables, call, None)?.named.into_inner() {
        None => Ok(Plan::Forward),
        Some(_) => Err(Error::UnknownOperation { operation: call.operation.clone().into_owned() }),
    }
}

/// A call that carries no data as far as it is known.
pub(super) fn passing<'e, 'a>(
    tables: &'e Tables<'e>,
    call: &Call,
    operation: &Operation,
) -> Result<Plan<'e, 'a>, Error> {
    look(tables, call, Some(operation))?.judge(operation.name)
}

/// A call that is refused where it is about a protected table.
pub(super) fn refused<'e, 'a>(
    tables: &'e Tables<'e>,
    call: &Call,
    operation: &Operation,
) -> Result<Plan<'e, 'a>, Error> {
    let found = look(tables, call, Some(operation))?;
    if let (Some(table), Handling::Refused { what, instead }) = (found.about.take(), operation.handling) {
        return Err(Error::Refused { operation: operation.name.to_owned(), table, what: what.to_owned(), instead });
    }
    found.judge(operation.name)
}

impl<'e, 'a> Request<'e, 'a> {
    /// Sends the request as it came, unless something in it that nobody knows could concern a protected table.
    pub(super) fn forward(&self) -> Result<Plan<'e, 'a>, Error> {
        self.forward_seen(None, &First::default())
    }

    /// The same of a request of which one member was looked through already, and what has no class in that.
    pub(super) fn forward_seen(&self, seen: Option<&str>, first: &First) -> Result<Plan<'e, 'a>, Error> {
        first.look(self.known.members, &self.body, seen).map_err(|error| self.bad(error))?;
        if first.0.borrow().is_none() {
            return Ok(Plan::Forward);
        }
        let found = Concern::new(self.tables);
        walk(Some(self.known), self.text.as_bytes(), &found).map_err(|error| self.bad(error))?;
        found.judge(self.operation)
    }
}

/// Goes through a call.
fn look<'t>(tables: &'t Tables<'t>, call: &Call, operation: Option<&Operation>) -> Result<Concern<'t>, Error> {
    let found = Concern::new(tables);
    walk(operation, &call.body, &found).or_else(|error| unreadable(tables, call, error))?;
    Ok(found)
}

/// The refusal of a member that has no class.
pub(super) fn not_known(operation: &str, table: &str, member: &str) -> Error {
    Error::Refused {
        operation: operation.to_owned(),
        table: table.to_owned(),
        what: format!("the parameter {} is not known to Dynaseal", placeholder(member)),
        instead: "leave the parameter out, or update Dynaseal",
    }
}

/// What cannot be read to its end is passed on only where no protected table could be named in it, as an empty body.
fn unreadable(tables: &Tables<'_>, call: &Call, error: NotJson) -> Result<(), Error> {
    let text = String::from_utf8_lossy(&call.body);
    let is_harmless = !text.contains('\\') && could_name(tables, &text).is_none();
    if is_harmless { Ok(()) } else { Err(Error::request(&call.operation, error)) }
}

/// What a call could have to do with protected tables.
struct Concern<'t> {
    tables: &'t Tables<'t>,
    /// The first member that has no class.
    unclassed: First,
    /// The first protected table that the call is about.
    about: RefCell<Option<String>>,
    /// The first protected table, or the pattern of one, that is named at all: data does not count.
    named: RefCell<Option<String>>,
}

impl<'t> Concern<'t> {
    fn new(tables: &'t Tables<'t>) -> Self {
        Self { tables, unclassed: First::default(), about: RefCell::default(), named: RefCell::default() }
    }

    fn judge<'e, 'a>(self, operation: &str) -> Result<Plan<'e, 'a>, Error> {
        match (self.unclassed.0.into_inner(), self.named.into_inner()) {
            (Some(member), Some(table)) => Err(not_known(operation, &table, &member)),
            _ => Ok(Plan::Forward),
        }
    }
}

impl Visit for Concern<'_> {
    fn table(&self, name_or_arn: &str) {
        if self.tables.named(name_or_arn).is_some() || self.tables.pattern(name_or_arn).is_some() {
            let name = super::table_name(name_or_arn);
            self.about.borrow_mut().get_or_insert_with(|| name.to_owned());
            self.named.borrow_mut().get_or_insert_with(|| name.to_owned());
        }
    }

    fn statement(&self, text: &str) {
        self.loose(text);
    }

    fn unclassed(&self, member: &str) {
        self.unclassed.unclassed(member);
    }

    fn loose(&self, text: &str) {
        if self.named.borrow().is_some() {
            return;
        }
        if let Some(name) = could_name(self.tables, text) {
            *self.named.borrow_mut() = Some(name);
        } else if text.contains('\\') {
            // JSON inside a text, as in a policy; what is none has been looked at already.
            let _ = walk(None, text.as_bytes(), self);
        }
    }
}

/// The table or pattern that a text of unknown meaning could name: its name stands somewhere in it as a whole word, in
/// any letters.
fn could_name(tables: &Tables<'_>, text: &str) -> Option<String> {
    let directory = tables.directory();
    if let Some(table) = directory.named().find(|table| statement::names(text, table.name())) {
        return Some(table.name().to_owned());
    }
    let is_part = |one: char| one.is_ascii_alphanumeric() || matches!(one, '_' | '.' | '-');
    let mut words = text.split(|one| !is_part(one)).filter(|word| !word.is_empty());
    words.find_map(|word| directory.pattern_in_any_case(word)).map(|pattern| pattern.text().to_owned())
}
