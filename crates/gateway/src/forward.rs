//! The network: a pool of connections, each call signed and bounded in time and size.
//!
//! Calls of DynamoDB are not retried: the caller's SDK does that, and knows what it may repeat. No SDK stands behind calls
//! of KMS, so they get a few tries within the time of one call: [`Retries`].

use std::sync::Arc;
use std::time::Duration;

use aws_config::default_provider::region;
use aws_credential_types::provider::SharedCredentialsProvider;
use bytes::Bytes;
use dynaseal_engine::{Answer, Attribution, BoxFuture, Call, Machine, Service, Wire, WireError};
use dynaseal_http::{Connections, Retries, Scope, TRIES, Trust, UpstreamLimits, host};
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderValue, Request, Uri};

use crate::endpoint::Endpoints;
use crate::error::Error;
use crate::settings::{Store, Target};
use crate::sign::Signer;
use crate::start::Fact;

/// DynamoDB, or what speaks its API, and KMS, over HTTP.
#[derive(Debug)]
pub struct Upstream {
    connections: Connections,
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
        let trust = Trust::load(target.ca.as_deref(), &Machine)?;
        let region = match &target.region {
            Some(region) => Some(region.clone()),
            None => region::Builder::default().build().region().await.map(|region| region.as_ref().to_owned()),
        };
        let region = region.ok_or(Error::NoRegion)?;
        let endpoints = Endpoints::of(target, &region)?;
        if target.kms {
            tracing::info!(to = endpoints.kms_words(), "calls of KMS");
        }
        Self::new(endpoints, Signer::from_environment(region).await, limits, &trust)
    }

    /// The network part of `target`, which must name its region, with credentials from `provider`.
    pub fn with_credentials(
        target: &Target,
        provider: SharedCredentialsProvider,
        limits: UpstreamLimits,
    ) -> Result<Self, Error> {
        let region = target.region.as_deref().ok_or(Error::NoRegion)?;
        let trust = Trust::load(target.ca.as_deref(), &Machine)?;
        Self::new(Endpoints::of(target, region)?, Signer::new(provider), limits, &trust)
    }

    fn new(endpoints: Endpoints, signer: Signer, limits: UpstreamLimits, trust: &Trust) -> Result<Self, Error> {
        let connections = Connections::new(limits.connect_time, trust).map_err(|source| Error::Tls { source })?;
        Ok(Self { connections, endpoints, signer, limits, retries: Retries::default() })
    }

    /// Where its calls go, and with whose credentials.
    pub(crate) async fn facts(&self, target: &Target) -> Vec<Fact> {
        let (region, from) =
            (self.endpoints.region(), if target.region.is_some() { "[gateway]" } else { "the environment" });
        let mut facts = Vec::new();
        if !matches!(target.store, Store::Embedded { .. }) {
            let (uri, is_plain) = self.endpoints.dynamodb();
            facts.push(if is_plain {
                Fact::warning("DynamoDB", format!("{uri} WITHOUT TLS (danger_plain_upstream): for tests alone"))
            } else {
                Fact::new("DynamoDB", uri.to_string())
            });
        }
        if target.kms {
            facts.push(Fact::new("KMS", self.endpoints.kms_words()));
        }
        facts.push(Fact::new("Region", format!("{region}, of {from}")));
        facts.push(match self.signer.whose().await {
            Some(whose) => Fact::new("credentials", whose),
            None => Fact::warning("credentials", NO_CREDENTIALS),
        });
        if let Some(ca) = &target.ca {
            facts.push(Fact::new("trusts", format!("the system's authorities and those in {}", ca.display())));
        }
        facts
    }

    async fn call(&self, call: Call) -> Result<Answer, WireError> {
        let (uri, region) = self.endpoints.at(call.service, call.region.as_deref()).ok_or(WireError::Unreachable)?;
        let target = format!("{}.{}", call.service.target_prefix(), call.operation);
        let (body, caller) = (Bytes::from(call.body), call.attribution);
        let UpstreamLimits { answer_time, answer, .. } = self.limits;
        match call.service {
            Service::DynamoDb | Service::DynamoDbStreams => {
                let (scope, protocol) = (Scope { region, service: "dynamodb" }, "application/x-amz-json-1.0");
                let request = Outgoing { uri, scope, protocol, target, body, caller };
                self.attempt(&request, answer_time, answer).await
            }
            Service::Kms => {
                let (scope, protocol) = (Scope { region, service: "kms" }, "application/x-amz-json-1.1");
                let request = Outgoing { uri, scope, protocol, target, body, caller };
                // A try that hangs must leave time for another.
                let attempt = || self.attempt(&request, answer_time / TRIES, answer.min(KMS_ANSWER));
                self.retries.carry_out(Service::Kms, answer_time, attempt).await
            }
            // `upstream.rs` sends them elsewhere.
            Service::Vault => Err(WireError::Unreachable),
        }
    }

    async fn attempt(&self, outgoing: &Outgoing<'_>, limit: Duration, longest: usize) -> Result<Answer, WireError> {
        let mut request = outgoing.request()?;
        // Outside the time limit: fetching credentials has limits of its own, and nothing is under way yet.
        self.signer.sign(outgoing.scope, &mut request).await?;
        // Not signed: what stands between here and there may change them.
        outgoing.attribute(&mut request);
        self.connections.exchange(request, limit, longest).await
    }
}

/// What one call sends, as often as it is tried.
struct Outgoing<'a> {
    uri: Uri,
    scope: Scope<'a>,
    protocol: &'static str,
    target: String,
    body: Bytes,
    caller: Option<Arc<Attribution>>,
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

    fn attribute(&self, request: &mut Request<Bytes>) {
        let Some(Attribution { user_agent, traceparent, tracestate }) = self.caller.as_deref() else { return };
        let texts = [
            ("user-agent", Some(user_agent)),
            ("traceparent", traceparent.as_ref()),
            ("tracestate", tracestate.as_ref()),
        ];
        for (name, text) in texts {
            if let Some(value) = text.and_then(|text| HeaderValue::from_str(text).ok()) {
                request.headers_mut().insert(name, value);
            }
        }
    }
}

impl Wire for Upstream {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(self.call(call))
    }
}

const NO_CREDENTIALS: &str = "none found: no call is sent until there are some (DSL-6003); set AWS_ACCESS_KEY_ID and \
                              AWS_SECRET_ACCESS_KEY, a profile, or a role of this machine or container";
/// Stands in for the region while an address is checked before the region is known.
const ANY_REGION: &str = "us-east-1";
/// Far more than any answer of KMS has.
const KMS_ANSWER: usize = 64 << 10;
