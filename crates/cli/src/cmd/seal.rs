//! `dynaseal seal` and `dynaseal open`.

use std::sync::Arc;

use dynaseal_engine::{Answer, BoxFuture, Call, Config, Failure, Io, Machine, SystemClock, Table, Wire, WireError};
use dynaseal_item::json;

use super::Outcome;
use crate::args::ItemArgs;
use crate::error::Error;
use crate::items::{Failed, export, stream};

/// Which of the two.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Direction {
    Seal,
    Open,
}

pub(crate) fn run(direction: Direction, args: &ItemArgs) -> Result<Outcome, Error> {
    let table = table(args)?;
    let work: Arc<stream::Work> = match direction {
        Direction::Seal => Arc::new(move |number, line, out| seal(&table, number, line, out)),
        Direction::Open => Arc::new(move |number, line, out| open(&table, number, line, out)),
    };
    stream::run(&work, args.threads)
}

fn table(args: &ItemArgs) -> Result<Table, Error> {
    let mut config = Config::load(&args.config, &Machine)?;
    let table = config.tables.remove(&args.table);
    table.ok_or_else(|| Error::NoTable { file: args.config.clone(), table: args.table.clone() })
}

fn seal(table: &Table, number: u64, line: &str, out: &mut Vec<u8>) -> Result<(), Failed> {
    let unread = |error: dynaseal_item::Error| failed("seal", table, &error.into());
    let item = export::read_plain(number, line).map_err(unread)?;
    let sealed = pollster::block_on(table.seal(IO, item));
    json::write_item(&sealed.map_err(|failure| failed("seal", table, &failure))?, out);
    Ok(())
}

/// An export's line comes out as an export's line.
fn open(table: &Table, number: u64, line: &str, out: &mut Vec<u8>) -> Result<(), Failed> {
    let unread = |error: dynaseal_item::Error| failed("open", table, &error.into());
    let (mut item, wrapped) = export::read_item(number, line).map_err(unread)?;
    let opened = pollster::block_on(table.open(IO, &mut item));
    let opened = opened.map_err(|failure| failed("open", table, &failure))?;
    let write = if wrapped { export::write_item } else { json::write_item };
    write(&opened, out);
    Ok(())
}

fn failed(operation: &str, table: &Table, failure: &Failure) -> Failed {
    Failed::new(failure.code(), format_args!("{operation} on table {}: {failure}", table.name()), failure.hint())
}

/// The key types that can be configured so far need no network; one that asks for it is told that there is none.
#[derive(Debug)]
struct NoNetwork;

impl Wire for NoNetwork {
    fn send(&self, _: Call) -> BoxFuture<'_, Result<Answer, WireError>> {
        Box::pin(std::future::ready(Err(WireError::Unreachable)))
    }
}

const IO: Io<'static> = Io { wire: &NoNetwork, clock: &SystemClock };
