//! Every key derivation of the item format and its label (FORMAT 6.3, 7), and HKDF itself.
//! Spec: `specification/structured-encryption/header.md#header-commitment`, `.../encrypt-path-structure.md#calculate-cipherkey-and-nonce`.

use std::sync::LazyLock;

use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use zeroize::{Zeroize, Zeroizing};

use crate::error::Error;
use crate::materials::DataKey;

const COMMIT_KEY: &[u8] = b"AWS_DBE_COMMIT_KEY";
const FIELD_ROOT: &[u8] = b"AWS_DBE_DERIVE_KEY";
const FIELD: &[u8; 11] = b"AwsDbeField";

/// One field takes 44 bytes of key stream; the next starts at a whole block, so every field has 48.
const FIELD_STRIDE: usize = 48;

/// HKDF with HMAC-SHA-512 and no salt (FORMAT 1.2), extracted once and expanded as often as needed.
pub struct Hkdf(hmac::Key);

/// `aws_lc_rs::hkdf` repeats the extract on every fill; keeping the pseudo-random key saves a third of a small item.
static NO_SALT: LazyLock<hmac::Key> = LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA512, &[0; 64]));

impl Hkdf {
    /// The extract step.
    #[must_use]
    pub fn extract(secret: &[u8; 32]) -> Self {
        let mut prk = Zeroizing::new([0; 64]);
        prk.copy_from_slice(hmac::sign(&NO_SALT, secret).as_ref());
        Self(hmac::Key::new(hmac::HMAC_SHA512, prk.as_ref()))
    }

    /// The first 32 bytes of the expand step, with the parts of `info` joined.
    #[must_use]
    pub fn expand(&self, info: [&[u8]; 2]) -> Zeroizing<[u8; 32]> {
        let mut context = hmac::Context::with_key(&self.0);
        for part in info {
            context.update(part);
        }
        context.update(&[1]);
        let mut out = Zeroizing::new([0; 32]);
        out.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
        out
    }
}

/// The two keys that come from a data key and a message id.
pub(crate) struct ItemKeys {
    pub(crate) commit: hmac::Key,
    pub(crate) field_root: Zeroizing<[u8; 32]>,
}

impl ItemKeys {
    pub(crate) fn derive(data_key: &DataKey, message_id: &[u8; 32]) -> Self {
        let hkdf = Hkdf::extract(data_key.expose());
        let commit = hkdf.expand([COMMIT_KEY, message_id]);
        Self {
            // The header commitment is HMAC-SHA-512, though the specification's text says SHA-384 (FORMAT T1).
            commit: hmac::Key::new(hmac::HMAC_SHA512, commit.as_ref()),
            field_root: hkdf.expand([FIELD_ROOT, message_id]),
        }
    }
}

/// The keys and nonces of the encrypted attributes, numbered from 0 in canonical order.
pub(crate) struct FieldKeys(Vec<u8>);

impl FieldKeys {
    pub(crate) fn derive(root: &[u8; 32], count: usize) -> Result<Self, Error> {
        let too_many = Error::TooLarge { what: "more encrypted attributes" };
        // Field i starts at counter 3·i, which has 32 bits; consecutive fields are consecutive key stream.
        u32::try_from(count.saturating_mul(3)).map_err(|_| too_many)?;
        let mut stream = vec![0; count * FIELD_STRIDE];
        if count > 0 {
            key_stream(root, 0, &mut stream)?;
        }
        Ok(Self(stream))
    }

    /// Key and nonce of each field, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8; 32], &[u8; 12])> {
        self.0.chunks_exact(FIELD_STRIDE).filter_map(|chunk| {
            let (key, rest) = chunk.split_first_chunk()?;
            Some((key, rest.first_chunk()?))
        })
    }
}

impl Drop for FieldKeys {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// AES-256-CTR key stream from the counter block of field number `field` on.
fn key_stream(root: &[u8; 32], field: u32, stream: &mut [u8]) -> Result<(), Error> {
    let mut block = [0; 16];
    let parts = FIELD.iter().chain(b",").copied().chain((field * 3).to_be_bytes());
    block.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    let failed = |_| Error::Materials { what: "field key derivation" };
    let key = UnboundCipherKey::new(&AES_256, root).map_err(failed)?;
    let key = EncryptingKey::ctr(key).map_err(failed)?;
    key.less_safe_encrypt(stream, EncryptionContext::Iv128(FixedLength::from(&block))).map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_consecutive_key_stream() {
        let root = [7; 32];
        let all = FieldKeys::derive(&root, 3).unwrap();
        for (number, (key, nonce)) in (0..).zip(all.iter()) {
            let mut one = [0; 44];
            key_stream(&root, number, &mut one).unwrap();
            assert_eq!([key.as_slice(), nonce].concat(), one);
        }
    }

    #[test]
    fn hkdf_matches_the_library() {
        use aws_lc_rs::hkdf;
        struct Len;
        impl hkdf::KeyType for Len {
            fn len(&self) -> usize {
                32
            }
        }
        let secret = [9; 32];
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA512, &[]).extract(&secret);
        let mut expected = [0; 32];
        prk.expand(&[b"info", b"rest"], Len).unwrap().fill(&mut expected).unwrap();
        assert_eq!(*Hkdf::extract(&secret).expand([b"info", b"rest"]), expected);
    }
}
