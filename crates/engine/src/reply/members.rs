//! The members that an answer may have. An answer of a protected table keeps what its operation is known to answer, in the
//! form that it is known to have, and nothing else: a member that nobody verifies could show what was never stored.

use dynaseal_item::{Item, Value, json};

use crate::doc::{Node, NotJson, Object, array};
use crate::expr::shown::HIDDEN;
use crate::plan::{Listing, Reply, Stream, View};
use crate::table::Table;

use super::Opener;
use crate::error::Error;

/// The form of a member that holds no item.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Number,
    /// An object with these members.
    Object(&'static [(&'static str, Form)]),
    /// Values of one form by name.
    Map(&'static Form),
    List(&'static Form),
    /// One value or a list of them.
    Either(&'static Form),
}

impl Opener<'_> {
    /// Keeps of an answer what its operation can answer.
    pub(super) fn keep(&self, reply: &Reply<'_, '_>, body: &mut Object<'_>) -> Result<(), Error> {
        let Some(members) = members(self.operation, reply) else { return Ok(()) };
        body.retain(|name| members.contains(&name));
        for (name, form) in [("ConsumedCapacity", CAPACITY), ("Count", Form::Number), ("ScannedCount", Form::Number)] {
            keep_form(body, name, form).map_err(|error| self.bad(error))?;
        }
        match reply {
            Reply::Items(listing) => self.keep_key(body, "LastEvaluatedKey", |name| leads_on(listing, name)),
            Reply::Write { view, .. } => self.keep_metrics(body, view.table),
            Reply::Unprocessed(all) => self.keep_metrics_of_tables(body, |name| match super::of_table(all, name) {
                Some((_, writes)) => Metrics::of(writes.as_ref().map(|writes| writes.table)),
                None => Metrics::Dropped,
            }),
            Reply::Reasons(views) => self.keep_metrics_of_tables(body, |name| {
                let name = crate::plan::table_name(name);
                Metrics::of(views.iter().flatten().map(|view| view.table).find(|table| table.name() == name))
            }),
            _ => Ok(()),
        }
    }

    /// Keeps of a key the attributes that can be part of it.
    pub(super) fn keep_key(
        &self,
        body: &mut Object<'_>,
        name: &str,
        is_part: impl Fn(&str) -> bool,
    ) -> Result<(), Error> {
        let Some(text) = body.take_raw(name) else { return Ok(()) };
        let key = self.stored(&text)?;
        let mut kept = Item::new();
        for (name, value) in key.iter().filter(|(name, value)| is_scalar(value) && is_part(name)) {
            kept.insert(name.to_owned(), value.clone());
        }
        let mut out = Vec::with_capacity(text.len());
        json::write_item(&kept, &mut out);
        body.replace(name, Node::Raw(String::from_utf8_lossy(&out).into_owned().into()));
        Ok(())
    }

    /// `{"ItemCollectionMetrics":{"ItemCollectionKey":…,"SizeEstimateRangeGB":[…]}}`.
    fn keep_metrics(&self, body: &mut Object<'_>, table: &Table) -> Result<(), Error> {
        let Some(text) = body.take_raw(METRICS) else { return Ok(()) };
        let metrics = self.metrics(&text, table)?;
        body.replace(METRICS, Node::Printed(metrics));
        Ok(())
    }

    /// `{"ItemCollectionMetrics":{TABLE:[…]}}`.
    fn keep_metrics_of_tables<'e>(&self, body: &mut Object<'_>, of: impl Fn(&str) -> Metrics<'e>) -> Result<(), Error> {
        let Some(text) = body.take_raw(METRICS) else { return Ok(()) };
        let mut tables = self.object(&text)?;
        tables.retain(|name| !matches!(of(name), Metrics::Dropped));
        for (name, node) in tables.entries_mut() {
            if let (Metrics::Of(table), Node::Raw(text)) = (of(name), &*node) {
                let all = self.array(text)?.into_iter().map(|text| self.metrics(text, table).map(Node::Printed));
                *node = Node::Array(all.collect::<Result<_, _>>()?);
            }
        }
        let tables = tables.print(&[], text.len());
        body.replace(METRICS, Node::Printed(tables));
        Ok(())
    }

    fn metrics(&self, text: &str, table: &Table) -> Result<Vec<u8>, Error> {
        let mut metrics = self.object(text)?;
        metrics.retain(|name| ["ItemCollectionKey", "SizeEstimateRangeGB"].contains(&name));
        let range = keep_form(&mut metrics, "SizeEstimateRangeGB", Form::List(&Form::Number));
        range.map_err(|error| self.bad(error))?;
        self.keep_key(&mut metrics, "ItemCollectionKey", |name| name == table.schema().partition_key())?;
        Ok(metrics.print(&[], text.len()))
    }
}

/// Keeps of an error what DynamoDB says in one. Items in it are for the caller of this to verify or to leave out.
pub(super) fn keep_of_error(body: &mut Object<'_>) -> Result<(), NotJson> {
    const MEMBERS: [&str; 6] = ["__type", "message", "Message", "Item", REASONS, "ThrottlingReasons"];
    body.retain(|name| MEMBERS.contains(&name));
    for name in ["message", "Message"] {
        if let Some(told) = body.text(name)?.and_then(|text| without_echo(&text)) {
            let mut text = Vec::new();
            json::write_text(&told, &mut text);
            body.replace(name, Node::Raw(String::from_utf8_lossy(&text).into_owned().into()));
        }
    }
    for name in ["__type", "message", "Message"] {
        keep_form(body, name, Form::Text)?;
    }
    keep_form(body, "ThrottlingReasons", Form::List(&THROTTLED))
}

/// A message without what DynamoDB repeats of the request, if it repeats a sealed item: the caller never saw that.
fn without_echo(message: &str) -> Option<String> {
    const SEALED: &str = "aws_dbe_";
    const VALUE: &str = "Value '";
    if !message.contains(SEALED) {
        return None;
    }
    let around = message.split_once(VALUE).and_then(|(before, rest)| Some((before, rest.rsplit_once("' at '")?.1)));
    match around {
        Some((before, after)) if !before.contains(SEALED) && !after.contains(SEALED) => {
            Some(format!("{before}{VALUE}{HIDDEN}' at '{after}"))
        }
        _ => None,
    }
}

fn keep_form(body: &mut Object<'_>, name: &str, form: Form) -> Result<(), NotJson> {
    if let Some(text) = body.take_raw(name) {
        let kept = kept(form, &text)?.print();
        body.replace(name, Node::Printed(kept));
    }
    Ok(())
}

/// Whose metrics a table's are.
enum Metrics<'e> {
    Of(&'e Table),
    /// Of a table without a configuration, which stay as they are.
    Other,
    Dropped,
}

impl<'e> Metrics<'e> {
    fn of(table: Option<&'e Table>) -> Self {
        table.map_or(Metrics::Other, Metrics::Of)
    }
}

/// What a success holds; `None` where it is of a table without a configuration.
fn members(operation: &str, reply: &Reply<'_, '_>) -> Option<&'static [&'static str]> {
    Some(match reply {
        Reply::One(_) => &["Item", "ConsumedCapacity"],
        Reply::Write { .. } => &["Attributes", "ConsumedCapacity", METRICS],
        Reply::Items(_) => &["Items", "Count", "ScannedCount", "LastEvaluatedKey", "ConsumedCapacity"],
        Reply::ByTable(_) => &["Responses", "UnprocessedKeys", "ConsumedCapacity"],
        Reply::Unprocessed(_) => &["UnprocessedItems", "ConsumedCapacity", METRICS],
        Reply::Responses(_) => &["Responses", "ConsumedCapacity"],
        Reply::Reasons(_) => &["ConsumedCapacity", METRICS],
        Reply::Stream(Stream { table: None, .. }) => return None,
        Reply::Stream(_) if operation == "GetShardIterator" => &["ShardIterator"],
        Reply::Stream(_) => &["Records", "NextShardIterator"],
    })
}

/// Whether an attribute can be part of the key that a page ends with. Which keys an index has only DynamoDB knows, but no
/// encrypted attribute is one.
fn leads_on(listing: &Listing<'_, '_>, name: &str) -> bool {
    let schema = listing.view.table.schema();
    let is_key = schema.keys().any(|key| key == name);
    is_key || listing.index.is_some() && is_readable(&listing.view, name)
}

fn is_readable(view: &View<'_, '_>, name: &str) -> bool {
    use dynaseal_item::Action::EncryptAndSign;
    !["aws_dbe_head", "aws_dbe_foot"].contains(&name) && view.table.schema().action(name) != Some(EncryptAndSign)
}

fn is_scalar(value: &Value<'_>) -> bool {
    matches!(value, Value::S(_) | Value::N(_) | Value::B(_))
}

/// What of a member has its form.
fn kept(form: Form, text: &str) -> Result<Node<'_>, NotJson> {
    const ODD: NotJson = NotJson("a member of it does not have the form that it should have");
    let starts = |ok: fn(char) -> bool| text.starts_with(ok);
    match form {
        _ if text == "null" => {}
        Form::Text if starts(|first| first == '"') => {}
        Form::Number if starts(|first| first == '-' || first.is_ascii_digit()) => {}
        Form::Text | Form::Number => return Err(ODD),
        Form::Either(form) if starts(|first| first == '[') => return kept(Form::List(form), text),
        Form::Either(form) => return kept(*form, text),
        Form::List(form) => return Ok(Node::Array(each(*form, array(text)?)?)),
        Form::Object(members) => {
            let mut object = Object::parse(text)?;
            object.retain(|name| members.iter().any(|(member, _)| *member == name));
            return object.each(|name, text| match members.iter().find(|(member, _)| *member == name) {
                Some((_, form)) => kept(*form, text),
                None => Err(ODD),
            });
        }
        Form::Map(form) => return Object::parse(text)?.each(|_, text| kept(*form, text)),
    }
    Ok(Node::Raw(text.into()))
}

fn each(form: Form, texts: Vec<&str>) -> Result<Vec<Node<'_>>, NotJson> {
    texts.into_iter().map(|text| kept(form, text)).collect()
}

pub(super) const REASONS: &str = "CancellationReasons";
const METRICS: &str = "ItemCollectionMetrics";
const THROTTLED: Form = Form::Object(&[("reason", Form::Text), ("resource", Form::Text)]);
const UNITS: Form = Form::Object(&[
    ("CapacityUnits", Form::Number),
    ("ReadCapacityUnits", Form::Number),
    ("WriteCapacityUnits", Form::Number),
]);
const CAPACITY: Form = Form::Either(&Form::Object(&[
    ("TableName", Form::Text),
    ("CapacityUnits", Form::Number),
    ("ReadCapacityUnits", Form::Number),
    ("WriteCapacityUnits", Form::Number),
    ("Table", UNITS),
    ("LocalSecondaryIndexes", Form::Map(&UNITS)),
    ("GlobalSecondaryIndexes", Form::Map(&UNITS)),
]));
