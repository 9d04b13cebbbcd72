//! What is sealed and opened apart from any call: single items, stream records and Lambda events.

use std::sync::Arc;

use dynaseal_engine::{BoxFuture, Engine, Error, Wire};

/// Work for a session; what it makes comes back as an answer's body.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// One item of a table, as DynamoDB JSON.
    Seal { table: String, item: String },
    /// The same, back.
    Open { table: String, item: String },
    /// A text of stream records, of one table or of those that they name.
    OpenRecords { table: Option<String>, text: String },
}

impl Work {
    pub(crate) fn on(
        self,
        engine: Arc<Engine>,
    ) -> impl FnOnce(Arc<dyn Wire>) -> BoxFuture<'static, Result<Vec<u8>, Error>> {
        move |wire| {
            Box::pin(async move {
                match self {
                    Work::Seal { table, item } => engine.seal_item(wire.as_ref(), &table, &item).await,
                    Work::Open { table, item } => engine.open_item(wire.as_ref(), &table, &item).await,
                    Work::OpenRecords { table, text } => {
                        engine.open_records(wire.as_ref(), table.as_deref(), &text).await
                    }
                }
            })
        }
    }
}
