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

use dynaseal_item::{Context, DataKey, EncryptedDataKey, OpenKeys, Suite};

use crate::error::{Error, Layer};
use crate::keyfile::KeyFile;
use crate::keyring::{Io, KeyName, Keyring, Wrapped};
use crate::kms::arn;
use crate::kms::body::Request;
use crate::kms::client::AwsKms;
use crate::kms::ring;
use crate::secret::Secret;
use crate::wire::{BoxFuture, Service};
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

    fn wrap_key(&self, data_key: &DataKey, suite: Suite, context: &Context) -> Result<Wrapped, Error> {
        let public = self.public.as_ref().ok_or_else(|| Error::OpenOnly { key: self.key_name() })?;
        self.check(suite)?;
        let context = wrap::context_bytes(context)?;
        let intermediate = Secret::random()?;
        let mut ciphertext = Vec::with_capacity(WRAPPED);
        let tag_key = wrap::wrap_data_key(&intermediate, data_key, &context, &mut ciphertext)?;
        public.wrap(bind(&context, &intermediate).expose(), &mut ciphertext)?;
        let data_key = EncryptedDataKey {
            provider_id: Cow::Borrowed(RING.as_bytes()),
            provider_info: Cow::Owned(self.key.clone().into_bytes()),
            ciphertext: Cow::Owned(ciphertext),
        };
        Ok(vec![(data_key, tag_key)])
    }

    fn owns(&self, data_key: &EncryptedDataKey<'_>) -> bool {
        *data_key.provider_id == *RING.as_bytes() && *data_key.provider_info == *self.key.as_bytes()
    }

    async fn unwrap_key(
        &self,
        data_keys: &[EncryptedDataKey<'_>],
        suite: Suite,
        context: &Context,
        io: Io<'_>,
    ) -> Result<Option<OpenKeys>, Error> {
        let mut errors = Vec::new();
        for data_key in data_keys.iter().filter(|data_key| self.owns(data_key)) {
            self.check(suite)?;
            match self.open_key(data_key, context, io).await {
                Ok(keys) => return Ok(Some(keys)),
                Err(error) => errors.push(error),
            }
        }
        Error::collect(errors).map_or(Ok(None), Err)
    }

    async fn open_key(
        &self,
        data_key: &EncryptedDataKey<'_>,
        context: &Context,
        io: Io<'_>,
    ) -> Result<OpenKeys, Error> {
        let context = wrap::context_bytes(context)?;
        let (wrapped, rest) = wrap::split(data_key)?;
        let request = Request::new().text("EncryptionAlgorithm", self.algorithm);
        let plaintext = self.kms.decrypted(&self.key, rest, request, io).await?;
        let failed = |at| Error::Unwrap { key: self.key_name(), at };
        let intermediate = unbind(&context, &plaintext).ok_or_else(|| failed(Layer::IntermediateKey))?;
        wrap::unwrap_data_key(&intermediate, wrapped, &context).ok_or_else(|| failed(Layer::DataKey))
    }

    fn check(&self, suite: Suite) -> Result<(), Error> {
        if self.accepts(suite) { Ok(()) } else { Err(Error::SigningSuite { key: self.key_name() }) }
    }

    fn key_name(&self) -> KeyName {
        KeyName::new(RING, &self.key)
    }
}

impl Keyring for AwsKmsRsa {
    fn wrap<'a>(
        &'a self,
        data_key: &'a DataKey,
        suite: Suite,
        context: &'a Context,
        _: Io<'a>,
    ) -> BoxFuture<'a, Result<Wrapped, Error>> {
        Box::pin(async move { self.wrap_key(data_key, suite, context) })
    }

    fn unwrap<'a>(
        &'a self,
        data_keys: &'a [EncryptedDataKey<'a>],
        suite: Suite,
        context: &'a Context,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Option<OpenKeys>, Error>> {
        Box::pin(self.unwrap_key(data_keys, suite, context, io))
    }

    fn keys(&self) -> Vec<KeyName> {
        vec![self.key_name()]
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
