//! Lines of bounded length, in batches. A longer line is skipped without being held. A document that is printed over
//! several lines (`document.rs`) counts as one, under the number of its first.

use std::io::{self, BufRead as _, BufReader, Read};

use super::Failed;
use super::document::{self, Document};
use super::input::Unreadable;

/// The longest line. An item of DynamoDB's 400 KB is below 1 MB of JSON even if all of it is escaped.
pub(crate) const LONGEST: usize = 16 << 20;
/// How much text a batch holds before it is passed on.
const BATCH: usize = 128 << 10;
const BUFFER: usize = 64 << 10;
/// How each line begins of an export in Amazon Ion.
const ION: &str = "$ion_1_0";

/// Reads batches of lines.
pub(crate) struct Lines<R> {
    input: BufReader<R>,
    number: u64,
    longest: usize,
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

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self::with_longest(input, LONGEST)
    }

    fn with_longest(input: R, longest: usize) -> Self {
        Self { input: BufReader::with_capacity(BUFFER, input), number: 0, longest }
    }

    /// The next lines, or `None` at the end. It waits for more input only while it has no line, so that a slow
    /// writer of lines sees each one answered.
    pub(crate) fn next_batch(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch::default();
        loop {
            if !self.read_line(&mut batch)? {
                return Ok((!batch.lines.is_empty()).then_some(batch));
            }
            let full = batch.text.len() >= BATCH || !self.input.buffer().contains(&b'\n');
            if full && !batch.lines.is_empty() {
                return Ok(Some(batch));
            }
        }
    }

    /// Reads one line, with all that belongs to it; false at the end of the input.
    fn read_line(&mut self, batch: &mut Batch) -> io::Result<bool> {
        let start = batch.text.len();
        let mut too_long = false;
        if !self.read_part(batch, start, &mut too_long, None)? {
            return Ok(false);
        }
        let number = self.number;
        let opened = batch.text.get(start..).filter(|_| !too_long).and_then(Document::opened_by);
        if let Some(mut document) = opened {
            while document.is_open() && self.goes_on()? {
                batch.text.push(b'\n');
                self.read_part(batch, start, &mut too_long, Some(&mut document))?;
            }
        }
        if batch.text.len() > start && batch.text.last() == Some(&b'\r') {
            batch.text.pop();
        }
        too_long |= batch.text.len() - start > self.longest;
        if too_long {
            batch.text.truncate(start);
            batch.lines.push(Line { number, end: None });
        } else if batch.text.get(start..).is_some_and(|line| line.trim_ascii().is_empty()) {
            batch.text.truncate(start);
        } else {
            batch.lines.push(Line { number, end: Some(batch.text.len()) });
        }
        Ok(true)
    }

    /// Reads up to the next line end; false at the end of the input. What starts at `start` is dropped once it is too
    /// long.
    fn read_part(
        &mut self,
        batch: &mut Batch,
        start: usize,
        too_long: &mut bool,
        mut document: Option<&mut Document>,
    ) -> io::Result<bool> {
        let mut any = false;
        loop {
            let buffer = fill(&mut self.input)?;
            if buffer.is_empty() && !any {
                return Ok(false);
            }
            any = true;
            let newline = buffer.iter().position(|byte| *byte == b'\n');
            let part = buffer.get(..newline.unwrap_or(buffer.len())).unwrap_or_default();
            if let Some(document) = &mut document {
                document.read(part);
            }
            // One byte more than the longest line may be the carriage return before its end.
            *too_long |= batch.text.len() - start + part.len() > self.longest + 1;
            if *too_long {
                batch.text.truncate(start);
            } else {
                batch.text.extend_from_slice(part);
            }
            let (used, ended) = (part.len() + usize::from(newline.is_some()), newline.is_some() || buffer.is_empty());
            self.input.consume(used);
            batch.bytes += used as u64;
            if ended {
                self.number += 1;
                return Ok(true);
            }
        }
    }

    /// Whether the next line can belong to the one before it.
    fn goes_on(&mut self) -> io::Result<bool> {
        Ok(fill(&mut self.input)?.first().is_some_and(|byte| !document::starts(byte)))
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
mod tests {
    use super::*;

    fn read(text: &[u8], longest: usize) -> Vec<(u64, Result<String, &'static str>)> {
        let mut lines = Lines::with_longest(text, longest);
        let mut all = Vec::new();
        while let Some(batch) = lines.next_batch().unwrap() {
            all.extend(batch.lines().map(|(at, line)| (at, line.map(str::to_owned).map_err(|failed| failed.code))));
        }
        all
    }

    #[test]
    fn every_kind_of_line_end_and_none_at_the_last() {
        let found = read(b"a\r\n\n  \nb\nc", 9);
        assert_eq!(found, [(1, Ok("a".into())), (4, Ok("b".into())), (5, Ok("c".into()))]);
        assert_eq!(read(b"", 9), []);
        assert_eq!(read(b"\n\r\n", 9), []);
    }

    #[test]
    fn a_document_over_several_lines_is_one() {
        let pretty = "{\r\n  \"a\": {\n    \"b\": \"}\"\n  }\n}";
        let found = read(format!("{{}}\n\n{pretty}\r\n{pretty}\n{{}}\n").as_bytes(), 99);
        let whole = || Ok(pretty.to_owned());
        assert_eq!(found, [(1, Ok("{}".into())), (3, whole()), (8, whole()), (13, Ok("{}".into()))]);
        // One that is cut off does not take the next line with it, nor does a line.
        let cut = "{\n \"a\": {\n{\"b\":1}\n{\n{\"c\":\n[1]\n{\"d\":\"x\ny\n{\n  \"e";
        let expected = [
            (1, Ok("{\n \"a\": {".into())),
            (3, Ok("{\"b\":1}".into())),
            (4, Ok("{".into())),
            (5, Ok("{\"c\":".into())),
            (6, Ok("[1]".into())),
            (7, Ok("{\"d\":\"x".into())),
            (8, Ok("y".into())),
            (9, Ok("{\n  \"e".into())),
        ];
        assert_eq!(read(cut.as_bytes(), 99), expected);
    }

    #[test]
    fn a_long_document_fails_as_one() {
        let long = format!("{{\n{} \"a\":1\n}}\n{{}}\n", " 1,\n".repeat(100));
        assert_eq!(read(long.as_bytes(), 50), [(1, Err("DSL-8101")), (104, Ok("{}".into()))]);
    }

    #[test]
    fn a_long_line_fails_alone() {
        let found = read(b"12345\n123456\r\n1234567\n12345\r\nx", 5);
        let expected = [
            (1, Ok("12345".into())),
            (2, Err("DSL-8101")),
            (3, Err("DSL-8101")),
            (4, Ok("12345".into())),
            (5, Ok("x".into())),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_line_over_several_buffers_is_whole_and_a_longer_one_is_not_held() {
        let long = [vec![b'x'; 3 * BUFFER], b"\ny\n".to_vec()].concat();
        assert_eq!(read(&long, 4 * BUFFER)[0].1.as_ref().unwrap().len(), 3 * BUFFER);
        let mut lines = Lines::with_longest(&long[..], 100);
        let batch = lines.next_batch().unwrap().unwrap();
        assert!(batch.text.capacity() <= 2 * BUFFER, "{}", batch.text.capacity());
    }

    #[test]
    fn what_is_not_utf8_or_is_ion_fails_alone() {
        assert_eq!(read(b"\xff\nb", 9), [(1, Err("DSL-8102")), (2, Ok("b".into()))]);
        assert_eq!(read(b"$ion_1_0 {Item:{}}\nb", 99), [(1, Err("DSL-8105")), (2, Ok("b".into()))]);
    }
}
