//! What the hierarchical key ring asks of KMS and of its key store, on paper: `cargo xtask capacity`.
//!
//! ```text
//!   options -> load -> model (closed form) ──────> limits (what breaks, which setting moves it, cost) -> report
//!                  \-> simulate (each request) ──────────────────────────────────────────────────────/
//! ```

mod limits;
mod load;
mod model;
mod options;
mod report;
mod simulate;

use options::{HELP, Options};
use report::Row;

use crate::step::Failed;

#[expect(clippy::print_stdout, reason = "the answer")]
pub(crate) fn run(args: &[&str]) -> Result<(), Failed> {
    let Some(options) = Options::parse(args)? else {
        print!("{HELP}");
        return Ok(());
    };
    let rows = rows(&options)?;
    let out = if options.json { report::json(&rows, &options.limits) } else { report::table(&rows, &options.limits) };
    print!("{out}");
    Ok(())
}

fn rows(options: &Options) -> Result<Vec<Row>, Failed> {
    let longest = options.loads.iter().map(simulate::length).fold(0.0, f64::max);
    if options.simulate && longest > MOST_SIMULATED {
        return Err(Failed::new(format!(
            "--simulate would run {} requests for one load: twelve times --ttl at --rate; give smaller ones",
            report::grouped(longest)
        )));
    }
    let row = |load: &load::Load| {
        let expected = model::expect(load);
        let breaks = options.limits.breaks(&expected);
        let remedy = options.limits.remedy(load, &expected);
        let counted = options.simulate.then(|| simulate::simulate(load, SEED));
        Row { load: *load, expected, counted, breaks, remedy }
    };
    Ok(options.loads.iter().map(row).collect())
}

const MOST_SIMULATED: f64 = 50e6;
const SEED: u64 = 1;

#[cfg(test)]
mod tests;
