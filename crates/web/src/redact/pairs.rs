//! Names and their values in a text, however they are written: forms, JSON, YAML, TOML, XML and HTML, SQL, options, tables,
//! prose.

mod elements;

use std::ops::Range;
use std::sync::LazyLock;

use regex_lite::Regex;

use super::facts::{FACTS, Facts};
use super::names::{are_field_names, ends_in_sensitive_words};
use super::text::Rules;
use super::tokens::{Name, is_name_byte, is_name_start, name_at, name_end};
use super::values::{
    Pattern, Sign, byte, is_blank, is_break, is_quote, scalar_at, skip_blanks, skip_space, value_at, window,
    window_before,
};

/// Where values of sensitive names stand.
pub(super) fn sensitive_pairs(text: &str, rules: &Rules<'_>) -> Vec<Range<usize>> {
    let has_sign = text.contains(['=', ':', '>', '|', '\t', '"', '\'', '`', ',', '(', '-'])
        || WORDS.iter().any(|sign| text.contains(sign));
    let Some(facts) = FACTS.as_ref().filter(|_| has_sign) else { return Vec::new() };
    let mut pairs = Pairs {
        facts,
        text,
        rules,
        found: Vec::new(),
        named: None,
        held: None,
        is_tag: false,
        tag: "",
        opened: Vec::new(),
        work: 0,
    };
    pairs.find();
    pairs.found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    ByName,
    /// `{ type: "password", value: "x" }`, but also `{ type: "email", data: … }`.
    ByKind,
}

struct Pairs<'t> {
    facts: &'static Facts,
    text: &'t str,
    rules: &'t Rules<'t>,
    found: Vec<Range<usize>>,
    /// How a label of this object named something sensitive.
    named: Option<Naming>,
    /// The value that was met before a label, and its name.
    held: Option<(String, Range<usize>)>,
    is_tag: bool,
    /// The name of the tag that was met last.
    tag: &'t str,
    /// What is open here.
    opened: Vec<u8>,
    /// Bytes of values that were looked at and may be looked at again.
    work: usize,
}

impl<'t> Pairs<'t> {
    fn find(&mut self) {
        let (text, mut at) = (self.text, 0);
        while at < text.len() {
            if !is_name_start(text, at) {
                self.pass(at);
                at += 1;
                continue;
            }
            let end = name_end(text, at);
            at = end.max(self.judge(at, end));
            if self.work > MOST_WORK * text.len() {
                self.found.push(at..text.len());
                return;
            }
        }
    }

    /// What stands between names: where objects, elements and lists begin and end.
    fn pass(&mut self, at: usize) {
        let byte = byte(self.text, at);
        if byte == b'[' {
            self.section(at);
        }
        match byte {
            b'[' | b'(' | b'{' => self.opened.push(byte),
            b']' | b')' | b'}' => drop(self.opened.pop()),
            _ => {}
        }
        match byte {
            b'{' | b'}' => self.forget(),
            b'<' => self.element(at),
            b'>' => self.close(at),
            b'\n' => self.new_line(at),
            _ => {}
        }
    }

    fn forget(&mut self) {
        (self.named, self.held) = (None, None);
    }

    fn new_line(&mut self, at: usize) {
        let text = self.text;
        let next = skip_blanks(text, at + 1);
        let is_item = byte(text, next) == b'-' && is_blank(byte(text, next + 1));
        let is_empty = is_break(byte(text, next)) || next >= text.len();
        // A part of a form: its content ends with the boundary.
        if is_empty && self.named.is_some() && window_before(text, at, 400).to_ascii_lowercase().contains("form-data") {
            let end = text.get(next..).and_then(|rest| rest.find("\n--")).map_or(text.len(), |end| next + end);
            self.found.push(skip_space(text, next)..end);
        }
        if is_item || is_empty {
            self.forget();
        }
    }

    /// `[credentials]` on a line of its own, as TOML and INI have it: all up to the next section is hidden.
    fn section(&mut self, at: usize) {
        let text = self.text;
        let before = at.checked_sub(1).map_or(b'\n', |before| byte(text, before));
        if !is_break(before) && before != b'[' {
            return;
        }
        let Some(found) = SECTION.as_ref().and_then(|section| section.captures(window(text, at, 200))) else { return };
        let (Some(head), Some(name)) = (found.get(1), found.get(2)) else { return };
        if self.is_sensitive(name.as_str()) {
            let start = at + head.len();
            let end = text.get(start..).and_then(|rest| rest.find("\n[")).map_or(text.len(), |end| start + end);
            self.found.push(start..end);
        }
    }

    /// Judges a name, and tells where to go on.
    fn judge(&mut self, start: usize, end: usize) -> usize {
        let name = name_at(self.text, start, end);
        let Some((sign, at)) = self.sign_after(&name) else {
            self.element_text(&name);
            return end;
        };
        if self.is_secret(&name) {
            let from = if name.quoted { skip_space(self.text, at) } else { at };
            let scalar = scalar_at(self.text, from, sign);
            if scalar.is_some_and(|scalar| (self.rules.is_nothing)(name.text, scalar)) {
                return end;
            }
            let value = self.value(&name, sign, at);
            let end = value.end;
            self.hide_value(value, sign);
            return end;
        }
        let lower = name.text.to_lowercase();
        let names = &self.facts.names;
        if names.labels.contains(&lower) {
            let value = self.value(&name, sign, at);
            self.label(value, Naming::ByName);
        } else if names.kinds.contains(&lower) {
            let value = self.value(&name, sign, at);
            self.label(value, Naming::ByKind);
        } else if names.values.contains(&lower) {
            let value = self.value(&name, sign, at);
            if self.named.is_some_and(|named| self.names(named, &lower)) {
                self.hide_value(value, Sign::Word);
            } else {
                self.held = Some((lower, value));
            }
        }
        end
    }

    fn is_sensitive(&self, name: &str) -> bool {
        (self.rules.is_sensitive)(name)
    }

    /// `p@ssword`, `pa$$word`
    fn is_disguised(&self, name: &Name<'_>) -> bool {
        let (text, is_sign) = (self.text, |byte| matches!(byte, b'@' | b'$'));
        let before = window_before(text, name.start, MAX_DISGUISE);
        if !before.bytes().next_back().is_some_and(is_sign) {
            return false;
        }
        let length = before.bytes().rev().take_while(|byte| is_sign(*byte) || is_name_byte(*byte)).count();
        let before = window_before(text, name.start, length);
        is_name_start(before, 0)
            && self.is_sensitive(&format!("{}{}", before.replace('@', "a").replace('$', "s"), name.text))
    }

    fn is_secret(&self, name: &Name<'_>) -> bool {
        let text = name.text;
        if text.len() <= MAX_NAME {
            return self.is_sensitive(text) || self.several_words(name) || self.is_disguised(name);
        }
        self.is_sensitive(window(text, 0, MAX_NAME)) || self.is_sensitive(window_before(text, text.len(), MAX_NAME))
    }

    fn names(&self, named: Naming, value: &str) -> bool {
        let names = &self.facts.names;
        if named == Naming::ByName { &names.values } else { &names.plain_values }.contains(value)
    }

    /// `{ name: "password", value: "x" }`, in any order.
    fn label(&mut self, value: Range<usize>, named: Naming) {
        if !self.is_label(self.text.get(value).unwrap_or_default()) {
            return;
        }
        if self.named != Some(Naming::ByName) {
            self.named = Some(named);
        }
        let held = self.held.clone().filter(|(name, _)| self.names(named, name));
        if let Some((_, held)) = held {
            self.hide_value(held, Sign::Word);
        }
    }

    /// A name, or a list that has one: `"columns": ["id", "password"]`.
    fn is_label(&self, text: &str) -> bool {
        if text.starts_with('[') {
            let elements = ELEMENTS.iter().flat_map(|elements| elements.find_iter(window(text, 0, MAX_LIST)));
            return elements.map(|one| one.as_str().trim_matches(['"', '\''])).any(|name| self.is_sensitive(name));
        }
        let text = text.strip_prefix(['"', '\'', '`']).unwrap_or(text);
        let text = text.split(['"', '\'', '`']).next().unwrap_or_default();
        let label = text.trim_end_matches(|char: char| char.is_whitespace() || ",;})]/>".contains(char));
        !label.is_empty() && label.len() <= MAX_LABEL && self.is_sensitive(label)
    }

    fn hide_value(&mut self, value: Range<usize>, sign: Sign) {
        // That nothing stands behind an equals sign is said with a mark, too.
        if !value.is_empty() || sign == Sign::Word {
            self.found.push(value);
        }
    }

    fn value(&mut self, name: &Name<'_>, sign: Sign, at: usize) -> Range<usize> {
        let text = self.text;
        let start = if name.quoted { skip_space(text, at) } else { at };
        let indent = if sign == Sign::Line { self.indent(name.start) } else { 0 };
        let value = value_at(text, start, sign, indent);
        self.work += value.end.saturating_sub(start);
        if self.is_tag && sign == Sign::Word && !is_quote(byte(text, value.start)) {
            let inside = text.get(value.clone()).and_then(|value| value.find('>'));
            return value.start..inside.map_or(value.end, |end| value.start + end);
        }
        value
    }

    /// How far the name's line is indented; a list's dashes are a part of it.
    fn indent(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let line = window(self.text, start, MAX_INDENT.min(at - start));
        INDENT.as_ref().and_then(|indent| indent.find(line)).map_or(0, |found| found.end())
    }

    /// `Card number: x`
    fn several_words(&self, name: &Name<'_>) -> bool {
        let (text, mut start) = (self.text, name.start);
        for _ in 1..MOST_WORDS {
            if start < 2 || !is_blank(byte(text, start - 1)) || !is_name_byte(byte(text, start - 2)) {
                break;
            }
            start -= 2;
            while start > 0 && is_name_byte(byte(text, start - 1)) {
                start -= 1;
            }
        }
        let words = text.get(start..name.start + name.text.len()).unwrap_or_default();
        start < name.start && ends_in_sensitive_words(words)
    }

    /// The sign behind a name; `None` if none makes what follows its value.
    fn sign_after(&self, name: &Name<'_>) -> Option<(Sign, usize)> {
        let text = self.text;
        // password (again): x
        let remark = match byte(text, skip_blanks(text, name.end)) {
            b'(' => REMARK.as_ref().and_then(|remark| remark.captures(window(text, name.end, 54))?.get(1)),
            _ => None,
        };
        let at = skip_blanks(text, name.end + remark.map_or(0, |remark| remark.len()));
        let gap = at - name.end;
        let next = byte(text, at + 1);
        match byte(text, at) {
            // token.js:12:5
            b':' if next.is_ascii_digit() && is_source(name.text) => return None,
            b':' if next == b':' && is_blank(byte(text, at + 2)) => return Some((Sign::Line, at + 2)),
            b':' if next == b':' || (next == b'/' && byte(text, at + 2) == b'/') => return None,
            b':' if next == b'=' => return Some((Sign::Word, at + 2)),
            b':' => return Some((Sign::Line, at + 1)),
            b'=' => {
                let more =
                    ["=>", "===", "=="].iter().find(|sign| text.get(at..).is_some_and(|rest| rest.starts_with(*sign)));
                return Some((Sign::Word, at + more.map_or(1, |sign| sign.len())));
            }
            b'-' | b'.' | b'!' | b'<' | b'>' | b'~' | b'+' | b'?' | b'*' | b'^' | b'|' | b'L' | b'l' | b'I' | b'i'
            | b'w' | b't' => {
                if let Some(found) = OPERATOR.as_ref().and_then(|operator| operator.captures(window(text, at, 70))) {
                    let length = found.iter().skip(1).flatten().next().map_or(0, |sign| sign.len());
                    if found.get(5).is_some_and(|word| word.len() < 6) {
                        return None;
                    }
                    return Some((if found.get(1).is_some() { Sign::Line } else { Sign::Word }, at + length));
                }
            }
            // ? password
            // : x
            b'\r' | b'\n' if window_before(text, name.start, 2) == "? " => {
                let below = skip_space(text, at);
                return (byte(text, below) == b':').then_some((Sign::Line, below + 1));
            }
            _ => {}
        }
        self.loose_sign_after(name, at, gap)
    }

    /// Tables, lists, options, and quoted texts.
    fn loose_sign_after(&self, name: &Name<'_>, at: usize, gap: usize) -> Option<(Sign, usize)> {
        let text = self.text;
        let (char, next) = (byte(text, at), byte(text, at + 1));
        let dashes = window_before(text, name.start, 3);
        let is_option = dashes.ends_with("--") && dashes != "---";
        if is_option && is_break(char) {
            return option_below(text, at);
        }
        let in_list = matches!(self.opened.last(), Some(b'[' | b'('));
        let is_element = (name.quoted && (in_list || is_option)) || (in_list && dashes.ends_with(':'));
        let is_tabbed = text.get(name.end..at).is_some_and(|blanks| blanks.contains('\t'));
        match char {
            b'|' if gap > 0 => Some((Sign::Cell, at + 1)),
            _ if is_tabbed => Some((Sign::Cell, at)),
            b'>' if !self.is_tag && (gap > 0 || !is_name_byte(next)) => Some((Sign::Word, at + 1)),
            b',' if is_element && !name.closes && !is_field_list(text, name, at) => Some((Sign::Word, at + 1)),
            b'"' | b'\'' | b'`' if gap > 0 && !name.quoted => Some((Sign::Word, at)),
            b'(' if gap == 0 && is_quote(next) => Some((Sign::Word, at)),
            _ if is_option && gap > 0 => Some((Sign::Word, at)),
            _ => None,
        }
    }
}

/// `["email", "password"]` names fields, and holds none.
fn is_field_list(text: &str, name: &Name<'_>, comma: usize) -> bool {
    let Some(next) = NEXT_ELEMENT.as_ref().and_then(|next| next.captures(window(text, comma, 80))) else {
        return false;
    };
    let group = |number| next.get(number).map_or("", |group| group.as_str());
    let (open, close) = (group(1), group(3));
    let before = window_before(text, name.start, 4).trim_end_matches(['"', '\'', '`']).trim_end();
    open == close && are_field_names(name.text, group(2), group(4) == "," || before.ends_with(','))
}

/// The value of an option on the next line, which may be an entry of a list: `- --password`, `- x`.
fn option_below(text: &str, line_break: usize) -> Option<(Sign, usize)> {
    let mut at = skip_space(text, line_break);
    if byte(text, at) == b'-' && is_blank(byte(text, at + 1)) {
        at = skip_blanks(text, at + 1);
    }
    (at < text.len() && byte(text, at) != b'-').then_some((Sign::Word, at))
}

fn is_source(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, kind)| SOURCES.contains(&kind))
}

const SOURCES: [&str; 15] =
    ["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "rs", "py", "go", "java", "kt", "rb", "php"];
static INDENT: Pattern = LazyLock::new(|| Regex::new(r"^[ \t\r\n]*(?:-[ \t]+)*").ok());
static SECTION: Pattern =
    LazyLock::new(|| Regex::new(r"^(\[([A-Za-z0-9_.-]{1,64})\]{1,2}[ \t]{0,8}\r?\n)[^\[\r\n]{1,80}=").ok());
static REMARK: Pattern = LazyLock::new(|| Regex::new(r#"^([ \t]{0,4}\([^()\r\n"'`]{0,40}\)[ \t]{0,4})[:=]"#).ok());
/// The first group is there for what a line follows.
static OPERATOR: Pattern = LazyLock::new(|| {
    Regex::new(r#"^(?:(-{1,2}>|\.{4,64}:?|\.{2,3}:)|([!<>~+?*^|]{1,2}=|<>)|(?:([Ll]ike|LIKE|[Ii]n|IN)[ (])|(?:(is|was|to) (?:["'`]|([A-Za-z]{1,64}[0-9][^ \t\r\n]*|[0-9]{1,64}[A-Za-z][^ \t\r\n]*))))"#).ok()
});
static NEXT_ELEMENT: Pattern =
    LazyLock::new(|| Regex::new(r#"^,\s*(["'`])([A-Za-z][A-Za-z0-9_. -]{0,63})(["'`])\s*([,\])])"#).ok());
static ELEMENTS: Pattern = LazyLock::new(|| Regex::new(r#""[^"]{1,64}"|'[^']{1,64}'"#).ok());
/// Words that are signs, too.
const WORDS: [&str; 4] = ["...", " is ", " was ", " to "];
const MAX_LIST: usize = 4096;
const MAX_DISGUISE: usize = 32;
const MAX_NAME: usize = 256;
const MAX_LABEL: usize = 64;
const MAX_INDENT: usize = 200;
const MOST_WORDS: usize = 4;
const MOST_WORK: usize = 32;
