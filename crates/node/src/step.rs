//! What a session wants next, in Rust and in JavaScript.

use dynaseal_engine::{Answer, Call, Service, Step};
use napi::bindgen_prelude::BufferSlice;
use napi::{Env, Result};
use napi_derive::napi;

use crate::failure::Failure;

/// What a session wants next. Which fields are not null depends on `kind`; none is left out, since what stands on
/// `Object.prototype` would be found in its place.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct JsStep<'env> {
    /// `send`, `wait`, `done` or `failed`.
    pub kind: &'static str,
    /// Send: what stands before the dot in `X-Amz-Target`.
    pub target: Option<&'static str>,
    /// Send: the operation.
    pub operation: Option<String>,
    /// Send: which of the session's requests it is, from 1. Its answer must say so.
    pub number: Option<u32>,
    /// Done: the HTTP status of the answer.
    pub status: Option<u32>,
    /// Send: the Region that it must go to, if that is not the client's own.
    pub region: Option<String>,
    /// Send: whether it only fetches keys or the description of a table.
    pub aside: Option<bool>,
    /// Send: the request. Done: the answer.
    pub body: Option<BufferSlice<'env>>,
    /// Wait: poll again after so many milliseconds, or once the session is named in `woken`.
    pub pause: Option<u32>,
    /// Failed: why.
    pub failure: Option<Failure>,
    /// Sessions that can go on because of what this one did.
    pub woken: Option<Vec<u32>>,
}

/// A step, before it is JavaScript's.
#[derive(Debug)]
pub enum Next {
    /// Send this and give the answer to the session, with this number.
    Send(Call, u32),
    /// Poll again later.
    Wait {
        /// After so many milliseconds; otherwise once the session is woken.
        pause: Option<u32>,
    },
    /// The answer.
    Done(Answer),
    /// Why there is none.
    Failed(Failure),
}

impl Next {
    /// `sent` is how many requests the session has handed out.
    pub(crate) fn of(step: Step, sent: u32, pause: Option<std::time::Duration>) -> Self {
        match step {
            Step::Send(call) => Self::Send(call, sent),
            Step::Wait => {
                // Rounded up, so that the pause is over when the timer is.
                let milliseconds = |pause: std::time::Duration| u32::try_from(pause.as_millis() + 1).unwrap_or(1000);
                Self::Wait { pause: pause.map(milliseconds) }
            }
            Step::Done(Ok(answer)) => Self::Done(answer),
            Step::Done(Err(error)) => Self::Failed(Failure::call(&error)),
        }
    }

    /// Hands the step to JavaScript, its body as a copy.
    pub(crate) fn into_js<'env>(self, env: &'env Env, woken: Vec<u32>) -> Result<JsStep<'env>> {
        let mut step = JsStep {
            kind: "wait",
            target: None,
            operation: None,
            number: None,
            region: None,
            aside: None,
            status: None,
            body: None,
            pause: None,
            failure: None,
            woken: Some(woken).filter(|woken| !woken.is_empty()),
        };
        match self {
            Self::Send(Call { service, operation, body, region, aside, .. }, number) => {
                step.kind = "send";
                step.target = Some(Service::target_prefix(service));
                step.operation = Some(operation.into_owned());
                step.number = Some(number);
                step.region = region;
                step.aside = Some(aside);
                step.body = Some(BufferSlice::copy_from(env, body)?);
            }
            Self::Wait { pause } => step.pause = pause,
            Self::Done(Answer { status, body, .. }) => {
                step.kind = "done";
                step.status = Some(status.into());
                step.body = Some(BufferSlice::copy_from(env, body)?);
            }
            Self::Failed(failure) => {
                step.kind = "failed";
                step.failure = Some(failure);
            }
        }
        Ok(step)
    }
}
