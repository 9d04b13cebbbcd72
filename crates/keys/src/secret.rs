//! Secrets of this crate, and where randomness comes from.

use std::fmt;

use aws_lc_rs::{digest, rand};
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use crate::error::Error;

/// Secret bytes: never cloned, never printed, wiped when dropped.
pub(crate) struct Secret<const N: usize>([u8; N]);

impl<const N: usize> Secret<N> {
    pub(crate) fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// Zero bytes, to be written over.
    pub(crate) fn zero() -> Self {
        Self([0; N])
    }

    /// Fresh random bytes.
    pub(crate) fn random() -> Result<Self, Error> {
        let mut secret = Self::zero();
        rand::fill(&mut secret.0).map_err(|_| RANDOM)?;
        Ok(secret)
    }

    /// Fresh random bytes, and `M` more that need not stay secret, in one draw.
    pub(crate) fn random_with<const M: usize>() -> Result<(Self, [u8; M]), Error> {
        const { assert!(N + M <= DRAW) }
        let draw = Secret::<DRAW>::random()?;
        let (secret, rest) = draw.0.split_first_chunk().ok_or(RANDOM)?;
        Ok((Self(*secret), *rest.first_chunk().ok_or(RANDOM)?))
    }

    /// Copies the bytes if there are exactly `N` of them.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn expose(&self) -> &[u8; N] {
        &self.0
    }

    pub(crate) fn expose_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<const N: usize> ZeroizeOnDrop for Secret<N> {}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// Fresh random bytes that are not secret.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| RANDOM)?;
    Ok(bytes)
}

/// A name for some bytes, 32 hexadecimal digits that differ whenever the bytes or their division into parts do.
#[must_use]
pub fn fingerprint(parts: &[&[u8]]) -> String {
    let mut hash = digest::Context::new(&digest::SHA256);
    for part in parts {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finish();
    digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

const RANDOM: Error = Error::Library { at: "drawing random bytes" };

/// Enough for a key, an IV and a salt.
const DRAW: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_differ_and_print_redacted() {
        let (one, other) = (Secret::<32>::random().unwrap(), Secret::<32>::random().unwrap());
        assert_ne!(one.expose(), other.expose());
        let (secret, public) = Secret::<32>::random_with::<28>().unwrap();
        assert!(secret.expose() != &[0; 32] && public != [0; 28] && secret.expose()[..28] != public);
        assert_ne!(random::<32>().unwrap(), random::<32>().unwrap());
        assert_eq!(format!("{one:?}"), "Secret(redacted)");
    }

    #[test]
    fn fingerprints_tell_parts_apart() {
        assert_ne!(fingerprint(&[b"ab", b"c"]), fingerprint(&[b"a", b"bc"]));
        assert_eq!(fingerprint(&[b"ab", b"c"]).len(), 32);
    }

    #[test]
    fn only_the_right_length_is_taken() {
        assert!(Secret::<32>::from_slice(&[1; 31]).is_none());
        assert!(Secret::<32>::from_slice(&[1; 33]).is_none());
        assert_eq!(Secret::<32>::from_slice(&[1; 32]).unwrap().expose(), &[1; 32]);
    }
}
