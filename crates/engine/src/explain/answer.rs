//! What is opened in an answer.

use serde::Serialize;

use super::{AttributeAction, actions, reads};
use crate::expr::error::Error;
use crate::expr::projection::Projection;
use crate::modify::Modify;
use crate::plan::{Listing, Reply, Shown, View};

/// Items in an answer that are verified and opened.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct OpenedExplanation {
    /// Where they lie, such as `Items[]`.
    pub at: String,
    /// The action of a transaction that they belong to, from 1.
    pub number: Option<usize>,
    /// The table that they are of.
    pub table: String,
    /// What a filter reads that is asked of opened items.
    pub filter: Option<Vec<AttributeAction>>,
    /// The attributes that are shown, whole or in part; `None` for all. None are where the items are only counted.
    pub projection: Option<Vec<String>>,
}

/// The item of a failed condition, which a caller may ask to see.
const FAILED: &str = "Item of a failed condition";

/// What is opened of an answer to a request that has some members.
pub(super) fn opened(reply: &Reply<'_, '_>, has: impl Fn(&str) -> bool) -> Result<Vec<OpenedExplanation>, Error> {
    let one = |at: &str, view: &View<'_, '_>| OpenedExplanation::of(at.to_owned(), None, view);
    let whole = |at: &str, table| one(at, &View::of(table, None));
    Ok(match reply {
        Reply::Write { shown, view } => {
            let returned = matches!(shown, Shown::Item).then(|| one("Attributes", view));
            returned.into_iter().chain(view.on_failure.then(|| one(FAILED, view))).collect()
        }
        Reply::One(view) => vec![one("Item", view)],
        Reply::Items(listing) => {
            let Listing { view, filter, .. } = listing.as_ref();
            let count_only = filter.as_ref().is_some_and(|filter| filter.count_only);
            let parsed = filter.as_ref().map(|filter| filter.expressions.parse()).transpose()?;
            let condition = parsed.as_ref().and_then(|parsed| parsed.condition.as_ref());
            let filter = condition.map(|condition| reads(condition, view.table.schema()));
            let items = one("Items[]", view);
            let projection = if count_only { Some(Vec::new()) } else { items.projection.clone() };
            vec![OpenedExplanation { filter, projection, ..items }]
        }
        Reply::ByTable(views) => {
            let protected = views.iter().filter_map(|(name, batch)| Some((name, batch.as_ref()?)));
            protected.map(|(name, batch)| one(&format!("Responses.{name}[]"), &batch.view)).collect()
        }
        // What is left unprocessed comes back as the caller wrote it.
        Reply::Unprocessed(_) => Vec::new(),
        Reply::Stream(stream) => {
            // An iterator is given back with the table's name in it; records come for one.
            let table = stream.table.filter(|_| has("ShardIterator"));
            let images = ["NewImage", "OldImage"].map(|image| format!("Records[].dynamodb.{image}"));
            table.map(|table| images.map(|at| whole(&at, table))).into_iter().flatten().collect()
        }
        Reply::Responses(views) => each("Responses[].Item", views),
        Reply::Reasons(views) => each("CancellationReasons[].Item", views),
    })
}

/// What is opened after a write that was decided here.
pub(super) fn of_modify(modify: &Modify<'_, '_>) -> Result<Vec<OpenedExplanation>, Error> {
    let whole = View::of(modify.table, Some(&modify.key));
    let mut opened = Vec::new();
    let returns = modify.returns();
    if returns.upstream().is_some() {
        let parsed = modify.expressions.parse()?;
        let written = parsed.update.iter().flat_map(|update| &update.actions).map(|(path, _)| path.root.as_str());
        let written = actions(written, modify.table.schema()).into_iter().map(|attribute| attribute.name);
        let projection = returns.projection().map(|_| written.collect());
        opened.push(OpenedExplanation { projection, ..OpenedExplanation::of("Attributes".to_owned(), None, &whole) });
    }
    if modify.show_item {
        opened.push(OpenedExplanation::of(FAILED.to_owned(), None, &whole));
    }
    Ok(opened)
}

fn each(at: &str, views: &[Option<View<'_, '_>>]) -> Vec<OpenedExplanation> {
    let views = views.iter().enumerate().filter_map(|(number, view)| Some((number, view.as_ref()?)));
    views.map(|(number, view)| OpenedExplanation::of(at.to_owned(), Some(number.saturating_add(1)), view)).collect()
}

impl OpenedExplanation {
    fn of(at: String, number: Option<usize>, view: &View<'_, '_>) -> Self {
        let projection = view.projection.as_ref().map(roots);
        Self { at, number, table: view.table.name().to_owned(), filter: None, projection }
    }
}

/// The attributes of a projection. What lies inside them may be named after a value, and is left out.
fn roots(projection: &Projection) -> Vec<String> {
    let mut roots: Vec<String> = Vec::new();
    for path in projection.paths() {
        if !roots.contains(&path.root) {
            roots.push(path.root.clone());
        }
    }
    roots
}
