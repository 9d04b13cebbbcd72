//! What the keys of the KMS in memory are made of, and what each kind can do. A ciphertext of a symmetric key names the
//! key's id and is bound to the encryption context:
//!
//! ```text
//!  field        bytes
//!  magic        4        "FKMS"
//!  id length    2
//!  key id       any
//!  IV           12
//!  sealed       any      with the key's material; bound to the context's bytes
//! ```

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521, UnparsedPublicKey};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use dynaseal_item::Context;

use super::{INVALID, Refused, SYMMETRIC, VALIDATION};
use crate::kms::arn::KeyArn;
use crate::secret::random;

/// A key's material.
#[derive(Clone)]
pub(super) enum Material {
    Symmetric([u8; 32]),
    Rsa(Arc<PrivateDecryptingKey>),
    Ecc(Arc<agreement::PrivateKey>),
}

impl Material {
    pub(super) fn random() -> Self {
        Self::Symmetric(random().unwrap_or_default())
    }

    pub(super) fn from_pem(text: &str) -> Option<Self> {
        let der = pem::parse(text).ok()?.into_contents();
        if let Ok(key) = PrivateDecryptingKey::from_pkcs8(&der) {
            return Some(Self::Rsa(Arc::new(key)));
        }
        let curve = |curve| agreement::PrivateKey::from_private_key_der(curve, &der).ok();
        [&ECDH_P256, &ECDH_P384, &ECDH_P521].into_iter().find_map(curve).map(|key| Self::Ecc(Arc::new(key)))
    }

    pub(super) fn spec(&self) -> String {
        match self {
            Self::Symmetric(_) => SYMMETRIC.to_owned(),
            Self::Rsa(key) => format!("RSA_{}", key.key_size_bits()),
            Self::Ecc(key) if *key.algorithm() == ECDH_P256 => "ECC_NIST_P256".to_owned(),
            Self::Ecc(key) if *key.algorithm() == ECDH_P384 => "ECC_NIST_P384".to_owned(),
            Self::Ecc(_) => "ECC_NIST_P521".to_owned(),
        }
    }

    pub(super) fn usage(&self) -> &'static str {
        if matches!(self, Self::Ecc(_)) { "KEY_AGREEMENT" } else { "ENCRYPT_DECRYPT" }
    }

    pub(super) fn seal(&self, arn: &str, plaintext: &[u8], context: &Context) -> Result<Vec<u8>, Refused> {
        if plaintext.is_empty() || plaintext.len() > LONGEST {
            return Err(VALIDATION);
        }
        let id = KeyArn::parse(arn).map(|arn| arn.id).ok_or(VALIDATION)?;
        let iv: [u8; 12] = random().map_err(|_| FAULT)?;
        let length = u16::try_from(id.len()).map_err(|_| VALIDATION)?;
        let mut out = [MAGIC, &length.to_be_bytes(), id.as_bytes(), &iv].concat();
        let mut sealed = plaintext.to_vec();
        let bound = context.keyring_bytes().ok_or(VALIDATION)?;
        let nonce = Nonce::assume_unique_for_key(iv);
        self.cipher()?.seal_in_place_append_tag(nonce, Aad::from(bound), &mut sealed).map_err(|_| VALIDATION)?;
        out.append(&mut sealed);
        Ok(out)
    }

    pub(super) fn open(&self, parts: &Parts<'_>, context: &Context) -> Result<Vec<u8>, Refused> {
        let mut buffer = parts.sealed.to_vec();
        let bound = context.keyring_bytes().ok_or(VALIDATION)?;
        let nonce = Nonce::assume_unique_for_key(parts.iv);
        let plaintext = self.cipher()?.open_in_place(nonce, Aad::from(bound), &mut buffer).map_err(|_| INVALID)?;
        Ok(plaintext.to_vec())
    }

    /// Decrypts with RSA.
    pub(super) fn decrypt(&self, algorithm: &str, wrapped: &[u8]) -> Result<Vec<u8>, Refused> {
        let Self::Rsa(key) = self else { return Err(USAGE) };
        let padding = match algorithm {
            "RSAES_OAEP_SHA_1" => &OAEP_SHA1_MGF1SHA1,
            "RSAES_OAEP_SHA_256" => &OAEP_SHA256_MGF1SHA256,
            _ => return Err(USAGE),
        };
        let mut buffer = vec![0; key.key_size_bytes()];
        let key = OaepPrivateDecryptingKey::new(key.as_ref().clone()).map_err(|_| FAULT)?;
        let plaintext = key.decrypt(padding, wrapped, &mut buffer, None).map_err(|_| INVALID)?;
        Ok(plaintext.to_vec())
    }

    /// A SubjectPublicKeyInfo.
    pub(super) fn public_key(&self) -> Result<Vec<u8>, Refused> {
        let der: PublicKeyX509Der<'_> = match self {
            Self::Symmetric(_) => return Err(Refused("UnsupportedOperationException")),
            Self::Rsa(key) => key.public_key().as_der().map_err(|_| FAULT)?,
            Self::Ecc(key) => key.compute_public_key().and_then(|key| key.as_der()).map_err(|_| FAULT)?,
        };
        Ok(der.as_ref().to_vec())
    }

    /// The shared secret with the owner of a public key.
    pub(super) fn agree(&self, public: &[u8]) -> Result<Vec<u8>, Refused> {
        let Self::Ecc(key) = self else { return Err(USAGE) };
        let public = UnparsedPublicKey::new(key.algorithm(), public);
        agreement::agree(key, public, VALIDATION, |secret| Ok(secret.to_vec()))
    }

    fn cipher(&self) -> Result<LessSafeKey, Refused> {
        let Self::Symmetric(key) = self else { return Err(USAGE) };
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| FAULT)?;
        Ok(LessSafeKey::new(key))
    }
}

/// A ciphertext of a symmetric key.
pub(super) struct Parts<'a> {
    pub(super) id: &'a [u8],
    iv: [u8; 12],
    sealed: &'a [u8],
}

impl<'a> Parts<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (length, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk()?;
        let (id, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into())?;
        let (iv, sealed) = rest.split_first_chunk()?;
        Some(Self { id, iv: *iv, sealed })
    }
}

const MAGIC: &[u8] = b"FKMS";
/// The longest plaintext that KMS encrypts.
const LONGEST: usize = 4096;
const USAGE: Refused = Refused("InvalidKeyUsageException");
const FAULT: Refused = Refused("KMSInternalException");
