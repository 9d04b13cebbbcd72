//! Key material from the environment and from files. It is wiped after use and never shown.

use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use super::fault::{CONTRADICTION, ENVIRONMENT, FILE, Faults, KEY_MATERIAL, MISSING, OPEN_FILE, Span, WRITABLE, shown};
use super::outside::Outside;
use super::section::{At, Section};

/// Bytes of a key, wiped when dropped.
pub(super) type Secret = Zeroizing<Vec<u8>>;

/// Where a key comes from.
pub(super) struct Source {
    /// The setting that says so.
    pub(super) setting: &'static str,
    pub(super) words: String,
}

/// `key_env` or `key_file`: a key as hex text, and where it comes from, in words.
pub(super) fn hex_key(
    section: &mut Section<'_, '_>,
    folder: &Path,
    outside: &dyn Outside,
    faults: &mut Faults<'_>,
) -> Option<(Secret, Source)> {
    let variable = section.name("key_env", faults);
    let file = section.name("key_file", faults);
    match (section.has("key_env"), section.has("key_file")) {
        (true, true) => {
            let message = format!("{} has both key_env and key_file", section.title);
            faults.error(&section.place("key_file"), CONTRADICTION, message, "keep one of the two");
            return None;
        }
        (false, false) => {
            let message = format!("{} has neither key_env nor key_file", section.title);
            faults.error(&section.span, MISSING, message, "add key_env = \"VARIABLE\" or key_file = \"PATH\"");
            return None;
        }
        _ => {}
    }
    let (span, text, setting, words) = if let Some(variable) = variable {
        let Some(text) = outside.env(variable.value) else {
            let message = format!("the environment variable {} is not set", shown(variable.value));
            let hint = "set it to the key as hex text; key_env takes the variable's name, not the key";
            faults.error(&variable.span, ENVIRONMENT, message, hint);
            return None;
        };
        let words = format!("from the environment variable {}", variable.value);
        (variable.span, Zeroizing::new(text.into_bytes()), "key_env", words)
    } else {
        let file = file?;
        let text = secret_file(&file, "key_file", folder, outside, faults)?;
        (file.span, text, "key_file", format!("from the file {}", file.value))
    };
    if setting == "key_file" && text.trim_ascii().is_empty() {
        let message = format!("the key of {}, {words}, is empty", section.title);
        let hint = "nothing was ever sealed with it: put a key into the file, as with `openssl rand -hex 32 > FILE`";
        faults.error(&span, KEY_MATERIAL, message, hint);
        return None;
    }
    let Some(key) = std::str::from_utf8(&text).ok().and_then(|text| hex(text.trim())) else {
        let message = format!("the key of {} is not 32, 48 or 64 hexadecimal digits", section.title);
        faults.error(&span, KEY_MATERIAL, message, "make one with `openssl rand -hex 32`");
        return None;
    };
    Some((key, Source { setting, words }))
}

/// A file that only its owner should read.
pub(super) fn secret_file(
    path: &At<&str>,
    key: &str,
    folder: &Path,
    outside: &dyn Outside,
    faults: &mut Faults<'_>,
) -> Option<Secret> {
    let bytes = file(path, key, folder, outside, faults)?;
    if outside.others_can_read(&folder.join(path.value)) {
        let message = format!("other users of this machine can read {}", shown(path.value));
        faults.warn(&path.span, OPEN_FILE, message, "take their permission away, as with `chmod 600`");
    }
    Some(Zeroizing::new(bytes))
}

/// A file; a relative path starts from the folder of the configuration.
pub(super) fn file(
    path: &At<&str>,
    key: &str,
    folder: &Path,
    outside: &dyn Outside,
    faults: &mut Faults<'_>,
) -> Option<Vec<u8>> {
    let place = folder.join(path.value);
    let read = outside.read(&place).and_then(|bytes| match bytes.len() {
        ..=LONGEST => Ok(bytes),
        _ => Err(io::Error::other("it is longer than 64 KiB, so it is no key")),
    });
    match read {
        Ok(bytes) => {
            warn_of_writers(&shown(path.value), &place, &path.span, outside, faults);
            Some(bytes)
        }
        Err(error) => {
            let message = format!("{key} {} cannot be read: {error}", shown(path.value));
            faults.error(&path.span, FILE, message, "a relative path starts from the configuration's folder");
            None
        }
    }
}

/// Whoever can write to a file decides with which keys, and what, is sealed.
pub(super) fn warn_of_writers(what: &str, path: &Path, span: &Span, outside: &dyn Outside, faults: &mut Faults<'_>) {
    if outside.others_can_write(path) {
        let message = format!("any user of this machine can write to {what}, or put another file in its place");
        faults.warn(
            span,
            WRITABLE,
            message,
            "take the permission away from others, on the file and its folder: `chmod o-w`",
        );
    }
}

/// An AES key of 128, 192 or 256 bits.
fn hex(text: &str) -> Option<Secret> {
    if ![32, 48, 64].contains(&text.len()) {
        return None;
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut key = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    for pair in text.as_bytes().chunks_exact(2) {
        let [high, low] = pair else { return None };
        key.push(digit(high)? << 4 | digit(low)?);
    }
    Some(key)
}

/// More than any key has as text, an RSA key of 8,192 bits among them; and a file of branch keys is one for few.
const LONGEST: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_exact() {
        assert_eq!(hex("00112233445566778899AABBCCddeeff").unwrap()[..3], [0, 0x11, 0x22]);
        for wrong in ["", "00", "+0112233445566778899aabbccddeeff", "0g112233445566778899aabbccddeeff"] {
            assert!(hex(wrong).is_none(), "{wrong}");
        }
    }
}
