//! `raw-aes` and `raw-rsa`: a key of the caller's own.

use std::path::Path;

use dynaseal_keys::{Padding, RawAes, RawRsa};

use super::super::fault::{Faults, GUESSABLE, MISSING};
use super::super::material::hex_key;
use super::super::outside::Outside;
use super::super::section::Section;
use super::{Built, all_or_none, private_pem, public_pem, usable};

pub(super) fn aes(
    section: &mut Section<'_, '_>,
    folder: &Path,
    outside: &dyn Outside,
    faults: &mut Faults<'_>,
) -> Option<Built> {
    let namespace = section.required("namespace", "acme", faults);
    let name = section.required("name", "main", faults);
    let key = hex_key(section, folder, outside, faults);
    let (namespace, name, (key, source)) = (namespace?.value, name?.value, key?);
    let place = |field: &str| section.place(if field == "key" { source.setting } else { field });
    let ring = usable(RawAes::new(namespace, name, &key), place, faults)?;
    if let [first, rest @ ..] = key.as_slice()
        && rest.iter().all(|byte| byte == first)
    {
        let message =
            format!("the key of {} is one byte over and over, as no key is that was drawn at random", section.title);
        faults.warn(&section.place(source.setting), GUESSABLE, message, "make one with `openssl rand -hex 32`");
    }
    let source = source.words;
    let bits = key.len() * 8;
    Some(Built::new(ring, format!("AES-{bits} key \"{name}\" of \"{namespace}\", {source}")))
}

pub(super) fn rsa(
    section: &mut Section<'_, '_>,
    folder: &Path,
    outside: &dyn Outside,
    faults: &mut Faults<'_>,
) -> Option<Built> {
    let namespace = section.required("namespace", "acme", faults);
    let name = section.required("name", "main", faults);
    let paddings = Padding::ALL.map(|padding| (padding.name(), padding));
    let padding = section.required_one_of("padding", &paddings, "OAEP_SHA256", faults).map(|at| at.value);
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
    let private_pem = private.as_ref().map(|path| private_pem(path, folder, outside, faults));
    let public_pem = public.as_ref().map(|path| public_pem(path, "public_key_file", folder, outside, faults));
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
