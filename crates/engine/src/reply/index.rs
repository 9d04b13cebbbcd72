//! Items of an index. An index that does not project everything gives items that cannot be verified; those are read whole
//! by their keys, opened, and cut down to the attributes that the index gave. An item that is gone by then is left out.

use dynaseal_item::{Item, Sealed, json};
use dynaseal_keys::{Call, Service};

use crate::doc::{NotJson, Object};
use crate::error::Error;
use crate::plan::{Filter, View};
use crate::table::Failure;

use super::Opener;

/// The most keys that BatchGetItem takes.
pub(crate) const BATCH: usize = 100;
/// How often a batch is asked for what it left unprocessed.
pub(crate) const TRIES: u32 = 8;

impl Opener<'_> {
    /// The items of an index page that a filter leaves, printed, and how many they are.
    pub(super) async fn index_items(
        &self,
        texts: &[&str],
        table_name: &str,
        view: &View<'_>,
        filter: Option<&Filter>,
    ) -> Result<(Vec<u8>, usize), Error> {
        let stored = texts.iter().map(|text| self.stored(text)).collect::<Result<Vec<_>, _>>()?;
        let mut items = Vec::with_capacity(stored.len());
        for (number, stored) in stored.into_iter().enumerate() {
            let opened = self.whole(&stored, view, number).await?;
            items.push((stored, opened));
        }
        let partial: Vec<_> = items.iter().filter(|(_, opened)| opened.is_none()).map(|(stored, _)| stored).collect();
        let wholes = self.wholes(&partial, table_name, view).await?;
        let wholes = wholes.iter().map(|text| self.stored(text)).collect::<Result<Vec<_>, _>>()?;
        let mut page = self.page(view, filter, texts)?;
        for (number, (stored, opened)) in items.into_iter().enumerate() {
            if let Some(opened) = opened {
                page.add(opened)?;
            } else if let Some(whole) = wholes.iter().find(|whole| same_key(&stored, whole, view)) {
                let mut whole = whole.clone();
                let mut opened = self.opened(&mut whole, view, Some(number)).await?;
                opened.retain(|name| stored.get(name).is_some());
                page.add(opened)?;
            }
        }
        Ok(page.finish())
    }

    /// The opened item, if it has all that its footer covers. One without header and footer may be a part of a sealed one,
    /// also where unsealed items may be read.
    async fn whole(&self, item: &Item<'_>, view: &View<'_>, number: usize) -> Result<Option<Item<'static>>, Error> {
        use dynaseal_item::Error::{HalfSealed, Legend, Unsealed};
        if Sealed::is_plain(item) {
            return Ok(None);
        }
        match view.table.open(self.io, &mut item.clone()).await {
            Ok(opened) => Ok(Some(opened.into_owned())),
            Err(Failure::Item(Unsealed | HalfSealed { .. } | Legend { .. })) => Ok(None),
            Err(failure) => Err(Error::of_item(self.operation, view.table, Some(number), failure)),
        }
    }

    /// The whole items of some keys, as JSON, in any order.
    async fn wholes(&self, partial: &[&Item<'_>], table_name: &str, view: &View<'_>) -> Result<Vec<String>, Error> {
        let mut wholes = Vec::new();
        for chunk in partial.chunks(BATCH) {
            let mut keys = b"[".to_vec();
            for (at, item) in chunk.iter().enumerate() {
                if at > 0 {
                    keys.push(b',');
                }
                let mut key = (*item).clone();
                key.retain(|name| view.table.schema().keys().any(|other| other == name));
                json::write_item(&key, &mut keys);
            }
            keys.push(b']');
            self.batch(String::from_utf8_lossy(&keys).into_owned(), table_name, &mut wholes).await?;
        }
        Ok(wholes)
    }

    async fn batch(&self, mut keys: String, table_name: &str, wholes: &mut Vec<String>) -> Result<(), Error> {
        let name = crate::doc::text(table_name).map_err(|error| self.bad(error))?;
        for attempt in 0..TRIES {
            let body = format!(r#"{{"RequestItems":{{{table_name}:{{"Keys":{keys},"ConsistentRead":true}}}}}}"#);
            let call = Call::new(Service::DynamoDb, "BatchGetItem", body.into_bytes());
            let failed = |source| Error::Wire { operation: self.operation.to_owned(), source };
            let answer = self.io.wire.send(call).await.map_err(failed)?;
            let text = std::str::from_utf8(&answer.body).map_err(|_| self.bad(NotJson("it is not UTF-8")))?;
            let body = self.object(text)?;
            let tables = body.raw("Responses").filter(|_| answer.ok());
            let tables =
                tables.ok_or_else(|| self.bad(NotJson("the items of an index page could not be read by key")))?;
            if let Some((_, items)) = of_table(&self.object(tables)?, &name) {
                wholes.extend(self.array(items)?.into_iter().map(str::to_owned));
            }
            let unprocessed = self.object(body.raw("UnprocessedKeys").unwrap_or("{}"))?;
            match of_table(&unprocessed, &name) {
                None => return Ok(()),
                Some((_, rest)) => keys = self.object(rest)?.raw("Keys").unwrap_or("[]").to_owned(),
            }
            self.io.clock.sleep(std::time::Duration::from_millis(10 << attempt)).await;
        }
        Err(self.bad(NotJson("the items of an index page stayed unprocessed")))
    }
}

/// The entry of a table in an answer, which names it as the request did or by its plain name.
fn of_table<'o>(tables: &'o Object<'_>, name: &str) -> Option<(&'o str, &'o str)> {
    tables.entries().find(|(other, _)| crate::plan::table_name(other) == crate::plan::table_name(name))
}

fn same_key(one: &Item<'_>, two: &Item<'_>, view: &View<'_>) -> bool {
    view.table.schema().keys().all(|key| one.get(key).is_some() && one.get(key) == two.get(key))
}
