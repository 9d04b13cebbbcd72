//! Why the gateway itself turns a request away, before the engine sees it.

use dynaseal_item::Kind;
use thiserror::Error;

/// A request that the gateway does not carry out.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum Reject {
    #[error("the request does not name one operation of DynamoDB or DynamoDB Streams")]
    Target,
    #[error("the gateway takes POST requests to / alone")]
    Route,
    #[error("the request comes from a web page")]
    Browser,
    #[error("the request calls the gateway by a name that is not its own")]
    Host,
    #[error("the request body is longer than {limit} bytes")]
    BodyTooLong { limit: usize },
    #[error("the request body did not arrive in time")]
    BodySlow,
    #[error("the request body ended early")]
    BodyCut,
    #[error("the request body is compressed in a way that the gateway does not read: {name}")]
    Encoding { name: &'static str },
    #[error("the request body is not the gzip that its Content-Encoding says")]
    Garbled,
    #[error("the request speaks the protocol rpc-v2-cbor, and the gateway speaks awsJson1_0 alone")]
    Protocol,
    #[error("the gateway is working on as many requests as it may")]
    Busy,
    #[error("the gateway failed on this request")]
    Panicked,
}

impl Reject {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Reject::Target => "DSL-7101",
            Reject::Route => "DSL-7102",
            Reject::Browser => "DSL-7103",
            Reject::Host => "DSL-7108",
            Reject::BodyTooLong { .. } => "DSL-7104",
            Reject::BodySlow => "DSL-7105",
            Reject::BodyCut => "DSL-7106",
            Reject::Busy => "DSL-7107",
            Reject::Encoding { .. } => "DSL-7109",
            Reject::Garbled => "DSL-7110",
            Reject::Protocol => "DSL-7111",
            Reject::Panicked => "DSL-7199",
        }
    }

    pub(crate) fn kind(self) -> Kind {
        match self {
            Reject::Busy | Reject::BodySlow => Kind::Outage,
            Reject::Panicked => Kind::Internal,
            _ => Kind::Caller,
        }
    }

    pub(crate) fn hint(self) -> &'static str {
        match self {
            Reject::Target => "use an AWS SDK that sends X-Amz-Target, such as DynamoDB_20120810.GetItem",
            Reject::Route => {
                "set the SDK's endpoint to the gateway's address without a path; /healthz and /metrics take GET"
            }
            Reject::Browser => "call the gateway from a server: it holds the keys and AWS credentials",
            Reject::Host => {
                "call it by its address, or list the name in allowed_hosts of [gateway]; a page could have taken it over"
            }
            Reject::BodyTooLong { .. } => "split the request; DynamoDB takes at most 16 MiB",
            Reject::BodySlow | Reject::BodyCut => "try again; if it lasts, check the network to the gateway",
            Reject::Encoding { .. } => "send the body as it is, or with Content-Encoding: gzip",
            Reject::Garbled => "send what gzip makes of the whole body, or the body as it is, without Content-Encoding",
            Reject::Protocol => {
                "let the SDK's client speak awsJson1_0 (application/x-amz-json-1.0 with X-Amz-Target), as it does unless told otherwise"
            }
            Reject::Busy => "try again with backoff, as the AWS SDKs do; if it lasts, raise the limit or add gateways",
            Reject::Panicked => "report it with the request id; the log names the place in the source",
        }
    }
}
