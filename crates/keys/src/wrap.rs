//! Every wrapping and derivation of the key rings and its label (FORMAT 1.4, 11.2), over the cryptographic library.
//! Spec: `framework/algorithm-suites.md#intermediate-key-wrapping`.
//!
//! ```text
//!  ciphertext of an encrypted data key
//!  field                    bytes  meaning
//!  wrapped data key         48     sealed with HKDF(K, "…KEYWRAP_ENC"), IV 12 zero bytes, bound to the context
//!  provider-wrapped K       any    the intermediate key K, wrapped by the key ring's own key
//! ```
//!
//! K is fresh for every encrypted data key. That key's tag of the footer comes from K too: HKDF(K, "…KEYWRAP_MAC").

pub(crate) mod ecdh;
pub(crate) mod rsa;

use std::fmt;

use aws_lc_rs::aead::{AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::kdf::{KbkdfCtrHmacAlgorithmId, get_kbkdf_ctr_hmac_algorithm, kbkdf_ctr_hmac};
use dynaseal_item::{Context, DataKey, EncryptedDataKey, Hkdf, OpenKeys, TagKey};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::keyring::KeyName;
use crate::secret::Secret;

/// Bytes of a data key and of an intermediate key.
pub(crate) const KEY: usize = 32;
/// Bytes of an IV.
pub(crate) const IV: usize = 12;
/// Bytes of a key sealed with AES-GCM.
pub(crate) const WRAPPED: usize = KEY + 16;

const ENC: &[u8] = b"AWS_MPL_INTERMEDIATE_KEYWRAP_ENC";
const MAC: &[u8] = b"AWS_MPL_INTERMEDIATE_KEYWRAP_MAC";

/// Appends the data key wrapped with the intermediate key, and gives the tag key.
pub(crate) fn wrap_data_key(
    intermediate: &Secret<KEY>,
    data_key: &DataKey,
    context: &[u8],
    out: &mut Vec<u8>,
) -> Result<TagKey, Error> {
    let hkdf = Hkdf::extract(intermediate.expose());
    Gcm::new_256(&hkdf.expand([ENC, &[]]))?.seal([0; IV], context, data_key.expose(), out)?;
    Ok(TagKey::new(*hkdf.expand([MAC, &[]])))
}

/// The data key and the tag key, if the wrapped data key is authentic.
pub(crate) fn unwrap_data_key(intermediate: &Secret<KEY>, wrapped: &[u8; WRAPPED], context: &[u8]) -> Option<OpenKeys> {
    let hkdf = Hkdf::extract(intermediate.expose());
    let opened = Gcm::new_256(&hkdf.expand([ENC, &[]])).ok()?.open([0; IV], context, wrapped)?;
    Some(OpenKeys { data_key: DataKey::new(*opened.expose()), tag_key: TagKey::new(*hkdf.expand([MAC, &[]])) })
}

/// The wrapped data key, and the provider-wrapped intermediate key after it.
pub(crate) fn split<'a>(data_key: &'a EncryptedDataKey<'_>) -> Result<(&'a [u8; WRAPPED], &'a [u8]), Error> {
    let parts = data_key.ciphertext.split_first_chunk().filter(|(_, wrapped)| !wrapped.is_empty());
    parts.ok_or_else(|| malformed(data_key, "its ciphertext is too short"))
}

/// An encrypted data key that its ring never writes like this.
pub(crate) fn malformed(data_key: &EncryptedDataKey<'_>, what: &'static str) -> Error {
    Error::Malformed { key: KeyName::of(data_key), what }
}

/// The bytes of a context that every wrap is bound to (FORMAT 11.1).
pub(crate) fn context_bytes(context: &Context) -> Result<Vec<u8>, Error> {
    context.keyring_bytes().ok_or(Error::ContextTooLong)
}

/// An AES-GCM key with its key schedule. It wraps keys of 32 bytes only.
pub(crate) struct Gcm(LessSafeKey);

impl Gcm {
    /// A key of 16, 24 or 32 bytes; `None` for any other length.
    pub(crate) fn from_slice(key: &[u8]) -> Option<Result<Self, Error>> {
        match key.len() {
            16 => Some(Self::new(&AES_128_GCM, key)),
            24 => Some(Self::new(&AES_192_GCM, key)),
            32 => Some(Self::new(&AES_256_GCM, key)),
            _ => None,
        }
    }

    pub(crate) fn new_256(key: &[u8; KEY]) -> Result<Self, Error> {
        Self::new(&AES_256_GCM, key)
    }

    fn new(algorithm: &'static Algorithm, key: &[u8]) -> Result<Self, Error> {
        let key = UnboundKey::new(algorithm, key).map_err(|_| Error::Library { at: "making an AES-GCM key" })?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Appends the sealed key. The caller answers for the IV: a fresh one, or a key that is used once.
    pub(crate) fn seal(&self, iv: [u8; IV], aad: &[u8], key: &[u8; KEY], out: &mut Vec<u8>) -> Result<(), Error> {
        // Encrypted here and not in `out`, which might move while the key in it is still plain.
        let mut buffer = Secret::new(*key);
        let nonce = Nonce::assume_unique_for_key(iv);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), buffer.expose_mut());
        let tag = tag.map_err(|_| Error::Library { at: "wrapping a key" })?;
        out.extend_from_slice(buffer.expose());
        out.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// The key that was sealed, if it is authentic.
    pub(crate) fn open(&self, iv: [u8; IV], aad: &[u8], sealed: &[u8; WRAPPED]) -> Option<Secret<KEY>> {
        let mut buffer = Secret::new(*sealed);
        let nonce = Nonce::assume_unique_for_key(iv);
        let plain = self.0.open_in_place(nonce, Aad::from(aad), buffer.expose_mut()).ok()?;
        Secret::from_slice(plain)
    }
}

impl fmt::Debug for Gcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gcm(redacted)")
    }
}

/// A key that others are derived from with SP 800-108 in counter mode and HMAC (FORMAT 1.4).
///
/// It holds the key itself, wiped when dropped: the state that HMAC makes of it has 40 times the size, and where many keys
/// take turns it is slower to fetch from memory than to make.
pub(crate) struct CounterKdf {
    hash: KbkdfCtrHmacAlgorithmId,
    key: Zeroizing<Vec<u8>>,
}

impl CounterKdf {
    pub(crate) fn sha256(key: &[u8; KEY]) -> Self {
        Self { hash: KbkdfCtrHmacAlgorithmId::Sha256, key: Zeroizing::new(key.to_vec()) }
    }

    pub(crate) fn sha384(key: &[u8]) -> Self {
        Self { hash: KbkdfCtrHmacAlgorithmId::Sha384, key: Zeroizing::new(key.to_vec()) }
    }

    /// `N` bytes. The library writes the counter; the length is encoded in bits (FORMAT T8).
    pub(crate) fn derive<const N: usize>(&self, purpose: &[u8], nonce: &[u8]) -> Result<Secret<N>, Error> {
        let [.., a, b, c, d] = (8 * N as u64).to_be_bytes();
        let info = [purpose, &[0], nonce, &[a, b, c, d]].concat();
        let mut out = Secret::zero();
        get_kbkdf_ctr_hmac_algorithm(self.hash)
            .and_then(|algorithm| kbkdf_ctr_hmac(algorithm, &self.key, &info, out.expose_mut()).ok())
            .ok_or(Error::Library { at: "deriving a key" })?;
        Ok(out)
    }
}

impl fmt::Debug for CounterKdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CounterKdf(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const N: usize>(first: u8) -> [u8; N] {
        std::array::from_fn(|place| first + u8::try_from(place).unwrap())
    }

    /// The same as Python's `hmac` gives for the one block of FORMAT 1.4.
    #[test]
    fn the_counter_kdf_has_a_known_answer() {
        let derived: Secret<KEY> =
            CounterKdf::sha256(&bytes(0)).derive(b"aws-kms-hierarchy", &bytes::<16>(0x40)).unwrap();
        let hex: String = derived.expose().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "3feb5a301e8ada2676a8b95d5aa6373b1ea733155dce227318a4e66d26429f80");
    }

    /// Two blocks, the second cut; again as Python's `hmac` gives them.
    #[test]
    fn the_counter_kdf_gives_more_than_a_block() {
        let derived: Secret<64> = CounterKdf::sha384(&bytes::<48>(0)).derive(b"fixed", &bytes::<32>(0x40)).unwrap();
        let hex: String = derived.expose().iter().map(|byte| format!("{byte:02x}")).collect();
        let (first, second) = (
            "ce7fff3884963cfa24607ab601499f9012da7e3aaccb4802bb993eb0ca6f4911",
            "3df463221dc7579b27a77aeff0222705704b1a5aaaf3d46370deb9abd7fc529d",
        );
        assert_eq!(hex, format!("{first}{second}"));
    }

    #[test]
    fn a_wrapped_data_key_opens_only_with_its_key_and_context() {
        let (intermediate, mut wrapped) = (Secret::new(bytes(1)), Vec::new());
        let tag_key = wrap_data_key(&intermediate, &DataKey::new(bytes(9)), b"context", &mut wrapped).unwrap();
        let wrapped: [u8; WRAPPED] = wrapped.try_into().unwrap();
        let opened = unwrap_data_key(&intermediate, &wrapped, b"context").unwrap();
        assert_eq!(opened.data_key.expose(), &bytes(9));
        assert_eq!(opened.tag_key.expose(), tag_key.expose());
        assert!(unwrap_data_key(&intermediate, &wrapped, b"").is_none());
        assert!(unwrap_data_key(&Secret::new(bytes(2)), &wrapped, b"context").is_none());
    }

    #[test]
    fn keys_print_redacted() {
        let printed = format!("{:?} {:?}", Gcm::new_256(&bytes(1)).unwrap(), CounterKdf::sha256(&bytes(1)));
        assert_eq!(printed, "Gcm(redacted) CounterKdf(redacted)");
    }
}
