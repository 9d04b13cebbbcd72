//! `dynaseal check`: is a configuration right, and what does it do to each attribute, or to a request?

mod credentials;
mod plan;

use dynaseal_engine::{
    AttributeExplanation, Config, Explanation, Fault, KeyExplanation, KmsExplanation, Machine, TableExplanation,
    TableSection,
};
use serde::Serialize;

use super::Outcome;
use crate::args::CheckArgs;
use crate::error::Error;
use crate::say;

pub(crate) use credentials::Access;
pub(crate) use plan::Target;

/// What `check` found; the text and `--json` print the same.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Report {
    Right(Explanation),
    Request(plan::Planned),
    Credentials(credentials::Asked),
    Table(Box<TableSection>),
    Wrong {
        errors: Vec<Fault>,
        /// How many are not among them.
        #[serde(skip_serializing_if = "is_zero")]
        more: usize,
    },
}

pub(crate) fn run(args: &CheckArgs) -> Result<Outcome, Error> {
    let report = match Config::load(&args.file, &Machine) {
        Ok(config) => match (&args.explain, args.credentials) {
            (Some(target), _) => Report::Request(plan::explain(config, target)?),
            (None, Some(access)) => Report::Credentials(credentials::ask(&config, access, args)?),
            (None, None) => match &args.table {
                Some(table) => Report::Table(Box::new(config.section(table))),
                None => Report::Right(config.explain()),
            },
        },
        // A file that cannot be read is neither right nor wrong.
        Err(errors) if errors.iter().any(|fault| fault.code == UNREADABLE) => return Err(errors.into()),
        Err(errors) => Report::Wrong { more: errors.more(), errors: errors.into_faults() },
    };
    let mut out = Vec::new();
    if args.json {
        say::json(&report, true, &mut out)?;
    } else {
        text(&report, &mut out);
    }
    say::page(&out)?;
    Ok(match report {
        Report::Right(_) | Report::Request(plan::Planned::Carried(_)) => Outcome::Done,
        Report::Credentials(asked) if asked.sufficient => Outcome::Done,
        Report::Table(held) if held.section.is_some() => Outcome::Done,
        Report::Table(_)
        | Report::Wrong { .. }
        | Report::Credentials(_)
        | Report::Request(plan::Planned::Refused { .. }) => Outcome::Found,
    })
}

fn text(report: &Report, out: &mut Vec<u8>) {
    match report {
        Report::Wrong { errors, more } => say::faults(errors, *more, out),
        Report::Table(held) => section(held, out),
        Report::Request(planned) => plan::text(planned, out),
        Report::Credentials(asked) => credentials::text(asked, out),
        Report::Right(explanation) => {
            for warning in &explanation.warnings {
                say::fault("warning", warning, out);
            }
            for (at, one) in explanation.tables.iter().enumerate() {
                if at > 0 || !explanation.warnings.is_empty() {
                    out.push(b'\n');
                }
                table(one, out);
            }
            if let Some(kms) = &explanation.kms {
                out.push(b'\n');
                say::wrap(&kms_words(kms), "", out);
            }
            out.push(b'\n');
            let others = match explanation.other_tables {
                "refuse" => "Calls on tables that are not named here are refused (other_tables = \"refuse\").",
                _ => "Tables that are not named here pass through untouched.",
            };
            say::wrap(others, "", out);
        }
    }
}

/// Which section holds for one table.
fn section(held: &TableSection, out: &mut Vec<u8>) {
    let TableSection { table: name, section, others, key_store_of, protection, other_tables, .. } = held;
    let what = match (section, key_store_of) {
        (Some(section), _) => format!("{section} holds for table {name}."),
        (None, Some(key)) => format!("Table {name} is the key store of the key {key}: calls on it are refused."),
        (None, None) if *other_tables == "refuse" => {
            format!("No section holds for table {name}: calls on it are refused (other_tables = \"refuse\").")
        }
        (None, None) => format!("No section holds for table {name}: it passes through UNPROTECTED."),
    };
    say::wrap(&what, "", out);
    if !others.is_empty() {
        say::wrap(&format!("It also matches {}, which yield to it.", others.join(", ")), "", out);
    }
    if let Some(protection) = protection {
        out.push(b'\n');
        table(protection, out);
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn table(table: &TableExplanation, out: &mut Vec<u8>) {
    match &table.logical_name {
        None => {
            say::wrap(&format!("tables named {}", table.table), "", out);
            let keys = "each signed under its own name; DynamoDB tells which attributes are its keys, and only those that \
                        are stored plainly here can be";
            say::wrap(&format!("  {keys}"), "    ", out);
        }
        Some(name) => {
            say::wrap(&format!("table {}", table.table), "", out);
            if *name != table.table {
                say::wrap(&format!("  signed as \"{name}\""), "    ", out);
            }
        }
    }
    let signature = if table.suite == "hmac" { "no signature" } else { "a signature per item" };
    say::wrap(&format!("  suite {}: {signature}; header version {}", table.suite, table.version), "    ", out);
    let plaintext = match table.plaintext {
        "read" => "unsealed items are read as they are (plaintext = \"read\")",
        "write" => "items are WRITTEN UNSEALED and read either way (plaintext = \"write\")",
        _ => "unsealed items are refused (plaintext = \"forbid\")",
    };
    say::wrap(&format!("  {plaintext}"), "    ", out);
    key(&table.keys, "  keys ", out);
    let names = table.attributes.iter().map(|attribute| attribute.name.chars().count());
    let width = names.max().unwrap_or_default().clamp(10, 28);
    say::wrap("  attributes", "", out);
    for attribute in &table.attributes {
        line(&attribute.name, &meaning(attribute), width, out);
    }
    if let Some(prefix) = &table.unsigned_prefix {
        line(&format!("{prefix}…"), "stored plainly; NOT signed: a change goes unnoticed", width, out);
    }
    let others = match table.other_attributes {
        Some("encrypt_and_sign") => "encrypted and signed (default_action)",
        Some("sign_only") => "stored plainly; signed (default_action)",
        Some(_) => "stored plainly; signed; in the encryption context (default_action)",
        None => "refused: an item that has one is not sealed",
    };
    line("any other", others, width, out);
}

fn kms_words(kms: &KmsExplanation) -> String {
    let KmsExplanation { endpoint, region, .. } = kms;
    let region = region.as_deref().unwrap_or("that of the environment, such as AWS_REGION");
    match endpoint {
        Some(endpoint) => {
            format!("The gateway calls AWS KMS at {endpoint}. Calls are signed for the Region of the key, or {region}.")
        }
        None => format!("The gateway calls AWS KMS in the Region of each key; where a key names none: {region}."),
    }
}

fn line(name: &str, meaning: &str, width: usize, out: &mut Vec<u8>) {
    say::wrap_columns(&format!("    {name:width$}  "), meaning, out);
}

fn meaning(attribute: &AttributeExplanation) -> String {
    let key = attribute.key.map(|key| format!("{key} key; ")).unwrap_or_default();
    let what = match (attribute.encrypted, attribute.signed, attribute.in_context) {
        (true, ..) => "encrypted and signed",
        (false, true, true) => "stored plainly; signed; in the encryption context",
        (false, true, false) => "stored plainly; signed",
        (false, false, _) => "stored plainly; NOT signed: a change goes unnoticed",
    };
    format!("{key}{what}")
}

fn key(key: &KeyExplanation, lead: &str, out: &mut Vec<u8>) {
    let indent = " ".repeat(lead.len() + 2);
    say::wrap(&format!("{lead}{} ({}): {}", key.name, key.r#type, key.detail), &indent, out);
    for child in &key.children {
        self::key(child, &format!("{}  ", " ".repeat(lead.len())), out);
    }
}

const UNREADABLE: &str = "DSL-5000";
