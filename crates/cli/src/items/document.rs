//! JSON that is printed over several lines, as people save a Lambda event: where it ends, and how it becomes one line.
//!
//! A line opens a document if it starts with `{` or `[` and does not end with `}` or `]`; so no whole item on a line of its
//! own does. The document goes on for as long as each line continues it as JSON, and ends with the line that closes what it
//! opened. A next line that starts with `{` or `[` in its first column does not belong to it: what programs print over
//! several lines is indented.
//!
//! What does not come to its end that way is no document: it is a fault up to the first line that can be something by itself,
//! as it starts with `{` or `[` behind its blanks, and from there on each line is looked at anew. So a line that is cut off
//! costs no other.

/// How far a document has been read: as much of JSON's grammar as tells whether a text can still become a document.
#[derive(Debug)]
pub(crate) struct Document {
    /// What is open, the innermost last; true for an object.
    open: Vec<bool>,
    next: Next,
    in_string: bool,
    escaped: bool,
}

/// What may come next, outside of strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Value,
    ValueOrEnd,
    Name,
    NameOrEnd,
    Colon,
    CommaOrEnd,
    /// More of a number or a word, or what may stand behind it.
    Word,
    Nothing,
}

impl Document {
    fn new() -> Self {
        Self { open: Vec::new(), next: Next::Value, in_string: false, escaped: false }
    }

    /// The document that a line opens, if it goes on behind the line.
    pub(crate) fn opened_by(line: &[u8]) -> Option<Self> {
        let line = line.trim_ascii();
        let opens = line.first().is_some_and(starts) && !matches!(line.last(), Some(b'}' | b']'));
        let mut document = Self::new();
        (opens && document.goes_on_with(line) && !document.is_whole()).then_some(document)
    }

    /// Reads one more line; false if it is not the next one of a document.
    pub(crate) fn goes_on_with(&mut self, line: &[u8]) -> bool {
        let all = line.iter().all(|byte| self.step(*byte));
        // A word ends with its line, and no string goes on behind one.
        if self.next == Next::Word {
            self.next = self.after_value();
        }
        all && !self.in_string
    }

    /// Whether what it opened is closed.
    pub(crate) fn is_whole(&self) -> bool {
        self.next == Next::Nothing
    }

    /// Whether the text can go on with this byte.
    fn step(&mut self, byte: u8) -> bool {
        if self.in_string {
            return self.step_in_string(byte);
        }
        if self.next == Next::Word {
            if is_of_word(byte) {
                return true;
            }
            self.next = self.after_value();
        }
        match (byte, self.next) {
            (b' ' | b'\t' | b'\r' | b'\n', _) => true,
            (b'"', Next::Name | Next::NameOrEnd) => self.string(Next::Colon),
            (b'"', Next::Value | Next::ValueOrEnd) => self.string(self.after_value()),
            (b'{', Next::Value | Next::ValueOrEnd) => self.enter(true),
            (b'[', Next::Value | Next::ValueOrEnd) => self.enter(false),
            (b'}', Next::NameOrEnd | Next::CommaOrEnd) => self.leave(true),
            (b']', Next::ValueOrEnd | Next::CommaOrEnd) => self.leave(false),
            (b':', Next::Colon) => self.go(Next::Value),
            (b',', Next::CommaOrEnd) => {
                let is_object = self.open.last() == Some(&true);
                self.go(if is_object { Next::Name } else { Next::Value })
            }
            (_, Next::Value | Next::ValueOrEnd) if is_of_word(byte) => self.go(Next::Word),
            _ => false,
        }
    }

    fn step_in_string(&mut self, byte: u8) -> bool {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => self.in_string = false,
            _ => return byte >= b' ',
        }
        true
    }

    fn go(&mut self, next: Next) -> bool {
        self.next = next;
        true
    }

    fn string(&mut self, next: Next) -> bool {
        self.in_string = true;
        self.go(next)
    }

    fn enter(&mut self, is_object: bool) -> bool {
        self.open.push(is_object);
        self.next = if is_object { Next::NameOrEnd } else { Next::ValueOrEnd };
        self.open.len() <= DEEPEST
    }

    fn leave(&mut self, is_object: bool) -> bool {
        let left = self.open.pop();
        self.next = self.after_value();
        left == Some(is_object)
    }

    fn after_value(&self) -> Next {
        if self.open.is_empty() { Next::Nothing } else { Next::CommaOrEnd }
    }
}

/// Whether a byte can be one of a number, `true`, `false` or `null`.
fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

/// Whether a line can be something by itself.
pub(crate) fn may_start(line: &[u8]) -> bool {
    line.trim_ascii_start().first().is_some_and(starts)
}

/// Whether a line whose first byte this is can only be a new one.
pub(crate) fn starts(byte: &u8) -> bool {
    matches!(byte, b'{' | b'[')
}

/// Appends a JSON text without the space between its parts.
pub(crate) fn write_line(json: &[u8], out: &mut Vec<u8>) {
    let (mut in_string, mut escaped) = (false, false);
    for byte in json {
        if in_string || !byte.is_ascii_whitespace() {
            out.push(*byte);
        }
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            _ => {}
        }
    }
}

/// How deep a document may nest: a stored value in every wrapper that there is does not come near. It bounds how often a line
/// can be looked at, since each document that comes to nothing is one level less.
const DEEPEST: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_goes_on_opens_a_document() {
        for line in
            ["{", " { ", "[", r#"{"a":"#, r#"{"a":{"b":[1],"#, r#"{"a":"}","#, r#"{"a\"{":1,"#, "[1", "[-1.5e+3,"]
        {
            assert!(Document::opened_by(line.as_bytes()).is_some(), "{line}");
        }
        for line in ["", "x", "\"{\"", "{}", r#"{"a"} x"#, r#"{"a":"b"#, "{,", "[[", "{1,", r#"{"a",[""#, "[1 2,"] {
            assert_eq!(Document::opened_by(line.as_bytes()).is_some(), line == "[[", "{line}");
        }
        assert!(Document::opened_by("[".repeat(DEEPEST).as_bytes()).is_some());
        assert!(Document::opened_by("[".repeat(DEEPEST + 1).as_bytes()).is_none());
    }

    #[test]
    fn only_what_continues_it_belongs_to_a_document() {
        let goes_on = |first: &str, next: &str| {
            let mut document = Document::opened_by(first.as_bytes()).unwrap();
            document.goes_on_with(next.as_bytes()).then(|| document.is_whole())
        };
        for (first, next, whole) in [
            ("{", "}", true),
            ("{", " \"a\": 1", false),
            (r#"{"id":{"S":"cut"},"#, r#" "x":{"S":"1"}}"#, true),
            ("[1", " ,2]", true),
            ("[1", " ]", true),
            ("[", "", false),
            ("[", "  \r", false),
        ] {
            assert_eq!(goes_on(first, next), Some(whole), "{first} {next}");
        }
        for (first, next) in [
            (r#"{"id":{"S":"cut"},"#, r#" {"id":{"S":"good"}}"#),
            (r#"{"id":"#, "}"),
            ("[1", " 2]"),
            ("[1,", " ]"),
            ("[", " \"open"),
            ("[", " \"a\nb\"]"),
            ("{", " 1}"),
            ("[", "]]"),
            ("[", "] x"),
            ("{", "]"),
        ] {
            assert_eq!(goes_on(first, next), None, "{first} {next}");
        }
    }

    /// What serde takes as JSON is a document, however its lines are broken.
    #[test]
    fn every_json_text_is_a_document() {
        let value =
            serde_json::json!({"a": [1, -2.5, true, null, "x\"}\\", {"b": {}, "c": [[], {}]}], "\u{e9}{": 1e300});
        for text in
            [format!("{value:#}"), value.to_string().replace(',', ",\n"), value.to_string().replace(':', "\n:\n")]
        {
            let mut document = Document::new();
            assert!(text.lines().all(|line| document.goes_on_with(line.as_bytes())), "{text}");
            assert!(document.is_whole());
        }
    }

    #[test]
    fn space_stays_inside_strings_alone() {
        let mut out = Vec::new();
        write_line(b"{\r\n  \"a b\\\" {\": [ 1.50,\t\"\\\\\", \"x y\" ]\n}", &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"a b\" {":[1.50,"\\","x y"]}"#);
    }
}
