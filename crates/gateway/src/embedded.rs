//! The embedded upstream: a DynamoDB engine (dynoxide) in this process, in memory or in one file.

mod absent;
mod dispatch;
mod file;
mod malformed;

use std::borrow::Cow;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use dynaseal_engine::{Answer, BoxFuture, Call, Service, Wire, WireError, as_key_condition_expression, check_bounds};
use dynoxide::{Database, DynoxideError};

use crate::error::{DatabaseFault, Error};
use crate::shortage::{self, Shortages};

/// An embedded database. Clones share it.
#[derive(Clone)]
pub struct Embedded {
    database: Database,
    in_memory: bool,
    // dynoxide is one lock over SQLite. Taking ours first tells whether a call would have to wait for it.
    turn: Arc<Mutex<()>>,
    shortages: Shortages,
}

impl Embedded {
    /// Opens the database in `file`, which may be absent or empty, or an empty one in memory. A file that is something else
    /// is refused and not touched.
    pub fn open(file: Option<&Path>) -> Result<Self, Error> {
        let database = match file {
            None => Database::memory().map_err(|error| Error::Database {
                path: "in memory".to_owned(),
                fault: DatabaseFault::Engine(error.to_string()),
            })?,
            Some(path) => file::open(path)?,
        };
        Ok(Self { database, in_memory: file.is_none(), turn: Arc::default(), shortages: Shortages::default() })
    }

    /// Carries one call out on this thread, past any engine: what a caller of this sees is what is stored.
    #[must_use]
    pub fn call(&self, call: &Call) -> Answer {
        // The engine reads lists of any length before it counts them, and calls itself for each bracket of an expression:
        // enough of them end this process, and no configured table is needed for that.
        if let Err(refusal) = check_bounds(call) {
            return refusal;
        }
        if let Some(answer) = absent::answer(&self.database, call) {
            return answer;
        }
        let body = match as_key_condition_expression(call) {
            Some(Err(refusal)) => return refusal,
            Some(Ok(body)) => Cow::Owned(body),
            None => Cow::Borrowed(&call.body),
        };
        match dispatch::dispatch(&self.database, call.service, &call.operation, &body) {
            None => answer(400, UNKNOWN_OPERATION.into()),
            Some(Ok(body)) => answer(200, body),
            Some(Err(error)) => {
                if let Some(limit) = shortage::of_database(&error.to_string()) {
                    self.shortages.meet(limit);
                }
                let error = settle(&call.operation, error);
                answer(error.status_code(), error.to_json().into_bytes())
            }
        }
    }
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("in_memory", &self.in_memory).finish_non_exhaustive()
    }
}

impl Wire for Embedded {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        if call.service == Service::Kms {
            return Box::pin(std::future::ready(Err(WireError::Unreachable)));
        }
        // One item in memory takes 10 to 20 microseconds, about what a hand-over to another thread costs. Waiting for a
        // turn, a page, a transaction or a file's fsync would hold up the other connections of this thread.
        let is_short = matches!(&*call.operation, "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem");
        if self.in_memory
            && is_short
            && let Ok(_turn) = self.turn.try_lock()
        {
            return Box::pin(std::future::ready(Ok(self.call(&call))));
        }
        let this = self.clone();
        let work = move || {
            let _turn = this.turn.lock().unwrap_or_else(PoisonError::into_inner);
            this.call(&call)
        };
        // The task is only lost if it panics; whether the call was carried out is then unknown.
        Box::pin(async move { tokio::task::spawn_blocking(work).await.map_err(|_| WireError::Broken) })
    }
}

/// DynamoDB puts some refusals of single-item writes into an envelope; dynoxide tags them and leaves that to its server.
fn settle(operation: &str, error: DynoxideError) -> DynoxideError {
    match error {
        DynoxideError::EnvelopedValidation(message)
            if matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem") && !message.starts_with(ENVELOPE) =>
        {
            DynoxideError::ValidationException(format!("{ENVELOPE}{message}"))
        }
        DynoxideError::ConditionalCheckFailedException(message, Some(item)) if operation == "ExecuteStatement" => {
            DynoxideError::StatementConditionalCheckFailed(message, item)
        }
        // SQLite's text can quote what it was given.
        DynoxideError::SqliteError(_) | DynoxideError::InternalServerError(_) => {
            DynoxideError::InternalServerError("The embedded database could not carry the call out".to_owned())
        }
        other => other,
    }
}

fn answer(status: u16, body: Vec<u8>) -> Answer {
    Answer::new(status, body)
}

const ENVELOPE: &str = "1 validation error detected: ";

/// As DynamoDB words it: it has no message.
const UNKNOWN_OPERATION: &str = r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#;

#[cfg(test)]
mod tests;
