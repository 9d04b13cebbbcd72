//! AWS KMS. Spec: the AWS KMS API reference; FORMAT 11.7 says what is asked of it.

use dynaseal_item::Context;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::keyring::Io;
use crate::kms::arn::{KeyArn, region_of};
use crate::kms::asked::Asked;
use crate::kms::body::{Reply, Request};
use crate::kms::error::Refusal;
use crate::kms::ring::PROVIDER;
use crate::kms::{KeyBytes, Kms};
use crate::wire::{BoxFuture, Call, Service};
use crate::wrap::ecdh::{Curve, PublicKey, SharedSecret};

/// Calls AWS KMS.
#[derive(Clone, Debug, Default)]
pub struct AwsKms {
    grant_tokens: Vec<String>,
}

/// A fresh data key.
pub(crate) struct Generated {
    pub(crate) plaintext: KeyBytes,
    pub(crate) wrapped: Vec<u8>,
    /// The ARN of the key that wrapped it.
    pub(crate) key_arn: String,
}

impl AwsKms {
    /// With grant tokens, which go with every call; most callers have none.
    #[must_use]
    pub fn new(grant_tokens: Vec<String>) -> Self {
        Self { grant_tokens }
    }

    /// `GenerateDataKey` of 32 bytes. The key may be an alias; its ARN is in the answer.
    pub(crate) async fn generate_data_key(&self, key: &str, context: &Context, io: Io<'_>) -> Result<Generated, Error> {
        let asked = asked("GenerateDataKey", key);
        let request = Request::new().text("KeyId", key).number("NumberOfBytes", 32);
        let request = request.context("EncryptionContext", context).texts("GrantTokens", &self.grant_tokens);
        let reply = asked.send(request, io).await?;
        Ok(Generated {
            plaintext: asked.key_bytes(reply.bytes("Plaintext"))?,
            wrapped: asked.blob(&reply, "CiphertextBlob")?,
            key_arn: asked.same_key(&reply, "KeyId")?.to_owned(),
        })
    }

    /// `Decrypt` with one key and no other.
    pub(crate) async fn open(
        &self,
        key: &str,
        wrapped: &[u8],
        context: &Context,
        io: Io<'_>,
    ) -> Result<KeyBytes, Error> {
        let request = Request::new().context("EncryptionContext", context);
        let asked = asked("Decrypt", key);
        asked.key_bytes(Some(self.decrypted(key, wrapped, request, io).await?))
    }

    /// `Decrypt` with what else `request` says; the plaintext may have any length.
    pub(crate) async fn decrypted(
        &self,
        key: &str,
        wrapped: &[u8],
        request: Request,
        io: Io<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let asked = asked("Decrypt", key);
        let request =
            request.text("KeyId", key).bytes("CiphertextBlob", wrapped).texts("GrantTokens", &self.grant_tokens);
        let reply = asked.send(request, io).await?;
        asked.same_key(&reply, "KeyId")?;
        reply.bytes("Plaintext").ok_or_else(|| asked.unusable("it has no Plaintext"))
    }

    /// `GetPublicKey`: a SubjectPublicKeyInfo.
    pub(crate) async fn public_key(&self, key: &str, io: Io<'_>) -> Result<Vec<u8>, Error> {
        let asked = asked("GetPublicKey", key);
        let request = Request::new().text("KeyId", key).texts("GrantTokens", &self.grant_tokens);
        let reply = asked.send(request, io).await?;
        asked.same_key(&reply, "KeyId")?;
        let key = reply.bytes("PublicKey").ok_or_else(|| asked.unusable("it has no PublicKey"))?;
        Ok(key.to_vec())
    }

    /// `DeriveSharedSecret` with a key of the curve and another party's.
    pub(crate) async fn derive_shared_secret(
        &self,
        key: &str,
        curve: Curve,
        other: &PublicKey,
        io: Io<'_>,
    ) -> Result<SharedSecret, Error> {
        let asked = asked("DeriveSharedSecret", key);
        let request = Request::new().text("KeyId", key).text("KeyAgreementAlgorithm", "ECDH");
        let request = request.bytes("PublicKey", other.spki()).texts("GrantTokens", &self.grant_tokens);
        let reply = asked.send(request, io).await?;
        asked.same_key(&reply, "KeyId")?;
        let secret = reply.bytes("SharedSecret").and_then(|secret| SharedSecret::new(curve, &secret));
        secret.ok_or_else(|| asked.unusable("its shared secret is not of the curve"))
    }

    async fn generate_without_plaintext(&self, key: &str, context: &Context, io: Io<'_>) -> Result<Vec<u8>, Error> {
        let asked = asked("GenerateDataKeyWithoutPlaintext", key);
        let request = Request::new().text("KeyId", key).number("NumberOfBytes", 32);
        let request = request.context("EncryptionContext", context).texts("GrantTokens", &self.grant_tokens);
        let reply = asked.send(request, io).await?;
        asked.same_key(&reply, "KeyId")?;
        asked.blob(&reply, "CiphertextBlob")
    }

    async fn re_encrypted(
        &self,
        key: &str,
        wrapped: &[u8],
        from: &Context,
        to: &Context,
        io: Io<'_>,
    ) -> Result<Vec<u8>, Error> {
        let asked = asked("ReEncrypt", key);
        let request = Request::new()
            .bytes("CiphertextBlob", wrapped)
            .text("SourceKeyId", key)
            .context("SourceEncryptionContext", from)
            .text("DestinationKeyId", key)
            .context("DestinationEncryptionContext", to)
            .texts("GrantTokens", &self.grant_tokens);
        let reply = asked.send(request, io).await?;
        asked.same_key(&reply, "SourceKeyId")?;
        asked.same_key(&reply, "KeyId")?;
        asked.blob(&reply, "CiphertextBlob")
    }
}

impl Kms for AwsKms {
    fn service(&self) -> Service {
        Service::Kms
    }

    fn generate<'a>(&'a self, key: &'a str, context: &'a Context, io: Io<'a>) -> BoxFuture<'a, Result<Vec<u8>, Error>> {
        Box::pin(self.generate_without_plaintext(key, context, io))
    }

    fn re_encrypt<'a>(
        &'a self,
        key: &'a str,
        wrapped: &'a [u8],
        from: &'a Context,
        to: &'a Context,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Vec<u8>, Error>> {
        Box::pin(self.re_encrypted(key, wrapped, from, to, io))
    }

    fn decrypt<'a>(
        &'a self,
        key: &'a str,
        wrapped: &'a [u8],
        context: &'a Context,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<KeyBytes, Error>> {
        Box::pin(self.open(key, wrapped, context, io))
    }
}

fn asked<'a>(operation: &'static str, key: &'a str) -> Asked<'a> {
    Asked { operation, provider: PROVIDER, key }
}

/// What calls of AWS KMS have to themselves.
impl Asked<'_> {
    /// Sends the call to the Region of its key.
    async fn send(self, request: Request, io: Io<'_>) -> Result<Reply, Error> {
        let call = Call::new(Service::Kms, self.operation, request.finish()).in_region(region_of(self.key));
        self.answer(call, Refusal::of, io).await
    }

    /// The ARN of the key that did the work: the one that was asked, if it was asked by its ARN.
    fn same_key<'r>(self, reply: &'r Reply, field: &str) -> Result<&'r str, Error> {
        let used = reply.text(field).filter(|used| KeyArn::parse(used).is_some());
        let used = used.ok_or_else(|| self.unusable("it names no key ARN"))?;
        match KeyArn::parse(self.key) {
            Some(asked) if asked.text != used => Err(self.unusable("another key did the work")),
            _ => Ok(used),
        }
    }

    fn blob(self, reply: &Reply, field: &str) -> Result<Vec<u8>, Error> {
        let blob = reply.bytes(field).filter(|blob| !blob.is_empty());
        blob.map(|blob| blob.to_vec()).ok_or_else(|| self.unusable("it has no ciphertext"))
    }

    fn key_bytes(self, plaintext: Option<Zeroizing<Vec<u8>>>) -> Result<KeyBytes, Error> {
        let mut key = KeyBytes::default();
        match plaintext {
            Some(plaintext) if plaintext.len() == key.len() => {
                key.copy_from_slice(&plaintext);
                Ok(key)
            }
            _ => Err(self.unusable("its plaintext does not have 32 bytes")),
        }
    }
}
