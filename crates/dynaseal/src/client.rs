//! The sealed client.

use std::ops::Deref;
use std::sync::Arc;

use aws_sdk_dynamodb::config::{Builder, SharedHttpClient};
use aws_smithy_runtime::client::defaults::default_http_client_plugin_v2;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::RuntimePlugin;
use dynaseal_engine::{Engine, Service};

use crate::connector::SealingClient;
use crate::error::Error;
use crate::guard::{Guard, seals};
use crate::sealing::Sealing;

/// Seals a DynamoDB client: what it writes to protected tables is sealed, and what it reads is verified and opened.
///
/// `config` is an `&SdkConfig`, or the service's own builder where it needs more. All that it says holds: endpoint,
/// credentials, retries, timeouts, interceptors, HTTP client. `sealing` is an engine, or a [`Sealing`] that says how to
/// reach the services that hold its keys.
///
/// # Errors
/// The engine protects nothing, the configuration is sealed already, there is no HTTP client to send with, or keys need a service to which the
/// [`Sealing`] knows no way: KMS or Vault.
///
/// # Panics
/// The SDK's own: a builder that names no behavior version, as in `Client::from_conf`.
pub fn seal(config: impl Into<Builder>, sealing: impl Into<Sealing>) -> Result<Client, Error> {
    let sealing = sealing.into().checked(Service::DynamoDb)?;
    let config = config.into().build();
    let client = sealing_http_client(config.http_client(), sealing.clone())?;
    let config = config.to_builder().http_client(client).interceptor(Guard).build();
    Ok(Client { sdk: aws_sdk_dynamodb::Client::from_conf(config), sealing })
}

/// A client of `aws_sdk_dynamodb` that is sealed. Only [`seal`] makes one, so that code which asks for this type cannot be
/// given a client that writes plaintext. Everything that the SDK's client can do, it does: it dereferences to one.
///
/// ```compile_fail,E0308
/// struct Store {
///     db: dynaseal::Client,
/// }
///
/// fn forgotten(config: &aws_sdk_dynamodb::Config) -> Store {
///     Store { db: aws_sdk_dynamodb::Client::from_conf(config.clone()) }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    sdk: aws_sdk_dynamodb::Client,
    sealing: Sealing,
}

impl Client {
    /// The engine of a client: `dynaseal::Client::engine(&client)`. The SDK's client has the methods.
    #[must_use]
    pub fn engine(this: &Self) -> &Arc<Engine> {
        &this.sealing.engine
    }

    /// What a client is sealed with: `dynaseal::Client::sealing(&client)`.
    #[must_use]
    pub fn sealing(this: &Self) -> &Sealing {
        &this.sealing
    }
}

impl Deref for Client {
    type Target = aws_sdk_dynamodb::Client;

    fn deref(&self) -> &Self::Target {
        &self.sdk
    }
}

/// The HTTP client that seals, over the configured one or the SDK's own.
pub(crate) fn sealing_http_client(
    inner: Option<SharedHttpClient>,
    sealing: Sealing,
) -> Result<SharedHttpClient, Error> {
    let inner = inner.or_else(default_http_client).ok_or(Error::NoHttpClient)?;
    if seals(&inner) {
        return Err(Error::SealedTwice);
    }
    Ok(SharedHttpClient::new(SealingClient::new(inner, sealing)))
}

/// The client that the SDK would use by itself.
fn default_http_client() -> Option<SharedHttpClient> {
    let plugin = default_http_client_plugin_v2(BehaviorVersion::latest())?;
    plugin.runtime_components(&RuntimeComponentsBuilder::new("dynaseal")).http_client()
}
