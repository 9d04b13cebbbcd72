//! Lines of bounded length, in batches. A longer line is skipped without being held. Where documents are read, one that is
//! printed over several lines (`document.rs`) counts as one, under the number of its first.

use std::collections::VecDeque;
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
    /// Of the line that was read last from the input.
    number: u64,
    longest: usize,
    /// Lines that were taken for parts of a document that came to nothing.
    again: VecDeque<Part>,
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

/// A line of the input before it is known what it belongs to.
struct Part {
    number: u64,
    /// `None` if it was too long.
    text: Option<Vec<u8>>,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R, unit: Unit) -> Self {
        Self::with_longest(input, unit, LONGEST)
    }

    fn with_longest(input: R, unit: Unit, longest: usize) -> Self {
        let input = BufReader::with_capacity(BUFFER, input);
        Self { input, unit, number: 0, longest, again: VecDeque::new() }
    }

    /// Leaves out all lines before this one.
    pub(crate) fn skip_to(&mut self, first: u64) -> io::Result<()> {
        while self.number.saturating_add(1) < first {
            let mut line = Some(Vec::new());
            // What is left out need not be held.
            if !self.read_part(&mut line, 0)? {
                break;
            }
        }
        Ok(())
    }

    /// The next lines, or `None` at the end. It waits for more input only while it has no line, so that a slow
    /// writer of lines sees each one answered.
    pub(crate) fn next_batch(&mut self) -> io::Result<Option<Batch>> {
        let mut batch = Batch::default();
        loop {
            let Some(part) = self.part()? else {
                return Ok((!batch.lines.is_empty()).then_some(batch));
            };
            let whole = self.whole(part)?;
            batch.add(&whole, self.longest);
            let is_waiting = self.again.is_empty() && !self.input.buffer().contains(&b'\n');
            if (batch.text.len() >= BATCH || is_waiting) && !batch.lines.is_empty() {
                return Ok(Some(batch));
            }
        }
    }

    /// A line with all that belongs to it.
    fn whole(&mut self, first: Part) -> io::Result<Part> {
        let opened = first.text.as_deref().filter(|_| self.unit == Unit::Document).and_then(Document::opened_by);
        let Some(mut document) = opened else { return Ok(first) };
        let mut size = first.text.as_ref().map_or(0, Vec::len);
        let (mut rest, mut stranger) = (VecDeque::new(), None);
        let mut too_long = false;
        while !document.is_whole() {
            let next = if self.starts_anew()? { None } else { self.part()? };
            let Some(next) = next else { break };
            let belongs = next.text.as_deref().is_some_and(|text| document.goes_on_with(text));
            size += next.text.as_ref().map_or(0, |text| text.len() + 1);
            // One that is too long is read to its end, but not held.
            too_long |= belongs && size > self.longest;
            if !belongs {
                stranger = Some(next);
                break;
            }
            if too_long {
                rest.clear();
            } else {
                rest.push_back(next);
            }
        }
        let mut own = std::mem::take(&mut rest);
        if !document.is_whole() {
            // From the first line on that could be something by itself.
            let anew = own.iter().position(|part| part.text.as_deref().is_some_and(document::may_start));
            rest = own.split_off(anew.unwrap_or(own.len()));
        }
        self.give_back(rest.into_iter().chain(stranger).collect());
        let text = (!too_long).then(|| joined(&first, &own));
        Ok(Part { number: first.number, text })
    }

    fn give_back(&mut self, mut lines: VecDeque<Part>) {
        lines.append(&mut self.again);
        self.again = lines;
    }

    /// Whether the next line cannot belong to the one before it, or there is none.
    fn starts_anew(&mut self) -> io::Result<bool> {
        let first = match self.again.front() {
            // One that is too long is no part of a document.
            Some(part) => part.text.as_ref().map(|text| text.first().copied().unwrap_or(b'\n')),
            None => fill(&mut self.input)?.first().copied(),
        };
        Ok(first.is_none_or(|byte| document::starts(&byte)))
    }

    /// The next line; `None` at the end of the input.
    fn part(&mut self) -> io::Result<Option<Part>> {
        if let Some(part) = self.again.pop_front() {
            return Ok(Some(part));
        }
        let mut text = Some(Vec::new());
        if !self.read_part(&mut text, self.longest)? {
            return Ok(None);
        }
        Ok(Some(Part { number: self.number, text }))
    }

    /// Reads up to the next line end; false at the end of the input. A line that is longer than `longest` is dropped.
    fn read_part(&mut self, text: &mut Option<Vec<u8>>, longest: usize) -> io::Result<bool> {
        let mut any = false;
        loop {
            let buffer = fill(&mut self.input)?;
            if buffer.is_empty() && !any {
                return Ok(false);
            }
            any = true;
            let newline = buffer.iter().position(|byte| *byte == b'\n');
            let part = buffer.get(..newline.unwrap_or(buffer.len())).unwrap_or_default();
            // One byte more than the longest line may be the carriage return before its end.
            match text {
                Some(held) if held.len() + part.len() <= longest + 1 => held.extend_from_slice(part),
                _ => *text = None,
            }
            let (used, ended) = (part.len() + usize::from(newline.is_some()), newline.is_some() || buffer.is_empty());
            self.input.consume(used);
            if ended {
                self.number += 1;
                return Ok(true);
            }
        }
    }
}

/// The lines of a document as one text.
fn joined(first: &Part, rest: &VecDeque<Part>) -> Vec<u8> {
    let texts: Vec<_> = [first].into_iter().chain(rest).filter_map(|part| part.text.as_deref()).collect();
    texts.join(&b'\n')
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
    fn add(&mut self, part: &Part, longest: usize) {
        let text = part.text.as_deref().map(|text| text.strip_suffix(b"\r").unwrap_or(text));
        let end = match text.filter(|text| text.len() <= longest) {
            Some(text) if text.trim_ascii().is_empty() => return,
            Some(text) => {
                self.text.extend_from_slice(text);
                Some(self.text.len())
            }
            None => None,
        };
        self.lines.push(Line { number: part.number, end });
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
mod tests {
    use super::*;

    fn read(text: &[u8], longest: usize) -> Vec<(u64, Result<String, &'static str>)> {
        read_as(text, Unit::Document, longest)
    }

    fn read_as(text: &[u8], unit: Unit, longest: usize) -> Vec<(u64, Result<String, &'static str>)> {
        let mut lines = Lines::with_longest(text, unit, longest);
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
        // One that is cut off does not take the next line with it, nor does a line; what it had is looked at anew.
        let cut = "{\n \"a\": {\n{\"b\":1}\n{\n{\"c\":\n[1]\n{\"d\":\"x\ny\n{\n  \"e";
        let expected = [
            (1, Ok("{\n \"a\": {".into())),
            (3, Ok("{\"b\":1}".into())),
            (4, Ok("{".into())),
            (5, Ok("{\"c\":".into())),
            (6, Ok("[1]".into())),
            (7, Ok("{\"d\":\"x".into())),
            (8, Ok("y".into())),
            (9, Ok("{".into())),
            (10, Ok("  \"e".into())),
        ];
        assert_eq!(read(cut.as_bytes(), 99), expected);
    }

    #[test]
    fn a_long_document_fails_as_one() {
        let long = format!("[\n{} 1\n]\n{{}}\n", " 1,\n".repeat(100));
        assert_eq!(read(long.as_bytes(), 50), [(1, Err("DSL-8101")), (104, Ok("{}".into()))]);
        // It ends where it is none any more.
        let cut = format!("[\n{} {{}}\n {{\"a\":1}}\n{{}}\n", " 1,\n".repeat(100));
        let found = read(cut.as_bytes(), 50);
        assert_eq!(found, [(1, Err("DSL-8101")), (103, Ok(" {\"a\":1}".into())), (104, Ok("{}".into()))]);
    }

    #[test]
    fn a_line_that_is_cut_off_costs_no_other() {
        let good: String = (0..1000).map(|number| format!(" {{\"id\":{{\"S\":\"{number}\"}}}}\n")).collect();
        for cut in
            [r#"{"id":{"S":"cut"},"#, r#"{"id":{"S":"#, r#"{"id":"#, "{", "[", r#"{"Items":["#, r#"[{"a":1},"#, "[[1,"]
        {
            let mut expected = vec![(1, Ok(cut.to_owned()))];
            expected.extend(good.lines().zip(2..).map(|(line, number)| (number, Ok(line.to_owned()))));
            assert!(read(format!("{cut}\n{good}").as_bytes(), 9999) == expected, "{cut}");
            // Nor at the end, where it could have gone on.
            let last = format!("{good}{cut}\n \n");
            assert_eq!(read(last.as_bytes(), 9999).len(), 1001, "{cut}");
        }
    }

    /// Every line of a text is in what was read of it, whatever is cut off.
    #[test]
    fn every_line_is_accounted_for() {
        let document = "{\n \"Items\": [\n  {\"a\": 1},\n  {\"b\":\n   [2,\n    3]}\n ]\n}\n";
        let text = format!(" {{\"x\":1}}\n{document} [\n{document}  [1,\n {{\"y\":\n {{\"z\":3}}\n");
        let lines: Vec<_> = text.lines().collect();
        for left_out in 0..lines.len() {
            let kept: Vec<_> =
                lines.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, line)| *line).collect();
            let found = read(kept.join("\n").as_bytes(), 9999);
            let texts: Vec<_> = found.iter().map(|(_, line)| line.clone().unwrap()).collect();
            assert_eq!(texts.join("\n"), kept.join("\n"), "without line {left_out}");
            let mut number = 1;
            for (at, line) in found {
                assert_eq!(at, number);
                number += line.unwrap().lines().count() as u64;
            }
        }
    }

    #[test]
    fn lines_alone_make_no_document() {
        let pretty = "{\n \"a\": 1\n}\n";
        let found = read_as(pretty.as_bytes(), Unit::Line, 99);
        assert_eq!(found, [(1, Ok("{".into())), (2, Ok(" \"a\": 1".into())), (3, Ok("}".into()))]);
    }

    #[test]
    fn reading_goes_on_from_a_line() {
        for (first, expected) in [(0, 4), (1, 4), (2, 3), (4, 1), (5, 0), (u64::MAX, 0)] {
            let mut lines = Lines::with_longest(&b"a\nb\n12345678901\nd"[..], Unit::Line, 9);
            lines.skip_to(first).unwrap();
            let mut numbers = Vec::new();
            while let Some(batch) = lines.next_batch().unwrap() {
                numbers.extend(batch.lines().map(|(number, _)| number));
            }
            assert_eq!(numbers.len(), expected, "{first}");
            assert!(numbers.first().is_none_or(|number| *number == first.max(1)), "{first}");
        }
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
        let mut lines = Lines::with_longest(&long[..], Unit::Document, 100);
        let batch = lines.next_batch().unwrap().unwrap();
        assert!(batch.text.capacity() <= 2 * BUFFER, "{}", batch.text.capacity());
    }

    #[test]
    fn what_is_not_utf8_or_is_ion_fails_alone() {
        assert_eq!(read(b"\xff\nb", 9), [(1, Err("DSL-8102")), (2, Ok("b".into()))]);
        assert_eq!(read(b"$ion_1_0 {Item:{}}\nb", 99), [(1, Err("DSL-8105")), (2, Ok("b".into()))]);
    }
}
