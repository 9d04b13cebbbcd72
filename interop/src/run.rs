//! One case: both directions, changes to the sealed items, and a fault at sealing.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal_item::SchemaSpec;
use dynaseal_keys::testing::FakeAws;

use crate::aws::Aws;
use crate::faults::FAULTS;
use crate::generate::{self, Case};
use crate::keystore;
use crate::mutate::{FOOT, HEAD, Reading, mutate};
use crate::ours::Ours;
use crate::report::{Report, Section};
use crate::rings::{Ring, RsaPair};
use crate::standin;
use crate::values::{Attributes, type_name};

/// The two libraries over one KMS and one key store.
pub struct Sides {
    pub services: FakeAws,
    pub aws: Aws,
    pub ours: Ours,
}

impl Sides {
    /// With the branch keys of all rings in the key store.
    pub fn new(rsa: &RsaPair) -> Self {
        let services = standin::services(rsa);
        let sides = Self { aws: Aws::new(rsa, &services), ours: Ours::new(rsa, &services), services };
        keystore::prepare(&sides);
        sides
    }
}

/// Fails unless each case was opened with each ring that opens it, in both directions, and accepted.
pub fn require_all(numbers: Range<u64>, report: &mut Report) {
    for ring in Ring::ALL {
        let cases = numbers.clone().filter(|number| generate::ring(*number, &Ring::ALL) == ring).count() as u64;
        for opener in ring.openers() {
            for section in [Section::AwsToOurs, Section::OursToAws] {
                report.require(section, &opening(ring, *opener), cases);
            }
        }
    }
}

fn opening(ring: Ring, opener: Ring) -> String {
    if opener == ring { format!("{ring:?}") } else { format!("{ring:?} opened with {opener:?}") }
}

/// Runs one case. A panic of ours is a failure of that case.
pub fn case(sides: &Sides, seed: u64, number: u64, report: &mut Report) {
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut case = generate::case(seed, number, &Ring::ALL);
        case.item.values().for_each(|value| count_types(value, report));
        if let Some((by_aws, by_us)) = round_trip(sides, &case, report) {
            for (sealed, other) in [(&by_aws, &by_us), (&by_us, &by_aws)] {
                for _ in 0..MUTATIONS_EACH {
                    mutation(sides, &mut case, sealed, other, report);
                }
            }
        }
        fault(sides, &mut case, report);
    }));
    if result.is_err() {
        report.fail(Section::Faults, "no panic of ours", format!("case {number}"), "we panicked");
    }
}

/// Seals on both sides and opens everything on both. AWS's own round trip says what must come out.
fn round_trip(sides: &Sides, case: &Case, report: &mut Report) -> Option<(Attributes, Attributes)> {
    let place = format!("case {}", case.number);
    let by_aws = sides.aws.encryptor(&case.table, case.ring).and_then(|aws| aws.seal(&case.item));
    let by_us = sides.ours.seal(&case.table, case.ring, &case.item);
    let (by_aws, by_us) = match (by_aws, by_us) {
        (Ok(by_aws), Ok(by_us)) => (by_aws, by_us),
        (by_aws, by_us) => {
            let what = format!("AWS {:?}; we {:?}", by_aws.err(), by_us.err());
            report.fail(Section::OursToAws, format!("{:?}", case.ring), place, format!("not sealed: {what}"));
            return None;
        }
    };
    if let Err(what) = same_shape(&case.item, &by_aws, &by_us) {
        report.fail(Section::OursToAws, "sealed items have one shape", &place, what);
    } else {
        report.pass(Section::OursToAws, "sealed items have one shape");
    }
    let expected = open_aws(sides, &case.table, case.ring, &by_aws);
    if let Err(error) = &expected {
        report.fail(
            Section::AwsToOurs,
            format!("{:?}", case.ring),
            &place,
            format!("AWS cannot open its own: {error}"),
        );
        return None;
    }
    for ring in case.ring.openers() {
        let name = opening(case.ring, *ring);
        let ours = sides.ours.open(&case.table, *ring, &by_aws);
        report.compare(Section::AwsToOurs, &name, &place, &expected, &ours);
        let aws = open_aws(sides, &case.table, *ring, &by_us);
        report.compare(Section::OursToAws, &name, &place, &aws, &expected);
    }
    let ours = sides.ours.open(&case.table, case.ring, &by_us);
    report.compare(Section::OursToAws, "we open it too", &place, &expected, &ours);
    Some((by_aws, by_us))
}

fn mutation(sides: &Sides, case: &mut Case, sealed: &Attributes, other: &Attributes, report: &mut Report) {
    let reading = Reading { table: case.table.clone(), ring: case.ring, item: sealed.clone() };
    let (name, what, changed) = mutate(&mut case.rng, &reading, other);
    let aws = open_aws(sides, &changed.table, changed.ring, &changed.item);
    let ours = sides.ours.open(&changed.table, changed.ring, &changed.item);
    report.compare(Section::Mutations, name, format!("case {}: {what}", case.number), &aws, &ours);
}

/// Faults take turns; the verdicts must be the stated ones.
fn fault(sides: &Sides, case: &mut Case, report: &mut Report) {
    let fault = &FAULTS[(case.number % FAULTS.len() as u64) as usize];
    let (table, item) = fault.of(case);
    let aws = sides.aws.encryptor(&table, case.ring).and_then(|aws| aws.seal(&item));
    let ours = sides.ours.seal(&table, case.ring, &item);
    let place = format!("case {}", case.number);
    if !fault.expected.holds(aws.is_ok(), ours.is_ok()) {
        let what = format!("{:?} expected; AWS {:?}; we {:?}", fault.expected, aws.err(), ours.err());
        report.fail(Section::Faults, fault.name, place, what);
    } else if aws.is_ok() == ours.is_ok() {
        // Sealed items differ in every random byte, so what is compared is what both make of them.
        let open =
            |sealed: Result<Attributes, String>| sealed.and_then(|item| open_aws(sides, &table, case.ring, &item));
        report.compare(Section::Faults, fault.name, place, &open(aws), &open(ours));
    } else {
        report.pass(Section::Differences, fault.name);
    }
}

/// AWS opens an item, or says why the table or the item is refused.
pub fn open_aws(sides: &Sides, table: &SchemaSpec, ring: Ring, item: &Attributes) -> Result<Attributes, String> {
    sides.aws.encryptor(table, ring)?.open(item)
}

/// Whether two sealed forms of one item are alike in everything that is not random or encrypted.
fn same_shape(plain: &Attributes, one: &Attributes, two: &Attributes) -> Result<(), String> {
    if one.keys().ne(two.keys()) {
        return Err("the attributes differ".to_owned());
    }
    for (name, value) in one {
        let other = &two[name];
        let (AttributeValue::B(left), AttributeValue::B(right), false) = (value, other, plain.get(name) == Some(value))
        else {
            if value != other {
                return Err(format!("{name} differs"));
            }
            continue;
        };
        let (left, right) = (left.as_ref(), right.as_ref());
        if left.len() != right.len() {
            return Err(format!("{name} has {} and {} bytes", left.len(), right.len()));
        }
        // Header: version and flavor, then the message id, then the legend and its length. Encrypted: the type id.
        let legend = left.get(34..36).map_or(0, |length| usize::from(u16::from_be_bytes([length[0], length[1]])));
        let fixed = match name.as_str() {
            HEAD => [0..2, 34..36 + legend],
            FOOT => [0..0, 0..0],
            _ => [0..2, 0..0],
        };
        if fixed.into_iter().any(|range| left.get(range.clone()) != right.get(range)) {
            return Err(format!("{name} differs where nothing is random"));
        }
    }
    Ok(())
}

fn count_types(value: &AttributeValue, report: &mut Report) {
    report.pass(Section::Values, type_name(value));
    match value {
        AttributeValue::L(all) => all.iter().for_each(|value| count_types(value, report)),
        AttributeValue::M(all) => all.values().for_each(|value| count_types(value, report)),
        _ => {}
    }
}

/// Changes tried on each sealed item.
const MUTATIONS_EACH: u32 = 3;
