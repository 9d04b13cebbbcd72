//! `dynaseal inspect`: what headers say, without keys and so without proof.

use std::fs::File;
use std::io::{self, Read};

use dynaseal_engine::{Config, Machine, Table};

use super::Outcome;
use crate::args::InspectArgs;
use crate::error::Error;
use crate::items::lines::Lines;
use crate::items::{Failed, export};
use crate::report::{self, Report};
use crate::say;

pub(crate) fn run(args: &InspectArgs) -> Result<Outcome, Error> {
    let table = table(args)?;
    let name = args.file.as_ref().map_or("stdin".to_owned(), |file| file.display().to_string());
    let unread = |source| Error::Input { name: name.clone(), source };
    let input: Box<dyn Read> = match &args.file {
        Some(file) => Box::new(File::open(file).map_err(unread)?),
        None => Box::new(io::stdin()),
    };
    let mut lines = Lines::new(input);
    let mut outcome = Outcome::Done;
    while let Some(batch) = lines.next_batch().map_err(unread)? {
        let mut out = Vec::new();
        for (number, line) in batch.lines() {
            let report = line.and_then(|line| one(number, line, table.as_ref()));
            match report {
                Ok(report) if args.json => report::json(&report, &mut out)?,
                Ok(report) => report::text(&report, &mut out),
                Err(failed) => {
                    outcome = Outcome::Found;
                    // What was found so far stands before the failure on a terminal, too.
                    say::page(&std::mem::take(&mut out))?;
                    say::line_failures(&[failed.at(number)]);
                }
            }
        }
        if say::page(&out)? == say::Reader::Gone {
            break;
        }
    }
    Ok(outcome)
}

fn table(args: &InspectArgs) -> Result<Option<Table>, Error> {
    let (Some(file), Some(name)) = (&args.config, &args.table) else { return Ok(None) };
    let mut config = Config::load(file, &Machine)?;
    let table = config.tables.remove(name);
    table.map(Some).ok_or_else(|| Error::NoTable { file: file.clone(), table: name.clone() })
}

fn one(number: u64, line: &str, table: Option<&Table>) -> Result<Report, Failed> {
    let failed =
        |error: dynaseal_item::Error| Failed::new(error.code(), format_args!("inspect: {error}"), error.hint());
    let (item, _) = export::read_item(number, line).map_err(failed)?;
    Report::new(number, &item, table.map(Table::schema)).map_err(failed)
}
