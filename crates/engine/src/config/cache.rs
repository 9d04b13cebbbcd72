//! The settings of a key type whose keys are fetched and cached.

use std::time::Duration;

use dynaseal_keys::{CacheOptions, WhenUnavailable};

use super::fault::{CONTRADICTION, Faults, MISSING};
use super::section::Section;

/// `cache_ttl`, `cache_capacity`, `cache_refresh_early`, `when_unavailable` and `keep_for`, none of which must be there.
pub(super) fn read(section: &mut Section<'_, '_>, faults: &mut Faults<'_>) -> CacheOptions {
    let defaults = CacheOptions::new(section.whole_seconds("cache_ttl", faults).unwrap_or(TTL));
    let capacity = section.count("cache_capacity", MOST, faults).unwrap_or(defaults.capacity);
    let refresh_early = section.share("cache_refresh_early", faults).unwrap_or(defaults.refresh_early);
    let when_unavailable = when_unavailable(section, faults);
    CacheOptions { capacity, refresh_early, when_unavailable, ..defaults }
}

fn when_unavailable(section: &mut Section<'_, '_>, faults: &mut Faults<'_>) -> WhenUnavailable {
    let word = section.one_of("when_unavailable", &[("fail", false), ("keep", true)], faults);
    let keep_for = section.whole_seconds("keep_for", faults);
    let keep = word.as_ref().is_some_and(|word| word.value);
    if keep && !section.has("keep_for") {
        let message = format!("{} has when_unavailable = \"keep\" and no keep_for", section.title);
        let hint = "add keep_for = 300, the seconds for which a key may serve after its time while its store is down";
        faults.error(&section.place("when_unavailable"), MISSING, message, hint);
    }
    // A word that is none of the two is a fault already.
    if keep_for.is_some() && !keep && (word.is_some() || !section.has("when_unavailable")) {
        let message = format!("{} has keep_for without when_unavailable = \"keep\"", section.title);
        faults.error(&section.place("keep_for"), CONTRADICTION, message, "remove it, or set when_unavailable");
    }
    keep_for.filter(|_| keep).map_or(WhenUnavailable::Fail, WhenUnavailable::Keep)
}

/// How long a key is used before it is fetched again, if the configuration does not say.
const TTL: Duration = Duration::from_secs(3600);
const MOST: usize = 10_000_000;
