//! Signals to `dynaseal gateway` while a call is under way.

use std::thread;
use std::time::Duration;

use dynaseal_testkit::{Gateway, StandIn, TEST_KEY, Wrong, call};

use crate::{LIMIT, gateway, reached};

/// What became of a call that was under way when the signals came, and of the gateway.
fn signalled(signals: &[&str], ignoring: Option<&str>) -> (bool, Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let store = include_str!("../../../../clients/store.toml");
    let store = Gateway::start(env!("CARGO_BIN_EXE_dynaseal"), folder.path(), "store", store, &[], TEST_KEY);
    let slow = StandIn::before(store.address.as_str());
    let (program, address) = gateway(folder.path(), &format!("upstream = \"{}\"", slow.url()));
    let program = match ignoring {
        Some(signal) => program.ignoring(signal),
        None => program,
    };
    let mut running = program.start();
    reached(&mut running, &address);
    running.wait_for(2, LIMIT, |text| text.contains("listening").then_some(()));
    slow.order(Some("ListTables"), Wrong::Waits(Duration::from_millis(1500)), 1);
    let answer = thread::spawn(move || call(&address, "ListTables", "{}", LIMIT));
    while !slow.calls().contains(&"ListTables".to_owned()) {
        thread::sleep(Duration::from_millis(5));
    }
    for signal in signals {
        running.signal(signal);
        // Two of a kind that come before the first is noticed are one.
        if ignoring.is_none() {
            running.wait_for(2, LIMIT, |text| text.contains("told to stop").then_some(()));
        }
    }
    let answered = answer.join().unwrap().is_ok_and(|answer| answer.status == 200);
    let code = running.ends(Duration::from_secs(5)).and_then(|status| status.code());
    (answered, code, running.text(2))
}

#[test]
fn a_hangup_drains_as_a_request_to_end_does() {
    for signal in ["HUP", "TERM", "INT"] {
        let (answered, code, log) = signalled(&[signal], None);
        assert_eq!((answered, code), (true, Some(0)), "{signal}:\n{log}");
        assert!(log.contains(&format!("told to stop signal=\"SIG{signal}\"")), "{signal}:\n{log}");
    }
}

/// A terminal that closes sends more than one hangup, and service managers may send one beside their request to end.
#[test]
fn only_a_second_request_to_end_cuts_the_drain_short() {
    for signals in [&["HUP", "HUP"][..], &["TERM", "HUP"], &["HUP", "TERM"]] {
        let (answered, code, log) = signalled(signals, None);
        assert_eq!((answered, code), (true, Some(0)), "{signals:?}:\n{log}");
    }
    let (answered, code, log) = signalled(&["TERM", "TERM"], None);
    assert_eq!((answered, code), (false, Some(0)), "{log}");
}

#[cfg(target_os = "linux")]
#[test]
fn under_nohup_a_hangup_is_nothing() {
    let (answered, code, log) = signalled(&["HUP"], Some("HUP"));
    assert_eq!((answered, code), (true, None), "it still runs:\n{log}");
}
