//! The one place where an error becomes a DynamoDB-shaped reply.
//!
//! | what happened                                | status | `__type`                    | do SDKs retry |
//! |----------------------------------------------|--------|-----------------------------|---------------|
//! | the caller's request or item is wrong        | 400    | `ValidationException`       | no            |
//! | it is not JSON, or of another type           | 400    | `SerializationException`    | no            |
//! | the stored item is not what was sealed       | 400    | `ItemVerificationException` | no            |
//! | a key is missing, wrong or refused           | 400    | `AccessDeniedException`     | no            |
//! | the operation is not known                   | 400    | `UnknownOperationException` | no            |
//! | nobody can tell whether a write was made     | 400    | `OutcomeUnknownException`   | no            |
//! | too many writers of one item                 | 503    | `ThrottlingException`       | with backoff  |
//! | a fault of this program                      | 500    | `InternalServerError`       | yes           |
//! | the upstream's answer cannot be used         | 502    | `InternalServerError`       | yes           |
//! | the upstream cannot be reached               | 503    | `ServiceUnavailable`        | yes           |
//! | the upstream is too slow                     | 504    | `ServiceUnavailable`        | yes           |
//!
//! What DynamoDB itself answers, errors included, goes on byte for byte.

use std::fmt::Display;

use bytes::Bytes;
use dynaseal_engine::{Answer, Error, RetryAfter, WireError};
use dynaseal_item::Kind;
use http::StatusCode;

/// What a caller gets.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: StatusCode,
    /// The JSON body.
    pub body: Bytes,
    /// DynamoDB's request id, or one of ours.
    pub request_id: String,
    /// When to come back, as DynamoDB said, or whatever answered in its place.
    pub retry_after: RetryAfter,
    /// How the request ended.
    pub outcome: Outcome,
    /// The code of our own error, if it is one.
    pub code: Option<&'static str>,
}

/// How a request ended, as logs and metrics see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// DynamoDB carried it out.
    Ok,
    /// DynamoDB answered that the request is wrong, or that a condition does not hold.
    UpstreamError,
    /// DynamoDB takes no more requests for now.
    UpstreamThrottled,
    /// DynamoDB has a fault of its own.
    UpstreamFault,
    /// We turned it away; a retry cannot help.
    Refused,
    /// No answer of DynamoDB came.
    NoAnswer,
    /// An item failed verification.
    Tampered,
    /// We could not carry it out; a retry may help.
    Failed,
}

/// An error of ours, ready to take shape.
#[derive(Clone, Copy)]
pub struct Refusal<'a> {
    /// The HTTP status.
    pub status: StatusCode,
    /// The name of the exception that SDKs raise.
    pub exception: &'static str,
    /// The stable code.
    pub code: &'static str,
    /// Whose fault it is.
    pub kind: Kind,
    /// What happened; never a value.
    pub what: &'a dyn Display,
    /// What to do about it.
    pub hint: &'static str,
}

impl Reply {
    /// DynamoDB's answer as it is, if it can be one of DynamoDB's at all. A success of a protected table has been read by
    /// the engine; for everything else this is what keeps a proxy's error page from an SDK's JSON parser.
    ///
    /// # Errors
    /// It cannot be an answer of DynamoDB.
    pub fn of_answer(operation: &str, answer: Answer) -> Result<Self, Error> {
        let status = StatusCode::from_u16(answer.status).ok().filter(|s| *s == StatusCode::OK || s.as_u16() >= 400);
        let Some(status) = status.filter(|_| is_object(&answer.body)) else {
            let reason = format!("it has HTTP status {} and {}", answer.status, describe(&answer.body));
            return Err(Error::Answer { operation: operation.to_owned(), reason, retry_after: answer.retry_after });
        };
        let is_ok = status == StatusCode::OK;
        Ok(Self {
            status,
            outcome: if is_ok { Outcome::Ok } else { outcome_of_failure(status, &answer.body) },
            body: answer.body.into(),
            request_id: answer.request_id.unwrap_or_else(new_request_id),
            retry_after: if is_ok { RetryAfter::default() } else { answer.retry_after },
            code: None,
        })
    }

    /// The reply to a call that the engine did not carry out.
    #[must_use]
    pub fn of_error(error: &Error) -> Self {
        let (status, exception) = shape_of_error(error);
        let (code, kind, hint) = (error.code(), error.kind(), error.hint());
        let mut reply = Self::of_refusal(Refusal { status, exception, code, kind, what: error, hint });
        match error {
            Error::Wire { .. } => reply.outcome = Outcome::NoAnswer,
            Error::Answer { retry_after, .. } => reply.retry_after = *retry_after,
            _ => {}
        }
        reply
    }

    /// The reply to a request that never reached the engine.
    #[must_use]
    pub fn of_refusal(refusal: Refusal<'_>) -> Self {
        let Refusal { status, exception, code, kind, what, hint } = refusal;
        let mut advice = hint.chars();
        let first = advice.next().map(|first| first.to_ascii_uppercase()).into_iter();
        let message = format!("{code}: {what}. {}.", first.chain(advice).collect::<String>());
        let kind_name = format!("com.amazonaws.dynamodb.v20120810#{exception}");
        Self {
            status,
            body: serde_json::json!({ "__type": kind_name, "message": message }).to_string().into(),
            request_id: new_request_id(),
            retry_after: RetryAfter::default(),
            outcome: match kind {
                Kind::Data => Outcome::Tampered,
                Kind::Outage | Kind::Internal => Outcome::Failed,
                _ => Outcome::Refused,
            },
            code: Some(code),
        }
    }

    /// Status and exception of an error of this kind.
    #[must_use]
    pub fn shape_of(kind: Kind) -> (StatusCode, &'static str) {
        match kind {
            Kind::Caller | Kind::Config => (StatusCode::BAD_REQUEST, "ValidationException"),
            Kind::Data => (StatusCode::BAD_REQUEST, "ItemVerificationException"),
            Kind::Keys => (StatusCode::BAD_REQUEST, "AccessDeniedException"),
            Kind::Outage => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
            // `Kind` may grow; what we do not know is our own fault.
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
        }
    }
}

fn shape_of_error(error: &Error) -> (StatusCode, &'static str) {
    match error {
        Error::UnknownOperation { .. } => (StatusCode::BAD_REQUEST, "UnknownOperationException"),
        Error::Request { malformed: true, .. } => (StatusCode::BAD_REQUEST, "SerializationException"),
        Error::Item { source, .. } if source.is_malformed() => (StatusCode::BAD_REQUEST, "SerializationException"),
        Error::Contended { .. } => (StatusCode::SERVICE_UNAVAILABLE, "ThrottlingException"),
        Error::Wire { source: WireError::Timeout, .. } => (StatusCode::GATEWAY_TIMEOUT, "ServiceUnavailable"),
        // A status that no SDK sends the request again for.
        Error::Unsettled { .. } => (StatusCode::BAD_REQUEST, "OutcomeUnknownException"),
        Error::Answer { .. } | Error::Wire { source: WireError::Checksum, .. } => {
            (StatusCode::BAD_GATEWAY, "InternalServerError")
        }
        other => Reply::shape_of(other.kind()),
    }
}

fn outcome_of_failure(status: StatusCode, body: &[u8]) -> Outcome {
    let parsed: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let named = parsed.as_ref().and_then(|body| body.get("__type")).and_then(serde_json::Value::as_str);
    let name = named.and_then(|name| name.rsplit('#').next()).unwrap_or_default();
    if THROTTLES.contains(&name) || status == StatusCode::TOO_MANY_REQUESTS {
        Outcome::UpstreamThrottled
    } else if status.is_server_error() {
        Outcome::UpstreamFault
    } else {
        Outcome::UpstreamError
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

/// What DynamoDB names a request that came too soon, whatever the status.
const THROTTLES: [&str; 5] = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ReplicatedWriteConflictException",
    "ThrottlingException",
    "Throttling",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(status: u16, body: &str) -> Result<Reply, Error> {
        Reply::of_answer("GetItem", Answer { request_id: Some("ID".into()), ..Answer::new(status, body.into()) })
    }

    #[test]
    fn answers_go_on_as_they_are() {
        for (status, body, outcome) in [
            (200, "{ \"Item\" : {} }\n", Outcome::Ok),
            (400, r#"{"__type":"x#ResourceNotFoundException"}"#, Outcome::UpstreamError),
            (500, r#"{"__type":"x#InternalServerError"}"#, Outcome::UpstreamFault),
            (503, r#"{"__type":"x#ServiceUnavailable"}"#, Outcome::UpstreamFault),
            (503, r#"{"__type":"x#ThrottlingException"}"#, Outcome::UpstreamThrottled),
            (400, r#"{"__type":"x#ProvisionedThroughputExceededException"}"#, Outcome::UpstreamThrottled),
            (400, r#"{"__type":"RequestLimitExceeded"}"#, Outcome::UpstreamThrottled),
            (429, "{}", Outcome::UpstreamThrottled),
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
            let reply = Reply::of_error(&upstream(status, body).unwrap_err());
            let text = std::str::from_utf8(&reply.body).unwrap();
            assert_eq!((reply.status, reply.code), (StatusCode::BAD_GATEWAY, Some("DSL-6004")), "{status} {body}");
            assert!(
                text.contains("GetItem") && text.contains(&status.to_string()) && !text.contains("canary"),
                "{text}"
            );
        }
    }

    #[test]
    fn every_error_has_a_type_a_code_and_advice() {
        let operation = || "PutItem".to_owned();
        let wire = |source| Error::Wire { operation: operation(), source };
        let item = |source| Error::Item { operation: operation(), table: "Users".into(), key: "".into(), source };
        let cases: [(Error, u16, &str, &str); 7] = [
            (Error::UnknownOperation { operation: operation() }, 400, "UnknownOperationException", "DSL-2002"),
            (wire(WireError::Unreachable), 503, "ServiceUnavailable", "DSL-6001"),
            (wire(WireError::Timeout), 504, "ServiceUnavailable", "DSL-6002"),
            (wire(WireError::NoWay("add it")), 400, "ValidationException", "DSL-6005"),
            (
                Error::Contended { operation: operation(), table: "Users".into(), tries: 12 },
                503,
                "ThrottlingException",
                "DSL-2005",
            ),
            (item(dynaseal_item::Error::Tag), 400, "ItemVerificationException", "DSL-3008"),
            (item(dynaseal_item::Error::Missing { attribute: "id".into() }), 400, "ValidationException", "DSL-1003"),
        ];
        for (case, status, exception, code) in cases {
            let reply = Reply::of_error(&case);
            let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
            assert_eq!((reply.status.as_u16(), reply.code), (status, Some(code)), "{case:?}");
            assert_eq!(body["__type"], format!("com.amazonaws.dynamodb.v20120810#{exception}"));
            let message = body["message"].as_str().unwrap();
            assert!(message.starts_with(code) && message.contains(". "), "{message}");
        }
    }

    #[test]
    fn request_ids_tell_requests_apart() {
        let ids = [new_request_id(), new_request_id()];
        assert!(ids[0] != ids[1] && ids[0].len() == 52 && ids[0].bytes().all(|b| b.is_ascii_alphanumeric()));
    }
}
