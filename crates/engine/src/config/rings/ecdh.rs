//! `raw-ecdh`: keys that two parties agree on.

use std::path::Path;

use dynaseal_keys::{Curve, EcdhKeys, RawEcdh};

use super::super::fault::{CONTRADICTION, Faults};
use super::super::outside::Outside;
use super::super::section::{At, Section};
use super::{Built, private_pem, public_pem, usable};

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
    let scheme = section.required_one_of("scheme", SCHEMES, "static", faults);
    let curves = Curve::ALL.map(|curve| (curve.name(), curve));
    let curve = section.required_one_of("curve", &curves, "P-256", faults);
    // Without a scheme, what is there is read for its faults.
    let uses = |scheme: Option<&At<Scheme>>, unused| scheme.map(|scheme| scheme.value != unused);
    let private = path("private_key_file", uses(scheme.as_ref(), Scheme::Ephemeral), section, faults);
    let public = path("public_key_file", uses(scheme.as_ref(), Scheme::Discovery), section, faults);
    let private_text = private.as_ref().and_then(|path| private_pem(path, folder, outside, faults));
    let public_text = public.as_ref().and_then(|path| public_pem(path, folder, outside, faults));
    let (scheme, curve) = (scheme?.value, curve?.value);
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

const SCHEMES: &[(&str, Scheme)] =
    &[("static", Scheme::Static), ("ephemeral", Scheme::Ephemeral), ("discovery", Scheme::Discovery)];
