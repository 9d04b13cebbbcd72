//! Limits of the machine: the disk under the embedded database, and how many files a process may have open.

use std::net::TcpStream;
use std::time::Duration;

use dynaseal_testkit::{FullDisk, call, get};

use crate::{CREATE, EMBEDDED, LIMIT, gateway, reached};

fn put(address: &str, number: usize) -> u16 {
    let item =
        format!(r#"{{"TableName":"Users","Item":{{"id":{{"S":"{number}"}},"a":{{"S":"{}"}}}}}}"#, "x".repeat(3000));
    call(address, "PutItem", &item, LIMIT).unwrap().status
}

/// Calls fail, the log says why once, and all is well again as soon as there is room.
#[test]
fn a_full_disk_under_the_database_is_named_once() {
    let Some(disk) = FullDisk::mount(1 << 20) else { return };
    let folder = tempfile::tempdir().unwrap();
    let database = format!("{EMBEDDED}\ndatabase = \"{}\"", disk.path().join("items.db").display());
    let (program, address) = gateway(folder.path(), &database);
    let mut running = program.start();
    reached(&mut running, &address);
    assert_eq!(call(&address, "CreateTable", CREATE, LIMIT).unwrap().status, 200);
    assert_eq!(put(&address, 0), 200);
    disk.fill();
    let failed = (1..200).filter(|number| put(&address, *number) == 500).count();
    assert!(failed > 100, "{failed}");
    running.wait_for(2, LIMIT, |text| text.contains("no room on the disk of the embedded database").then_some(()));
    disk.empty();
    assert_eq!(put(&address, 0), 200);
    running.signal("TERM");
    let log = running.end(LIMIT).stderr;
    assert_eq!(log.matches("no room on the disk of the embedded database").count(), 1, "{log}");
}

/// With room for few files, idle connections make room for others, and the start says so.
#[test]
fn few_descriptors_are_few_connections() {
    let folder = tempfile::tempdir().unwrap();
    let (program, address) = gateway(folder.path(), EMBEDDED);
    let mut running = program.bound("-n 64").start();
    reached(&mut running, &address);
    let idle: Vec<_> = (0..100).map(|_| TcpStream::connect(&address).unwrap()).collect();
    for number in 0..20 {
        assert_eq!(call(&address, "ListTables", "{}", Duration::from_secs(5)).unwrap().status, 200, "call {number}");
    }
    let metrics = get(&address, "/metrics", LIMIT).unwrap().body;
    assert!(metrics.lines().any(|line| line.starts_with("dynaseal_connections_closed_total") && !line.ends_with(" 0")));
    drop(idle);
    running.signal("TERM");
    let log = running.end(LIMIT).stderr;
    assert!(log.contains("ulimit -n") && log.contains("64"), "{log}");
    assert!(!log.contains("uncategorized"), "{log}");
}

/// A soft limit that is lower than it need be is raised.
#[test]
fn a_soft_limit_is_raised_as_far_as_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let (program, address) = gateway(folder.path(), EMBEDDED);
    let mut running = program.bound("-Sn 64").start();
    reached(&mut running, &address);
    let idle: Vec<_> = (0..100).map(|_| TcpStream::connect(&address).unwrap()).collect();
    assert_eq!(call(&address, "ListTables", "{}", LIMIT).unwrap().status, 200);
    let metrics = get(&address, "/metrics", LIMIT).unwrap().body;
    assert!(metrics.contains("dynaseal_connections_closed_total 0\n"), "{metrics}");
    drop(idle);
}
