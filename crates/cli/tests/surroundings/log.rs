//! The log of `dynaseal gateway` where it cannot be written.

use std::time::Duration;

use dynaseal_testkit::{Running, Stream, call, get};

use crate::{EMBEDDED, LIMIT, gateway, reached};

/// Refused calls leave a line each, which names their tables: some two thousand bytes.
fn refuse(address: &str, count: usize) {
    let delete = r#"{"DeleteRequest":{"Key":{"id":{"S":"1"}}}}"#;
    let others: String = (0..7).map(|number| format!(",\"{number}{}\":[{delete}]", "x".repeat(250))).collect();
    let item = r#"{"PutRequest":{"Item":{"id":{"S":"1"},"aws_dbe_head":{"S":"x"}}}}"#;
    let body = format!("{{\"RequestItems\":{{\"Users\":[{item}]{others}}}}}");
    for number in 0..count {
        let answer = call(address, "BatchWriteItem", &body, ANSWER);
        let answer = answer.unwrap_or_else(|error| panic!("call {number} is not answered: {error}"));
        assert_eq!(answer.status, 400, "{}", answer.body);
    }
}

fn dropped(address: &str) -> u64 {
    let metrics = get(address, "/metrics", ANSWER).unwrap().body;
    let line = metrics.lines().find_map(|line| line.strip_prefix("dynaseal_log_lines_dropped_total "));
    line.unwrap_or_else(|| panic!("no such metric:\n{metrics}")).parse().unwrap()
}

fn blocked(folder: &std::path::Path, calls: usize) -> (Running, String) {
    let (program, address) = gateway(folder, EMBEDDED);
    let mut running = program.stderr(Stream::Unread).start();
    reached(&mut running, &address);
    refuse(&address, calls);
    (running, address)
}

#[test]
fn a_log_that_nobody_reads_stops_no_call_and_no_end() {
    let folder = tempfile::tempdir().unwrap();
    let (running, address) = blocked(folder.path(), 300);
    assert_eq!(get(&address, "/healthz", ANSWER).unwrap().status, 200);
    running.signal("TERM");
    assert_eq!(running.end(LIMIT).code(), Some(0));
}

/// What the log could not hold is counted, and said once the reader is back; what it could hold is there.
#[test]
fn what_was_dropped_is_counted_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let (mut running, address) = blocked(folder.path(), 800);
    let count = dropped(&address);
    assert!(count > 0, "800 lines are more than is held");
    running.read_now(2);
    let told = format!("log lines were dropped, since they could not be written lines={count}");
    running.wait_for(2, LIMIT, |text| text.contains(&told).then_some(()));
    refuse(&address, 1);
    assert_eq!(dropped(&address), count);
    running.signal("TERM");
    let ended = running.end(LIMIT);
    assert_eq!(ended.code(), Some(0));
    let lines = |text: &str| ended.stderr.lines().filter(|line| line.contains(text)).count() as u64;
    assert_eq!(lines("operation=\"BatchWriteItem\""), 801 - count, "each line is written or counted");
    assert_eq!((lines("log lines were dropped"), lines(" stopped")), (1, 1));
    assert!(ended.stderr.lines().all(|line| line.starts_with("20") || line.starts_with("  ")), "no line is torn");
}

#[test]
fn a_log_that_cannot_be_written_at_all_stops_nothing() {
    for stream in [Stream::Full, Stream::Closed, Stream::Gone] {
        let folder = tempfile::tempdir().unwrap();
        let (program, address) = gateway(folder.path(), EMBEDDED);
        let mut running = program.stderr(stream.clone()).stdout(Stream::Gone).start();
        reached(&mut running, &address);
        refuse(&address, 50);
        // To a descriptor that was closed from the start, nothing is written that could fail.
        assert_eq!(dropped(&address) >= 50, stream != Stream::Closed, "{stream:?}");
        running.signal("TERM");
        assert_eq!(running.end(LIMIT).code(), Some(0), "{stream:?}");
    }
}

#[test]
fn what_was_said_last_is_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..5 {
        let (program, address) = gateway(folder.path(), EMBEDDED);
        let mut running = program.start();
        reached(&mut running, &address);
        refuse(&address, 20);
        running.signal("TERM");
        let ended = running.end(LIMIT);
        assert_eq!(ended.stderr.matches("operation=\"BatchWriteItem\"").count(), 20);
        assert!(ended.stderr.trim_end().ends_with("stopped cut=0"), "{}", ended.stderr);
    }
}

const ANSWER: Duration = Duration::from_secs(5);
