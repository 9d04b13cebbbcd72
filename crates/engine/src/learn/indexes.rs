//! What DynamoDB says of the indexes of tables, by name and of a pattern alike: which of them are global, and what they hold. It
//! decides what a caller is told of a read, and never what is stored readable.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dynaseal_keys::Io;

use crate::error::Error;
use crate::plan::IndexRead;

use super::described::{Description, Index, described};
use super::{BELIEVED, PAUSE, describe, table_name};

/// The indexes of the tables that were asked for.
#[derive(Default)]
pub(crate) struct Indexes {
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Clone)]
struct Known {
    all: Arc<HashMap<String, Index>>,
    at: Duration,
}

impl Indexes {
    /// The index that is read, as far as DynamoDB says anything of it. It is asked for where anything depends on it.
    ///
    /// # Errors
    /// The index does not hold what is asked of it, in DynamoDB's words.
    pub(crate) async fn judge(&self, operation: &str, read: &IndexRead, io: Io<'_>) -> Result<Option<Index>, Error> {
        if read.shown.is_empty() && read.filtered.is_empty() {
            return Ok(None);
        }
        let table = crate::doc::text(&read.table).map_err(|error| Error::request(operation, error))?;
        for anew in [false, true] {
            let index = self.of(operation, (&table, &read.index), anew, io).await;
            let refusal = index.as_ref().and_then(|index| refusal(read, index));
            match refusal {
                None => return Ok(index),
                // The index may have been made again with more.
                Some(_) if !anew => {}
                Some(words) => return Err(Error::in_words(operation, words)),
            }
        }
        Ok(None)
    }

    /// Looks at a description that passes by.
    pub(super) fn watch(&self, description: Description, now: Duration) {
        let known = Known { all: Arc::new(description.indexes), at: now };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(description.name, known);
    }

    /// An index, if DynamoDB says anything of it. What was said long ago, or a moment ago without the index, is asked for once
    /// more; and, with `anew`, what was said before this moment.
    pub(crate) async fn of(
        &self,
        operation: &str,
        (table, index): (&str, &str),
        anew: bool,
        io: Io<'_>,
    ) -> Option<Index> {
        let (name, now) = (table_name(table), io.clock.now());
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        if let Some(Known { all, at }) = known {
            let (age, found) = (now.saturating_sub(at), all.get(index));
            if age < PAUSE || age < BELIEVED && found.is_some() && !anew {
                return found.cloned();
            }
        }
        // Nobody may be allowed to ask; then the index holds what it gives.
        let answer = describe(operation, table, io).await.ok();
        let description = answer.and_then(|answer| described(&answer).ok().flatten());
        let all = description.map(|description| description.indexes).unwrap_or_default();
        let found = all.get(index).cloned();
        let known = Known { all: Arc::new(all), at: now };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), known);
        found
    }
}

/// Why DynamoDB refuses to read an index. What a filter reads and a global index lacks is absent there.
fn refusal(read: &IndexRead, index: &Index) -> Option<String> {
    let shown = index.lacks(read.shown.iter().map(String::as_str));
    (index.global && !shown.is_empty()).then(|| {
        let (index, names) = (&read.index, shown.join(", "));
        format!("One or more parameter values were invalid: Global secondary index {index} does not project [{names}]")
    })
}
