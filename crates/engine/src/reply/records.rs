//! Stream records: the images of each are opened where they lie, and all else stays as it came. The same for an answer of
//! GetRecords and for the text of a Lambda event.

use dynaseal_item::json;
use dynaseal_keys::Io;

use crate::doc::{Node, NotJson, Object, array};
use crate::error::Error;
use crate::plan::Stream;
use crate::table::Table;

use super::Opener;

/// Tells whose a record is; `None` for a table without a configuration.
type Owner<'o, 'e> = &'o (dyn Fn(&Object<'_>) -> Result<Option<&'e Table>, NotJson> + Send + Sync);

/// The configuration of a table, by its name or ARN.
type Tables<'o, 'e> = &'o (dyn Fn(&str) -> Option<&'e Table> + Send + Sync);

/// Opens the images in a text of records; `table` is the one that they are of, if it was named.
pub(crate) async fn open_records(
    tables: Tables<'_, '_>,
    table: Option<&str>,
    text: &str,
    io: Io<'_>,
) -> Result<Vec<u8>, Error> {
    let opener = Opener { operation: "open", io };
    let unknown = || Error::Records { reason: "the table that was named has no configuration".to_owned() };
    let given = table.map(|name| tables(name).ok_or_else(unknown)).transpose()?;
    let owner = |record: &Object<'_>| match given {
        Some(table) => Ok(Some(table)),
        None => named_table(record, tables),
    };
    let mut body = Object::parse(text).map_err(|_| Error::NotRecords)?;
    let opened = match (body.raw(RECORDS), body.raw(DYNAMODB)) {
        (Some(list), _) if array(list).is_ok() => opener.records(&mut body, &owner).await,
        // Whatever the stream's view type, a record has keys. No value of an attribute has such a member.
        (_, Some(change)) if Object::parse(change).is_ok_and(|change| change.raw("Keys").is_some()) => {
            opener.record(&mut body, &owner, None).await
        }
        _ => Err(Error::NotRecords),
    };
    match opened {
        Ok(()) => Ok(body.print(&[], text.len())),
        // It was the caller's text, not an upstream's.
        Err(Error::Answer { reason, .. }) => Err(Error::Records { reason }),
        Err(error) => Err(error),
    }
}

/// Lambda names the stream that a record is from, Kinesis Data Streams its table.
fn named_table<'e>(record: &Object<'_>, tables: Tables<'_, 'e>) -> Result<Option<&'e Table>, NotJson> {
    for member in ["eventSourceARN", "tableName"] {
        if let Some(name) = record.text(member)? {
            return Ok(tables(&name));
        }
    }
    Err(NotJson("a record does not say which table it is of, and none was named"))
}

impl Opener<'_> {
    /// What GetShardIterator or GetRecords answered.
    pub(super) async fn stream(&self, body: &mut Object<'_>, stream: &Stream<'_>) -> Result<(), Error> {
        for member in ["ShardIterator", "NextShardIterator"] {
            // The last one of a closed shard is null.
            if let Some(upstream) = body.text(member).map_err(|error| self.bad(error))? {
                let mut wrapped = Vec::new();
                json::write_text(&stream.wrap(&upstream), &mut wrapped);
                body.replace(member, Node::Printed(wrapped));
            }
        }
        match stream.table {
            Some(table) => self.records(body, &|_| Ok(Some(table))).await,
            None => Ok(()),
        }
    }

    /// `{"Records":[…]}`.
    pub(super) async fn records(&self, body: &mut Object<'_>, owner: Owner<'_, '_>) -> Result<(), Error> {
        let Some(text) = body.take_raw(RECORDS) else { return Ok(()) };
        let mut records = Vec::new();
        for (number, text) in self.array(&text)?.into_iter().enumerate() {
            let mut record = self.object(text)?;
            self.record(&mut record, owner, Some(number)).await?;
            records.push(Node::Printed(record.print(&[], text.len())));
        }
        body.replace(RECORDS, Node::Array(records));
        Ok(())
    }

    /// `{"eventName":…,"dynamodb":{"Keys":…,"NewImage":…}}`.
    pub(super) async fn record(
        &self,
        record: &mut Object<'_>,
        owner: Owner<'_, '_>,
        number: Option<usize>,
    ) -> Result<(), Error> {
        let missing = || self.bad(NotJson("a record has no \"dynamodb\""));
        record.raw(DYNAMODB).ok_or_else(missing)?;
        let Some(table) = owner(record).map_err(|error| self.bad(error))? else { return Ok(()) };
        let text = record.take_raw(DYNAMODB).ok_or_else(missing)?;
        let mut change = self.object(&text)?;
        for image in ["NewImage", "OldImage"] {
            // What the stream's view type leaves out is not there.
            let Some(text) = change.take_raw(image) else { continue };
            let mut stored = self.stored(&text)?;
            let opened = table.open(self.io, &mut stored).await.map_err(|source| {
                let (place, source) = (place(number, &change, image, table), Box::new(source));
                Error::Record { operation: self.operation.to_owned(), table: table.name().to_owned(), place, source }
            })?;
            let mut out = Vec::with_capacity(text.len());
            json::write_item(&opened, &mut out);
            change.replace(image, Node::Printed(out));
        }
        record.replace(DYNAMODB, Node::Printed(change.print(&[], text.len())));
        Ok(())
    }
}

/// Where an image lies, ready to print: a consumer that must go on behind it needs the sequence number.
fn place(number: Option<usize>, change: &Object<'_>, image: &str, table: &Table) -> String {
    let number = number.map(|number| format!(" {}", number + 1)).unwrap_or_default();
    let sequence = change.text("SequenceNumber").ok().flatten();
    // It goes into an error, so it must be what DynamoDB makes and nothing else.
    let sequence =
        sequence.filter(|text| (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()));
    let sequence = sequence.map(|text| format!(", SequenceNumber {text}")).unwrap_or_default();
    let keys = table.schema().keys().collect::<Vec<_>>().join(", ");
    format!("record{number}{sequence}, {image} (key {keys})")
}

const RECORDS: &str = "Records";
const DYNAMODB: &str = "dynamodb";
