//! Operation names to dynoxide's typed calls: JSON in, JSON out.

use dynoxide::{Database, DynoxideError, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::malformed;

/// Runs `operation`; `None` if the engine has no such operation.
pub(super) fn dispatch(database: &Database, operation: &str, body: &[u8]) -> Option<Result<Vec<u8>>> {
    macro_rules! operations {
        ($($name:literal => $method:ident,)*) => {
            match operation {
                $($name => Some(run(body, |request| database.$method(request))),)*
                _ => None,
            }
        };
    }
    operations! {
        "GetItem" => get_item,
        "PutItem" => put_item,
        "UpdateItem" => update_item,
        "DeleteItem" => delete_item,
        "BatchGetItem" => batch_get_item,
        "BatchWriteItem" => batch_write_item,
        "Query" => query,
        "Scan" => scan,
        "TransactGetItems" => transact_get_items,
        "TransactWriteItems" => transact_write_items,
        "ExecuteStatement" => execute_statement,
        "BatchExecuteStatement" => batch_execute_statement,
        "ExecuteTransaction" => execute_transaction,
        "SearchVectors" => search_vectors,
        "CreateTable" => create_table,
        "DescribeTable" => describe_table,
        "UpdateTable" => update_table,
        "DeleteTable" => delete_table,
        "ListTables" => list_tables,
        "UpdateTimeToLive" => update_time_to_live,
        "DescribeTimeToLive" => describe_time_to_live,
        "TagResource" => tag_resource,
        "UntagResource" => untag_resource,
        "ListTagsOfResource" => list_tags_of_resource,
        "ListStreams" => list_streams,
        "DescribeStream" => describe_stream,
        "GetShardIterator" => get_shard_iterator,
        "GetRecords" => get_records,
    }
}

fn run<Q: DeserializeOwned, R: Serialize>(body: &[u8], call: impl FnOnce(Q) -> Result<R>) -> Result<Vec<u8>> {
    let request = serde_json::from_slice(body).map_err(|error| malformed::refusal(&error))?;
    let response = call(request)?;
    serde_json::to_vec(&response)
        .map_err(|_| DynoxideError::InternalServerError("The answer could not be written".to_owned()))
}
