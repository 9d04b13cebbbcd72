//! What became of each line, in their order: which output is written, which failures are told, and where it ends.

use std::io::{self, IsTerminal as _};

use serde::Serialize;

use super::{Cause, Failed, LineFailure};
use crate::cmd::Outcome;
use crate::error::Error;
use crate::output::Stream;
use crate::say;

/// A line that was worked on.
pub(crate) struct Worked {
    pub(crate) number: u64,
    /// Where what came of it ends in the output of its batch.
    pub(crate) end: usize,
    pub(crate) failed: Option<Failed>,
}

/// The sum of a run, which accounts for every line that went in.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    done: u64,
    failed: u64,
    /// Whether a right was missing for some lines, and not for others.
    refused: bool,
    /// Failures since the first refusal after which nothing succeeded: told once it is known that the run goes on.
    held: Vec<(LineFailure, Cause)>,
}

#[derive(Serialize)]
struct Sum {
    lines: u64,
    done: u64,
    failed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    go_on_from_line: Option<u64>,
}

impl Tally {
    /// Takes the lines of a batch. Gives how much of its output is to be written, and what is to be told, and stops where
    /// the run must.
    pub(crate) fn take(&mut self, worked: Vec<Worked>) -> (usize, Vec<LineFailure>, Result<(), Error>) {
        let (mut end, mut told) = (0, Vec::new());
        for line in worked {
            let Some(failed) = line.failed else {
                self.release(&mut told);
                self.done += 1;
                end = line.end;
                continue;
            };
            let (cause, failure) = (failed.cause, failed.at(line.number));
            match cause {
                Cause::Line if self.held.is_empty() => {
                    self.failed += 1;
                    told.push(failure);
                }
                Cause::Line | Cause::Refused => self.held.push((failure, cause)),
                Cause::Outage => {
                    self.release(&mut told);
                    return (end, told, Err(stopped(failure, true)));
                }
            }
            let refusals = self.held.iter().filter(|(_, cause)| *cause == Cause::Refused);
            if refusals.count() >= REFUSALS {
                return (end, told, self.finish().map(drop));
            }
        }
        (end, told, Ok(()))
    }

    /// What the run comes to at the end of its input. Lines that were refused and followed by no success are not done.
    pub(crate) fn finish(&mut self) -> Result<Outcome, Error> {
        if !self.held.is_empty() {
            let (first, _) = self.held.swap_remove(0);
            self.held.clear();
            return Err(stopped(first, false));
        }
        Ok(match (self.refused, self.failed) {
            (true, _) => Outcome::Refused,
            (false, 0) => Outcome::Done,
            (false, _) => Outcome::Found,
        })
    }

    /// Says how many lines were done and how many failed. A run in which all went well says so by its exit code; to a person
    /// who looks on it says it in any case.
    pub(crate) fn say(&self, end: &Result<Outcome, Error>) -> Result<(), Error> {
        let is_silent = match end {
            Ok(Outcome::Done) => !io::stderr().is_terminal(),
            // Nobody is there who would want to know.
            Err(Error::Output { source, .. }) => source.kind() == io::ErrorKind::BrokenPipe,
            _ => false,
        };
        if is_silent {
            return Ok(());
        }
        let go_on_from_line = match end {
            Err(Error::Stopped { line, .. }) => Some(*line),
            _ => None,
        };
        let Self { done, failed, .. } = *self;
        let mut out = Vec::new();
        say::json(&Sum { lines: done + failed, done, failed, go_on_from_line }, false, &mut out)?;
        Stream::Err.write(&out)
    }

    /// Tells what was held back, since there are lines that go well after it.
    fn release(&mut self, told: &mut Vec<LineFailure>) {
        self.failed += self.held.len() as u64;
        self.refused |= !self.held.is_empty();
        told.extend(self.held.drain(..).map(|(failure, _)| failure));
    }
}

fn stopped(failure: LineFailure, passing: bool) -> Error {
    let LineFailure { line, code, message } = failure;
    Error::Stopped { line, code, message, passing }
}

/// How many lines may be refused, with none between them that succeeds, before the run is given up.
const REFUSALS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes lines one by one: a letter for each, and what became of it. The lines that were told, and how it ended.
    fn run(lines: &str) -> (Vec<u64>, u64, String) {
        let (mut tally, mut told) = (Tally::default(), Vec::new());
        for (at, line) in lines.chars().enumerate() {
            let failed = |cause| Some(Failed::new("DSL-4103", "x", "y").because(cause));
            let failed = match line {
                'd' => None,
                'f' => failed(Cause::Line),
                'r' => failed(Cause::Refused),
                _ => failed(Cause::Outage),
            };
            let number = at as u64 + 1;
            let (_, failures, result) = tally.take(vec![Worked { number, end: 1, failed }]);
            told.extend(failures.into_iter().map(|failure| failure.line));
            if let Err(error) = result {
                return (told, tally.done, ended(&Err(error)));
            }
        }
        let end = tally.finish();
        assert_eq!(tally.failed, told.len() as u64);
        (told, tally.done, ended(&end))
    }

    fn ended(end: &Result<Outcome, Error>) -> String {
        match end {
            Err(Error::Stopped { line, passing, .. }) => format!("{line} {passing}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn it_stops_where_what_follows_would_go_no_better() {
        let found = |lines: &str, told: &[u64], done: u64, end: &str| {
            assert_eq!(run(lines), (told.to_vec(), done, end.to_owned()), "{lines}");
        };
        found("ddd", &[], 3, "Ok(Done)");
        found("dfd", &[2], 2, "Ok(Found)");
        found("dfod", &[2], 1, "3 true");
        found("o", &[], 0, "1 true");
        // One that is refused is told once another is not.
        found("drfd", &[2, 3], 2, "Ok(Refused)");
        found("rd", &[1], 1, "Ok(Refused)");
        found("dfr", &[2], 1, "3 false");
        found("frfr", &[1], 0, "2 false");
        found("rrrrrrrrrd", &(1..=9).collect::<Vec<_>>(), 1, "Ok(Refused)");
        found("drrrrrrrrrrd", &[], 1, "2 false");
        found("drrro", &[2, 3, 4], 1, "5 true");
    }
}
