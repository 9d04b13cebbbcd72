//! What keeps a sealed client from sending past its seal.
//!
//! An HTTP client can be replaced later: by `client.config().to_builder().http_client(…)`, or for one call by
//! `customize().config_override(…)`. The interceptor stays in both, and refuses before anything is written.

use aws_sdk_dynamodb::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, HttpClient, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;

use crate::error::Error;

/// Refuses calls whose HTTP client does not seal.
#[derive(Debug)]
pub(crate) struct Guard;

impl Intercept for Guard {
    fn name(&self) -> &'static str {
        "Dynaseal"
    }

    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let sealing = components.http_client().is_some_and(|client| seals(&client));
        if sealing { Ok(()) } else { Err(Error::Replaced.into()) }
    }
}

/// Whether an HTTP client is one of ours.
pub(crate) fn seals(client: &impl HttpClient) -> bool {
    client.connector_metadata().is_some_and(|metadata| metadata.name() == NAME)
}

/// How our HTTP client names itself, in the user agent too.
pub(crate) fn metadata() -> ConnectorMetadata {
    ConnectorMetadata::new(NAME, Some(env!("CARGO_PKG_VERSION").into()))
}

const NAME: &str = "dynaseal";
