//! How the crate itself can be used wrongly. What befalls items and calls is an error of the SDK's own types, with a code
//! of `docs/ERRORS.md` at the start of its message.

use thiserror::Error;

/// A client that cannot be sealed, or a call that went past its seal.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// There is nothing to send with.
    #[error("{}: the DynamoDB client has no HTTP client. {}", self.code(), self.hint())]
    NoHttpClient,
    /// The configuration comes from a sealed client.
    #[error("{}: the DynamoDB client is sealed already. {}", self.code(), self.hint())]
    SealedTwice,
    /// Another HTTP client took the place of ours. Nothing was sent.
    #[error("{}: another HTTP client was set after the client was sealed, so nothing was sent. {}", self.code(), self.hint())]
    Replaced,
    /// A request that the engine cannot read. Nothing was sent.
    #[error("{}: the request is not of DynamoDB's JSON protocol, so it cannot be judged and was not sent. {}", self.code(), self.hint())]
    Unjudged,
    /// The SDK's signature is not one that can be repeated. Nothing was sent.
    #[error("{}: the request is not signed with AWS credentials and SigV4, so it was not sent. {}", self.code(), self.hint())]
    Signature,
    /// A key store is said to be in a Region that can be none, or whose endpoint cannot be told from this client's.
    #[error("{}: a key asks for a call of another Region, and there is no telling its endpoint, so it was not sent. {}", self.code(), self.hint())]
    OtherRegion,
    /// Keys are held by AWS KMS, and nothing says how to call it.
    #[error("{}: the configuration has keys of AWS KMS, and no client of it was given. {}", self.code(), self.hint())]
    NoKms,
    /// Keys are held by Vault, and nothing says how to call it.
    #[error("{}: the configuration has keys of Vault, and no server of it was given. {}", self.code(), self.hint())]
    NoVault,
    /// Keys are held by a key store in DynamoDB, and nothing says how to read it.
    #[error("{}: the configuration has keys of a key store in DynamoDB, and no client to read it with was given. {}", self.code(), self.hint())]
    NoDynamoDb,
    /// What says where Vault is or how to enter it cannot be used.
    #[cfg(feature = "vault")]
    #[error("{code}: {0}. {hint}", code = self.code(), hint = self.hint())]
    Vault(dynaseal_http::VaultError),
    /// DynamoDB's answer does not end where answers do.
    #[error("{}: DynamoDB's answer is longer than any page. {}", self.code(), self.hint())]
    TooLong,
    /// The engine protects no table, and nothing says that this is meant.
    #[error("{}: the engine protects no table, so the client would write plaintext. {}", self.code(), self.hint())]
    NothingProtected,
    /// The engine protects a table that cannot be; its name.
    #[error("{code}: the engine protects {0:?}, which no table can be called. {hint}", code = self.code(), hint = self.hint())]
    TableName(String),
    /// DynamoDB's answer stopped coming.
    #[error("{}: DynamoDB's answer stopped coming. {}", self.code(), self.hint())]
    Stalled,
}

impl Error {
    /// The stable code, listed in `docs/ERRORS.md`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::NoHttpClient => "DSL-9301",
            Error::SealedTwice => "DSL-9302",
            Error::Replaced => "DSL-9303",
            Error::Unjudged => "DSL-9304",
            Error::Signature => "DSL-9305",
            Error::NoVault => "DSL-9306",
            Error::Stalled => "DSL-9307",
            Error::TooLong => "DSL-9312",
            Error::NoKms => "DSL-9309",
            Error::OtherRegion => "DSL-9310",
            Error::NoDynamoDb => "DSL-9311",
            Error::NothingProtected => "DSL-9313",
            Error::TableName(_) => "DSL-9314",
            #[cfg(feature = "vault")]
            Error::Vault(error) => error.code(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Error::NoHttpClient => "Enable the feature `default-https-client`, or set `http_client` before sealing",
            Error::SealedTwice => "Seal it once, and clone the sealed client",
            Error::Replaced => "Set `http_client` on the configuration that is given to `seal`",
            Error::Unjudged => "Use the SDK's default protocol for DynamoDB",
            Error::Signature => "Use credentials of AWS and the SDK's default auth scheme",
            Error::OtherRegion => {
                "Correct the Region of the key store; a client with an endpoint of one Region's own, such as one in a private \
                 network, calls that Region alone"
            }
            Error::NoKms => {
                "Enable the feature `kms`, and use `Sealing::new(engine).kms(aws_sdk_kms::Client::new(&sdk_config))`"
            }
            Error::NoVault => {
                "Enable the feature `vault`, and use `Sealing::new(engine).vault(dynaseal::Vault::from_env()?)`"
            }
            Error::NoDynamoDb => {
                "Add a client that is not sealed: `Sealing::new(engine).dynamodb(aws_sdk_dynamodb::Client::new(&sdk_config))`"
            }
            #[cfg(feature = "vault")]
            Error::Vault(error) => error.hint(),
            Error::TooLong => "Check that the endpoint is DynamoDB",
            Error::NothingProtected => {
                "Give it tables or patterns; if nothing is to be sealed, say `Engine::with_no_tables_allowed(true)`"
            }
            Error::TableName(_) => "Write the name alone, as DynamoDB has it: 3 to 255 of a-z, A-Z, 0-9, _, - and .",
            Error::Stalled => "Try again; if it lasts, check the network",
        }
    }
}
