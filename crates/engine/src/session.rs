//! One call, stepped by hand: for a head whose network is in another language. The session hands out what to send and
//! takes the answers, and needs no runtime.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use dynaseal_keys::{Answer, BoxFuture, Call, Wire, WireError};

use crate::error::Error;
use crate::run::Engine;

/// What a session wants next.
#[derive(Debug)]
pub enum Step {
    /// Send this and give the answer to [`Session::resume`].
    Send(Call),
    /// Another session is fetching a key that this one needs; call [`Session::poll`] once `wake` was called.
    Wait,
    /// The session is over.
    Done(Result<Answer, Error>),
}

/// An answer is not to the call that was handed out last: that one has had its answer, or another session handed it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale;

/// A call under way. Dropping it abandons the call.
pub struct Session {
    future: BoxFuture<'static, Result<Answer, Error>>,
    mailbox: Arc<Mailbox>,
    waker: Waker,
    sent: Sent,
    over: bool,
}

/// How many calls were handed out, and whether the last one still waits for its answer.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    number: u32,
    unanswered: bool,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("over", &self.over).finish_non_exhaustive()
    }
}

impl Session {
    /// Starts a call. `wake` is called, from any thread, when a session that was told to wait can go on.
    pub fn start(engine: Arc<Engine>, call: Call, wake: impl Fn() + Send + Sync + 'static) -> (Self, Step) {
        Self::of(|wire| Box::pin(async move { engine.call(wire.as_ref(), call).await }), wake)
    }

    /// Starts other work that may need the network, such as [`Engine::open_records`]; otherwise as [`Session::start`].
    /// What it makes is the body of the answer.
    pub fn run(
        work: impl FnOnce(Arc<dyn Wire>) -> BoxFuture<'static, Result<Vec<u8>, Error>>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> (Self, Step) {
        let answered = |body| Answer::new(200, body);
        Self::of(
            |wire| {
                let work = work(wire);
                Box::pin(async move { work.await.map(answered) })
            },
            wake,
        )
    }

    fn of(
        work: impl FnOnce(Arc<dyn Wire>) -> BoxFuture<'static, Result<Answer, Error>>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> (Self, Step) {
        let mailbox = Arc::new(Mailbox::default());
        let future = work(Arc::<Mailbox>::clone(&mailbox));
        let waker = Waker::from(Arc::new(Callback(wake)));
        let mut session = Self { future, mailbox, waker, sent: Sent::default(), over: false };
        let step = session.poll();
        (session, step)
    }

    /// The number of the call that was handed out last, from 1.
    #[must_use]
    pub fn sent(&self) -> u32 {
        self.sent.number
    }

    /// Gives the answer to the call with this number.
    ///
    /// # Errors
    /// That call is not the one that waits for an answer. The session stays where it is.
    pub fn resume(&mut self, number: u32, answer: Result<Answer, WireError>) -> Result<Step, Stale> {
        if !self.sent.unanswered || self.sent.number != number {
            return Err(Stale);
        }
        self.sent.unanswered = false;
        self.mailbox.with(|slot| slot.answer = Some(answer));
        Ok(self.poll())
    }

    /// Goes on as far as possible. Once a session is over it waits for ever.
    pub fn poll(&mut self) -> Step {
        if self.over {
            return Step::Wait;
        }
        match self.future.as_mut().poll(&mut Context::from_waker(&self.waker)) {
            Poll::Ready(result) => {
                self.over = true;
                Step::Done(result)
            }
            Poll::Pending => match self.mailbox.with(|slot| slot.call.take()) {
                Some(call) => {
                    self.sent = Sent { number: self.sent.number.wrapping_add(1), unanswered: true };
                    Step::Send(call)
                }
                None => Step::Wait,
            },
        }
    }
}

/// A wire whose two ends are the engine and the host.
#[derive(Default)]
struct Mailbox(Mutex<Slot>);

#[derive(Default)]
struct Slot {
    call: Option<Call>,
    answer: Option<Result<Answer, WireError>>,
}

impl Mailbox {
    fn with<T>(&self, act: impl FnOnce(&mut Slot) -> T) -> T {
        // A slot is never left half changed, so a panic elsewhere does not spoil it.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Wire for Mailbox {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        self.with(|slot| *slot = Slot { call: Some(call), answer: None });
        Box::pin(std::future::poll_fn(|_| {
            // The host polls after every answer, so no waker is kept.
            self.with(|slot| slot.answer.take()).map_or(Poll::Pending, Poll::Ready)
        }))
    }
}

struct Callback<F>(F);

impl<F: Fn() + Send + Sync> Wake for Callback<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}
