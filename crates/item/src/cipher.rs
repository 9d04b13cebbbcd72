//! AES-256-GCM over attribute values (FORMAT 8), in place.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

/// The bytes GCM adds.
pub(crate) const TAG: usize = 16;

/// Encrypts everything after the first `skip` bytes of `buffer` and appends the tag.
pub(crate) fn seal(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], buffer: &mut Vec<u8>, skip: usize) -> Option<()> {
    let plain = buffer.get_mut(skip..)?;
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let tag = gcm(key)?.seal_in_place_separate_tag(nonce, Aad::from(aad), plain).ok()?;
    buffer.extend_from_slice(tag.as_ref());
    Some(())
}

/// Decrypts `sealed`, ciphertext and tag, where it lies and gives the plaintext part of it.
pub(crate) fn open<'a>(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], sealed: &'a mut [u8]) -> Option<&'a [u8]> {
    let nonce = Nonce::assume_unique_for_key(*nonce);
    gcm(key)?.open_in_place(nonce, Aad::from(aad), sealed).ok().map(|plain| &*plain)
}

fn gcm(key: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_stays_clear_and_every_byte_counts() {
        let mut sealed = b"idplain".to_vec();
        seal(&[1; 32], &[2; 12], b"aad", &mut sealed, 2).unwrap();
        assert_eq!((&sealed[..2], sealed.len()), (&b"id"[..], 7 + TAG));
        assert_eq!(open(&[1; 32], &[2; 12], b"aad", &mut sealed.clone()[2..]), Some(&b"plain"[..]));
        assert_eq!(open(&[1; 32], &[2; 12], b"other", &mut sealed.clone()[2..]), None);
        assert_eq!(open(&[1; 32], &[2; 12], b"aad", &mut sealed[3..]), None);
    }
}
