//! Which address a call goes to, and which region it is signed for.

use dynaseal_engine::Service;
use dynaseal_http::{AddressError, address, plain_address};
use http::Uri;

use crate::error::Error;
use crate::settings::{Store, Target};

/// The addresses of the services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoints {
    /// The region of calls that name none.
    region: String,
    dynamodb: Place,
    streams: Place,
    kms: Place,
}

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// At AWS, in each region; the address in our own is kept.
    Aws { host: &'static str, here: Uri },
    /// At this address, whatever region a call names.
    One(Uri),
}

impl Endpoints {
    /// The addresses that `target` asks for.
    pub(crate) fn of(target: &Target, region: &str) -> Result<Self, Error> {
        let here = |host| aws(host, region).map(|here| Place::Aws { host, here });
        let at_aws =
            |host| here(host).ok_or(Error::Upstream { setting: "region", what: "it is not the name of an AWS region" });
        let (dynamodb, streams) = match &target.store {
            Store::Endpoint { url } => {
                let parse = if target.danger_plain { plain_address } else { address };
                let one = Place::One(checked("upstream", parse(url))?);
                (one.clone(), one)
            }
            Store::DynamoDb | Store::Embedded { .. } => (at_aws("dynamodb")?, at_aws("streams.dynamodb")?),
        };
        let kms = match &target.kms_endpoint {
            Some(url) => Place::One(checked("kms_endpoint", address(url))?),
            None => at_aws("kms")?,
        };
        Ok(Self { region: region.to_owned(), dynamodb, streams, kms })
    }

    /// The address of a call and the region to sign it for; none if the region can be no region's name.
    pub(crate) fn at<'a>(&'a self, service: Service, region: Option<&'a str>) -> Option<(Uri, &'a str)> {
        let place = match service {
            Service::DynamoDb => &self.dynamodb,
            Service::DynamoDbStreams => &self.streams,
            Service::Kms => &self.kms,
            Service::Vault => return None,
        };
        let elsewhere = region.filter(|region| *region != self.region);
        match (place, elsewhere) {
            (Place::Aws { here: uri, .. } | Place::One(uri), None) => Some((uri.clone(), &self.region)),
            (Place::Aws { host, .. }, Some(region)) => Some((aws(host, region)?, region)),
            (Place::One(uri), Some(region)) => is_region(region).then(|| (uri.clone(), region)),
        }
    }

    /// The Region of calls that name none.
    pub(crate) fn region(&self) -> &str {
        &self.region
    }

    /// Where calls of DynamoDB go, and whether without TLS to another machine.
    pub(crate) fn dynamodb(&self) -> (&Uri, bool) {
        let (Place::Aws { here: uri, .. } | Place::One(uri)) = &self.dynamodb;
        (uri, address(&uri.to_string()).is_err())
    }

    /// Where calls of KMS go, in words.
    pub(crate) fn kms_words(&self) -> String {
        match &self.kms {
            Place::One(uri) => uri.to_string(),
            Place::Aws { here, .. } => format!("AWS in the Region of each key, or {here} for keys that name none"),
        }
    }
}

/// AWS's own address of a service in a region.
fn aws(host: &str, region: &str) -> Option<Uri> {
    let domain = DOMAINS.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or(DOMAIN, |(_, domain)| domain);
    is_region(region).then(|| format!("https://{host}.{region}.{domain}/").parse().ok())?
}

/// A region goes into a host's name, so it is one part of such a name and nothing else.
fn is_region(text: &str) -> bool {
    let is_name = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    (1..=LONGEST_REGION).contains(&text.len()) && is_name(text) && !text.starts_with('-') && !text.ends_with('-')
}

/// The address that a setting names.
fn checked(setting: &'static str, address: Result<Uri, AddressError>) -> Result<Uri, Error> {
    address.map_err(|error| match error {
        AddressError::Plain { host } => Error::PlainUpstream { setting, host },
        AddressError::Unusable { what } => Error::Upstream { setting, what },
    })
}

const DOMAIN: &str = "amazonaws.com";
/// The domains of AWS's other partitions, by how their regions begin; the closest first.
const DOMAINS: [(&str, &str); 4] =
    [("cn-", "amazonaws.com.cn"), ("eusc-", "amazonaws.eu"), ("us-isob-", "sc2s.sgov.gov"), ("us-iso-", "c2s.ic.gov")];
/// One part of a host's name has no more.
const LONGEST_REGION: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(upstream: &str, kms: Option<&str>, region: &str) -> Result<Endpoints, Error> {
        let target = Target::new(upstream, Some(region.to_owned()), None);
        Endpoints::of(&Target { kms_endpoint: kms.map(str::to_owned), ..target }, region)
    }

    fn at(endpoints: &Endpoints, service: Service, region: Option<&str>) -> Option<(String, String)> {
        endpoints.at(service, region).map(|(uri, region)| (uri.to_string(), region.to_owned()))
    }

    fn place(uri: &str, region: &str) -> Option<(String, String)> {
        Some((uri.to_owned(), region.to_owned()))
    }

    #[test]
    fn aws_addresses_follow_the_region() {
        let here = endpoints("dynamodb", None, "eu-west-1").unwrap();
        let home = |uri| place(uri, "eu-west-1");
        assert_eq!(at(&here, Service::DynamoDb, None), home("https://dynamodb.eu-west-1.amazonaws.com/"));
        let streams = home("https://streams.dynamodb.eu-west-1.amazonaws.com/");
        assert_eq!(at(&here, Service::DynamoDbStreams, None), streams);
        assert_eq!(at(&here, Service::Kms, None), home("https://kms.eu-west-1.amazonaws.com/"));
        assert_eq!(at(&here, Service::Kms, Some("eu-west-1")), at(&here, Service::Kms, None));
        for (region, kms) in [
            ("us-east-1", "https://kms.us-east-1.amazonaws.com/"),
            ("us-gov-west-1", "https://kms.us-gov-west-1.amazonaws.com/"),
            ("cn-north-1", "https://kms.cn-north-1.amazonaws.com.cn/"),
            ("eusc-de-east-1", "https://kms.eusc-de-east-1.amazonaws.eu/"),
            ("us-iso-east-1", "https://kms.us-iso-east-1.c2s.ic.gov/"),
            ("us-isob-east-1", "https://kms.us-isob-east-1.sc2s.sgov.gov/"),
        ] {
            assert_eq!(at(&here, Service::Kms, Some(region)), place(kms, region));
        }
        let table = at(&here, Service::DynamoDb, Some("us-east-1"));
        assert_eq!(table, place("https://dynamodb.us-east-1.amazonaws.com/", "us-east-1"));
    }

    #[test]
    fn a_region_is_one_part_of_a_host_and_nothing_else() {
        let here = endpoints("dynamodb", None, "eu-west-1").unwrap();
        let local = endpoints("embedded", Some("http://127.0.0.1:9"), "eu-west-1").unwrap();
        let long = "a".repeat(64);
        for wrong in ["", "evil.example/", "evil.example", "a b", "EU-WEST-1", "x@y", "-a", "a-", "a\n", &long] {
            assert_eq!(endpoints("dynamodb", None, wrong).unwrap_err().code(), "DSL-7004", "{wrong}");
            for endpoints in [&here, &local] {
                assert_eq!(at(endpoints, Service::Kms, Some(wrong)), None, "{wrong}");
            }
        }
    }

    #[test]
    fn one_address_serves_every_region_and_signs_for_each() {
        let local = endpoints("http://127.0.0.1:8001", Some("http://localhost:9"), "eu-west-1").unwrap();
        assert_eq!(at(&local, Service::Kms, Some("us-east-1")), place("http://localhost:9/", "us-east-1"));
        assert_eq!(at(&local, Service::DynamoDb, Some("us-east-1")), place("http://127.0.0.1:8001/", "us-east-1"));
        assert_eq!(at(&local, Service::DynamoDbStreams, None), place("http://127.0.0.1:8001/", "eu-west-1"));
        // The upstream's address says nothing about KMS, nor the other way round.
        let kms_at_aws = endpoints("http://127.0.0.1:8001", None, "eu-west-1").unwrap();
        assert_eq!(at(&kms_at_aws, Service::Kms, None), place("https://kms.eu-west-1.amazonaws.com/", "eu-west-1"));
        let kms_here = endpoints("dynamodb", Some("http://localhost:9"), "eu-west-1").unwrap();
        let dynamodb = place("https://dynamodb.eu-west-1.amazonaws.com/", "eu-west-1");
        assert_eq!(at(&kms_here, Service::DynamoDb, None), dynamodb);
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for good in ["http://127.0.0.1:8001", "http://localhost:8001/", "http://[::1]:8001", "https://aws.example"] {
            let endpoints = endpoints(good, Some(good), "eu-west-1").unwrap();
            assert_eq!(endpoints.dynamodb, endpoints.kms);
        }
        for far in ["http://aws.example", "http://10.0.0.1:8000", "http://127.0.0.1.example", "http://0.0.0.0:8000"] {
            assert_eq!(endpoints(far, None, "eu-west-1").unwrap_err().code(), "DSL-7003", "{far}");
            let kms = endpoints("embedded", Some(far), "eu-west-1").unwrap_err();
            assert!(kms.code() == "DSL-7003" && kms.to_string().contains("kms_endpoint"), "{kms}");
        }
        let plain = Target::new("http://dynamodb:8000", None, None).danger_plain_upstream(true);
        let far = Endpoints::of(&plain, "eu-west-1").unwrap();
        assert_eq!(far.dynamodb(), (&"http://dynamodb:8000/".parse().unwrap(), true));
        // Keys are never fetched in the clear.
        let kms = Endpoints::of(&plain.with_kms(Some("http://kms:8000".into())), "eu-west-1").unwrap_err();
        assert!(kms.code() == "DSL-7003" && kms.to_string().contains("kms_endpoint"), "{kms}");
        for wrong in ["", "embeded", "ftp://localhost", "https://u:p@host", "https://host/path", "https://host/?q", "/"]
        {
            assert_eq!(endpoints(wrong, None, "eu-west-1").unwrap_err().code(), "DSL-7004", "{wrong}");
            assert_eq!(endpoints("embedded", Some(wrong), "eu-west-1").unwrap_err().code(), "DSL-7004", "{wrong}");
        }
    }
}
