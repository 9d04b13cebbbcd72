//! WEB: the edge of a service that keeps personal data in DynamoDB. Layers for tower, and with it axum, hyper and tonic.
//!
//! ```text
//!   request ──> RequireHttps ──> secure_headers ──> sensitive_headers ──> trace ──> limit ──> the service
//!               400 or 308,      on every answer    never logged         method,   413           |
//!               HSTS                                                     route                   v
//!   response <────────────────────────────────────────────────────────── Failure <── an error of DynamoDB or Dynaseal
//!                                                          409, 422, 500, 503; integrity is a security event
//! ```
//!
//! In this order the first two see every answer, also those that a layer below makes. Types are those of `http` and `tower`
//! only. [`redact`] takes secrets out of JSON before it is logged.
//!
//! ```
//! # #[cfg(feature = "layers")] {
//! use dynaseal_web::{RequireHttps, secure_headers, sensitive_headers, trace};
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # let _ = async {
//! let service = ServiceBuilder::new()
//!     .layer(RequireHttps::new().trust("10.0.0.0/8".parse().unwrap()))
//!     .layer(secure_headers())
//!     .layer(sensitive_headers())
//!     .layer(trace())
//!     .service(service_fn(async |_: Request<String>| Ok::<_, std::convert::Infallible>(Response::new(String::new()))));
//! service.oneshot(Request::new(String::new())).await
//! # };
//! # }
//! ```

mod errors;
mod failure;
mod headers;
mod redact;
#[cfg(feature = "aws-sdk")]
mod sdk;

#[cfg(feature = "layers")]
mod https;
#[cfg(feature = "layers")]
mod quiet;

pub use errors::{Errors, SecurityEvent};
pub use failure::{Failure, FailureKind, Told};
#[cfg(feature = "layers")]
pub use headers::secure_headers;
pub use headers::{API_HEADERS, minimal_headers};
#[cfg(feature = "layers")]
pub use https::{Hsts, Peer, RequireHttps, RequireHttpsService};
#[cfg(feature = "layers")]
pub use quiet::{RequestSpan, SENSITIVE_HEADERS, sensitive_headers, trace};
pub use redact::{BadPattern, Redactor, is_sensitive_name, redact};
/// Limits of request bodies.
#[cfg(feature = "layers")]
pub use tower_http::limit::{RequestBodyLimitLayer, ResponseBody as LimitedBody};
