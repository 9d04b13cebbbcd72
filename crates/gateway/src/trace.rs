//! The log: operation, tables, status, sizes, time and error code. Never a body, a header's value or a key, at any level.

use std::borrow::Cow;
use std::io;
use std::panic::PanicHookInfo;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use dynaseal_engine::{WireError, is_table_name};
use dynaseal_http::{Outcome, Reply};
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::backlog::Log;
use crate::error::Error;
use crate::operation::Label;

/// Starts the process's log on standard error, which no call waits for, and makes panics name their place only: their text can quote data.
///
/// Libraries underneath (HTTP, AWS, the embedded engine) do log bodies and headers at their lower levels, so only
/// Dynaseal's own crates are heard, whatever the level.
pub fn start(level: Level) -> Result<Log, Error> {
    let failed = |source| Error::Process { what: "the log", source };
    let (log, backlog) = Log::start().map_err(failed)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(backlog).with_ansi(false);
    tracing_subscriber::registry()
        .with(Targets::new().with_target(OURS, level))
        .with(lines)
        .try_init()
        .map_err(|error| failed(io::Error::other(error)))?;
    std::panic::set_hook(Box::new(panicked));
    Ok(log)
}

/// What one request's line says, gathered on its way.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) label: Label,
    tables: Tables,
    /// Why no answer came; out of a closed list.
    reason: Option<WireError>,
    pub(crate) received: usize,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self { label: Label::OTHER, tables: Tables::default(), reason: None, received: 0 }
    }

    /// Notes a body's size and its tables, which the line of a refused request names: the body is gone by then.
    pub(crate) fn body(&mut self, body: &[u8]) {
        self.received = body.len();
        self.tables = tables(body);
    }

    /// Notes the table that a failure names, of which the body may only speak in a statement. What a malformed request
    /// has for a table's name can be anything.
    pub(crate) fn failed(&mut self, error: &dynaseal_engine::Error) {
        if let dynaseal_engine::Error::Request { .. } = error {
            self.tables = Tables::default();
        }
        if let Some(table) = error.table() {
            self.tables.note(table);
        }
        self.reason = cause(error);
    }
}

/// What kept an answer from coming, however deep in an error it stands.
fn cause(error: &dynaseal_engine::Error) -> Option<WireError> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(cause) = error.downcast_ref() {
            return Some(*cause);
        }
        next = error.source();
    }
    None
}

/// How many lines were written lately: in an outage of the upstream its log is not to fill the disk.
#[derive(Debug, Default)]
pub(crate) struct Sparing(Mutex<Written>);

#[derive(Debug, Default)]
struct Written {
    since: Option<Instant>,
    lines: u32,
    left_out: u64,
}

impl Sparing {
    /// Whether a line may be written, and then how many were left out since the last one.
    fn may_write(&self, now: Instant) -> Option<u64> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if written.since.is_none_or(|since| now.duration_since(since) >= WINDOW) {
            *written = Written { since: Some(now), lines: 0, left_out: written.left_out };
        }
        if written.lines == LINES {
            written.left_out = written.left_out.saturating_add(1);
            return None;
        }
        written.lines += 1;
        Some(std::mem::take(&mut written.left_out))
    }
}

/// Writes one request's line: verification failures as errors; our other refusals and faults of the upstream, of which not all
/// in an outage, as warnings; the rest for debugging.
pub(crate) fn request(record: &Record, reply: &Reply, took: Duration, sparing: &Sparing) {
    let reason = record.reason.map(|reason| reason.to_string());
    let help = matches!(record.reason, Some(WireError::Tls(_))).then_some(WireError::TLS_HINT);
    let is_fault = reply.code.is_none() && reply.status.is_server_error();
    let may_write = if is_fault { sparing.may_write(Instant::now()) } else { None };
    let unlogged = may_write.filter(|left_out| *left_out > 0);
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                operation = record.label.name(),
                tables = record.tables.0.join(","),
                status = reply.status.as_u16(),
                code = reply.code,
                reason,
                help,
                unlogged,
                received = record.received,
                sent = reply.body.len(),
                microseconds = took.as_micros(),
                request_id = reply.request_id,
                "request"
            )
        };
    }
    match reply.outcome {
        Outcome::Tampered => line!(error),
        Outcome::Failed | Outcome::NoAnswer | Outcome::Refused => line!(warn),
        _ if may_write.is_some() => line!(warn),
        Outcome::Ok | Outcome::UpstreamError | Outcome::UpstreamThrottled | Outcome::UpstreamFault => line!(debug),
    }
}

fn panicked(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string);
    tracing::error!(place, "panic");
}

/// The tables that a body names where a request names tables, at most a few. Most requests name theirs at once, and no
/// more of them is read.
fn tables(body: &[u8]) -> Tables {
    let mut tables = Tables::default();
    let walk = Walk { tables: &mut tables, place: Place::Top };
    // It ends early on purpose, and what is no JSON names what it named until then.
    let _ = walk.deserialize(&mut serde_json::Deserializer::from_slice(body));
    tables
}

/// Names that can be a table's, each once.
#[derive(Debug, Default)]
struct Tables(Vec<String>);

impl Tables {
    /// Takes a name, or the one in an ARN; nothing else that a caller may have written there.
    fn note(&mut self, name_or_arn: &str) {
        let name =
            name_or_arn.split_once(":table/").map_or(name_or_arn, |(_, rest)| rest.split('/').next().unwrap_or(rest));
        if is_table_name(name) && self.0.len() < TABLES_MAX && !self.0.iter().any(|other| other == name) {
            self.0.push(name.to_owned());
        }
    }

    fn is_full(&self) -> bool {
        self.0.len() == TABLES_MAX
    }
}

/// Goes through a request without keeping it.
struct Walk<'w> {
    tables: &'w mut Tables,
    place: Place,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Top,
    /// Its members are named after tables.
    Batch,
    /// A list of actions.
    Actions,
    /// One of them: an object under its kind.
    Action,
    /// What stands under the kind.
    Part,
    /// Names a table.
    Name,
    Other,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.place {
            Place::Other => deserializer.deserialize_ignored_any(IgnoredAny).map(|_| ()),
            _ => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a request")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if self.place == Place::Name {
            self.tables.note(text);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(member) = map.next_key::<Cow<'_, str>>()? {
            if self.place == Place::Batch {
                self.tables.note(&member);
            }
            let place = match (self.place, &*member) {
                (Place::Top | Place::Part, "TableName") => Place::Name,
                (Place::Top, "RequestItems") => Place::Batch,
                (Place::Top, "TransactItems") => Place::Actions,
                (Place::Action, _) => Place::Part,
                _ => Place::Other,
            };
            map.next_value_seed(Walk { tables: self.tables, place })?;
            if self.tables.is_full() || (place == Place::Name && self.place == Place::Top) {
                return Err(de::Error::custom("enough"));
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        let place = if self.place == Place::Actions { Place::Action } else { Place::Other };
        while all.next_element_seed(Walk { tables: self.tables, place })?.is_some() {}
        Ok(())
    }
}

/// What the targets of Dynaseal's crates begin with.
const OURS: &str = "dynaseal";
const TABLES_MAX: usize = 8;
/// In so long a time so many lines on the upstream's faults are written.
const WINDOW: Duration = Duration::from_secs(10);
const LINES: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_an_outage_few_lines_stand_for_many() {
        let (sparing, start) = (Sparing::default(), Instant::now());
        let written = |after: u64, times: usize| {
            let now = start + Duration::from_secs(after);
            (0..times).filter_map(|_| sparing.may_write(now)).collect::<Vec<_>>()
        };
        assert_eq!(written(0, 5000), [0; 10]);
        assert!(written(9, 10).is_empty());
        assert_eq!(written(10, 2), [5000, 0]);
        assert_eq!(written(21, 1), [0]);
    }

    fn named(body: &str) -> String {
        tables(body.as_bytes()).0.join(",")
    }

    #[test]
    fn tables_are_named_and_nothing_else_is() {
        assert_eq!(named(r#"{"Item":{"TableName":{"S":"canary"}},"TableName":"Users"}"#), "Users");
        assert_eq!(named(r#"{"RequestItems":{"Users":{"Keys":[]},"Orders":{}}}"#), "Users,Orders");
        let transaction = r#"{"TransactItems":[{"Put":{"Item":{"TableName":{"S":"canary"}},"TableName":"Users"}},
            {"Delete":{"TableName":"Orders"}},{"Update":{"TableName":"Users"}}]}"#;
        assert_eq!(named(transaction), "Users,Orders");
        let arn = "arn:aws:dynamodb:eu-west-1:111122223333:table/Users";
        assert_eq!(named(&format!(r#"{{"TableName":"{arn}/index/x"}}"#)), "Users");
        assert_eq!(named(&format!(r#"{{"RequestItems":{{"{arn}":[],"Users":[]}}}}"#)), "Users");
        let many = (0..100).map(|n| format!("\"Table{n}\":[]")).collect::<Vec<_>>().join(",");
        assert_eq!(tables(format!("{{\"RequestItems\":{{{many}}}}}").as_bytes()).0.len(), TABLES_MAX);
        for body in [
            r#"{"TableName":"not a name: canary"}"#,
            r#"{"TableName":"Users\u202eyranac"}"#,
            r#"{"TableName":"Users\u001b[31m"}"#,
            r#"{"TableName":7}"#,
            r#"{"TransactItems":[{"Put":{"Item":{"x":{"S":"canary"}}}}]}"#,
            r#"{"Statement":"SELECT * FROM Users"}"#,
            "canary",
            "",
        ] {
            assert_eq!(named(body), "");
        }
    }
}
