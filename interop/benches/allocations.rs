//! Counts the allocations of sealing and opening the items of `items`, ours and AWS's. A counting allocator costs time,
//! so this is a program of its own.
//!
//! `cargo bench --bench allocations` prints the table; `-- --write` also puts it into docs/BENCHMARKS.md.

#[path = "items/page.rs"]
mod page;
#[expect(dead_code, reason = "the table of times says more about an item")]
#[path = "items/shapes.rs"]
mod shapes;

use std::fmt::Write as _;
use std::hint::black_box;

use allocation_counter::{AllocationInfo, measure};
use dynaseal_interop::ours;
use dynaseal_interop::rings::{Ring, RsaPair};
use dynaseal_interop::run::Sides;
use dynaseal_interop::values;
use dynaseal_item::Suite;
use shapes::Shape;

fn main() {
    let rsa = RsaPair::generate();
    let Sides { aws, ours, .. } = Sides::new(&rsa);
    let mut table = HEAD.to_owned();
    for shape in Shape::all() {
        let spec = shape.table(Suite::Hmac);
        let schema = spec.clone().build().expect("a schema");
        let encryptor = aws.encryptor(&spec, Ring::Aes256).expect("an encryptor");
        let provider = ours.provider(&spec, Ring::Aes256);
        let sealed = ours::seal(&schema, &provider, ours::OFFLINE, &shape.json).expect("a sealed item");
        // AWS's side starts from its own values, so that serde_json is not counted against it.
        let (plain_values, sealed_values) = (read(&shape.json), read(&sealed));
        let seal = count(|| drop(black_box(ours::seal(&schema, &provider, ours::OFFLINE, &shape.json))));
        let open = count(|| drop(black_box(ours::open(&schema, &provider, ours::OFFLINE, &sealed))));
        let aws_seal = count(|| drop(black_box(encryptor.seal(&plain_values))));
        let aws_open = count(|| drop(black_box(encryptor.open(&sealed_values))));
        for (call, ours, aws) in [("seal", seal, aws_seal), ("open", open, aws_open)] {
            let _ = writeln!(
                table,
                "| {} | {call} | {} | {} | {} | {} |",
                shape.name,
                ours.count_total,
                ours.bytes_total / 1000,
                aws.count_total,
                aws.bytes_total / 1000,
            );
        }
    }
    println!("{table}");
    if page::wanted() {
        page::write("Allocations", &format!("{ABOUT}{table}")).expect("docs/BENCHMARKS.md can be written");
    }
}

fn read(json: &[u8]) -> values::Attributes {
    values::from_json(json).expect("an item")
}

/// The second run: the first fills what the libraries keep for themselves.
fn count(run: impl Fn()) -> AllocationInfo {
    run();
    measure(run)
}

const ABOUT: &str = "\
`cd interop && cargo bench --bench allocations -- --write`

The same items with the hmac suite. Ours from JSON to JSON; AWS's from its own values to its own values.

";

const HEAD: &str = "\
| item | | Dynaseal allocations | KB | aws-db-esdk allocations | KB |
|---|---|--:|--:|--:|--:|
";
