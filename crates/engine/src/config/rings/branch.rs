//! `branch-key-file` and `hierarchical`: branch keys from a file, or from a table of DynamoDB.

use std::path::Path;
use std::sync::Arc;

use dynaseal_keys::{
    AwsKms, BranchKeyFile, BranchKeyId, CacheOptions, Hierarchical, KeyStore, KeyStoreOptions, KeyStoreTable, Kms,
    KmsConfiguration, KmsPurpose, VaultTransit,
};

use super::super::cache;
use super::super::fault::{CONTRADICTION, Faults, MISSING, VALUE, shown};
use super::super::material::secret_file;
use super::super::names::{self, Named};
use super::super::outside::Outside;
use super::super::section::{At, Section};
use super::{Built, kms, not_text, usable};

pub(super) fn file(
    section: &mut Section<'_, '_>,
    folder: &Path,
    outside: &dyn Outside,
    faults: &mut Faults<'_>,
) -> Option<Built> {
    let path = section.required("file", "branch-keys.json", faults);
    let choice = Choice::read(section, faults);
    let cache = cache::read(section, faults);
    let path = path?;
    let text = secret_file(&path, "file", folder, outside, faults)?;
    let Ok(text) = std::str::from_utf8(&text) else {
        not_text(&path, faults);
        return None;
    };
    let store = usable(BranchKeyFile::parse(text), |_| path.span.clone(), faults)?;
    if let Some(Choice::Fixed(id)) = &choice
        && !store.ids().any(|stored| stored == id.value)
    {
        let message = format!("the file has no branch key {}", shown(id.value));
        faults.error(&id.span, VALUE, message, "name one that it has, or add it to the file");
    }
    built(Arc::new(store), choice?, cache, &format!("the file {}", path.value), section, faults)
}

pub(super) fn table(section: &mut Section<'_, '_>, faults: &mut Faults<'_>) -> Option<Built> {
    let table = section.required("key_store_table", "KeyStore", faults);
    let logical_name = section.name("logical_key_store_name", faults);
    let grant_tokens = kms::texts(&section.names("grant_tokens", faults));
    let kms_key = kms_key(grant_tokens.clone(), section, faults);
    let choice = Choice::read(section, faults);
    let cache = cache::read(section, faults);
    let table = table.filter(|at| names::check(at.value, Named::KeyStore, &at.span, faults));
    let (table, (kms, keys, protected)) = (table?.value, kms_key?);
    let logical_name = logical_name.map_or(table, |name| name.value);
    let kms_keys = keys.kms_keys();
    let options = KeyStoreOptions { table: table.to_owned(), logical_name: logical_name.to_owned(), kms, keys };
    let store = Arc::new(usable(KeyStoreTable::new(options), |field| section.place(field), faults)?);
    let named = if logical_name == table { String::new() } else { format!(" (made as {logical_name})") };
    let place = format!("the key store {table}{named}, protected by {protected}");
    let built = built(store.clone(), choice?, cache, &place, section, faults)?;
    let built = match kms_keys {
        Some(keys) => built.with_kms(keys, KmsPurpose::BranchKeys, grant_tokens),
        None => built,
    };
    Some(Built { key_store: Some(store), ..built })
}

fn built(
    store: Arc<dyn KeyStore>,
    choice: Choice<'_>,
    cache: CacheOptions,
    place: &str,
    section: &Section<'_, '_>,
    faults: &mut Faults<'_>,
) -> Option<Built> {
    let (id, words) = match &choice {
        Choice::Fixed(id) => (BranchKeyId::Fixed(id.value.to_owned()), format!("branch key {}", id.value)),
        Choice::Attribute(name) => {
            let words = format!("the branch key that attribute \"{}\" names", name.value);
            (BranchKeyId::Attribute(name.value.to_owned()), words)
        }
    };
    let ring = usable(Hierarchical::new(store, id, cache), |field| section.place(field), faults)?;
    let (branch_key_id, branch_key_id_attribute) = match choice {
        Choice::Fixed(id) => (Some(id.value.to_owned()), None),
        Choice::Attribute(name) => (None, Some(name.value.to_owned())),
    };
    Some(Built { branch_key_id, branch_key_id_attribute, ..Built::new(ring, format!("{words}, from {place}")) })
}

/// Which branch key an item belongs to.
enum Choice<'r> {
    Fixed(At<&'r str>),
    Attribute(At<&'r str>),
}

impl<'r> Choice<'r> {
    fn read(section: &mut Section<'r, '_>, faults: &mut Faults<'_>) -> Option<Self> {
        let id = section.name("branch_key_id", faults);
        let attribute = section.name("branch_key_id_attribute", faults);
        match (section.has("branch_key_id"), section.has("branch_key_id_attribute")) {
            (true, true) => {
                let message = format!("{} has both branch_key_id and branch_key_id_attribute", section.title);
                faults.error(&section.place("branch_key_id_attribute"), CONTRADICTION, message, "keep one of the two");
                None
            }
            (false, false) => {
                let message = format!("{} has neither branch_key_id nor branch_key_id_attribute", section.title);
                let hint = "name one branch key, or the attribute that names it per item";
                faults.error(&section.span, MISSING, message, hint);
                None
            }
            _ => id.map(Self::Fixed).or(attribute.map(Self::Attribute)),
        }
    }
}

/// Who protects a key store, and how to say it.
fn kms_key(
    grant_tokens: Vec<String>,
    section: &mut Section<'_, '_>,
    faults: &mut Faults<'_>,
) -> Option<(Arc<dyn Kms>, KmsConfiguration, String)> {
    let given: Vec<_> = KMS_KEYS.into_iter().filter(|key| section.has(key)).collect();
    let aws = Arc::new(AwsKms::new(grant_tokens));
    match *given.as_slice() {
        [] => {
            let message = format!("{} has none of {}", section.title, KMS_KEYS.join(", "));
            let hint = "name the KMS key, or set kms = \"discovery\" to open with the key that each branch key names";
            faults.error(&section.span, MISSING, message, hint);
            None
        }
        ["kms_key_arn"] => {
            let key = section.name("kms_key_arn", faults)?.value;
            Some((aws, KmsConfiguration::Key(key.to_owned()), format!("AWS KMS key {key}")))
        }
        ["kms_mrk_key_arn"] => {
            let key = section.name("kms_mrk_key_arn", faults)?.value;
            let keys = KmsConfiguration::MultiRegionKey(key.to_owned());
            Some((aws, keys, format!("AWS KMS key {key} and its replicas")))
        }
        ["kms"] => {
            let word = section.one_of("kms", &[("discovery", ())], faults);
            let keys = kms::accounts(section, false, faults);
            word?;
            let keys = keys?;
            let said = format!("any AWS KMS key of {}", kms::owners(&keys));
            Some((aws, KmsConfiguration::Discovery(keys), said))
        }
        ["vault_key"] => {
            let key = section.name("vault_key", faults);
            let mount = section.name("vault_mount", faults);
            let (key, mount) = (key?.value, mount.map_or("transit", |at| at.value));
            let name = usable(VaultTransit::key(mount, key), |field| section.place(field), faults)?;
            let said = format!("Vault's transit key {mount}/{key}, which DB-ESDK cannot use");
            Some((Arc::new(VaultTransit), KmsConfiguration::Vault(name), said))
        }
        [one, other, ..] => {
            for key in given {
                section.text(key, faults);
            }
            let message = format!("{} has both {one} and {other}", section.title);
            faults.error(&section.place(other), CONTRADICTION, message, "keep one of the two");
            None
        }
        [_] => None,
    }
}

/// Each says who protects a key store; there must be one of them.
const KMS_KEYS: [&str; 4] = ["kms_key_arn", "kms_mrk_key_arn", "kms", "vault_key"];
