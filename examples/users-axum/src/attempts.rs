//! What costs the hashing of a password is done so often in a quarter of an hour: for one name from one network, after ten
//! wrong passwords, no more attempts to log in; and from one network so many registrations. They are counted in this process's
//! memory; several processes need a common store for them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;

/// What is counted.
#[derive(Clone)]
pub(crate) struct Limits {
    pub(crate) logins: Attempts,
    pub(crate) registrations: Attempts,
}

impl Default for Limits {
    fn default() -> Self {
        Self { logins: Attempts::new(10), registrations: Attempts::new(30) }
    }
}

/// By name and network.
#[derive(Clone)]
pub(crate) struct Attempts {
    counted: Arc<Mutex<HashMap<Key, Counted>>>,
    most: u32,
}

/// An attempt that was counted.
pub(crate) struct Attempt<'a> {
    all: &'a Attempts,
    key: Key,
}

type Key = (String, IpAddr);

struct Counted {
    count: u32,
    until: Instant,
}

impl Attempts {
    fn new(most: u32) -> Self {
        Self { counted: Arc::default(), most }
    }

    /// Counts an attempt, before anything is read or hashed for it, so that many at once do not slip through. Fails if there
    /// were too many.
    pub(crate) fn begin(&self, username: &str, address: IpAddr) -> Result<Attempt<'_>, Error> {
        let key = (username.to_owned(), network(address));
        let now = Instant::now();
        let mut all = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_KEYS && !all.contains_key(&key) {
            make_room(&mut all, now);
        }
        let counted = all.entry(key.clone()).or_insert(Counted { count: 0, until: now + WINDOW });
        if counted.until <= now {
            *counted = Counted { count: 0, until: now + WINDOW };
        }
        if counted.count >= self.most {
            return Err(Error::TooManyAttempts(counted.until - now));
        }
        counted.count += 1;
        Ok(Attempt { all: self, key })
    }
}

impl Attempt<'_> {
    /// The password was right: counting starts anew.
    pub(crate) fn succeeded(self) {
        self.all.counted.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// Removes what is over, or else the oldest.
fn make_room(all: &mut HashMap<Key, Counted>, now: Instant) {
    all.retain(|_, counted| counted.until > now);
    if all.len() >= MOST_KEYS {
        let oldest = all.iter().min_by_key(|(_, counted)| counted.until).map(|(key, _)| key.clone());
        if let Some(oldest) = oldest {
            all.remove(&oldest);
        }
    }
}

/// An IPv4 address; of an IPv6 address its first half, since whoever has one has all that differ in the other.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
        address => address,
    }
}

/// From the first of them.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// So many names and networks are remembered; each of them has cost its caller the hashing of a password.
const MOST_KEYS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: u32 = 10;

    fn wrong(attempts: &Attempts, name: &str, address: &str) -> bool {
        attempts.begin(name, address.parse().unwrap()).is_ok()
    }

    #[test]
    fn addresses_of_one_network_are_counted_as_one() {
        let attempts = Attempts::new(MOST);
        for at in 0..MOST {
            assert!(wrong(&attempts, "ada", &format!("2001:db8::{at:x}")));
        }
        assert!(!wrong(&attempts, "ada", "2001:db8::ffff:1"));
        assert!(wrong(&attempts, "ada", "2001:db8:0:1::1"));
        assert!(wrong(&attempts, "ada", "192.0.2.1"));
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), network("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_oldest_goes_first() {
        let attempts = Attempts::new(MOST);
        (0..MOST).for_each(|_| assert!(wrong(&attempts, "first", "192.0.2.1")));
        for at in 1..MOST_KEYS {
            assert!(wrong(&attempts, &format!("name-{at}"), "192.0.2.1"));
        }
        assert!(!wrong(&attempts, "first", "192.0.2.1"));
        assert!(wrong(&attempts, "one more", "192.0.2.1"));
        assert_eq!(attempts.counted.lock().unwrap().len(), MOST_KEYS);
        assert!(wrong(&attempts, "first", "192.0.2.1"));
    }
}
