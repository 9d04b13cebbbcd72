//! The two steps that most calls are made of: a request that is sent on under its own name, and an answer that is the caller's.
//!
//! They are functions that hold the engine, not methods, and answer with a number, not an object: finding the receiver of a
//! method and making an object with its buffer take longer than sealing a small item. The body is written to `room`, which
//! belongs to JavaScript. What does not fit this form is kept for [`Engine::held`].

use std::sync::Arc;

use dynaseal_engine::{Answer, Call, Service};
use napi::bindgen_prelude::{Function, FunctionCallContext};
use napi::{Env, Result};
use napi_derive::napi;

use crate::engine::{Engine, Shared};
use crate::failure::Failure;
use crate::session::{Act, LONGEST, Work, answer};
use crate::step::{JsStep, Next};

/// Its arguments are read one by one.
type Step<'env> = Function<'env, (), i32>;

/// The functions. Each gives the length of the body in `room`; -1 if the step is held; or -2 if none was taken, since it would
/// take too long here.
#[napi(object, object_from_js = false)]
pub struct Quick<'env> {
    /// `(id, target, body, room)`: starts a call, named as in `X-Amz-Target`. What it gives is the session's first request.
    pub start: Step<'env>,
    /// `(id, number, status, body, room)`: gives the answer to the request of this number.
    pub resume: Step<'env>,
}

#[napi]
impl Engine {
    /// The quick functions of this engine.
    #[napi(catch_unwind)]
    pub fn quick<'env>(&self, env: &'env Env) -> Result<Quick<'env>> {
        let shared = Arc::clone(&self.shared);
        let start = env.create_function_from_closure("start", move |call| {
            let (target, body) = (call.get::<String>(1)?, call.get::<&[u8]>(2)?);
            if shared.engine.is_long_to_seal(body, LONGEST) {
                return Ok(LONG);
            }
            let started = target.clone();
            let next = step(&shared, &call, Act::Start(target, body.to_vec()))?;
            hand_over(&shared, &call, next, 3, |next| match next {
                Next::Send(Call { service, operation, body, region: None, aside: false, .. }, FIRST)
                    if names(&started, *service, operation) =>
                {
                    Some(body)
                }
                _ => None,
            })
        })?;
        let shared = Arc::clone(&self.shared);
        let resume = env.create_function_from_closure("resume", move |call| {
            let (number, arrived, body) = (call.get::<u32>(1)?, call.get::<u32>(2)?, call.get::<&[u8]>(3)?);
            if shared.engine.is_long_to_open(body, LONGEST) {
                return Ok(LONG);
            }
            let next = step(&shared, &call, Act::Resume(number, answer(arrived, body)))?;
            hand_over(&shared, &call, next, 4, |next| match next {
                Next::Done(Answer { status, body, .. }) if u32::from(*status) == arrived => Some(body),
                _ => None,
            })
        })?;
        Ok(Quick { start, resume })
    }

    /// The step that a quick function took and did not hand over.
    #[napi(catch_unwind)]
    pub fn held<'env>(&self, env: &'env Env, id: u32) -> Result<JsStep<'env>> {
        let lost = || Next::Failed(Failure::internal("a step was asked for that was not taken"));
        self.shared.take_held(id).unwrap_or_else(lost).into_js(env, self.shared.take_woken())
    }
}

fn step(shared: &Arc<Shared>, call: &FunctionCallContext<'_>, act: Act) -> Result<Next> {
    Ok(Work::new(call.get(0)?, shared, act).step())
}

/// Writes the body that `of` finds in a step to the room, which is the argument at `room`, or holds the step.
fn hand_over(
    shared: &Shared,
    call: &FunctionCallContext<'_>,
    next: Next,
    room: usize,
    of: impl Fn(&Next) -> Option<&Vec<u8>>,
) -> Result<i32> {
    // Whoever was woken is named in a step.
    if let Some(body) = of(&next).filter(|_| !shared.has_woken())
        && let Some(place) = call.get::<&mut [u8]>(room)?.get_mut(..body.len())
        && let Ok(length) = i32::try_from(body.len())
    {
        place.copy_from_slice(body);
        return Ok(length);
    }
    shared.hold(call.get(0)?, next);
    Ok(HELD)
}

fn names(target: &str, service: Service, operation: &str) -> bool {
    target.split_once('.') == Some((service.target_prefix(), operation))
}

const HELD: i32 = -1;
const LONG: i32 = -2;
/// The number of a session's first request.
const FIRST: u32 = 1;
