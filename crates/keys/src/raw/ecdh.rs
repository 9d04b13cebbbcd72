//! The raw ECDH key ring: what it wraps can be opened by who holds one of two private keys (FORMAT 11.5). The bytes are
//! those of [`Parties`].
//! Spec: `framework/raw-ecdh-keyring.md#onencrypt`, `#ondecrypt`.

use dynaseal_item::{DataKey, OpenKeys};

use crate::error::Error;
use crate::keyfile::KeyFile;
use crate::keyring::{Bound, Io, KeyName};
use crate::ring::{Entry, Found, Ring};
use crate::wrap;
use crate::wrap::ecdh::{self, Curve, Parties, PrivateKey, PublicKey, SharedSecret};

/// Wraps data keys with keys that two parties agree on, each from its own private key and the other's public one.
#[derive(Debug)]
pub struct RawEcdh {
    curve: Curve,
    scheme: Scheme,
}

/// Whose keys an ECDH key ring has, in PEM: private ones as `PRIVATE KEY` (PKCS#8) or `EC PRIVATE KEY`, public ones as
/// `PUBLIC KEY`.
#[derive(Clone, Copy)]
pub enum EcdhKeys<'a> {
    /// One's own private key, and the public key of the party that items are sealed for. Either opens what either sealed.
    Static {
        /// One's own.
        private_pem: &'a str,
        /// The other party's.
        public_pem: &'a str,
    },
    /// The recipient's public key. Every item is sealed with a key pair of its own; only the recipient can open it.
    Ephemeral {
        /// The recipient's.
        public_pem: &'a str,
    },
    /// One's own private key. It opens what anybody sealed for it, and seals nothing.
    Discovery {
        /// One's own.
        private_pem: &'a str,
    },
}

/// The keys, checked.
#[derive(Debug)]
enum Scheme {
    /// Two keys have one shared secret, so it is computed once.
    Static {
        own: PublicKey,
        peer: PublicKey,
        secret: Box<SharedSecret>,
    },
    Ephemeral {
        recipient: PublicKey,
    },
    Discovery {
        own: PublicKey,
        private: PrivateKey,
    },
}

impl RawEcdh {
    /// A key ring over keys of one curve. The public keys are stored with every item.
    ///
    /// # Errors
    /// A text that is not such PEM, or a key that is not of the curve.
    pub fn new(curve: Curve, keys: EcdhKeys<'_>) -> Result<Self, Error> {
        let private = |pem| KeyFile::private(RING, pem).ec_private(curve);
        let public = |pem| KeyFile::public(RING, pem).ec_public(curve);
        let scheme = match keys {
            EcdhKeys::Static { private_pem, public_pem } => {
                let (private, peer) = (private(private_pem)?, public(public_pem)?);
                Scheme::Static { own: private.public_key()?, secret: Box::new(private.agree(&peer)?), peer }
            }
            EcdhKeys::Ephemeral { public_pem } => Scheme::Ephemeral { recipient: public(public_pem)? },
            EcdhKeys::Discovery { private_pem } => {
                let private = private(private_pem)?;
                Scheme::Discovery { own: private.public_key()?, private }
            }
        };
        Ok(Self { curve, scheme })
    }
}

impl Ring for RawEcdh {
    type Own<'a> = Parties<'a>;

    async fn wrap(&self, data_key: &DataKey, bound: &Bound<'_>, _: Io<'_>) -> Result<Entry, Error> {
        match &self.scheme {
            Scheme::Static { own, peer, secret } => Parties::new(own, peer).wrap(RING, secret, data_key, bound.bytes()),
            Scheme::Ephemeral { recipient } => {
                let ephemeral = PrivateKey::generate(self.curve)?;
                let secret = ephemeral.agree(recipient)?;
                Parties::new(&ephemeral.public_key()?, recipient).wrap(RING, &secret, data_key, bound.bytes())
            }
            Scheme::Discovery { .. } => Err(Error::OpenOnly { key: self.key() }),
        }
    }

    async fn claim<'a>(&'a self, Found { data_key, .. }: Found<'a>) -> Result<Option<Parties<'a>>, Error> {
        let parties = Parties::of(self.curve, data_key);
        Ok(parties.filter(|parties| match &self.scheme {
            Scheme::Static { own, peer, .. } => parties.other_than(own) == Some(peer.point()),
            Scheme::Ephemeral { recipient } => parties.recipient == recipient.point(),
            Scheme::Discovery { own, .. } => parties.recipient == own.point(),
        }))
    }

    async fn open<'a>(
        &'a self,
        Found { data_key, bound, .. }: Found<'a>,
        parties: Parties<'a>,
    ) -> Result<OpenKeys, Error> {
        match &self.scheme {
            Scheme::Static { secret, .. } => parties.unwrap(secret, data_key, bound.bytes()),
            Scheme::Ephemeral { .. } => Err(Error::SealOnly { key: self.key(), why: "its scheme is ephemeral" }),
            Scheme::Discovery { private, .. } => {
                let sender = PublicKey::from_point(self.curve, parties.sender);
                let sender = sender.ok_or_else(|| wrap::malformed(data_key, ecdh::NO_POINT))?;
                parties.unwrap(&private.agree(&sender)?, data_key, bound.bytes())
            }
        }
    }

    fn key(&self) -> KeyName {
        let parties = match &self.scheme {
            Scheme::Static { own, peer, .. } => Parties::new(own, peer).words(),
            Scheme::Ephemeral { recipient } => ecdh::recipient_words(self.curve, recipient.point()),
            Scheme::Discovery { own, .. } => ecdh::recipient_words(self.curve, own.point()),
        };
        KeyName::new(RING, &parties)
    }

    fn seals(&self) -> bool {
        !matches!(self.scheme, Scheme::Discovery { .. })
    }
}

const RING: &str = ecdh::RAW;
