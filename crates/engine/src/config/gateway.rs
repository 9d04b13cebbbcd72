//! `[gateway]`: where it listens and where it sends. Plain data; the gateway acts on it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fault::{CONTRADICTION, Faults, PLAIN, VALUE, shown};
use super::section::{At, Section};

/// What the gateway is told. What is `None` is the gateway's own default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewaySection {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// `dynamodb`, `embedded`, or a URL.
    pub upstream: String,
    /// The AWS region.
    pub region: Option<String>,
    /// The one address of AWS KMS, instead of AWS's own in the Region of each key.
    pub kms_endpoint: Option<String>,
    /// Whether `upstream` may be called without TLS although it is on another machine.
    pub danger_plain_upstream: bool,
    /// A file of certificates of authorities that are trusted beside the system's.
    pub ca: Option<PathBuf>,
    /// The embedded database's file; without it the database is in memory.
    pub database: Option<PathBuf>,
    /// How long a connection to the upstream may take.
    pub connect_timeout: Option<Duration>,
    /// How long a call of the upstream may take.
    pub timeout: Option<Duration>,
    /// How long open requests may take once the gateway is told to stop.
    pub drain_timeout: Option<Duration>,
    /// How many requests are worked on at once.
    pub max_in_flight: Option<usize>,
    /// How many connections are open at once.
    pub max_connections: Option<usize>,
    /// The same of one peer.
    pub max_connections_per_peer: Option<usize>,
    /// How long a request's body or the reading of an answer may take before `min_rate` counts.
    pub stall_timeout: Option<Duration>,
    /// How many bytes a second must arrive or be read, on average.
    pub min_rate: Option<usize>,
    /// Whether other machines may reach `listen` although callers are not checked.
    pub allow_remote: bool,
    /// Names under which it may be called, beside addresses and names that the public DNS cannot have.
    pub allowed_hosts: Vec<String>,
}

impl Default for GatewaySection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            upstream: "dynamodb".to_owned(),
            region: None,
            kms_endpoint: None,
            danger_plain_upstream: false,
            ca: None,
            database: None,
            connect_timeout: None,
            timeout: None,
            drain_timeout: None,
            max_in_flight: None,
            max_connections: None,
            max_connections_per_peer: None,
            stall_timeout: None,
            min_rate: None,
            allow_remote: false,
            allowed_hosts: Vec::new(),
        }
    }
}

pub(super) fn read(mut section: Section<'_, '_>, folder: &Path, faults: &mut Faults<'_>) -> GatewaySection {
    let default = GatewaySection::default();
    let listen = section.text("listen", faults).and_then(|text| address(&text, faults));
    let upstream = section.text("upstream", faults);
    let plain = section.flag("danger_plain_upstream", faults).unwrap_or_default();
    if let Some(text) = upstream.as_ref().filter(|text| !matches!(text.value, "dynamodb" | "embedded")) {
        check_url("upstream", text, Url { instead: UPSTREAMS, no_tls: PLAIN_UPSTREAM, plain }, faults);
    }
    let is_plain = upstream.as_ref().is_some_and(|text| is_far_and_plain(text.value));
    if plain && is_plain {
        let message = "upstream is called without TLS: whoever is on the way reads the keys of items and all that is not \
                       encrypted, can change requests and answers, and gets the session token of the AWS credentials";
        faults.warn(
            &section.place("danger_plain_upstream"),
            PLAIN,
            message,
            "use it for tests on one machine's network alone",
        );
    } else if plain {
        let message = "danger_plain_upstream has no meaning: upstream is no URL with http on another machine";
        faults.error(&section.place("danger_plain_upstream"), CONTRADICTION, message, "remove it");
    }
    let kms_endpoint = section.text("kms_endpoint", faults);
    if let Some(text) = &kms_endpoint {
        check_url("kms_endpoint", text, Url { instead: KMS_ENDPOINTS, no_tls: "use https://", plain: false }, faults);
    }
    let read = GatewaySection {
        listen: listen.as_ref().map_or(default.listen, |at| at.value),
        upstream: upstream.map_or(default.upstream, |at| at.value.to_owned()),
        region: section.name("region", faults).map(|at| at.value.to_owned()),
        kms_endpoint: kms_endpoint.map(|at| at.value.to_owned()),
        danger_plain_upstream: plain,
        ca: section.name("ca", faults).map(|at| folder.join(at.value)),
        database: section.name("database", faults).map(|at| folder.join(at.value)),
        connect_timeout: section.seconds("connect_timeout", faults),
        timeout: section.seconds("timeout", faults),
        drain_timeout: section.seconds("drain_timeout", faults),
        max_in_flight: section.count("max_in_flight", 1_000_000, faults),
        max_connections: section.count("max_connections", 1_000_000, faults),
        max_connections_per_peer: section.count("max_connections_per_peer", 1_000_000, faults),
        stall_timeout: section.seconds("stall_timeout", faults),
        min_rate: section.count("min_rate", 1_000_000_000, faults),
        allow_remote: section.flag("allow_remote", faults).unwrap_or_default(),
        allowed_hosts: hosts(&section.names("allowed_hosts", faults), faults),
    };
    if let Some(at) = listen.filter(|at| !at.value.ip().is_loopback() && !read.allow_remote) {
        let message = "listen can be reached from other machines, and callers are not checked";
        let hint = "listen on 127.0.0.1 or [::1]; if the network lets only trusted callers in, add allow_remote = true";
        faults.error(&at.span, CONTRADICTION, message, hint);
    }
    if read.database.is_some() && read.upstream != "embedded" {
        let message = format!("database has no meaning with upstream = {}", shown(&read.upstream));
        faults.error(&section.place("database"), CONTRADICTION, message, "remove it, or set upstream = \"embedded\"");
    }
    section.finish(faults);
    read
}

/// Names of hosts: without a scheme, a port or a wildcard.
fn hosts(names: &[At<&str>], faults: &mut Faults<'_>) -> Vec<String> {
    let is_name = |name: &str| {
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        name.len() <= 253 && name.split('.').all(is_label)
    };
    for name in names.iter().filter(|name| !is_name(name.value)) {
        let message = format!("allowed_hosts cannot hold {}", shown(name.value));
        faults.error(
            &name.span,
            VALUE,
            message,
            "write a name such as \"gateway.example.com\", without scheme and port",
        );
    }
    names.iter().map(|name| name.value.to_ascii_lowercase()).collect()
}

fn address(text: &At<&str>, faults: &mut Faults<'_>) -> Option<At<SocketAddr>> {
    let value = text.value.replace("localhost:", "127.0.0.1:").parse();
    if value.is_err() {
        let message = format!("listen cannot be {}", shown(text.value));
        faults.error(&text.span, VALUE, message, "write an IP address and a port, such as \"127.0.0.1:8000\"");
    }
    Some(At { span: text.span.clone(), value: value.ok()? })
}

/// What to say of a URL that cannot be used.
#[derive(Clone, Copy)]
struct Url {
    instead: &'static str,
    no_tls: &'static str,
    /// Whether it may do without TLS.
    plain: bool,
}

/// A URL of a host and nothing else, with TLS unless it is this machine.
fn check_url(key: &str, text: &At<&str>, url: Url, faults: &mut Faults<'_>) {
    let host = |scheme: &str| text.value.strip_prefix(scheme).map(host).filter(|host| !host.is_empty());
    if host("https://").is_some() || host("http://").is_some_and(|host| url.plain || is_loopback(host)) {
        return;
    }
    match host("http://") {
        Some(host) => {
            let message = format!("{key} sends to {} without TLS", shown(host));
            faults.error(&text.span, VALUE, message, url.no_tls);
        }
        None => faults.error(&text.span, VALUE, format!("{key} cannot be {}", shown(text.value)), url.instead),
    }
}

/// The host of what stands behind a scheme; empty if there is more than a host and a port. A user and password do not belong
/// into a configuration; the gateway would not use them.
fn host(rest: &str) -> &str {
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['@', '/', '?', '#']) { "" } else { without_port(authority) }
}

fn is_far_and_plain(url: &str) -> bool {
    url.strip_prefix("http://").map(host).is_some_and(|host| !host.is_empty() && !is_loopback(host))
}

fn without_port(authority: &str) -> &str {
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host,
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

const PLAIN_UPSTREAM: &str =
    "use https://; for a database in another container of this machine, add danger_plain_upstream = true";
const UPSTREAMS: &str = "write \"dynamodb\", \"embedded\", or a URL such as https://dynamodb.eu-west-1.amazonaws.com";
const KMS_ENDPOINTS: &str = "write a URL such as https://kms.eu-west-1.amazonaws.com, or leave it out";
