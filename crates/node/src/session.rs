//! Calls, stepped. Each step runs on the caller's thread or, where that would hold up the event loop, on one of libuv's.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use dynaseal_engine::{Answer, Call, Service, WireError};
use napi::bindgen_prelude::{AsyncTask, Either};
use napi::{Env, Result, ScopedTask};
use napi_derive::napi;

use crate::clock::watch;
use crate::engine::{Engine, Shared};
use crate::failure::Failure;
use crate::item;
use crate::step::{JsStep, Next};

type Session = dynaseal_engine::Session;
/// A step that was taken, or one that another thread takes.
type NowOrLater<'env> = Either<JsStep<'env>, AsyncTask<Work>>;

/// A session is named by a number that JavaScript gives it when it starts; an object for each would cost more than most calls.
#[napi]
impl Engine {
    /// Starts a call, named as in `X-Amz-Target`, on another thread. `Quick` has it for this one.
    #[napi(catch_unwind)]
    pub fn start_async(&self, id: u32, target: String, body: &[u8]) -> AsyncTask<Work> {
        self.later(id, Act::Start(target, body.to_vec()))
    }

    /// Gives the answer to the request of this number, on another thread. `Quick` has it for this one.
    #[napi(catch_unwind)]
    pub fn resume_async(&self, id: u32, number: u32, status: u32, body: &[u8]) -> AsyncTask<Work> {
        self.later(id, Act::Resume(number, answer(status, body)))
    }

    /// No answer came to the request of this number: `unreachable`, `timeout`, or anything else for a connection that broke.
    #[napi(catch_unwind)]
    #[allow(clippy::needless_pass_by_value, reason = "what #[napi] takes is owned")]
    pub fn lost<'env>(&self, env: &'env Env, id: u32, number: u32, why: String) -> Result<JsStep<'env>> {
        self.now(env, id, Act::Resume(number, Err(wire_error(&why))))
    }

    /// Goes on after a wait.
    #[napi(catch_unwind)]
    pub fn poll<'env>(&self, env: &'env Env, id: u32) -> Result<JsStep<'env>> {
        self.now(env, id, Act::Poll)
    }

    /// As `poll`, on another thread.
    #[napi(catch_unwind)]
    pub fn poll_async(&self, id: u32) -> AsyncTask<Work> {
        self.later(id, Act::Poll)
    }

    /// Seals one item of a table, given and returned as DynamoDB JSON.
    #[napi(catch_unwind)]
    pub fn seal_item<'env>(&self, env: &'env Env, id: u32, table: String, item: String) -> Result<NowOrLater<'env>> {
        let is_long = self.shared.engine.is_long_to_seal(item.as_bytes(), LONGEST);
        self.now_or_later(env, id, item::Work::Seal { table, item }, is_long)
    }

    /// Opens one item of a table, given and returned as DynamoDB JSON.
    #[napi(catch_unwind)]
    pub fn open_item<'env>(&self, env: &'env Env, id: u32, table: String, item: String) -> Result<NowOrLater<'env>> {
        let is_long = self.shared.engine.is_long_to_open(item.as_bytes(), LONGEST);
        self.now_or_later(env, id, item::Work::Open { table, item }, is_long)
    }

    /// Opens the images in stream records: an answer of GetRecords, a Lambda event, or one record.
    #[napi(catch_unwind)]
    pub fn open_records<'env>(
        &self,
        env: &'env Env,
        id: u32,
        table: Option<String>,
        text: String,
    ) -> Result<NowOrLater<'env>> {
        let is_long = self.shared.engine.is_long_to_open_records(text.as_bytes(), LONGEST);
        self.now_or_later(env, id, item::Work::OpenRecords { table, text }, is_long)
    }

    /// Abandons a session that is neither done nor failed; returns the sessions that can go on because of it.
    #[napi(catch_unwind)]
    pub fn close(&self, id: u32) -> Vec<u32> {
        drop(self.shared.take(id));
        self.shared.take_woken()
    }

    fn now<'env>(&self, env: &'env Env, id: u32, act: Act) -> Result<JsStep<'env>> {
        let mut work = self.work(id, act);
        let next = work.step();
        work.resolve(env, next)
    }

    fn now_or_later<'env>(&self, env: &'env Env, id: u32, work: item::Work, is_long: bool) -> Result<NowOrLater<'env>> {
        let act = Act::Item(work);
        Ok(if is_long { Either::B(self.later(id, act)) } else { Either::A(self.now(env, id, act)?) })
    }

    fn later(&self, id: u32, act: Act) -> AsyncTask<Work> {
        AsyncTask::new(self.work(id, act))
    }

    fn work(&self, id: u32, act: Act) -> Work {
        Work::new(id, &self.shared, act)
    }
}

/// One step, wherever it runs.
pub struct Work {
    id: u32,
    shared: Arc<Shared>,
    act: Option<Act>,
}

pub(crate) enum Act {
    Start(String, Vec<u8>),
    Item(item::Work),
    /// The answer to the request of this number, or why there is none.
    Resume(u32, std::result::Result<Answer, WireError>),
    Poll,
}

impl Work {
    pub(crate) fn new(id: u32, shared: &Arc<Shared>, act: Act) -> Self {
        Self { id, shared: Arc::clone(shared), act: Some(act) }
    }

    pub(crate) fn step(&mut self) -> Next {
        let Some(act) = self.act.take() else { return Next::Failed(Failure::internal("a step was taken twice")) };
        // What a panic leaves behind is dropped with the session.
        let stepped = catch_unwind(AssertUnwindSafe(|| self.take(act)));
        stepped.unwrap_or_else(|_| Next::Failed(Failure::internal("Dynaseal failed on this call")))
    }

    /// The session is out of the list while it is stepped, so no two threads step it at once.
    fn take(&self, act: Act) -> Next {
        let (shared, id) = (Arc::clone(&self.shared), self.id);
        let wake = move || shared.wake(id);
        let engine = Arc::clone(&self.shared.engine);
        let ((session, step), pause) = match act {
            Act::Start(target, body) => {
                let named = target.split_once('.');
                let named =
                    named.and_then(|(service, operation)| Some((Service::from_target_prefix(service)?, operation)));
                let Some((service, operation)) = named else {
                    return Next::Failed(Failure::internal("a call of another service was started"));
                };
                let call = Call::new(service, operation.to_owned(), body);
                watch(|| Session::start(engine, call, wake))
            }
            Act::Item(work) => watch(|| Session::run(work.on(engine), wake)),
            act => {
                let Some(mut session) = self.shared.take(id) else {
                    return Next::Failed(Failure::internal("a session was stepped after its end, or twice at once"));
                };
                let (step, pause) = watch(|| match act {
                    Act::Resume(number, answer) => session.resume(number, answer),
                    _ => Ok(session.poll()),
                });
                let Ok(step) = step else {
                    self.shared.keep(id, session);
                    return Next::Failed(Failure::internal("an answer came to a request that does not wait for one"));
                };
                ((session, step), pause)
            }
        };
        let next = Next::of(step, session.sent(), pause);
        if !matches!(next, Next::Done(_) | Next::Failed(_)) {
            self.shared.keep(id, session);
        }
        next
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

pub(crate) fn answer(status: u32, body: &[u8]) -> std::result::Result<Answer, WireError> {
    Ok(Answer::new(u16::try_from(status).unwrap_or_default(), body.to_vec()))
}

fn wire_error(why: &str) -> WireError {
    match why {
        "unreachable" => WireError::Unreachable,
        "timeout" => WireError::Timeout,
        "credentials" => WireError::NoCredentials,
        _ => WireError::Broken,
    }
}

/// A step that would take longer than so many microseconds leaves the event loop. To hand it over takes some thirty, and the
/// estimate may be short by half.
pub(crate) const LONGEST: usize = 1000;
