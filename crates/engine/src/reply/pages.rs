//! Pages of items: each is one that the key condition selects, and stands on the page once.

use std::collections::HashSet;

use dynaseal_item::Item;

use crate::doc::{Elements, Node, Object};
use crate::error::Error;
use crate::expressions::Parsed;
use crate::plan::{Listing, Reply, View};
use crate::table::Failure;

use super::asked::identity;
use super::{Opener, print};

/// The row is not one of those that were asked for.
pub(super) const UNSELECTED: Failure =
    Failure::NotAsked("the answer holds an item that the key condition does not select");
/// A page of a table has each key once.
pub(super) const TWICE: Failure = Failure::NotAsked("an item stands twice on one page");

impl Opener<'_> {
    /// A page of items. A filter here leaves paging and `ScannedCount` as they came, as DynamoDB's own filters do.
    pub(super) async fn list(
        &self,
        reply: &Reply<'_, '_>,
        text: &str,
        listing: &Listing<'_, '_>,
    ) -> Result<Vec<u8>, Error> {
        let (mut body, items) = Object::parse_around(text, ITEMS).map_err(|error| self.bad(error))?;
        self.keep(reply, &mut body)?;
        let Some(Elements(items)) = items else { return Ok(body.print(&[], text.len())) };
        let (opened, count) = match &listing.index_of {
            Some(table_name) => self.index_items(&items, table_name, listing).await?,
            None => self.items(&items, listing).await?,
        };
        body.replace("Count", Node::Printed(count.to_string().into_bytes()));
        if listing.filter.as_ref().is_some_and(|filter| filter.count_only) {
            body.remove(ITEMS);
        } else {
            body.replace(ITEMS, Node::Printed(opened));
        }
        Ok(body.print(&[], text.len()))
    }

    /// The items of a table's page that a filter leaves, printed, and how many they are.
    async fn items(&self, texts: &[&str], listing: &Listing<'_, '_>) -> Result<(Vec<u8>, usize), Error> {
        let (view, mut seen) = (&listing.view, HashSet::with_capacity(texts.len()));
        let mut page = self.page(listing, texts)?;
        for (number, text) in texts.iter().enumerate() {
            let mut stored = self.stored(text)?;
            let opened = self.opened(&mut stored, view, Some(number)).await?;
            let failed = |failure| self.failed(failure, view.table, Some(number));
            let identity = identity(&opened, view.table.schema());
            if identity.is_none() || !page.selects(&opened) {
                return Err(failed(UNSELECTED));
            }
            if !seen.insert(identity) {
                return Err(failed(TWICE));
            }
            page.add(opened)?;
        }
        Ok(page.finish())
    }

    /// A page to fill; what it asks of items is read once for all.
    pub(super) fn page<'p>(&'p self, listing: &'p Listing<'p, 'p>, texts: &[&str]) -> Result<Page<'p>, Error> {
        let fault = |fault| Error::expression(self.operation, fault);
        let filter = listing.filter.as_ref().map(|filter| filter.expressions.parse()).transpose().map_err(fault)?;
        let key_condition = listing.key_condition.as_ref().map(|one| one.parse()).transpose().map_err(fault)?;
        let mut out = Vec::with_capacity(texts.iter().map(|text| text.len()).sum());
        out.push(b'[');
        Ok(Page { operation: self.operation, view: &listing.view, key_condition, filter, out, count: 0 })
    }
}

/// A list of opened items as it is printed.
pub(super) struct Page<'p> {
    operation: &'p str,
    view: &'p View<'p, 'p>,
    key_condition: Option<Parsed<'p>>,
    filter: Option<Parsed<'p>>,
    out: Vec<u8>,
    count: usize,
}

impl Page<'_> {
    /// Whether an item is one of those that were asked for. A Query without a key condition asks for none.
    pub(super) fn selects(&self, item: &Item<'_>) -> bool {
        self.key_condition.as_ref().is_none_or(|key| key.condition.is_some() && key.holds(Some(item)) == Ok(true))
    }

    /// Adds an item if the filter leaves it.
    pub(super) fn add(&mut self, opened: Item<'_>) -> Result<(), Error> {
        let holds = self.filter.as_ref().map(|filter| filter.holds(Some(&opened))).transpose();
        if holds.map_err(|fault| Error::expression(self.operation, fault))? == Some(false) {
            return Ok(());
        }
        if self.count > 0 {
            self.out.push(b',');
        }
        self.count = self.count.saturating_add(1);
        print(opened, self.view, &mut self.out);
        Ok(())
    }

    pub(super) fn finish(mut self) -> (Vec<u8>, usize) {
        self.out.push(b']');
        (self.out, self.count)
    }
}

const ITEMS: &str = "Items";
