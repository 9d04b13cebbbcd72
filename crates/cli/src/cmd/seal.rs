//! `dynaseal seal` and `dynaseal open`.

use std::sync::Arc;

use dynaseal_engine::{
    Config, Engine, Error as EngineError, Failure, ITEM_LIMIT, Io, Machine, SystemClock, Table, item_size,
};
use dynaseal_item::{Item, json};

use super::Outcome;
use crate::args::{OpenArgs, SealArgs};
use crate::error::Error;
use crate::items::lines::Unit;
use crate::items::wrapped::{self, Found, Inner, Wrapped};
use crate::items::{Cause, Failed, document, stream};
use crate::network::Network;
use crate::tables;

pub(crate) fn seal(args: &SealArgs) -> Result<Outcome, Error> {
    let config = Config::load(&args.input.config, &Machine)?;
    let table = tables::chosen(&config, &args.input.config, &args.table, &args.table_keys)?;
    let network = Network::of_keys(&config, Some(&table))?;
    let most = if args.any_size { usize::MAX } else { ITEM_LIMIT };
    let work: Arc<stream::Work> =
        Arc::new(move |number, line, out| seal_line(&table, most, io(&network), (number, line), out));
    stream::run(&work, args.input.way(Unit::Line))
}

pub(crate) fn open(args: &OpenArgs) -> Result<Outcome, Error> {
    let mut config = Config::load(&args.input.config, &Machine)?;
    let named = |name| tables::chosen(&config, &args.input.config, name, &args.table_keys);
    let table = args.table.as_deref().map(named).transpose()?;
    let network = Network::of_keys(&config, table.as_ref())?;
    if let Some(table) = &table {
        // One of a pattern has its keys from the command line; records find it by its name.
        config.tables.insert(table.name().to_owned(), table.clone());
    }
    let opener = Opener { table, network, engine: config.into_engine(Arc::new(SystemClock)) };
    let work: Arc<stream::Work> = Arc::new(move |number, line, out| opener.open(number, line, out));
    stream::run(&work, args.input.way(Unit::Document))
}

pub(super) fn io(network: &Network) -> Io<'_> {
    Io { wire: network, clock: &SystemClock }
}

/// What came in a wrapper comes out in one.
fn seal_line(
    table: &Table,
    most: usize,
    io: Io<'_>,
    (number, line): (u64, &str),
    out: &mut Vec<u8>,
) -> Result<(), Failed> {
    let unread = |error: dynaseal_item::Error| failed("seal", table, &error.into());
    match wrapped::read(number, line).map_err(unread)? {
        Found::Item(item) => seal_item(table, most, io, item, out),
        Found::Wrapped(wrapped) => {
            wrapped.rewrite(out, |inner, out| seal_item(table, most, io, wrapped.item(inner).map_err(unread)?, out))
        }
    }
}

fn seal_item(table: &Table, most: usize, io: Io<'_>, item: Item<'_>, out: &mut Vec<u8>) -> Result<(), Failed> {
    let sealed = pollster::block_on(table.seal_given(io, item)).map_err(|failure| failed("seal", table, &failure))?;
    let size = item_size(&sealed);
    if size > most {
        return Err(Failed::new(
            "DSL-2004",
            format_args!(
                "seal on table {}: sealed, the item has {size} bytes, {} more than DynamoDB stores",
                table.name(),
                size - most
            ),
            "shorten the item; --any-size is for items that are stored elsewhere",
        ));
    }
    json::write_item(&sealed, out);
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
        let unread = match wrapped::read(number, line) {
            Ok(Found::Item(item)) => return self.open_item(self.table()?, item, out),
            Ok(Found::Wrapped(wrapped)) => {
                return wrapped.rewrite(out, |inner, out| self.open_inner(&wrapped, inner, out));
            }
            Err(unread) => unread,
        };
        match pollster::block_on(self.engine.open_records(&self.network, self.table.as_ref().map(Table::name), line)) {
            Ok(opened) => {
                // Untouched parts stay as they were, line ends among them.
                document::write_line(&opened, out);
                Ok(())
            }
            Err(EngineError::NotRecords) => Err(self.unread(&unread)),
            Err(EngineError::Unlearned { table, .. }) => Err(Failed::new(
                "DSL-2008",
                format_args!("open on table {table}: a pattern protects it, and nothing here says what its keys are"),
                "name it with --table, and its keys with --partition-key and --sort-key",
            )),
            Err(error) => Err(Failed::new(error.code(), &error, error.hint()).because(Cause::of_call(&error))),
        }
    }

    fn table(&self) -> Result<&Table, Failed> {
        let unnamed =
            || Failed::new("DSL-8103", "open: an item does not say which table it is of", "name it by --table");
        self.table.as_ref().ok_or_else(unnamed)
    }

    fn unread(&self, error: &dynaseal_item::Error) -> Failed {
        let at = self.table.as_ref().map(|table| format!(" on table {}", table.name())).unwrap_or_default();
        Failed::new(error.code(), format_args!("open{at}: {error}"), error.hint())
    }

    /// An answer may say which table an item is of; what was named goes before it, as for a table that was restored.
    fn open_inner(&self, wrapped: &Wrapped<'_>, inner: &Inner<'_>, out: &mut Vec<u8>) -> Result<(), Failed> {
        let table = match (&self.table, &inner.table) {
            (None, Some(name)) => self.engine.table(name).ok_or_else(|| {
                let what = format!("open: table {name} has no section in the configuration");
                Failed::new("DSL-8103", what, "name the table that its items were sealed for with --table")
            })?,
            _ => self.table()?,
        };
        self.open_item(table, wrapped.item(inner).map_err(|error| self.unread(&error))?, out)
    }

    fn open_item(&self, table: &Table, mut item: Item<'_>, out: &mut Vec<u8>) -> Result<(), Failed> {
        let opened = pollster::block_on(table.open(io(&self.network), &mut item));
        json::write_item(&opened.map_err(|failure| failed("open", table, &failure))?, out);
        Ok(())
    }
}

pub(super) fn failed(operation: &str, table: &Table, failure: &Failure) -> Failed {
    let what = format_args!("{operation} on table {}: {failure}", table.name());
    Failed::new(failure.code(), what, failure.hint()).because(Cause::of(failure))
}
