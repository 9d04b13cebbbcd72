//! How many files the process may have open, and how many connections that is.

use crate::settings::Limits;
use crate::start::Fact;

/// Raises the process's own limit of open files as far as the connections of `limits` need it and it may. Where that is not
/// enough, `limits` takes fewer connections, and what there is to say of it comes back.
pub fn make_room(limits: &mut Limits) -> Option<Fact> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let needed = u64::try_from(limits.connections).unwrap_or(u64::MAX).saturating_mul(EACH).saturating_add(OWN);
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let mut most = current?;
        if most < needed {
            let raised = maximum.map_or(needed, |maximum| maximum.min(needed));
            // A system that says no leaves it as it is.
            if setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }).is_ok() {
                most = raised;
            }
        }
        if most < needed {
            let room = usize::try_from(most.saturating_sub(OWN) / EACH).unwrap_or(usize::MAX).max(1);
            limits.connections = room;
            let text = format!("at most {room} at once, since this process may have {most} files open (ulimit -n)");
            return Some(Fact::warning("connections", text));
        }
    }
    None
}

/// A connection, and one to the upstream for its call.
#[cfg(unix)]
const EACH: u64 = 2;
/// Standard streams, the listener, the runtime, a database, and the connections that are kept for probes.
#[cfg(unix)]
const OWN: u64 = 48;
