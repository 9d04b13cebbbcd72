//! Tokens: 32 random bytes. What is stored is their hash, so whoever reads the table cannot use it.

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::StatusCode;
use base64_simd::URL_SAFE_NO_PAD;

use crate::error::Error;

/// A new token, for its owner alone.
pub(crate) fn new() -> Result<String, Error> {
    random::<32>()
}

/// An id that is never used twice.
pub(crate) fn account() -> Result<String, Error> {
    random::<16>()
}

/// What is stored of a token.
pub(crate) fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode_to_string(digest(&SHA256, token.as_bytes()))
}

fn random<const N: usize>() -> Result<String, Error> {
    let mut bytes = [0; N];
    let failed = |_| Error::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error");
    aws_lc_rs::rand::fill(&mut bytes).map_err(failed)?;
    Ok(URL_SAFE_NO_PAD.encode_to_string(bytes))
}
