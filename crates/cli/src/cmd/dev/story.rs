//! The story: create a table, put an item, show it as stored and as read, change one stored byte, show the refusal.
//!
//! Each step is done for real and checked: the SDK goes through the gateway, "as stored" goes past it.

use std::io::Write;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use dynaseal_engine::{Call, Config, Service};
use dynaseal_gateway::Embedded;
use dynaseal_item::Schema;
use serde_json::{Map, Value, json};

use super::page::Page;
use crate::error::Error;

/// The table's schema, and the database behind the gateway.
pub(super) struct Story {
    /// `None` if the configuration does not protect the table.
    schema: Option<Schema>,
    database: Embedded,
}

/// Why a step did not go as told.
enum Unexpected {
    /// In words for the reader.
    Words(String),
    /// The page could not be printed.
    Page(Error),
}

impl From<Error> for Unexpected {
    fn from(error: Error) -> Self {
        Unexpected::Page(error)
    }
}

impl Story {
    pub(super) fn of(config: &Config, database: Embedded) -> Self {
        Self { schema: config.tables.get(TABLE).map(|table| table.schema().clone()), database }
    }

    /// Tells it; `false` if it stopped short.
    pub(super) async fn tell(&self, url: &str, page: &mut Page<impl Write>) -> Result<bool, Error> {
        let told = if self.schema.is_some() {
            self.steps(&client(url), page).await
        } else {
            let words = "The configuration here has no table Users, so there is nothing to tell. Add [tables.Users], \
                         or run this in an empty directory to see it.";
            Err(Unexpected::Words(words.to_owned()))
        };
        match told {
            Ok(()) => Ok(true),
            Err(Unexpected::Page(error)) => Err(error),
            Err(Unexpected::Words(words)) => {
                page.words(&words)?;
                Ok(false)
            }
        }
    }

    async fn steps(&self, client: &Client, page: &mut Page<impl Write>) -> Result<(), Unexpected> {
        page.step(1, "Create the table Users, with the AWS SDK for Rust")?;
        page.words(self.create(client).await?)?;

        page.step(2, "Put an item, as any application would")?;
        let item = self.item();
        put(client, &item).await?;
        page.item(&item)?;

        page.step(3, "The same item as the database stores it")?;
        let stored = self.stored()?;
        page.item(&stored)?;
        if Value::Object(stored.clone()).to_string().contains(SECRET) {
            return Err(Unexpected::Words(
                "email is stored as it was sent: the configuration does not encrypt it.".into(),
            ));
        }
        page.words("")?;
        page.words("email is ciphertext now. aws_dbe_head holds the wrapped data key, aws_dbe_foot the signature.")?;

        page.step(4, "The same item as the application reads it back")?;
        let read = get(client, &self.key()).await.map_err(Unexpected::Words)?;
        page.item(&read)?;
        if read != item {
            return Err(Unexpected::Words("It is not the item that was put.".into()));
        }

        page.step(5, "Change one byte of email in the database, behind the gateway")?;
        let (changed, words) = flip(&stored)?;
        self.store(&changed)?;
        page.words(&words)?;

        page.step(6, "Read it again")?;
        let refusal = get(client, &self.key()).await.err();
        // Whatever happened: the item that was put is what the reader finds afterwards.
        self.store(&stored)?;
        let refusal =
            refusal.ok_or_else(|| Unexpected::Words("The changed item was given out. It must not be.".into()))?;
        page.words(&refusal)?;
        if !refusal.starts_with(REFUSED) {
            return Err(Unexpected::Words("It failed, but not because of the changed byte.".into()));
        }
        page.words("")?;
        page.words("Refused. The byte is changed back now, and the item reads as before.")?;
        get(client, &self.key()).await.map_err(Unexpected::Words).map(drop)
    }

    async fn create(&self, client: &Client) -> Result<&'static str, Unexpected> {
        let mut request = client.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
        for (name, kind) in self.keys().zip([KeyType::Hash, KeyType::Range]) {
            let key = KeySchemaElement::builder().attribute_name(name).key_type(kind).build();
            let attribute = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
            request = request
                .key_schema(key.map_err(|error| Unexpected::Words(error.to_string()))?)
                .attribute_definitions(attribute.build().map_err(|error| Unexpected::Words(error.to_string()))?);
        }
        match request.send().await {
            Ok(_) => Ok("Done."),
            Err(error) if error.code() == Some("ResourceInUseException") => Ok("It is there already."),
            Err(error) => Err(Unexpected::Words(words(&error))),
        }
    }

    /// Partition and sort key.
    fn keys(&self) -> impl Iterator<Item = &str> {
        self.schema.iter().flat_map(Schema::keys)
    }

    fn key(&self) -> Map<String, Value> {
        self.keys().zip(KEY_VALUES).map(|(name, value)| (name.to_owned(), json!({"S": value}))).collect()
    }

    /// With e-mail in any case; of the rest, what the configuration takes.
    fn item(&self) -> Map<String, Value> {
        let mut item = self.key();
        item.insert("email".into(), json!({"S": SECRET}));
        for (name, value) in [("tier", json!({"S": "free"})), ("visits", json!({"N": "0"}))] {
            if self.schema.as_ref().is_some_and(|schema| schema.action(name).is_some()) {
                item.insert(name.into(), value);
            }
        }
        item
    }

    /// Past the gateway: what is in the database.
    fn stored(&self) -> Result<Map<String, Value>, Unexpected> {
        let answer = self.raw("GetItem", &json!({"TableName": TABLE, "Key": self.key()}))?;
        let item = answer.get("Item").and_then(Value::as_object);
        item.cloned().ok_or_else(|| Unexpected::Words("The item is not in the database.".into()))
    }

    /// Past the gateway: into the database.
    fn store(&self, item: &Map<String, Value>) -> Result<(), Unexpected> {
        self.raw("PutItem", &json!({"TableName": TABLE, "Item": item})).map(drop)
    }

    fn raw(&self, operation: &'static str, body: &Value) -> Result<Value, Unexpected> {
        let body = body.to_string().into_bytes();
        let answer = self.database.call(&Call::new(Service::DynamoDb, operation, body));
        let parsed = serde_json::from_slice(&answer.body).ok().filter(|_| answer.ok());
        parsed.ok_or_else(|| Unexpected::Words(format!("The embedded database refused {operation}.")))
    }
}

/// The item with one byte of `email` changed, and what was done in words.
fn flip(stored: &Map<String, Value>) -> Result<(Map<String, Value>, String), Unexpected> {
    let not_binary =
        || Unexpected::Words("email is not stored as binary: the configuration does not encrypt it.".into());
    let base64 = stored.get("email").and_then(|email| email.get("B")).and_then(Value::as_str).ok_or_else(not_binary)?;
    let mut bytes = base64_simd::STANDARD.decode_to_vec(base64).map_err(|_| not_binary())?;
    let middle = bytes.len() / 2;
    let byte = bytes.get_mut(middle).ok_or_else(not_binary)?;
    let before = *byte;
    *byte ^= 1;
    let words = format!("Byte {middle} of {}: it was {before:02x}, it is {byte:02x}.", bytes.len(), byte = before ^ 1);
    let mut changed = stored.clone();
    changed.insert("email".into(), json!({"B": base64_simd::STANDARD.encode_to_string(&bytes)}));
    Ok((changed, words))
}

fn client(url: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new("us-east-1"))
        // The gateway takes any: it does not check its callers yet, and the embedded database has no accounts.
        .credentials_provider(Credentials::new("dynaseal-dev", "dynaseal-dev", None, None, "dynaseal dev"))
        .build();
    Client::from_conf(config)
}

async fn put(client: &Client, item: &Map<String, Value>) -> Result<(), Unexpected> {
    let item = item.iter().filter_map(|(name, value)| Some((name.clone(), to_sdk(value)?))).collect();
    let sent = client.put_item().table_name(TABLE).set_item(Some(item)).send().await;
    sent.map(drop).map_err(|error| Unexpected::Words(words(&error)))
}

/// The item, or the error in the SDK's words.
async fn get(client: &Client, key: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let key = key.iter().filter_map(|(name, value)| Some((name.clone(), to_sdk(value)?))).collect();
    let read = client.get_item().table_name(TABLE).set_key(Some(key)).consistent_read(true).send().await;
    let item = read.map_err(|error| words(&error))?.item.unwrap_or_default();
    let mut item: Vec<_> = item.into_iter().collect();
    item.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(item.into_iter().map(|(name, value)| (name, from_sdk(&value))).collect())
}

/// The two types that the story uses.
fn to_sdk(value: &Value) -> Option<AttributeValue> {
    let text = |kind| Some(value.get(kind)?.as_str()?.to_owned());
    text("S").map(AttributeValue::S).or_else(|| text("N").map(AttributeValue::N))
}

fn from_sdk(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(number) => json!({"N": number}),
        AttributeValue::B(bytes) => json!({"B": base64_simd::STANDARD.encode_to_string(bytes)}),
        _ => json!({"?": "another type"}),
    }
}

/// `ItemVerificationException: DSL-3008: …`, as the SDK gives it to an application.
fn words<E, R>(error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        _ => DisplayErrorContext(error).to_string(),
    }
}

const TABLE: &str = "Users";
const SECRET: &str = "ada@example.com";
const KEY_VALUES: [&str; 2] = ["ada", "profile"];
const REFUSED: &str = "ItemVerificationException: DSL-3";
