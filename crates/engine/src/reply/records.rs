//! Stream records: the images of each are opened where they lie, and all else stays as it came. The same for an answer of
//! GetRecords and for the text of a Lambda event.

use dynaseal_item::{Suite, json};
use dynaseal_keys::{BoxFuture, Io};

use crate::crew::{Crew, Work, cost_of};
use crate::doc::{Node, NotJson, Object, array};
use crate::error::Error;
use crate::learn::Tables;
use crate::plan::Stream;
use crate::table::{Failure, Table};

use super::Opener;
use super::asked::identity;

/// Tells whose a record is; `None` for a table without a configuration.
type Owner<'o, 'e> = &'o (dyn Fn(&Object<'_>) -> Result<Option<&'e Table>, NotJson> + Send + Sync);

/// Opens the images in a text of records; `table` is the one that they are of, if it was named.
pub(crate) async fn open_records(
    tables: &Tables<'_>,
    table: Option<&str>,
    text: &str,
    io: Io<'_>,
    crew: Crew,
) -> Result<Vec<u8>, Error> {
    let opener = Opener { operation: OPEN, io, crew };
    let unknown = || Error::Records { reason: "the table that was named has no configuration".to_owned() };
    let given = table.map(|name| tables.table(name).ok_or_else(unknown)).transpose()?;
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

fn is_table_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    (3..=255).contains(&name.len()) && name.bytes().all(is_allowed)
}

const NO_ARN: NotJson =
    NotJson("a record's eventSourceARN is not arn:…:table/NAME/stream/LABEL, so it does not say which table it is of");
const NO_NAME: NotJson = NotJson("a record's tableName is not the name of a table");
const OTHER_CASE: NotJson =
    NotJson("a record names a table that differs from a protected one in capital letters alone");

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
        let texts = self.array(&text)?;
        let mut records = Vec::with_capacity(texts.len());
        let take = |_, record| {
            records.push(Node::Printed(record));
            Ok(())
        };
        self.crew.each(self.io, &Records { opener: self, texts: &texts, owner }, take).await?;
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
        // A text of the caller's may have members of the caller's own.
        if self.operation != OPEN {
            record.retain(|name| RECORD.contains(&name));
        }
        let mut change = self.object(&text)?;
        change.retain(|name| CHANGE.contains(&name));
        let schema = table.schema();
        self.keep_key(&mut change, KEYS, |name| schema.keys().any(|key| key == name))?;
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
        self.texts.iter().map(|text| cost_of(Suite::EcdsaP384, text.len())).sum()
    }

    fn one<'s>(&'s self, number: usize, text: &'r &'r str, io: Io<'s>) -> BoxFuture<'s, Result<Vec<u8>, Error>>
    where
        'r: 's,
    {
        Box::pin(async move {
            let opener = self.opener.with(io);
            let mut record = opener.object(text)?;
            opener.record(&mut record, self.owner, Some(number)).await?;
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
const OPEN: &str = "open";
const RECORDS: &str = "Records";
const DYNAMODB: &str = "dynamodb";
const KEYS: &str = "Keys";
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
