//! What is the same for every head of what services other than DynamoDB answer.

use dynaseal_engine::{Answer, Refusal, Service};
use napi_derive::napi;

/// Whether the same call of Vault may end differently later, by what it was answered this time.
#[napi(catch_unwind)]
#[must_use]
pub fn vault_may_pass(status: u32, body: &[u8]) -> bool {
    let status = u16::try_from(status).unwrap_or(u16::MAX);
    let answer = Answer::new(status, body.to_vec());
    !answer.ok() && Refusal::of_service(Service::Vault, &answer).is_passing()
}
