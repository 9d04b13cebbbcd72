//! Mends an item to which a writer that knows nothing of Dynaseal added attributes after it was sealed. What is taken in
//! is named by whoever asks: nothing in the item tells an honest addition from a forged one. Everything else must verify.

use std::collections::BTreeSet;

use dynaseal_item::{Context, Error as ItemError, Item, OpenKeys, Sealed, json};
use dynaseal_keys::Io;

use crate::error::Error;
use crate::modify::{AdoptingUpdate, adopt};
use crate::size::item_size;

use super::{Failure, Table};

const OPERATION: &str = "repair";
/// How much is hashed at most to find out which attributes were added.
const MOST_BYTES: usize = 128 << 20;

impl Table {
    /// The attributes without which an item verifies; none if it does as it stands.
    ///
    /// # Errors
    /// It does not verify without any that could have been added, or no key was given.
    pub async fn added(&self, io: Io<'_>, item: &Item<'_>) -> Result<Vec<String>, Failure> {
        let failure = match self.open(io, &mut item.clone()).await {
            Ok(_) => return Ok(Vec::new()),
            Err(failure) => failure,
        };
        let Failure::Item(ItemError::Legend { found, sealed }) = failure else { return Err(failure) };
        let count = found.saturating_sub(sealed);
        let could = |name: &&str| self.schema.in_signature_scope(name) && self.schema.keys().all(|key| key != *name);
        let names: Vec<_> = item.iter().map(|(name, _)| name).filter(could).collect();
        let mut keys: Option<(Context, OpenKeys)> = None;
        let tries = MOST_BYTES.checked_div(item_size(item).max(1)).unwrap_or_default();
        // An item that lacks what was sealed leaves nothing to choose.
        for chosen in choices(names.len(), count).take(if count == 0 { 0 } else { tries }) {
            let added: BTreeSet<_> = chosen.iter().filter_map(|at| names.get(*at).copied()).collect();
            let mut rest = item.clone();
            rest.retain(|name| !added.contains(name));
            let Ok(sealed) = Sealed::parse(&self.schema, &mut rest) else { continue };
            if keys.as_ref().is_none_or(|(context, _)| context != sealed.context()) {
                let opened = self.provider.open_keys(sealed.suite(), sealed.data_keys(), sealed.context(), io).await?;
                keys = Some((sealed.context().clone(), opened));
            }
            if keys.as_ref().is_some_and(|(_, keys)| sealed.verify(keys).is_ok()) {
                return Ok(added.into_iter().map(str::to_owned).collect());
            }
        }
        Err(failure)
    }

    /// A request of UpdateItem, as JSON, that seals an item again with attributes that were added to it. It writes nothing
    /// if the item is another one by then.
    ///
    /// # Errors
    /// The item does not verify without them, one of them is none that is signed, or no key was given.
    pub async fn repair(&self, io: Io<'_>, item: &Item<'_>, added: &[String]) -> Result<Vec<u8>, Error> {
        let refused =
            |what, instead| Error::Refused { operation: OPERATION.to_owned(), table: self.name.clone(), what, instead };
        for name in added {
            if item.get(name).is_none() {
                return Err(refused(format!("the item has no attribute \"{name}\""), "correct the name"));
            }
            let is_key = self.schema.keys().any(|key| key == name);
            if is_key || !self.schema.in_signature_scope(name) {
                let what = format!("attribute \"{name}\" cannot have been added");
                return Err(refused(what, "name attributes that are signed and no keys"));
            }
        }
        let sealed = adopt(self, item, added, OPERATION, io).await?;
        let update = AdoptingUpdate::of(self, item, &sealed, added).ok_or_else(|| {
            let what = "the item has more attributes than an update expression can set".to_owned();
            refused(what, "restore the item, or open it without them and put it through Dynaseal")
        })?;
        let mut name = Vec::new();
        json::write_text(&self.name, &mut name);
        Ok(update.body(&String::from_utf8_lossy(&name)))
    }
}

/// All ways to choose `count` of so many, smallest places first.
fn choices(of: usize, count: usize) -> impl Iterator<Item = Vec<usize>> {
    let first = (count <= of).then(|| (0..count).collect::<Vec<_>>());
    std::iter::successors(first, move |last| {
        let mut next = last.clone();
        // The last place that can still move, and those behind it close up.
        let at = (0..count).rev().find(|at| next.get(*at).is_some_and(|place| place + count < of + at))?;
        let place = *next.get(at)?;
        for (step, slot) in next.iter_mut().skip(at).enumerate() {
            *slot = place + step + 1;
        }
        Some(next)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_comes_once() {
        let all: Vec<_> = choices(4, 2).collect();
        assert_eq!(all, [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]);
        assert_eq!(choices(5, 3).count(), 10);
        assert_eq!(choices(3, 3).collect::<Vec<_>>(), [[0, 1, 2]]);
        assert_eq!(choices(2, 3).count(), 0);
    }
}
