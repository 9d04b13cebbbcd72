//! `dynaseal seal` and `dynaseal open`.

use std::sync::Arc;

use dynaseal_engine::{Config, Engine, Error as EngineError, Failure, Io, Machine, SystemClock, Table};
use dynaseal_item::{Item, json};

use super::Outcome;
use crate::args::{InputArgs, OpenArgs, SealArgs};
use crate::error::Error;
use crate::items::{Failed, document, export, stream};
use crate::network::Network;

pub(crate) fn seal(args: &SealArgs) -> Result<Outcome, Error> {
    let config = Config::load(&args.input.config, &Machine)?;
    let table = config.tables.get(&args.table).cloned().ok_or_else(|| no_table(&args.input, &args.table))?;
    let network = Network::of_keys(&config, Some(&table))?;
    let work: Arc<stream::Work> = Arc::new(move |number, line, out| seal_item(&table, io(&network), number, line, out));
    stream::run(&work, args.input.threads)
}

pub(crate) fn open(args: &OpenArgs) -> Result<Outcome, Error> {
    let config = Config::load(&args.input.config, &Machine)?;
    let named = |name| config.tables.get(name).cloned().ok_or_else(|| no_table(&args.input, name));
    let table = args.table.as_deref().map(named).transpose()?;
    let network = Network::of_keys(&config, table.as_ref())?;
    let opener = Opener { table, network, engine: config.into_engine(Arc::new(SystemClock)) };
    let work: Arc<stream::Work> = Arc::new(move |number, line, out| opener.open(number, line, out));
    stream::run(&work, args.input.threads)
}

pub(super) fn no_table(input: &InputArgs, table: &str) -> Error {
    Error::NoTable { file: input.config.clone(), table: table.to_owned() }
}

pub(super) fn io(network: &Network) -> Io<'_> {
    Io { wire: network, clock: &SystemClock }
}

fn seal_item(table: &Table, io: Io<'_>, number: u64, line: &str, out: &mut Vec<u8>) -> Result<(), Failed> {
    let unread = |error: dynaseal_item::Error| failed("seal", table, &error.into());
    let item = export::read_plain(number, line).map_err(unread)?;
    let sealed = pollster::block_on(table.seal(io, item));
    json::write_item(&sealed.map_err(|failure| failed("seal", table, &failure))?, out);
    Ok(())
}

/// Opens items of the table that was named, and stream records of any.
struct Opener {
    table: Option<Table>,
    network: Network,
    engine: Engine,
}

impl Opener {
    /// No text can be read as an item and as records too: `Records` is a list and the members of `dynamodb` have names
    /// that no type has, so neither is an attribute's value.
    fn open(&self, number: u64, line: &str, out: &mut Vec<u8>) -> Result<(), Failed> {
        let unread = match export::read_item(number, line) {
            Ok((item, wrapped)) => return self.open_item(item, wrapped, out),
            Err(unread) => unread,
        };
        match pollster::block_on(self.engine.open_records(&self.network, self.table.as_ref().map(Table::name), line)) {
            Ok(opened) => {
                // Untouched parts stay as they were, line ends among them.
                document::write_line(&opened, out);
                Ok(())
            }
            Err(EngineError::NotRecords) => Err(match &self.table {
                Some(table) => failed("open", table, &unread.into()),
                None => Failed::new(unread.code(), format_args!("open: {unread}"), unread.hint()),
            }),
            Err(error) => Err(Failed::new(error.code(), &error, error.hint())),
        }
    }

    /// An export's line comes out as an export's line.
    fn open_item(&self, mut item: Item<'_>, wrapped: bool, out: &mut Vec<u8>) -> Result<(), Failed> {
        let unnamed =
            || Failed::new("DSL-8103", "open: an item does not say which table it is of", "name it by --table");
        let table = self.table.as_ref().ok_or_else(unnamed)?;
        let opened = pollster::block_on(table.open(io(&self.network), &mut item));
        let opened = opened.map_err(|failure| failed("open", table, &failure))?;
        let write = if wrapped { export::write_item } else { json::write_item };
        write(&opened, out);
        Ok(())
    }
}

pub(super) fn failed(operation: &str, table: &Table, failure: &Failure) -> Failed {
    Failed::new(failure.code(), format_args!("{operation} on table {}: {failure}", table.name()), failure.hint())
}
