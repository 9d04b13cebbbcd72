//! Keys from the PEM text of their files. What is wrong is said without any of the text.

use zeroize::Zeroizing;

use crate::error::Error;
use crate::wrap::ecdh::{self, Curve};
use crate::wrap::rsa::{self, Padding};

/// A key file of a key ring's configuration.
#[derive(Clone, Copy)]
pub(crate) struct KeyFile<'a> {
    /// The kind of key ring.
    ring: &'static str,
    /// The setting that names the file.
    field: &'static str,
    text: &'a str,
}

impl<'a> KeyFile<'a> {
    /// The file of `private_key_file`.
    pub(crate) fn private(ring: &'static str, text: &'a str) -> Self {
        Self { ring, field: PRIVATE, text }
    }

    /// The file of `public_key_file`.
    pub(crate) fn public(ring: &'static str, text: &'a str) -> Self {
        Self { ring, field: "public_key_file", text }
    }

    /// The file of `own_public_key_file`.
    pub(crate) fn own_public(ring: &'static str, text: &'a str) -> Self {
        Self { ring, field: "own_public_key_file", text }
    }

    /// An RSA private key: PKCS#8 or PKCS#1.
    pub(crate) fn rsa_private(self, padding: Padding) -> Result<rsa::PrivateKey, Error> {
        let (label, der) = self.section()?;
        let key = match label.as_str() {
            "PRIVATE KEY" => rsa::PrivateKey::from_pkcs8(padding, &der),
            "RSA PRIVATE KEY" => rsa::PrivateKey::from_pkcs1(padding, &der),
            label => return self.mislabelled(label, "must hold PRIVATE KEY or RSA PRIVATE KEY"),
        };
        key.map_or_else(|| self.wrong(NOT_RSA), Ok)
    }

    /// An RSA public key: SubjectPublicKeyInfo or PKCS#1.
    pub(crate) fn rsa_public(self, padding: Padding) -> Result<rsa::PublicKey, Error> {
        let (label, der) = self.section()?;
        let key = match label.as_str() {
            "PUBLIC KEY" => rsa::PublicKey::from_spki(padding, &der),
            "RSA PUBLIC KEY" => rsa::PublicKey::from_pkcs1(padding, &der),
            label => return self.mislabelled(label, "must hold PUBLIC KEY or RSA PUBLIC KEY"),
        };
        key.map_or_else(|| self.wrong(NOT_RSA), Ok)
    }

    /// A private key of a curve: PKCS#8 or RFC 5915.
    pub(crate) fn ec_private(self, curve: Curve) -> Result<ecdh::PrivateKey, Error> {
        let (label, der) = self.section()?;
        match label.as_str() {
            "PRIVATE KEY" | "EC PRIVATE KEY" => {
                let parse = |curve| ecdh::PrivateKey::from_der(curve, &der);
                parse(curve).map_or_else(|| self.not_of(curve, |other| parse(other).is_some()), Ok)
            }
            label => self.mislabelled(label, "must hold PRIVATE KEY or EC PRIVATE KEY"),
        }
    }

    /// A public key of a curve: SubjectPublicKeyInfo.
    pub(crate) fn ec_public(self, curve: Curve) -> Result<ecdh::PublicKey, Error> {
        let (label, der) = self.section()?;
        match label.as_str() {
            "PUBLIC KEY" => {
                let parse = |curve| ecdh::PublicKey::from_spki(curve, &der);
                parse(curve).map_or_else(|| self.not_of(curve, |other| parse(other).is_some()), Ok)
            }
            label => self.mislabelled(label, "must hold PUBLIC KEY"),
        }
    }

    /// Label and bytes of the one section of the text.
    fn section(self) -> Result<(String, Zeroizing<Vec<u8>>), Error> {
        let mut sections = pem::parse_many(self.text).unwrap_or_default().into_iter();
        match (sections.next(), sections.next()) {
            (Some(only), None) if only.headers().get("Proc-Type").is_some() => self.wrong(ENCRYPTED),
            (Some(only), None) => Ok((only.tag().to_owned(), Zeroizing::new(only.into_contents()))),
            (None, _) => self.wrong("is not PEM"),
            (Some(_), Some(_)) => self.wrong("must hold one key"),
        }
    }

    fn mislabelled<T>(self, label: &str, expected: &'static str) -> Result<T, Error> {
        let asked_for_private = self.field == PRIVATE;
        self.wrong(match label {
            "ENCRYPTED PRIVATE KEY" if asked_for_private => ENCRYPTED,
            label if label.ends_with("PUBLIC KEY") && asked_for_private => "holds a public key",
            label if label.ends_with("PRIVATE KEY") && !asked_for_private => {
                "holds a private key; it must hold the public one"
            }
            _ => expected,
        })
    }

    fn not_of<T>(self, curve: Curve, parses: impl Fn(Curve) -> bool) -> Result<T, Error> {
        let elsewhere = Curve::ALL.into_iter().any(|other| other != curve && parses(other));
        self.wrong(if elsewhere { "holds a key of another curve than curve says" } else { NOT_EC })
    }

    fn wrong<T>(self, what: &'static str) -> Result<T, Error> {
        Err(Error::Config { ring: self.ring, field: self.field, what })
    }
}

const PRIVATE: &str = "private_key_file";
const ENCRYPTED: &str = "is encrypted; decrypt it first";
const NOT_RSA: &str = "must hold an RSA key of 2048 to 8192 bits";
const NOT_EC: &str = "must hold a key of the curve P-256, P-384 or P-521";
