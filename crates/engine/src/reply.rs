//! What came back: every item in it verified, opened and projected, and the rest left as it is.

mod index;
mod records;

pub(crate) use index::{BATCH, TRIES};

use std::borrow::Cow;
use std::collections::BTreeMap;

use dynaseal_item::{Item, json};
use dynaseal_keys::{Answer, Io};

use crate::doc::{Elements, Node, NotJson, Object, array};
use crate::error::Error;
use crate::expressions::Parsed;
use crate::plan::{BatchView, Filter, Reply, View};
use crate::table::{MARK, Table};

pub(crate) use records::open_records;

/// Opens the items of an answer.
pub(crate) async fn open(operation: &str, reply: &Reply<'_, '_>, answer: Answer, io: Io<'_>) -> Result<Answer, Error> {
    // What most writes are answered with holds nothing to open.
    if answer.body == b"{}" {
        return Ok(answer);
    }
    let opener = Opener { operation, io };
    let text = std::str::from_utf8(&answer.body).map_err(|_| opener.bad(NotJson("it is not UTF-8")))?;
    let body = match (answer.ok(), reply) {
        (true, Reply::One { field, view }) => opener.one(text, field, view).await?,
        (true, Reply::Items { view, filter }) => opener.list(text, view, filter.as_ref()).await?,
        (ok, reply) => {
            let mut body = opener.object(text)?;
            if ok {
                opener.success(reply, &mut body).await?;
            } else {
                opener.failure(reply, &mut body).await?;
            }
            body.print(&[], text.len())
        }
    };
    Ok(Answer { body, ..answer })
}

/// Opens what one answer holds.
struct Opener<'o> {
    operation: &'o str,
    io: Io<'o>,
}

impl Opener<'_> {
    async fn success<'a>(&self, reply: &Reply<'_, 'a>, body: &mut Object<'_>) -> Result<(), Error> {
        match reply {
            Reply::ByTable(views) => self.by_table(body, views).await,
            Reply::Unprocessed(tables) => self.unprocessed(body, tables).await,
            Reply::Responses(views) => self.each(body, "Responses", views).await,
            Reply::Stream(stream) => self.stream(body, stream).await,
            Reply::Condition(_) => self.unmarked(body),
            Reply::One { .. } | Reply::Items { .. } | Reply::Reasons(_) => Ok(()),
        }
    }

    /// Attributes that were updated, without the mark that went with them.
    fn unmarked(&self, body: &mut Object<'_>) -> Result<(), Error> {
        let Some(text) = body.take_raw("Attributes") else { return Ok(()) };
        let mut attributes = self.object(&text)?;
        attributes.remove(MARK);
        if attributes.is_empty() {
            body.remove("Attributes");
        } else {
            body.replace("Attributes", Node::Printed(attributes.print(&[], text.len())));
        }
        Ok(())
    }

    /// A successful answer with one item, the most frequent kind.
    async fn one(&self, text: &str, field: &str, view: &View<'_>) -> Result<Vec<u8>, Error> {
        let (body, stored) = Object::parse_around(text, field).map_err(|error| self.bad(error))?;
        let Some(mut stored) = stored else { return Ok(body.print(&[], text.len())) };
        let mut opened = self.opened(&mut stored, view, None).await?;
        Ok(match &view.projection {
            Some(projection) => body.print(&[projection.apply(&mut opened)], text.len()),
            None => body.print(&[opened], text.len()),
        })
    }

    /// A failed condition can carry the item it failed on.
    async fn failure(&self, reply: &Reply<'_, '_>, body: &mut Object<'_>) -> Result<(), Error> {
        match reply {
            Reply::One { view, .. } | Reply::Condition(view) => self.member(body, "Item", view, None).await,
            Reply::Reasons(views) => self.each(body, "CancellationReasons", views).await,
            _ => Ok(()),
        }
    }

    /// The item under `name`, if there is one.
    async fn member(
        &self,
        body: &mut Object<'_>,
        name: &'static str,
        view: &View<'_>,
        number: Option<usize>,
    ) -> Result<(), Error> {
        if let Some(text) = body.take_raw(name) {
            let opened = self.item(&text, view, number).await?;
            body.replace(name, Node::Printed(opened));
        }
        Ok(())
    }

    /// A page of items. A filter here leaves paging and `ScannedCount` as they came, as DynamoDB's own filters do.
    async fn list(&self, text: &str, view: &View<'_>, filter: Option<&Filter>) -> Result<Vec<u8>, Error> {
        let (mut body, items) = Object::parse_around(text, "Items").map_err(|error| self.bad(error))?;
        let Some(Elements(items)) = items else { return Ok(body.print(&[], text.len())) };
        let (opened, count) = match &view.index_of {
            Some(table_name) => self.index_items(&items, table_name, view, filter).await?,
            None => self.items(&items, view, filter).await?,
        };
        if view.index_of.is_some() || filter.is_some() {
            body.replace("Count", Node::Printed(count.to_string().into_bytes()));
        }
        if filter.is_some_and(|filter| filter.count_only) {
            body.remove("Items");
        } else {
            body.replace("Items", Node::Printed(opened));
        }
        Ok(body.print(&[], text.len()))
    }

    /// `{"Responses":{TABLE:[…]},"UnprocessedKeys":{TABLE:{…}}}`.
    async fn by_table(&self, body: &mut Object<'_>, views: &BTreeMap<String, BatchView<'_, '_>>) -> Result<(), Error> {
        if let Some(text) = body.take_raw("Responses") {
            let mut tables = self.object(&text)?;
            for (name, node) in tables.entries_mut() {
                if let (Some(batch), Node::Raw(text)) = (of_table(views, name), &*node) {
                    *node = Node::Printed(self.items(&self.array(text)?, &batch.view, None).await?.0);
                }
            }
            body.replace("Responses", Node::Printed(tables.print(&[], text.len())));
        }
        if let Some(text) = body.take_raw("UnprocessedKeys") {
            let mut tables = self.object(&text)?;
            for (name, node) in tables.entries_mut() {
                if let (Some(batch), Node::Raw(text)) = (of_table(views, name), &*node) {
                    let mut keys = self.object(text)?;
                    for (member, taken) in &batch.taken {
                        keys.set(member, Node::Raw(Cow::Borrowed(taken)));
                    }
                    let keys = keys.print(&[], text.len());
                    *node = Node::Printed(keys);
                }
            }
            body.replace("UnprocessedKeys", Node::Printed(tables.print(&[], text.len())));
        }
        Ok(())
    }

    /// `{"UnprocessedItems":{TABLE:[{"PutRequest":{"Item":…}}]}}`: the caller will send them again, so it gets plaintext.
    async fn unprocessed(&self, body: &mut Object<'_>, tables: &BTreeMap<String, &Table>) -> Result<(), Error> {
        let Some(text) = body.take_raw("UnprocessedItems") else { return Ok(()) };
        let mut unprocessed = self.object(&text)?;
        for (name, node) in unprocessed.entries_mut() {
            let (Some(table), Node::Raw(text)) = (of_table(tables, name), &*node) else { continue };
            let mut writes = Vec::new();
            for write in self.array(text)? {
                let mut write = self.object(write)?;
                if let Some(put) = write.take_raw("PutRequest") {
                    let mut put = self.object(&put)?;
                    self.member(&mut put, "Item", &View::whole(table), None).await?;
                    let put = put.print(&[], 0);
                    write.replace("PutRequest", Node::Printed(put));
                }
                writes.push(Node::Printed(write.print(&[], 0)));
            }
            *node = Node::Array(writes);
        }
        body.replace("UnprocessedItems", Node::Printed(unprocessed.print(&[], text.len())));
        Ok(())
    }

    /// A list with an `Item` in each entry, one for each action of a transaction.
    async fn each(&self, body: &mut Object<'_>, name: &'static str, views: &[Option<View<'_>>]) -> Result<(), Error> {
        let Some(text) = body.take_raw(name) else { return Ok(()) };
        let entries = self.array(&text)?;
        if entries.len() != views.len() {
            return Err(self.bad(NotJson("it has another number of entries than the request")));
        }
        let mut nodes = Vec::with_capacity(entries.len());
        for (number, (entry, view)) in entries.into_iter().zip(views).enumerate() {
            let mut entry = self.object(entry)?;
            if let Some(view) = view
                && let Some(text) = entry.take_raw("Item")
            {
                let opened = self.item(&text, view, Some(number)).await?;
                // An item of which nothing is to be shown is left out, other than in the answer to a read of one.
                if view.projection.is_some() && opened == b"{}" {
                    entry.remove("Item");
                } else {
                    entry.replace("Item", Node::Printed(opened));
                }
            }
            nodes.push(Node::Printed(entry.print(&[], 0)));
        }
        body.replace(name, Node::Array(nodes));
        Ok(())
    }

    /// The items of a list that a filter leaves, printed, and how many they are.
    async fn items(&self, texts: &[&str], view: &View<'_>, filter: Option<&Filter>) -> Result<(Vec<u8>, usize), Error> {
        let mut page = self.page(view, filter, texts)?;
        for (number, text) in texts.iter().enumerate() {
            let mut stored = self.stored(text)?;
            page.add(self.opened(&mut stored, view, Some(number)).await?)?;
        }
        Ok(page.finish())
    }

    /// A page to fill; its filter is read once for all items.
    fn page<'p>(&'p self, view: &'p View<'_>, filter: Option<&'p Filter>, texts: &[&str]) -> Result<Page<'p>, Error> {
        let filter = filter.map(|filter| filter.expressions.parse()).transpose();
        let filter = filter.map_err(|fault| Error::expression(self.operation, fault))?;
        let mut out = Vec::with_capacity(texts.iter().map(|text| text.len()).sum());
        out.push(b'[');
        Ok(Page { operation: self.operation, view, filter, out, count: 0 })
    }

    async fn item(&self, text: &str, view: &View<'_>, number: Option<usize>) -> Result<Vec<u8>, Error> {
        let mut out = Vec::with_capacity(text.len());
        let mut stored = self.stored(text)?;
        print(self.opened(&mut stored, view, number).await?, view, &mut out);
        Ok(out)
    }

    fn stored<'t>(&self, text: &'t str) -> Result<Item<'t>, Error> {
        json::read_item(text).map_err(|_| self.bad(NotJson("an item in it is malformed")))
    }

    async fn opened<'a>(
        &self,
        stored: &'a mut Item<'_>,
        view: &View<'a>,
        number: Option<usize>,
    ) -> Result<Item<'a>, Error> {
        let failed = |failure| Error::of_item(self.operation, view.table, number, failure);
        view.table.open(self.io, stored).await.map_err(failed)
    }

    fn object<'t>(&self, text: &'t str) -> Result<Object<'t>, Error> {
        Object::parse(text).map_err(|error| self.bad(error))
    }

    fn array<'t>(&self, text: &'t str) -> Result<Vec<&'t str>, Error> {
        array(text).map_err(|error| self.bad(error))
    }

    fn bad(&self, NotJson(reason): NotJson) -> Error {
        Error::Answer { operation: self.operation.to_owned(), reason: reason.to_owned() }
    }
}

/// A list of opened items as it is printed.
struct Page<'p> {
    operation: &'p str,
    view: &'p View<'p>,
    filter: Option<Parsed<'p>>,
    out: Vec<u8>,
    count: usize,
}

impl Page<'_> {
    /// Adds an item if the filter leaves it.
    fn add(&mut self, opened: Item<'_>) -> Result<(), Error> {
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

    fn finish(mut self) -> (Vec<u8>, usize) {
        self.out.push(b']');
        (self.out, self.count)
    }
}

/// Prints what a caller asked to see of an item.
fn print(mut opened: Item<'_>, view: &View<'_>, out: &mut Vec<u8>) {
    match &view.projection {
        Some(projection) => json::write_item(&projection.apply(&mut opened), out),
        None => json::write_item(&opened, out),
    }
}

/// A table of the answer; DynamoDB may name by its name what the request named by ARN.
fn of_table<'m, T>(map: &'m BTreeMap<String, T>, name: &str) -> Option<&'m T> {
    let same = |other: &&String| crate::plan::table_name(other) == crate::plan::table_name(name);
    map.get(name).or_else(|| map.keys().find(same).and_then(|key| map.get(key)))
}
