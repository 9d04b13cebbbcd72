//! From a configuration to an engine.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_async::rt::sleep::{AsyncSleep, default_async_sleep};
use dynaseal_engine::{BoxFuture, Clock, Config, ConfigErrors, Engine, Machine, SystemClock};

/// Reads and checks `dynaseal.toml`, with the keys that it names. What is allowed in it but worth a second look is logged as
/// a warning, through `tracing`; [`Config::load`] gives it as data.
///
/// # Errors
/// Everything that is wrong in it, with line and column.
pub fn load(path: impl AsRef<Path>) -> Result<Arc<Engine>, ConfigErrors> {
    let config = Config::load(path.as_ref(), &Machine)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    Ok(engine(config))
}

/// The engine of a configuration.
#[must_use]
pub fn engine(config: Config) -> Arc<Engine> {
    Arc::new(config.into_engine(Arc::new(SdkClock)))
}

/// The computer's clock, with the SDK's timers.
#[derive(Debug)]
struct SdkClock;

impl Clock for SdkClock {
    fn now(&self) -> Duration {
        SystemClock.now()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        match default_async_sleep() {
            Some(timers) => Box::pin(timers.sleep(time)),
            None => SystemClock.sleep(time),
        }
    }
}
