//! Opens what the settings name: one wire for all services.

use std::sync::Arc;

use dynaseal_engine::{Answer, BoxFuture, Call, Service, Wire, WireError};

use crate::embedded::Embedded;
use crate::error::Error;
use crate::forward::Upstream;
use crate::settings::{Store, Target, UpstreamLimits};

/// The wire to `target`.
pub async fn open(target: &Target, limits: UpstreamLimits) -> Result<Arc<dyn Wire>, Error> {
    match &target.store {
        Store::Embedded { file } => {
            let database = Embedded::open(file.as_deref())?;
            Ok(with_kms(database, target, limits).await?)
        }
        Store::DynamoDb | Store::Endpoint { .. } => Ok(Arc::new(Upstream::open(target, limits).await?)),
    }
}

/// An embedded database, with the way to KMS that `target` asks for. Without one it needs no network and no credentials.
pub async fn with_kms(database: Embedded, target: &Target, limits: UpstreamLimits) -> Result<Arc<dyn Wire>, Error> {
    if !target.kms {
        return Ok(Arc::new(database));
    }
    Ok(Arc::new(Router { database, network: Upstream::open(target, limits).await? }))
}

/// Calls of DynamoDB stay in this process; those of KMS leave it.
struct Router {
    database: Embedded,
    network: Upstream,
}

impl Wire for Router {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        match call.service {
            Service::DynamoDb | Service::DynamoDbStreams => self.database.send(call),
            Service::Kms | Service::Vault => self.network.send(call),
        }
    }
}
