//! Which addresses calls may go to: a scheme, a host and a port, with TLS unless they stay on this machine.

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use thiserror::Error;

/// A URL that is no address to send to.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AddressError {
    /// It has no TLS and is not on this machine.
    #[error("http://{host} would be called without TLS, and it is not on this machine")]
    Plain {
        /// Its host.
        host: String,
    },
    /// It cannot be used.
    #[error("{what}")]
    Unusable {
        /// What is wrong with it.
        what: &'static str,
    },
}

/// A URL of scheme and host alone, with TLS unless it stays on this machine.
///
/// # Errors
/// It is anything else.
pub fn address(url: &str) -> Result<Uri, AddressError> {
    let uri = plain_address(url)?;
    match uri.authority() {
        Some(authority) if uri.scheme() == Some(&Scheme::HTTP) && !is_loopback(authority.host()) => {
            Err(AddressError::Plain { host: authority.to_string() })
        }
        _ => Ok(uri),
    }
}

/// The same, with or without TLS: what is sent there can be read and changed on the way.
///
/// # Errors
/// It is no URL of scheme and host alone.
pub fn plain_address(url: &str) -> Result<Uri, AddressError> {
    let wrong = |what| AddressError::Unusable { what };
    let uri: Uri = url.parse().map_err(|_| wrong("it is not a URL"))?;
    let authority = uri.authority().ok_or_else(|| wrong("it has no host"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("it holds a user name; credentials come from elsewhere"));
    }
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err(wrong("it has a path; an endpoint is a scheme and a host"));
    }
    if ![Some(&Scheme::HTTP), Some(&Scheme::HTTPS)].contains(&uri.scheme()) {
        return Err(wrong("its scheme is neither https nor http"));
    }
    rebuilt(uri.scheme().cloned(), authority.clone()).ok_or_else(|| wrong("it is not a URL"))
}

/// Whether a host is this machine.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

fn rebuilt(scheme: Option<Scheme>, authority: Authority) -> Option<Uri> {
    let mut parts = http::uri::Parts::default();
    (parts.scheme, parts.authority) = (scheme, Some(authority));
    parts.path_and_query = Some(PathAndQuery::from_static("/"));
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for (good, uri) in [
            ("http://127.0.0.1:8001", "http://127.0.0.1:8001/"),
            ("http://localhost:8001/", "http://localhost:8001/"),
            ("http://[::1]:8001", "http://[::1]:8001/"),
            ("https://aws.example", "https://aws.example/"),
        ] {
            assert_eq!(address(good).unwrap().to_string(), uri);
        }
        for far in ["http://aws.example", "http://10.0.0.1:8000", "http://127.0.0.1.example", "http://0.0.0.0:8000"] {
            assert!(matches!(address(far), Err(AddressError::Plain { .. })), "{far}");
            assert!(plain_address(far).is_ok(), "{far}");
        }
        for wrong in ["", "embeded", "ftp://localhost", "https://u:p@host", "https://host/path", "https://host/?q", "/"]
        {
            assert!(matches!(address(wrong), Err(AddressError::Unusable { .. })), "{wrong}");
            assert!(matches!(plain_address(wrong), Err(AddressError::Unusable { .. })), "{wrong}");
        }
    }
}
