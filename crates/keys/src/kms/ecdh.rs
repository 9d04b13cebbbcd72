//! The key ring over an elliptic-curve key that AWS KMS holds (FORMAT 11.5): KMS computes the shared secret, one call for
//! each item that is sealed or opened. The bytes are those of [`Parties`].
//! Spec: `framework/aws-kms/aws-kms-ecdh-keyring.md#onencrypt`, `#ondecrypt`.

use async_lock::OnceCell;
use dynaseal_item::{DataKey, OpenKeys};

use crate::error::Error;
use crate::keyfile::KeyFile;
use crate::keyring::{Bound, Io, KeyName};
use crate::kms::arn;
use crate::kms::client::AwsKms;
use crate::kms::ring;
use crate::ring::{Entry, Found, Ring};
use crate::wire::Service;
use crate::wrap;
use crate::wrap::ecdh::{self, Curve, Parties, PublicKey, SharedSecret};

/// Wraps data keys with keys that a party whose private key never leaves AWS KMS and another party agree on.
#[derive(Debug)]
pub struct AwsKmsEcdh {
    kms: AwsKms,
    key: String,
    curve: Curve,
    /// The key's public half: configured, or asked of KMS once.
    own: OnceCell<PublicKey>,
    /// The other party; without one the ring opens what anybody sealed for its key, and seals nothing.
    peer: Option<PublicKey>,
}

/// A key of usage `KEY_AGREEMENT` in AWS KMS.
#[derive(Clone, Copy, Debug)]
pub struct KmsEcdhKey<'a> {
    /// Its ARN.
    pub key_arn: &'a str,
    /// Its curve.
    pub curve: Curve,
    /// Its public half in PEM, which is stored with every item. Without it KMS is asked for it once, with `GetPublicKey`.
    pub public_pem: Option<&'a str>,
}

impl AwsKmsEcdh {
    /// The key and another party's public key in PEM. Either party opens what either sealed.
    ///
    /// # Errors
    /// A text that is not such an ARN or such PEM, a key that is not of the curve, or grant tokens that are not such.
    pub fn with_peer(key: KmsEcdhKey<'_>, peer_pem: &str, grant_tokens: Vec<String>) -> Result<Self, Error> {
        let peer = KeyFile::public(RING, peer_pem).ec_public(key.curve)?;
        Ok(Self { peer: Some(peer), ..Self::discovery(key, grant_tokens)? })
    }

    /// The key alone. It opens what anybody sealed for it, and seals nothing.
    ///
    /// # Errors
    /// As for [`with_peer`](Self::with_peer).
    pub fn discovery(key: KmsEcdhKey<'_>, grant_tokens: Vec<String>) -> Result<Self, Error> {
        let KmsEcdhKey { key_arn, curve, public_pem } = key;
        arn::required(RING, key_arn)?;
        let own = public_pem.map(|pem| KeyFile::own_public(RING, pem).ec_public(curve)).transpose()?;
        Ok(Self {
            kms: ring::client(RING, grant_tokens)?,
            key: key_arn.to_owned(),
            curve,
            own: own.map_or_else(OnceCell::new, OnceCell::from),
            peer: None,
        })
    }

    async fn own(&self, io: Io<'_>) -> Result<&PublicKey, Error> {
        let ask = || async {
            let spki = self.kms.public_key(&self.key, io).await?;
            let wrong = Error::Config { ring: RING, field: "curve", what: "is not the curve of the key in AWS KMS" };
            PublicKey::from_spki(self.curve, &spki).ok_or(wrong)
        };
        self.own.get_or_try_init(ask).await
    }

    async fn agree(&self, other: &PublicKey, io: Io<'_>) -> Result<SharedSecret, Error> {
        self.kms.derive_shared_secret(&self.key, self.curve, other, io).await
    }
}

impl Ring for AwsKmsEcdh {
    type Own<'a> = Parties<'a>;

    async fn wrap(&self, data_key: &DataKey, bound: &Bound<'_>, io: Io<'_>) -> Result<Entry, Error> {
        let peer = self.peer.as_ref().ok_or_else(|| Error::OpenOnly { key: self.key() })?;
        let own = self.own(io).await?;
        let secret = self.agree(peer, io).await?;
        Parties::new(own, peer).wrap(RING, &secret, data_key, bound.bytes())
    }

    async fn claim<'a>(&'a self, Found { data_key, io, .. }: Found<'a>) -> Result<Option<Parties<'a>>, Error> {
        let Some(parties) = Parties::of(self.curve, data_key) else { return Ok(None) };
        // What is not for the other party needs no call.
        if self.peer.as_ref().is_some_and(|peer| parties.other_than(peer).is_none()) {
            return Ok(None);
        }
        let own = self.own(io).await?;
        let is_own = match &self.peer {
            Some(peer) => parties.other_than(own) == Some(peer.point()),
            None => parties.recipient == own.point(),
        };
        Ok(is_own.then_some(parties))
    }

    async fn open<'a>(
        &'a self,
        Found { data_key, bound, io }: Found<'a>,
        parties: Parties<'a>,
    ) -> Result<OpenKeys, Error> {
        let other = match &self.peer {
            Some(peer) => Some(peer.clone()),
            None => PublicKey::from_point(self.curve, parties.sender),
        };
        let other = other.ok_or_else(|| wrap::malformed(data_key, ecdh::NO_POINT))?;
        let secret = self.agree(&other, io).await?;
        parties.unwrap(&secret, data_key, bound.bytes())
    }

    fn key(&self) -> KeyName {
        KeyName::new(RING, &self.key)
    }

    fn seals(&self) -> bool {
        self.peer.is_some()
    }

    fn needs(&self, service: Service) -> bool {
        service == Service::Kms
    }
}

const RING: &str = ecdh::KMS;
