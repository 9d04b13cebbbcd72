//! A case as Dynaseal's configuration, with its keys in files.

use std::fs;
use std::io;
use std::path::Path;

use dynaseal_item::{Action, SchemaSpec, Suite};
use serde_json::{Map, Value, json};

use crate::ours;
use crate::rings::{BRANCH_KEYS, NAMESPACE, Ring, RsaPair};

/// The configuration with this one table.
pub fn of(name: &str, table: &SchemaSpec, ring: Ring, folder: &Path) -> Value {
    let mut keys = Map::new();
    let members: &[Ring] = if ring == Ring::Multi { &Ring::MULTI } else { &[] };
    for ring in members.iter().copied().chain([ring]) {
        keys.insert(format!("{ring:?}"), key(ring, table, folder));
    }
    let attributes: Map<String, Value> =
        table.actions.iter().map(|(name, action)| (name.clone(), json!(word(*action)))).collect();
    let mut section = json!({
        "keys": format!("{ring:?}"),
        "logical_name": table.logical_name,
        "partition_key": table.partition_key,
        "suite": if table.suite == Suite::Hmac { "hmac" } else { "ecdsa-p384" },
        "attributes": attributes,
        "unsigned": table.unsigned,
    });
    for (member, value) in [("sort_key", &table.sort_key), ("unsigned_prefix", &table.unsigned_prefix)] {
        if let Some(value) = value {
            section[member] = json!(value);
        }
    }
    json!({ "keys": keys, "tables": { name: section } })
}

/// The files that the configurations name.
pub fn write_keys(rsa: &RsaPair, folder: &Path) -> io::Result<()> {
    write_secret(&folder.join(PRIVATE), &rsa.private_pem)?;
    write_secret(&folder.join(BRANCHES), &ours::branch_key_file())?;
    fs::write(folder.join(PUBLIC), &rsa.public_pem)?;
    for ring in [Ring::Aes128, Ring::Aes192, Ring::Aes256] {
        let hex: String = ring.aes_key().iter().map(|byte| format!("{byte:02x}")).collect();
        write_secret(&folder.join(aes_file(ring)), &hex)?;
    }
    Ok(())
}

/// A file that only its owner can read: Dynaseal warns of any other.
fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}

fn key(ring: Ring, table: &SchemaSpec, folder: &Path) -> Value {
    let padding = match ring {
        Ring::Aes128 | Ring::Aes192 | Ring::Aes256 => {
            return json!({
                "type": "raw-aes",
                "namespace": NAMESPACE,
                "name": ring.key_name(),
                "key_file": folder.join(aes_file(ring)),
            });
        }
        Ring::Branch => {
            let file = folder.join(BRANCHES);
            return json!({ "type": "branch-key-file", "file": file, "branch_key_id": BRANCH_KEYS[0].id });
        }
        Ring::BranchPerTenant => {
            let (file, attribute) = (folder.join(BRANCHES), &table.partition_key);
            return json!({ "type": "branch-key-file", "file": file, "branch_key_id_attribute": attribute });
        }
        Ring::Multi => {
            let [generator, children @ ..] = Ring::MULTI.map(|ring| format!("{ring:?}"));
            return json!({ "type": "multi", "generator": generator, "children": children });
        }
        Ring::RsaPkcs1 => "PKCS1",
        Ring::RsaOaepSha1 => "OAEP_SHA1",
        Ring::RsaOaepSha256 => "OAEP_SHA256",
        Ring::RsaOaepSha384 => "OAEP_SHA384",
        Ring::RsaOaepSha512 => "OAEP_SHA512",
        _ => unreachable!("only rings that need no service are exchanged"),
    };
    json!({
        "type": "raw-rsa",
        "namespace": NAMESPACE,
        "name": ring.key_name(),
        "padding": padding,
        "private_key_file": folder.join(PRIVATE),
        "public_key_file": folder.join(PUBLIC),
    })
}

fn word(action: Action) -> &'static str {
    match action {
        Action::EncryptAndSign => "encrypt_and_sign",
        Action::SignOnly => "sign_only",
        Action::SignAndIncludeInEncryptionContext => "sign_and_include_in_encryption_context",
        Action::DoNothing => "do_nothing",
    }
}

fn aes_file(ring: Ring) -> String {
    format!("{ring:?}.hex")
}

const PRIVATE: &str = "private.pem";
const PUBLIC: &str = "public.pem";
const BRANCHES: &str = "branch-keys.json";
