//! `raw-ecdh` and `aws-kms-ecdh`: keys that two parties agree on.

use std::path::Path;

use dynaseal_keys::{AwsKmsEcdh, Curve, EcdhKeys, KmsEcdhKey, KmsPurpose, RawEcdh};

use super::super::fault::{ANY_SENDER, CONTRADICTION, Faults};
use super::super::outside::Outside;
use super::super::section::{At, Section};
use super::kms::{KEY, texts};
use super::{Built, all_or_none, private_pem, public_pem, usable};

/// Which keys there are.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Scheme {
    Static,
    Ephemeral,
    Discovery,
}

pub(super) fn raw(
    section: &mut Section<'_, '_>,
    folder: &Path,
    outside: &dyn Outside,
    faults: &mut Faults<'_>,
) -> Option<Built> {
    let scheme = scheme(SCHEMES, section, faults);
    let curve = curve(section, faults);
    // Without a scheme, what is there is read for its faults.
    let uses = |scheme: Option<&At<Scheme>>, unused| scheme.map(|scheme| scheme.value != unused);
    let private = path("private_key_file", uses(scheme.as_ref(), Scheme::Ephemeral), section, faults);
    let public = path("public_key_file", uses(scheme.as_ref(), Scheme::Discovery), section, faults);
    let private_text = private.as_ref().and_then(|path| private_pem(path, folder, outside, faults));
    let public_text = public.as_ref().and_then(|path| public_pem(path, "public_key_file", folder, outside, faults));
    let (scheme, curve) = (scheme?.value, curve?);
    let (keys, what) = match scheme {
        Scheme::Static => {
            let keys = EcdhKeys::Static { private_pem: private_text.as_ref()?, public_pem: public_text.as_ref()? };
            (keys, "static: seals and opens")
        }
        Scheme::Ephemeral => {
            (EcdhKeys::Ephemeral { public_pem: public_text.as_ref()? }, "ephemeral: seals, cannot open")
        }
        Scheme::Discovery => {
            (EcdhKeys::Discovery { private_pem: private_text.as_ref()? }, "discovery: opens, cannot seal")
        }
    };
    let ring = usable(RawEcdh::new(curve, keys), |field| section.place(field), faults)?;
    let files: Vec<_> = [private, public].into_iter().flatten().map(|path| path.value).collect();
    Some(Built::new(ring, format!("ECDH on {}, {what}, from {}", curve.name(), files.join(" and "))))
}

pub(super) fn kms(
    section: &mut Section<'_, '_>,
    folder: &Path,
    outside: &dyn Outside,
    faults: &mut Faults<'_>,
) -> Option<Built> {
    let key_arn = section.required("key_arn", KEY, faults);
    let scheme = scheme(KMS_SCHEMES, section, faults);
    let curve = curve(section, faults);
    let used = scheme.as_ref().map(|scheme| scheme.value == Scheme::Static);
    let peer = path("public_key_file", used, section, faults);
    let own = section.name("own_public_key_file", faults);
    let grant_tokens = texts(&section.names("grant_tokens", faults));
    let peer_text = peer.as_ref().map(|path| public_pem(path, "public_key_file", folder, outside, faults));
    let own_text = own.as_ref().map(|path| public_pem(path, "own_public_key_file", folder, outside, faults));
    let (peer_text, own_text) = (all_or_none(peer_text)?, all_or_none(own_text)?);
    let (key_arn, scheme, curve) = (key_arn?.value, scheme?.value, curve?);
    let key = KmsEcdhKey { key_arn, curve, public_pem: own_text.as_deref().map(String::as_str) };
    let (ring, what) = match scheme {
        Scheme::Static => {
            let peer = peer?.value;
            (
                AwsKmsEcdh::with_peer(key, peer_text.as_ref()?, grant_tokens.clone()),
                format!("static: seals and opens, with {peer}"),
            )
        }
        _ => (AwsKmsEcdh::discovery(key, grant_tokens.clone()), "discovery: opens, cannot seal".to_owned()),
    };
    let ring = usable(ring, |field| section.place(field), faults)?;
    let purpose = KmsPurpose::Ecdh { curve, public_key: own.is_none() };
    let own = own.map_or_else(|| "asked of KMS".to_owned(), |path| format!("from {}", path.value));
    let detail = format!("ECDH on {} of AWS KMS key {key_arn}, {what}; its own public key is {own}", curve.name());
    Some(Built::new(ring, detail).with_kms_key(key_arn, purpose, grant_tokens))
}

fn scheme(schemes: &[(&str, Scheme)], section: &mut Section<'_, '_>, faults: &mut Faults<'_>) -> Option<At<Scheme>> {
    let scheme = section.required_one_of("scheme", schemes, "static", faults)?;
    if scheme.value == Scheme::Discovery {
        let message =
            format!("{} opens what anybody sealed for its public key, which every such item shows", section.title);
        let hint = "if not all who can write to the table are trusted, name the sender: scheme = \"static\"";
        faults.warn(&scheme.span, ANY_SENDER, message, hint);
    }
    Some(scheme)
}

fn curve(section: &mut Section<'_, '_>, faults: &mut Faults<'_>) -> Option<Curve> {
    let curves = Curve::ALL.map(|curve| (curve.name(), curve));
    section.required_one_of("curve", &curves, "P-256", faults).map(|at| at.value)
}

/// The path of a key file, which must be there if it is used, and must not if it is not.
fn path<'r>(
    field: &'static str,
    used: Option<bool>,
    section: &mut Section<'r, '_>,
    faults: &mut Faults<'_>,
) -> Option<At<&'r str>> {
    match used {
        Some(true) => section.required(field, "key.pem", faults),
        None => section.name(field, faults),
        Some(false) => {
            let path = section.name(field, faults)?;
            let message = format!("{} has a {field}, which its scheme does not use", section.title);
            faults.error(&path.span, CONTRADICTION, message, "remove it, or write scheme = \"static\"");
            None
        }
    }
}

const KMS_SCHEMES: &[(&str, Scheme)] = &[("static", Scheme::Static), ("discovery", Scheme::Discovery)];
const SCHEMES: &[(&str, Scheme)] =
    &[("static", Scheme::Static), ("ephemeral", Scheme::Ephemeral), ("discovery", Scheme::Discovery)];
