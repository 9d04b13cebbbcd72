//! `ReturnValues`: what the caller asked for, and what has to be asked of DynamoDB for it. Parts of a sealed item cannot
//! be verified, so whole items are asked for and projected here.

use crate::doc::Object;
use crate::expr::ast::Path;
use crate::expr::projection::Projection;
use crate::plan::Shown;

/// What a write gives back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Returns {
    item: Which,
    /// Whether only what was updated.
    updated_only: bool,
    /// What was updated.
    written: Vec<Path>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Which {
    #[default]
    Nothing,
    Old,
    /// The old item, and there was none.
    NoOld,
    New,
    /// Not a value of DynamoDB's, which is left to refuse it.
    Unknown,
}

impl Returns {
    /// Of a request.
    pub(crate) fn of(body: &Object<'_>) -> Self {
        let (item, updated_only) = match body.text("ReturnValues") {
            Ok(Some(what)) => match what.as_ref() {
                "ALL_OLD" => (Which::Old, false),
                "ALL_NEW" => (Which::New, false),
                "UPDATED_OLD" => (Which::Old, true),
                "UPDATED_NEW" => (Which::New, true),
                "NONE" => (Which::Nothing, false),
                _ => (Which::Unknown, false),
            },
            Ok(None) => (Which::Nothing, false),
            Err(_) => (Which::Unknown, false),
        };
        Self { item, updated_only, written: Vec::new() }
    }

    /// The same for an update that wrote these paths, of an item that was there or is created.
    pub(super) fn over(self, written: Vec<Path>, existed: bool) -> Self {
        let item = if self.item == Which::Old && !existed { Which::NoOld } else { self.item };
        Self { item, written, ..self }
    }

    /// Whether DynamoDB knows what the caller asked for.
    pub(super) fn is_known(&self) -> bool {
        self.item != Which::Unknown
    }

    pub(super) fn wants_old(&self) -> bool {
        self.item == Which::Old
    }

    pub(super) fn wants_new(&self) -> bool {
        self.item == Which::New
    }

    /// What to ask DynamoDB for, as JSON, if it is not what the caller asked for.
    pub(crate) fn upstream(&self) -> Option<&'static str> {
        match self.item {
            Which::Old => Some("\"ALL_OLD\""),
            // Not all that speak DynamoDB's API answer nothing here.
            Which::NoOld => Some("\"NONE\""),
            Which::New => Some("\"ALL_NEW\""),
            Which::Nothing | Which::Unknown => None,
        }
    }

    /// What DynamoDB shows, if it carries the write out as the caller wrote it; `updates` are the attributes that are
    /// updated.
    pub(crate) fn natively(&self, updates: Vec<String>) -> Shown {
        match self.shown() {
            Shown::Item if self.updated_only => Shown::Updated(updates),
            shown => shown,
        }
    }

    /// What is shown of a write that was decided here, for which whole items are asked.
    pub(super) fn shown(&self) -> Shown {
        match self.item {
            Which::Old | Which::New => Shown::Item,
            Which::Nothing | Which::NoOld | Which::Unknown => Shown::Nothing,
        }
    }

    /// What of the item to show.
    pub(crate) fn projection(&self) -> Option<Projection> {
        self.updated_only.then(|| Projection::of_paths(self.written.clone()))
    }

    /// The item to show, of the one before and the one after.
    pub(super) fn pick<'t>(&self, before: Option<&'t str>, now: Option<&'t str>) -> Option<&'t str> {
        match self.item {
            Which::Nothing | Which::NoOld | Which::Unknown => None,
            Which::Old => before,
            Which::New => now,
        }
    }
}
