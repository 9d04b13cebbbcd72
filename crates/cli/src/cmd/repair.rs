//! `dynaseal repair`: names what was added to items after they were sealed, and takes in what it is told to.

use std::sync::Arc;

use dynaseal_engine::{Config, Io, Machine, Table};

use super::Outcome;
use super::seal::{failed, io, no_table};
use crate::args::RepairArgs;
use crate::error::Error;
use crate::items::{Failed, export, stream};
use crate::network::Network;

pub(crate) fn run(args: &RepairArgs) -> Result<Outcome, Error> {
    let config = Config::load(&args.input.config, &Machine)?;
    let table = config.tables.get(&args.table).cloned().ok_or_else(|| no_table(&args.input, &args.table))?;
    let network = Network::of_keys(&config, Some(&table))?;
    let added = args.attribute.clone();
    let work: Arc<stream::Work> =
        Arc::new(move |number, line, out| repair(&table, io(&network), &added, (number, line), out));
    stream::run(&work, args.input.threads)
}

fn repair(
    table: &Table,
    io: Io<'_>,
    added: &[String],
    (number, line): (u64, &str),
    out: &mut Vec<u8>,
) -> Result<(), Failed> {
    let unread = |error: dynaseal_item::Error| failed("repair", table, &error.into());
    let (item, _) = export::read_item(number, line).map_err(unread)?;
    if !added.is_empty() {
        let request = pollster::block_on(table.repair(io, &item, added));
        out.extend_from_slice(&request.map_err(|error| Failed::new(error.code(), &error, error.hint()))?);
        return Ok(());
    }
    let found = pollster::block_on(table.added(io, &item)).map_err(|failure| failed("repair", table, &failure))?;
    if found.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = found.iter().map(|name| format!("\"{name}\"")).collect();
    Err(Failed::new(
        "DSL-8104",
        format_args!("repair on table {}: added without sealing: {}", table.name(), names.join(", ")),
        "look at the values: --attribute takes one in, an UpdateItem without Dynaseal removes it",
    ))
}
