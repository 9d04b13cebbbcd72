//! Items of an index. An index that does not project everything gives items that cannot be verified; those are read whole
//! by their keys, opened, and cut down to the attributes that the index gave and, of a local one, that were asked for. An item that is gone by then is left out, and
//! so is one that has changed so that the key condition does not select it any more.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use dynaseal_item::{Item, Sealed, json};
use dynaseal_keys::{Call, Service};

use crate::doc::{NOT_UTF8, NotJson};
use crate::error::Error;
use crate::expr::compare::equal;
use crate::plan::{IndexRead, Listing, View, table_name};
use crate::table::Failure;

use super::asked::{Asked, MORE, identity};
use super::pages::{List, TWICE, UNSELECTED};
use super::{Opener, RESPONSES, error_body};

/// The most keys that BatchGetItem takes.
pub(crate) const BATCH: usize = 100;
/// How often a batch is asked for what it left unprocessed.
pub(crate) const TRIES: u32 = 8;

/// Whole items, as JSON, by their keys.
type Wholes = HashMap<Vec<u8>, String>;

/// An item of an index page.
struct Found<'t> {
    identity: Vec<u8>,
    stored: Item<'t>,
    /// The item, if the index has all of it.
    opened: Option<Item<'static>>,
}

impl Opener<'_> {
    /// The items of an index page that a filter leaves, printed, and how many they are.
    pub(super) async fn index_items(
        &self,
        texts: &[&str],
        index: &IndexRead,
        listing: &Listing<'_, '_>,
    ) -> Result<(Vec<u8>, usize), Error> {
        let view = &listing.view;
        let (page, mut list) = (self.page(listing)?, List::with_room_for(texts));
        let mut found: Vec<Found<'_>> = Vec::with_capacity(texts.len());
        for (number, text) in texts.iter().enumerate() {
            let stored = self.stored(text)?;
            let failed = |failure| self.failed(failure, view.table, Some(number));
            // The keys of the table and of the index are stored as they are.
            let identity = identity(&stored, view.table.schema()).filter(|_| page.selects(&stored));
            let identity = identity.ok_or_else(|| failed(UNSELECTED))?;
            let opened = self.whole(&stored, view, number).await?;
            found.push(Found { identity, stored, opened });
        }
        self.check_doubled(&found, view)?;
        let wholes = self.wholes(&found, &index.table, view).await?;
        for (number, Found { identity, stored, opened }) in found.into_iter().enumerate() {
            if let Some(opened) = opened {
                page.printed(opened, 0)?.iter().for_each(|printed| list.add(printed));
            } else if let Some(whole) = wholes.get(&identity) {
                let mut whole = self.stored(whole)?;
                let mut opened = self.opened(&mut whole, view, Some(number)).await?;
                if !page.selects(&opened) {
                    continue;
                }
                // What a local index does not hold DynamoDB takes from the table, which a global one is refused for.
                if index.is_global {
                    opened.retain(|name| stored.get(name).is_some());
                    page.printed(opened, 0)?.iter().for_each(|printed| list.add(printed));
                } else if page.leaves(&opened)? {
                    let asked = |name: &str| index.shown.iter().any(|shown| shown == name);
                    opened.retain(|name| index.whole || asked(name) || stored.get(name).is_some());
                    list.add(&page.shown(opened, 0));
                }
            }
        }
        Ok(list.finish())
    }

    /// An item whose place in an index changes while a page is read can stand there twice, but not unchanged.
    fn check_doubled(&self, found: &[Found<'_>], view: &View<'_, '_>) -> Result<(), Error> {
        let mut seen: HashMap<&[u8], Vec<&Item<'_>>> = HashMap::with_capacity(found.len());
        for (number, found) in found.iter().enumerate() {
            let others = seen.entry(&found.identity).or_default();
            if others.iter().any(|other| are_equal(other, &found.stored)) {
                return Err(self.failed(TWICE, view.table, Some(number)));
            }
            others.push(&found.stored);
        }
        Ok(())
    }

    /// The opened item, if it has all that its footer covers. One without header and footer may be a part of a sealed one,
    /// also where unsealed items may be read.
    async fn whole(&self, item: &Item<'_>, view: &View<'_, '_>, number: usize) -> Result<Option<Item<'static>>, Error> {
        use dynaseal_item::Error::{HalfSealed, Legend, Unsealed};
        if Sealed::is_plain(item) {
            return Ok(None);
        }
        match view.table.open(self.io, &mut item.clone()).await {
            Ok(opened) => Ok(Some(opened.into_owned())),
            Err(Failure::Item(Unsealed | HalfSealed { .. } | Legend { .. })) => Ok(None),
            Err(failure) => Err(self.failed(failure, view.table, Some(number))),
        }
    }

    /// The whole items of those that are not, as far as they are still there.
    async fn wholes(&self, found: &[Found<'_>], named: &str, view: &View<'_, '_>) -> Result<Wholes, Error> {
        let (mut keys, mut seen) = (Vec::new(), HashSet::new());
        for Found { identity, stored, .. } in found.iter().filter(|found| found.opened.is_none()) {
            if seen.insert(identity) {
                let mut key = stored.clone();
                key.retain(|name| view.table.schema().keys().any(|other| other == name));
                let mut text = Vec::new();
                json::write_item(&key, &mut text);
                keys.push((identity.clone(), String::from_utf8_lossy(&text).into_owned()));
            }
        }
        let mut wholes = Wholes::with_capacity(keys.len());
        for chunk in keys.chunks(BATCH) {
            self.batch(chunk, named, view, &mut wholes).await?;
        }
        Ok(wholes)
    }

    async fn batch(
        &self,
        keys: &[(Vec<u8>, String)],
        named: &str,
        view: &View<'_, '_>,
        wholes: &mut Wholes,
    ) -> Result<(), Error> {
        let name = crate::doc::text(named).map_err(|error| self.bad(error))?;
        let failed = |failure| self.failed(failure, view.table, None);
        let mut asked = Asked::of(keys.iter().map(|(identity, text)| (Some(identity.clone()), text.as_str())));
        for attempt in 0..TRIES {
            let keys = asked.written().collect::<Vec<_>>().join(",");
            let body = format!(r#"{{"RequestItems":{{{named}:{{"Keys":[{keys}],"ConsistentRead":true}}}}}}"#);
            let call = Call::new(Service::DynamoDb, "BatchGetItem", body.into_bytes());
            let lost = |source| Error::Wire { operation: self.operation.to_owned(), source };
            let answer = self.io.wire.send(call).await.map_err(lost)?;
            const NOT_READ: &str = "the items of an index page could not be read by key";
            if !answer.ok() {
                error_body(self.operation, &answer)?;
                let (operation, retry_after) = (self.operation.to_owned(), answer.retry_after);
                return Err(Error::Answer { operation, reason: NOT_READ.to_owned(), retry_after });
            }
            let text = std::str::from_utf8(&answer.body).map_err(|_| self.bad(NOT_UTF8))?;
            let body = self.object(text)?;
            let tables = body.raw(RESPONSES).ok_or_else(|| self.bad(NotJson(NOT_READ)))?;
            for text in self.array(self.of_table(tables, &name, view)?.unwrap_or("[]"))? {
                let identity = identity(&self.stored(text)?, view.table.schema());
                asked.take(identity.as_deref()).map_err(failed)?;
                wholes.extend(identity.map(|identity| (identity, text.to_owned())));
            }
            let unprocessed = self.of_table(body.raw("UnprocessedKeys").unwrap_or("{}"), &name, view)?;
            let unprocessed = self.object(unprocessed.unwrap_or("{}"))?;
            let mut left = Vec::new();
            for text in self.array(unprocessed.raw("Keys").unwrap_or("[]"))? {
                let identity = identity(&self.stored(text)?, view.table.schema());
                let written = asked.take(identity.as_deref()).map_err(failed)?;
                left.push((identity, written));
            }
            if left.is_empty() {
                return Ok(());
            }
            asked = Asked::of(left);
            self.io.clock.sleep(Duration::from_millis(10 << attempt)).await;
        }
        Err(self.bad(NotJson("the items of an index page stayed unprocessed")))
    }

    /// The text of the one table that was asked for, in an answer that names it as the request did or by its plain name.
    fn of_table<'t>(&self, tables: &'t str, name: &str, view: &View<'_, '_>) -> Result<Option<&'t str>, Error> {
        let tables = self.object(tables)?;
        let mut found = None;
        for other in tables.names() {
            if table_name(other) != table_name(name) || found.is_some() {
                return Err(self.failed(MORE, view.table, None));
            }
            found = tables.borrowed(other);
        }
        Ok(found)
    }
}

fn are_equal(one: &Item<'_>, two: &Item<'_>) -> bool {
    one.len() == two.len()
        && one.iter().all(|(name, value)| two.get(name).is_some_and(|other| equal(value, other) == Ok(true)))
}
