//! The ways to the services that hold keys: a wire that sends each call to its own, or says what would lead there.

mod dynamodb;
#[cfg(feature = "kms")]
mod kms;
mod sdk;

use std::sync::Arc;

use dynaseal_engine::{Answer, BoxFuture, Call, Service, Wire, WireError};

use crate::error::Error;

/// What an application gave.
#[derive(Clone)]
pub(crate) struct Services {
    kms: Option<Arc<dyn Wire>>,
    vault: Option<Arc<dyn Wire>>,
    dynamodb: Option<Arc<dyn Wire>>,
}

impl Services {
    /// For keys that need none.
    pub(crate) const NONE: Self = Self { kms: None, vault: None, dynamodb: None };

    #[cfg(feature = "kms")]
    pub(crate) fn with_kms(self, client: aws_sdk_kms::Client) -> Self {
        Self { kms: Some(Arc::new(kms::KmsWire(client))), ..self }
    }

    #[cfg(feature = "vault")]
    pub(crate) fn with_vault(self, server: Arc<dynaseal_http::Vault>) -> Self {
        Self { vault: Some(server), ..self }
    }

    pub(crate) fn with_dynamodb(self, client: aws_sdk_dynamodb::Client) -> Self {
        Self { dynamodb: Some(Arc::new(dynamodb::DynamoDbWire(client))), ..self }
    }

    /// The way to a service, or why there is none.
    pub(crate) fn way(&self, service: Service) -> Result<&dyn Wire, Error> {
        let (way, none) = match service {
            Service::Kms => (&self.kms, Error::NoKms),
            Service::Vault => (&self.vault, Error::NoVault),
            // A stream holds no keys; what asks for one has a client of its own.
            Service::DynamoDb | Service::DynamoDbStreams => (&self.dynamodb, Error::NoDynamoDb),
        };
        way.as_deref().ok_or(none)
    }
}

impl Wire for Services {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        match self.way(call.service) {
            Ok(way) => way.send(call),
            Err(none) => Box::pin(std::future::ready(Err(WireError::NoWay(none.hint())))),
        }
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kms, vault, dynamodb } = self;
        let given = [("kms", kms), ("vault", vault), ("dynamodb", dynamodb)].into_iter();
        f.debug_set().entries(given.filter_map(|(name, way)| way.as_ref().map(|_| name))).finish()
    }
}
