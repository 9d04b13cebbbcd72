//! Seals and opens three items from DynamoDB JSON to DynamoDB JSON and prints the CPU time beside AWS's crate and beside
//! the floor, the bare cryptography that the format forces.
//!
//! `cargo bench --bench items` prints the table; `-- --write` also puts it into docs/BENCHMARKS.md. It fails if a ratio
//! to the floor is above its target.

mod floor;
mod page;
mod shapes;
mod table;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use cpu_time::ProcessTime;
use dynaseal_interop::aws::{Aws, Encryptor};
use dynaseal_interop::ours::{self, Ours};
use dynaseal_interop::rings::{Ring, RsaPair};
use dynaseal_interop::run::Sides;
use dynaseal_interop::values;
use dynaseal_item::{Schema, Suite};
use dynaseal_keys::Provider;
use floor::Floor;
use shapes::Shape;
use table::{Row, Times};

fn main() -> ExitCode {
    let rsa = RsaPair::generate();
    let Sides { aws, ours, .. } = Sides::new(&rsa);
    let mut rows = Vec::new();
    for suite in [Suite::Hmac, Suite::EcdsaP384] {
        for shape in Shape::all() {
            rows.push(measure(&shape, suite, &aws, &ours));
        }
    }
    let table = table::markdown(&rows);
    println!("{table}");
    if page::wanted() {
        page::write("Items", &table::section(&table, &rows)).expect("docs/BENCHMARKS.md can be written");
    }
    if rows.iter().all(Row::within_target) {
        println!("all within their targets");
        ExitCode::SUCCESS
    } else {
        println!("above target; a machine that does other work at the time can cause that");
        ExitCode::FAILURE
    }
}

/// Seal and open of one shape. The three sides take turns batch by batch, so that a slow moment strikes all of them.
fn measure(shape: &Shape, suite: Suite, aws: &Aws, ours: &Ours) -> Row {
    let table = shape.table(suite);
    let schema = table.clone().build().expect("a schema");
    let encryptor = aws.encryptor(&table, Ring::Aes256).expect("an encryptor");
    let provider = ours.provider(&table, Ring::Aes256);
    let sealed = ours::seal(&schema, &provider, ours::OFFLINE, &shape.json).expect("a sealed item");
    check(shape, &schema, &encryptor, &provider, &sealed);
    let mut floor = Floor::of(&schema, &shape.json, &sealed);
    let mut floor_again = Floor::of(&schema, &shape.json, &sealed);

    let [ours_seal, floor_seal, aws_seal] = medians([
        &mut || drop(black_box(ours::seal(&schema, &provider, ours::OFFLINE, &shape.json).expect("a sealed item"))),
        &mut || floor.seal(),
        &mut || drop(black_box(aws_seal(&encryptor, &shape.json))),
    ]);
    let [ours_open, floor_open, aws_open] = medians([
        &mut || drop(black_box(ours::open(&schema, &provider, ours::OFFLINE, &sealed).expect("an item"))),
        &mut || floor_again.open(),
        &mut || drop(black_box(aws_open(&encryptor, &sealed))),
    ]);
    Row {
        shape: shape.name,
        what: shape.what,
        suite,
        target: if suite == Suite::Hmac { shape.target } else { ECDSA_TARGET },
        seal: Times { ours: ours_seal, floor: floor_seal, aws: aws_seal },
        open: Times { ours: ours_open, floor: floor_open, aws: aws_open },
    }
}

/// A fast wrong answer is worth nothing: both sides must open what was sealed, and to the same item.
fn check(shape: &Shape, schema: &Schema, encryptor: &Encryptor<'_>, provider: &Provider, sealed: &[u8]) {
    assert!(shape.size.contains(&shape.json.len()), "{} has {} bytes", shape.name, shape.json.len());
    let plain = values::from_json(&shape.json).expect("an item");
    let opened = ours::open(schema, provider, ours::OFFLINE, sealed).expect("an item");
    let opened = values::from_json(&opened).expect("an item");
    let by_aws = values::from_json(&aws_open(encryptor, sealed)).expect("an item");
    assert_eq!(opened, by_aws);
    assert!(plain.keys().eq(opened.keys()));
}

/// AWS's crate has no JSON of its own, so reading and writing it is part of its job, done with serde_json.
fn aws_seal(encryptor: &Encryptor<'_>, json: &[u8]) -> Vec<u8> {
    let item = values::from_json(json).expect("an item");
    values::to_json(&encryptor.seal(&item).expect("a sealed item")).into_bytes()
}

fn aws_open(encryptor: &Encryptor<'_>, json: &[u8]) -> Vec<u8> {
    let item = values::from_json(json).expect("an item");
    values::to_json(&encryptor.open(&item).expect("an item")).into_bytes()
}

/// The median over all batches of the CPU time of one run of each.
fn medians<const N: usize>(mut jobs: [&mut dyn FnMut(); N]) -> [Duration; N] {
    let runs: Vec<u32> = jobs.iter_mut().map(|job| runs_per_batch(*job)).collect();
    let mut times = vec![Vec::new(); N];
    for _ in 0..BATCHES {
        for ((job, runs), times) in jobs.iter_mut().zip(&runs).zip(&mut times) {
            times.push(time(*job, *runs) / *runs);
        }
    }
    let mut medians = times.into_iter().map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    std::array::from_fn(|_| medians.next().expect("a median per job"))
}

/// How many runs fill a batch; finding out also warms caches.
fn runs_per_batch(job: &mut dyn FnMut()) -> u32 {
    let mut runs = 1;
    while time(job, runs) < BATCH {
        runs *= 2;
    }
    runs
}

fn time(job: &mut dyn FnMut(), runs: u32) -> Duration {
    let start = ProcessTime::now();
    for _ in 0..runs {
        job();
    }
    start.elapsed()
}

const BATCHES: usize = 41;
const BATCH: Duration = Duration::from_millis(10);
/// The bound on the ratio to the floor with the ecdsa suite, for every shape.
const ECDSA_TARGET: f64 = 1.25;
