//! The SigV4 signature of one request.

use std::time::SystemTime;

use aws_sigv4::http_request::{self, SignableBody, SignableRequest, SigningSettings};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use dynaseal_engine::WireError;
use http::Request;

/// What a signature is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The region, such as `eu-west-1`.
    pub region: &'a str,
    /// The service's name in signatures: `dynamodb`, `kms`.
    pub service: &'a str,
}

/// Adds the date, the signature and, for temporary credentials, the session token. Every header set so far is signed.
///
/// # Errors
/// The identity holds no AWS credentials, or the request is none that can be signed.
pub fn sign<B: AsRef<[u8]>>(
    request: &mut Request<B>,
    identity: &Identity,
    scope: Scope<'_>,
    time: SystemTime,
) -> Result<(), WireError> {
    let parameters = v4::SigningParams::builder()
        .identity(identity)
        .region(scope.region)
        .name(scope.service)
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| WireError::NoCredentials)?
        .into();
    let uri = request.uri().to_string();
    let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let body = SignableBody::Bytes(request.body().as_ref());
    let signable = SignableRequest::new(request.method().as_str(), uri, headers, body);
    let signable = signable.map_err(|_| WireError::NoCredentials)?;
    let signed = http_request::sign(signable, &parameters).map_err(|_| WireError::NoCredentials)?;
    signed.into_parts().0.apply_to_request_http1x(request);
    Ok(())
}
