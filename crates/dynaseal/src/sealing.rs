//! What a client is sealed with.

use std::sync::Arc;

use dynaseal_engine::{Engine, Service, SystemClock, Wire};
use dynaseal_keys::Io;

use crate::error::Error;
use crate::items::{self, AwsItem, ItemError, Offline};

/// An engine, and the clients of the services that hold its keys. An engine whose keys are its own is one by itself:
/// wherever a `Sealing` is asked for, the engine will do.
#[derive(Clone)]
pub struct Sealing {
    pub(crate) engine: Arc<Engine>,
    pub(crate) kms: Option<Arc<dyn Wire>>,
}

impl Sealing {
    /// An engine alone.
    #[must_use]
    pub fn new(engine: impl Into<Arc<Engine>>) -> Self {
        Self { engine: engine.into(), kms: None }
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
        Self { kms: Some(Arc::new(crate::kms::KmsWire(client))), ..self }
    }

    /// Seals an item as [`seal_item`](crate::seal_item) does, with keys of AWS KMS too.
    ///
    /// # Errors
    /// As there.
    pub async fn seal_item(&self, table: &str, item: &AwsItem) -> Result<AwsItem, ItemError> {
        items::seal_with(&self.engine, self.io(), table, item).await
    }

    /// Opens an item as [`open_item`](crate::open_item) does, with keys of AWS KMS too.
    ///
    /// # Errors
    /// As there.
    pub async fn open_item(&self, table: &str, item: &AwsItem) -> Result<AwsItem, ItemError> {
        items::open_with(&self.engine, self.io(), table, item).await
    }

    /// The way to KMS, for what an [`Engine`] does without a client: `engine.open_records(sealing.wire(), …)`. It leads to no
    /// other service.
    #[must_use]
    pub fn wire(&self) -> &dyn Wire {
        self.kms.as_deref().unwrap_or(&Offline)
    }

    /// Whether every service can be called that keys need and that a DynamoDB client does not reach by itself.
    pub(crate) fn checked(self) -> Result<Self, Error> {
        if self.engine.needs(Service::Vault) {
            return Err(Error::OtherService);
        }
        if self.kms.is_none() && self.engine.needs(Service::Kms) { Err(Error::NoKms) } else { Ok(self) }
    }

    fn io(&self) -> Io<'_> {
        Io { wire: self.wire(), clock: &SystemClock }
    }
}

impl std::fmt::Debug for Sealing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { engine, kms } = self;
        f.debug_struct("Sealing").field("engine", engine).field("kms", &kms.is_some()).finish()
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
