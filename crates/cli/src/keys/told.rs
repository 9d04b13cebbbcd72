//! Told to stop: by Ctrl-C, SIGTERM or SIGHUP.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dynaseal_gateway::StopSignals;
use tokio::runtime::Runtime;

use crate::cmd::gateway;
use crate::error::Error;

/// Whether the process was told to stop. The first time nothing else happens, so that what is at work comes to its end; the
/// second time the process ends.
pub(super) struct Told {
    stop: Arc<AtomicBool>,
    /// What watches for it.
    _runtime: Runtime,
}

impl Told {
    pub(super) fn watch() -> Result<Self, Error> {
        let runtime = gateway::runtime()?;
        let stop = Arc::new(AtomicBool::new(false));
        let [mut first, mut second] = {
            let _inside = runtime.enter();
            [StopSignals::watch()?, StopSignals::watch()?]
        };
        let told = Arc::clone(&stop);
        runtime.spawn(async move {
            first.first().await;
            told.store(true, Ordering::Relaxed);
            second.second().await;
            std::process::exit(TERMINATED);
        });
        Ok(Self { stop, _runtime: runtime })
    }

    pub(super) fn to_stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// As a shell tells that a program was ended by SIGTERM.
const TERMINATED: i32 = 143;
