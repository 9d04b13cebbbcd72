//! The one way out for errors: `{"error": …}`, and no more than the caller may know.

use std::time::Duration;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use axum::Json;
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use dynaseal_web::{Errors, Failure, FailureKind};
use serde_json::json;

pub(crate) enum Error {
    /// Found here.
    Answer(StatusCode, &'static str),
    /// Too many wrong passwords; none is looked at for so long.
    TooManyAttempts(Duration),
    /// Found by DynamoDB, by Dynaseal, or in the input.
    Failure(Box<Failure>),
}

impl Error {
    pub(crate) fn new(status: StatusCode, words: &'static str) -> Self {
        Self::Answer(status, words)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized")
    }

    /// With words of its own for a condition that did not hold.
    pub(crate) fn on_condition(self, words: &'static str) -> Self {
        match self {
            Self::Failure(failure) if failure.kind == FailureKind::Condition => Self::new(failure.status(), words),
            other => other,
        }
    }
}

impl<E: ProvideErrorMetadata> From<SdkError<E, HttpResponse>> for Error {
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        Failure::of(&error).into()
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Failure(Box::new(failure))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match self {
            Error::Failure(failure) => Errors::new().answer(&failure),
            Error::TooManyAttempts(pause) => {
                let seconds = pause.as_secs().saturating_add(1).to_string();
                let words = Json(json!({ "error": "Too many attempts" }));
                (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds)], words).into_response()
            }
            Error::Answer(status, words) => {
                let mut response = (status, Json(json!({ "error": words }))).into_response();
                if status == StatusCode::UNAUTHORIZED {
                    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                }
                response
            }
        }
    }
}
