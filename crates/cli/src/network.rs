//! The network for commands that are no server: the services that keys need, reached as the gateway reaches them.

use std::sync::Arc;

use dynaseal_engine::{Answer, BoxFuture, Call, Config, GatewaySection, Service, Table, Wire, WireError};
use dynaseal_gateway::{open_upstream, without_database};
use tokio::runtime::Runtime;

use crate::cmd::gateway;
use crate::error::Error;

/// A wire to some services and to no other. With none it needs no runtime, no network and no credentials.
pub(crate) struct Network {
    services: Vec<Service>,
    open: Option<(Runtime, Arc<dyn Wire>)>,
}

impl Network {
    /// What keys need: those of one table, or of all.
    pub(crate) fn of_keys(config: &Config, table: Option<&Table>) -> Result<Self, Error> {
        let needs = |service: &Service| table.map_or_else(|| config.needs(*service), |table| table.needs(*service));
        Self::open(
            &config.gateway,
            [Service::DynamoDb, Service::Kms, Service::Vault].into_iter().filter(needs).collect(),
        )
    }

    /// The wire to `services`, where the configuration says that they are.
    pub(crate) fn open(section: &GatewaySection, services: Vec<Service>) -> Result<Self, Error> {
        if services.is_empty() {
            return Ok(Self { services, open: None });
        }
        let target = gateway::target(section, |service| services.contains(&service));
        let limits = gateway::upstream_limits(section);
        let runtime = gateway::runtime()?;
        let wire = runtime.block_on(async {
            Ok::<_, dynaseal_gateway::Error>(if services.contains(&Service::DynamoDb) {
                open_upstream(&target, limits).await?.wire
            } else {
                without_database(&target, limits).await?
            })
        })?;
        Ok(Self { services, open: Some((runtime, wire)) })
    }
}

impl Wire for Network {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        let Some((runtime, wire)) = self.open.as_ref().filter(|_| self.services.contains(&call.service)) else {
            return Box::pin(std::future::ready(Err(WireError::Unreachable)));
        };
        // Whoever waits may be a thread outside the runtime.
        let wire = wire.clone();
        let sent = runtime.spawn(async move { wire.send(call).await });
        Box::pin(async move { sent.await.map_err(|_| WireError::Broken)? })
    }
}
