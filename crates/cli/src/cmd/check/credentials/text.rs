//! The findings in words.

use super::{Asked, Finding, Key};
use crate::say;

pub(in super::super) fn text(asked: &Asked, out: &mut Vec<u8>) {
    let Asked { keys, key_stores, not_asked, .. } = asked;
    if keys.is_empty() && key_stores.is_empty() && not_asked.is_empty() {
        say::wrap("The configuration uses no key of AWS KMS.", "", out);
    }
    for store in key_stores {
        say::wrap(&format!("key {}, the key store {}", store.name, store.table), "    ", out);
        findings(&store.errors, &store.warnings, out);
    }
    for key in keys {
        self::key(key, out);
    }
    for one in not_asked {
        say::block(&format!("key {}: not asked, since {}", one.name, one.why), one.hint, out);
    }
}

fn key(key: &Key, out: &mut Vec<u8>) {
    let lead = match &key.name {
        Some(name) => format!("key {name}, {} of AWS KMS", key.key),
        None => format!("{} of AWS KMS, which should be out of reach", key.key),
    };
    say::wrap(&format!("{lead}{}", context(key)), "    ", out);
    names("needed and allowed", &key.allowed, out);
    names("not needed and not allowed", &key.refused, out);
    names("not needed and not allowed for the context asked", &key.refused_in_context, out);
    for one in &key.unknown {
        say::wrap(&format!("  not known: {one}"), "    ", out);
    }
    findings(&key.errors, &key.warnings, out);
}

/// The encryption context of the questions; its values can be those of items.
fn context(key: &Key) -> String {
    match (&key.record, &key.context) {
        (_, None) => String::new(),
        (Some(record), _) => {
            let (r#type, id) = (say::printable(&record.r#type), say::printable(&record.branch_key_id));
            format!(", asked as for the record {type} of branch key \"{id}\"")
        }
        (None, Some(names)) if names.is_empty() => ", asked without an encryption context".to_owned(),
        (None, Some(names)) => {
            let names: Vec<_> = names.iter().map(|name| say::printable(name)).collect();
            format!(", asked with the encryption context {}", names.join(", "))
        }
    }
}

fn findings(errors: &[Finding], warnings: &[Finding], out: &mut Vec<u8>) {
    for (grade, findings) in [("error", errors), ("warning", warnings)] {
        for Finding { code, message, hint, .. } in findings {
            say::block(&format!("{grade}[{code}]: {message}"), hint, out);
        }
    }
}

fn names(what: &str, operations: &[&str], out: &mut Vec<u8>) {
    if !operations.is_empty() {
        say::wrap(&format!("  {what}: {}", operations.join(", ")), "    ", out);
    }
}
