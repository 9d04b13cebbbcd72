//! Request bodies: JSON objects of texts, each checked. All faults are found at once, and answered by name alone.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use dynaseal_web::{Failure, redact};
use http_body_util::BodyExt;
use serde_json::Value;

use crate::error::Error;

/// The body as it came. It has no `Debug`: a password may be in it.
pub(crate) struct Body(Value);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Error> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "JSON required"));
        }
        // Nothing is unpacked here, so what says that it is packed is not read as if it were not.
        let packed = request.headers().get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
        let bytes = collect(request.into_body()).await?;
        if packed {
            return Err(Error::new(StatusCode::BAD_REQUEST, "Malformed JSON"));
        }
        let value =
            serde_json::from_slice(&bytes).map_err(|_| Error::new(StatusCode::BAD_REQUEST, "Malformed JSON"))?;
        // A copy: what the handlers get keeps its password.
        tracing::debug!(body = %redact(&value), "input");
        Ok(Self(value))
    }
}

impl Body {
    /// Takes exactly these members, each a text that passes its check.
    pub(crate) fn members<const N: usize>(mut self, checks: [(&'static str, Check); N]) -> Result<[String; N], Error> {
        let Some(members) = self.0.as_object_mut() else { return Err(Failure::input([]).into()) };
        let mut faults = Vec::new();
        let texts = checks.map(|(name, check)| match members.remove(name) {
            Some(Value::String(text)) if check(&text) => text,
            _ => {
                faults.push(name);
                String::new()
            }
        });
        faults.extend(members.keys().map(String::as_str));
        if faults.is_empty() { Ok(texts) } else { Err(Failure::input(faults).into()) }
    }
}

/// The body, if it is not too long. Some of what is too long is read all the same, so that the caller gets the answer: a
/// connection that is closed over unread bytes is reset, and the reset can overtake the answer.
async fn collect(mut body: axum::body::Body) -> Result<Vec<u8>, Error> {
    let (mut bytes, mut seen) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Error::new(StatusCode::BAD_REQUEST, "Body cannot be read"))?;
        let Some(data) = frame.data_ref() else { continue };
        seen += data.len();
        if seen <= LONGEST {
            bytes.extend_from_slice(data);
        } else if seen > DISCARDED {
            break;
        }
    }
    if seen <= LONGEST { Ok(bytes) } else { Err(Error::new(StatusCode::PAYLOAD_TOO_LARGE, "Body too large")) }
}

/// Whether a text is one that its member may hold.
pub(crate) type Check = fn(&str) -> bool;

pub(crate) fn is_username(text: &str) -> bool {
    (3..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// What an address must have at least; whether it exists, only a mail to it can tell.
pub(crate) fn is_email(text: &str) -> bool {
    let parts = text.split_once('@');
    let is_plain = text.len() <= 254 && !text.chars().any(|char| char.is_whitespace() || char.is_control());
    is_plain && parts.is_some_and(|(name, domain)| !name.is_empty() && domain.contains('.') && !domain.contains('@'))
}

/// In characters; an upper bound, since hashing costs.
pub(crate) fn is_password(text: &str) -> bool {
    (12..=128).contains(&text.chars().count())
}

const LONGEST: usize = 16 << 10;
const DISCARDED: usize = 1 << 20;
