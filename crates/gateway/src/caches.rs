//! The caches of keys, for Prometheus.

use std::fmt::Write;

use dynaseal_engine::CacheStats;

/// The text that Prometheus reads. It names no key: how often one tenant's key is used is nobody else's business.
pub(crate) fn text(stats: &CacheStats) -> String {
    let mut out = String::new();
    for (name, kind, help, value) in [
        ("hits_total", "counter", "Uses of a cached key within its time.", stats.hits),
        ("misses_total", "counter", "Uses of a key that was not cached, or whose time was over.", stats.misses),
        ("fetches_total", "counter", "Fetches of a key from its store, early ones included.", stats.fetches),
        ("refreshes_total", "counter", "Fetches of a key before its time was over.", stats.refreshes),
        ("kept_total", "counter", "Uses of a key after its time, because its store was down.", stats.kept),
        ("failures_total", "counter", "Fetches that failed.", stats.failures),
        (
            "evictions_total",
            "counter",
            "Keys that made room for others; many mean that the cache is too small.",
            stats.evictions,
        ),
        ("entries", "gauge", "Keys that are cached.", stats.entries),
    ] {
        let name = format!("dynaseal_key_cache_{name}");
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Prometheus wants it: each metric is described before its one line.
    #[test]
    fn every_count_is_there() {
        let mut stats = CacheStats::default();
        stats.hits = 7;
        stats.entries = 3;
        let text = text(&stats);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 24);
        for three in lines.chunks(3) {
            let name = three[2].split(' ').next().unwrap();
            assert!(three[0].starts_with(&format!("# HELP {name} ")), "{three:?}");
            assert!(three[1].starts_with(&format!("# TYPE {name} ")), "{three:?}");
        }
        assert!(text.contains("\ndynaseal_key_cache_hits_total 7\n"), "{text}");
        assert!(text.ends_with("# TYPE dynaseal_key_cache_entries gauge\ndynaseal_key_cache_entries 3\n"), "{text}");
    }
}
