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
        let der = self.der("must hold PRIVATE KEY or RSA PRIVATE KEY")?;
        let key = rsa::PrivateKey::from_pkcs8(padding, &der).or_else(|| rsa::PrivateKey::from_pkcs1(padding, &der));
        key.map_or_else(|| self.not_rsa(|curve| ecdh::PrivateKey::from_der(curve, &der).is_some()), Ok)
    }

    /// An RSA public key: SubjectPublicKeyInfo or PKCS#1.
    pub(crate) fn rsa_public(self, padding: Padding) -> Result<rsa::PublicKey, Error> {
        let der = self.der("must hold PUBLIC KEY or RSA PUBLIC KEY")?;
        let key = rsa::PublicKey::from_spki(padding, &der).or_else(|| rsa::PublicKey::from_pkcs1(padding, &der));
        key.map_or_else(|| self.not_rsa(|curve| ecdh::PublicKey::from_spki(curve, &der).is_some()), Ok)
    }

    /// A private key of a curve: PKCS#8 or RFC 5915.
    pub(crate) fn ec_private(self, curve: Curve) -> Result<ecdh::PrivateKey, Error> {
        let der = self.der("must hold PRIVATE KEY or EC PRIVATE KEY")?;
        let parse = |curve| ecdh::PrivateKey::from_der(curve, &der);
        let is_rsa = || {
            let padding = Padding::OaepSha256;
            rsa::PrivateKey::from_pkcs8(padding, &der).or_else(|| rsa::PrivateKey::from_pkcs1(padding, &der)).is_some()
        };
        parse(curve).map_or_else(|| self.not_of(curve, |other| parse(other).is_some(), is_rsa), Ok)
    }

    /// A public key of a curve: SubjectPublicKeyInfo.
    pub(crate) fn ec_public(self, curve: Curve) -> Result<ecdh::PublicKey, Error> {
        let der = self.der("must hold PUBLIC KEY")?;
        let parse = |curve| ecdh::PublicKey::from_spki(curve, &der);
        let is_rsa = || {
            let padding = Padding::OaepSha256;
            rsa::PublicKey::from_spki(padding, &der).or_else(|| rsa::PublicKey::from_pkcs1(padding, &der)).is_some()
        };
        parse(curve).map_or_else(|| self.not_of(curve, |other| parse(other).is_some(), is_rsa), Ok)
    }

    /// The key of the text, whatever its label says of its form: that is told by the bytes, and programs mix the labels up.
    fn der(self, expected: &'static str) -> Result<Zeroizing<Vec<u8>>, Error> {
        let (label, der) = self.section()?;
        let half = if self.field == PRIVATE { "PRIVATE KEY" } else { "PUBLIC KEY" };
        let is_plain = ["", "RSA ", "EC "].iter().any(|kind| label.strip_prefix(kind) == Some(half));
        if is_plain { Ok(der) } else { self.mislabelled(&label, expected) }
    }

    /// Label and bytes of the one key of the text. OpenSSL puts the curve before an EC key, which says it once more.
    fn section(self) -> Result<(String, Zeroizing<Vec<u8>>), Error> {
        let all = pem::parse_many(self.text).unwrap_or_default().into_iter();
        let mut sections = all.filter(|section| section.tag() != PARAMETERS);
        match (sections.next(), sections.next()) {
            (Some(only), None) if only.headers().get("Proc-Type").is_some() => self.wrong(ENCRYPTED),
            (Some(only), None) => Ok((only.tag().to_owned(), Zeroizing::new(only.into_contents()))),
            (None, _) if self.text.contains(PARAMETERS) => self.wrong("holds the parameters of a curve and no key"),
            (None, _) => self.wrong("is not PEM"),
            (Some(_), Some(_)) => self.wrong("must hold one key"),
        }
    }

    fn mislabelled<T>(self, label: &str, expected: &'static str) -> Result<T, Error> {
        let asked_for_private = self.field == PRIVATE;
        self.wrong(match label {
            "ENCRYPTED PRIVATE KEY" if asked_for_private => ENCRYPTED,
            "OPENSSH PRIVATE KEY" if asked_for_private => OPENSSH,
            label if label.ends_with("PUBLIC KEY") && asked_for_private => "holds a public key",
            label if label.ends_with("PRIVATE KEY") && !asked_for_private => {
                "holds a private key; it must hold the public one"
            }
            label if label.ends_with("CERTIFICATE") => "holds a certificate; it must hold a key",
            label if label.ends_with("CERTIFICATE REQUEST") => "holds a certificate request; it must hold a key",
            _ => expected,
        })
    }

    fn not_rsa<T>(self, is_of: impl Fn(Curve) -> bool) -> Result<T, Error> {
        self.wrong(if Curve::ALL.into_iter().any(is_of) { "holds an EC key; it must hold an RSA key" } else { NOT_RSA })
    }

    fn not_of<T>(self, curve: Curve, parses: impl Fn(Curve) -> bool, is_rsa: impl Fn() -> bool) -> Result<T, Error> {
        let elsewhere = Curve::ALL.into_iter().any(|other| other != curve && parses(other));
        self.wrong(match elsewhere {
            true => "holds a key of another curve than curve says",
            false if is_rsa() => "holds an RSA key; it must hold an EC key",
            false => NOT_EC,
        })
    }

    fn wrong<T>(self, what: &'static str) -> Result<T, Error> {
        Err(Error::Config { ring: self.ring, field: self.field, what })
    }
}

const PRIVATE: &str = "private_key_file";
const PARAMETERS: &str = "EC PARAMETERS";
const OPENSSH: &str = "is in OpenSSH's own form; `ssh-keygen -p -m PKCS8` writes it as PKCS#8";
const ENCRYPTED: &str = "is encrypted; decrypt it first";
const NOT_RSA: &str = "must hold an RSA key of 2048 to 8192 bits";
const NOT_EC: &str = "must hold a key of the curve P-256, P-384 or P-521";
