//! Operation names to dynoxide's typed calls: JSON in, JSON out.

use std::borrow::Cow;

use dynaseal_engine::Service;
use dynaseal_item::{Value, json};
use dynoxide::actions::get_shard_iterator::GetShardIteratorRequest;
use dynoxide::{AttributeValue, Database, DynoxideError, Item, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::malformed;

/// Runs an operation of a service; `None` if the engine has no such operation.
pub(super) fn dispatch(database: &Database, service: Service, operation: &str, body: &[u8]) -> Option<Result<Vec<u8>>> {
    match service {
        // The shortest call, and so the one where writing the answer weighs most.
        Service::DynamoDb if operation == "GetItem" => Some(get_item(database, body)),
        Service::DynamoDb => dynamodb(database, operation, body),
        Service::DynamoDbStreams if operation == "DescribeStream" => Some(describe_stream(database, body)),
        Service::DynamoDbStreams if operation == "GetShardIterator" => Some(get_shard_iterator(database, body)),
        Service::DynamoDbStreams => streams(database, operation, body),
        Service::Kms | Service::Vault => None,
    }
}

/// A function that runs these operations.
macro_rules! operations {
    ($function:ident: $($name:literal => $method:ident,)*) => {
        fn $function(database: &Database, operation: &str, body: &[u8]) -> Option<Result<Vec<u8>>> {
            match operation {
                $($name => Some(run(body, |request| database.$method(request))),)*
                _ => None,
            }
        }
    };
}

operations! {
    dynamodb:
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
}

operations! {
    streams:
    "ListStreams" => list_streams,
    "GetRecords" => get_records,
}

fn run<Q: DeserializeOwned, R: Serialize>(body: &[u8], call: impl FnOnce(Q) -> Result<R>) -> Result<Vec<u8>> {
    write(&call(read(body)?)?)
}

fn get_item(database: &Database, body: &[u8]) -> Result<Vec<u8>> {
    let mut response = database.get_item(read(body)?)?;
    let Some(item) = response.item.take() else { return write(&response) };
    let mut out = Vec::with_capacity(ITEM_BUFFER);
    out.extend_from_slice(b"{\"Item\":");
    write_item(&item, &mut out)?;
    // What is left of the response, without its opening brace.
    match write(&response)?.get(1..) {
        None | Some(b"}") => out.push(b'}'),
        Some(rest) => {
            out.push(b',');
            out.extend_from_slice(rest);
        }
    }
    Ok(out)
}

fn describe_stream(database: &Database, body: &[u8]) -> Result<Vec<u8>> {
    let mut response = database.describe_stream(read(body)?)?;
    for shard in &mut response.stream_description.shards {
        if let Some(rest) = shard.shard_id.strip_prefix(SHARD) {
            shard.shard_id = format!("{WIDE_SHARD}{rest}");
        }
    }
    write(&response)
}

fn get_shard_iterator(database: &Database, body: &[u8]) -> Result<Vec<u8>> {
    let mut request: GetShardIteratorRequest = read(body)?;
    if let Some(rest) = request.shard_id.strip_prefix(WIDE_SHARD) {
        request.shard_id = format!("{SHARD}{rest}");
    }
    write(&database.get_shard_iterator(request)?)
}

pub(super) fn read<Q: DeserializeOwned>(body: &[u8]) -> Result<Q> {
    serde_json::from_slice(body).map_err(|error| malformed::refusal(&error))
}

fn write<R: Serialize>(response: &R) -> Result<Vec<u8>> {
    serde_json::to_vec(response).map_err(|_| unwritten())
}

fn write_item(item: &Item, out: &mut Vec<u8>) -> Result<()> {
    let mut before = b'{';
    for (name, value) in item {
        out.push(before);
        before = b',';
        json::write_text(name, out);
        out.push(b':');
        write_value(value, out)?;
    }
    if item.is_empty() {
        out.push(b'{');
    }
    out.push(b'}');
    Ok(())
}

/// The frequent types without a copy; sets and documents in dynoxide's own way, which puts sets in order.
fn write_value(value: &AttributeValue, out: &mut Vec<u8>) -> Result<()> {
    let value = match value {
        AttributeValue::S(text) => Value::S(Cow::Borrowed(text)),
        AttributeValue::N(digits) => Value::N(Cow::Borrowed(digits)),
        AttributeValue::B(bytes) => Value::B(Cow::Borrowed(bytes)),
        AttributeValue::BOOL(bool) => Value::Bool(*bool),
        other => return serde_json::to_writer(out, other).map_err(|_| unwritten()),
    };
    json::write_value(&value, out);
    Ok(())
}

fn unwritten() -> DynoxideError {
    DynoxideError::InternalServerError("The answer could not be written".to_owned())
}

/// What dynoxide's shard ids begin with, and what they are given instead: of a table with a short name they are shorter
/// than any of DynamoDB's, and boto3 does not send those.
const SHARD: &str = "shardId-00000001-";
const WIDE_SHARD: &str = "shardId-00000000000000000001-";
/// Holds most items.
const ITEM_BUFFER: usize = 2048;
