//! What the AWS KMS key rings share (FORMAT 11.7). Which key seals, and which keys to ask for a found data key, is each one's
//! own [`Choice`]; asking KMS and checking its answer is the same for all.
//! Spec: `framework/aws-kms/aws-kms-keyring.md#onencrypt`, `#ondecrypt`, and the pages beside it.
//!
//! ```text
//!  provider id     "aws-kms"
//!  provider info   the ARN of the key that wrapped K, as the answer of KMS names it
//!  wrapped K       what GenerateDataKey gave beside K; KMS binds it to the context
//! ```

use std::borrow::Cow;
use std::fmt::Debug;

use dynaseal_item::{DataKey, EncryptedDataKey, OpenKeys};

use crate::error::{Error, Layer};
use crate::keyring::{Bound, Io, KeyName};
use crate::kms::arn::KeyArn;
use crate::kms::client::AwsKms;
use crate::ring::{Entry, Found, ONE_KEY, Ring};
use crate::secret::Secret;
use crate::wire::Service;
use crate::wrap::{self, WRAPPED};

/// Wraps data keys with keys that AWS KMS holds: one call for each item that is sealed or opened.
#[derive(Debug)]
pub struct AwsKmsRing {
    kms: AwsKms,
    choice: Box<dyn Choice>,
}

/// Which keys a ring uses.
pub(super) trait Choice: Send + Sync + Debug {
    /// The key that seals items; `None` if the ring only opens them.
    fn sealing_key(&self) -> Option<&str>;

    /// The keys to ask, one after the other, for a data key that `found` wrapped. There are none if it is not the ring's.
    fn opening_keys(&self, found: &KeyArn<'_>) -> Result<Vec<String>, Error>;

    /// The keys in words.
    fn name(&self) -> String;

    /// As [`Ring::most_data_keys`].
    fn most_data_keys(&self) -> usize {
        ONE_KEY
    }

    /// The key that seals, if it is a multi-Region key and the ring also opens what its replicas sealed.
    fn multi_region_key(&self) -> Option<&str> {
        None
    }
}

impl AwsKmsRing {
    /// A ring of such keys. Grant tokens go with every call; most callers have none.
    pub(super) fn over(
        ring: &'static str,
        choice: impl Choice + 'static,
        grant_tokens: Vec<String>,
    ) -> Result<Self, Error> {
        Ok(Self { kms: client(ring, grant_tokens)?, choice: Box::new(choice) })
    }
}

impl Ring for AwsKmsRing {
    /// The keys to ask.
    type Own<'a> = Vec<String>;

    async fn wrap(&self, data_key: &DataKey, bound: &Bound<'_>, io: Io<'_>) -> Result<Entry, Error> {
        let key = self.choice.sealing_key().ok_or_else(|| Error::OpenOnly { key: self.key() })?;
        let generated = self.kms.generate_data_key(key, bound.context(), io).await?;
        let intermediate = Secret::new(*generated.plaintext);
        let mut ciphertext = Vec::with_capacity(WRAPPED + generated.wrapped.len());
        let tag_key = wrap::wrap_data_key(&intermediate, data_key, bound.bytes(), &mut ciphertext)?;
        ciphertext.extend_from_slice(&generated.wrapped);
        let data_key = EncryptedDataKey {
            provider_id: Cow::Borrowed(PROVIDER.as_bytes()),
            provider_info: Cow::Owned(generated.key_arn.into_bytes()),
            ciphertext: Cow::Owned(ciphertext),
        };
        Ok((data_key, tag_key))
    }

    /// One that names no key is an error: none of KMS's rings writes such a thing.
    async fn claim<'a>(&'a self, Found { data_key, .. }: Found<'a>) -> Result<Option<Vec<String>>, Error> {
        if *data_key.provider_id != *PROVIDER.as_bytes() {
            return Ok(None);
        }
        let found = std::str::from_utf8(&data_key.provider_info).ok().and_then(KeyArn::parse);
        let found = found.ok_or_else(|| wrap::malformed(data_key, "its provider info is not the ARN of a key"))?;
        let keys = self.choice.opening_keys(&found)?;
        Ok((!keys.is_empty()).then_some(keys))
    }

    async fn open<'a>(
        &'a self,
        Found { data_key, bound, io }: Found<'a>,
        keys: Vec<String>,
    ) -> Result<OpenKeys, Error> {
        let (wrapped, rest) = wrap::split(data_key)?;
        let mut errors = Vec::new();
        for key in keys {
            let opened = self.kms.open(&key, rest, bound.context(), io).await.and_then(|intermediate| {
                let failed = || Error::Unwrap { key: KeyName::of(data_key), at: Layer::DataKey };
                wrap::unwrap_data_key(&Secret::new(*intermediate), wrapped, bound.bytes()).ok_or_else(failed)
            });
            match opened {
                Ok(keys) => return Ok(keys),
                Err(error) => errors.push(error),
            }
        }
        // Laid flat with those of other data keys.
        Err(Error::Several { errors })
    }

    fn key(&self) -> KeyName {
        KeyName::new(PROVIDER, &self.choice.name())
    }

    fn multi_region_key(&self) -> Option<&str> {
        self.choice.multi_region_key()
    }

    fn most_data_keys(&self) -> usize {
        self.choice.most_data_keys()
    }

    fn seals(&self) -> bool {
        self.choice.sealing_key().is_some()
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
