//! The network: a pool of connections, each call signed and bounded in time and size.
//!
//! Calls of DynamoDB are not retried: the caller's SDK does that, and knows what it may repeat. No SDK stands behind calls
//! of KMS, so they get a few tries within the time of one call: `retry.rs`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_config::default_provider::region;
use aws_credential_types::provider::SharedCredentialsProvider;
use bytes::Bytes;
use dynaseal_engine::{Answer, BoxFuture, Call, Service, Wire, WireError};
use dynaseal_http::Scope;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower_service::Service as TowerService;

use crate::endpoint::Endpoints;
use crate::error::Error;
use crate::retry::{Retries, TRIES};
use crate::settings::{Target, UpstreamLimits};
use crate::sign::Signer;

/// DynamoDB, or what speaks its API, and KMS, over HTTP.
#[derive(Debug)]
pub struct Upstream {
    client: Client<InTime, Full<Bytes>>,
    endpoints: Endpoints,
    signer: Signer,
    limits: UpstreamLimits,
    retries: Retries,
}

impl Upstream {
    /// The network part of `target`, with the environment's credentials and, unless it names one, its region.
    pub async fn open(target: &Target, limits: UpstreamLimits) -> Result<Self, Error> {
        // Checked before the environment is asked, which can mean a call to the instance's metadata service.
        Endpoints::of(target, ANY_REGION)?;
        let region = match &target.region {
            Some(region) => Some(region.clone()),
            None => region::Builder::default().build().region().await.map(|region| region.as_ref().to_owned()),
        };
        let region = region.ok_or(Error::NoRegion)?;
        let endpoints = Endpoints::of(target, &region)?;
        if target.kms {
            tracing::info!(to = endpoints.kms_words(), "calls of KMS");
        }
        Self::new(endpoints, Signer::from_environment(region).await, limits)
    }

    /// The network part of `target`, which must name its region, with credentials from `provider`.
    pub fn with_credentials(
        target: &Target,
        provider: SharedCredentialsProvider,
        limits: UpstreamLimits,
    ) -> Result<Self, Error> {
        let region = target.region.as_deref().ok_or(Error::NoRegion)?;
        Self::new(Endpoints::of(target, region)?, Signer::new(provider), limits)
    }

    fn new(endpoints: Endpoints, signer: Signer, limits: UpstreamLimits) -> Result<Self, Error> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::aws_lc_rs::default_provider())
            .map_err(|source| Error::Tls { source })?
            // `endpoint.rs` has refused http to other machines.
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .build(InTime { inner: tls, limit: limits.connect_time });
        Ok(Self { client, endpoints, signer, limits, retries: Retries::default() })
    }

    async fn call(&self, call: Call) -> Result<Answer, WireError> {
        let (uri, region) = self.endpoints.at(call.service, call.region.as_deref()).ok_or(WireError::Unreachable)?;
        let target = format!("{}.{}", call.service.target_prefix(), call.operation);
        let body = Bytes::from(call.body);
        let UpstreamLimits { answer_time, answer, .. } = self.limits;
        match call.service {
            Service::DynamoDb | Service::DynamoDbStreams => {
                let (scope, protocol) = (Scope { region, service: "dynamodb" }, "application/x-amz-json-1.0");
                let request = Outgoing { uri, scope, protocol, target, body };
                self.attempt(&request, answer_time, answer).await
            }
            Service::Kms => {
                let (scope, protocol) = (Scope { region, service: "kms" }, "application/x-amz-json-1.1");
                let request = Outgoing { uri, scope, protocol, target, body };
                // A try that hangs must leave time for another.
                let attempt = || self.attempt(&request, answer_time / TRIES, answer.min(KMS_ANSWER));
                self.retries.carry_out(answer_time, attempt).await
            }
            Service::Vault => Err(WireError::Unreachable),
        }
    }

    async fn attempt(&self, outgoing: &Outgoing<'_>, limit: Duration, longest: usize) -> Result<Answer, WireError> {
        let mut request = outgoing.request()?;
        // Outside the time limit: fetching credentials has limits of its own, and nothing is under way yet.
        self.signer.sign(outgoing.scope, &mut request).await?;
        let exchange = async {
            let response = self
                .client
                .request(request.map(Full::new))
                .await
                .map_err(|error| if error.is_connect() { WireError::Unreachable } else { WireError::Broken })?;
            read(response, longest).await
        };
        tokio::time::timeout(limit, exchange).await.map_err(|_| WireError::Timeout)?
    }
}

/// What one call sends, as often as it is tried.
struct Outgoing<'a> {
    uri: Uri,
    scope: Scope<'a>,
    protocol: &'static str,
    target: String,
    body: Bytes,
}

impl Outgoing<'_> {
    fn request(&self) -> Result<Request<Bytes>, WireError> {
        Request::post(self.uri.clone())
            .header(HOST, host(&self.uri)?)
            .header(CONTENT_TYPE, self.protocol)
            .header("x-amz-target", &self.target)
            .body(self.body.clone())
            .map_err(|_| WireError::Broken)
    }
}

async fn read(response: hyper::Response<Incoming>, longest: usize) -> Result<Answer, WireError> {
    let (head, mut body) = response.into_parts();
    let announced = usize::try_from(hyper::body::Body::size_hint(&body).lower()).unwrap_or(usize::MAX);
    if announced > longest {
        return Err(WireError::Broken);
    }
    let mut bytes = Vec::with_capacity(announced.min(FIRST_BUFFER));
    while let Some(frame) = body.frame().await {
        if let Some(data) = frame.map_err(|_| WireError::Broken)?.data_ref() {
            if bytes.len() + data.len() > longest {
                return Err(WireError::Broken);
            }
            bytes.extend_from_slice(data);
        }
    }
    // The caller gets our checksum, so a fault that the upstream's would have shown must show here. KMS sends none.
    if announced_checksum(&head.headers).is_some_and(|announced| announced != crc32fast::hash(&bytes)) {
        return Err(WireError::Broken);
    }
    let request_id = head.headers.get("x-amzn-requestid").and_then(|id| id.to_str().ok()).map(str::to_owned);
    Ok(Answer { status: head.status.as_u16(), request_id, body: bytes })
}

impl Wire for Upstream {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(self.call(call))
    }
}

/// `Host` as the connection will send it and the signature must cover it.
fn host(uri: &Uri) -> Result<HeaderValue, WireError> {
    let authority = uri.authority().ok_or(WireError::Broken)?;
    let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let text = match authority.port_u16() {
        Some(port) if port != default_port => authority.as_str(),
        _ => authority.host(),
    };
    HeaderValue::from_str(text).map_err(|_| WireError::Broken)
}

fn announced_checksum(headers: &HeaderMap) -> Option<u32> {
    headers.get("x-amz-crc32")?.to_str().ok()?.parse().ok()
}

/// A connector with one time limit over name resolution, TCP and TLS, so that "could not be reached" stays apart from
/// "did not answer".
#[derive(Clone, Debug)]
struct InTime {
    inner: HttpsConnector<HttpConnector>,
    limit: Duration,
}

type Connection = <HttpsConnector<HttpConnector> as TowerService<Uri>>::Response;
type ConnectError = Box<dyn std::error::Error + Send + Sync>;

impl TowerService<Uri> for InTime {
    type Response = Connection;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, ConnectError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.inner.call(uri);
        let limit = self.limit;
        Box::pin(async move { tokio::time::timeout(limit, connecting).await? })
    }
}

/// Stands in for the region while an address is checked before the region is known.
const ANY_REGION: &str = "us-east-1";
const KEEPALIVE: Duration = Duration::from_secs(30);
/// Shorter than DynamoDB's own, so that a pooled connection is rarely one that the other side is closing.
const POOL_IDLE: Duration = Duration::from_secs(20);
/// What is reserved at first for an announced answer; a longer one grows as its bytes arrive.
const FIRST_BUFFER: usize = 256 << 10;
/// Far more than any answer of KMS has.
const KMS_ANSWER: usize = 64 << 10;
