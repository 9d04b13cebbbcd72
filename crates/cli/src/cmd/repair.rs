//! `dynaseal repair`: names what was added to items after they were sealed, and takes in what it is told to.

use std::sync::Arc;

use dynaseal_engine::{Config, Io, Machine, Table};
use dynaseal_item::Item;

use super::Outcome;
use super::seal::{failed, io};
use crate::args::RepairArgs;
use crate::error::Error;
use crate::items::lines::Unit;
use crate::items::{Cause, Failed, stream, wrapped};
use crate::network::Network;
use crate::tables;

pub(crate) fn run(args: &RepairArgs) -> Result<Outcome, Error> {
    let config = Config::load(&args.input.config, &Machine)?;
    let table = tables::chosen(&config, &args.input.config, &args.table, &args.table_keys)?;
    let network = Network::of_keys(&config, Some(&table))?;
    let added = args.attribute.clone();
    let work: Arc<stream::Work> =
        Arc::new(move |number, line, out| repair(&table, io(&network), &added, (number, line), out));
    stream::run(&work, args.input.way(Unit::Document))
}

fn repair(
    table: &Table,
    io: Io<'_>,
    added: &[String],
    (number, line): (u64, &str),
    out: &mut Vec<u8>,
) -> Result<(), Failed> {
    let unread = |error: dynaseal_item::Error| failed("repair", table, &error.into());
    for (at, item) in wrapped::all(number, line).map_err(unread)?.into_iter().enumerate() {
        if at > 0 && !out.is_empty() {
            out.push(b'\n');
        }
        repair_item(table, io, added, &item, out)?;
    }
    Ok(())
}

fn repair_item(table: &Table, io: Io<'_>, added: &[String], item: &Item<'_>, out: &mut Vec<u8>) -> Result<(), Failed> {
    if !added.is_empty() {
        let request = pollster::block_on(table.repair(io, item, added));
        out.extend_from_slice(
            &request
                .map_err(|error| Failed::new(error.code(), &error, error.hint()).because(Cause::of_call(&error)))?,
        );
        return Ok(());
    }
    let found = pollster::block_on(table.added(io, item)).map_err(|failure| failed("repair", table, &failure))?;
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
