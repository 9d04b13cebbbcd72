//! Stream records: the images of each are opened where they lie, and all else stays as it came. The same for an answer of
//! GetRecords and for the records in a text (`texts.rs`).

use dynaseal_item::{Suite, json};
use dynaseal_keys::{BoxFuture, Io};

use crate::cost::to_open;
use crate::crew::Work;
use crate::doc::{Node, NotJson, Object};
use crate::error::Error;
use crate::plan::Stream;
use crate::table::{Failure, Table};

use super::Opener;
use super::asked::identity;

/// Tells whose a record is; `None` for a table without a configuration.
pub(super) type Owner<'o, 'e> = &'o (dyn Fn(&Object<'_>) -> Result<Option<&'e Table>, NotJson> + Send + Sync);

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
        let records = self.each(&self.array(&text)?, owner).await?;
        body.replace(RECORDS, Node::Array(records));
        Ok(())
    }

    /// Opens each of several records.
    pub(super) async fn each<'r>(&self, texts: &[&str], owner: Owner<'_, '_>) -> Result<Vec<Node<'r>>, Error> {
        let mut records = Vec::with_capacity(texts.len());
        let take = |_, record| {
            records.push(Node::Printed(record));
            Ok(())
        };
        self.crew.each(self.io, &Records { opener: self, texts, owner }, take).await?;
        Ok(records)
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
        // A text of the caller's may have members of the caller's own.
        if self.operation != OPEN {
            record.retain(|name| RECORD.contains(&name));
        }
        let mut change = self.object(&text)?;
        change.retain(|name| CHANGE.contains(&name));
        self.change(&mut change, table, number).await?;
        record.replace(DYNAMODB, Node::Printed(change.print(&[], text.len())));
        Ok(())
    }

    /// `{"Keys":…,"NewImage":…}`.
    pub(super) async fn change(
        &self,
        change: &mut Object<'_>,
        table: &Table,
        number: Option<usize>,
    ) -> Result<(), Error> {
        let schema = table.schema();
        self.keep_key(change, KEYS, |name| schema.keys().any(|key| key == name))?;
        // Both images are of the item that the keys name.
        let mut of = change.raw(KEYS).map(|keys| self.stored(keys).map(|keys| identity(&keys, schema))).transpose()?;
        for image in ["NewImage", "OldImage"] {
            // What the stream's view type leaves out is not there.
            let Some(text) = change.take_raw(image) else { continue };
            let mut stored = self.stored(&text)?;
            let opened = table.open(self.io, &mut stored).await.and_then(|opened| {
                let this = identity(&opened, schema);
                let is_of = this.is_some() && of.as_ref().is_none_or(|of| *of == this);
                of = Some(this);
                if is_of { Ok(opened) } else { Err(OTHER_KEYS) }
            });
            let opened = opened.map_err(|source| {
                let (place, source) = (place(number, change, image, table), Box::new(source));
                Error::Record { operation: self.operation.to_owned(), table: table.name().to_owned(), place, source }
            })?;
            let mut out = Vec::with_capacity(text.len());
            json::write_item(&opened, &mut out);
            change.replace(image, Node::Printed(out));
        }
        Ok(())
    }
}

/// Records, each with its images opened, printed.
struct Records<'r, 'e> {
    opener: &'r Opener<'r>,
    texts: &'r [&'r str],
    owner: Owner<'r, 'e>,
}

impl<'r> Work<'r> for Records<'r, '_> {
    type Job = &'r str;
    type Out = Vec<u8>;

    fn jobs(&self) -> &'r [&'r str] {
        self.texts
    }

    /// Whose they are is not looked up for it: that most are signed is a guess on the safe side.
    fn cost(&self) -> usize {
        self.texts.iter().map(|text| to_open(Suite::EcdsaP384, text.len())).sum()
    }

    fn one<'s>(&'s self, number: usize, text: &'r &'r str, io: Io<'s>) -> BoxFuture<'s, Result<Vec<u8>, Error>>
    where
        'r: 's,
    {
        Box::pin(async move {
            let opener = self.opener.with(io);
            let mut record = opener.object(text)?;
            if opener.operation == OPEN {
                opener.open_entry(&mut record, self.owner, Some(number)).await?;
            } else {
                opener.record(&mut record, self.owner, Some(number)).await?;
            }
            Ok(record.print(&[], text.len()))
        })
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

const OTHER_KEYS: Failure = Failure::NotAsked("the image is of another item than the record's Keys or its other image");
/// The operation that is no call.
pub(super) const OPEN: &str = "open";
pub(super) const RECORDS: &str = "Records";
pub(super) const DYNAMODB: &str = "dynamodb";
pub(super) const KEYS: &str = "Keys";
/// What a record of GetRecords may have.
const RECORD: [&str; 7] =
    ["eventID", "eventName", "eventVersion", "eventSource", "awsRegion", DYNAMODB, "userIdentity"];
/// What is said of a change.
const CHANGE: [&str; 8] = [
    "ApproximateCreationDateTime",
    "ApproximateCreationDateTimePrecision",
    KEYS,
    "NewImage",
    "OldImage",
    "SequenceNumber",
    "SizeBytes",
    "StreamViewType",
];
