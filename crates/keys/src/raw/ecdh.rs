//! The raw ECDH key ring: what it wraps can be opened by who holds one of two private keys (FORMAT 11.5). The bytes are
//! those of [`Parties`].
//! Spec: `framework/raw-ecdh-keyring.md#onencrypt`, `#ondecrypt`.

use dynaseal_item::{Context, DataKey, EncryptedDataKey, OpenKeys, Suite};

use crate::error::Error;
use crate::keyfile::KeyFile;
use crate::keyring::{Io, KeyName, Keyring, Wrapped, first_of};
use crate::wire::BoxFuture;
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

    fn wrap_key(&self, data_key: &DataKey, context: &Context) -> Result<Wrapped, Error> {
        match &self.scheme {
            Scheme::Static { own, peer, secret } => Parties::new(own, peer).wrap(RING, secret, data_key, context),
            Scheme::Ephemeral { recipient } => {
                let ephemeral = PrivateKey::generate(self.curve)?;
                let secret = ephemeral.agree(recipient)?;
                Parties::new(&ephemeral.public_key()?, recipient).wrap(RING, &secret, data_key, context)
            }
            Scheme::Discovery { .. } => Err(Error::OpenOnly { key: self.key_name() }),
        }
    }

    /// The parties of an encrypted data key, if it is this ring's own.
    fn claim<'a>(&self, data_key: &'a EncryptedDataKey<'_>) -> Option<Parties<'a>> {
        let parties = Parties::of(self.curve, data_key)?;
        let own = match &self.scheme {
            Scheme::Static { own, peer, .. } => parties.other_than(own) == Some(peer.point()),
            Scheme::Ephemeral { recipient } => parties.recipient == recipient.point(),
            Scheme::Discovery { own, .. } => parties.recipient == own.point(),
        };
        own.then_some(parties)
    }

    fn open_key(
        &self,
        data_key: &EncryptedDataKey<'_>,
        parties: Parties<'_>,
        context: &[u8],
    ) -> Result<OpenKeys, Error> {
        match &self.scheme {
            Scheme::Static { secret, .. } => parties.unwrap(secret, data_key, context),
            Scheme::Ephemeral { .. } => Err(Error::SealOnly { key: self.key_name(), why: "its scheme is ephemeral" }),
            Scheme::Discovery { private, .. } => {
                let sender = PublicKey::from_point(self.curve, parties.sender);
                let sender = sender.ok_or_else(|| wrap::malformed(data_key, ecdh::NO_POINT))?;
                parties.unwrap(&private.agree(&sender)?, data_key, context)
            }
        }
    }

    fn unwrap_key(&self, data_keys: &[EncryptedDataKey<'_>], context: &Context) -> Result<Option<OpenKeys>, Error> {
        let mut own = data_keys.iter().filter_map(|data_key| Some((data_key, self.claim(data_key)?))).peekable();
        if own.peek().is_none() {
            return Ok(None);
        }
        let context = wrap::context_bytes(context)?;
        first_of(own, |(data_key, parties)| self.open_key(data_key, parties, &context))
    }

    fn key_name(&self) -> KeyName {
        KeyName::new(
            RING,
            &match &self.scheme {
                Scheme::Static { own, peer, .. } => Parties::new(own, peer).words(),
                Scheme::Ephemeral { recipient } => ecdh::recipient_words(self.curve, recipient.point()),
                Scheme::Discovery { own, .. } => ecdh::recipient_words(self.curve, own.point()),
            },
        )
    }
}

impl Keyring for RawEcdh {
    fn wrap<'a>(
        &'a self,
        data_key: &'a DataKey,
        _: Suite,
        context: &'a Context,
        _: Io<'a>,
    ) -> BoxFuture<'a, Result<Wrapped, Error>> {
        Box::pin(async move { self.wrap_key(data_key, context) })
    }

    fn unwrap<'a>(
        &'a self,
        data_keys: &'a [EncryptedDataKey<'a>],
        _: Suite,
        context: &'a Context,
        _: Io<'a>,
    ) -> BoxFuture<'a, Result<Option<OpenKeys>, Error>> {
        Box::pin(async move { self.unwrap_key(data_keys, context) })
    }

    fn keys(&self) -> Vec<KeyName> {
        vec![self.key_name()]
    }

    fn seals(&self) -> bool {
        !matches!(self.scheme, Scheme::Discovery { .. })
    }
}

const RING: &str = ecdh::RAW;
