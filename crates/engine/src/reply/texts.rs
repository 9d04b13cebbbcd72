//! Texts of stream records, as people and other services save them: the records in them are opened, and all else stays.
//!
//! ```text
//!  {"Records": [record, …]}              a Lambda event, an answer of GetRecords; "records" of Firehose
//!  [record, …]                           what EventBridge Pipes hands over
//!  {"dynamodb": {"Keys": …, …}, …}       one record
//!  {"kinesis": {"data": base64}, …}      one that a Kinesis stream carries; "data" or "Data" without "kinesis", too
//!  {"Metadata": …, "Keys": …, …}         a line of an incremental export: what "dynamodb" of a record holds
//! ```

use dynaseal_item::json;
use dynaseal_keys::Io;

use super::Opener;
use super::records::{DYNAMODB, KEYS, OPEN, Owner, RECORDS};
use crate::config::is_table_name;
use crate::crew::Crew;
use crate::doc::{Node, NotJson, Object, array};
use crate::error::Error;
use crate::learn::Tables;
use crate::table::Table;

/// Opens the images in a text of records; `table` is the one that they are of, if it was named.
pub(crate) async fn open_records(
    tables: &Tables<'_>,
    table: Option<&str>,
    text: &str,
    io: Io<'_>,
    crew: &Crew,
) -> Result<Vec<u8>, Error> {
    let opener = Opener { operation: OPEN, io, crew };
    let given = table.map(|name| tables.table(name).ok_or_else(|| unknown(tables, name))).transpose()?;
    let owner = |record: &Object<'_>| match given {
        Some(table) => Ok(Some(table)),
        None => named_table(record, tables),
    };
    match opener.text(text, &owner).await {
        // It was the caller's text, not an upstream's.
        Err(Error::Answer { reason, .. }) => Err(Error::Records { reason }),
        opened => opened,
    }
}

fn unknown(tables: &Tables<'_>, name: &str) -> Error {
    let near = tables.directory().suggestion(name);
    Error::Records { reason: format!("the table that was named has no configuration{near}") }
}

/// What a text, or an entry of a list, is.
enum Form {
    /// An object with a list under this name.
    List(&'static str),
    Record,
    /// A record of DynamoDB as base64: in this object, if it is in one, under this name.
    Carried(Option<&'static str>, &'static str),
    /// A line of an incremental export.
    Change,
}

impl Form {
    /// No value of an attribute has the form of any of these, so no item is taken for one.
    fn of(body: &Object<'_>) -> Option<Self> {
        let object = |name| body.raw(name).and_then(|text| Object::parse(text).ok());
        if let Some(list) = LISTS.into_iter().find(|name| body.raw(name).is_some_and(|text| array(text).is_ok())) {
            return Some(Self::List(list));
        }
        // Whatever the stream's view type, a record has keys.
        if let Some(change) = object(DYNAMODB) {
            return change.raw(KEYS).map(|_| Self::Record);
        }
        let has_text = |object: &Object<'_>, name: &str| object.text(name).is_ok_and(|text| text.is_some());
        if object(KINESIS).is_some_and(|kinesis| has_text(&kinesis, "data")) {
            return Some(Self::Carried(Some(KINESIS), "data"));
        }
        if let Some(data) = ["data", "Data"].into_iter().find(|name| has_text(body, name)) {
            return Some(Self::Carried(None, data));
        }
        (object(METADATA).is_some() && object(KEYS).is_some()).then_some(Self::Change)
    }
}

impl Opener<'_> {
    async fn text(&self, text: &str, owner: Owner<'_, '_>) -> Result<Vec<u8>, Error> {
        if let Ok(entries) = array(text) {
            // Where the first is none, nothing is taken for a list of records.
            let is_ours = |entry: &&str| Object::parse(entry).is_ok_and(|entry| Form::of(&entry).is_some());
            if !entries.first().is_some_and(is_ours) {
                return Err(Error::NotRecords);
            }
            return Ok(Node::Array(self.each(&entries, owner).await?).print());
        }
        let mut body = Object::parse(text).map_err(|_| Error::NotRecords)?;
        match Form::of(&body).ok_or(Error::NotRecords)? {
            Form::List(name) => {
                let list = body.take_raw(name).unwrap_or_default();
                let entries = self.each(&self.array(&list)?, owner).await?;
                body.replace(name, Node::Array(entries));
            }
            _ => self.open_entry(&mut body, owner, None).await?,
        }
        Ok(body.print(&[], text.len()))
    }

    /// An entry of a list, or the text itself.
    pub(super) async fn open_entry(
        &self,
        entry: &mut Object<'_>,
        owner: Owner<'_, '_>,
        number: Option<usize>,
    ) -> Result<(), Error> {
        match Form::of(entry) {
            Some(Form::Carried(outer, data)) => self.carried(entry, (outer, data), owner, number).await,
            Some(Form::Change) => match owner(entry).map_err(|error| self.bad(error))? {
                Some(table) => self.change(entry, table, number).await,
                None => Ok(()),
            },
            // What is none of these is told as a record that lacks something.
            Some(Form::Record | Form::List(_)) | None => self.record(entry, owner, number).await,
        }
    }

    async fn carried(
        &self,
        entry: &mut Object<'_>,
        (outer, data): (Option<&'static str>, &'static str),
        owner: Owner<'_, '_>,
        number: Option<usize>,
    ) -> Result<(), Error> {
        let Some(name) = outer else {
            let opened = self.decoded(entry, data, owner, number).await?;
            entry.replace(data, opened);
            return Ok(());
        };
        let text = entry.take_raw(name).unwrap_or_default();
        let mut holder = self.object(&text)?;
        let opened = self.decoded(&holder, data, owner, number).await?;
        holder.replace(data, opened);
        entry.replace(name, Node::Printed(holder.print(&[], text.len())));
        Ok(())
    }

    /// The record that base64 holds, opened, as base64.
    async fn decoded(
        &self,
        holder: &Object<'_>,
        data: &str,
        owner: Owner<'_, '_>,
        number: Option<usize>,
    ) -> Result<Node<'static>, Error> {
        let encoded = holder.text(data).map_err(|error| self.bad(error))?.unwrap_or_default();
        let bytes = base64_simd::STANDARD.decode_to_vec(encoded.as_bytes()).map_err(|_| self.bad(NO_RECORD))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| self.bad(NO_RECORD))?;
        let mut record = Object::parse(text).map_err(|_| self.bad(NO_RECORD))?;
        if !matches!(Form::of(&record), Some(Form::Record)) {
            return Err(self.bad(NO_RECORD));
        }
        self.record(&mut record, owner, number).await?;
        let mut printed = Vec::new();
        json::write_text(&base64_simd::STANDARD.encode_to_string(record.print(&[], text.len())), &mut printed);
        Ok(Node::Printed(printed))
    }
}

/// Lambda names the stream that a record is from, Kinesis Data Streams its table. A record whose table cannot be told must
/// not pass for one of a table without a configuration, or its images would be believed as they are.
fn named_table<'t>(record: &Object<'_>, tables: &'t Tables<'_>) -> Result<Option<&'t Table>, NotJson> {
    let (arn, name) = (record.text("eventSourceARN")?, record.text("tableName")?);
    let of_arn = arn.as_deref().map(|arn| table_of_arn(arn).ok_or(NO_ARN)).transpose()?;
    let of_name = name.as_deref().map(|name| is_table_name(name).then_some(name).ok_or(NO_NAME)).transpose()?;
    let name = match (of_arn, of_name) {
        (Some(one), Some(two)) if one != two => return Err(NotJson("a record says that it is of two tables")),
        (Some(name), _) | (None, Some(name)) => name,
        (None, None) => return Err(NotJson("a record does not say which table it is of, and none was named")),
    };
    match tables.table(name) {
        None if tables.directory().in_other_case(name).is_some() => Err(OTHER_CASE),
        found => Ok(found),
    }
}

/// The table's name in `arn:PARTITION:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL`, with or without the stream.
fn table_of_arn(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let [scheme, partition, service, region, _, resource] = std::array::from_fn(|_| parts.next().unwrap_or_default());
    let is_ours = scheme == "arn" && service == "dynamodb" && !partition.is_empty() && !region.is_empty();
    let rest = resource.strip_prefix("table/").filter(|_| is_ours)?;
    let (name, stream) = rest.split_once('/').unwrap_or((rest, "stream/x"));
    let has_label = stream.strip_prefix("stream/").is_some_and(|label| !label.is_empty() && !label.contains('/'));
    (has_label && is_table_name(name)).then_some(name)
}

const NO_ARN: NotJson =
    NotJson("a record's eventSourceARN is not arn:…:table/NAME/stream/LABEL, so it does not say which table it is of");
const NO_NAME: NotJson = NotJson("a record's tableName is not the name of a table");
const OTHER_CASE: NotJson =
    NotJson("a record names a table that differs from a protected one in capital letters alone");
const NO_RECORD: NotJson =
    NotJson("the data of a Kinesis record is not a record of DynamoDB, in JSON and encoded as base64 once");
const LISTS: [&str; 2] = [RECORDS, "records"];
const KINESIS: &str = "kinesis";
const METADATA: &str = "Metadata";
