//! What the AWS KMS key rings share (FORMAT 11.7). Which key seals, and which keys to ask for a found data key, is each one's
//! own [`Claim`]; asking KMS and checking its answer is the same for all.
//! Spec: `framework/aws-kms/aws-kms-keyring.md#onencrypt`, `#ondecrypt`, and the pages beside it.
//!
//! ```text
//!  provider id     "aws-kms"
//!  provider info   the ARN of the key that wrapped K, as the answer of KMS names it
//!  wrapped K       what GenerateDataKey gave beside K; KMS binds it to the context
//! ```

use std::borrow::Cow;
use std::fmt::Debug;

use dynaseal_item::{Context, DataKey, EncryptedDataKey, OpenKeys, Suite};

use crate::error::{Error, Layer};
use crate::keyring::{Io, KeyName, Keyring, Wrapped};
use crate::kms::arn::KeyArn;
use crate::kms::client::AwsKms;
use crate::secret::Secret;
use crate::wire::{BoxFuture, Service};
use crate::wrap::{self, WRAPPED};

/// Wraps data keys with keys that AWS KMS holds: one call for each item that is sealed or opened.
#[derive(Debug)]
pub struct AwsKmsRing {
    kms: AwsKms,
    claim: Box<dyn Claim>,
}

/// Which keys a ring uses.
pub(super) trait Claim: Send + Sync + Debug {
    /// The key that seals items; `None` if the ring only opens them.
    fn sealing_key(&self) -> Option<&str>;

    /// The keys to ask, one after the other, for a data key that `found` wrapped. There are none if it is not the ring's.
    fn opening_keys(&self, found: &KeyArn<'_>) -> Result<Vec<String>, Error>;

    /// The keys in words.
    fn name(&self) -> String;

    /// The key that seals, if it is a multi-Region key and the ring also opens what its replicas sealed.
    fn multi_region_key(&self) -> Option<&str> {
        None
    }
}

impl AwsKmsRing {
    /// A ring of such keys. Grant tokens go with every call; most callers have none.
    pub(super) fn over(
        ring: &'static str,
        claim: impl Claim + 'static,
        grant_tokens: Vec<String>,
    ) -> Result<Self, Error> {
        Ok(Self { kms: client(ring, grant_tokens)?, claim: Box::new(claim) })
    }

    async fn wrap_key(&self, data_key: &DataKey, context: &Context, io: Io<'_>) -> Result<Wrapped, Error> {
        let key = self.claim.sealing_key().ok_or_else(|| Error::OpenOnly { key: self.key_name() })?;
        let bound = wrap::context_bytes(context)?;
        let generated = self.kms.generate_data_key(key, context, io).await?;
        let intermediate = Secret::new(*generated.plaintext);
        let mut ciphertext = Vec::with_capacity(WRAPPED + generated.wrapped.len());
        let tag_key = wrap::wrap_data_key(&intermediate, data_key, &bound, &mut ciphertext)?;
        ciphertext.extend_from_slice(&generated.wrapped);
        let data_key = EncryptedDataKey {
            provider_id: Cow::Borrowed(PROVIDER.as_bytes()),
            provider_info: Cow::Owned(generated.key_arn.into_bytes()),
            ciphertext: Cow::Owned(ciphertext),
        };
        Ok(vec![(data_key, tag_key)])
    }

    async fn unwrap_key(
        &self,
        data_keys: &[EncryptedDataKey<'_>],
        context: &Context,
        io: Io<'_>,
    ) -> Result<Option<OpenKeys>, Error> {
        let own = self.claimed(data_keys)?;
        if own.is_empty() {
            return Ok(None);
        }
        let bound = wrap::context_bytes(context)?;
        let mut errors = Vec::new();
        for (data_key, key) in own {
            match self.open_key(data_key, &key, context, &bound, io).await {
                Ok(keys) => return Ok(Some(keys)),
                Err(error) => errors.push(error),
            }
        }
        Error::collect(errors).map_or(Ok(None), Err)
    }

    async fn open_key(
        &self,
        data_key: &EncryptedDataKey<'_>,
        key: &str,
        context: &Context,
        bound: &[u8],
        io: Io<'_>,
    ) -> Result<OpenKeys, Error> {
        let (wrapped, rest) = wrap::split(data_key)?;
        let intermediate = Secret::new(*self.kms.open(key, rest, context, io).await?);
        let failed = || Error::Unwrap { key: KeyName::of(data_key), at: Layer::DataKey };
        wrap::unwrap_data_key(&intermediate, wrapped, bound).ok_or_else(failed)
    }

    /// The ring's own data keys, each with a key to ask. One that names no key is an error even beside others that do:
    /// none of KMS's rings writes such a thing.
    fn claimed<'a, 'k>(
        &self,
        data_keys: &'a [EncryptedDataKey<'k>],
    ) -> Result<Vec<(&'a EncryptedDataKey<'k>, String)>, Error> {
        let mut own = Vec::new();
        for data_key in data_keys.iter().filter(|data_key| *data_key.provider_id == *PROVIDER.as_bytes()) {
            let found = std::str::from_utf8(&data_key.provider_info).ok().and_then(KeyArn::parse);
            let found = found.ok_or_else(|| wrap::malformed(data_key, "its provider info is not the ARN of a key"))?;
            own.extend(self.claim.opening_keys(&found)?.into_iter().map(|key| (data_key, key)));
        }
        Ok(own)
    }

    fn key_name(&self) -> KeyName {
        KeyName::new(PROVIDER, &self.claim.name())
    }
}

impl Keyring for AwsKmsRing {
    fn wrap<'a>(
        &'a self,
        data_key: &'a DataKey,
        _: Suite,
        context: &'a Context,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Wrapped, Error>> {
        Box::pin(self.wrap_key(data_key, context, io))
    }

    fn unwrap<'a>(
        &'a self,
        data_keys: &'a [EncryptedDataKey<'a>],
        _: Suite,
        context: &'a Context,
        io: Io<'a>,
    ) -> BoxFuture<'a, Result<Option<OpenKeys>, Error>> {
        Box::pin(self.unwrap_key(data_keys, context, io))
    }

    fn keys(&self) -> Vec<KeyName> {
        vec![self.key_name()]
    }

    fn multi_region_keys(&self) -> Vec<&str> {
        self.claim.multi_region_key().into_iter().collect()
    }

    fn seals(&self) -> bool {
        self.claim.sealing_key().is_some()
    }

    fn needs(&self, service: Service) -> bool {
        service == Service::Kms
    }
}

/// A client for a ring whose setting `grant_tokens` says what goes with every call.
pub(super) fn client(ring: &'static str, grant_tokens: Vec<String>) -> Result<AwsKms, Error> {
    let config = |what| Err(Error::Config { ring, field: "grant_tokens", what });
    if grant_tokens.len() > MOST_TOKENS {
        return config("are more than 10");
    }
    if grant_tokens.iter().any(String::is_empty) {
        return config("holds an empty one");
    }
    Ok(AwsKms::new(grant_tokens))
}

/// The provider id of every one of these rings.
pub(crate) const PROVIDER: &str = "aws-kms";

/// As KMS counts them.
const MOST_TOKENS: usize = 10;
