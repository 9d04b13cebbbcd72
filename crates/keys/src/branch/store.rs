//! Where branch keys come from.

use std::fmt::{self, Debug};
use std::sync::Arc;

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::error::Error;
use crate::keyring::Io;
use crate::wire::{BoxFuture, Service};
use crate::wrap::CounterKdf;

/// Holds branch keys and all their versions.
pub trait KeyStore: Send + Sync + Debug {
    /// The version of a branch key that seals.
    fn active<'a>(&'a self, id: &'a str, io: Io<'a>) -> BoxFuture<'a, Result<Arc<BranchKey>, Error>>;

    /// A version that sealed an item.
    fn version<'a>(
        &'a self,
        id: &'a str,
        version: KeyVersion,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Arc<BranchKey>, Error>>;

    /// Whether the store calls a service.
    fn needs(&self, _service: Service) -> bool {
        false
    }
}

/// One version of a branch key, ready to derive wrapping keys.
pub struct BranchKey {
    version: KeyVersion,
    kdf: CounterKdf,
}

impl BranchKey {
    /// A branch key of 32 bytes, which are copied; wipe the caller's copy.
    #[must_use]
    pub fn new(version: KeyVersion, key: &[u8; 32]) -> Self {
        Self { version, kdf: CounterKdf::sha256(key) }
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> KeyVersion {
        self.version
    }

    pub(crate) fn kdf(&self) -> &CounterKdf {
        &self.kdf
    }
}

impl Debug for BranchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BranchKey(version {}, redacted)", self.version)
    }
}

/// The version of a branch key, a UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyVersion(Uuid);

impl KeyVersion {
    /// From the 16 bytes that an encrypted data key holds.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// From text such as `e9ce18a3-edb5-4272-9f86-1cacb7997ff6`, the one way in which key stores write it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let uuid = Uuid::try_parse(text).ok()?;
        (text.len() == uuid::fmt::Hyphenated::LENGTH).then_some(Self(uuid))
    }

    /// The 16 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for KeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.as_hyphenated(), f)
    }
}

impl Serialize for KeyVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Debug for KeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_uuid() {
        let text = "e9ce18a3-edb5-4272-9f86-1cacb7997ff6";
        let version = KeyVersion::parse(text).unwrap();
        assert_eq!((version.as_bytes()[0], version.as_bytes()[15]), (0xe9, 0xf6));
        assert_eq!(version.to_string(), text);
        assert_eq!(KeyVersion::parse(&text.to_uppercase()), Some(version));
        for wrong in ["", "e9ce18a3", &text[1..], &text.replace('-', ""), &format!("{text}0"), &text.replace('e', "g")]
        {
            assert_eq!(KeyVersion::parse(wrong), None, "{wrong:?}");
        }
        assert_eq!(KeyVersion::parse("é9ce18a-edb5-4272-9f86-1cacb7997ff6"), None);
    }

    #[test]
    fn a_branch_key_prints_redacted() {
        let key = BranchKey::new(KeyVersion::from_bytes([1; 16]), &[0xab; 32]);
        assert_eq!(format!("{key:?}"), "BranchKey(version 01010101-0101-0101-0101-010101010101, redacted)");
    }
}
