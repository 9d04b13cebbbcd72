//! Lines of bounded length, in batches. A longer line is skipped without being held. Where documents are read, one that is
//! printed over several lines (`document.rs`) counts as one, under the number of its first.

use std::io::{self, BufRead as _, BufReader, Read};
use std::ops::Range;

use super::Failed;
use super::document::{self, Document};
use super::input::Unreadable;

/// The longest line. An item of DynamoDB's 400 KB is below 1 MB of JSON even if all of it is escaped.
pub(crate) const LONGEST: usize = 16 << 20;
/// How much text a batch holds before it is passed on.
const BATCH: usize = 128 << 10;
const BUFFER: usize = 64 << 10;
/// How much of what was given is dropped at once.
const MUCH: usize = 1 << 20;
/// How each line begins of an export in Amazon Ion.
const ION: &str = "$ion_1_0";

/// What counts as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A line.
    Line,
    /// A line, or several that make one document.
    Document,
}

/// Reads batches of lines.
pub(crate) struct Lines<R> {
    input: BufReader<R>,
    unit: Unit,
    longest: usize,
    /// How many lines of the input were read.
    read: u64,
    /// Lines that were read, each with its end; those from `at` on are to be given still.
    held: Vec<u8>,
    at: usize,
    /// The number of the line at `at`.
    number: u64,
    /// The number of a line that is too long, which follows on those that are held.
    long: Option<u64>,
}

/// Some lines, empty ones left out.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    text: Vec<u8>,
    lines: Vec<Line>,
    /// How many bytes of input it took.
    pub(crate) bytes: u64,
}

#[derive(Debug)]
struct Line {
    number: u64,
    /// Where it ends in the text; `None` if it was too long.
    end: Option<usize>,
}

/// A line's number and its place among what is held; none if it is too long.
type Place = (u64, Option<Range<usize>>);

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R, unit: Unit) -> Self {
        Self::with_longest(input, unit, LONGEST)
    }

    fn with_longest(input: R, unit: Unit, longest: usize) -> Self {
        let input = BufReader::with_capacity(BUFFER, input);
        Self { input, unit, longest, read: 0, held: Vec::new(), at: 0, number: 1, long: None }
    }

    /// Leaves out all lines before this one; false if there are not so many.
    pub(crate) fn skip_to(&mut self, first: u64) -> io::Result<bool> {
        while self.read.saturating_add(1) < first {
            // What is left out need not be held.
            if self.read_line(0)?.is_none() {
                return Ok(false);
            }
            self.held.clear();
        }
        Ok(true)
    }

    /// How many lines were read so far.
    pub(crate) fn count(&self) -> u64 {
        self.read
    }

    /// The next lines, or `None` at the end. It waits for more input only while it has no line, so that a slow
    /// writer of lines sees each one answered.
    pub(crate) fn next_batch(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch::default();
        loop {
            if !self.next_unit(&mut batch)? {
                return Ok((!batch.lines.is_empty()).then_some(batch));
            }
            let is_waiting = self.is_given() && !self.input.buffer().contains(&b'\n');
            if (batch.text.len() >= BATCH || is_waiting) && !batch.lines.is_empty() {
                return Ok(Some(batch));
            }
        }
    }

    /// A line with all that belongs to it; false at the end of the input.
    fn next_unit(&mut self, batch: &mut Batch) -> io::Result<bool> {
        self.forget();
        let Some((number, first)) = self.line()? else { return Ok(false) };
        let Some(first) = first else {
            batch.add(number, None, self.longest);
            return Ok(true);
        };
        let text = self.held.get(first.clone()).unwrap_or_default();
        let opened = if self.unit == Unit::Document { Document::opened_by(text) } else { None };
        match opened {
            Some(document) => self.document(document, number, first, batch)?,
            None => batch.add(number, Some(text), self.longest),
        }
        Ok(true)
    }

    /// The lines of a document, or what can only be a part of one that comes to nothing.
    fn document(
        &mut self,
        mut document: Document,
        number: u64,
        first: Range<usize>,
        batch: &mut Batch,
    ) -> io::Result<()> {
        let (mut anew, mut too_long) = (None, false);
        while !document.is_whole() && !self.starts_anew()? {
            let Some((line_number, place)) = self.line()? else { break };
            let Some(place) = place else {
                self.long = Some(line_number);
                break;
            };
            let text = self.held.get(place.clone()).unwrap_or_default();
            let may_start = document::may_start(text);
            if !document.goes_on_with(text) {
                self.go_back(place.start, line_number);
                break;
            }
            if anew.is_none() && may_start {
                anew = Some((place.start, line_number));
            }
            too_long |= place.end - first.start > self.longest;
            // It is read to its end, but not held.
            if too_long && self.is_given() {
                self.held.truncate(first.start);
                self.at = first.start;
            }
        }
        if !document.is_whole()
            && !too_long
            && let Some((start, line_number)) = anew
        {
            self.go_back(start, line_number);
        }
        let text = self.held.get(first.start..self.at.saturating_sub(1)).filter(|_| !too_long);
        batch.add(number, text, self.longest);
        Ok(())
    }

    /// Has what begins at `start` with line `number` given once more.
    fn go_back(&mut self, start: usize, number: u64) {
        self.at = start;
        self.number = number;
    }

    /// Whether nothing is left of what is held.
    fn is_given(&self) -> bool {
        self.at >= self.held.len() && self.long.is_none()
    }

    /// Drops what was given, if it is all or much of it.
    fn forget(&mut self) {
        if self.at >= self.held.len() {
            self.held.clear();
            self.at = 0;
        } else if self.at >= MUCH {
            self.held.drain(..self.at);
            self.at = 0;
        }
    }

    /// Whether the next line cannot belong to the one before it, or there is none.
    fn starts_anew(&mut self) -> io::Result<bool> {
        let first = match self.held.get(self.at) {
            Some(byte) => Some(*byte),
            None if self.long.is_some() => return Ok(false),
            None => fill(&mut self.input)?.first().copied(),
        };
        Ok(first.is_none_or(|byte| document::starts(&byte)))
    }

    /// The next line; `None` at the end of the input.
    fn line(&mut self) -> io::Result<Option<Place>> {
        if let Some(rest) = self.held.get(self.at..).filter(|rest| !rest.is_empty()) {
            let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let place = (self.number, Some(self.at..self.at + length));
            self.go_back(self.at + length + 1, self.number + 1);
            return Ok(Some(place));
        }
        if let Some(number) = self.long.take() {
            return Ok(Some((number, None)));
        }
        let start = self.held.len();
        let Some(is_whole) = self.read_line(self.longest)? else { return Ok(None) };
        if !is_whole {
            return Ok(Some((self.read, None)));
        }
        let end = self.held.len();
        self.held.push(b'\n');
        self.go_back(end + 1, self.read + 1);
        Ok(Some((self.read, Some(start..end))))
    }

    /// Reads up to the next line end, into what is held; `None` at the end of the input. A line that is longer than
    /// `longest` is dropped: false.
    fn read_line(&mut self, longest: usize) -> io::Result<Option<bool>> {
        let start = self.held.len();
        let (mut any, mut is_whole) = (false, true);
        loop {
            let buffer = fill(&mut self.input)?;
            if buffer.is_empty() && !any {
                return Ok(None);
            }
            any = true;
            let newline = buffer.iter().position(|byte| *byte == b'\n');
            let part = buffer.get(..newline.unwrap_or(buffer.len())).unwrap_or_default();
            // One byte more than the longest line may be the carriage return before its end.
            is_whole &= self.held.len() - start + part.len() <= longest + 1;
            if is_whole {
                self.held.extend_from_slice(part);
            } else {
                self.held.truncate(start);
            }
            let (used, ended) = (part.len() + usize::from(newline.is_some()), newline.is_some() || buffer.is_empty());
            self.input.consume(used);
            if ended {
                self.read += 1;
                return Ok(Some(is_whole));
            }
        }
    }
}

fn fill<R: Read>(input: &mut BufReader<R>) -> io::Result<&[u8]> {
    loop {
        match input.fill_buf() {
            // What was filled is borrowed anew, since a borrow that may be returned would last for the whole loop.
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(input.buffer())
}

impl Batch {
    /// Adds a line with its text, or one that is too long.
    fn add(&mut self, number: u64, text: Option<&[u8]>, longest: usize) {
        let text = text.map(|text| text.strip_suffix(b"\r").unwrap_or(text));
        let end = match text.filter(|text| text.len() <= longest) {
            Some(text) if text.trim_ascii().is_empty() => return,
            Some(text) => {
                self.text.extend_from_slice(text);
                Some(self.text.len())
            }
            None => None,
        };
        self.lines.push(Line { number, end });
    }

    /// The lines with their numbers, each as text or as the reason why it is none.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (u64, Result<&str, Failed>)> {
        let mut start = 0;
        self.lines.iter().map(move |line| {
            let Some(end) = line.end else {
                let what = format!("the line is longer than {} MB", LONGEST >> 20);
                return (
                    line.number,
                    Err(Failed::new(
                        "DSL-8101",
                        what,
                        "write one item a line, as jq -c '.Items[]' does of an answer; DynamoDB's largest have 400 KB",
                    )),
                );
            };
            let text = std::str::from_utf8(self.text.get(start..end).unwrap_or_default());
            start = end;
            let text = match text {
                Ok(text) if text.starts_with(ION) => {
                    Err(Failed::new("DSL-8105", "the line is Amazon Ion", Unreadable::Ion.hint()))
                }
                Ok(text) => Ok(text),
                Err(_) => Err(Failed::new("DSL-8102", "the line is not UTF-8", "write DynamoDB JSON as UTF-8")),
            };
            (line.number, text)
        })
    }
}

#[cfg(test)]
mod tests;
