//! Whether a call failed in a way that old keys can be the reason of: the table was deleted and made again with others, or
//! has an index that is not known yet.

use dynaseal_item::{Error as ItemError, Kind};
use dynaseal_keys::{Answer, Call, Service};

use crate::answers::{self, Failed};
use crate::error::Error;

/// Whether the call may be planned again with keys that are asked for anew. It has left nothing behind: it only reads, was
/// not sent, or was refused as a whole. A client of streams cannot ask for keys.
pub(crate) fn may_be(call: &Call, planned: bool, outcome: &Result<Answer, Error>) -> bool {
    if call.service != Service::DynamoDb {
        return false;
    }
    let reads = || READS.contains(&call.operation.as_ref());
    match outcome {
        Ok(answer) => is_refused(answer),
        Err(Error::Item { source: ItemError::Missing { .. }, .. }) => true,
        Err(Error::Item { source, .. }) => source.kind() == Kind::Data && reads(),
        // Keys are bound into every wrapped data key, which then does not open.
        Err(Error::Keys { source, .. }) => matches!(source.kind(), Kind::Data | Kind::Keys) && reads(),
        Err(error) => !planned && error.kind() == Kind::Caller,
    }
}

/// Whether DynamoDB refused the whole call as one that does not fit the table.
fn is_refused(answer: &Answer) -> bool {
    const REASON: &[u8] = b"ValidationError";
    match answers::failed(answer) {
        Some(Failed::Validation) => true,
        Some(Failed::Transaction) => answer.body.windows(REASON.len()).any(|part| part == REASON),
        _ => false,
    }
}

/// Calls that can be made twice.
const READS: [&str; 5] = ["GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"];
