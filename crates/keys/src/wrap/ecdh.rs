//! Elliptic-curve Diffie-Hellman, and intermediate keys wrapped under what two parties agree on (FORMAT 11.5). The raw and
//! the KMS key ring differ only in where the shared secret Z is computed.
//! Spec: `framework/raw-ecdh-keyring.md#onencrypt`, `#ondecrypt`.
//!
//! ```text
//!  provider info   field        bytes
//!                  version      1        01
//!                  length       4        of what follows
//!                  recipient    33…67    a compressed point
//!                  length       4        of what follows
//!                  sender       33…67    a compressed point
//!
//!  wrapped K       field        bytes
//!                  salt         32
//!                  commitment   32       the first half of KDF(Z, fixed, salt)
//!                  sealed K     48       with the second half, bound to fixed
//!
//!  fixed           "ecdh-key-derivation" 00 curve 00 "HMAC_SHA384" 00 sender || recipient 00 01 00 context
//! ```

use std::borrow::Cow;
use std::fmt;

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521, UnparsedPublicKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, EcdsaVerificationAlgorithm, ParsedPublicKey,
};
use dynaseal_item::{DataKey, EncryptedDataKey, OpenKeys};

use crate::error::{Error, Layer};
use crate::keyring::KeyName;
use crate::ring::Entry;
use crate::secret::{Secret, random};
use crate::wrap::{self, CounterKdf, Gcm, IV, KEY, WRAPPED};

/// The provider id of entries that the raw key ring writes. Both rings read either.
pub(crate) const RAW: &str = "raw-ecdh";
/// The provider id of entries that the KMS key ring writes.
pub(crate) const KMS: &str = "aws-kms-ecdh";

/// What is wrong with an entry whose sender's key cannot be used.
pub(crate) const NO_POINT: &str = "its sender is no point of the curve";

/// A curve of ECDH key rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256, secp256r1.
    P256,
    /// NIST P-384, secp384r1.
    P384,
    /// NIST P-521, secp521r1.
    P521,
}

impl Curve {
    /// Every curve.
    pub const ALL: [Curve; 3] = [Curve::P256, Curve::P384, Curve::P521];

    /// Its name in a configuration, such as `P-256`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Curve::P256 => "P-256",
            Curve::P384 => "P-384",
            Curve::P521 => "P-521",
        }
    }

    /// The curve of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.name() == name)
    }

    /// Bytes of a coordinate, and of a shared secret.
    fn size(self) -> usize {
        match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }

    /// Its name in what a key is bound to.
    fn label(self) -> &'static [u8] {
        match self {
            Curve::P256 => b"p256",
            Curve::P384 => b"p384",
            Curve::P521 => b"p521",
        }
    }

    fn agreement(self) -> &'static agreement::Algorithm {
        match self {
            Curve::P256 => &ECDH_P256,
            Curve::P384 => &ECDH_P384,
            Curve::P521 => &ECDH_P521,
        }
    }

    /// Nothing is signed here: it is by a signature's algorithm that the library converts public keys.
    fn signature(self) -> &'static EcdsaVerificationAlgorithm {
        match self {
            Curve::P256 => &ECDSA_P256_SHA256_ASN1,
            Curve::P384 => &ECDSA_P384_SHA384_ASN1,
            Curve::P521 => &ECDSA_P521_SHA512_ASN1,
        }
    }
}

/// A public key: a point that is on its curve.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    curve: Curve,
    /// Compressed.
    point: Vec<u8>,
    spki: Vec<u8>,
}

impl PublicKey {
    /// From a SubjectPublicKeyInfo.
    pub(crate) fn from_spki(curve: Curve, der: &[u8]) -> Option<Self> {
        // The library takes bare points, too.
        (der.first() == Some(&SEQUENCE)).then(|| Self::parse(curve, der)).flatten()
    }

    /// From a compressed point.
    pub(crate) fn from_point(curve: Curve, point: &[u8]) -> Option<Self> {
        (point.len() == 1 + curve.size()).then(|| Self::parse(curve, point)).flatten()
    }

    fn parse(curve: Curve, bytes: &[u8]) -> Option<Self> {
        let parsed = ParsedPublicKey::new(curve.signature(), bytes).ok()?;
        let spki = parsed.as_der().ok()?.as_ref().to_vec();
        // A SubjectPublicKeyInfo ends with its point, uncompressed: 04, x, y.
        let (_, coordinates) = spki.split_at_checked(spki.len().checked_sub(2 * curve.size())?)?;
        let (x, y) = coordinates.split_at_checked(curve.size())?;
        let point = [&[2 | (y.last()? & 1)], x].concat();
        Some(Self { curve, point, spki })
    }

    /// The compressed point.
    pub(crate) fn point(&self) -> &[u8] {
        &self.point
    }

    /// A SubjectPublicKeyInfo with the whole point.
    pub(crate) fn spki(&self) -> &[u8] {
        &self.spki
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {})", self.curve.name(), short(&self.point))
    }
}

/// A private key.
pub(crate) struct PrivateKey {
    curve: Curve,
    key: agreement::PrivateKey,
}

impl PrivateKey {
    /// From a PKCS#8 PrivateKeyInfo, or an ECPrivateKey (RFC 5915).
    pub(crate) fn from_der(curve: Curve, der: &[u8]) -> Option<Self> {
        let key = agreement::PrivateKey::from_private_key_der(curve.agreement(), der).ok()?;
        Some(Self { curve, key })
    }

    /// A fresh one.
    pub(crate) fn generate(curve: Curve) -> Result<Self, Error> {
        let key = agreement::PrivateKey::generate(curve.agreement());
        Ok(Self { curve, key: key.map_err(|_| Error::Library { at: "making an EC key" })? })
    }

    /// The public half.
    pub(crate) fn public_key(&self) -> Result<PublicKey, Error> {
        let key = self.key.compute_public_key().ok();
        let key = key.and_then(|key| PublicKey::parse(self.curve, key.as_ref()));
        key.ok_or(Error::Library { at: "making an EC public key" })
    }

    /// What both parties know and nobody else.
    pub(crate) fn agree(&self, other: &PublicKey) -> Result<SharedSecret, Error> {
        let failed = Error::Library { at: "agreeing on a key" };
        let other = UnparsedPublicKey::new(other.curve.agreement(), &other.spki);
        agreement::agree(&self.key, other, failed.clone(), |secret| SharedSecret::new(self.curve, secret).ok_or(failed))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, redacted)", self.curve.name())
    }
}

/// The shared secret of two parties, ready for derivations.
pub(crate) struct SharedSecret(CounterKdf);

impl SharedSecret {
    /// From the x coordinate, whose leading zeros count.
    pub(crate) fn new(curve: Curve, x: &[u8]) -> Option<Self> {
        (x.len() == curve.size()).then(|| Self(CounterKdf::sha384(x)))
    }

    /// The commitment, and the key that seals.
    fn derive(&self, fixed: &[u8], salt: &[u8; SALT]) -> Option<([u8; COMMITMENT], Gcm)> {
        let derived: Secret<{ COMMITMENT + KEY }> = self.0.derive(fixed, salt).ok()?;
        let (commitment, key) = derived.expose().split_first_chunk()?;
        Some((*commitment, Gcm::new_256(key.try_into().ok()?).ok()?))
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(redacted)")
    }
}

/// The compressed points of two parties. What they wrap is bound to which of them sent it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parties<'a> {
    pub(crate) curve: Curve,
    pub(crate) recipient: &'a [u8],
    pub(crate) sender: &'a [u8],
}

impl<'a> Parties<'a> {
    pub(crate) fn new(sender: &'a PublicKey, recipient: &'a PublicKey) -> Self {
        Self { curve: recipient.curve, recipient: &recipient.point, sender: &sender.point }
    }

    /// Who wrapped an encrypted data key for whom; `None` if no ECDH key ring did, or on another curve.
    pub(crate) fn of(curve: Curve, data_key: &'a EncryptedDataKey<'_>) -> Option<Self> {
        let providers = [RAW, KMS];
        if !providers.iter().any(|provider| *data_key.provider_id == *provider.as_bytes()) {
            return None;
        }
        let (recipient, rest) = point(curve, data_key.provider_info.strip_prefix(&[VERSION])?)?;
        let (sender, rest) = point(curve, rest)?;
        rest.is_empty().then_some(Self { curve, recipient, sender })
    }

    /// The other party, if `own` is one of the two.
    pub(crate) fn other_than(&self, own: &PublicKey) -> Option<&'a [u8]> {
        match own.point() {
            own if own == self.recipient => Some(self.sender),
            own if own == self.sender => Some(self.recipient),
            _ => None,
        }
    }

    /// Wraps a data key under the parties' shared secret.
    pub(crate) fn wrap(
        &self,
        provider: &'static str,
        secret: &SharedSecret,
        data_key: &DataKey,
        context: &[u8],
    ) -> Result<Entry, Error> {
        let (intermediate, salt) = (Secret::random()?, random::<SALT>()?);
        let fixed = self.fixed(context);
        let failed = Error::Library { at: "deriving a key" };
        let (commitment, key) = secret.derive(&fixed, &salt).ok_or(failed)?;
        let mut ciphertext = Vec::with_capacity(WRAPPED + SALT + COMMITMENT + WRAPPED);
        let tag_key = wrap::wrap_data_key(&intermediate, data_key, context, &mut ciphertext)?;
        ciphertext.extend_from_slice(&salt);
        ciphertext.extend_from_slice(&commitment);
        // The salt makes the key a fresh one, so the IV may be the same.
        key.seal([0; IV], &fixed, intermediate.expose(), &mut ciphertext)?;
        let data_key = EncryptedDataKey {
            provider_id: Cow::Borrowed(provider.as_bytes()),
            provider_info: Cow::Owned(self.info()),
            ciphertext: Cow::Owned(ciphertext),
        };
        Ok((data_key, tag_key))
    }

    /// Opens a data key that was wrapped under the parties' shared secret.
    pub(crate) fn unwrap(
        &self,
        secret: &SharedSecret,
        data_key: &EncryptedDataKey<'_>,
        context: &[u8],
    ) -> Result<OpenKeys, Error> {
        let (wrapped, rest) = wrap::split(data_key)?;
        let parts = Parts::read(rest).ok_or_else(|| wrap::malformed(data_key, "its ciphertext must have 160 bytes"))?;
        let failed = |at| Error::Unwrap { key: KeyName::of(data_key), at };
        let intermediate = self.open(secret, &parts, context).ok_or_else(|| failed(Layer::IntermediateKey))?;
        wrap::unwrap_data_key(&intermediate, wrapped, context).ok_or_else(|| failed(Layer::DataKey))
    }

    fn open(&self, secret: &SharedSecret, parts: &Parts<'_>, context: &[u8]) -> Option<Secret<KEY>> {
        let fixed = self.fixed(context);
        let (commitment, key) = secret.derive(&fixed, parts.salt)?;
        verify_slices_are_equal(&commitment, parts.commitment).ok()?;
        key.open([0; IV], &fixed, parts.sealed)
    }

    /// The parties as a key's name: the beginnings of their points.
    pub(crate) fn words(&self) -> String {
        format!("{} from {}", recipient_words(self.curve, self.recipient), short(self.sender))
    }

    fn info(&self) -> Vec<u8> {
        let mut info = vec![VERSION];
        for point in [self.recipient, self.sender] {
            let [.., a, b, c, d] = (point.len() as u64).to_be_bytes();
            info.extend_from_slice(&[a, b, c, d]);
            info.extend_from_slice(point);
        }
        info
    }

    /// What the derivation and the seal are bound to.
    fn fixed(&self, context: &[u8]) -> Vec<u8> {
        let parties = [self.sender, self.recipient].concat();
        [b"ecdh-key-derivation", self.curve.label(), b"HMAC_SHA384", &parties, &[VERSION], context].join(&0)
    }
}

/// Who wrapped a data key for whom, in words; `None` if no ECDH key ring did.
#[must_use]
pub fn ecdh_parties(data_key: &EncryptedDataKey<'_>) -> Option<String> {
    let parties = Curve::ALL.into_iter().find_map(|curve| Parties::of(curve, data_key));
    parties.map(|parties| parties.words())
}

/// A recipient as a key's name.
pub(crate) fn recipient_words(curve: Curve, point: &[u8]) -> String {
    format!("{} to {}", curve.name(), short(point))
}

/// The fields of a wrapped intermediate key.
struct Parts<'a> {
    salt: &'a [u8; SALT],
    commitment: &'a [u8; COMMITMENT],
    sealed: &'a [u8; WRAPPED],
}

impl<'a> Parts<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (salt, rest) = bytes.split_first_chunk()?;
        let (commitment, sealed) = rest.split_first_chunk()?;
        Some(Self { salt, commitment, sealed: sealed.try_into().ok()? })
    }
}

/// A point of a provider info and what follows it. Only its length is checked.
fn point(curve: Curve, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    (length == 1 + curve.size()).then(|| rest.split_at_checked(length)).flatten()
}

/// The beginning of a point, enough to tell keys apart by.
fn short(point: &[u8]) -> String {
    point.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

const VERSION: u8 = 1;
const SALT: usize = 32;
const COMMITMENT: usize = 32;
/// The first byte of a SubjectPublicKeyInfo.
const SEQUENCE: u8 = 0x30;
