//! What the SDK's typed clients say, as a wire says it: an answer, or that there is none.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use dynaseal_engine::{Answer, WireError};

/// A call that did not succeed.
pub(super) enum Failure {
    /// The service refused.
    Answer(Answer),
    Wire(WireError),
}

impl<E> From<SdkError<E, HttpResponse>> for Failure
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        Self::Wire(match &error {
            // What it says in prose is left out; nobody reads it.
            SdkError::ServiceError(refused) => {
                let request_id = refused.err().meta().request_id().map(str::to_owned);
                let body = serde_json::json!({ "__type": refused.err().code() }).to_string().into();
                let status = refused.raw().status().as_u16();
                return Self::Answer(Answer { request_id, ..Answer::new(status, body) });
            }
            SdkError::TimeoutError(_) => WireError::Timeout,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => WireError::Timeout,
            SdkError::ResponseError(_) => WireError::Broken,
            other if is_for_want_of_credentials(other) => WireError::NoCredentials,
            _ => WireError::Unreachable,
        })
    }
}

fn is_for_want_of_credentials(error: &(dyn StdError + 'static)) -> bool {
    error.is::<CredentialsError>() || error.source().is_some_and(is_for_want_of_credentials)
}
