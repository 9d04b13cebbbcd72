//! JSON that is printed over several lines, as people save a Lambda event: where it ends, and how it becomes one line.
//!
//! A line opens a document if it starts with `{` or `[` and does not end with `}` or `]`; so no whole item on a line of its
//! own does. The document ends with the line that closes what it opened. It ends early, and then fails as a line that is
//! cut off does, where a string is still open or the next line starts with `{` or `[` in its first column: what
//! programs print over several lines is indented.

/// How far a document has been read.
#[derive(Debug, Default)]
pub(crate) struct Document {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Document {
    /// The document that a line opens, if it goes on behind the line.
    pub(crate) fn opened_by(line: &[u8]) -> Option<Self> {
        let line = line.trim_ascii();
        let opens = line.first().is_some_and(starts) && !matches!(line.last(), Some(b'}' | b']'));
        let mut document = Self::default();
        if opens {
            document.read(line);
        }
        document.is_open().then_some(document)
    }

    pub(crate) fn read(&mut self, text: &[u8]) {
        text.iter().for_each(|byte| self.step(*byte));
    }

    /// Whether it goes on behind the line that was read.
    pub(crate) fn is_open(&self) -> bool {
        self.depth > 0 && !self.in_string
    }

    fn step(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = self.in_string,
            b'"' => self.in_string = !self.in_string,
            _ if self.in_string => {}
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

/// Whether a line whose first byte this is can only be a new one.
pub(crate) fn starts(byte: &u8) -> bool {
    matches!(byte, b'{' | b'[')
}

/// Appends a JSON text without the space between its parts.
pub(crate) fn write_line(json: &[u8], out: &mut Vec<u8>) {
    let mut document = Document::default();
    for byte in json {
        if document.in_string || !byte.is_ascii_whitespace() {
            out.push(*byte);
        }
        document.step(*byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_goes_on_opens_a_document() {
        for line in ["{", " { ", "[", r#"{"a":"#, r#"{"a":{"b":[1],"#, r#"{"a":"}","#, r#"{"a\"{":1,"#] {
            assert!(Document::opened_by(line.as_bytes()).is_some(), "{line}");
        }
        for line in ["", "x", "\"{\"", "{}", r#"{"a"} x"#, r#"{"a":"b"#] {
            assert!(Document::opened_by(line.as_bytes()).is_none(), "{line}");
        }
    }

    #[test]
    fn space_stays_inside_strings_alone() {
        let mut out = Vec::new();
        write_line(b"{\r\n  \"a b\\\" {\": [ 1.50,\t\"\\\\\", \"x y\" ]\n}", &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"a b\" {":[1.50,"\\","x y"]}"#);
    }
}
