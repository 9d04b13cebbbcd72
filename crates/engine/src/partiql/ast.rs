//! Statements as they are meant, their parameters filled in.

use dynaseal_item::{Item, Value};

use crate::expr::ast::{Condition, Path, Update};

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Statement {
    Select(Select),
    Insert {
        target: Target,
        item: Item<'static>,
    },
    Update {
        target: Target,
        update: Update<Value<'static>>,
        condition: Where,
        returning: Option<Returning>,
    },
    Delete {
        target: Target,
        condition: Where,
        returning: Option<Returning>,
    },
    /// `EXISTS(SELECT …)`, which checks a condition in a transaction.
    Exists(Select),
}

/// A WHERE clause.
pub(crate) type Where = Option<Condition<Value<'static>>>;

/// The table that a statement is about, and the index that it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) table: String,
    pub(crate) index: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Select {
    pub(crate) target: Target,
    /// The paths to show; none for `*`.
    pub(crate) paths: Vec<Path>,
    pub(crate) condition: Where,
    pub(crate) order: Vec<Order>,
}

/// One term of an ORDER BY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) attribute: String,
    pub(crate) descending: bool,
}

/// `RETURNING … *`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returning {
    AllOld,
    AllNew,
    ModifiedOld,
    ModifiedNew,
}

impl Returning {
    pub(crate) const ALL: [Self; 4] = [Self::AllOld, Self::AllNew, Self::ModifiedOld, Self::ModifiedNew];

    /// As a statement writes it.
    pub(crate) fn words(self) -> [&'static str; 2] {
        match self {
            Returning::AllOld => ["ALL", "OLD"],
            Returning::AllNew => ["ALL", "NEW"],
            Returning::ModifiedOld => ["MODIFIED", "OLD"],
            Returning::ModifiedNew => ["MODIFIED", "NEW"],
        }
    }

    /// The `ReturnValues` that say the same.
    pub(crate) fn return_values(self) -> &'static str {
        match self {
            Returning::AllOld => "ALL_OLD",
            Returning::AllNew => "ALL_NEW",
            Returning::ModifiedOld => "UPDATED_OLD",
            Returning::ModifiedNew => "UPDATED_NEW",
        }
    }
}

impl Statement {
    pub(crate) fn target(&self) -> &Target {
        match self {
            Statement::Select(select) | Statement::Exists(select) => &select.target,
            Statement::Insert { target, .. } | Statement::Update { target, .. } | Statement::Delete { target, .. } => {
                target
            }
        }
    }

    pub(crate) fn is_read(&self) -> bool {
        matches!(self, Statement::Select(_))
    }
}
