//! An item whose header, footer or attributes were overwritten opens only if it still says what was sealed.
//!
//! The first byte says what the rest does: 0 and 1 replace the footer (hmac, ecdsa), 2 replaces the header, and 3 is a
//! list of changes, three bytes each: attribute, offset, and what is xor-ed there.
#![no_main]

use std::sync::LazyLock;

use dynaseal_fuzz::{binary, open_keys, plain, schema, sealed};
use dynaseal_item::{Item, Schema, Sealed, Suite, Value};
use libfuzzer_sys::fuzz_target;

static HMAC: LazyLock<(Schema, Item<'static>)> = LazyLock::new(|| (schema(Suite::Hmac), sealed(Suite::Hmac)));
static ECDSA: LazyLock<(Schema, Item<'static>)> =
    LazyLock::new(|| (schema(Suite::EcdsaP384), sealed(Suite::EcdsaP384)));

fuzz_target!(|input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else { return };
    let (schema, genuine) = if mode % 4 == 1 { &*ECDSA } else { &*HMAC };
    let mut stored = genuine.clone();
    match mode % 4 {
        0 | 1 => drop(stored.insert(FOOT, Value::B(rest.to_vec().into()))),
        2 => drop(stored.insert(HEAD, Value::B(rest.to_vec().into()))),
        _ => change(&mut stored, rest),
    }
    let before = stored.clone();
    let same = genuine.iter().eq(before.iter());
    match open(schema, &mut stored) {
        Some(opened) => {
            for name in ["id", "secret", "tags"] {
                assert!(opened.get(name) == plain().get(name), "{name} opened as something else");
            }
            assert!(signed_part(genuine).eq(signed_part(&before)), "a signed attribute was changed and it opened");
            assert!(has_our_tag(&before, genuine), "it opened without the tag of its key");
        }
        None => assert!(!same, "what was sealed must open"),
    }
});

fn open<'a>(schema: &'a Schema, stored: &'a mut Item<'_>) -> Option<Item<'a>> {
    let verified = Sealed::parse(schema, stored).ok()?.verify(&open_keys()).ok()?;
    Some(verified.open().expect("what was verified must open"))
}

fn change(item: &mut Item<'static>, changes: &[u8]) {
    let names: Vec<String> = item.iter().map(|(name, _)| name.to_owned()).collect();
    for change in changes.chunks_exact(3) {
        let (name, offset, mask) = (&names[usize::from(change[0]) % names.len()], usize::from(change[1]), change[2]);
        let mut value = item.get(name).expect("a name of the item").clone();
        match &mut value {
            Value::B(bytes) if !bytes.is_empty() => {
                let place = offset % bytes.len();
                bytes.to_mut()[place] ^= mask;
            }
            Value::S(text) if mask > 0 => text.to_mut().push(char::from(mask)),
            Value::N(text) if mask > 0 => text.to_mut().insert(0, char::from(b'0' + mask % 10)),
            _ => {}
        }
        item.insert(name.clone(), value);
    }
}

/// The header and the signed attributes. A number may be written differently as long as it is the same number.
fn signed_part<'i>(item: &'i Item<'_>) -> impl Iterator<Item = (&'i str, String)> {
    let signed = item.iter().filter(|(name, _)| *name != FOOT && *name != "views");
    signed.map(|(name, value)| match value {
        Value::B(bytes) => (name, format!("{bytes:?}")),
        Value::S(text) => (name, text.to_string()),
        Value::N(text) => (name, text.trim_start_matches('0').to_owned()),
        _ => unreachable!("the sealed item has no other type"),
    })
}

/// Readers accept the tags in any order (FORMAT 9.5), so only the presence of the first recipient's is asked for.
fn has_our_tag(item: &Item<'_>, genuine: &Item<'_>) -> bool {
    let ours = &binary(genuine, FOOT)[..TAG];
    binary(item, FOOT).chunks(TAG).any(|tag| tag == ours)
}

const HEAD: &str = "aws_dbe_head";
const FOOT: &str = "aws_dbe_foot";
const TAG: usize = 48;
