//! The one way to the network. The engine and the key rings say what to send; a head knows how.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use thiserror::Error;

/// A boxed future, so that [`Wire`] and the key rings can be trait objects.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A service that calls go to. Those of AWS speak awsJson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// Amazon DynamoDB.
    DynamoDb,
    /// Amazon DynamoDB Streams.
    DynamoDbStreams,
    /// AWS Key Management Service.
    Kms,
    /// HashiCorp Vault or OpenBao: the operation is the path after `/v1/`, and the call is a POST of JSON.
    Vault,
}

impl Service {
    /// What stands before the dot in `X-Amz-Target`; Vault has no such header, and the name tells it apart.
    #[must_use]
    pub fn target_prefix(self) -> &'static str {
        match self {
            Service::DynamoDb => "DynamoDB_20120810",
            Service::DynamoDbStreams => "DynamoDBStreams_20120810",
            Service::Kms => "TrentService",
            Service::Vault => "Vault",
        }
    }

    /// The service of an `X-Amz-Target` prefix that callers may send; key management is only ever called by us.
    #[must_use]
    pub fn from_target_prefix(prefix: &str) -> Option<Self> {
        [Service::DynamoDb, Service::DynamoDbStreams].into_iter().find(|service| service.target_prefix() == prefix)
    }
}

/// One call of an SDK, of which each attempt is a request of its own. What is the same in all of them: `amz-sdk-invocation-id`,
/// and of `amz-sdk-request` which attempt it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The SDK's id of it.
    pub id: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
}

/// Who a call is made for, as the caller's request said it in its headers. A head that serves others sends it on, so that the
/// service's logs name the caller and a trace does not end on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attribution {
    /// `user-agent`, marked as having come through Dynaseal.
    pub user_agent: String,
    /// `traceparent` of W3C Trace Context.
    pub traceparent: Option<String>,
    /// `tracestate`, which belongs to it.
    pub tracestate: Option<String>,
}

/// One call: a service, an operation such as `PutItem`, and the JSON body.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// Where it goes.
    pub service: Service,
    /// The operation's name, for Vault a path.
    pub operation: Cow<'static, str>,
    /// The body; it may hold plaintext before sealing and is never printed.
    pub body: Vec<u8>,
    /// The AWS Region whose endpoint it must go to, such as that of a KMS key; the head's own if there is none.
    pub region: Option<String>,
    /// Whether it fetches keys or the description of a table, and so is neither the caller's request nor a step of carrying it out.
    pub aside: bool,
    /// The SDK's call of which this is an attempt, where the head can tell.
    pub invocation: Option<Invocation>,
    /// Who it is made for, where the head serves others.
    pub attribution: Option<Arc<Attribution>>,
}

impl Call {
    /// A call in the head's own Region.
    #[must_use]
    pub fn new(service: Service, operation: impl Into<Cow<'static, str>>, body: Vec<u8>) -> Self {
        Self {
            service,
            operation: operation.into(),
            body,
            region: None,
            aside: false,
            invocation: None,
            attribution: None,
        }
    }

    /// The same call in a Region.
    #[must_use]
    pub fn in_region(mut self, region: Option<&str>) -> Self {
        self.region = region.map(str::to_owned);
        self
    }

    /// The same call as one that only prepares: it fetches keys or the description of a table.
    #[must_use]
    pub fn aside(mut self) -> Self {
        self.aside = true;
        self
    }

    /// The same call as an attempt of an SDK's.
    #[must_use]
    pub fn attempt_of(mut self, invocation: Option<Invocation>) -> Self {
        self.invocation = invocation;
        self
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}.{} ({} bytes)", self.service, self.operation, self.body.len())
    }
}

/// What came back, errors of the service included.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The service's request id, if it sent one.
    pub request_id: Option<String>,
    /// When it may be asked again, as far as it says so.
    pub retry_after: RetryAfter,
    /// The body.
    pub body: Vec<u8>,
}

/// How long a service that could not carry a call out wants to be left alone. It can say so in two headers, of which each SDK
/// obeys its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetryAfter {
    /// `x-amz-retry-after`, in milliseconds.
    pub milliseconds: Option<u32>,
    /// `Retry-After`, in seconds.
    pub seconds: Option<u32>,
}

impl Answer {
    /// An answer of status and body alone.
    #[must_use]
    pub fn new(status: u16, body: Vec<u8>) -> Self {
        Self { status, request_id: None, retry_after: RetryAfter::default(), body }
    }

    /// Whether the call succeeded.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.status == 200
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.status, self.body.len())
    }
}

/// No answer came.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum WireError {
    /// The connection could not be made.
    #[error("it could not be reached")]
    Unreachable,
    /// The connection was made and is not the one that was wanted. Nothing was sent.
    #[error("TLS failed: {0}")]
    Tls(TlsFault),
    /// The connection broke before the answer was complete, or the answer was too long; the call may have been carried out.
    #[error("the connection broke before its answer was complete, or the answer was too long")]
    Broken,
    /// The answer came whole and is not the one that was sent; the call may have been carried out.
    #[error("its answer does not fit the checksum that came with it (x-amz-crc32): something on the way changed it")]
    Checksum,
    /// The time limit passed; the call may have been carried out.
    #[error("it did not answer in time")]
    Timeout,
    /// There are no credentials to sign the call with.
    #[error("there are no AWS credentials to sign the call with")]
    NoCredentials,
    /// There is no token to enter Vault with.
    #[error("there is no token to send with the call")]
    NoToken,
    /// This process has no client of the service, or none that may be used. The text says how to give it one.
    #[error("nothing in this process leads there")]
    NoWay(&'static str),
}

impl WireError {
    /// Whether the same call may get an answer later, with nothing changed on this side.
    #[must_use]
    pub fn is_passing(self) -> bool {
        matches!(self, Self::Unreachable | Self::Broken | Self::Checksum | Self::Timeout)
    }

    /// What to do where TLS failed.
    pub const TLS_HINT: &'static str = "if the certificate's authority is a private one, name a PEM file of it in `ca` of [gateway] or in AWS_CA_BUNDLE; \
         otherwise correct the address or the certificate";
}

/// Why TLS failed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsFault {
    /// The certificate's authority is none of those that are trusted.
    #[error("its certificate is signed by no authority that is trusted here")]
    UnknownIssuer,
    /// The certificate is another host's.
    #[error("its certificate is for another name than the one that was called")]
    WrongName,
    /// The certificate's time is over.
    #[error("its certificate has expired")]
    Expired,
    /// The certificate's time has not begun.
    #[error("its certificate is not valid yet; if it should be, this machine's clock is wrong")]
    NotYetValid,
    /// The certificate was withdrawn.
    #[error("its certificate was revoked")]
    Revoked,
    /// The certificate cannot be used for another reason.
    #[error("its certificate cannot be used to prove who it is")]
    Certificate,
    /// The other side ended the handshake.
    #[error("it ended the handshake; it may want another version of TLS, or a certificate of its caller")]
    Alert,
    /// What answers does not speak TLS.
    #[error("what answers there does not speak TLS")]
    NotTls,
    /// Anything else.
    #[error("the handshake came to no end that can be used")]
    Other,
}

/// Sends one call. Implementations retry no call of DynamoDB; a failed call of the service is an [`Answer`].
pub trait Wire: Send + Sync {
    /// Sends `call` and waits for the answer.
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>>;
}
