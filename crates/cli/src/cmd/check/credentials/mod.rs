//! `dynaseal check --credentials`: may this process do what its keys in AWS KMS need, and no more?
//!
//! ```text
//!  configuration, options, key stores ── questions.rs ──> Question ── KMS, by dry runs ──> Key ── text.rs, or JSON
//! ```

mod questions;
mod text;

use dynaseal_engine::{Config, Service, SystemClock};
use dynaseal_item::Context;
use dynaseal_keys::{Io, KmsError, KmsPurpose, KmsRights, RecordName, Refusal, Role};
use pollster::block_on;
use serde::Serialize;

use crate::args::CheckArgs;
use crate::error::Error;
use crate::network::Network;
use questions::{Question, Questions};

pub(super) use text::text;

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

/// What was found out, and what was not.
#[derive(Debug, Serialize)]
pub(super) struct Asked {
    /// Whether nothing is missing, and nothing in reach that must not be.
    pub(super) sufficient: bool,
    /// What KMS said, question by question.
    keys: Vec<Key>,
    /// What reading the key stores brought up.
    key_stores: Vec<Store>,
    /// What could not be asked.
    not_asked: Vec<NotAsked>,
}

/// What KMS said of one key with one encryption context.
#[derive(Debug, Serialize)]
struct Key {
    /// Its name in the configuration; none for a key that should be out of reach.
    name: Option<String>,
    key: String,
    /// The names of the encryption context; none for a key that knows no context.
    context: Option<Vec<String>>,
    /// The record whose context it is, and so all of it; without one, calls may have more.
    record: Option<Record>,
    /// What is needed and allowed.
    allowed: Vec<&'static str>,
    /// What is needed and would fail, or must be out of reach and is not.
    errors: Vec<Finding>,
    /// What is allowed and not needed.
    warnings: Vec<Finding>,
    /// What is not needed and not allowed.
    refused: Vec<&'static str>,
    /// What is not needed and not allowed with this context.
    refused_in_context: Vec<&'static str>,
    /// What could not be found out.
    unknown: Vec<String>,
}

/// A record of a key store.
#[derive(Debug, Serialize)]
struct Record {
    branch_key_id: String,
    r#type: String,
}

#[derive(Debug, Serialize)]
struct Store {
    name: String,
    table: String,
    errors: Vec<Finding>,
    warnings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct NotAsked {
    name: String,
    why: String,
    hint: &'static str,
}

#[derive(Debug, Serialize)]
struct Finding {
    code: &'static str,
    message: String,
    hint: String,
    /// Whether another encryption context may be allowed.
    in_context: bool,
}

pub(super) fn ask(config: &Config, access: Access, args: &CheckArgs) -> Result<Asked, Error> {
    let role = match access {
        Access::ReadsAndWrites => Role::ReadsAndWrites,
        Access::Reads => Role::Reads,
        Access::Writes => Role::Writes,
    };
    questions::refuse_useless(config, args)?;
    let network = Network::open(&config.gateway, questions::services(config, args))?;
    let io = Io { wire: &network, clock: &SystemClock };
    let Questions { asked, stores, not_asked } = block_on(Questions::collect(config, role, &args.ask, io));
    let mut keys = Vec::new();
    for question in asked {
        let rights = block_on(question.used.rights(role, &question.context, io)).map_err(Error::Keys)?;
        keys.push(Key::new(question, rights));
    }
    let findings = keys.iter().map(|key| &key.errors).chain(stores.iter().map(|store| &store.errors));
    Ok(Asked { sufficient: findings.into_iter().all(Vec::is_empty), keys, key_stores: stores, not_asked })
}

impl Key {
    fn new(question: Question, rights: KmsRights) -> Self {
        let KmsRights { allowed, missing, excess, refused, refused_in_context, unknown } = rights;
        let mut errors: Vec<_> = missing.iter().map(|error| question.missing(error)).collect();
        // What is to be out of reach must be shown to be, but not to be allowed to look at the key is well.
        let open = |error: &KmsError| {
            question.name.is_none() && !matches!(error, KmsError::Refused { refusal: Refusal::AccessDenied, .. })
        };
        let (unproven, unknown): (Vec<_>, Vec<_>) = unknown.into_iter().partition(open);
        errors.extend(unproven.iter().map(|error| question.missing(error)));
        let mut warnings = Vec::new();
        for operation in excess {
            match question.name {
                Some(_) => warnings.push(question.broader(operation)),
                None => errors.push(question.within_reach(operation)),
            }
        }
        let Question { name, used, context, record } = question;
        let names = |context: &Context| context.iter().map(|(name, _)| name.to_owned()).collect();
        Self {
            name,
            context: used.has_context("Decrypt").then(|| names(&context)),
            record: record.map(Record::of),
            key: used.key,
            allowed,
            errors,
            warnings,
            refused,
            refused_in_context,
            unknown: unknown.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Record {
    fn of(name: RecordName) -> Self {
        Self { branch_key_id: name.id.into(), r#type: name.r#type.into() }
    }
}

impl Question {
    /// What is needed and would fail.
    fn missing(&self, error: &KmsError) -> Finding {
        let (code, hint) = (error.code(), error.hint().to_owned());
        let KmsError::Refused { operation, refusal: Refusal::AccessDenied, .. } = error else {
            return Finding { code, message: error.to_string(), hint, in_context: false };
        };
        let allow = format!("allow the operation with the policy for this type of key in {POLICIES}");
        let in_context = self.used.has_context(operation);
        let message = if in_context { format!("{error} for the encryption context asked") } else { error.to_string() };
        let hint = match (in_context, &self.record) {
            // The context of a record is all that a call for it has.
            (false, _) | (true, Some(_)) => allow,
            (true, None) if self.used.purpose == KmsPurpose::BranchKeys => {
                format!("{allow}; if one with more conditions allows it, name a branch key with --branch-key ID")
            }
            (true, None) => {
                format!("{allow}; if one with more conditions allows it, say what with --context NAME=VALUE")
            }
        };
        Finding { code, message, hint, in_context }
    }

    /// What is allowed and not needed.
    fn broader(&self, operation: &str) -> Finding {
        Finding {
            code: BROADER,
            message: format!("{operation} with the key {} is allowed: broader than needed", self.used.key),
            hint: format!("take it out of the key's policy, or deny it there; see {POLICIES}"),
            in_context: false,
        }
    }

    /// What must not be allowed and is.
    fn within_reach(&self, operation: &str) -> Finding {
        Finding {
            code: WITHIN_REACH,
            message: format!("{operation} with the key {} is allowed: it should be out of reach", self.used.key),
            hint: format!("name the keys one by one in the role's policy, not key/*; see {POLICIES}"),
            in_context: false,
        }
    }
}

/// The services that are called.
const SERVICES: [Service; 2] = [Service::DynamoDb, Service::Kms];
/// The credentials may do more with a key or a key store than they need.
const BROADER: &str = "DSL-8201";
/// They may use a key that should be out of reach.
const WITHIN_REACH: &str = "DSL-8202";
const POLICIES: &str = "`dynaseal explain KEYS.md`, \"Who may do what\"";
