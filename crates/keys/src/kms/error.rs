//! Why KMS gave no key. Fields name operations and keys; what KMS says in prose is left out, since it can quote requests.

use std::fmt;

use dynaseal_item::Kind;
use thiserror::Error;

use crate::keyring::KeyName;
use crate::kms::vault;
use crate::wire::{Answer, Service, WireError};

/// A call of KMS that failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum KmsError {
    /// KMS refused it.
    #[error("{operation} with the {key} was refused: {refusal}")]
    Refused {
        /// The operation.
        operation: &'static str,
        /// The key.
        key: KeyName,
        /// Why.
        refusal: Refusal,
    },
    /// No answer came.
    #[error("{operation} with the {key} got no answer: {source}")]
    NoAnswer {
        /// The operation.
        operation: &'static str,
        /// The key.
        key: KeyName,
        /// Why.
        source: WireError,
    },
    /// The answer is not what the API promises.
    #[error("the answer to {operation} with the {key} cannot be used: {what}")]
    Answer {
        /// The operation.
        operation: &'static str,
        /// The key.
        key: KeyName,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Why a call was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The rate of calls is above the account's quota.
    Throttled,
    /// The service has a fault of its own.
    Unavailable,
    /// The credentials may not do this with this key.
    AccessDenied,
    /// The credentials are missing, wrong or have expired.
    Credentials,
    /// There is no such key.
    NotFound,
    /// The key is disabled.
    Disabled,
    /// The key waits to be deleted, or is not ready.
    InvalidState,
    /// What was to be decrypted was not encrypted like this: it was changed, or the encryption context differs.
    InvalidCiphertext,
    /// What was to be decrypted belongs to another key.
    IncorrectKey,
    /// The key is of another kind than the operation needs.
    InvalidKeyUsage,
    /// What is mounted in Vault where the key should be is no transit engine.
    NotTransit,
    /// Anything else, by its name.
    Other(String),
}

impl Refusal {
    /// Reads an answer that is not a success.
    #[must_use]
    pub fn of(answer: &Answer) -> Self {
        let parsed: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
        let named = parsed.as_ref().and_then(|body| body.get("__type")).and_then(serde_json::Value::as_str);
        let name = named.and_then(|name| name.rsplit('#').next()).unwrap_or_default();
        match name {
            "ThrottlingException"
            | "LimitExceededException"
            | "TooManyRequestsException"
            | "Throttling"
            | "RequestLimitExceeded" => Self::Throttled,
            "KMSInternalException"
            | "DependencyTimeoutException"
            | "KeyUnavailableException"
            | "InternalFailure"
            | "ServiceUnavailable"
            | "ServiceUnavailableException" => Self::Unavailable,
            "AccessDeniedException" => Self::AccessDenied,
            "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "IncompleteSignature"
            | "InvalidClientTokenId"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "ExpiredTokenException"
            | "NotAuthorized"
            | "OptInRequired" => Self::Credentials,
            "NotFoundException" => Self::NotFound,
            "DisabledException" => Self::Disabled,
            "KMSInvalidStateException" => Self::InvalidState,
            "InvalidCiphertextException" => Self::InvalidCiphertext,
            "IncorrectKeyException" => Self::IncorrectKey,
            "InvalidKeyUsageException" => Self::InvalidKeyUsage,
            _ if answer.status >= 500 => Self::Unavailable,
            _ if answer.status == 429 => Self::Throttled,
            other => Self::Other(other.chars().filter(char::is_ascii_alphanumeric).take(NAME).collect()),
        }
    }

    /// Reads what a service answered that is not a success.
    #[must_use]
    pub fn of_service(service: Service, answer: &Answer) -> Self {
        if service == Service::Vault { vault::refusal(answer) } else { Self::of(answer) }
    }

    /// Whether the same call may succeed by itself later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Throttled => "too many requests",
            Self::Unavailable => "the service has a fault of its own",
            Self::AccessDenied => "access is denied",
            Self::Credentials => "the credentials are not valid",
            Self::NotFound => "there is no such key",
            Self::Disabled => "the key is disabled",
            Self::InvalidState => "the key waits to be deleted or is not ready",
            Self::InvalidCiphertext => "the ciphertext was changed, or belongs to another encryption context",
            Self::IncorrectKey => "the ciphertext belongs to another key",
            Self::InvalidKeyUsage => "the key is not of the kind that this needs",
            Self::NotTransit => {
                "what is mounted there is no transit engine: the answer has nothing encrypted or decrypted in it"
            }
            Self::Other(name) if name.is_empty() => "the answer does not say why",
            Self::Other(name) => return write!(f, "{name}"),
        })
    }
}

impl KmsError {
    /// The stable code, listed in `docs/ERRORS.md`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { refusal, .. } => match refusal {
                Refusal::Throttled => "DSL-4101",
                Refusal::Unavailable => "DSL-4102",
                Refusal::AccessDenied => "DSL-4103",
                Refusal::Credentials => "DSL-4104",
                Refusal::NotFound => "DSL-4105",
                Refusal::Disabled => "DSL-4106",
                Refusal::InvalidState => "DSL-4107",
                Refusal::InvalidCiphertext => "DSL-4108",
                Refusal::IncorrectKey => "DSL-4109",
                Refusal::InvalidKeyUsage => "DSL-4110",
                Refusal::Other(_) => "DSL-4111",
                Refusal::NotTransit => "DSL-4114",
            },
            Self::NoAnswer { source: WireError::NoWay(_), .. } => "DSL-6005",
            Self::NoAnswer { .. } => "DSL-4112",
            Self::Answer { .. } => "DSL-4113",
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Refused { refusal, .. } if refusal.is_passing() => Kind::Outage,
            Self::Refused { .. } => Kind::Keys,
            Self::NoAnswer { source: WireError::NoWay(_), .. } => Kind::Config,
            Self::NoAnswer { .. } => Kind::Outage,
            Self::Answer { .. } => Kind::Internal,
        }
    }

    /// Whether KMS turned this process away, whatever was to be opened.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Refused { refusal, .. } => {
                let of_the_item = matches!(refusal, Refusal::InvalidCiphertext | Refusal::IncorrectKey);
                !of_the_item && !refusal.is_passing()
            }
            Self::NoAnswer { source, .. } => !source.is_passing(),
            Self::Answer { .. } => true,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        let (Self::Refused { key, .. } | Self::NoAnswer { key, .. } | Self::Answer { key, .. }) = self;
        match self {
            Self::NoAnswer { source: WireError::NoWay(instead), .. } => instead,
            Self::NoAnswer { source: WireError::Tls(_), .. } => WireError::TLS_HINT,
            _ if key.is_of(vault::PROVIDER) => self.vault_hint(),
            _ => self.kms_hint(),
        }
    }

    fn kms_hint(&self) -> &'static str {
        match self {
            Self::Refused { refusal, .. } => match refusal {
                Refusal::Throttled => {
                    "try again later; a hierarchical key ring makes one call for each branch key instead of one for each item, \
                     and a longer cache_ttl fewer still"
                }
                Refusal::Unavailable => "try again",
                Refusal::AccessDenied => {
                    "allow the operation in the key's policy or an IAM policy; `dynaseal explain KEYS.md` has them"
                }
                Refusal::Credentials => "check the AWS credentials and the clock of this machine",
                Refusal::NotFound => "check the key's ARN and its Region",
                Refusal::Disabled => "enable the key",
                Refusal::InvalidState => {
                    "cancel the key's deletion, or restore what was encrypted with it under another key"
                }
                Refusal::InvalidCiphertext => {
                    "the stored data was changed or moved, or it was sealed under another table name or key schema; restore it"
                }
                Refusal::IncorrectKey => "configure the key that the data was encrypted with",
                Refusal::InvalidKeyUsage => "use a key whose usage and spec the key ring's type asks for",
                Refusal::Other(_) | Refusal::NotTransit => "look the name up in the documentation of AWS KMS",
            },
            Self::NoAnswer { source: WireError::NoCredentials, .. } => "give this process AWS credentials",
            Self::NoAnswer { .. } => "check that KMS can be reached, then try again",
            Self::Answer { .. } => "check that the endpoint is AWS KMS",
        }
    }

    fn vault_hint(&self) -> &'static str {
        match self {
            Self::Refused { refusal, .. } => match refusal {
                Refusal::Throttled => "try again later; a longer cache_ttl makes fewer calls",
                Refusal::Unavailable => "check that Vault is unsealed and well, then try again",
                Refusal::AccessDenied => {
                    "renew the token, or give it a policy that allows the operation; `dynaseal explain KEYS.md` has one"
                }
                Refusal::NotFound => "check vault_mount, vault_key and VAULT_NAMESPACE",
                Refusal::InvalidCiphertext | Refusal::IncorrectKey => self.kms_hint(),
                Refusal::Disabled => "restore the key: it is soft-deleted (transit/keys/NAME/soft-delete-restore)",
                Refusal::InvalidKeyUsage => {
                    "use a key of type aes256-gcm96, aes128-gcm96, chacha20-poly1305 or xchacha20-poly1305 that derives no \
                     other keys"
                }
                Refusal::NotTransit => {
                    "let vault_mount be the path of a transit engine; if another engine is mounted there, look at MOUNT/encrypt/KEY, \
                     where it may have stored a key that was thrown away, and delete that"
                }
                Refusal::Other(name) if name == vault::TOO_OLD => {
                    "lower the key's min_decryption_version: what was wrapped before opens with the version of then alone"
                }
                Refusal::Other(name) if name.starts_with("status 3") => {
                    "set VAULT_ADDR to the active server: a redirect is not followed, since it would carry the token along"
                }
                _ => "look for the call in the log of Vault",
            },
            Self::NoAnswer { source: WireError::NoToken, .. } => {
                "check VAULT_TOKEN, or the file that VAULT_TOKEN_FILE names"
            }
            Self::NoAnswer { .. } => "check that Vault can be reached at VAULT_ADDR, then try again",
            Self::Answer { .. } => "check that VAULT_ADDR is the address of Vault or OpenBao",
        }
    }
}

/// More than any name of KMS has.
const NAME: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &str) -> Refusal {
        Refusal::of(&Answer::new(status, body.as_bytes().to_vec()))
    }

    #[test]
    fn refusals_are_read_by_name_and_status() {
        assert_eq!(refusal(400, r#"{"__type":"ThrottlingException"}"#), Refusal::Throttled);
        assert_eq!(refusal(400, r#"{"__type":"com.amazonaws.kms#DisabledException"}"#), Refusal::Disabled);
        assert_eq!(refusal(500, "<html>"), Refusal::Unavailable);
        assert_eq!(refusal(429, ""), Refusal::Throttled);
        let name = format!("{{\"__type\":\"New \\n\\u001b[31m{}\"}}", "x".repeat(200));
        let Refusal::Other(name) = refusal(400, &name) else { panic!("not a name that is known") };
        assert!(name.starts_with("New31mx") && name.len() == NAME);
    }

    #[test]
    fn who_keeps_keys_in_vault_is_told_of_vault() {
        let key = || KeyName::new(vault::PROVIDER, "transit/app");
        let operation = "decrypt";
        let refusals =
            [Refusal::Throttled, Refusal::Unavailable, Refusal::AccessDenied, Refusal::NotFound, Refusal::NotTransit];
        let others =
            [Refusal::InvalidCiphertext, Refusal::Other("status 307".into()), Refusal::Other("status 400".into())];
        let refused = refusals.into_iter().chain(others);
        let sources = [WireError::Broken, WireError::NoToken];
        let all = refused
            .map(|refusal| KmsError::Refused { operation, key: key(), refusal })
            .chain(sources.map(|source| KmsError::NoAnswer { operation, key: key(), source }))
            .chain([KmsError::Answer { operation, key: key(), what: "it has no data" }]);
        for error in all {
            let (said, hint) = (error.to_string(), error.hint());
            assert!(!said.contains("KMS") && !hint.contains("KMS") && !hint.contains("AWS"), "{said}; {hint}");
        }
    }
}
