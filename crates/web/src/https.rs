//! Nothing behind this layer sees a request that came over plain HTTP.
//!
//! TLS that ends in this process is known to whoever accepted the connection, who says so in a [`Peer`]. TLS that ends at a
//! proxy is the proxy's word, `X-Forwarded-Proto`, and counts only if the connection comes from an address that is
//! [trusted](RequireHttps::trust), since anyone who reaches the port can write the header; and only if every value of it is
//! `https`: a proxy that appends writes `https, http` behind a client's forged one.

use std::future::Future;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, LOCATION,
    STRICT_TRANSPORT_SECURITY, TRANSFER_ENCODING,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::{Either, Full};
use ipnet::IpNet;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::redact::is_sensitive_name;

/// Where a request comes from. The server that accepted the connection puts it into the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The other end of the connection.
    pub address: IpAddr,
    /// Whether TLS ends in this process.
    pub tls: bool,
}

/// The parts of `Strict-Transport-Security`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hsts {
    /// For how many seconds browsers remember; 0 makes them forget.
    pub max_age: u32,
    /// Whether it holds for all names below the host's.
    pub include_subdomains: bool,
}

impl Default for Hsts {
    fn default() -> Self {
        Self { max_age: 31_536_000, include_subdomains: true }
    }
}

/// Refuses or redirects plain HTTP, and sets HSTS on every answer over HTTPS, errors included. The outermost layer.
#[derive(Clone, Debug)]
pub struct RequireHttps {
    rules: Arc<Rules>,
}

#[derive(Clone, Debug)]
struct Rules {
    trusted: Vec<IpNet>,
    redirect: Option<Authority>,
    hsts: HeaderValue,
}

impl RequireHttps {
    /// Believes no proxy, and answers plain HTTP with 400.
    #[must_use]
    pub fn new() -> Self {
        Self { rules: Arc::new(Rules { trusted: Vec::new(), redirect: None, hsts: hsts_value(Hsts::default()) }) }
    }

    /// Believes `X-Forwarded-Proto` of connections from these addresses.
    #[must_use]
    pub fn trust(self, addresses: IpNet) -> Self {
        self.with(|rules| rules.trusted.push(addresses))
    }

    /// Redirects GET and HEAD to this host over HTTPS, unless they carry a body or a secret: these have been sent in the
    /// clear already, and a redirect would hide it. Always to a host that is named here, never to the request's own, which
    /// the caller wrote.
    #[must_use]
    pub fn redirect_to(self, host: Authority) -> Self {
        self.with(|rules| rules.redirect = Some(host))
    }

    /// Other than a year with subdomains.
    #[must_use]
    pub fn hsts(self, hsts: Hsts) -> Self {
        self.with(|rules| rules.hsts = hsts_value(hsts))
    }

    fn with(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(Arc::make_mut(&mut self.rules));
        self
    }
}

impl Default for RequireHttps {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for RequireHttps {
    type Service = RequireHttpsService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireHttpsService { inner, rules: self.rules.clone() }
    }
}

/// The service of [`RequireHttps`].
#[derive(Clone, Debug)]
pub struct RequireHttpsService<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S, B, R> Service<Request<B>> for RequireHttpsService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<Either<R, Full<Bytes>>>;
    type Error = S::Error;
    type Future = Answer<S::Future, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if self.rules.is_secure(&request) {
            let (future, hsts) = (self.inner.call(request), self.rules.hsts.clone());
            return Answer { kind: Kind::Secure { future, hsts: Some(hsts) } };
        }
        Answer { kind: Kind::Refused { response: Some(self.rules.refuse(&request)), body: PhantomData } }
    }
}

pin_project! {
    /// The future of [`RequireHttpsService`].
    pub struct Answer<F, R> {
        #[pin]
        kind: Kind<F, R>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<F, R> {
        Secure { #[pin] future: F, hsts: Option<HeaderValue> },
        Refused { response: Option<Response<Full<Bytes>>>, body: PhantomData<R> },
    }
}

impl<F, R, E> Future for Answer<F, R>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<Either<R, Full<Bytes>>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProjection::Secure { future, hsts } => {
                let mut response = ready!(future.poll(cx))?;
                if let Some(hsts) = hsts.take() {
                    response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, hsts);
                }
                Poll::Ready(Ok(response.map(Either::Left)))
            }
            KindProjection::Refused { response, .. } => match response.take() {
                Some(response) => Poll::Ready(Ok(response.map(Either::Right))),
                // Polled again after it was over, which no caller may do.
                None => Poll::Pending,
            },
        }
    }
}

impl Rules {
    fn is_secure<B>(&self, request: &Request<B>) -> bool {
        // A server that says nothing of its connections has none that are known to be secure.
        let Some(peer) = request.extensions().get::<Peer>() else { return false };
        let address = peer.address.to_canonical();
        peer.tls || (self.trusted.iter().any(|net| net.contains(&address)) && says_https(request.headers()))
    }

    fn refuse<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let location = self.location(request);
        let mut response = Response::new(Full::from(r#"{"error":"HTTPS required"}"#));
        *response.status_mut() =
            if location.is_some() { StatusCode::PERMANENT_REDIRECT } else { StatusCode::BAD_REQUEST };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(location) = location {
            headers.insert(LOCATION, location);
        }
        if request.version() < Version::HTTP_2 {
            // The body is not read, and nothing more shall come over this connection.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn location<B>(&self, request: &Request<B>) -> Option<HeaderValue> {
        let host = self.redirect.as_ref()?;
        // A proxy that nobody told us of: a redirect would lead back here for ever.
        if says_https(request.headers()) || carries_secrets(request) {
            return None;
        }
        let path = request.uri().path_and_query()?.clone();
        let uri = Uri::builder().scheme("https").authority(host.clone()).path_and_query(path).build().ok()?;
        HeaderValue::try_from(uri.to_string()).ok()
    }
}

fn says_https(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all("x-forwarded-proto").iter().peekable();
    values.peek().is_some()
        && values.all(|value| {
            value.to_str().is_ok_and(|text| text.split(',').all(|one| one.trim().eq_ignore_ascii_case("https")))
        })
}

/// What was sent in the clear and must not pass quietly.
fn carries_secrets<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let has_body = headers.contains_key(TRANSFER_ENCODING)
        || headers.get(CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0");
    let secret_header =
        [AUTHORIZATION, COOKIE].iter().any(|name| headers.contains_key(name)) || has_sensitive_name(headers);
    let query = request.uri().query().unwrap_or_default();
    // Names are judged as they are meant, percent-encoded or not.
    let mut names = query.split(['&', ';']).map(|pair| pair.split('=').next().unwrap_or_default());
    let secret_query = names.any(is_sensitive_name);
    !matches!(*request.method(), Method::GET | Method::HEAD) || has_body || secret_header || secret_query
}

fn has_sensitive_name(headers: &HeaderMap) -> bool {
    headers.keys().filter(|name| *name != HOST).any(|name| is_sensitive_name(name.as_str()))
}

fn hsts_value(Hsts { max_age, include_subdomains }: Hsts) -> HeaderValue {
    let text = format!("max-age={max_age}{}", if include_subdomains { "; includeSubDomains" } else { "" });
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("max-age=31536000; includeSubDomains"))
}
