//! Calls of KMS as metrics and the log see them: operation, outcome and time, never a key, a body or an account.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dynaseal_engine::{Answer, BoxFuture, Call, Refusal, Service, Wire, WireError};

use crate::metrics::Metrics;

/// A wire that counts its calls of KMS.
pub(crate) struct Counted {
    inner: Arc<dyn Wire>,
    metrics: Arc<Metrics>,
}

impl Counted {
    pub(crate) fn new(inner: Arc<dyn Wire>, metrics: Arc<Metrics>) -> Self {
        Self { inner, metrics }
    }

    async fn counted(&self, call: Call) -> Result<Answer, WireError> {
        let label = KmsLabel::of(&call.operation);
        let started = Instant::now();
        let result = self.inner.send(call).await;
        let (outcome, took) = (KmsOutcome::of(&result), started.elapsed());
        self.metrics.count_kms(label, outcome, took);
        note(label, outcome, took, result.as_ref().err());
        result
    }
}

impl Wire for Counted {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        match call.service {
            Service::DynamoDb | Service::DynamoDbStreams => self.inner.send(call),
            Service::Kms | Service::Vault => Box::pin(self.counted(call)),
        }
    }
}

/// The place of a known operation in [`KmsLabel::NAMES`]; every other one shares the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KmsLabel(usize);

impl KmsLabel {
    pub(crate) const NAMES: [&'static str; 9] = [
        "Decrypt",
        "DeriveSharedSecret",
        "DescribeKey",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GetPublicKey",
        "ReEncrypt",
        "other",
    ];
    pub(crate) const COUNT: usize = Self::NAMES.len();

    pub(crate) fn of(operation: &str) -> Self {
        Self(Self::NAMES.iter().position(|name| *name == operation).unwrap_or(Self::COUNT - 1))
    }

    pub(crate) fn index(self) -> usize {
        self.0
    }

    fn name(self) -> &'static str {
        Self::NAMES.get(self.0).copied().unwrap_or("other")
    }
}

/// How a call of KMS ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KmsOutcome {
    Ok,
    Throttled,
    /// KMS has a fault of its own.
    Unavailable,
    /// A retry cannot help.
    Refused,
    NoAnswer,
}

impl KmsOutcome {
    pub(crate) const ALL: [Self; 5] = [Self::Ok, Self::Throttled, Self::Unavailable, Self::Refused, Self::NoAnswer];

    fn of(result: &Result<Answer, WireError>) -> Self {
        match result {
            Err(_) => Self::NoAnswer,
            Ok(answer) if answer.ok() => Self::Ok,
            Ok(answer) => match Refusal::of(answer) {
                Refusal::Throttled => Self::Throttled,
                Refusal::Unavailable => Self::Unavailable,
                _ => Self::Refused,
            },
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::NoAnswer => "no_answer",
        }
    }
}

/// One line for each call; one that failed is worth a warning, since the request that needed it may name another cause.
fn note(label: KmsLabel, outcome: KmsOutcome, took: Duration, error: Option<&WireError>) {
    let (operation, outcome_name, microseconds) = (label.name(), outcome.name(), took.as_micros());
    match outcome {
        KmsOutcome::Ok => tracing::debug!(operation, outcome = outcome_name, microseconds, "kms"),
        _ => {
            let reason = error.map(ToString::to_string);
            tracing::warn!(operation, outcome = outcome_name, microseconds, reason, "kms");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_told_apart() {
        let answer = |status, body: &str| Ok(Answer::new(status, body.into()));
        for (result, outcome) in [
            (answer(200, "{}"), KmsOutcome::Ok),
            (answer(400, r#"{"__type":"ThrottlingException"}"#), KmsOutcome::Throttled),
            (answer(500, r#"{"__type":"KMSInternalException"}"#), KmsOutcome::Unavailable),
            (answer(400, r#"{"__type":"DisabledException"}"#), KmsOutcome::Refused),
            (Err(WireError::Timeout), KmsOutcome::NoAnswer),
        ] {
            assert_eq!(KmsOutcome::of(&result), outcome, "{result:?}");
        }
        assert_eq!((KmsLabel::of("ReEncrypt").name(), KmsLabel::of("canary").name()), ("ReEncrypt", "other"));
    }
}
