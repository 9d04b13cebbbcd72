//! `dynaseal inspect`: what headers say, without keys and so without proof.

use std::fs::File;
use std::io;

use dynaseal_engine::{Config, Machine, Table};

use super::Outcome;
use crate::args::InspectArgs;
use crate::error::Error;
use crate::items::input::Input;
use crate::items::lines::{Lines, Unit};
use crate::items::{Failed, wrapped};
use crate::report::{self, Report};
use crate::say;
use crate::tables;

pub(crate) fn run(args: &InspectArgs) -> Result<Outcome, Error> {
    let table = table(args)?;
    let name = args.file.as_ref().map_or("stdin".to_owned(), |file| file.display().to_string());
    let unread = |source| Error::input(&name, source);
    let input = match &args.file {
        Some(file) => Input::new(File::open(file).map_err(unread)?),
        None => Input::new(io::stdin()),
    };
    let mut lines = Lines::new(input, Unit::Document);
    let mut outcome = Outcome::Done;
    while let Some(batch) = lines.next_batch().map_err(unread)? {
        let mut out = Vec::new();
        for (number, line) in batch.lines() {
            let reports = line.and_then(|line| each(number, line, table.as_ref()));
            match reports {
                Ok(reports) if args.json => reports.iter().try_for_each(|one| report::json(one, &mut out))?,
                Ok(reports) => reports.iter().for_each(|one| report::text(one, &mut out)),
                Err(failed) => {
                    outcome = Outcome::Found;
                    // What was found so far stands before the failure on a terminal, too.
                    say::page(&std::mem::take(&mut out))?;
                    say::line_failures(&[failed.at(number)])?;
                }
            }
        }
        say::page(&out)?;
    }
    Ok(outcome)
}

fn table(args: &InspectArgs) -> Result<Option<Table>, Error> {
    let (Some(file), Some(name)) = (&args.config, &args.table) else { return Ok(None) };
    tables::chosen(&Config::load(file, &Machine)?, file, name, &args.table_keys).map(Some)
}

fn each(number: u64, line: &str, table: Option<&Table>) -> Result<Vec<Report>, Failed> {
    let failed =
        |error: dynaseal_item::Error| Failed::new(error.code(), format_args!("inspect: {error}"), error.hint());
    let items = wrapped::all(number, line).map_err(failed)?;
    items.iter().map(|item| Report::new(number, item, table.map(Table::schema)).map_err(failed)).collect()
}
