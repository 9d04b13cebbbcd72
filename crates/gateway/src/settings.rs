//! What a gateway is told: where it listens, where it sends, and how much it takes.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use dynaseal_http::VaultServer;

use crate::paced::Pace;
use crate::start::Fact;

/// Where a gateway listens and what it takes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address to listen on; port 0 takes any free port.
    pub listen: SocketAddr,
    /// Whether `listen` may be reached from other machines although callers are not checked.
    pub allow_remote: bool,
    /// Names under which it may be called, beside addresses and names that the public DNS cannot have.
    pub hosts: Vec<String>,
    /// Sizes, times and load.
    pub limits: Limits,
    /// What is known of where calls go, to be said at the start.
    pub facts: Vec<Fact>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            allow_remote: false,
            hosts: Vec::new(),
            limits: Limits::default(),
            facts: Vec::new(),
        }
    }
}

/// How much the gateway takes from its callers.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest request body, in bytes. DynamoDB's own limit is 16 MiB.
    pub body: usize,
    /// The longest request head, in bytes.
    pub head: usize,
    /// How many requests are worked on at once.
    pub in_flight: usize,
    /// How many bytes of request bodies, of what is made of them and of unread answers are held at once.
    pub buffered: usize,
    /// How many connections are open at once. For more, those that keep us waiting longest are closed.
    pub connections: usize,
    /// The same of one peer's address; of IPv6, of one /64.
    pub connections_of_peer: usize,
    /// How long a connection may go without a request.
    pub idle_time: Duration,
    /// How long a request's head may take to arrive, from its first byte.
    pub head_time: Duration,
    /// How long a request's body may take to arrive.
    pub body_time: Duration,
    /// How long a body or the reading of an answer may take before `rate` counts.
    pub stall_time: Duration,
    /// How many bytes a second of a body must arrive, and of an answer be read, on average.
    pub rate: usize,
    /// How long open requests may take to finish once the gateway is told to stop.
    pub drain_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 16 << 20,
            head: 32 << 10,
            in_flight: 1024,
            buffered: 512 << 20,
            connections: 8192,
            connections_of_peer: 2048,
            idle_time: Duration::from_secs(75),
            head_time: Duration::from_secs(15),
            body_time: Duration::from_secs(30),
            stall_time: Duration::from_secs(5),
            rate: 4096,
            drain_time: Duration::from_secs(30),
        }
    }
}

impl Limits {
    pub(crate) fn pace(&self) -> Pace {
        Pace { grace: self.stall_time, rate: self.rate }
    }
}

/// Where calls go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where calls of DynamoDB go.
    pub store: Store,
    /// The region of calls that name none; without one, that of the environment or profile.
    pub region: Option<String>,
    /// Whether keys of AWS KMS are used. An embedded database without them needs no network.
    pub kms: bool,
    /// The one address of AWS KMS, for tests and VPC endpoints; without one, AWS's own in each call's region.
    pub kms_endpoint: Option<String>,
    /// The Vault whose keys are used, if any are.
    pub vault: Option<VaultServer>,
    /// Whether the store may be called without TLS although it is on another machine.
    pub danger_plain: bool,
    /// A file of certificates of authorities that are trusted beside the system's.
    pub ca: Option<PathBuf>,
}

/// Where items are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// A database inside this process; in memory if there is no file.
    Embedded {
        /// The database's file.
        file: Option<PathBuf>,
    },
    /// Amazon DynamoDB.
    DynamoDb,
    /// Anything that speaks the DynamoDB API.
    Endpoint {
        /// Scheme, host and port.
        url: String,
    },
}

impl Target {
    /// Reads `upstream`, `region` and `database` as a configuration writes them. No keys of AWS KMS are used.
    #[must_use]
    pub fn new(upstream: &str, region: Option<String>, database: Option<PathBuf>) -> Self {
        let store = match upstream {
            "embedded" => Store::Embedded { file: database },
            "dynamodb" => Store::DynamoDb,
            url => Store::Endpoint { url: url.to_owned() },
        };
        Self { store, region, kms: false, kms_endpoint: None, vault: None, danger_plain: false, ca: None }
    }

    /// The same with keys of AWS KMS, which is at `endpoint` if there is one.
    #[must_use]
    pub fn with_kms(self, endpoint: Option<String>) -> Self {
        Self { kms: true, kms_endpoint: endpoint, ..self }
    }

    /// The same with the authorities of a file trusted beside the system's.
    #[must_use]
    pub fn trusting(self, ca: Option<PathBuf>) -> Self {
        Self { ca, ..self }
    }

    /// The same, where the store may be called without TLS if `allowed`: whoever is on the way can read and change what passes.
    #[must_use]
    pub fn danger_plain_upstream(self, allowed: bool) -> Self {
        Self { danger_plain: allowed, ..self }
    }

    /// The same with keys of Vault.
    #[must_use]
    pub fn with_vault(self, server: VaultServer) -> Self {
        Self { vault: Some(server), ..self }
    }
}
