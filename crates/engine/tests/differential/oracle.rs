//! dynoxide, asked in JSON.

use dynoxide::{Database, DynoxideError};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::exceptions::Outcome;

pub struct Oracle(Database);

pub const TABLE: &str = "Table";

impl Oracle {
    /// A table whose key is `k`, or `k` and `r`.
    pub fn new(with_range: bool) -> Self {
        let database = Database::memory().unwrap();
        let mut keys = vec![json!({"AttributeName": "k", "KeyType": "HASH"})];
        let mut definitions = vec![json!({"AttributeName": "k", "AttributeType": "S"})];
        if with_range {
            keys.push(json!({"AttributeName": "r", "KeyType": "RANGE"}));
            definitions.push(json!({"AttributeName": "r", "AttributeType": "N"}));
        }
        let create = json!({"TableName": TABLE, "KeySchema": keys, "AttributeDefinitions": definitions});
        database.create_table(read(create).unwrap()).unwrap();
        Self(database)
    }

    /// Stores an item; with a condition, whether it held.
    pub fn put(&self, request: Value) -> Outcome {
        match read(request).and_then(|request| self.0.put_item(request)) {
            Ok(_) => Outcome::Done(json!(true)),
            Err(error) => failure(error),
        }
    }

    /// Stores an item and gives it as it is stored.
    pub fn store(&self, item: &Map<String, Value>) -> Map<String, Value> {
        self.put(json!({"TableName": TABLE, "Item": item}));
        let get = json!({"TableName": TABLE, "Key": {"k": item["k"]}});
        match serde_json::to_value(self.0.get_item(read(get).unwrap()).unwrap().item.unwrap()).unwrap() {
            Value::Object(stored) => stored,
            other => panic!("{other}"),
        }
    }

    /// What an update returns.
    pub fn update(&self, request: &Value) -> Outcome {
        match read(request.clone()).and_then(|request| self.0.update_item(request)) {
            Ok(response) => Outcome::Done(serde_json::to_value(response.attributes.unwrap_or_default()).unwrap()),
            Err(error) => failure(error),
        }
    }

    /// What a projection leaves.
    pub fn get(&self, request: &Value) -> Outcome {
        match read(request.clone()).and_then(|request| self.0.get_item(request)) {
            Ok(response) => Outcome::Done(serde_json::to_value(response.item.unwrap_or_default()).unwrap()),
            // GetItem has no words in front that tell a fault of the request.
            Err(error) => Outcome::Request(error.to_string()),
        }
    }

    /// Whether a query runs; its table is empty.
    pub fn query(&self, request: &Value) -> Outcome {
        match read(request.clone()).and_then(|request| self.0.query(request)) {
            Ok(_) => Outcome::Done(json!(true)),
            Err(error) => Outcome::Request(error.to_string()),
        }
    }

    pub fn delete(&self, key: &str) -> Outcome {
        self.0.delete_item(read(json!({"TableName": TABLE, "Key": {"k": {"S": key}}})).unwrap()).unwrap();
        Outcome::Done(json!(true))
    }
}

pub fn failure(error: DynoxideError) -> Outcome {
    match error {
        DynoxideError::ConditionalCheckFailedException(..) => Outcome::Done(json!(false)),
        DynoxideError::ValidationException(text) => match text.strip_prefix("1 validation error detected: ") {
            Some(text) => Outcome::Request(text.to_owned()),
            None => Outcome::Item(text),
        },
        other => panic!("{other}"),
    }
}

/// A request that does not read is refused in the text of the error.
fn read<T: DeserializeOwned>(request: Value) -> Result<T, DynoxideError> {
    serde_json::from_value(request).map_err(|error| {
        let text = error.to_string();
        DynoxideError::ValidationException(text.strip_prefix("VALIDATION:").unwrap_or(&text).to_owned())
    })
}
