//! `[gateway]`: where it listens and where it sends. Plain data; the gateway acts on it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fault::{CONTRADICTION, Faults, VALUE, shown};
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
    if let Some(text) = upstream.as_ref().filter(|text| !matches!(text.value, "dynamodb" | "embedded")) {
        check_url("upstream", text, UPSTREAMS, faults);
    }
    let kms_endpoint = section.text("kms_endpoint", faults);
    if let Some(text) = &kms_endpoint {
        check_url("kms_endpoint", text, KMS_ENDPOINTS, faults);
    }
    let read = GatewaySection {
        listen: listen.as_ref().map_or(default.listen, |at| at.value),
        upstream: upstream.map_or(default.upstream, |at| at.value.to_owned()),
        region: section.name("region", faults).map(|at| at.value.to_owned()),
        kms_endpoint: kms_endpoint.map(|at| at.value.to_owned()),
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

/// A URL of a host, with TLS unless it is this machine.
fn check_url(key: &str, text: &At<&str>, instead: &'static str, faults: &mut Faults<'_>) {
    let host = |url: &str| {
        let authority = url.split(['/', '?', '#']).next().unwrap_or_default();
        // A user and password do not belong into a configuration; the gateway would not use them.
        if authority.contains('@') { String::new() } else { without_port(authority).to_owned() }
    };
    let (tls, plain) = (text.value.strip_prefix("https://").map(host), text.value.strip_prefix("http://").map(host));
    match (tls, plain) {
        (Some(host), _) if !host.is_empty() => {}
        (_, Some(host)) if is_loopback(&host) => {}
        (_, Some(host)) if !host.is_empty() => {
            let message = format!("{key} sends to {} without TLS", shown(&host));
            faults.error(&text.span, VALUE, message, "use https://");
        }
        _ => faults.error(&text.span, VALUE, format!("{key} cannot be {}", shown(text.value)), instead),
    }
}

fn without_port(authority: &str) -> &str {
    match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host,
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

const UPSTREAMS: &str = "write \"dynamodb\", \"embedded\", or a URL such as https://dynamodb.eu-west-1.amazonaws.com";
const KMS_ENDPOINTS: &str = "write a URL such as https://kms.eu-west-1.amazonaws.com, or leave it out";
