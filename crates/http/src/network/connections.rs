//! HTTP to the services: a pool of connections, and each exchange bounded in time and size.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use dynaseal_engine::{Answer, TlsFault, WireError};
use http::{HeaderMap, HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tower_service::Service as TowerService;

use super::tls;
use super::trust::Trust;
use crate::retry_after;

/// How long an upstream may take and how much it may answer.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamLimits {
    /// How long a connection, its TLS handshake included, may take.
    pub connect_time: Duration,
    /// How long a call may take, from its start to the last byte of its answer.
    pub answer_time: Duration,
    /// The longest answer, in bytes. DynamoDB's pages are up to 16 MiB of values, a third more in base64.
    pub answer: usize,
}

impl Default for UpstreamLimits {
    fn default() -> Self {
        Self { connect_time: Duration::from_secs(3), answer_time: Duration::from_secs(20), answer: 64 << 20 }
    }
}

/// Connections, kept for the next exchange.
#[derive(Debug)]
pub struct Connections(Client<InTime, Full<Bytes>>);

impl Connections {
    /// A pool whose connections may take `connect_time` to be made.
    ///
    /// # Errors
    /// The cipher suites cannot be used.
    pub fn new(connect_time: Duration, trust: &Trust) -> io::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = tls.map_err(io::Error::other)?.with_root_certificates(trust.roots()).with_no_client_auth();
        let tls = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            // `address.rs` has refused http to other machines.
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .build(InTime { inner: tls, limit: connect_time });
        Ok(Self(client))
    }

    /// Sends a request and reads the whole answer, which may take `limit` and have `longest` bytes. A redirect is an answer
    /// like any other: where it leads nothing is sent.
    ///
    /// # Errors
    /// No answer came, or a longer one.
    pub async fn exchange(
        &self,
        request: Request<Bytes>,
        limit: Duration,
        longest: usize,
    ) -> Result<Answer, WireError> {
        let exchange = async {
            let response = self.0.request(request.map(Full::new)).await.map_err(|error| failure(&error))?;
            read(response, longest).await
        };
        tokio::time::timeout(limit, exchange).await.map_err(|_| WireError::Timeout)?
    }
}

fn failure(error: &hyper_util::client::legacy::Error) -> WireError {
    match error.is_connect() {
        true => tls::fault(error).map_or(WireError::Unreachable, WireError::Tls),
        false if tls::wants_certificate(error) => WireError::Tls(TlsFault::Alert),
        false => WireError::Broken,
    }
}

/// `Host` as the connection will send it and the signature must cover it.
///
/// # Errors
/// The address names none.
pub fn host(uri: &Uri) -> Result<HeaderValue, WireError> {
    let authority = uri.authority().ok_or(WireError::Broken)?;
    let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let text = match authority.port_u16() {
        Some(port) if port != default_port => authority.as_str(),
        _ => authority.host(),
    };
    HeaderValue::from_str(text).map_err(|_| WireError::Broken)
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
        return Err(WireError::Checksum);
    }
    let request_id = head.headers.get("x-amzn-requestid").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let retry_after = retry_after::read(|name| head.headers.get(name)?.to_str().ok());
    Ok(Answer { status: head.status.as_u16(), request_id, retry_after, body: bytes })
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

const KEEPALIVE: Duration = Duration::from_secs(30);
/// Shorter than DynamoDB's own, so that a pooled connection is rarely one that the other side is closing.
const POOL_IDLE: Duration = Duration::from_secs(20);
/// What is reserved at first for an announced answer; a longer one grows as its bytes arrive.
const FIRST_BUFFER: usize = 256 << 10;
