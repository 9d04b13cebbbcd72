//! A checked configuration, and what its sessions share.

use std::collections::HashMap;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use dynaseal_engine::{Config, ConfigErrors, Machine, Outside, Session};
use dynaseal_item::Kind;
use napi::bindgen_prelude::{ClassInstance, JavaScriptClassExt as _};
use napi::{Env, Result};
use napi_derive::napi;
use zeroize::Zeroize;

use crate::clock::SteppedClock;
use crate::failure::{Failure, Fault};
use crate::step::Next;

/// The protected tables, and all that is needed to carry calls on them out.
#[napi]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
}

/// What every session of an engine holds.
pub(crate) struct Shared {
    pub(crate) engine: Arc<dynaseal_engine::Engine>,
    /// Sessions between two steps.
    sessions: Mutex<HashMap<u32, Session>>,
    /// Steps that a quick function took and could not hand over.
    held: Mutex<HashMap<u32, Next>>,
    /// Sessions that were waiting and can go on.
    woken: Mutex<Vec<u32>>,
}

/// An engine, or why there is none.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct EngineResult<'env> {
    /// The engine.
    pub engine: Option<ClassInstance<'env, Engine>>,
    /// What is allowed in the configuration but worth a second look.
    pub warnings: Vec<Fault>,
    /// Why there is none.
    pub failure: Option<Failure>,
}

#[napi]
impl Engine {
    /// From a file in TOML. `env` stands for the environment, which belongs to JavaScript: a worker has its own.
    #[napi(catch_unwind)]
    #[allow(clippy::needless_pass_by_value, reason = "what #[napi] takes is owned")]
    pub fn load(env: &Env, path: String, variables: HashMap<String, String>) -> Result<EngineResult<'_>> {
        let config = Config::load(Path::new(&path), &Process(variables));
        Self::checked(env, config, true)
    }

    /// From an object of the same structure, as JSON. Paths in it start from `folder`.
    #[napi(catch_unwind)]
    #[allow(clippy::needless_pass_by_value, reason = "what #[napi] takes is owned")]
    pub fn parse(
        env: &Env,
        json: String,
        folder: String,
        variables: HashMap<String, String>,
    ) -> Result<EngineResult<'_>> {
        let text = serde_json::from_str::<serde_json::Value>(&json)
            .map_err(|error| error.to_string())
            .and_then(|object| toml::to_string(&object).map_err(|error| error.to_string()));
        match text {
            Ok(text) => {
                let file = Path::new(&folder).join("dynaseal.toml");
                let config = Config::parse(&text, &file.to_string_lossy(), &Process(variables));
                Self::checked(env, config, false)
            }
            Err(error) => {
                let message = format!("the configuration object cannot be read: {error}");
                let hint = "give an object of sections, texts, numbers, lists, true and false";
                let failure = Failure::new("DSL-5001", Kind::Config, message, hint);
                Ok(EngineResult { engine: None, warnings: Vec::new(), failure: Some(failure) })
            }
        }
    }

    fn checked(env: &Env, config: std::result::Result<Config, ConfigErrors>, placed: bool) -> Result<EngineResult<'_>> {
        let config = match config {
            Ok(config) => config,
            Err(errors) => {
                let failure = Some(Failure::config(errors, placed));
                return Ok(EngineResult { engine: None, warnings: Vec::new(), failure });
            }
        };
        let warnings = config.warnings.iter().map(|fault| Fault::new(fault.clone(), placed)).collect();
        let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST_THREADS);
        let engine = config.into_engine(Arc::new(SteppedClock)).with_threads(threads);
        let shared = Arc::new(Shared::new(engine));
        let engine = Engine { shared };
        Ok(EngineResult { engine: Some(engine.into_instance(env)?), warnings, failure: None })
    }
}

impl Shared {
    fn new(engine: dynaseal_engine::Engine) -> Self {
        let (sessions, held, woken) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { engine: Arc::new(engine), sessions, held, woken }
    }

    pub(crate) fn hold(&self, id: u32, next: Next) {
        lock(&self.held).insert(id, next);
    }

    pub(crate) fn take_held(&self, id: u32) -> Option<Next> {
        lock(&self.held).remove(&id)
    }

    pub(crate) fn take(&self, id: u32) -> Option<Session> {
        lock(&self.sessions).remove(&id)
    }

    pub(crate) fn keep(&self, id: u32, session: Session) {
        lock(&self.sessions).insert(id, session);
    }

    pub(crate) fn has_woken(&self) -> bool {
        !lock(&self.woken).is_empty()
    }

    /// Called from any thread.
    pub(crate) fn wake(&self, id: u32) {
        lock(&self.woken).push(id);
    }

    pub(crate) fn take_woken(&self) -> Vec<u32> {
        std::mem::take(&mut *lock(&self.woken))
    }
}

/// Nothing that runs under these locks can leave what they hold half changed, so a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// This machine's files, and the environment as JavaScript sees it.
struct Process(HashMap<String, String>);

/// The environment holds keys: its copy is wiped after use.
impl Drop for Process {
    fn drop(&mut self) {
        self.0.values_mut().for_each(Zeroize::zeroize);
    }
}

impl Outside for Process {
    fn env(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Machine.read(path)
    }

    fn others_can_read(&self, path: &Path) -> bool {
        Machine.others_can_read(path)
    }

    fn others_can_write(&self, path: &Path) -> bool {
        Machine.others_can_write(path)
    }
}

/// A page has 1 MB at most, so that more would have little to do; and there may be several pages at once.
const MOST_THREADS: usize = 8;
