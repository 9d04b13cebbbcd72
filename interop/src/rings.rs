//! The key rings under test and the test keys behind them, the same on both sides.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};

/// A key ring that both libraries can build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ring {
    Aes128,
    Aes192,
    Aes256,
    RsaPkcs1,
    RsaOaepSha1,
    RsaOaepSha256,
    RsaOaepSha384,
    RsaOaepSha512,
    /// Hierarchical, one branch key.
    Branch,
    /// Hierarchical; the partition key's value is the branch key id.
    BranchPerTenant,
    /// `Aes256` as the generator, then `RsaOaepSha256` and `Branch`.
    Multi,
    /// One key in AWS KMS.
    Kms,
    /// A multi-Region key: each side has the replica in another Region.
    KmsMultiRegion,
    /// Any key of the account; opens only.
    KmsDiscovery,
    /// Any key of the account, by its replica in a Region; opens only.
    KmsMultiRegionDiscovery,
    /// An RSA key in AWS KMS; goes only with the suite that does not sign.
    KmsRsa,
    /// Hierarchical, over a key store whose records AWS's crate made and rotated.
    StoreByAws,
    /// The same, made and rotated by us.
    StoreByUs,
}

impl Ring {
    /// Those that need no service, so that the Node package can have them, too.
    pub const LOCAL: [Ring; 11] = [
        Ring::Aes128,
        Ring::Aes192,
        Ring::Aes256,
        Ring::RsaPkcs1,
        Ring::RsaOaepSha1,
        Ring::RsaOaepSha256,
        Ring::RsaOaepSha384,
        Ring::RsaOaepSha512,
        Ring::Branch,
        Ring::BranchPerTenant,
        Ring::Multi,
    ];

    /// Those that seal.
    pub const ALL: [Ring; 16] = {
        let mut all = [Ring::Kms; 16];
        let (local, kms) = all.split_at_mut(Ring::LOCAL.len());
        local.copy_from_slice(&Ring::LOCAL);
        kms.copy_from_slice(&[Ring::Kms, Ring::KmsMultiRegion, Ring::KmsRsa, Ring::StoreByAws, Ring::StoreByUs]);
        all
    };

    /// Those that only open.
    pub const OPENING: [Ring; 2] = [Ring::KmsDiscovery, Ring::KmsMultiRegionDiscovery];

    /// What the multi ring is made of, generator first.
    pub const MULTI: [Ring; 3] = [Ring::Aes256, Ring::RsaOaepSha256, Ring::Branch];

    /// The rings that open what this one seals.
    pub fn openers(self) -> &'static [Ring] {
        match self {
            Ring::Multi => &[Ring::Multi, Ring::MULTI[0], Ring::MULTI[1], Ring::MULTI[2]],
            Ring::Kms => &[Ring::Kms, Ring::KmsDiscovery, Ring::KmsMultiRegionDiscovery],
            Ring::KmsMultiRegion => &[Ring::KmsMultiRegion, Ring::KmsMultiRegionDiscovery],
            other => {
                let at = Ring::ALL.iter().position(|ring| *ring == other);
                at.map_or(&[], |at| &SEALING[at..=at])
            }
        }
    }

    /// The key name of a raw ring. Non-ASCII, and one is a prefix of another.
    pub fn key_name(self) -> String {
        match self {
            Ring::Aes128 => "key".to_owned(),
            Ring::Aes192 => "keyé🔑".to_owned(),
            other => format!("key-{other:?}"),
        }
    }

    /// The wrapping key of a raw AES ring: public test bytes.
    pub fn aes_key(self) -> Vec<u8> {
        let length = match self {
            Ring::Aes128 => 16,
            Ring::Aes192 => 24,
            _ => 32,
        };
        (1..=length).collect()
    }
}

/// In one place, to be borrowed from.
static SEALING: [Ring; 16] = Ring::ALL;

pub const NAMESPACE: &str = "interop-tests";

/// A branch key of the hierarchical rings: public test bytes.
pub struct BranchKey {
    pub id: &'static str,
    pub version: &'static str,
    pub key: [u8; 32],
}

/// The branch keys; `Ring::Branch` uses the first.
pub const BRANCH_KEYS: [BranchKey; 2] = [
    BranchKey { id: "tenant-a", version: "00000000-0000-4000-8000-00000000000a", key: [0xa1; 32] },
    BranchKey { id: "tenant-é", version: "00000000-0000-4000-8000-00000000000b", key: [0xb2; 32] },
];

/// The branch keys of `Ring::StoreByAws` and `Ring::StoreByUs`.
pub const BY_AWS: &str = "made-by-aws";
pub const BY_US: &str = "made-by-us-é";

/// A fresh RSA pair in PEM. aws-lc cannot make one from a seed, and no case depends on which one it is.
pub struct RsaPair {
    pub private_pem: String,
    pub public_pem: String,
}

impl RsaPair {
    pub fn generate() -> Self {
        let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).expect("an RSA pair");
        let public = AsDer::<PublicKeyX509Der<'_>>::as_der(&private.public_key()).expect("a public key");
        let private = AsDer::<Pkcs8V1Der<'_>>::as_der(&private).expect("a private key");
        let pem = |label: &str, der: &[u8]| pem::encode(&pem::Pem::new(label, der));
        Self { private_pem: pem("PRIVATE KEY", private.as_ref()), public_pem: pem("PUBLIC KEY", public.as_ref()) }
    }
}
