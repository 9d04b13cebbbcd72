//! The closed form against the simulation, and both against the real key ring.

mod ring;

use super::limits::{Break, Knob, Limits, Remedy, kms_quota};
use super::load::Load;
use super::model::expect;
use super::options::Options;
use super::report;
use super::simulate::simulate;

/// Small loads, each with something else that matters.
fn loads() -> Vec<(&'static str, Load, f64)> {
    let base = Load { rate: 50.0, tenants: 200, processes: 4, spread: 4, ttl: 60, capacity: 10_000, ..Load::default() };
    vec![
        ("as it comes", base, 0.02),
        ("no early refresh", Load { early: 0.0, ..base }, 0.02),
        ("very early refresh", Load { early: 0.9, ..base }, 0.02),
        ("busy", Load { rate: 500.0, ..base }, 0.02),
        ("hardly any use", Load { rate: 5.0, ttl: 600, tenants: 2_000, ..base }, 0.03),
        ("tenants alike", Load { zipf: 0.0, ..base }, 0.02),
        ("only sealed", Load { reads: 0.0, ..base }, 0.02),
        ("only opened", Load { reads: 1.0, ..base }, 0.02),
        ("one version", Load { old_versions: 0, ..base }, 0.02),
        ("sticky", Load { spread: 1, ..base }, 0.02),
        ("half as large as need be", Load { capacity: 150, ..base }, 0.05),
        ("far too small", Load { capacity: 40, ..base }, 0.05),
        ("too small and alike", Load { capacity: 200, zipf: 0.0, ..base }, 0.05),
        ("too small and busy", Load { capacity: 100, rate: 300.0, zipf: 0.6, ..base }, 0.05),
    ]
}

#[test]
fn the_closed_form_agrees_with_the_simulation() {
    for (name, load, tolerance) in loads() {
        let (expected, counted) = (expect(&load), simulate(&load, 7));
        let off = counted.fetches / expected.fetches - 1.0;
        println!("{name}: expected {:.3}/s, counted {:.3}/s, {:+.2} %", expected.fetches, counted.fetches, off * 100.0);
        assert!(off.abs() < tolerance, "{name}: {expected:?} {counted:?}");
    }
}

#[test]
fn the_busiest_key_agrees_too() {
    let load = Load { rate: 400.0, tenants: 50, processes: 2, spread: 2, ttl: 60, ..Load::default() };
    let (expected, counted) = (expect(&load), simulate(&load, 7));
    assert!((counted.hottest / expected.hottest - 1.0).abs() < 0.05, "{expected:?} {counted:?}");
}

#[test]
fn a_cache_saves_what_it_is_there_to_save() {
    let load = Load { rate: 1e6, tenants: 100, ..Load::default() };
    let (limits, expected) = (Limits::default(), expect(&load));
    // At most each of five entries, in each of ten processes, once in at least 80 % of an hour.
    assert!(expected.fetches <= 100.0 * 5.0 * 10.0 / (0.8 * 3600.0));
    assert!(limits.cost_without_cache(&load) > 100_000.0 * limits.cost(&expected));
    assert_eq!(limits.breaks(&expected), []);
}

#[test]
fn what_breaks_is_said_and_so_is_what_mends_it() {
    let limits = Limits::default();
    let load = Load { rate: 1e5, tenants: 10_000, ..Load::default() };
    let expected = expect(&load);
    assert_eq!(limits.breaks(&expected), [Break::Kms, Break::Table, Break::Restart]);
    let remedy = limits.remedy(&load, &expected);
    let [Knob::Capacity(capacity)] = remedy.alone[..] else { panic!("{remedy:?}") };
    assert!(expect(&Load { capacity, ..load }).fetches <= limits.kms);
    assert!(expect(&Load { capacity: capacity / 2, ..load }).fetches > limits.kms);
    assert_eq!(remedy.start, Some(2));

    // A short time to live, with room for all: every setting but the capacity moves it.
    let load = Load { rate: 1e6, tenants: 10_000, ttl: 30, capacity: 100_000, ..Load::default() };
    let Remedy { alone, .. } = limits.remedy(&load, &expect(&load));
    assert!(matches!(alone[..], [Knob::Ttl(60), Knob::Spread(5), Knob::OldVersions(1)]), "{alone:?}");

    let load = Load { rate: 1e7, tenants: 1_000_000, ..Load::default() };
    let Remedy { alone, together, start } = limits.remedy(&load, &expect(&load));
    assert_eq!((alone, start), (Vec::new(), Some(0)));
    assert!(matches!(together[..], [Knob::Capacity(_), Knob::Ttl(_)]), "{together:?}");
}

#[test]
fn one_branch_key_can_be_too_hot_for_its_partition() {
    let load = Load { rate: 1e7, tenants: 1, processes: 20_000, spread: 20_000, ttl: 10, ..Load::default() };
    assert!(Limits { kms: 1e5, ..Limits::default() }.breaks(&expect(&load)).contains(&Break::Partition));
}

#[test]
fn quotas_are_those_of_the_region() {
    assert_eq!([kms_quota("eu-west-1"), kms_quota("eu-central-1"), kms_quota("eu-south-1")], [1e5, 2e4, 1e4]);
}

#[test]
fn options_are_read_and_checked() {
    let options =
        Options::parse(&["--rate", "10,1_000", "--tenants", "5", "--processes", "3", "--region", "eu-west-2"]);
    let options = options.unwrap().unwrap();
    assert_eq!(options.loads.iter().map(|load| load.rate).collect::<Vec<_>>(), [10.0, 1_000.0]);
    assert_eq!((options.loads[0].tenants, options.loads[0].spread, options.limits.kms), (5, 3, 20_000.0));
    assert_eq!(Options::parse(&["--help"]).unwrap(), None);
    for wrong in [
        &["--rate", "0"][..],
        &["--rate", "10,,20"],
        &["--tenants", "1000001"],
        &["--ttl", "0"],
        &["--early", "1"],
        &["--zipf", "NaN"],
        &["--kms-price", "-1"],
        &["--spread", "11"],
        &["--ttl"],
        &["--tll", "60"],
    ] {
        assert!(Options::parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn the_table_is_aligned_and_the_json_is_json() {
    let options = Options::parse(&["--rate", "100,10000000", "--tenants", "10000"]).unwrap().unwrap();
    let rows = super::rows(&options).unwrap();
    let table = report::table(&rows, &options.limits);
    let ends: Vec<_> = table.lines().take(3).map(|line| line.chars().count()).collect();
    assert!(ends.iter().all(|&end| end == ends[0] && end < 200), "{table}");
    assert!(table.contains("Enough by itself: cache_capacity = "), "{table}");
    let json: serde_json::Value = serde_json::from_str(&report::json(&rows, &options.limits)).unwrap();
    assert_eq!((json[0]["rate"].as_f64(), json[0]["breaks"].as_array().map(Vec::len)), (Some(100.0), Some(0)));
    assert_eq!(json[1]["breaks"][0], "kms");
    assert!(json[1]["enough_alone"]["cache_capacity"].as_u64() > Some(1_000));
}

#[test]
fn what_would_take_too_long_is_not_simulated() {
    let options = Options::parse(&["--rate", "10000000", "--simulate"]).unwrap().unwrap();
    assert!(super::rows(&options).is_err());
}
