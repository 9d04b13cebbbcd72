//! Batches: each item that was asked for is answered once or left unprocessed, and nothing else is. What is left unprocessed
//! comes back as the caller wrote it, so that it can be sent again, and not as the answer has it.

use std::collections::BTreeMap;

use dynaseal_item::json;
use dynaseal_keys::{BoxFuture, Io};

use crate::crew::Work;
use crate::doc::{Node, Object};
use crate::error::Error;
use crate::plan::{BatchView, View, Writes};
use crate::table::{Failure, Table};

use super::asked::{Asked, identity};
use super::{Opener, RESPONSES, of_table, print};

/// A table of the answer that is not one of the request.
const OTHER_TABLE: Failure = Failure::NotAsked("the answer is about a table that was not asked for");

impl Opener<'_> {
    /// `{"Responses":{TABLE:[…]},"UnprocessedKeys":{TABLE:{"Keys":[…]}}}`.
    pub(super) async fn by_table(
        &self,
        body: &mut Object<'_>,
        all: &BTreeMap<String, Option<BatchView<'_, '_>>>,
    ) -> Result<(), Error> {
        let mut asked = BTreeMap::new();
        for (name, batch) in all {
            let Some(batch) = batch else { continue };
            let schema = batch.view.table.schema();
            let key = |text: &&str| json::read_item(text).ok().and_then(|key| identity(&key, schema));
            let keys = batch.keys.iter().map(|written| (key(written), *written));
            asked.insert(name.as_str(), Asked::of(keys));
        }
        if let Some(text) = body.take_raw(RESPONSES) {
            let mut tables = self.object(&text)?;
            for (name, node) in tables.entries_mut() {
                let Some((name, batch)) = self.one_of(all, name, |batch| batch.view.table)? else { continue };
                let (Some(asked), Node::Raw(text)) = (asked.get_mut(name), &*node) else { continue };
                *node = Node::Printed(self.answered(&self.array(text)?, batch, asked).await?);
            }
            body.replace(RESPONSES, Node::Printed(tables.print(&[], text.len())));
        }
        if let Some(text) = body.take_raw(UNPROCESSED_KEYS) {
            let mut tables = self.object(&text)?;
            for (name, node) in tables.entries_mut() {
                let Some((name, batch)) = self.one_of(all, name, |batch| batch.view.table)? else { continue };
                let (Some(asked), Node::Raw(text)) = (asked.get_mut(name), &*node) else { continue };
                *node = Node::Printed(self.unanswered(&self.object(text)?, batch, asked)?);
            }
            body.replace(UNPROCESSED_KEYS, Node::Printed(tables.print(&[], text.len())));
        }
        Ok(())
    }

    /// The items of one table, each of which was asked for and is answered once.
    async fn answered(
        &self,
        texts: &[&str],
        batch: &BatchView<'_, '_>,
        asked: &mut Asked<'_>,
    ) -> Result<Vec<u8>, Error> {
        let view = &batch.view;
        let mut out = Vec::with_capacity(texts.iter().map(|text| text.len()).sum());
        out.push(b'[');
        let take = |number, (identity, printed): (Option<Vec<u8>>, Vec<u8>)| {
            let taken = asked.take(identity.as_deref());
            taken.map_err(|failure| self.failed(failure, view.table, Some(number)))?;
            if number > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&printed);
            Ok(())
        };
        self.crew.each(self.io, &Batch { opener: self, texts, view }, take).await?;
        out.push(b']');
        Ok(out)
    }

    /// What the caller wrote about a table, with the keys alone that are left.
    fn unanswered(
        &self,
        part: &Object<'_>,
        batch: &BatchView<'_, '_>,
        asked: &mut Asked<'_>,
    ) -> Result<Vec<u8>, Error> {
        let table = batch.view.table;
        let mut keys = Vec::new();
        for (number, text) in self.array(part.raw(KEYS).unwrap_or("[]"))?.into_iter().enumerate() {
            let taken = asked.take(identity(&self.stored(text)?, table.schema()).as_deref());
            keys.push(Node::Raw(taken.map_err(|failure| self.failed(failure, table, Some(number)))?.into()));
        }
        let mut written = self.object(batch.written)?;
        written.set(KEYS, Node::Array(keys));
        Ok(written.print(&[], batch.written.len()))
    }

    /// `{"UnprocessedItems":{TABLE:[{"PutRequest":{"Item":…}}]}}`.
    pub(super) fn unprocessed(
        &self,
        body: &mut Object<'_>,
        all: &BTreeMap<String, Option<Writes<'_, '_>>>,
    ) -> Result<(), Error> {
        const MEMBER: &str = "UnprocessedItems";
        let Some(text) = body.take_raw(MEMBER) else { return Ok(()) };
        let mut tables = self.object(&text)?;
        let mut asked = BTreeMap::new();
        for (name, node) in tables.entries_mut() {
            let Some((name, writes)) = self.one_of(all, name, |writes| writes.table)? else { continue };
            let Node::Raw(text) = &*node else { continue };
            let table = writes.table;
            let asked = asked.entry(name).or_insert_with(|| {
                Asked::of(writes.written.iter().map(|written| (write_identity(written, table), *written)))
            });
            let mut left = Vec::new();
            for (number, text) in self.array(text)?.into_iter().enumerate() {
                let taken = asked.take(write_identity(text, table).as_deref());
                left.push(Node::Raw(taken.map_err(|failure| self.failed(failure, table, Some(number)))?.into()));
            }
            *node = Node::Printed(Node::Array(left).print());
        }
        body.replace(MEMBER, Node::Printed(tables.print(&[], text.len())));
        Ok(())
    }

    /// What was asked of a table that the answer names; `None` for one without a configuration.
    fn one_of<'m, T>(
        &self,
        all: &'m BTreeMap<String, Option<T>>,
        name: &str,
        table: impl Fn(&T) -> &Table,
    ) -> Result<Option<(&'m str, &'m T)>, Error> {
        match of_table(all, name) {
            Some((name, one)) => Ok(one.as_ref().map(|one| (name, one))),
            // At least one table of such a call is protected.
            None => match all.values().flatten().next() {
                Some(one) => Err(self.failed(OTHER_TABLE, table(one), None)),
                None => Ok(None),
            },
        }
    }
}

/// Items of a batch, each with its identity, opened and printed.
struct Batch<'b, 't, 'e, 'a> {
    opener: &'b Opener<'b>,
    texts: &'b [&'t str],
    view: &'b View<'e, 'a>,
}

impl<'b, 't> Work<'b> for Batch<'b, 't, '_, '_> {
    type Job = &'t str;
    type Out = (Option<Vec<u8>>, Vec<u8>);

    fn jobs(&self) -> &'b [&'t str] {
        self.texts
    }

    fn cost(&self) -> usize {
        self.texts.iter().map(|text| self.view.cost_of(text)).sum()
    }

    fn one<'s>(&'s self, number: usize, text: &'b &'t str, io: Io<'s>) -> BoxFuture<'s, Result<Self::Out, Error>>
    where
        'b: 's,
    {
        Box::pin(async move {
            let opener = self.opener.with(io);
            let mut stored = opener.stored(text)?;
            let opened = opener.opened(&mut stored, self.view, Some(number)).await?;
            let identity = identity(&opened, self.view.table.schema());
            let mut out = Vec::with_capacity(text.len());
            print(opened, self.view, &mut out);
            Ok((identity, out))
        })
    }
}

/// The kind of a write and the key of its item, as bytes that are equal for equal ones.
fn write_identity(text: &str, table: &Table) -> Option<Vec<u8>> {
    let write = Object::parse(text).ok()?;
    [("PutRequest", "Item"), ("DeleteRequest", "Key")].into_iter().find_map(|(kind, member)| {
        let request = Object::parse(write.raw(kind)?).ok()?;
        let item = json::read_item(request.raw(member)?).ok()?;
        let mut identity = identity(&item, table.schema())?;
        identity.extend_from_slice(kind.as_bytes());
        Some(identity)
    })
}

const UNPROCESSED_KEYS: &str = "UnprocessedKeys";
const KEYS: &str = "Keys";
