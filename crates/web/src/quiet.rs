//! Logs that name a request and hold nothing of it.

use http::Request;
use http::header::{AUTHORIZATION, COOKIE, HeaderName, PROXY_AUTHORIZATION, SET_COOKIE};
use tower_http::classify::{ServerErrorsAsFailures, SharedClassifier};
use tower_http::sensitive_headers::SetSensitiveHeadersLayer;
use tower_http::trace::{DefaultOnResponse, MakeSpan, TraceLayer};
use tracing::{Level, Span};

/// Marks headers that hold secrets, in requests and answers: whoever prints a request then sees `Sensitive` in their place.
/// Goes before anything that logs.
#[must_use]
pub fn sensitive_headers() -> SetSensitiveHeadersLayer {
    SetSensitiveHeadersLayer::new(SENSITIVE_HEADERS)
}

/// `tower_http`'s layer for `tracing`, with a span that names method and route: no headers, no query, no ids in the path. Each
/// answer is a line at the level `INFO`.
#[must_use]
pub fn trace() -> TraceLayer<SharedClassifier<ServerErrorsAsFailures>, RequestSpan> {
    let answered = DefaultOnResponse::new().level(Level::INFO);
    TraceLayer::new_for_http().make_span_with(RequestSpan).on_response(answered)
}

/// The span of a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestSpan;

impl<B> MakeSpan<B> for RequestSpan {
    fn make_span(&mut self, request: &Request<B>) -> Span {
        let method = plain_method(request.method().as_str());
        tracing::info_span!("request", method, route = plain_path(request.uri().path()))
    }
}

/// A method can be any text that a caller likes.
fn plain_method(method: &str) -> &str {
    if METHODS.contains(&method) { method } else { "*" }
}

/// Short words stay; what has digits or other letters, or is long, may be an id, an address or a token.
fn plain_path(path: &str) -> String {
    let is_word = |segment: &str| {
        let letters = segment.bytes().all(|byte| byte.is_ascii_lowercase());
        let version =
            segment.strip_prefix('v').is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()));
        (letters && segment.len() <= LONGEST_WORD) || version
    };
    let segments = path.split('/').take(MAX_SEGMENTS).map(|segment| if is_word(segment) { segment } else { "*" });
    segments.collect::<Vec<_>>().join("/")
}

/// Headers whose values are secrets.
pub const SENSITIVE_HEADERS: [HeaderName; 9] = [
    AUTHORIZATION,
    PROXY_AUTHORIZATION,
    COOKIE,
    SET_COOKIE,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("x-auth-token"),
    HeaderName::from_static("x-csrf-token"),
    HeaderName::from_static("x-xsrf-token"),
    HeaderName::from_static("x-amz-security-token"),
];
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
const LONGEST_WORD: usize = 16;
const MAX_SEGMENTS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_holds_no_value() {
        for (path, route) in [
            ("/users/ada@example.com", "/users/*"),
            ("/users/3f2a/password", "/users/*/password"),
            ("/v1/users/", "/v1/users/"),
            ("/", "/"),
            ("/reset/eyJhbGciOi", "/reset/*"),
            ("/averyveryverylongword", "/*"),
        ] {
            assert_eq!(plain_path(path), route);
        }
        assert_eq!((plain_method("PATCH"), plain_method("hunter2")), ("PATCH", "*"));
    }
}
