//! The key ring over an RSA key that AWS KMS holds (FORMAT 11.8): sealing needs its public half and no call; opening is one
//! call of KMS for each item.
//! Spec: `framework/aws-kms/aws-kms-rsa-keyring.md#onencrypt`, `#ondecrypt`.
//!
//! | part          | holds                                                                   |
//! |---------------|-------------------------------------------------------------------------|
//! | provider id   | `aws-kms-rsa`                                                           |
//! | provider info | the key's ARN                                                           |
//! | wrapped K     | the context's SHA-384 (48) and K (32), encrypted with RSA and OAEP      |
//!
//! DB-ESDK refuses suites that sign for this ring, so nobody could read such items; they are refused here, too.

use std::borrow::Cow;

use dynaseal_item::{DataKey, EncryptedDataKey, OpenKeys, Suite};

use crate::error::{Error, Layer};
use crate::keyfile::KeyFile;
use crate::keyring::{Bound, Io, KeyName};
use crate::kms::arn;
use crate::kms::body::Request;
use crate::kms::client::AwsKms;
use crate::kms::ring;
use crate::ring::{Entry, Found, Ring};
use crate::secret::Secret;
use crate::wire::Service;
use crate::wrap::rsa::{Padding, PublicKey, bind, unbind};
use crate::wrap::{self, WRAPPED};

/// Wraps data keys with an RSA key of usage `ENCRYPT_DECRYPT`: its public half seals, AWS KMS opens.
#[derive(Debug)]
pub struct AwsKmsRsa {
    kms: AwsKms,
    key: String,
    /// As KMS calls the padding.
    algorithm: &'static str,
    public: Option<PublicKey>,
}

impl AwsKmsRsa {
    /// A key by its ARN, with its public half in PEM; without it the ring only opens. Of the paddings KMS knows
    /// [`Padding::OaepSha1`] and [`Padding::OaepSha256`].
    ///
    /// # Errors
    /// A text that is not such an ARN or such PEM, another padding, or grant tokens that are not such.
    pub fn new(
        key_arn: &str,
        padding: Padding,
        public_pem: Option<&str>,
        grant_tokens: Vec<String>,
    ) -> Result<Self, Error> {
        arn::required(RING, key_arn)?;
        let Some(algorithm) = padding.kms_algorithm() else {
            let what = "must be OAEP_SHA1 or OAEP_SHA256, which are those of AWS KMS";
            return Err(Error::Config { ring: RING, field: "padding", what });
        };
        let public = public_pem.map(|pem| KeyFile::public(RING, pem).rsa_public(padding)).transpose()?;
        Ok(Self { kms: ring::client(RING, grant_tokens)?, key: key_arn.to_owned(), algorithm, public })
    }

    fn check(&self, suite: Suite) -> Result<(), Error> {
        if self.accepts(suite) { Ok(()) } else { Err(Error::SigningSuite { key: self.key() }) }
    }
}

impl Ring for AwsKmsRsa {
    type Own<'a> = ();

    async fn wrap(&self, data_key: &DataKey, bound: &Bound<'_>, _: Io<'_>) -> Result<Entry, Error> {
        let public = self.public.as_ref().ok_or_else(|| Error::OpenOnly { key: self.key() })?;
        self.check(bound.suite())?;
        let intermediate = Secret::random()?;
        let mut ciphertext = Vec::with_capacity(WRAPPED);
        let tag_key = wrap::wrap_data_key(&intermediate, data_key, bound.bytes(), &mut ciphertext)?;
        public.wrap(bind(bound.bytes(), &intermediate).expose(), &mut ciphertext)?;
        let data_key = EncryptedDataKey {
            provider_id: Cow::Borrowed(RING.as_bytes()),
            provider_info: Cow::Owned(self.key.clone().into_bytes()),
            ciphertext: Cow::Owned(ciphertext),
        };
        Ok((data_key, tag_key))
    }

    async fn claim<'a>(&'a self, Found { data_key, bound, .. }: Found<'a>) -> Result<Option<()>, Error> {
        if *data_key.provider_id != *RING.as_bytes() || *data_key.provider_info != *self.key.as_bytes() {
            return Ok(None);
        }
        self.check(bound.suite()).map(Some)
    }

    async fn open<'a>(&'a self, Found { data_key, bound, io }: Found<'a>, (): ()) -> Result<OpenKeys, Error> {
        let (wrapped, rest) = wrap::split(data_key)?;
        let request = Request::new().text("EncryptionAlgorithm", self.algorithm);
        let plaintext = self.kms.decrypted(&self.key, rest, request, io).await?;
        let failed = |at| Error::Unwrap { key: self.key(), at };
        let intermediate = unbind(bound.bytes(), &plaintext).ok_or_else(|| failed(Layer::IntermediateKey))?;
        wrap::unwrap_data_key(&intermediate, wrapped, bound.bytes()).ok_or_else(|| failed(Layer::DataKey))
    }

    fn key(&self) -> KeyName {
        KeyName::new(RING, &self.key)
    }

    fn seals(&self) -> bool {
        self.public.is_some()
    }

    fn accepts(&self, suite: Suite) -> bool {
        !suite.signs()
    }

    fn needs(&self, service: Service) -> bool {
        service == Service::Kms
    }
}

/// The provider id, too.
const RING: &str = "aws-kms-rsa";
