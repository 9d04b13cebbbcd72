//! Dynaseal for Rust services: `aws_sdk_dynamodb` with sealed items.
//!
//! ```no_run
//! # async fn start(sdk_config: &aws_sdk_dynamodb::config::Builder) -> Result<(), Box<dyn std::error::Error>> {
//! # let sdk_config = sdk_config.clone();
//! let db = dynaseal::seal(sdk_config, dynaseal::load("dynaseal.toml")?)?;
//!
//! let user = db.get_item().table_name("Users").key("userId", AttributeValue::S("u-1".into())).send().await?;
//! # use aws_sdk_dynamodb::types::AttributeValue;
//! # let _ = user;
//! # Ok(())
//! # }
//! ```
//!
//! `sdk_config` is what `aws_config::load_defaults` gives, by reference, or a builder of the SDK. Every call of the typed
//! API then works on plaintext, while DynamoDB holds sealed items: updates, conditions, transactions, paginators.
//!
//! ```text
//!  typed call ── SDK: write JSON, retry, sign ──> connector ──> Engine::call ──> the SDK's reader of JSON
//!                                                                  |  ^
//!                                                   sign again,    v  |
//!                                                   SDK's own HTTP client ──> DynamoDB
//! ```
//!
//! A request that cannot be judged is refused, never passed on. So is a call of a sealed client whose HTTP client was
//! replaced. Code that asks for a [`Client`] of this crate cannot be given one that is not sealed.
//!
//! Errors come as the SDK's own: a failed condition is the typed `ConditionalCheckFailedException`, and what Dynaseal itself
//! refuses has a message that starts with a code such as `DSL-3008`, read by [`code`].
//!
//! What the SDK itself may print is plaintext: its logs at the level `TRACE` (target `aws_smithy_runtime`, to be kept above it)
//! hold answers and outputs after they are opened, and `{:?}` of its errors the answer, with any opened item that the call asked for. Log `DisplayErrorContext`, or the code.
//!
//! Keys that a service holds are fetched with what the application gives a [`Sealing`], and [`seal`] refuses a configuration
//! whose keys it could not reach. Keys of AWS KMS take the application's own `aws_sdk_kms::Client` (feature `kms`), whose
//! credentials, retries and time limits hold; branch keys under Vault or OpenBao a `Vault` (feature `vault`). The key
//! store of hierarchical keys is read by the sealed client itself.
//!
//! The feature `streams` has `seal_streams`: a client of `aws_sdk_dynamodbstreams` whose GetRecords gives opened images.
//!
//! Single items, for exports, streams and queues: [`seal_item`] and [`open_item`], or [`Sealing::seal_item`] and
//! [`Sealing::open_item`] where a service holds the keys. A key store is read there with a client that
//! [`Sealing::dynamodb`] takes.
//!
//! # The first call of a process
//!
//! AWS-LC, unless it is told otherwise when it is built, seeds itself by measuring the jitter of the CPU: 25 ms of the first seal
//! or open of each process, a third of a second in a small Lambda. `AWS_LC_SYS_NO_JITTER_ENTROPY=1` in the environment of your
//! build, or under `[env]` in its `.cargo/config.toml`, takes the operating system's randomness instead, as Dynaseal's own binaries
//! do; `docs/THREATS.md` (What we rely on) says what that means.
//!
//! # Example
//!
//! A DynamoDB in this process, and the key in the environment of the test:
//!
//! ```
//! use aws_sdk_dynamodb::types::AttributeValue;
//! # use std::collections::HashMap;
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # // A test key: it protects nothing.
//! # let folder = tempfile::tempdir()?;
//! # std::fs::write(folder.path().join("dev.key"), "7e21".repeat(16))?;
//! let config = r#"
//!     [keys.main]
//!     type = "raw-aes"
//!     namespace = "acme"
//!     name = "dev"
//!     key_file = "dev.key"
//!
//!     [tables.Users]
//!     keys = "main"
//!     partition_key = "userId"
//!     default_action = "encrypt_and_sign"
//!     [tables.Users.attributes]
//!     userId = "sign_only"
//! "#;
//! # let path = folder.path().join("dynaseal.toml");
//! # std::fs::write(&path, config)?;
//! let engine = dynaseal::load(&path)?;
//! let user = HashMap::from([
//!     ("userId".to_owned(), AttributeValue::S("u-1".into())),
//!     ("email".to_owned(), AttributeValue::S("ada@example.com".into())),
//! ]);
//! let sealed = dynaseal::seal_item(&engine, "Users", &user).await?;
//! assert!(sealed["email"].is_b() && sealed.contains_key("aws_dbe_foot"));
//! assert_eq!(dynaseal::open_item(&engine, "Users", &sealed).await?, user);
//! # Ok(())
//! # }
//! ```

mod client;
mod code;
mod connector;
mod error;
mod guard;
mod items;
mod load;
mod sealing;
mod services;
#[cfg(feature = "streams")]
mod streams;
#[cfg(feature = "vault")]
mod vault;
mod wire;

pub use client::{Client, seal};
pub use code::code;
pub use dynaseal_engine::{Config, ConfigErrors, Engine, Fault, Machine, Outside, Pattern, Plaintext, Table};
#[cfg(feature = "vault")]
pub use dynaseal_http::VaultError;
pub use dynaseal_item::{Action, Item, Kind, Schema, SchemaSpec, Suite, Value};
pub use error::Error;
pub use items::{AwsItem, ItemError, open_item, seal_item};
pub use load::{engine, load};
pub use sealing::Sealing;
#[cfg(feature = "streams")]
pub use streams::{StreamsClient, seal_streams};
#[cfg(feature = "vault")]
pub use vault::Vault;
