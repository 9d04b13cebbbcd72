//! The one way out for failures: the body says what the caller can do about it, and no more.

use std::fmt;
use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response};

use crate::failure::{Failure, FailureKind};

/// A stored item is not what was sealed: somebody changed it, or moved it. It holds no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecurityEvent<'a> {
    /// Dynaseal's code.
    pub code: Option<&'a str>,
    /// The operation.
    pub operation: Option<&'a str>,
    /// The table.
    pub table: Option<&'a str>,
    /// DynamoDB's request id.
    pub request_id: Option<&'a str>,
}

/// Turns failures into answers. Integrity failures go to a hook too; by default, to `tracing` as an error.
#[derive(Clone)]
pub struct Errors {
    hook: Arc<dyn Fn(SecurityEvent<'_>) + Send + Sync>,
    retry_after: u32,
}

impl Errors {
    /// Security events to `tracing`, one second in `Retry-After`.
    #[must_use]
    pub fn new() -> Self {
        Self { hook: Arc::new(logged), retry_after: 1 }
    }

    /// Security events to `hook`, instead of to `tracing`.
    #[must_use]
    pub fn on_security_event(mut self, hook: impl Fn(SecurityEvent<'_>) + Send + Sync + 'static) -> Self {
        self.hook = Arc::new(hook);
        self
    }

    /// Seconds in `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = seconds;
        self
    }

    /// The answer to a failure. What the service itself must mend is logged: by name and code, without its text.
    pub fn answer<B: From<String>>(&self, failure: &Failure) -> Response<B> {
        self.tell(failure);
        let error = words(failure.kind);
        let body = match failure.kind {
            FailureKind::Input => serde_json::json!({ "error": error, "fields": failure.fields }),
            _ => serde_json::json!({ "error": error }),
        };
        let mut response = Response::new(B::from(body.to_string()));
        *response.status_mut() = failure.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if matches!(failure.kind, FailureKind::Busy | FailureKind::Outage) {
            headers.insert(RETRY_AFTER, HeaderValue::from(self.retry_after));
        }
        response
    }

    fn tell(&self, failure: &Failure) {
        let Failure { kind, exception, code, operation, table, request_id, fields } = failure;
        let (code, operation, table, request_id) =
            (code.as_deref(), operation.as_deref(), table.as_deref(), request_id.as_deref());
        match kind {
            FailureKind::Integrity => (self.hook)(SecurityEvent { code, operation, table, request_id }),
            FailureKind::Fault => {
                tracing::error!(exception, code, operation, table, request_id, "the service's call was refused");
            }
            FailureKind::Outage => {
                tracing::warn!(exception, code, operation, table, request_id, "DynamoDB did not answer");
            }
            // Nobody could name the attribute: most likely the code is wrong, not the caller.
            FailureKind::Input if fields.is_empty() => {
                tracing::warn!(exception, code, operation, table, request_id, "the service's call was not valid");
            }
            _ => {}
        }
    }
}

impl Default for Errors {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errors").field("retry_after", &self.retry_after).finish_non_exhaustive()
    }
}

fn logged(event: SecurityEvent<'_>) {
    let SecurityEvent { code, operation, table, request_id } = event;
    tracing::error!(target: "dynaseal::security", code, operation, table, request_id, "a stored item is not what was sealed");
}

fn words(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Condition => "Condition not met",
        FailureKind::Input => "Invalid input",
        FailureKind::Busy => "Busy, try again",
        FailureKind::Outage => "Unavailable, try again",
        FailureKind::Integrity | FailureKind::Fault => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::failure::Told;

    #[test]
    fn an_answer_says_what_to_do_and_no_more() {
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = events.clone();
        let errors = Errors::new().retry_after(3).on_security_event(move |event| {
            seen.lock().unwrap().push(format!("{event:?}"));
        });
        let cases = [
            ("ConditionalCheckFailedException", "canary", 409, r#"{"error":"Condition not met"}"#, None),
            ("ThrottlingException", "canary", 503, r#"{"error":"Busy, try again"}"#, Some("3")),
            (
                "ValidationException",
                "Missing the key id in the item canary",
                422,
                r#"{"error":"Invalid input","fields":["id"]}"#,
                None,
            ),
            ("AccessDeniedException", "canary", 500, r#"{"error":"Internal Server Error"}"#, None),
            (
                "X",
                "DSL-3008: GetItem on table Users (key id): canary. X.",
                500,
                r#"{"error":"Internal Server Error"}"#,
                None,
            ),
        ];
        for (exception, message, status, body, retry) in cases {
            let failure = Failure::new(Told { exception: Some(exception), message: Some(message), ..Told::default() });
            let response: Response<String> = errors.answer(&failure);
            assert_eq!((response.status().as_u16(), response.body().as_str()), (status, body));
            assert_eq!(response.headers().get(RETRY_AFTER).map(|value| value.to_str().unwrap()), retry);
            assert_eq!(response.headers()["cache-control"], "no-store");
        }
        let events = events.lock().unwrap();
        assert_eq!(events.len(), 1);
        assert!(events[0].contains("DSL-3008") && events[0].contains("Users") && !events[0].contains("canary"));
    }
}
