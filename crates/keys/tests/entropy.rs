//! Where AWS-LC takes its seed from: the switch in `.cargo/config.toml` must have reached its build.
#![cfg(target_os = "linux")]

use std::process::Command;

/// Measuring the jitter of the CPU would be 25 ms of the first random number of a process. Of several new processes the quickest
/// counts, so that other work on the machine does not.
#[test]
fn the_first_random_number_of_a_process_costs_little() {
    const CHILD: &str = "DYNASEAL_TEST_CHILD";
    let cpu = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        text.split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    if std::env::var(CHILD).is_ok() {
        let before = cpu();
        aws_lc_rs::rand::fill(&mut [0; 32]).unwrap();
        println!("took={}", (cpu() - before) / 1000);
        return;
    }
    let took = (0..5).map(|_| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "the_first_random_number_of_a_process_costs_little", "--nocapture"]).env(CHILD, "1");
        let output = child.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let took = text.lines().find_map(|line| line.split_once("took=")).expect(&text).1;
        took.parse::<u64>().unwrap()
    });
    let least = took.min().unwrap();
    assert!(least < 5000, "{least} µs: AWS-LC was built without AWS_LC_SYS_NO_JITTER_ENTROPY=1");
}
