//! One call, stepped. Each step runs on the caller's thread or, for large bodies, on one of libuv's; one at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

use dynaseal_engine::{Answer, Call, Service, Step, WireError};
use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Result, ScopedTask};
use napi_derive::napi;

use crate::clock::watch;
use crate::engine::{Engine, Shared};
use crate::failure::Failure;
use crate::item::{self, Direction};
use crate::step::{JsStep, Next};

/// A call under way.
#[napi]
pub struct Session {
    id: u32,
    shared: Arc<Shared>,
    state: Arc<Mutex<State>>,
}

type State = Option<dynaseal_engine::Session>;

#[napi]
impl Session {
    /// A session of an engine. `id` names it in `woken`.
    #[napi(constructor, catch_unwind)]
    pub fn new(engine: &Engine, id: u32) -> Self {
        Self { id, shared: Arc::clone(&engine.shared), state: Arc::default() }
    }

    /// Starts a call.
    #[napi(catch_unwind)]
    pub fn start<'env>(&self, env: &'env Env, target: String, operation: String, body: &[u8]) -> Result<JsStep<'env>> {
        self.now(env, Act::Start(target, operation, body.to_vec()))
    }

    /// As `start`, on another thread.
    #[napi(catch_unwind)]
    pub fn start_async(&self, target: String, operation: String, body: &[u8]) -> AsyncTask<Work> {
        self.later(Act::Start(target, operation, body.to_vec()))
    }

    /// Gives the answer to what was last handed out.
    #[napi(catch_unwind)]
    pub fn resume<'env>(&self, env: &'env Env, status: u32, body: &[u8]) -> Result<JsStep<'env>> {
        self.now(env, Act::Resume(status, body.to_vec()))
    }

    /// As `resume`, on another thread.
    #[napi(catch_unwind)]
    pub fn resume_async(&self, status: u32, body: &[u8]) -> AsyncTask<Work> {
        self.later(Act::Resume(status, body.to_vec()))
    }

    /// No answer came: `unreachable`, `timeout`, or anything else for a connection that broke.
    #[napi(catch_unwind)]
    pub fn lost<'env>(&self, env: &'env Env, why: String) -> Result<JsStep<'env>> {
        self.now(env, Act::Lost(why))
    }

    /// Goes on after a wait.
    #[napi(catch_unwind)]
    pub fn poll<'env>(&self, env: &'env Env) -> Result<JsStep<'env>> {
        self.now(env, Act::Poll)
    }

    /// As `poll`, on another thread.
    #[napi(catch_unwind)]
    pub fn poll_async(&self) -> AsyncTask<Work> {
        self.later(Act::Poll)
    }

    /// Seals one item of a table, given and returned as DynamoDB JSON.
    #[napi(catch_unwind)]
    pub fn seal_item<'env>(&self, env: &'env Env, table: String, item: String) -> Result<JsStep<'env>> {
        self.now(env, Act::Item(Direction::Seal, table, item))
    }

    /// Opens one item of a table, given and returned as DynamoDB JSON.
    #[napi(catch_unwind)]
    pub fn open_item<'env>(&self, env: &'env Env, table: String, item: String) -> Result<JsStep<'env>> {
        self.now(env, Act::Item(Direction::Open, table, item))
    }

    /// Ends the session, whatever its state; returns the sessions that can go on because of it.
    #[napi(catch_unwind)]
    pub fn close(&self) -> Option<Vec<u32>> {
        // A step that another thread is taking ends the session by itself once JavaScript lets go of it.
        if let Some(mut state) = unlocked(&self.state) {
            *state = None;
        }
        Some(self.shared.take_woken()).filter(|woken| !woken.is_empty())
    }

    fn now<'env>(&self, env: &'env Env, act: Act) -> Result<JsStep<'env>> {
        let mut work = self.work(act);
        let next = work.step();
        work.resolve(env, next)
    }

    fn later(&self, act: Act) -> AsyncTask<Work> {
        AsyncTask::new(self.work(act))
    }

    fn work(&self, act: Act) -> Work {
        Work { id: self.id, shared: Arc::clone(&self.shared), state: Arc::clone(&self.state), act: Some(act) }
    }
}

/// One step, wherever it runs.
pub struct Work {
    id: u32,
    shared: Arc<Shared>,
    state: Arc<Mutex<State>>,
    act: Option<Act>,
}

enum Act {
    Start(String, String, Vec<u8>),
    Item(Direction, String, String),
    Resume(u32, Vec<u8>),
    Lost(String),
    Poll,
}

impl Work {
    fn step(&mut self) -> Next {
        let (Some(act), Some(mut state)) = (self.act.take(), unlocked(&self.state)) else {
            return Next::Failed(Failure::internal("a session was stepped twice at once"));
        };
        let stepped = catch_unwind(AssertUnwindSafe(|| self.take(&mut state, act)));
        match stepped {
            Ok(next) => {
                if matches!(next, Next::Done(_) | Next::Failed(_)) {
                    *state = None;
                }
                next
            }
            Err(_) => {
                // What a panic leaves behind is not used again.
                *state = None;
                Next::Failed(Failure::internal("Dynaseal failed on this call"))
            }
        }
    }

    fn take(&self, state: &mut State, act: Act) -> Next {
        let (shared, id) = (Arc::clone(&self.shared), self.id);
        let wake = move || shared.wake(id);
        let engine = Arc::clone(&self.shared.engine);
        let (step, pause) = match act {
            Act::Start(target, operation, body) => {
                let Some(service) = Service::from_target_prefix(&target) else {
                    return Next::Failed(Failure::internal("a call of another service was started"));
                };
                let call = Call { service, operation: operation.into(), body };
                begin(state, || dynaseal_engine::Session::start(engine, call, wake))
            }
            Act::Item(direction, table, text) => {
                let work = item::work(engine, direction, table, text);
                begin(state, || dynaseal_engine::Session::run(work, wake))
            }
            act => {
                let Some(session) = state else {
                    return Next::Failed(Failure::internal("a session was stepped after its end"));
                };
                watch(|| match act {
                    Act::Resume(status, body) => {
                        let status = u16::try_from(status).unwrap_or_default();
                        session.resume(Ok(Answer { status, request_id: None, body }))
                    }
                    Act::Lost(why) => session.resume(Err(wire_error(&why))),
                    _ => session.poll(),
                })
            }
        };
        Next::of(step, pause)
    }
}

impl<'task> ScopedTask<'task> for Work {
    type Output = Next;
    type JsValue = JsStep<'task>;

    fn compute(&mut self) -> Result<Next> {
        Ok(self.step())
    }

    fn resolve(&mut self, env: &'task Env, next: Next) -> Result<JsStep<'task>> {
        next.into_js(env, self.shared.take_woken())
    }
}

fn begin(
    state: &mut State,
    start: impl FnOnce() -> (dynaseal_engine::Session, Step),
) -> (Step, Option<std::time::Duration>) {
    let ((session, step), pause) = watch(start);
    *state = Some(session);
    (step, pause)
}

/// The state, unless another thread has it. A panic is caught before the lock is let go, so it is never left half changed.
fn unlocked(state: &Mutex<State>) -> Option<MutexGuard<'_, State>> {
    match state.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn wire_error(why: &str) -> WireError {
    match why {
        "unreachable" => WireError::Unreachable,
        "timeout" => WireError::Timeout,
        _ => WireError::Broken,
    }
}
