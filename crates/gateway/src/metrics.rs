//! Counts for Prometheus: operations and outcomes out of closed sets, never a name or value of a caller.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dynaseal_http::Outcome;

use crate::backlog;
use crate::kms::{KmsLabel, KmsOutcome};
use crate::operation::Label;

/// What has been answered since the start.
#[derive(Debug)]
pub(crate) struct Metrics {
    requests: Family,
    kms: Family,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self { requests: Family::of(Label::COUNT), kms: Family::of(KmsLabel::COUNT) }
    }

    pub(crate) fn count(&self, label: Label, outcome: Outcome, took: Duration) {
        self.requests.count(label.index(), OUTCOMES.iter().position(|(known, _)| *known == outcome), took);
    }

    /// Counts a call of KMS, all its tries as one.
    pub(crate) fn count_kms(&self, label: KmsLabel, outcome: KmsOutcome, took: Duration) {
        self.kms.count(label.index(), KmsOutcome::ALL.iter().position(|known| *known == outcome), took);
    }

    /// The text that Prometheus reads. Operations that nobody called are left out.
    pub(crate) fn text(&self, in_flight: usize, (open, closed): (usize, u64)) -> String {
        let names: Vec<_> = Label::all().map(Label::name).collect();
        let outcomes = OUTCOMES.map(|(_, name)| name);
        let mut out = String::new();
        self.requests.write(&REQUESTS, &names, &outcomes, &mut out);
        self.kms.write(&KMS, &KmsLabel::NAMES, &KmsOutcome::ALL.map(KmsOutcome::name), &mut out);
        let dropped = backlog::dropped();
        let _ = write!(
            out,
            "# HELP dynaseal_requests_in_flight Requests being worked on.\n\
             # TYPE dynaseal_requests_in_flight gauge\ndynaseal_requests_in_flight {in_flight}\n\
             # HELP dynaseal_connections_open Connections that are open.\n\
             # TYPE dynaseal_connections_open gauge\ndynaseal_connections_open {open}\n\
             # HELP dynaseal_connections_closed_total Connections that were closed to make room for others.\n\
             # TYPE dynaseal_connections_closed_total counter\ndynaseal_connections_closed_total {closed}\n\
             # HELP dynaseal_log_lines_dropped_total Lines of the log that could not be written, or not fast enough.\n\
             # TYPE dynaseal_log_lines_dropped_total counter\ndynaseal_log_lines_dropped_total {dropped}\n"
        );
        out
    }
}

/// One kind of calls, by operation.
#[derive(Debug)]
struct Family(Vec<Counts>);

#[derive(Debug, Default)]
struct Counts {
    outcomes: [AtomicU64; OUTCOMES.len()],
    microseconds: AtomicU64,
}

/// How a kind of calls is named and described.
struct Words {
    total: &'static str,
    total_help: &'static str,
    seconds: &'static str,
    seconds_help: &'static str,
}

impl Family {
    fn of(operations: usize) -> Self {
        Self(std::iter::repeat_with(Counts::default).take(operations).collect())
    }

    fn count(&self, operation: usize, outcome: Option<usize>, took: Duration) {
        let Some(counts) = self.0.get(operation) else { return };
        if let Some(counter) = outcome.and_then(|place| counts.outcomes.get(place)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        counts.microseconds.fetch_add(microseconds, Ordering::Relaxed);
    }

    fn write(&self, words: &Words, operations: &[&str], outcomes: &[&str], out: &mut String) {
        let Words { total, total_help, seconds, seconds_help } = words;
        let mut sums = String::new();
        let _ = writeln!(out, "# HELP {total} {total_help}\n# TYPE {total} counter");
        for (counts, operation) in self.0.iter().zip(operations) {
            let mut all = 0;
            for (counter, outcome) in counts.outcomes.iter().zip(outcomes) {
                let count = counter.load(Ordering::Relaxed);
                all += count;
                if count > 0 {
                    let _ = writeln!(out, "{total}{{operation=\"{operation}\",outcome=\"{outcome}\"}} {count}");
                }
            }
            if all > 0 {
                let sum = Duration::from_micros(counts.microseconds.load(Ordering::Relaxed)).as_secs_f64();
                let _ = writeln!(sums, "{seconds}_sum{{operation=\"{operation}\"}} {sum:.6}");
                let _ = writeln!(sums, "{seconds}_count{{operation=\"{operation}\"}} {all}");
            }
        }
        let _ = write!(out, "# HELP {seconds} {seconds_help}\n# TYPE {seconds} summary\n{sums}");
    }
}

const REQUESTS: Words = Words {
    total: "dynaseal_requests_total",
    total_help: "Requests answered, by operation and outcome: ok and upstream_* are the upstream's, all others our own.",
    seconds: "dynaseal_request_seconds",
    seconds_help: "Time from a request's head to its answer, by operation.",
};

const KMS: Words = Words {
    total: "dynaseal_kms_calls_total",
    total_help: "Calls of AWS KMS, by operation and outcome. The tries of one call count as one.",
    seconds: "dynaseal_kms_call_seconds",
    seconds_help: "Time that calls of AWS KMS took with all their tries, by operation.",
};

const OUTCOMES: [(Outcome, &str); 8] = [
    (Outcome::Ok, "ok"),
    (Outcome::UpstreamError, "upstream_4xx"),
    (Outcome::UpstreamThrottled, "upstream_throttled"),
    (Outcome::UpstreamFault, "upstream_5xx"),
    (Outcome::NoAnswer, "upstream_no_answer"),
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
        metrics.count_kms(KmsLabel::of("Decrypt"), KmsOutcome::Throttled, Duration::from_millis(250));
        metrics.count_kms(KmsLabel::of("canary"), KmsOutcome::Ok, Duration::ZERO);
        let text = metrics.text(4, (5, 6));
        assert!(text.contains("dynaseal_requests_total{operation=\"PutItem\",outcome=\"ok\"} 2\n"), "{text}");
        assert!(text.contains("dynaseal_requests_total{operation=\"other\",outcome=\"refused\"} 1\n"), "{text}");
        assert!(text.contains("dynaseal_request_seconds_sum{operation=\"PutItem\"} 0.005000\n"), "{text}");
        assert!(text.contains("dynaseal_kms_calls_total{operation=\"Decrypt\",outcome=\"throttled\"} 1\n"), "{text}");
        assert!(text.contains("dynaseal_kms_calls_total{operation=\"other\",outcome=\"ok\"} 1\n"), "{text}");
        assert!(text.contains("dynaseal_kms_call_seconds_sum{operation=\"Decrypt\"} 0.250000\n"), "{text}");
        assert!(
            text.contains("\ndynaseal_requests_in_flight 4\n") && text.contains("\ndynaseal_connections_open 5\n"),
            "{text}"
        );
        assert!(!text.contains("GetItem") && !text.contains("canary"), "{text}");
    }

    /// As Prometheus wants it: each metric is described once, before its lines, which stand together.
    #[test]
    fn each_metric_is_described_before_its_lines() {
        let metrics = Metrics::new();
        metrics.count(Label::of("PutItem"), Outcome::Ok, Duration::ZERO);
        metrics.count_kms(KmsLabel::of("Decrypt"), KmsOutcome::Ok, Duration::ZERO);
        let mut described = String::new();
        for line in metrics.text(0, (0, 0)).lines() {
            match line.strip_prefix("# TYPE ") {
                Some(typed) => described = typed.split(' ').next().unwrap().to_owned(),
                None => assert!(line.starts_with("# HELP ") || line.starts_with(&described), "{line}"),
            }
        }
    }
}
