//! Errors of AWS SDKs (feature `aws-sdk`).

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::failure::{Failure, Told};

impl Failure {
    /// What an error of an AWS SDK means.
    #[must_use]
    pub fn of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Self {
        match error {
            SdkError::ServiceError(service) => Self::new(Told {
                exception: service.err().code(),
                message: service.err().message(),
                status: Some(service.raw().status().as_u16()),
                request_id: service.raw().headers().get("x-amzn-requestid"),
            }),
            SdkError::TimeoutError(_) => Self::outage("TimeoutError"),
            SdkError::DispatchFailure(failure) if !failure.is_user() => Self::outage("DispatchFailure"),
            SdkError::ResponseError(_) => Self::outage("ResponseError"),
            // Refused before anything was sent: the service's own configuration.
            _ => Self::new(Told { exception: Some("NotSent"), ..Told::default() }),
        }
    }
}
