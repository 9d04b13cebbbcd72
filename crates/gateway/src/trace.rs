//! The log: operation, tables, status, sizes, time and error code. Never a body, a header's value or a key, at any level.

use std::io;
use std::panic::PanicHookInfo;
use std::time::Duration;

use dynaseal_http::{Outcome, Reply};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::error::Error;
use crate::operation::Label;

/// Starts the process's log on standard error, and makes panics name their place only: their text can quote data.
///
/// Libraries underneath (HTTP, AWS, the embedded engine) do log bodies and headers at their lower levels, so only
/// Dynaseal's own crates are heard, whatever the level.
pub fn start(level: Level) -> Result<(), Error> {
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false);
    tracing_subscriber::registry()
        .with(Targets::new().with_target(OURS, level))
        .with(lines)
        .try_init()
        .map_err(|error| Error::Process { what: "the log", source: io::Error::other(error) })?;
    std::panic::set_hook(Box::new(panicked));
    Ok(())
}

/// What one request's line says, gathered on its way.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) label: Label,
    pub(crate) tables: String,
    pub(crate) received: usize,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self { label: Label::OTHER, tables: String::new(), received: 0 }
    }

    /// Notes a body's size, and its tables if a line may be written that names them.
    pub(crate) fn body(&mut self, body: &[u8]) {
        self.received = body.len();
        if tracing::enabled!(Level::DEBUG) {
            self.tables = tables(body);
        }
    }
}

/// Writes one request's line: verification failures as errors, our other refusals as warnings, the rest for debugging.
pub(crate) fn request(record: &Record, reply: &Reply, took: Duration) {
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                operation = record.label.name(),
                tables = record.tables,
                status = reply.status.as_u16(),
                code = reply.code,
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
        Outcome::Failed | Outcome::Refused => line!(warn),
        Outcome::Ok | Outcome::UpstreamError => line!(debug),
    }
}

fn panicked(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string);
    tracing::error!(place, "panic");
}

/// The tables at a body's top level, at most a few, and only if they can be names of tables.
fn tables(body: &[u8]) -> String {
    let Ok(Named { table, items }) = serde_json::from_slice(body) else { return String::new() };
    let names = table.into_iter().chain(items.unwrap_or_default().0);
    let names: Vec<_> = names.filter(|name| is_table_name(name)).take(TABLES_MAX).collect();
    names.join(",")
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "TableName")]
    table: Option<String>,
    #[serde(rename = "RequestItems")]
    items: Option<Keys>,
}

/// A map's keys.
#[derive(Default)]
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeysVisitor;
        impl<'de> Visitor<'de> for KeysVisitor {
            type Value = Keys;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(KeysVisitor)
    }
}

fn is_table_name(name: &str) -> bool {
    (3..=255).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
}

/// What the targets of Dynaseal's crates begin with.
const OURS: &str = "dynaseal";
const TABLES_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_named_and_nothing_else_is() {
        assert_eq!(tables(br#"{"Item":{"TableName":{"S":"canary"}},"TableName":"Users"}"#), "Users");
        assert_eq!(tables(br#"{"RequestItems":{"Users":{"Keys":[]},"Orders":{}}}"#), "Users,Orders");
        for body in [
            &br#"{"TableName":"not a name: canary"}"#[..],
            br#"{"TableName":7}"#,
            br#"{"TransactItems":[{"Put":{"Item":{"x":{"S":"canary"}}}}]}"#,
            b"canary",
            b"",
        ] {
            assert_eq!(tables(body), "");
        }
    }
}
