//! The key types that are not made of others: from a section to a key ring, and what to say about it.

mod branch;
mod ecdh;
mod kms;
mod raw;

use std::path::Path;
use std::sync::Arc;

use dynaseal_keys::{AtMost, Error, KeyStoreTable, Keyring, KmsKeys, KmsPurpose, KmsUse};

use super::fault::{Faults, KEY_MATERIAL, Span, shown};
use super::material::{self, file, secret_file};
use super::outside::Outside;
use super::section::{At, Section};

pub(super) use kms::Kind as Kms;

/// A key type that is not made of others.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Ring {
    RawAes,
    RawRsa,
    RawEcdh,
    BranchKeyFile,
    Hierarchical,
    AwsKms(Kms),
    AwsKmsRsa,
    AwsKmsEcdh,
}

/// A key ring and what to say about it.
pub(super) struct Built {
    pub(super) ring: Arc<dyn Keyring>,
    pub(super) detail: String,
    /// Its one branch key, or else the attribute that names each item's.
    pub(super) branch_key_id: Option<String>,
    pub(super) branch_key_id_attribute: Option<String>,
    /// The table that its branch keys stand in, for commands that change it.
    pub(super) key_store: Option<Arc<KeyStoreTable>>,
    /// What it asks of AWS KMS.
    pub(super) kms: Option<KmsUse>,
}

impl Built {
    fn new(ring: impl Keyring + 'static, detail: String) -> Self {
        Self {
            ring: Arc::new(ring),
            detail,
            branch_key_id: None,
            branch_key_id_attribute: None,
            key_store: None,
            kms: None,
        }
    }

    fn with_kms_key(self, key: &str, purpose: KmsPurpose, grant_tokens: Vec<String>) -> Self {
        self.with_kms(KmsKeys::Named(key.to_owned()), purpose, grant_tokens)
    }

    fn with_kms(self, keys: KmsKeys, purpose: KmsPurpose, grant_tokens: Vec<String>) -> Self {
        Self { kms: Some(KmsUse { keys, purpose, grant_tokens }), ..self }
    }
}

pub(super) fn read(
    ring: Ring,
    section: &mut Section<'_, '_>,
    folder: &Path,
    outside: &dyn Outside,
    faults: &mut Faults<'_>,
) -> Option<Built> {
    let most = section.count("max_encrypted_data_keys", MOST_DATA_KEYS, faults);
    let built = match ring {
        Ring::RawAes => raw::aes(section, folder, outside, faults),
        Ring::RawRsa => raw::rsa(section, folder, outside, faults),
        Ring::RawEcdh => ecdh::raw(section, folder, outside, faults),
        Ring::BranchKeyFile => branch::file(section, folder, outside, faults),
        Ring::Hierarchical => branch::table(section, faults),
        Ring::AwsKms(kind) => kms::read(kind, section, faults),
        Ring::AwsKmsRsa => kms::rsa(section, folder, outside, faults),
        Ring::AwsKmsEcdh => ecdh::kms(section, folder, outside, faults),
    };
    let built = built?;
    Some(match most {
        Some(most) => Built { ring: Arc::new(AtMost::new(built.ring, most)), ..built },
        None => built,
    })
}

/// As many as an item can have.
const MOST_DATA_KEYS: usize = 255;

/// Text of a key file, wiped when dropped.
type Pem = zeroize::Zeroizing<String>;

/// A private key as PEM text, from a file that only its owner should read.
fn private_pem(path: &At<&str>, folder: &Path, outside: &dyn Outside, faults: &mut Faults<'_>) -> Option<Pem> {
    let pem = secret_file(path, "private_key_file", folder, outside, faults)?;
    pem_text(pem, path, faults)
}

/// A public key as PEM text, from the file that a setting names.
fn public_pem(
    path: &At<&str>,
    setting: &str,
    folder: &Path,
    outside: &dyn Outside,
    faults: &mut Faults<'_>,
) -> Option<Pem> {
    let pem = material::Secret::new(file(path, setting, folder, outside, faults)?);
    pem_text(pem, path, faults)
}

fn pem_text(mut pem: material::Secret, path: &At<&str>, faults: &mut Faults<'_>) -> Option<Pem> {
    let text = String::from_utf8(std::mem::take(&mut *pem));
    // The bytes of a failed conversion are wiped, too.
    let text = text.map_err(|error| drop(material::Secret::new(error.into_bytes())));
    if text.is_err() {
        not_text(path, faults);
    }
    text.ok().map(Pem::new)
}

fn not_text(path: &At<&str>, faults: &mut Faults<'_>) {
    let message = format!("the file {} is not text", shown(path.value));
    faults.error(&path.span, KEY_MATERIAL, message, "give the file that the key was exported to as text");
}

/// A file that was not named is fine; one that could not be read is not.
fn all_or_none<T>(file: Option<Option<T>>) -> Option<Option<T>> {
    match file {
        None => Some(None),
        Some(read) => read.map(Some),
    }
}

/// A key ring, or the fault that it names, at the place of the setting that it names.
pub(super) fn usable<T>(
    ring: Result<T, Error>,
    place: impl FnOnce(&str) -> Span,
    faults: &mut Faults<'_>,
) -> Option<T> {
    match ring {
        Ok(ring) => Some(ring),
        Err(error) => {
            let field = if let Error::Config { field, .. } = &error { field } else { "" };
            faults.error(&place(field), error.code(), error.to_string(), error.hint());
            None
        }
    }
}
