//! How many calls to DynamoDB a plan takes.

use serde::Serialize;

use crate::modify::{Modify, TRIES, Transact};
use crate::plan::Reply;
use crate::reply;

const MARKED: &str = "an item that is sealed for the first time, or too large for one expression, is marked first";

/// Calls to DynamoDB. Those for keys are not counted.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CallsExplanation {
    /// As many as it takes when nobody comes in between.
    pub least: u32,
    /// As many as it can take while every answer arrives; `None` where that depends on the answer.
    pub most: Option<u32>,
    /// What they are for, and what costs more of them.
    pub notes: Vec<String>,
}

impl CallsExplanation {
    /// The request alone.
    pub(super) fn one() -> Self {
        Self { least: 1, most: Some(1), notes: Vec::new() }
    }

    /// Of statements that are still to be added.
    pub(super) fn of_statements() -> Self {
        let notes = vec!["the sum of the calls as which the statements are carried out".to_owned()];
        Self { least: 0, most: None, notes }
    }

    /// Adds a call that is made so often at least, or one that is not known.
    pub(super) fn add(&mut self, call: Option<&Self>, count: usize) {
        let each = call.map_or(1, |call| call.least);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.least = self.least.saturating_add(each.saturating_mul(count));
    }

    pub(super) fn of_edit(reply: &Reply<'_, '_>) -> Self {
        match reply {
            Reply::Items(listing) if listing.index.is_some() => Self {
                most: None,
                notes: vec![format!(
                    "items that the index does not hold whole are read by key: a BatchGetItem for each {} of a page, \
                     and up to {} for what stays unprocessed",
                    reply::BATCH,
                    reply::TRIES
                )],
                ..Self::one()
            },
            Reply::One { .. }
            | Reply::Write { .. }
            | Reply::Items { .. }
            | Reply::ByTable(_)
            | Reply::Unprocessed(_)
            | Reply::Responses(_)
            | Reply::Reasons(_)
            | Reply::Stream(_) => Self::one(),
        }
    }

    pub(super) fn of_modify(operation: &str, conditional: bool) -> Self {
        let mut notes = vec![format!("GetItem reads the item consistently, {operation} writes it")];
        if conditional {
            notes.push("a condition that does not hold ends it after the read".to_owned());
        }
        notes.push(format!(
            "another writer in between costs a write more, and a read after a pause: {TRIES} tries at most"
        ));
        notes.push("a lost answer costs a read more, which tells whether the write was carried out".to_owned());
        notes.push(format!("{MARKED}, which costs a write more"));
        Self { least: Modify::CALLS, most: Some(Modify::MARKED_CALLS * TRIES), notes }
    }

    /// The same after one call that does it all, if the item is there and the condition holds.
    pub(super) fn natively_first(&mut self) {
        self.least = 1;
        self.most = self.most.map(|most| most.saturating_add(1));
        self.notes.insert(0, "one call, if the item is there and the condition holds; otherwise:".to_owned());
    }

    pub(super) fn of_transact(transact: &Transact<'_, '_>) -> Self {
        let (least, mut most, mut notes) = (transact.calls(), 1, Vec::new());
        if least > 1 {
            most = transact.most_calls();
            notes.push("a consistent GetItem for each write that is decided here, then TransactWriteItems".to_owned());
            notes.push(format!("another writer in between costs all of them again: {TRIES} tries at most"));
            notes.push(format!("{MARKED}, which costs a write before and a read after"));
        }
        notes.push("after a lost answer it is sent again once; its token tells whether it was carried out".to_owned());
        Self { least, most: Some(most), notes }
    }
}
