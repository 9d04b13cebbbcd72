//! The upstream over the network: a pool of connections, each call signed and bounded in time and size.
//!
//! Nothing is retried here: the caller's SDK does that, and knows what it may repeat.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_config::default_provider::region;
use aws_credential_types::provider::SharedCredentialsProvider;
use bytes::Bytes;
use dynaseal_engine::{Answer, BoxFuture, Call, Service, Wire, WireError};
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
use crate::settings::UpstreamLimits;
use crate::sign::Signer;

/// DynamoDB, or what speaks its API, over HTTP.
#[derive(Debug)]
pub struct Upstream {
    client: Client<InTime, Full<Bytes>>,
    endpoints: Endpoints,
    signer: Signer,
    limits: UpstreamLimits,
}

impl Upstream {
    /// Amazon DynamoDB, with the environment's credentials and, unless one is given, its region.
    pub async fn dynamodb(region: Option<String>, limits: UpstreamLimits) -> Result<Self, Error> {
        let region = region_or_environment(region).await.ok_or(Error::NoRegion)?;
        let endpoints = Endpoints::aws(&region)?;
        Self::new(endpoints, Signer::from_environment(region).await, limits)
    }

    /// The endpoint at `url`, with the environment's credentials.
    pub async fn endpoint(url: &str, region: Option<String>, limits: UpstreamLimits) -> Result<Self, Error> {
        // Checked before the environment is asked, which can mean a call to the instance's metadata service.
        Endpoints::one(url, ANY_REGION)?;
        let region = region_or_environment(region).await.ok_or(Error::NoRegion)?;
        let endpoints = Endpoints::one(url, &region)?;
        Self::new(endpoints, Signer::from_environment(region).await, limits)
    }

    /// The endpoint at `url`, with credentials from `provider`.
    pub fn with_credentials(
        url: &str,
        region: &str,
        provider: SharedCredentialsProvider,
        limits: UpstreamLimits,
    ) -> Result<Self, Error> {
        Self::new(Endpoints::one(url, region)?, Signer::new(provider, region.to_owned()), limits)
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
        Ok(Self { client, endpoints, signer, limits })
    }

    async fn call(&self, call: Call) -> Result<Answer, WireError> {
        let (protocol, signing_name) = match call.service {
            Service::DynamoDb | Service::DynamoDbStreams => ("application/x-amz-json-1.0", "dynamodb"),
            Service::Kms => ("application/x-amz-json-1.1", "kms"),
            Service::Vault => return Err(WireError::Unreachable),
        };
        let mut request = self.request(call, protocol)?;
        // Outside the time limit: fetching credentials has limits of its own, and nothing is under way yet.
        self.signer.sign(signing_name, &mut request).await?;
        let exchange = async {
            let response = self
                .client
                .request(request.map(Full::new))
                .await
                .map_err(|error| if error.is_connect() { WireError::Unreachable } else { WireError::Broken })?;
            self.read(response).await
        };
        tokio::time::timeout(self.limits.answer_time, exchange).await.map_err(|_| WireError::Timeout)?
    }

    fn request(&self, call: Call, protocol: &'static str) -> Result<Request<Bytes>, WireError> {
        let uri = self.endpoints.of(call.service);
        Request::post(uri.clone())
            .header(HOST, host(uri)?)
            .header(CONTENT_TYPE, protocol)
            .header("x-amz-target", format!("{}.{}", call.service.target_prefix(), call.operation))
            .body(Bytes::from(call.body))
            .map_err(|_| WireError::Broken)
    }

    async fn read(&self, response: hyper::Response<Incoming>) -> Result<Answer, WireError> {
        let (head, mut body) = response.into_parts();
        let announced = usize::try_from(hyper::body::Body::size_hint(&body).lower()).unwrap_or(usize::MAX);
        if announced > self.limits.answer {
            return Err(WireError::Broken);
        }
        let mut bytes = Vec::with_capacity(announced.min(FIRST_BUFFER));
        while let Some(frame) = body.frame().await {
            if let Some(data) = frame.map_err(|_| WireError::Broken)?.data_ref() {
                if bytes.len() + data.len() > self.limits.answer {
                    return Err(WireError::Broken);
                }
                bytes.extend_from_slice(data);
            }
        }
        // The caller gets our checksum, so a fault that the upstream's would have shown must show here.
        if announced_checksum(&head.headers).is_some_and(|announced| announced != crc32fast::hash(&bytes)) {
            return Err(WireError::Broken);
        }
        let request_id = head.headers.get("x-amzn-requestid").and_then(|id| id.to_str().ok()).map(str::to_owned);
        Ok(Answer { status: head.status.as_u16(), request_id, body: bytes })
    }
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

async fn region_or_environment(region: Option<String>) -> Option<String> {
    match region {
        Some(region) => Some(region),
        None => region::Builder::default().build().region().await.map(|region| region.as_ref().to_owned()),
    }
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
