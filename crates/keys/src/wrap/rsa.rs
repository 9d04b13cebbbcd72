//! RSA encryption of intermediate keys, with each padding that key rings may use (FORMAT 11.4, 11.8).

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA384, SHA384_OUTPUT_LEN, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{
    KeyPair, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512, OaepAlgorithm,
    OaepPrivateDecryptingKey, OaepPublicEncryptingKey, Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::secret::Secret;
use crate::wrap::KEY;

/// How an RSA key ring pads what it encrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Padding {
    /// PKCS#1 v1.5. For items that exist; new ones should use OAEP.
    Pkcs1,
    /// OAEP with SHA-1 and MGF1 with SHA-1.
    OaepSha1,
    /// OAEP with SHA-256 and MGF1 with SHA-256.
    OaepSha256,
    /// OAEP with SHA-384 and MGF1 with SHA-384.
    OaepSha384,
    /// OAEP with SHA-512 and MGF1 with SHA-512.
    OaepSha512,
}

impl Padding {
    /// Every padding.
    pub const ALL: [Padding; 5] =
        [Padding::Pkcs1, Padding::OaepSha1, Padding::OaepSha256, Padding::OaepSha384, Padding::OaepSha512];

    /// Its name in a configuration, such as `OAEP_SHA256`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Padding::Pkcs1 => "PKCS1",
            Padding::OaepSha1 => "OAEP_SHA1",
            Padding::OaepSha256 => "OAEP_SHA256",
            Padding::OaepSha384 => "OAEP_SHA384",
            Padding::OaepSha512 => "OAEP_SHA512",
        }
    }

    /// What AWS KMS calls it; `None` if it does not know it.
    pub(crate) fn kms_algorithm(self) -> Option<&'static str> {
        match self {
            Padding::OaepSha1 => Some("RSAES_OAEP_SHA_1"),
            Padding::OaepSha256 => Some("RSAES_OAEP_SHA_256"),
            Padding::Pkcs1 | Padding::OaepSha384 | Padding::OaepSha512 => None,
        }
    }

    /// The padding of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|padding| padding.name() == name)
    }

    fn oaep(self) -> Option<&'static OaepAlgorithm> {
        match self {
            Padding::Pkcs1 => None,
            Padding::OaepSha1 => Some(&OAEP_SHA1_MGF1SHA1),
            Padding::OaepSha256 => Some(&OAEP_SHA256_MGF1SHA256),
            Padding::OaepSha384 => Some(&OAEP_SHA384_MGF1SHA384),
            Padding::OaepSha512 => Some(&OAEP_SHA512_MGF1SHA512),
        }
    }
}

/// A public key, for one padding.
pub(crate) struct PublicKey {
    padding: Padding,
    key: PublicEncryptingKey,
}

impl PublicKey {
    /// From a SubjectPublicKeyInfo.
    pub(crate) fn from_spki(padding: Padding, der: &[u8]) -> Option<Self> {
        Some(Self { padding, key: PublicEncryptingKey::from_der(der).ok()? })
    }

    /// From a PKCS#1 RSAPublicKey.
    pub(crate) fn from_pkcs1(padding: Padding, der: &[u8]) -> Option<Self> {
        let bits = tagged(BIT_STRING, &[&[0], der])?;
        Self::from_spki(padding, &tagged(SEQUENCE, &[RSA_ALGORITHM, &bits])?)
    }

    /// Whether `self` belongs to `private`.
    pub(crate) fn belongs_to(&self, private: &PrivateKey) -> bool {
        let spki = |key: &PublicEncryptingKey| key.as_der().ok().map(|der| der.as_ref().to_vec());
        spki(&self.key).is_some_and(|own| spki(&private.key.public_key()).is_some_and(|other| own == other))
    }

    /// Appends the encrypted bytes.
    pub(crate) fn wrap(&self, secret: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let failed = |_| Error::Library { at: "encrypting with RSA" };
        let start = out.len();
        out.resize(start + self.key.key_size_bytes(), 0);
        let place = out.get_mut(start..).unwrap_or_default();
        let key = self.key.clone();
        let length = match self.padding.oaep() {
            Some(oaep) => {
                let key = OaepPublicEncryptingKey::new(key).map_err(failed)?;
                key.encrypt(oaep, secret, place, None).map_err(failed)?.len()
            }
            None => {
                let key = Pkcs1PublicEncryptingKey::new(key).map_err(failed)?;
                key.encrypt(secret, place).map_err(failed)?.len()
            }
        };
        out.truncate(start + length);
        Ok(())
    }
}

/// A private key, for one padding.
pub(crate) struct PrivateKey {
    padding: Padding,
    key: PrivateDecryptingKey,
}

impl PrivateKey {
    /// From a PKCS#8 PrivateKeyInfo.
    pub(crate) fn from_pkcs8(padding: Padding, der: &[u8]) -> Option<Self> {
        Some(Self { padding, key: PrivateDecryptingKey::from_pkcs8(der).ok()? })
    }

    /// From a PKCS#1 RSAPrivateKey.
    pub(crate) fn from_pkcs1(padding: Padding, der: &[u8]) -> Option<Self> {
        let pkcs8 = KeyPair::from_der(der).ok()?.as_der().ok()?;
        Self::from_pkcs8(padding, pkcs8.as_ref())
    }

    /// The public half.
    pub(crate) fn public_key(&self) -> PublicKey {
        PublicKey { padding: self.padding, key: self.key.public_key() }
    }

    /// Decrypts an intermediate key. What does not decrypt gives a random one, which then opens nothing: whoever can
    /// write items must not learn from an error whether the padding was right (Bleichenbacher's attack on PKCS#1 v1.5).
    pub(crate) fn unwrap(&self, wrapped: &[u8]) -> Result<Secret<KEY>, Error> {
        let instead = Secret::random()?;
        let mut buffer = Zeroizing::new(vec![0; self.key.key_size_bytes()]);
        let key = self.key.clone();
        let opened = match self.padding.oaep() {
            Some(oaep) => {
                OaepPrivateDecryptingKey::new(key).and_then(|key| key.decrypt(oaep, wrapped, &mut buffer, None))
            }
            None => Pkcs1PrivateDecryptingKey::new(key).and_then(|key| key.decrypt(wrapped, &mut buffer)),
        };
        Ok(opened.ok().and_then(|plain| Secret::from_slice(plain)).unwrap_or(instead))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey(RSA, {} bits, {})", self.key.key_size_bits(), self.padding.name())
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(RSA, {} bits, {}, redacted)", self.key.key_size_bits(), self.padding.name())
    }
}

/// What the KMS key ring encrypts: the digest of the context, since neither RSA nor KMS binds one to it, and the
/// intermediate key (FORMAT 11.8).
pub(crate) fn bind(context: &[u8], intermediate: &Secret<KEY>) -> Secret<BOUND> {
    let mut bound = Secret::zero();
    let digest = digest(&SHA384, context);
    let bytes = digest.as_ref().iter().chain(intermediate.expose());
    bound.expose_mut().iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    bound
}

/// The intermediate key, if it is bound to this context.
pub(crate) fn unbind(context: &[u8], bound: &[u8]) -> Option<Secret<KEY>> {
    let (found, key) = bound.split_at_checked(SHA384_OUTPUT_LEN)?;
    verify_slices_are_equal(found, digest(&SHA384, context).as_ref()).ok()?;
    Secret::from_slice(key)
}

/// A DER value: tag, length, contents. `None` if it is longer than any key.
fn tagged(tag: u8, contents: &[&[u8]]) -> Option<Vec<u8>> {
    let contents = contents.concat();
    let [high, low] = u16::try_from(contents.len()).ok()?.to_be_bytes();
    let mut out = match contents.len() {
        0..128 => vec![tag, low],
        128..256 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    out.extend_from_slice(&contents);
    Some(out)
}

const BOUND: usize = SHA384_OUTPUT_LEN + KEY;

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
/// The AlgorithmIdentifier of rsaEncryption, 1.2.840.113549.1.1.1 with NULL parameters.
const RSA_ALGORITHM: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
