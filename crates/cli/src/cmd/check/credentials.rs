//! `dynaseal check --credentials`: may this process do what its keys in AWS KMS need, and no more?

use dynaseal_engine::{Config, Service, SystemClock};
use dynaseal_keys::{Io, KmsError, KmsRights, Refusal, Role};
use pollster::block_on;
use serde::Serialize;

use crate::error::Error;
use crate::network::Network;
use crate::say;

/// What the process does with items.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Access {
    /// It seals and opens.
    ReadsAndWrites,
    /// It opens only.
    Reads,
    /// It seals only.
    Writes,
}

/// What KMS said of every key.
#[derive(Debug, Serialize)]
pub(super) struct Asked {
    /// Whether nothing is missing.
    pub(super) sufficient: bool,
    keys: Vec<Key>,
}

#[derive(Debug, Serialize)]
struct Key {
    name: String,
    key: String,
    /// What is needed and allowed.
    allowed: Vec<&'static str>,
    /// What is needed and would fail.
    errors: Vec<Finding>,
    /// What is allowed and not needed.
    warnings: Vec<Finding>,
    /// What is not needed and refused.
    refused: Vec<&'static str>,
    /// What could not be found out.
    unknown: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Finding {
    code: &'static str,
    message: String,
    hint: String,
}

pub(super) fn ask(config: &Config, access: Access) -> Result<Asked, Error> {
    let role = match access {
        Access::ReadsAndWrites => Role::ReadsAndWrites,
        Access::Reads => Role::Reads,
        Access::Writes => Role::Writes,
    };
    let keys: Vec<_> = config.kms_keys().collect();
    let network = Network::open(&config.gateway, keys.first().map(|_| Service::Kms).into_iter().collect())?;
    let io = Io { wire: &network, clock: &SystemClock };
    let mut found = Vec::new();
    for (name, used, context) in keys {
        let rights = block_on(used.rights(role, &context, io)).map_err(Error::Keys)?;
        found.push(Key::new(name, &used.key, rights));
    }
    Ok(Asked { sufficient: found.iter().all(|key| key.errors.is_empty()), keys: found })
}

impl Key {
    fn new(name: &str, key: &str, rights: KmsRights) -> Self {
        let KmsRights { allowed, missing, excess, refused, unknown } = rights;
        let error = |error: KmsError| Finding {
            code: error.code(),
            message: error.to_string(),
            hint: match &error {
                KmsError::Refused { refusal: Refusal::AccessDenied, .. } => {
                    format!("allow the operation with the policy for this type of key in {POLICIES}")
                }
                _ => error.hint().to_owned(),
            },
        };
        let warning = |operation: &'static str| Finding {
            code: BROADER,
            message: format!("{operation} with the key {key} is allowed: broader than needed"),
            hint: format!("take it out of the key's policy, or deny it there; see {POLICIES}"),
        };
        Self {
            name: name.to_owned(),
            key: key.to_owned(),
            allowed,
            errors: missing.into_iter().map(error).collect(),
            warnings: excess.into_iter().map(warning).collect(),
            refused,
            unknown: unknown.iter().map(ToString::to_string).collect(),
        }
    }
}

pub(super) fn text(asked: &Asked, out: &mut Vec<u8>) {
    if asked.keys.is_empty() {
        say::wrap(
            "The configuration names no key of AWS KMS; keys that are found by discovery are not asked about.",
            "",
            out,
        );
    }
    for key in &asked.keys {
        say::wrap(&format!("key {}, {} of AWS KMS", key.name, key.key), "    ", out);
        names("needed and allowed", &key.allowed, out);
        names("not needed and refused", &key.refused, out);
        for one in &key.unknown {
            say::wrap(&format!("  not known: {one}"), "    ", out);
        }
        for (grade, findings) in [("error", &key.errors), ("warning", &key.warnings)] {
            for Finding { code, message, hint } in findings {
                say::block(&format!("{grade}[{code}]: {message}"), hint, out);
            }
        }
    }
}

fn names(what: &str, operations: &[&str], out: &mut Vec<u8>) {
    if !operations.is_empty() {
        say::wrap(&format!("  {what}: {}", operations.join(", ")), "    ", out);
    }
}

/// The credentials may do more with a key than they need.
const BROADER: &str = "DSL-8201";
const POLICIES: &str = "docs/KEYS.md, \"Who may do what\"";
