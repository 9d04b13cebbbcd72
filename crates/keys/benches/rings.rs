//! What a key ring adds to sealing and opening an item: the hierarchical ring with a warm cache beside the raw AES ring.
//!
//! `cargo bench -p dynaseal-keys --bench rings` prints the table; `-- --write` also puts it into docs/BENCHMARKS.md. It
//! fails if fewer than 10,000 items a second are sealed on one core, or fewer than nine tenths of what the raw AES ring
//! seals.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark may stop and print"
)]

#[path = "../../gateway/benches/gateway/page.rs"]
mod page;
#[path = "../tests/support/mod.rs"]
mod support;
#[path = "../tests/support/user.rs"]
mod users;

use std::fmt::Write as _;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use cpu_time::ThreadTime;
use dynaseal_item::Suite;
use dynaseal_keys::{BranchKeyFile, BranchKeyId, CacheOptions, Hierarchical, Provider, RawAes};

use users::{open, schema, seal, user};

fn main() -> ExitCode {
    let aes = Provider::new(Arc::new(RawAes::new("bench", "key", &[7; 32]).unwrap()));
    let store = Arc::new(BranchKeyFile::parse(&tenants()).unwrap());
    let cache = CacheOptions::new(Duration::from_secs(86_400));
    let branch =
        Provider::new(Arc::new(Hierarchical::new(store, BranchKeyId::Attribute("userId".into()), cache).unwrap()));
    let mut rows = String::new();
    let mut enough = true;
    for suite in [Suite::Hmac, Suite::EcdsaP384] {
        let schema = schema(suite);
        // As many items as tenants, so that keys and items are not always the ones that were just used.
        let items: Vec<String> = (0..TENANTS).map(|number| user(number, 1)).collect();
        let [by_aes, by_branch] =
            [&aes, &branch].map(|provider| items.iter().map(|item| seal(&schema, provider, item)).collect::<Vec<_>>());
        for (what, plain, aes_items, branch_items) in
            [("seal", true, &items, &items), ("open", false, &by_aes, &by_branch)]
        {
            let run = |provider: &Provider, item: &String| {
                black_box(if plain { seal(&schema, provider, item) } else { open(&schema, provider, item) });
            };
            let (mut a, mut b) = (aes_items.iter().cycle(), branch_items.iter().cycle());
            let [aes_time, branch_time] =
                medians([&mut || run(&aes, a.next().unwrap()), &mut || run(&branch, b.next().unwrap())]);
            let ratio = aes_time.as_secs_f64() / branch_time.as_secs_f64();
            let each_second = 1.0 / branch_time.as_secs_f64();
            enough &= !plain || ratio >= 0.9 && (each_second >= 10_000.0 || suite.signs());
            let [aes_micros, branch_micros] = [aes_time, branch_time].map(|time| time.as_secs_f64() * 1e6);
            let suite = if suite.signs() { "ecdsa-p384" } else { "hmac" };
            writeln!(
                rows,
                "| {suite} | {what} | {aes_micros:.1} | {branch_micros:.1} | {each_second:.0} | {ratio:.2} |"
            )
            .unwrap();
        }
    }
    let section = format!("{HEAD}{rows}");
    println!("{section}");
    let stats = branch.caches().into_values().next().unwrap();
    assert_eq!((stats.fetches, stats.misses), (TENANTS as u64, TENANTS as u64), "the cache was warm: {stats:?}");
    if page::wanted("--write") {
        page::write("Key rings", &section).unwrap();
    }
    println!("{}", if enough { "all within their targets" } else { "below a target" });
    if enough { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The median over all batches of the CPU time of one run of each; both take turns, so that a slow moment strikes both.
fn medians<const N: usize>(mut jobs: [&mut dyn FnMut(); N]) -> [Duration; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..BATCHES {
        for (job, times) in jobs.iter_mut().zip(&mut times) {
            let start = ThreadTime::now();
            (0..BATCH).for_each(|_| job());
            times.push(start.elapsed() / BATCH);
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    })
}

/// One branch key for each tenant; test keys of 32 bytes of 7.
fn tenants() -> String {
    let version = "00000000-0000-4000-8000-000000000001";
    let key = base64_simd::STANDARD.encode_to_string([7; 32]);
    let entries = (0..TENANTS).map(|number| {
        let id = format!("user-{number:020}");
        format!(r#"{{"branch_key_id":"{id}","active_version":"{version}","versions":{{"{version}":"{key}"}}}}"#)
    });
    format!("[{}]", entries.collect::<Vec<_>>().join(","))
}

/// As many as fit into the cache of the default size, which holds two entries for each.
const TENANTS: usize = 500;
const BATCHES: usize = 201;
const BATCH: u32 = 100;

const HEAD: &str = "\
`cargo bench -p dynaseal-keys --bench rings -- --write`

The item `user` from DynamoDB JSON to DynamoDB JSON on one thread, medians of its CPU time over batches in which both rings
take turns. *Hierarchical* has 500 branch keys, one for each tenant and item, all of them in the cache.

| suite | | raw AES µs | hierarchical µs | items/s per core | of raw AES |
|---|---|--:|--:|--:|--:|
";
