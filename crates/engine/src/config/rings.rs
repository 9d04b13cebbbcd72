//! The key types that hold a key of their own: from a section to a key ring, and what to say about it.

use std::path::Path;
use std::sync::Arc;

use dynaseal_keys::{BranchKeyFile, BranchKeyId, Error, Hierarchical, Keyring, Padding, RawAes, RawRsa};

use super::cache;
use super::fault::{CONTRADICTION, Faults, KEY_MATERIAL, MISSING, Span, VALUE, shown};
use super::material::{self, file, hex_key, secret_file};
use super::outside::Outside;
use super::section::{At, Section};

/// A key type with a key of its own.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Ring {
    RawAes,
    RawRsa,
    BranchKeyFile,
}

/// A key ring and what to say about it.
pub(super) struct Built {
    pub(super) ring: Arc<dyn Keyring>,
    pub(super) detail: String,
    pub(super) branch_key_id_attribute: Option<String>,
}

impl Built {
    fn new(ring: impl Keyring + 'static, detail: String) -> Self {
        Self { ring: Arc::new(ring), detail, branch_key_id_attribute: None }
    }
}

pub(super) fn read(
    ring: Ring,
    section: &mut Section<'_, '_>,
    folder: &Path,
    outside: &dyn Outside,
    faults: &mut Faults<'_>,
) -> Option<Built> {
    match ring {
        Ring::RawAes => raw_aes(section, folder, outside, faults),
        Ring::RawRsa => raw_rsa(section, folder, outside, faults),
        Ring::BranchKeyFile => branch_key_file(section, folder, outside, faults),
    }
}

fn raw_aes(
    section: &mut Section<'_, '_>,
    folder: &Path,
    outside: &dyn Outside,
    faults: &mut Faults<'_>,
) -> Option<Built> {
    let namespace = section.required("namespace", "acme", faults);
    let name = section.required("name", "main", faults);
    let key = hex_key(section, folder, outside, faults);
    let (namespace, name, (key, source)) = (namespace?.value, name?.value, key?);
    let ring = usable(RawAes::new(namespace, name, &key), |field| section.place(field), faults)?;
    let bits = key.len() * 8;
    Some(Built::new(ring, format!("AES-{bits} key \"{name}\" of \"{namespace}\", {source}")))
}

fn raw_rsa(
    section: &mut Section<'_, '_>,
    folder: &Path,
    outside: &dyn Outside,
    faults: &mut Faults<'_>,
) -> Option<Built> {
    let namespace = section.required("namespace", "acme", faults);
    let name = section.required("name", "main", faults);
    let paddings = Padding::ALL.map(|padding| (padding.name(), padding));
    let padding = if section.has("padding") {
        section.one_of("padding", &paddings, faults).map(|at| at.value)
    } else {
        section.required("padding", "OAEP_SHA256", faults);
        None
    };
    let private = section.name("private_key_file", faults);
    let public = section.name("public_key_file", faults);
    if !section.has("private_key_file") && !section.has("public_key_file") {
        let message = format!("{} has neither private_key_file nor public_key_file", section.title);
        faults.error(
            &section.span,
            MISSING,
            message,
            "add private_key_file = \"PATH\" to seal and open, or public_key_file to seal only",
        );
    }
    let private_pem = private.as_ref().map(|path| {
        let pem = secret_file(path, "private_key_file", folder, outside, faults)?;
        pem_text(pem, path, faults)
    });
    let public_pem = public.as_ref().map(|path| {
        let pem = material::Secret::new(file(path, "public_key_file", folder, outside, faults)?);
        pem_text(pem, path, faults)
    });
    let (private_pem, public_pem) = (all_or_none(private_pem)?, all_or_none(public_pem)?);
    let (namespace, name, padding) = (namespace?.value, name?.value, padding?);
    let (private_text, public_text) = (private_pem.as_deref(), public_pem.as_deref());
    let ring = RawRsa::new(
        namespace,
        name,
        padding,
        private_text.map(|text| text.as_str()),
        public_text.map(|text| text.as_str()),
    );
    let ring = usable(ring, |field| section.place(field), faults)?;
    let what = if private_pem.is_some() { "seals and opens" } else { "public key only: seals, cannot open" };
    let files: Vec<_> = [private, public].into_iter().flatten().map(|path| path.value).collect();
    let padding = padding.name();
    let detail = format!("RSA key \"{name}\" of \"{namespace}\", {padding}, {what}, from {}", files.join(" and "));
    Some(Built::new(ring, detail))
}

fn branch_key_file(
    section: &mut Section<'_, '_>,
    folder: &Path,
    outside: &dyn Outside,
    faults: &mut Faults<'_>,
) -> Option<Built> {
    let path = section.required("file", "branch-keys.json", faults);
    let id = section.name("branch_key_id", faults);
    let attribute = section.name("branch_key_id_attribute", faults);
    let cache = cache::read(section, faults);
    match (section.has("branch_key_id"), section.has("branch_key_id_attribute")) {
        (true, true) => {
            let message = format!("{} has both branch_key_id and branch_key_id_attribute", section.title);
            faults.error(&section.place("branch_key_id_attribute"), CONTRADICTION, message, "keep one of the two");
        }
        (false, false) => {
            let message = format!("{} has neither branch_key_id nor branch_key_id_attribute", section.title);
            faults.error(
                &section.span,
                MISSING,
                message,
                "name one branch key, or the attribute that names it per item",
            );
        }
        _ => {}
    }
    let path = path?;
    let text = secret_file(&path, "file", folder, outside, faults)?;
    let Ok(text) = std::str::from_utf8(&text) else {
        not_text(&path, faults);
        return None;
    };
    let store = usable(BranchKeyFile::parse(text), |_| path.span.clone(), faults)?;
    if let Some(id) = id.as_ref().filter(|id| !store.ids().any(|stored| stored == id.value)) {
        let message = format!("the file has no branch key {}", shown(id.value));
        faults.error(&id.span, VALUE, message, "name one that it has, or add it to the file");
    }
    let (choice, words) = match (&id, &attribute) {
        (Some(id), None) => (BranchKeyId::Fixed(id.value.to_owned()), format!("branch key {}", id.value)),
        (None, Some(name)) => {
            let words = format!("the branch key that attribute \"{}\" names", name.value);
            (BranchKeyId::Attribute(name.value.to_owned()), words)
        }
        _ => return None,
    };
    let ring = Hierarchical::new(Arc::new(store), choice, cache);
    let ring = usable(ring, |field| section.place(field), faults)?;
    let detail = format!("{words}, from the file {}", path.value);
    let branch_key_id_attribute = attribute.map(|name| name.value.to_owned());
    Some(Built { branch_key_id_attribute, ..Built::new(ring, detail) })
}

/// Text of a key file, wiped when dropped.
type Pem = zeroize::Zeroizing<String>;

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
