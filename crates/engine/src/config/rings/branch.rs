//! `branch-key-file`: branch keys from a file.

use std::path::Path;
use std::sync::Arc;

use dynaseal_keys::{BranchKeyFile, BranchKeyId, Hierarchical};

use super::super::cache;
use super::super::fault::{CONTRADICTION, Faults, MISSING, VALUE, shown};
use super::super::material::secret_file;
use super::super::outside::Outside;
use super::super::section::Section;
use super::{Built, not_text, usable};

pub(super) fn file(
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
