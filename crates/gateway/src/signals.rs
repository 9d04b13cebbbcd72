//! When the process is told to stop.

use crate::error::Error;

/// Ctrl-C and, on Unix, SIGTERM and SIGHUP. From its making on, none of them ends the process by itself.
#[derive(Debug)]
pub struct StopSignals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    /// `None` where whoever started the process had it ignored, as `nohup` does.
    #[cfg(unix)]
    hangup: Option<tokio::signal::unix::Signal>,
}

impl StopSignals {
    /// Starts to watch for them.
    pub fn watch() -> Result<Self, Error> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let watch = |kind| signal(kind).map_err(|source| Error::Process { what: "a signal handler", source });
            let hangup = if is_hangup_ignored() { None } else { Some(watch(SignalKind::hangup())?) };
            let (terminate, interrupt) = (watch(SignalKind::terminate())?, watch(SignalKind::interrupt())?);
            Ok(Self { terminate, interrupt, hangup })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Waits for the first of any kind.
    pub async fn first(&mut self) {
        #[cfg(unix)]
        let signal = {
            let hangup = self.hangup.as_mut();
            let hung_up = async {
                match hangup {
                    Some(hangup) => drop(hangup.recv().await),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
                () = hung_up => "SIGHUP",
            }
        };
        #[cfg(not(unix))]
        let signal = interrupted().await;
        tracing::info!(signal, "told to stop");
    }

    /// Waits for the second request to end. A hangup is none: a terminal that closes sends several, and service managers
    /// send one beside their request.
    pub async fn second(&mut self) {
        for _ in 0..2 {
            #[cfg(unix)]
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
            #[cfg(not(unix))]
            interrupted().await;
        }
        tracing::info!("told to stop once more: what is open is cut");
    }
}

#[cfg(not(unix))]
async fn interrupted() -> &'static str {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    "Ctrl-C"
}

/// Linux tells; elsewhere it is taken not to be.
#[cfg(unix)]
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The first bit is signal 1.
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}
