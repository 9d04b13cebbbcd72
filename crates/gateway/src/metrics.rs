//! Counts for Prometheus: operations and outcomes out of closed sets, never a name or value of a caller.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dynaseal_http::Outcome;

use crate::operation::Label;

/// What has been answered since the start.
#[derive(Debug)]
pub(crate) struct Metrics {
    operations: Vec<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    outcomes: [AtomicU64; OUTCOMES.len()],
    microseconds: AtomicU64,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self { operations: std::iter::repeat_with(Counts::default).take(Label::COUNT).collect() }
    }

    pub(crate) fn count(&self, label: Label, outcome: Outcome, took: Duration) {
        let Some(counts) = self.operations.get(label.index()) else { return };
        let place = OUTCOMES.iter().position(|(known, _)| *known == outcome);
        if let Some(counter) = place.and_then(|place| counts.outcomes.get(place)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        counts.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }

    /// The text that Prometheus reads. Operations that nobody called are left out.
    pub(crate) fn text(&self, in_flight: usize) -> String {
        let mut requests = String::new();
        let mut seconds = String::new();
        for label in Label::all() {
            let Some(counts) = self.operations.get(label.index()) else { continue };
            let mut total = 0;
            for (counter, (_, outcome)) in counts.outcomes.iter().zip(OUTCOMES) {
                let count = counter.load(Ordering::Relaxed);
                total += count;
                if count > 0 {
                    let labels = format!("operation=\"{}\",outcome=\"{outcome}\"", label.name());
                    let _ = writeln!(requests, "dynaseal_requests_total{{{labels}}} {count}");
                }
            }
            if total > 0 {
                let sum = Duration::from_micros(counts.microseconds.load(Ordering::Relaxed)).as_secs_f64();
                let _ = writeln!(seconds, "dynaseal_request_seconds_sum{{operation=\"{}\"}} {sum:.6}", label.name());
                let _ = writeln!(seconds, "dynaseal_request_seconds_count{{operation=\"{}\"}} {total}", label.name());
            }
        }
        format!(
            "# HELP dynaseal_requests_total Requests answered, by operation and outcome.\n\
             # TYPE dynaseal_requests_total counter\n{requests}\
             # HELP dynaseal_request_seconds Time from a request's head to its answer, by operation.\n\
             # TYPE dynaseal_request_seconds summary\n{seconds}\
             # HELP dynaseal_requests_in_flight Requests being worked on.\n\
             # TYPE dynaseal_requests_in_flight gauge\ndynaseal_requests_in_flight {in_flight}\n"
        )
    }
}

const OUTCOMES: [(Outcome, &str); 5] = [
    (Outcome::Ok, "ok"),
    (Outcome::UpstreamError, "upstream_error"),
    (Outcome::Refused, "refused"),
    (Outcome::Tampered, "tampered"),
    (Outcome::Failed, "failed"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_called_is_listed() {
        let metrics = Metrics::new();
        metrics.count(Label::of("PutItem"), Outcome::Ok, Duration::from_millis(2));
        metrics.count(Label::of("PutItem"), Outcome::Ok, Duration::from_millis(3));
        metrics.count(Label::of("canary"), Outcome::Refused, Duration::ZERO);
        let text = metrics.text(4);
        assert!(text.contains("dynaseal_requests_total{operation=\"PutItem\",outcome=\"ok\"} 2\n"), "{text}");
        assert!(text.contains("dynaseal_requests_total{operation=\"other\",outcome=\"refused\"} 1\n"), "{text}");
        assert!(text.contains("dynaseal_request_seconds_sum{operation=\"PutItem\"} 0.005000\n"), "{text}");
        assert!(text.ends_with("dynaseal_requests_in_flight 4\n"), "{text}");
        assert!(!text.contains("GetItem") && !text.contains("canary"), "{text}");
    }
}
