//! The engine's reads beside a call, with the application's own client of DynamoDB, which is not a sealed one: records of a
//! key store, and what the keys of a pattern's tables are. Its credentials, endpoint, retries and time limits hold.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Config, Region};
use aws_sdk_dynamodb::types::{KeySchemaElement, TableDescription};
use dynaseal_engine::{Answer, BoxFuture, Call, Service, Wire, WireError};
use dynaseal_item::{Item, json};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::sdk::Failure;
use crate::guard::seals;

/// A wire to DynamoDB, for what is read there and no more.
pub(crate) struct DynamoDbWire(pub(crate) Client);

impl Wire for DynamoDbWire {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(async move {
            if call.service != Service::DynamoDb {
                return Err(WireError::Unreachable);
            }
            // The key store is closed to the callers of a sealed client.
            if self.0.config().http_client().is_some_and(|client| seals(&client)) {
                return Err(WireError::NoWay(SEALED));
            }
            match carry_out(&self.0, &call).await {
                Ok(body) => Ok(Answer::new(200, body)),
                Err(Failure::Answer(answer)) => Ok(answer),
                Err(Failure::Wire(error)) => Err(error),
            }
        })
    }
}

/// What is asked with. A member that would be lost on the way is refused.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetItem<'a> {
    table_name: String,
    #[serde(borrow)]
    key: &'a RawValue,
    consistent_read: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DescribeTable {
    table_name: String,
}

async fn carry_out(client: &Client, call: &Call) -> Result<Vec<u8>, Failure> {
    let here = call.region.clone().map(|region| Config::builder().region(Region::new(region))).unwrap_or_default();
    match &*call.operation {
        "GetItem" => {
            let asked: GetItem<'_> = read(&call.body)?;
            let key = json::read_item(asked.key.get()).map_err(|_| UNSENT)?;
            let get = client.get_item().table_name(asked.table_name).consistent_read(asked.consistent_read);
            let got = get.set_key(Some(key.into())).customize().config_override(here).send().await?;
            let Some(item) = got.item else { return Ok(b"{}".to_vec()) };
            let item = Item::try_from(&item).map_err(|_| Failure::Wire(WireError::Broken))?;
            let mut body = b"{\"Item\":".to_vec();
            json::write_item(&item, &mut body);
            body.push(b'}');
            Ok(body)
        }
        "DescribeTable" => {
            let asked: DescribeTable = read(&call.body)?;
            let describe = client.describe_table().table_name(asked.table_name);
            let described = describe.customize().config_override(here).send().await?;
            let table = described.table.as_ref().map(keys).unwrap_or_default();
            Ok(json!({ "Table": table }).to_string().into())
        }
        _ => Err(UNSENT),
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|_| UNSENT)
}

/// The keys of a table and of its indexes, which are all that is read of it.
fn keys(table: &TableDescription) -> Value {
    let schema = |keys: &[KeySchemaElement]| -> Vec<_> {
        let key =
            |key: &KeySchemaElement| json!({ "AttributeName": key.attribute_name, "KeyType": key.key_type.as_str() });
        keys.iter().map(key).collect()
    };
    let global =
        table.global_secondary_indexes().iter().map(|index| json!({ "KeySchema": schema(index.key_schema()) }));
    let local = table.local_secondary_indexes().iter().map(|index| json!({ "KeySchema": schema(index.key_schema()) }));
    json!({
        "TableName": table.table_name, "KeySchema": schema(table.key_schema()),
        "GlobalSecondaryIndexes": global.collect::<Vec<_>>(), "LocalSecondaryIndexes": local.collect::<Vec<_>>(),
    })
}

/// Nothing was sent that says less than it was asked to.
const UNSENT: Failure = Failure::Wire(WireError::Unreachable);
const SEALED: &str = "`Sealing::dynamodb` takes a client that is not sealed";
