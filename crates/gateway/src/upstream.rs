//! Opens what the settings name: one wire for all services.

use std::sync::Arc;

use dynaseal_engine::{Answer, BoxFuture, Call, Service, Wire, WireError};
use dynaseal_http::{UpstreamLimits, Vault};

use crate::embedded::Embedded;
use crate::error::Error;
use crate::forward::Upstream;
use crate::settings::{Store, Target};
use crate::start::Fact;

/// A wire, and what there is to say of where it leads.
pub struct Opened {
    /// The wire.
    pub wire: Arc<dyn Wire>,
    /// For [`Settings::facts`](crate::Settings::facts).
    pub facts: Vec<Fact>,
}

/// The wire to `target`.
pub async fn open(target: &Target, limits: UpstreamLimits) -> Result<Opened, Error> {
    let router = match &target.store {
        Store::Embedded { file } => Router::over(Embedded::open(file.as_deref())?, target, limits).await?,
        Store::DynamoDb | Store::Endpoint { .. } => Router::alone(target, limits).await?,
    };
    let facts = router.facts(target).await;
    Ok(Opened { wire: Arc::new(router), facts })
}

/// An embedded database, with the way to the key management services that `target` asks for. Without one it needs no
/// network and no credentials.
pub async fn with_keys(database: Embedded, target: &Target, limits: UpstreamLimits) -> Result<Arc<dyn Wire>, Error> {
    Ok(Arc::new(Router::over(database, target, limits).await?))
}

/// The network alone. An embedded database stays closed: another process may hold it.
pub async fn without_database(target: &Target, limits: UpstreamLimits) -> Result<Arc<dyn Wire>, Error> {
    Ok(Arc::new(Router::alone(target, limits).await?))
}

fn vault(target: &Target, limits: UpstreamLimits) -> Result<Option<Vault>, Error> {
    let open = |server| Vault::open_trusting(server, target.ca.as_deref(), limits);
    let vault = target.vault.as_ref().map(open).transpose()?;
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
    async fn over(database: Embedded, target: &Target, limits: UpstreamLimits) -> Result<Self, Error> {
        let vault = vault(target, limits)?;
        let network = if target.kms { Some(Upstream::open(target, limits).await?) } else { None };
        Ok(Self { database: Some(database), network, vault })
    }

    async fn alone(target: &Target, limits: UpstreamLimits) -> Result<Self, Error> {
        let vault = vault(target, limits)?;
        let is_vault_all = vault.is_some() && !target.kms && matches!(target.store, Store::Embedded { .. });
        let network = if is_vault_all { None } else { Some(Upstream::open(target, limits).await?) };
        Ok(Self { database: None, network, vault })
    }

    async fn facts(&self, target: &Target) -> Vec<Fact> {
        let mut facts = Vec::new();
        if let Store::Embedded { file } = &target.store {
            let place = file.as_ref().map_or_else(|| "in memory".to_owned(), |file| file.display().to_string());
            facts.push(Fact::new("database", format!("embedded, {place}; it needs no credentials")));
        }
        if let Some(vault) = &self.vault {
            facts.push(Fact::new("Vault", vault.address().to_string()));
        }
        if let Some(network) = &self.network {
            facts.extend(network.facts(target).await);
        }
        facts
    }

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
