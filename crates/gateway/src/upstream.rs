//! Opens what the settings name: one wire for all services.

use std::sync::Arc;

use dynaseal_engine::{Answer, BoxFuture, Call, Service, Wire, WireError};
use dynaseal_http::{UpstreamLimits, Vault};

use crate::embedded::Embedded;
use crate::error::Error;
use crate::forward::Upstream;
use crate::settings::{Store, Target};

/// The wire to `target`.
pub async fn open(target: &Target, limits: UpstreamLimits) -> Result<Arc<dyn Wire>, Error> {
    match &target.store {
        Store::Embedded { file } => with_keys(Embedded::open(file.as_deref())?, target, limits).await,
        Store::DynamoDb | Store::Endpoint { .. } => without_database(target, limits).await,
    }
}

/// An embedded database, with the way to the key management services that `target` asks for. Without one it needs no
/// network and no credentials.
pub async fn with_keys(database: Embedded, target: &Target, limits: UpstreamLimits) -> Result<Arc<dyn Wire>, Error> {
    if !target.kms && target.vault.is_none() {
        return Ok(Arc::new(database));
    }
    let vault = vault(target, limits)?;
    let network = if target.kms { Some(Upstream::open(target, limits).await?) } else { None };
    Ok(Arc::new(Router { database: Some(database), network, vault }))
}

/// The network alone. An embedded database stays closed: another process may hold it.
pub async fn without_database(target: &Target, limits: UpstreamLimits) -> Result<Arc<dyn Wire>, Error> {
    let vault = vault(target, limits)?;
    let is_vault_all = vault.is_some() && !target.kms && matches!(target.store, Store::Embedded { .. });
    let network = if is_vault_all { None } else { Some(Upstream::open(target, limits).await?) };
    match (network, vault) {
        (Some(network), None) => Ok(Arc::new(network)),
        (network, vault) => Ok(Arc::new(Router { database: None, network, vault })),
    }
}

fn vault(target: &Target, limits: UpstreamLimits) -> Result<Option<Vault>, Error> {
    let vault = target.vault.as_ref().map(|server| Vault::open(server, limits)).transpose()?;
    if let Some(vault) = &vault {
        tracing::info!(to = %vault.address(), "calls of Vault");
    }
    Ok(vault)
}

/// Sends each call to its service.
struct Router {
    database: Option<Embedded>,
    network: Option<Upstream>,
    vault: Option<Vault>,
}

impl Router {
    fn wire(&self, service: Service) -> Option<&dyn Wire> {
        let network = self.network.as_ref().map(|network| network as &dyn Wire);
        match service {
            Service::DynamoDb | Service::DynamoDbStreams => match &self.database {
                Some(database) => Some(database),
                None => network,
            },
            Service::Kms => network,
            Service::Vault => self.vault.as_ref().map(|vault| vault as &dyn Wire),
        }
    }
}

impl Wire for Router {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        match self.wire(call.service) {
            Some(wire) => wire.send(call),
            None => Box::pin(std::future::ready(Err(WireError::Unreachable))),
        }
    }
}
