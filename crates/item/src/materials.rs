//! What passes between `keys` and this crate: key material and the encryption context it is bound to.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use zeroize::{Zeroize as _, ZeroizeOnDrop};

use crate::bytes;
use crate::sign::SigningKey;

/// The name under which the header stores the verification key of a signed item (spec: "aws-crypto-public-key").
pub const PUBLIC_KEY: &str = "aws-crypto-public-key";

/// A secret of 32 bytes: never cloned, never printed, wiped when dropped.
macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name([u8; 32]);

        impl Drop for $name {
            fn drop(&mut self) {
                self.0.zeroize();
            }
        }

        impl ZeroizeOnDrop for $name {}

        impl $name {
            /// Takes the bytes over.
            #[must_use]
            pub fn new(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Takes the bytes over if there are exactly 32 of them.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// The secret itself; do not keep a copy of it.
            #[must_use]
            pub fn expose(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(redacted)"))
            }
        }
    };
}

secret! {
    /// The plaintext data key of one item: every field key and the commitment key come from it.
    DataKey
}
secret! {
    /// The symmetric signing key that belongs to one encrypted data key; it makes one tag of the footer.
    TagKey
}

/// An encrypted data key as the header stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedDataKey<'a> {
    /// Which kind of key ring wrapped it, such as `aws-kms-hierarchy`, or the namespace of a raw key ring.
    pub provider_id: Cow<'a, [u8]>,
    /// Which key of that key ring: a key name, an ARN, a branch key id.
    pub provider_info: Cow<'a, [u8]>,
    /// The wrapped data key, 48 bytes, followed by the provider-wrapped intermediate key.
    pub ciphertext: Cow<'a, [u8]>,
}

/// The encryption context: text pairs bound into every wrapped key and into the signed record.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Context(BTreeMap<String, String>);

impl Context {
    /// An empty context.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one pair and returns the value it replaced.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<String>) -> Option<String> {
        self.0.insert(key.into(), value.into())
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// All pairs, in byte order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// How many pairs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no pair.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes that key rings bind (FORMAT 11.1): the serialised pairs, but nothing at all for an empty context.
    /// `None` if there are more pairs, or longer ones, than the format can hold.
    #[must_use]
    pub fn keyring_bytes(&self) -> Option<Vec<u8>> {
        if self.is_empty() { Some(Vec::new()) } else { self.serialize() }
    }

    /// The bytes that the header and the signed record hold (FORMAT 6.4); an empty context is `0000`.
    #[must_use]
    pub fn serialize(&self) -> Option<Vec<u8>> {
        let size = 2 + self.0.iter().map(|(key, value)| 4 + key.len() + value.len()).sum::<usize>();
        let mut out = Vec::with_capacity(size);
        bytes::put_u16(&mut out, self.len())?;
        for (key, value) in &self.0 {
            bytes::put_u16_prefixed(&mut out, key.as_bytes())?;
            bytes::put_u16_prefixed(&mut out, value.as_bytes())?;
        }
        Some(out)
    }
}

/// Values of a context are item data, so only its keys are printed.
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

impl FromIterator<(String, String)> for Context {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        Self(pairs.into_iter().collect())
    }
}

/// Everything needed to seal one item, and used for one item only.
#[derive(Debug)]
pub struct SealKeys {
    /// The item's data key.
    pub data_key: DataKey,
    /// The wrapped copies of it, each with its tag key, in header order.
    pub wrapped: Vec<(EncryptedDataKey<'static>, TagKey)>,
    /// The full context, including the public key where the suite signs.
    pub context: Context,
    /// The signing key, exactly when the suite signs.
    pub signing_key: Option<SigningKey>,
}

/// Everything needed to open one item.
#[derive(Debug)]
pub struct OpenKeys {
    /// The item's data key.
    pub data_key: DataKey,
    /// The tag key that came with the encrypted data key that was opened.
    pub tag_key: TagKey,
}
