//! The one way out: replies and refusals as HTTP. What the engine says takes its shape in `dynaseal_http`, as it does in
//! every head; what only a server can say, here:
//!
//! | what happened                                | status | `__type`                         | do SDKs retry |
//! |----------------------------------------------|--------|----------------------------------|---------------|
//! | no operation that we know                    | 400, 404 | `UnknownOperationException`    | no            |
//! | a web page, or a name that one could have      | 403    | `AccessDeniedException`          | no            |
//! | the body is too long                         | 413    | `RequestEntityTooLargeException` | no            |
//! | the body is too slow                         | 408    | `RequestTimeoutException`        | yes           |
//! | the body is compressed, and not by gzip      | 415    | `UnsupportedMediaTypeException`  | no            |
//! | the body is not the gzip that it is said to be | 400  | `SerializationException`         | no            |
//! | another protocol                             | 400    | `UnknownOperationException`      | no            |
//! | too many requests                            | 503    | `ThrottlingException`            | with backoff  |
//! | a fault of this program                      | 500    | `InternalServerError`            | yes           |
//!
//! What is ours and 503 says when to come back, in both headers that SDKs know.

use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;
use dynaseal_engine::{Error, RetryAfter};
use dynaseal_http::{Refusal, Reply, retry_after};
use dynaseal_web::minimal_headers;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;

use crate::encoding::{Protocol, RPC_V2_CBOR, SMITHY_PROTOCOL};
use crate::reject::Reject;

/// A request that has no answer of the upstream.
#[derive(Debug)]
pub(crate) enum Refused {
    Gateway(Reject),
    Engine(Error),
}

impl From<Reject> for Refused {
    fn from(reject: Reject) -> Self {
        Refused::Gateway(reject)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Refused::Engine(error)
    }
}

/// The reply to a request that was not carried out.
pub(crate) fn refused(refused: &Refused) -> Reply {
    match refused {
        Refused::Engine(error) => Reply::of_error(error),
        Refused::Gateway(reject) => {
            let (status, exception) = shape_of_reject(*reject);
            let (code, kind, hint) = (reject.code(), reject.kind(), reject.hint());
            Reply::of_refusal(Refusal { status, exception, code, kind, what: reject, hint })
        }
    }
}

/// The reply as HTTP; `close` ends the connection behind it. The checksum is always ours: bodies of protected tables change
/// on their way, the Java SDK fails hard on a wrong checksum and warns on none, and computing it costs less than a
/// microsecond for 16 KiB.
pub(crate) fn response(reply: Reply, close: bool, protocol: Protocol) -> Response<Full<Bytes>> {
    let retry_after = retry_after_of(&reply);
    let body = protocol.write(reply.body);
    let checksum = crc32fast::hash(&body);
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    minimal_headers(headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(protocol.content_type()));
    if !protocol.is_read() {
        headers.insert(SMITHY_PROTOCOL, HeaderValue::from_static(RPC_V2_CBOR));
    }
    headers.insert("x-amz-crc32", HeaderValue::from(checksum));
    retry_after::write(retry_after, headers);
    if let Ok(id) = HeaderValue::try_from(reply.request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    if close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// What the upstream said of when to come back; of what is ours, about a second.
fn retry_after_of(reply: &Reply) -> RetryAfter {
    let is_ours = reply.code.is_some() && reply.status == StatusCode::SERVICE_UNAVAILABLE;
    if !is_ours || reply.retry_after != RetryAfter::default() {
        return reply.retry_after;
    }
    // Those who were turned away together do not come back together.
    let random = u32::try_from(RandomState::new().hash_one(()) % 1000).unwrap_or_default();
    RetryAfter { milliseconds: Some(500 + random), seconds: Some(1) }
}

fn shape_of_reject(reject: Reject) -> (StatusCode, &'static str) {
    match reject {
        Reject::Target => (StatusCode::BAD_REQUEST, "UnknownOperationException"),
        Reject::Route => (StatusCode::NOT_FOUND, "UnknownOperationException"),
        Reject::Browser | Reject::Host => (StatusCode::FORBIDDEN, "AccessDeniedException"),
        Reject::BodyTooLong { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLargeException"),
        Reject::Encoding { .. } => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaTypeException"),
        Reject::Garbled => (StatusCode::BAD_REQUEST, "SerializationException"),
        Reject::Protocol => (StatusCode::BAD_REQUEST, "UnknownOperationException"),
        Reject::BodySlow => (StatusCode::REQUEST_TIMEOUT, "RequestTimeoutException"),
        Reject::Busy => (StatusCode::SERVICE_UNAVAILABLE, "ThrottlingException"),
        other @ (Reject::BodyCut | Reject::Panicked) => Reply::shape_of(other.kind()),
    }
}

#[cfg(test)]
mod tests {
    use dynaseal_engine::Answer;

    use super::*;

    #[test]
    fn every_rejection_has_a_type_a_code_and_advice() {
        let cases = [
            (Reject::Target, 400, "UnknownOperationException", "DSL-7101"),
            (Reject::Route, 404, "UnknownOperationException", "DSL-7102"),
            (Reject::Browser, 403, "AccessDeniedException", "DSL-7103"),
            (Reject::Host, 403, "AccessDeniedException", "DSL-7108"),
            (Reject::BodyTooLong { limit: 7 }, 413, "RequestEntityTooLargeException", "DSL-7104"),
            (Reject::BodySlow, 408, "RequestTimeoutException", "DSL-7105"),
            (Reject::BodyCut, 400, "ValidationException", "DSL-7106"),
            (Reject::Busy, 503, "ThrottlingException", "DSL-7107"),
            (Reject::Encoding { name: "br" }, 415, "UnsupportedMediaTypeException", "DSL-7109"),
            (Reject::Garbled, 400, "SerializationException", "DSL-7110"),
            (Reject::Protocol, 400, "UnknownOperationException", "DSL-7111"),
            (Reject::Panicked, 500, "InternalServerError", "DSL-7199"),
        ];
        for (case, status, exception, code) in cases {
            let reply = refused(&case.into());
            let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
            assert_eq!((reply.status.as_u16(), reply.code), (status, Some(code)), "{case:?}");
            assert_eq!(body["__type"], format!("com.amazonaws.dynamodb.v20120810#{exception}"));
            let message = body["message"].as_str().unwrap();
            assert!(message.starts_with(code) && message.contains(". "), "{message}");
        }
    }

    #[test]
    fn the_checksum_is_of_the_bytes_that_leave() {
        let answer = Answer { request_id: Some("ID".into()), ..Answer::new(200, b"{}".to_vec()) };
        let response = response(Reply::of_answer("GetItem", answer).unwrap(), false, Protocol::Json);
        assert_eq!(response.headers()["x-amz-crc32"], "2745614147");
        assert_eq!(response.headers()["content-type"], "application/x-amz-json-1.0");
        assert_eq!(response.headers()["x-amzn-requestid"], "ID");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert!(!response.headers().contains_key("connection"));
    }
}
