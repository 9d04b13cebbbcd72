//! The connector: the SDK's signed request in, its answer out, and the engine in between. The SDK calls it once for each
//! attempt, so retries, their pauses and the time limits of calls and attempts are the SDK's own.

use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use dynaseal_engine::{Call, Error as EngineError, Service};
use dynaseal_http::{Reply, invocation, retry_after};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body_util::BodyExt;

use crate::error::Error;
use crate::guard;
use crate::sealing::Sealing;
use crate::wire::SdkWire;

/// An HTTP client that seals, over the one that sends.
#[derive(Debug)]
pub(crate) struct SealingClient {
    inner: SharedHttpClient,
    sealing: Sealing,
}

impl SealingClient {
    pub(crate) fn new(inner: SharedHttpClient, sealing: Sealing) -> Self {
        Self { inner, sealing }
    }
}

impl HttpClient for SealingClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        let (sealing, components) = (self.sealing.clone(), components.clone());
        SharedHttpConnector::new(SealingConnector { inner, sealing, components })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        Some(guard::metadata())
    }
}

#[derive(Clone, Debug)]
struct SealingConnector {
    inner: SharedHttpConnector,
    sealing: Sealing,
    components: RuntimeComponents,
}

impl HttpConnector for SealingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move { this.carry_out(request).await })
    }
}

impl SealingConnector {
    async fn carry_out(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
        let (head, body) = request.into_parts();
        let (service, operation) = target(&head).ok_or_else(|| ConnectorError::user(Error::Unjudged.into()))?;
        let body = body.collect().await.map_err(ConnectorError::user)?.to_bytes().into();
        let call = Call::new(service, operation.clone(), body).attempt_of(invocation(&head.headers));

        let Sealing { engine, services } = self.sealing;
        let wire = SdkWire::new(head, service, self.inner, self.components, services);
        let answered = engine.call(&wire, call).await;
        match answered.and_then(|answer| Reply::of_answer(&operation, answer)) {
            Ok(reply) => response(reply),
            // What the SDK's own connector said is what its retries and callers know how to read.
            Err(error @ EngineError::Wire { .. }) => match wire.into_failure() {
                Some(failure) => Err(failure),
                None => response(Reply::of_error(&error)),
            },
            Err(error) => response(Reply::of_error(&error)),
        }
    }
}

/// Service and operation, if the request is one of the JSON protocol that the engine reads.
fn target(head: &Parts) -> Option<(Service, String)> {
    let text = |name: &str| {
        // Of two targets nobody knows which one DynamoDB would take.
        let mut values = head.headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok())
    };
    let (prefix, operation) = text("x-amz-target")?.split_once('.')?;
    let is_json = text(CONTENT_TYPE.as_str()) == Some(PROTOCOL);
    is_json.then_some((Service::from_target_prefix(prefix)?, operation.to_owned()))
}

/// Without `x-amz-crc32`, which DynamoDB computed over other bytes.
fn response(reply: Reply) -> Result<HttpResponse, ConnectorError> {
    let mut response = http::Response::builder()
        .status(reply.status)
        .header(CONTENT_TYPE, PROTOCOL)
        .header("x-amzn-requestid", reply.request_id)
        .body(SdkBody::from(reply.body))
        .map_err(|error| ConnectorError::other(error.into(), None))?;
    retry_after::write(reply.retry_after, response.headers_mut());
    response
        .try_into()
        .map_err(|error: aws_smithy_runtime_api::http::HttpError| ConnectorError::other(error.into(), None))
}

const PROTOCOL: &str = "application/x-amz-json-1.0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_one_target() {
        let of = |targets: &[&str]| {
            let start = http::Request::post("/").header(CONTENT_TYPE, PROTOCOL);
            let request = targets.iter().fold(start, |request, one| request.header("X-Amz-Target", *one));
            target(&request.body(()).unwrap().into_parts().0)
        };
        let put = "DynamoDB_20120810.PutItem";
        assert_eq!(of(&[put]), Some((Service::DynamoDb, "PutItem".to_owned())));
        for targets in [&[][..], &[put, put], &["DynamoDB_20120810.ListTables", put]] {
            assert_eq!(of(targets), None);
        }
    }
}
