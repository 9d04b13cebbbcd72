//! One item by itself: for stream handlers, exports and queues.

use std::sync::Arc;

use dynaseal_engine::{Answer, BoxFuture, Engine, Error, Failure, Io, Table, Wire};
use dynaseal_item::json;

use crate::clock::SteppedClock;

/// Which of the two.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Direction {
    Seal,
    Open,
}

/// Work for a session: the item's DynamoDB JSON comes back as an answer's body.
pub(crate) fn work(
    engine: Arc<Engine>,
    direction: Direction,
    table: String,
    text: String,
) -> impl FnOnce(Arc<dyn Wire>) -> BoxFuture<'static, Result<Answer, Error>> {
    move |wire| {
        Box::pin(async move {
            let io = Io { wire: wire.as_ref(), clock: &SteppedClock };
            let operation = match direction {
                Direction::Seal => "sealItem",
                Direction::Open => "openItem",
            };
            let Some(table) = engine.table(&table) else {
                return Err(Error::Refused {
                    operation: operation.to_owned(),
                    table,
                    what: "the configuration has no such table".to_owned(),
                    instead: "add it to the configuration's tables, or correct the name",
                });
            };
            let done = match direction {
                Direction::Seal => seal(table, &text, io).await,
                Direction::Open => open(table, &text, io).await,
            };
            let body = done.map_err(|failure| Error::of_item(operation, table, None, failure))?;
            Ok(Answer { status: 200, request_id: None, body })
        })
    }
}

async fn seal(table: &Table, text: &str, io: Io<'_>) -> Result<Vec<u8>, Failure> {
    let sealed = table.seal(io, json::read_item(text)?).await?;
    Ok(printed(&sealed))
}

async fn open(table: &Table, text: &str, io: Io<'_>) -> Result<Vec<u8>, Failure> {
    let mut item = json::read_item(text)?;
    let opened = table.open(io, &mut item).await?;
    Ok(printed(&opened))
}

fn printed(item: &dynaseal_item::Item<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    json::write_item(item, &mut out);
    out
}
