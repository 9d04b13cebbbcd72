//! The two algorithm suites and the two header versions (FORMAT 6.1, 6.2).

/// An algorithm suite. Both encrypt with AES-256-GCM under HKDF-SHA-512 keys with key commitment and carry
/// HMAC-SHA-384 tags; they differ in the signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Suite {
    /// `0x6700`: no signature. Whoever can read an item can also make one.
    Hmac,
    /// `0x6701`: also signed with ECDSA P-384 under a key made for the one item. DB-ESDK's default.
    #[default]
    EcdsaP384,
}

impl Suite {
    /// The flavor byte of the header.
    #[must_use]
    pub fn flavor(self) -> u8 {
        match self {
            Suite::Hmac => 0,
            Suite::EcdsaP384 => 1,
        }
    }

    /// The suite of a flavor byte.
    #[must_use]
    pub fn from_flavor(flavor: u8) -> Option<Self> {
        match flavor {
            0 => Some(Suite::Hmac),
            1 => Some(Suite::EcdsaP384),
            _ => None,
        }
    }

    /// The suite's number, `0x6700` or `0x6701`.
    #[must_use]
    pub fn id(self) -> u16 {
        0x6700 | u16::from(self.flavor())
    }

    /// DB-ESDK's name of the suite.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Suite::Hmac => "ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY_SYMSIG_HMAC_SHA384",
            Suite::EcdsaP384 => "ALG_AES_256_GCM_HKDF_SHA512_COMMIT_KEY_ECDSA_P384_SYMSIG_HMAC_SHA384",
        }
    }

    /// Whether the footer ends in a signature.
    #[must_use]
    pub fn signs(self) -> bool {
        self == Suite::EcdsaP384
    }
}

/// The header version: 2 as soon as an attribute is bound into the encryption context, otherwise 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// The key attributes are bound as base64 of their bytes.
    V1,
    /// Every attribute marked `SIGN_AND_INCLUDE_IN_ENCRYPTION_CONTEXT` is bound as text.
    V2,
}

impl Version {
    /// The version byte of the header.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Version::V1 => 1,
            Version::V2 => 2,
        }
    }

    /// The version of a version byte.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Version::V1),
            2 => Some(Version::V2),
            _ => None,
        }
    }
}
