//! Which address a service's calls go to, decided once at start.

use dynaseal_engine::Service;
use http::Uri;
use http::uri::{Authority, Scheme};

use crate::error::Error;

/// The addresses of the services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoints {
    dynamodb: Uri,
    streams: Uri,
    kms: Uri,
}

impl Endpoints {
    /// AWS's own addresses in a region.
    pub(crate) fn aws(region: &str) -> Result<Self, Error> {
        // A region goes into a host name, so it may hold nothing but what host names hold.
        let is_region =
            !region.is_empty() && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_region {
            return Err(Error::Upstream { what: "the region is not the name of an AWS region" });
        }
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let uri = |host: &str| {
            let text = format!("https://{host}.{region}.{domain}/");
            text.parse().map_err(|_| Error::Upstream { what: "the region is not the name of an AWS region" })
        };
        Ok(Self { dynamodb: uri("dynamodb")?, streams: uri("streams.dynamodb")?, kms: uri("kms")? })
    }

    /// One address for DynamoDB and its streams; KMS stays AWS's.
    pub(crate) fn one(url: &str, region: &str) -> Result<Self, Error> {
        let uri = checked(url)?;
        Ok(Self { dynamodb: uri.clone(), streams: uri, kms: Self::aws(region)?.kms })
    }

    pub(crate) fn of(&self, service: Service) -> &Uri {
        match service {
            Service::DynamoDb => &self.dynamodb,
            Service::DynamoDbStreams => &self.streams,
            Service::Kms | Service::Vault => &self.kms,
        }
    }
}

/// Whether a host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// A URL of scheme and host alone, with TLS unless it stays on this machine.
fn checked(url: &str) -> Result<Uri, Error> {
    let wrong = |what| Error::Upstream { what };
    let uri: Uri = url.parse().map_err(|_| wrong("it is not a URL"))?;
    let authority = uri.authority().ok_or_else(|| wrong("it has no host"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("it holds a user name; credentials come from the AWS credential chain"));
    }
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err(wrong("it has a path; a DynamoDB endpoint is a scheme and a host"));
    }
    if uri.scheme() == Some(&Scheme::HTTP) {
        if !is_loopback(authority.host()) {
            return Err(Error::PlainUpstream { host: authority.to_string() });
        }
    } else if uri.scheme() != Some(&Scheme::HTTPS) {
        return Err(wrong("its scheme is neither https nor http"));
    }
    rebuilt(uri.scheme().cloned(), authority.clone())
}

fn rebuilt(scheme: Option<Scheme>, authority: Authority) -> Result<Uri, Error> {
    let mut parts = http::uri::Parts::default();
    (parts.scheme, parts.authority) = (scheme, Some(authority));
    parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
    Uri::from_parts(parts).map_err(|_| Error::Upstream { what: "it is not a URL" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_addresses_follow_the_region() {
        let here = Endpoints::aws("eu-west-1").unwrap();
        assert_eq!(here.of(Service::DynamoDb), "https://dynamodb.eu-west-1.amazonaws.com/");
        assert_eq!(here.of(Service::DynamoDbStreams), "https://streams.dynamodb.eu-west-1.amazonaws.com/");
        assert_eq!(here.of(Service::Kms), "https://kms.eu-west-1.amazonaws.com/");
        assert_eq!(Endpoints::aws("cn-north-1").unwrap().of(Service::Kms), "https://kms.cn-north-1.amazonaws.com.cn/");
        for wrong in ["", "evil.example/", "a b", "EU-WEST-1", "x@y"] {
            assert_eq!(Endpoints::aws(wrong).unwrap_err().code(), "DSL-7004", "{wrong}");
        }
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for good in ["http://127.0.0.1:8001", "http://localhost:8001/", "http://[::1]:8001", "https://dynamo.example"] {
            let endpoints = Endpoints::one(good, "eu-west-1").unwrap();
            assert_eq!(endpoints.of(Service::DynamoDb), endpoints.of(Service::DynamoDbStreams));
        }
        for far in ["http://dynamo.example", "http://10.0.0.1:8000", "http://127.0.0.1.example", "http://0.0.0.0:8000"]
        {
            assert_eq!(Endpoints::one(far, "eu-west-1").unwrap_err().code(), "DSL-7003", "{far}");
        }
        for wrong in ["", "embeded", "ftp://localhost", "https://u:p@host", "https://host/path", "https://host/?q", "/"]
        {
            assert_eq!(Endpoints::one(wrong, "eu-west-1").unwrap_err().code(), "DSL-7004", "{wrong}");
        }
    }
}
