//! The canonical hash, the HMAC tags and the ECDSA signature (FORMAT 6.3, 9).

use std::fmt;

use aws_lc_rs::encoding::{AsBigEndian, EcPublicKeyCompressedBin};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use aws_lc_rs::{constant_time, digest, hmac};

use crate::materials::TagKey;

/// Bytes of one tag.
pub(crate) const TAG: usize = 48;
/// The only length of a signature that readers accept (FORMAT 9.3).
pub(crate) const SIGNATURE: usize = 103;
/// Bytes of a compressed P-384 point.
pub(crate) const POINT: usize = 49;

/// Bytes of r and of s.
const SCALAR: usize = 48;
/// A pair whose r or s is short is drawn again; one draw in 128 is, so this bound is never met in practice.
const DRAWS: usize = 64;

/// The order of P-384 (FIPS 186-5), big-endian.
const ORDER: [u8; SCALAR] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0,
    0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
];

/// The first 32 bytes of HMAC-SHA-512 over the partial header.
pub(crate) fn commitment(key: &hmac::Key, partial_header: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.iter_mut().zip(hmac::sign(key, partial_header).as_ref()).for_each(|(to, from)| *to = *from);
    out
}

/// Constant-time equality.
pub(crate) fn equal(left: &[u8], right: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(left, right).is_ok()
}

/// The canonical hash, fed piece by piece so that no copy of the record is made.
pub(crate) struct Hash(digest::Context);

impl Hash {
    pub(crate) fn new() -> Self {
        Self(digest::Context::new(&digest::SHA384))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> CanonicalHash {
        CanonicalHash(self.0.finish())
    }
}

/// SHA-384 of the canonical record.
pub(crate) struct CanonicalHash(digest::Digest);

impl CanonicalHash {
    /// The tag under one tag key.
    pub(crate) fn tag(&self, key: &TagKey) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA384, key.expose()), self.0.as_ref())
    }

    /// Whether `signature` was made for this hash by the holder of `point`, a compressed P-384 point.
    /// The hash is the message, so it is hashed once more (FORMAT T3).
    pub(crate) fn verify(&self, point: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, point).verify(self.0.as_ref(), signature).is_ok()
    }
}

/// A P-384 key pair made for one item.
pub struct SigningKey(EcdsaKeyPair);

impl SigningKey {
    /// A fresh pair, or `None` if the library has no randomness.
    #[must_use]
    pub fn generate() -> Option<Self> {
        EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).ok().map(Self)
    }

    /// The public key as the header stores it: base64 of the compressed point.
    #[must_use]
    pub fn public_key(&self) -> Option<String> {
        let point: EcPublicKeyCompressedBin<'_> = self.0.public_key().as_be_bytes().ok()?;
        Some(base64_simd::STANDARD.encode_to_string(point.as_ref()))
    }

    /// A DER signature of exactly 103 bytes. DER grows by a byte for each of r and s with its top bit set; just one
    /// of them must have it. (r, n−s) is as good a signature as (r, s), and n−s has the other top bit.
    pub(crate) fn sign(&self, hash: &CanonicalHash) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        for _ in 0..DRAWS {
            let fixed = self.0.sign(&random, hash.0.as_ref()).ok()?;
            let (r, s) = fixed.as_ref().split_at_checked(SCALAR)?;
            let (r, mut s): ([u8; SCALAR], [u8; SCALAR]) = (r.try_into().ok()?, s.try_into().ok()?);
            if high(&r) == high(&s) {
                s = negate(&s);
            }
            if high(&r) != high(&s) && full(&r) && full(&s) {
                return Some(der(&r, &s));
            }
        }
        None
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(redacted)")
    }
}

fn high(scalar: &[u8; SCALAR]) -> bool {
    scalar.first().is_some_and(|byte| byte & 0x80 != 0)
}

/// Whether DER needs all 48 bytes.
fn full(scalar: &[u8; SCALAR]) -> bool {
    !matches!(scalar, [0, ..])
}

/// n − s. Signatures are public, so this need not be constant-time.
fn negate(s: &[u8; SCALAR]) -> [u8; SCALAR] {
    let mut out = [0; SCALAR];
    let mut borrow = false;
    for ((to, n), s) in out.iter_mut().zip(&ORDER).zip(s).rev() {
        let (first, under) = n.overflowing_sub(*s);
        let (second, under_again) = first.overflowing_sub(u8::from(borrow));
        *to = second;
        borrow = under || under_again;
    }
    out
}

fn der(r: &[u8; SCALAR], s: &[u8; SCALAR]) -> Vec<u8> {
    let mut out = Vec::with_capacity(SIGNATURE);
    // SEQUENCE of 101 bytes: two INTEGERs, one of 48 bytes and one of 49.
    out.extend_from_slice(&[0x30, 101]);
    for scalar in [r, s] {
        if high(scalar) {
            out.extend_from_slice(&[0x02, 49, 0]);
        } else {
            out.extend_from_slice(&[0x02, 48]);
        }
        out.extend_from_slice(scalar);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_have_103_bytes_and_verify() {
        let key = SigningKey::generate().unwrap();
        let point = base64_simd::STANDARD.decode_to_vec(key.public_key().unwrap()).unwrap();
        assert_eq!(point.len(), POINT);
        for round in 0..600_u32 {
            let mut hash = Hash::new();
            hash.update(&round.to_be_bytes());
            let hash = hash.finish();
            let mut signature = key.sign(&hash).unwrap();
            assert_eq!(signature.len(), SIGNATURE);
            assert!(hash.verify(&point, &signature));
            signature[60] ^= 1;
            assert!(!hash.verify(&point, &signature));
        }
    }

    #[test]
    fn negating_twice_changes_nothing() {
        let mut s = [0x5a; SCALAR];
        s[47] = 1;
        assert_eq!(negate(&negate(&s)), s);
        assert_ne!(high(&negate(&s)), high(&s));
    }

    #[test]
    fn secrets_print_redacted() {
        assert_eq!(format!("{:?}", SigningKey::generate().unwrap()), "SigningKey(redacted)");
        assert_eq!(format!("{:?}", TagKey::new([1; 32])), "TagKey(redacted)");
    }
}
