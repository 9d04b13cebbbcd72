//! Secure headers: the OWASP Secure Headers Project's values for an API, which no browser shows as a page.

use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue};

/// Secure headers on every answer, unless a handler has set its own. Strict-Transport-Security is
/// [`RequireHttps`](crate::RequireHttps)'s.
#[cfg(feature = "layers")]
#[must_use]
pub fn secure_headers<B: 'static>()
-> tower_http::set_header::response::SetMultipleResponseHeadersLayer<http::Response<B>> {
    let headers = API_HEADERS.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value)).into());
    tower_http::set_header::response::SetMultipleResponseHeadersLayer::if_not_present(headers.collect())
}

/// The two that matter where only programs call, as on a gateway: nothing is cached, and nothing taken for what it is not.
pub fn minimal_headers(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// Name and value of each secure header.
pub const API_HEADERS: [(HeaderName, &str); 10] = [
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), NO_FEATURES),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "deny"),
    (HeaderName::from_static("x-permitted-cross-domain-policies"), "none"),
];

const NO_FEATURES: &str = "accelerometer=(), autoplay=(), camera=(), cross-origin-isolated=(), display-capture=(), \
    encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), keyboard-map=(), magnetometer=(), microphone=(), \
    midi=(), payment=(), picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), sync-xhr=(), usb=(), \
    web-share=(), xr-spatial-tracking=(), clipboard-read=(), clipboard-write=(), gamepad=(), hid=(), idle-detection=(), \
    serial=()";
