//! The closed form against the simulation, and both against the real key ring.

mod ring;

use super::limits::{Break, Knob, Limits, kms_quota};
use super::load::Load;
use super::model::expect;
use super::options::Options;
use super::report;
use super::simulate::simulate;

/// Small loads, each with something else that matters.
fn loads() -> Vec<(&'static str, Load, f64)> {
    let base =
        Load { rate: 50.0, tenants: 200, processes: 4, spread: 4, ttl: 60.0, capacity: 10_000, ..Load::default() };
    vec![
        ("as it comes", base.clone(), 0.02),
        ("no early refresh", Load { early: 0.0, ..base.clone() }, 0.02),
        ("very early refresh", Load { early: 0.9, ..base.clone() }, 0.02),
        ("busy", Load { rate: 500.0, ..base.clone() }, 0.02),
        ("hardly any use", Load { rate: 5.0, ttl: 600.0, tenants: 2_000, ..base.clone() }, 0.03),
        ("tenants alike", Load { zipf: 0.0, ..base.clone() }, 0.02),
        ("only sealed", Load { reads: 0.0, ..base.clone() }, 0.02),
        ("only opened", Load { reads: 1.0, ..base.clone() }, 0.02),
        ("one version", Load { old_versions: 0, ..base.clone() }, 0.02),
        ("sticky", Load { spread: 1, ..base.clone() }, 0.02),
        ("half as large as need be", Load { capacity: 150, ..base.clone() }, 0.05),
        ("far too small", Load { capacity: 40, ..base.clone() }, 0.05),
        ("too small and alike", Load { capacity: 200, zipf: 0.0, ..base.clone() }, 0.05),
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
    let load = Load { rate: 400.0, tenants: 50, processes: 2, spread: 2, ttl: 60.0, ..Load::default() };
    let (expected, counted) = (expect(&load), simulate(&load, 7));
    assert!((counted.hottest / expected.hottest - 1.0).abs() < 0.05, "{expected:?} {counted:?}");
}
