//! The one place where an error becomes a DynamoDB-shaped reply, and a reply becomes HTTP.
//!
//! | what happened                                | status | `__type`                    | do SDKs retry |
//! |----------------------------------------------|--------|-----------------------------|---------------|
//! | the caller's request or item is wrong        | 400    | `ValidationException`       | no            |
//! | the stored item is not what was sealed       | 400    | `ItemVerificationException` | no            |
//! | a key is missing, wrong or refused           | 400    | `AccessDeniedException`     | no            |
//! | the operation is not known                   | 400    | `UnknownOperationException` | no            |
//! | the body is too long                         | 413    | `RequestEntityTooLargeException` | no       |
//! | too many requests, or too many writers of one item | 503 | `ThrottlingException`    | with backoff  |
//! | a fault of this program                      | 500    | `InternalServerError`       | yes           |
//! | the upstream's answer cannot be used         | 502    | `InternalServerError`       | yes           |
//! | the upstream cannot be reached               | 503    | `ServiceUnavailable`        | yes           |
//! | the upstream is too slow                     | 504    | `ServiceUnavailable`        | yes           |
//!
//! What the upstream itself answers, errors included, goes on byte for byte.

use bytes::Bytes;
use dynaseal_engine::{Answer, Error, WireError};
use dynaseal_item::Kind;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::Full;

use crate::reject::Reject;

/// What a caller gets.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    pub(crate) request_id: String,
    pub(crate) outcome: Outcome,
    /// The code of our own error, if it is one.
    pub(crate) code: Option<&'static str>,
    /// Whether the connection must close behind the reply.
    pub(crate) close: bool,
}

/// How a request ended, as logs and metrics see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The upstream carried it out.
    Ok,
    /// The upstream answered with an error.
    UpstreamError,
    /// We turned it away; a retry cannot help.
    Refused,
    /// An item failed verification.
    Tampered,
    /// We could not carry it out; a retry may help.
    Failed,
}

/// A request that has no answer of the upstream.
#[derive(Debug)]
pub(crate) enum Refusal {
    Gateway(Reject),
    Engine(Error),
}

impl From<Reject> for Refusal {
    fn from(reject: Reject) -> Self {
        Refusal::Gateway(reject)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::Engine(error)
    }
}

/// The upstream's answer as it is, if it can be one of DynamoDB's at all. A success of a protected table has been read
/// by the engine; for everything else this is what keeps a proxy's error page from an SDK's JSON parser.
pub(crate) fn answer(operation: &str, answer: Answer) -> Result<Reply, Refusal> {
    let status = StatusCode::from_u16(answer.status).ok().filter(|s| *s == StatusCode::OK || s.as_u16() >= 400);
    let Some(status) = status.filter(|_| is_object(&answer.body)) else {
        let reason = format!("it has HTTP status {} and {}", answer.status, describe(&answer.body));
        return Err(Error::Answer { operation: operation.to_owned(), reason }.into());
    };
    Ok(Reply {
        status,
        body: answer.body.into(),
        request_id: answer.request_id.unwrap_or_else(new_request_id),
        outcome: if status == StatusCode::OK { Outcome::Ok } else { Outcome::UpstreamError },
        code: None,
        close: false,
    })
}

/// The reply to a request that was not carried out.
pub(crate) fn refusal(refusal: &Refusal) -> Reply {
    match refusal {
        Refusal::Gateway(reject) => {
            let (status, kind) = shape_of_reject(*reject);
            error_reply(status, kind, reject.code(), reject.kind(), reject, reject.hint())
        }
        Refusal::Engine(error) => {
            let (status, kind) = shape_of_error(error);
            error_reply(status, kind, error.code(), error.kind(), error, error.hint())
        }
    }
}

/// The reply as HTTP. The checksum is always ours: bodies of protected tables change on their way, the Java SDK fails
/// hard on a wrong checksum and warns on none, and computing it costs less than a microsecond for 16 KiB.
pub(crate) fn response(reply: Reply) -> Response<Full<Bytes>> {
    let checksum = crc32fast::hash(&reply.body);
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    headers.insert("x-amz-crc32", HeaderValue::from(checksum));
    if let Ok(id) = HeaderValue::try_from(reply.request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    if reply.close {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn shape_of_error(error: &Error) -> (StatusCode, &'static str) {
    match error {
        Error::UnknownOperation { .. } => (StatusCode::BAD_REQUEST, "UnknownOperationException"),
        Error::Contended { .. } => (StatusCode::SERVICE_UNAVAILABLE, "ThrottlingException"),
        Error::Wire { source: WireError::Timeout, .. } => (StatusCode::GATEWAY_TIMEOUT, "ServiceUnavailable"),
        Error::Answer { .. } => (StatusCode::BAD_GATEWAY, "InternalServerError"),
        other => shape_of_kind(other.kind()),
    }
}

fn shape_of_reject(reject: Reject) -> (StatusCode, &'static str) {
    match reject {
        Reject::Target => (StatusCode::BAD_REQUEST, "UnknownOperationException"),
        Reject::Route => (StatusCode::NOT_FOUND, "UnknownOperationException"),
        Reject::Browser => (StatusCode::FORBIDDEN, "AccessDeniedException"),
        Reject::BodyTooLong { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLargeException"),
        Reject::BodySlow => (StatusCode::REQUEST_TIMEOUT, "RequestTimeoutException"),
        Reject::Busy => (StatusCode::SERVICE_UNAVAILABLE, "ThrottlingException"),
        other @ (Reject::BodyCut | Reject::Panicked) => shape_of_kind(other.kind()),
    }
}

fn shape_of_kind(kind: Kind) -> (StatusCode, &'static str) {
    match kind {
        Kind::Caller | Kind::Config => (StatusCode::BAD_REQUEST, "ValidationException"),
        Kind::Data => (StatusCode::BAD_REQUEST, "ItemVerificationException"),
        Kind::Keys => (StatusCode::BAD_REQUEST, "AccessDeniedException"),
        Kind::Outage => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
        // `Kind` may grow; what we do not know is our own fault.
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
    }
}

fn error_reply(
    status: StatusCode,
    kind: &str,
    code: &'static str,
    fault: Kind,
    what: &dyn std::fmt::Display,
    hint: &str,
) -> Reply {
    let mut advice = hint.chars();
    let first = advice.next().map(|first| first.to_ascii_uppercase()).into_iter();
    let message = format!("{code}: {what}. {}.", first.chain(advice).collect::<String>());
    let body = serde_json::json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"), "message": message });
    Reply {
        status,
        body: body.to_string().into(),
        request_id: new_request_id(),
        outcome: match fault {
            Kind::Data => Outcome::Tampered,
            Kind::Outage | Kind::Internal => Outcome::Failed,
            _ => Outcome::Refused,
        },
        code: Some(code),
        close: false,
    }
}

/// Whether the bytes can be a JSON object. The SDK parses them; we look at the ends.
fn is_object(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    body.first() == Some(&b'{') && body.last() == Some(&b'}')
}

fn describe(body: &[u8]) -> &'static str {
    if body.is_empty() {
        "no body"
    } else if is_object(body) {
        "a JSON object"
    } else {
        "a body that is not a JSON object"
    }
}

/// Shaped like DynamoDB's: 52 capital letters and digits.
fn new_request_id() -> String {
    use std::fmt::Write;
    let mut random = [0; 26];
    // Without randomness an id is still an id; it only no longer tells requests apart.
    let _ = aws_lc_rs::rand::fill(&mut random);
    random.iter().fold(String::with_capacity(52), |mut id, byte| {
        let _ = write!(id, "{byte:02X}");
        id
    })
}

#[cfg(test)]
mod tests {
    use dynaseal_engine::Answer;

    use super::*;

    fn upstream(status: u16, body: &str) -> Result<Reply, Refusal> {
        answer("GetItem", Answer { status, request_id: Some("ID".into()), body: body.into() })
    }

    #[test]
    fn answers_go_on_as_they_are() {
        for (status, body, outcome) in [
            (200, "{ \"Item\" : {} }\n", Outcome::Ok),
            (400, r#"{"__type":"x#ResourceNotFoundException"}"#, Outcome::UpstreamError),
            (500, r#"{"__type":"x#InternalServerError"}"#, Outcome::UpstreamError),
        ] {
            let reply = upstream(status, body).unwrap();
            assert_eq!((reply.status.as_u16(), &reply.body[..], reply.outcome), (status, body.as_bytes(), outcome));
            assert_eq!((reply.request_id.as_str(), reply.code), ("ID", None));
        }
    }

    #[test]
    fn what_no_dynamodb_answers_becomes_a_502_without_its_text() {
        for (status, body) in
            [(200, ""), (200, "canary"), (502, "<html>canary</html>"), (301, "{}"), (204, ""), (200, "[1]"), (99, "{}")]
        {
            let reply = refusal(&upstream(status, body).unwrap_err());
            let text = std::str::from_utf8(&reply.body).unwrap();
            assert_eq!((reply.status, reply.code), (StatusCode::BAD_GATEWAY, Some("DSL-6004")), "{status} {body}");
            assert!(
                text.contains("GetItem") && text.contains(&status.to_string()) && !text.contains("canary"),
                "{text}"
            );
        }
    }

    #[test]
    fn every_refusal_has_a_type_a_code_and_advice() {
        let operation = || "PutItem".to_owned();
        let contended = Refusal::Engine(Error::Contended { operation: operation(), table: "Users".into(), tries: 12 });
        let wire = |source| Refusal::Engine(Error::Wire { operation: operation(), source });
        let item = |source| {
            Refusal::Engine(Error::Item { operation: operation(), table: "Users".into(), key: String::new(), source })
        };
        let cases: [(Refusal, u16, &str, &str); 13] = [
            (Reject::Target.into(), 400, "UnknownOperationException", "DSL-7101"),
            (Reject::Route.into(), 404, "UnknownOperationException", "DSL-7102"),
            (Reject::Browser.into(), 403, "AccessDeniedException", "DSL-7103"),
            (Reject::BodyTooLong { limit: 7 }.into(), 413, "RequestEntityTooLargeException", "DSL-7104"),
            (Reject::BodySlow.into(), 408, "RequestTimeoutException", "DSL-7105"),
            (Reject::BodyCut.into(), 400, "ValidationException", "DSL-7106"),
            (Reject::Busy.into(), 503, "ThrottlingException", "DSL-7107"),
            (Reject::Panicked.into(), 500, "InternalServerError", "DSL-7199"),
            (wire(WireError::Unreachable), 503, "ServiceUnavailable", "DSL-6001"),
            (wire(WireError::Timeout), 504, "ServiceUnavailable", "DSL-6002"),
            (contended, 503, "ThrottlingException", "DSL-2005"),
            (item(dynaseal_item::Error::Tag), 400, "ItemVerificationException", "DSL-3008"),
            (item(dynaseal_item::Error::Missing { attribute: "id".into() }), 400, "ValidationException", "DSL-1003"),
        ];
        for (case, status, kind, code) in cases {
            let reply = refusal(&case);
            let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
            assert_eq!(reply.status.as_u16(), status, "{case:?}");
            assert_eq!(body["__type"], format!("com.amazonaws.dynamodb.v20120810#{kind}"));
            assert_eq!(reply.code, Some(code));
            let message = body["message"].as_str().unwrap();
            assert!(message.starts_with(code) && message.contains(". "), "{message}");
        }
    }

    #[test]
    fn the_checksum_is_of_the_bytes_that_leave() {
        let response = response(upstream(200, "{}").unwrap());
        assert_eq!(response.headers()["x-amz-crc32"], "2745614147");
        assert_eq!(response.headers()["content-type"], "application/x-amz-json-1.0");
        let ids = [new_request_id(), new_request_id()];
        assert!(ids[0] != ids[1] && ids[0].len() == 52 && ids[0].bytes().all(|b| b.is_ascii_alphanumeric()));
    }
}
