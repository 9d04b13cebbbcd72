//! Pages of items: each is one that the key condition selects, and stands on the page once.

use std::collections::HashSet;

use dynaseal_item::Item;
use dynaseal_keys::{BoxFuture, Io};

use crate::crew::Work;
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
        let (opened, count) = match &listing.index {
            Some(index) => self.index_items(&items, index, listing).await?,
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
        let mut list = List::with_room_for(texts);
        let take = |number, (identity, printed): (Vec<u8>, Option<Vec<u8>>)| {
            if !seen.insert(identity) {
                return Err(self.failed(TWICE, view.table, Some(number)));
            }
            printed.iter().for_each(|printed| list.add(printed));
            Ok(())
        };
        self.crew.each(self.io, &PageItems { opener: self, texts, page: self.page(listing)? }, take).await?;
        Ok(list.finish())
    }

    /// A page to fill; what it asks of items is read once for all.
    pub(super) fn page<'p>(&'p self, listing: &'p Listing<'p, 'p>) -> Result<Page<'p>, Error> {
        let fault = |fault| Error::expression(self.operation, fault);
        let filter = listing.filter.as_ref().map(|filter| filter.expressions.parse()).transpose().map_err(fault)?;
        let key_condition = listing.key_condition.as_ref().map(|one| one.parse()).transpose().map_err(fault)?;
        Ok(Page { operation: self.operation, view: &listing.view, key_condition, filter })
    }
}

/// What a page asks of its items.
pub(super) struct Page<'p> {
    operation: &'p str,
    view: &'p View<'p, 'p>,
    key_condition: Option<Parsed<'p>>,
    filter: Option<Parsed<'p>>,
}

impl Page<'_> {
    /// Whether an item is one of those that were asked for. A Query without a key condition asks for none.
    pub(super) fn selects(&self, item: &Item<'_>) -> bool {
        self.key_condition.as_ref().is_none_or(|key| key.condition.is_some() && key.holds(Some(item)) == Ok(true))
    }

    /// Whether the filter leaves an item.
    pub(super) fn leaves(&self, opened: &Item<'_>) -> Result<bool, Error> {
        let holds = self.filter.as_ref().map_or(Ok(true), |filter| filter.holds(Some(opened)));
        holds.map_err(|fault| Error::expression(self.operation, fault))
    }

    /// An item as the caller sees it, if the filter leaves it.
    pub(super) fn printed(&self, opened: Item<'_>, room: usize) -> Result<Option<Vec<u8>>, Error> {
        Ok(if self.leaves(&opened)? { Some(self.shown(opened, room)) } else { None })
    }

    /// An item as the caller sees it.
    pub(super) fn shown(&self, opened: Item<'_>, room: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(room);
        print(opened, self.view, &mut out);
        out
    }
}

/// A list of opened items as it is printed.
pub(super) struct List {
    out: Vec<u8>,
    count: usize,
}

impl List {
    pub(super) fn with_room_for(texts: &[&str]) -> Self {
        let mut out = Vec::with_capacity(texts.iter().map(|text| text.len()).sum());
        out.push(b'[');
        Self { out, count: 0 }
    }

    pub(super) fn add(&mut self, printed: &[u8]) {
        if self.count > 0 {
            self.out.push(b',');
        }
        self.count = self.count.saturating_add(1);
        self.out.extend_from_slice(printed);
    }

    pub(super) fn finish(mut self) -> (Vec<u8>, usize) {
        self.out.push(b']');
        (self.out, self.count)
    }
}

/// Items of a page, each with its identity, opened and, if it stays, printed.
struct PageItems<'p, 't> {
    opener: &'p Opener<'p>,
    texts: &'p [&'t str],
    page: Page<'p>,
}

impl<'p, 't> Work<'p> for PageItems<'p, 't> {
    type Job = &'t str;
    type Out = (Vec<u8>, Option<Vec<u8>>);

    fn jobs(&self) -> &'p [&'t str] {
        self.texts
    }

    fn cost(&self) -> usize {
        self.texts.iter().map(|text| self.page.view.cost_of(text)).sum()
    }

    fn one<'s>(&'s self, number: usize, text: &'p &'t str, io: Io<'s>) -> BoxFuture<'s, Result<Self::Out, Error>>
    where
        'p: 's,
    {
        Box::pin(async move {
            let (opener, view) = (self.opener.with(io), self.page.view);
            let mut stored = opener.stored(text)?;
            let opened = opener.opened(&mut stored, view, Some(number)).await?;
            match identity(&opened, view.table.schema()).filter(|_| self.page.selects(&opened)) {
                Some(identity) => Ok((identity, self.page.printed(opened, text.len())?)),
                None => Err(opener.failed(UNSELECTED, view.table, Some(number))),
            }
        })
    }
}

const ITEMS: &str = "Items";
