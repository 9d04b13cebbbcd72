//! The engine's wire over the SDK's own connector: each call goes where the SDK's request went, signed for the same scope
//! with the same identity. A call of another Region, as of a key store there, goes to that Region. Calls of other services go
//! the ways that the application gave.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::config::RuntimeComponents;
use aws_smithy_async::future::timeout::Timeout;
use aws_smithy_async::rt::sleep::AsyncSleep;
use aws_smithy_runtime_api::client::auth::{AuthScheme, AuthSchemeId};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::identity::{Identity, ResolveCachedIdentity};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use dynaseal_engine::{Answer, BoxFuture, Call, Service, Wire, WireError};
use dynaseal_http::{Scope, retry_after, sign};
use http::header::{AUTHORIZATION, CONTENT_LENGTH};
use http::request::Parts;
use http::{HeaderValue, Request, Uri};
use http_body_util::BodyExt;

use crate::error::Error;
use crate::services::Services;

/// The way to DynamoDB for the calls of one request.
pub(crate) struct SdkWire {
    head: Parts,
    service: Service,
    inner: SharedHttpConnector,
    components: RuntimeComponents,
    services: Services,
    failure: Mutex<Option<ConnectorError>>,
}

impl SdkWire {
    /// For the request with this head, which the SDK has signed.
    pub(crate) fn new(
        head: Parts,
        service: Service,
        inner: SharedHttpConnector,
        components: RuntimeComponents,
        services: Services,
    ) -> Self {
        Self { head, service, inner, components, services, failure: Mutex::default() }
    }

    /// Why the last call that failed got no answer.
    pub(crate) fn into_failure(self) -> Option<ConnectorError> {
        self.failure.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    async fn exchange(&self, call: Call) -> Result<Answer, ConnectorError> {
        let request = self.request(call).await?.map(SdkBody::from);
        let request = HttpRequest::try_from(request).map_err(|error| ConnectorError::user(error.into()))?;
        let response = self.inner.call(request).await?;
        let status = response.status().as_u16();
        let request_id = response.headers().get("x-amzn-requestid").map(str::to_owned);
        let retry_after = retry_after::read(|name| response.headers().get(name));
        Ok(Answer { status, request_id, retry_after, body: self.read(response.into_body()).await? })
    }

    /// The SDK's request with this call's target and body in place of its own.
    async fn request(&self, call: Call) -> Result<Request<Vec<u8>>, ConnectorError> {
        let target = format!("{}.{}", call.service.target_prefix(), call.operation);
        let target = HeaderValue::try_from(target).map_err(|error| ConnectorError::user(error.into()))?;
        let length = HeaderValue::from(call.body.len());
        let elsewhere = call.region;
        let mut request = Request::new(call.body);
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = self.head.uri.clone();
        *request.headers_mut() = self.head.headers.clone();
        let headers = request.headers_mut();
        headers.insert("x-amz-target", target);
        headers.insert(CONTENT_LENGTH, length);
        // A client that signs nothing, as for a local DynamoDB, goes on signing nothing.
        let Some(signed) = headers.remove(AUTHORIZATION) else { return Ok(request) };
        for name in ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] {
            headers.remove(name);
        }
        let scope = signed.to_str().ok().and_then(scope);
        let mut scope = scope.ok_or_else(|| ConnectorError::user(Error::Signature.into()))?;
        if let Some(region) = elsewhere.as_deref().filter(|region| *region != scope.region) {
            *request.uri_mut() = in_region(request.uri(), scope.region, region)
                .ok_or_else(|| ConnectorError::user(Error::OtherRegion.into()))?;
            scope.region = region;
        }
        let identity = self.identity().await?;
        let now = self.components.time_source().map_or_else(SystemTime::now, |time| time.now());
        sign(&mut request, &identity, scope, now).map_err(|_| ConnectorError::user(Error::Signature.into()))?;
        Ok(request)
    }

    /// The identity that the SDK signed with: out of its own cache, which fetches a new one before the old one expires.
    async fn identity(&self) -> Result<Identity, ConnectorError> {
        let scheme = self.components.auth_scheme(SIGV4);
        let resolver = scheme.and_then(|scheme| scheme.identity_resolver(&self.components));
        let resolver = resolver.ok_or_else(|| ConnectorError::user(Error::Signature.into()))?;
        let (cache, config) = (self.components.identity_cache(), ConfigBag::base());
        cache.resolve_cached_identity(resolver, &self.components, &config).await.map_err(ConnectorError::user)
    }

    /// The body, which may take its time but must keep coming, and must end.
    async fn read(&self, mut body: SdkBody) -> Result<Vec<u8>, ConnectorError> {
        let mut bytes = Vec::new();
        loop {
            let frame = match self.components.sleep_impl() {
                Some(timers) => Timeout::new(body.frame(), timers.sleep(STALLED))
                    .await
                    .map_err(|_| ConnectorError::timeout(Error::Stalled.into()))?,
                None => body.frame().await,
            };
            let Some(frame) = frame else { return Ok(bytes) };
            if let Some(data) = frame.map_err(ConnectorError::io)?.data_ref() {
                if bytes.len().saturating_add(data.len()) > LONGEST {
                    // Asked again it would be as long, so this is none of the errors that the SDK tries again.
                    return Err(ConnectorError::other(Error::TooLong.into(), None));
                }
                bytes.extend_from_slice(data);
            }
        }
    }
}

impl Wire for SdkWire {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        // What befalls a call of another service is the engine's to tell, with the key and the operation.
        if call.service != self.service {
            return self.services.send(call);
        }
        Box::pin(async move {
            self.exchange(call).await.map_err(|failure| {
                let error = if failure.is_timeout() {
                    WireError::Timeout
                } else if failure.is_user() {
                    WireError::Unreachable
                } else {
                    WireError::Broken
                };
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
                error
            })
        })
    }
}

/// Region and service of `AWS4-HMAC-SHA256 Credential=ID/20260101/eu-west-1/dynamodb/aws4_request, …`.
fn scope(authorization: &str) -> Option<Scope<'_>> {
    let parts = authorization.strip_prefix("AWS4-HMAC-SHA256 ")?.split([',', ' ']);
    let credential = parts.filter_map(|part| part.strip_prefix("Credential=")).next()?;
    let mut parts = credential.rsplit('/');
    let (end, service, region) = (parts.next()?, parts.next()?, parts.next()?);
    (end == "aws4_request").then_some(Scope { region, service })
}

/// The same endpoint in another Region. One that is not AWS's serves every Region, as a local DynamoDB does; but one that
/// bears the name of a Region serves that alone.
fn in_region(uri: &Uri, from: &str, to: &str) -> Option<Uri> {
    let is_name = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if to.is_empty() || !is_name(to) {
        return None;
    }
    let host = uri.host()?.to_ascii_lowercase();
    let names_region = host.split('.').any(|part| part == from);
    if !is_of_aws(host.trim_end_matches('.')) {
        return (!names_region).then(|| uri.clone());
    }
    // An endpoint in a private network is known to one Region.
    if !names_region || host.split('.').any(|part| part == "vpce") {
        return None;
    }
    let mut moved = host.split('.').map(|part| if part == from { to } else { part }).collect::<Vec<_>>().join(".");
    if let Some(port) = uri.port() {
        moved = format!("{moved}:{port}");
    }
    Uri::builder().scheme(uri.scheme()?.clone()).authority(moved).path_and_query(uri.path()).build().ok()
}

/// Whether a host is one of AWS's, in whatever partition; those that serve IPv6, too, end in `api.aws` and the like.
fn is_of_aws(host: &str) -> bool {
    SUFFIXES.iter().any(|suffix| host.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.')))
}

const SUFFIXES: [&str; 13] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "api.aws",
    "api.amazonwebservices.com.cn",
    "api.amazonwebservices.eu",
    "c2s.ic.gov",
    "api.aws.ic.gov",
    "sc2s.sgov.gov",
    "api.aws.scloud",
    "cloud.adc-e.uk",
    "api.cloud-aws.adc-e.uk",
    "csp.hci.ic.gov",
];
const SIGV4: AuthSchemeId = AuthSchemeId::new("sigv4");
/// How long a body may send nothing; as long as the SDK gives its own streams.
const STALLED: Duration = Duration::from_secs(20);
/// As in the gateway: DynamoDB's pages are up to 16 MiB of values, a third more in base64.
const LONGEST: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_of_another_region_goes_there() {
        let moved = |uri: &str, to: &str| in_region(&uri.parse().unwrap(), "eu-west-1", to).map(|uri| uri.to_string());
        let there = |uri: &str| Some(uri.to_owned());
        let own = "https://dynamodb.eu-west-1.amazonaws.com/";
        assert_eq!(moved(own, "us-east-1"), there("https://dynamodb.us-east-1.amazonaws.com/"));
        let account = "https://111122223333.ddb.eu-west-1.amazonaws.com/";
        assert_eq!(moved(account, "us-east-1"), there("https://111122223333.ddb.us-east-1.amazonaws.com/"));
        assert_eq!(moved("http://localhost:8000/", "us-east-1"), there("http://localhost:8000/"));
        assert_eq!(moved("https://ddb.example.com/", "us-east-1"), there("https://ddb.example.com/"));
        for (from, to) in [
            ("dynamodb.eu-west-1.api.aws", "dynamodb.us-east-1.api.aws"),
            ("111122223333.ddb.eu-west-1.api.aws", "111122223333.ddb.us-east-1.api.aws"),
            ("dynamodb-fips.eu-west-1.api.aws", "dynamodb-fips.us-east-1.api.aws"),
            ("dynamodb.eu-west-1.api.amazonwebservices.com.cn", "dynamodb.us-east-1.api.amazonwebservices.com.cn"),
            ("dynamodb.eu-west-1.amazonaws.eu", "dynamodb.us-east-1.amazonaws.eu"),
            ("DynamoDB.EU-West-1.amazonaws.com", "dynamodb.us-east-1.amazonaws.com"),
            ("dynamodb.eu-west-1.amazonaws.com.", "dynamodb.us-east-1.amazonaws.com."),
            ("dynamodb.eu-west-1.amazonaws.com:8443", "dynamodb.us-east-1.amazonaws.com:8443"),
        ] {
            assert_eq!(moved(&format!("https://{from}/"), "us-east-1"), there(&format!("https://{to}/")), "{from}");
        }
        // Where nobody can say what the endpoint of that Region is, nothing is sent to this one's.
        for bound in [
            "vpce-1-a.dynamodb.eu-west-1.vpce.amazonaws.com",
            "dynamodb.eu-west-1.example.com",
            "dynamodb.amazonaws.com",
            "amazonaws.com.example.eu-west-1.com",
        ] {
            assert_eq!(moved(&format!("https://{bound}/"), "us-east-1"), None, "{bound}");
        }
        for wrong in ["", "evil.example/", "a b", "x@y"] {
            assert_eq!(moved(own, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_scope_is_read_off_the_sdks_signature() {
        let signed = "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, \
                      Signature=0";
        assert_eq!(scope(signed), Some(Scope { region: "eu-west-1", service: "dynamodb" }));
        for other in ["", "Bearer x", "AWS4-ECDSA-P256-SHA256 Credential=A/b/c/d/aws4_request", "AWS4-HMAC-SHA256 x"] {
            assert_eq!(scope(other), None, "{other}");
        }
    }
}
