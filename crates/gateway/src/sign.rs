//! AWS credentials, kept until shortly before they expire, for the signature of what goes on.

use std::time::{Duration, Instant, SystemTime};

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_credential_types::Credentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::identity::Identity;
use dynaseal_engine::WireError;
use dynaseal_http::{Scope, sign};
use http::Request;
use tokio::sync::Mutex;

/// Signs requests with credentials that it keeps until shortly before they expire.
#[derive(Debug)]
pub(crate) struct Signer {
    provider: SharedCredentialsProvider,
    // One lock around the fetch: when credentials run out, one task fetches and the others wait for it.
    cached: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    credentials: Option<Cached>,
    // So that a thousand requests do not ask a failing provider one after the other.
    failed_at: Option<Instant>,
}

/// Credentials as the signer takes them. `Identity` redacts itself when printed.
#[derive(Clone, Debug)]
struct Cached {
    identity: Identity,
    expires: Option<SystemTime>,
}

impl Signer {
    /// A signer for the environment's standard credential chain: variables, profiles, SSO, web identity, container, instance.
    /// The region is that of the services which give credentials.
    pub(crate) async fn from_environment(region: String) -> Self {
        let chain = DefaultCredentialsChain::builder().region(aws_config::Region::new(region)).build().await;
        let signer = Self::new(SharedCredentialsProvider::new(chain));
        // Fetched once now, so that missing credentials show in the log at start and the first caller does not wait.
        let _ = signer.identity(SystemTime::now()).await;
        signer
    }

    pub(crate) fn new(provider: SharedCredentialsProvider) -> Self {
        Self { provider, cached: Mutex::default() }
    }

    /// Signs a request. Every header set so far is covered.
    pub(crate) async fn sign<B: AsRef<[u8]>>(
        &self,
        scope: Scope<'_>,
        request: &mut Request<B>,
    ) -> Result<(), WireError> {
        let now = SystemTime::now();
        let identity = self.identity(now).await?;
        sign(request, &identity, scope, now)
    }

    /// Whose credentials they are, as far as can be said without showing them: the end of the access key's id, the account if
    /// it is known, and where they were found.
    pub(crate) async fn whose(&self) -> Option<String> {
        let identity = self.identity(SystemTime::now()).await.ok()?;
        let credentials: &Credentials = identity.data()?;
        let id = credentials.access_key_id();
        let end = id.len().checked_sub(SHOWN).filter(|hidden| *hidden >= SHOWN).and_then(|hidden| id.get(hidden..));
        let account =
            credentials.account_id().map(|account| format!(" of account {}", account.as_str())).unwrap_or_default();
        let sources = credentials.get_property::<Vec<AwsCredentialFeature>>().into_iter().flatten();
        let sources: Vec<_> = sources.filter_map(source).collect();
        let found = if sources.is_empty() { String::new() } else { format!(", from {}", sources.join(", then ")) };
        Some(format!("access key …{}{account}{found}", end.unwrap_or_default()))
    }

    async fn identity(&self, now: SystemTime) -> Result<Identity, WireError> {
        let mut cache = self.cached.lock().await;
        if let Some(fresh) = cache.lasting(now + REFRESH_BEFORE) {
            return Ok(fresh);
        }
        if cache.failed_at.is_none_or(|at| at.elapsed() >= RETRY_AFTER) {
            match self.provider.provide_credentials().await {
                Ok(credentials) => {
                    let identity = Identity::from(credentials.clone());
                    let credentials = Cached { identity: identity.clone(), expires: credentials.expiry() };
                    *cache = Cache { credentials: Some(credentials), failed_at: None };
                    return Ok(identity);
                }
                Err(error) => {
                    tracing::warn!(kind = kind(&error), "AWS credentials could not be fetched");
                    cache.failed_at = Some(Instant::now());
                }
            }
        }
        // The provider is down; what we have may not have run out yet.
        cache.lasting(now).ok_or(WireError::NoCredentials)
    }
}

impl Cache {
    fn lasting(&self, until: SystemTime) -> Option<Identity> {
        let cached = self.credentials.as_ref()?;
        cached.expires.is_none_or(|expires| expires > until).then(|| cached.identity.clone())
    }
}

/// Where credentials were found, in words.
fn source(feature: &AwsCredentialFeature) -> Option<&'static str> {
    Some(match feature {
        AwsCredentialFeature::CredentialsEnvVars => "the environment",
        AwsCredentialFeature::CredentialsProfile => "a profile",
        AwsCredentialFeature::CredentialsProfileSso | AwsCredentialFeature::CredentialsSso => "single sign-on",
        AwsCredentialFeature::CredentialsProcess | AwsCredentialFeature::CredentialsProfileProcess => "a process",
        AwsCredentialFeature::CredentialsHttp => "the container",
        AwsCredentialFeature::CredentialsImds => "the instance",
        AwsCredentialFeature::CredentialsStsAssumeRole => "a role",
        AwsCredentialFeature::CredentialsEnvVarsStsWebIdToken
        | AwsCredentialFeature::CredentialsProfileStsWebIdToken
        | AwsCredentialFeature::CredentialsStsAssumeRoleWebId => "a web identity",
        AwsCredentialFeature::CredentialsLogin | AwsCredentialFeature::CredentialsProfileLogin => "a login",
        _ => return None,
    })
}

/// The error's kind alone: its text can hold paths, profile names and answers of credential services.
fn kind(error: &aws_credential_types::provider::error::CredentialsError) -> &'static str {
    use aws_credential_types::provider::error::CredentialsError;
    match error {
        CredentialsError::CredentialsNotLoaded(_) => "none found",
        CredentialsError::ProviderTimedOut(_) => "timed out",
        CredentialsError::InvalidConfiguration(_) => "invalid configuration",
        CredentialsError::ProviderError(_) => "provider failed",
        _ => "failed",
    }
}

/// How many signs of an access key's id are shown, as `aws configure list` does.
const SHOWN: usize = 4;
/// How long before they expire credentials are fetched anew.
const REFRESH_BEFORE: Duration = Duration::from_secs(300);
/// How long a failed fetch is taken for the next one's answer.
const RETRY_AFTER: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_credential_types::provider::error::CredentialsError;
    use aws_credential_types::provider::future;

    use super::*;

    /// Gives credentials that live for `lifetime` the first `good` times, then fails.
    #[derive(Debug)]
    struct Counting {
        asked: Arc<AtomicUsize>,
        good: usize,
        lifetime: Option<Duration>,
    }

    impl ProvideCredentials for Counting {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let asked = self.asked.fetch_add(1, Ordering::SeqCst);
            let expires = self.lifetime.map(|lifetime| SystemTime::now() + lifetime);
            future::ProvideCredentials::ready(if asked < self.good {
                Ok(Credentials::new(format!("AKIDTEST{asked}"), "test-secret", None, expires, "test"))
            } else {
                Err(CredentialsError::not_loaded("the test has no more"))
            })
        }
    }

    fn signer(good: usize, lifetime: Option<Duration>) -> (Signer, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let provider = SharedCredentialsProvider::new(Counting { asked: asked.clone(), good, lifetime });
        (Signer::new(provider), asked)
    }

    async fn signed(signer: &Signer) -> Result<String, WireError> {
        let mut request = Request::post("http://127.0.0.1:1/").body(b"{}".as_slice()).unwrap();
        signer.sign(Scope { region: "eu-west-1", service: "dynamodb" }, &mut request).await?;
        Ok(request.headers()["authorization"].to_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn lasting_credentials_are_fetched_once() {
        let (signer, asked) = signer(1, None);
        for _ in 0..3 {
            assert!(signed(&signer).await.unwrap().contains("Credential=AKIDTEST0/"));
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn credentials_about_to_expire_are_fetched_anew_and_used_up_if_that_fails() {
        let (signer, asked) = signer(2, Some(Duration::from_secs(60)));
        assert!(signed(&signer).await.unwrap().contains("AKIDTEST0/"));
        assert!(signed(&signer).await.unwrap().contains("AKIDTEST1/"));
        assert!(signed(&signer).await.unwrap().contains("AKIDTEST1/"));
        assert_eq!(asked.load(Ordering::SeqCst), 3);
        let later = SystemTime::now() + Duration::from_secs(120);
        assert_eq!(signer.identity(later).await.unwrap_err(), WireError::NoCredentials);
    }

    #[tokio::test]
    async fn without_credentials_nothing_is_signed_and_the_provider_is_not_stormed() {
        let (signer, asked) = signer(0, None);
        for _ in 0..3 {
            assert_eq!(signed(&signer).await.unwrap_err(), WireError::NoCredentials);
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}
