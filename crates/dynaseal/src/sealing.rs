//! What a client is sealed with.

use std::sync::Arc;

use dynaseal_engine::{Engine, Service, Wire};

use crate::error::Error;
use crate::items::{self, AwsItem, ItemError};
use crate::services::Services;

/// An engine, and the ways to the services that hold its keys. An engine whose keys are its own is one by itself: wherever a
/// `Sealing` is asked for, the engine will do.
///
/// | keys | a sealed client needs | a single item, a stream record, a sealed client of streams |
/// |---|---|---|
/// | of this process: raw keys, branch keys of a file | | |
/// | of AWS KMS | `kms` | `kms` |
/// | hierarchical under AWS KMS | `kms` | `kms`, [`dynamodb`](Self::dynamodb) |
/// | hierarchical under Vault | `vault` | `vault`, `dynamodb` |
#[derive(Clone, Debug)]
pub struct Sealing {
    pub(crate) engine: Arc<Engine>,
    pub(crate) services: Services,
}

impl Sealing {
    /// An engine alone.
    #[must_use]
    pub fn new(engine: impl Into<Arc<Engine>>) -> Self {
        Self { engine: engine.into(), services: Services::NONE }
    }

    /// With the client that calls AWS KMS. All that its configuration says holds, retries among it; only the Region is that
    /// of each key.
    ///
    /// ```no_run
    /// # fn start(aws: &aws_sdk_dynamodb::Config, kms: aws_sdk_kms::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let sealing = dynaseal::Sealing::new(dynaseal::load("dynaseal.toml")?).kms(kms);
    /// let db = dynaseal::seal(aws.to_builder(), sealing)?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "kms")]
    #[must_use]
    pub fn kms(self, client: aws_sdk_kms::Client) -> Self {
        Self { services: self.services.with_kms(client), ..self }
    }

    /// With the server of Vault or OpenBao whose transit engine protects branch keys.
    ///
    /// ```no_run
    /// # fn start(aws: &aws_sdk_dynamodb::Config) -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = dynaseal::load("dynaseal.toml")?;
    /// let sealing = dynaseal::Sealing::new(engine).vault(dynaseal::Vault::from_env()?);
    /// let db = dynaseal::seal(aws.to_builder(), sealing)?;
    /// # Ok(()) }
    /// ```
    #[cfg(feature = "vault")]
    #[must_use]
    pub fn vault(self, server: crate::Vault) -> Self {
        Self { services: self.services.with_vault(server.0), ..self }
    }

    /// With a client that reads the key store where no sealed client is at hand: for single items and stream records. It is
    /// one that is not sealed, and nothing else is asked of it. A sealed client goes on reading the key store itself.
    ///
    /// ```no_run
    /// # async fn open(engine: std::sync::Arc<dynaseal::Engine>, aws: &aws_sdk_dynamodb::Config, sealed: &dynaseal::AwsItem)
    /// # -> Result<(), Box<dyn std::error::Error>> {
    /// let sealing = dynaseal::Sealing::new(engine).dynamodb(aws_sdk_dynamodb::Client::from_conf(aws.clone()));
    /// let item = sealing.open_item("Users", sealed).await?;
    /// # let _ = item;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn dynamodb(self, client: aws_sdk_dynamodb::Client) -> Self {
        Self { services: self.services.with_dynamodb(client), ..self }
    }

    /// Seals an item as [`seal_item`](crate::seal_item) does, with keys of every service that was given, too.
    ///
    /// # Errors
    /// As there.
    pub async fn seal_item(&self, table: &str, item: &AwsItem) -> Result<AwsItem, ItemError> {
        items::seal_with(&self.engine, &self.services, table, item).await
    }

    /// Opens an item as [`open_item`](crate::open_item) does, with keys of every service that was given, too.
    ///
    /// # Errors
    /// As there.
    pub async fn open_item(&self, table: &str, item: &AwsItem) -> Result<AwsItem, ItemError> {
        items::open_with(&self.engine, &self.services, table, item).await
    }

    /// The way to the services that hold keys, for what an [`Engine`] does without a client:
    /// `engine.open_records(sealing.wire(), …)`.
    #[must_use]
    pub fn wire(&self) -> &dyn Wire {
        &self.services
    }

    /// Whether the engine protects tables that can be, and every service can be called that keys need and that a client of `own` does not reach by itself.
    pub(crate) fn checked(self, own: Service) -> Result<Self, Error> {
        if self.engine.protects_nothing() {
            return Err(Error::NothingProtected);
        }
        if let Some(name) = self.engine.impossible_name() {
            return Err(Error::TableName(name.to_owned()));
        }
        for service in [Service::Kms, Service::Vault, Service::DynamoDb] {
            if service != own && self.engine.needs(service) {
                self.services.way(service)?;
            }
        }
        Ok(self)
    }
}

impl From<Arc<Engine>> for Sealing {
    fn from(engine: Arc<Engine>) -> Self {
        Self::new(engine)
    }
}

impl From<Engine> for Sealing {
    fn from(engine: Engine) -> Self {
        Self::new(engine)
    }
}
