//! Lines of bounded length, in batches. A longer line is skipped without being held.

use std::io::{self, BufRead as _, BufReader, Read};

use super::Failed;

/// The longest line. An item of DynamoDB's 400 KB is below 1 MB of JSON even if all of it is escaped.
pub(crate) const LONGEST: usize = 16 << 20;
/// How much text a batch holds before it is passed on.
const BATCH: usize = 128 << 10;
const BUFFER: usize = 64 << 10;

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

    /// Reads one line; false at the end of the input.
    fn read_line(&mut self, batch: &mut Batch) -> io::Result<bool> {
        let start = batch.text.len();
        let (mut any, mut too_long) = (false, false);
        loop {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if buffer.is_empty() && !any {
                return Ok(false);
            }
            any = true;
            let newline = buffer.iter().position(|byte| *byte == b'\n');
            let part = buffer.get(..newline.unwrap_or(buffer.len())).unwrap_or_default();
            // One byte more than the longest line may be the carriage return before its end.
            too_long |= batch.text.len() - start + part.len() > self.longest + 1;
            if too_long {
                batch.text.truncate(start);
            } else {
                batch.text.extend_from_slice(part);
            }
            let (used, ended) = (part.len() + usize::from(newline.is_some()), newline.is_some() || buffer.is_empty());
            self.input.consume(used);
            batch.bytes += used as u64;
            if ended {
                break;
            }
        }
        self.number += 1;
        if batch.text.len() > start && batch.text.last() == Some(&b'\r') {
            batch.text.pop();
        }
        too_long |= batch.text.len() - start > self.longest;
        if too_long {
            batch.text.truncate(start);
            batch.lines.push(Line { number: self.number, end: None });
        } else if batch.text.get(start..).is_some_and(|line| line.trim_ascii().is_empty()) {
            batch.text.truncate(start);
        } else {
            batch.lines.push(Line { number: self.number, end: Some(batch.text.len()) });
        }
        Ok(true)
    }
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
                    Err(Failed::new("DSL-8101", what, "write one item a line; DynamoDB's largest have 400 KB")),
                );
            };
            let text = std::str::from_utf8(self.text.get(start..end).unwrap_or_default());
            start = end;
            (
                line.number,
                text.map_err(|_| Failed::new("DSL-8102", "the line is not UTF-8", "write DynamoDB JSON as UTF-8")),
            )
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
    fn what_is_not_utf8_fails_alone() {
        assert_eq!(read(b"\xff\nb", 9), [(1, Err("DSL-8102")), (2, Ok("b".into()))]);
    }
}
