//! A text as a reader takes it: letters that look like others, other digits, quotes and blanks as the plain ones, and what is
//! percent-encoded, escaped or an entity as what it means. Each byte knows where in the source it stands.

use std::borrow::Cow;

use icu_normalizer::DecomposingNormalizerBorrowed;

use super::facts::Facts;

/// A text, and where its bytes come from.
pub(super) struct View<'t> {
    pub text: Cow<'t, str>,
    /// For each byte of the text, the part of the source it stands for; nothing if that is the text itself.
    places: Option<Vec<(usize, usize)>>,
}

impl<'t> View<'t> {
    /// The text without encodings taken off.
    pub(super) fn new(text: &'t str, facts: &Facts) -> Self {
        if text.is_ascii() {
            return Self { text: Cow::Borrowed(text), places: None };
        }
        let mut made = Made { facts, text: String::with_capacity(text.len()), places: Vec::with_capacity(text.len()) };
        for (at, char) in text.char_indices() {
            made.fold(char, (at, at + char.len_utf8()));
        }
        made.view()
    }

    /// With one level of encodings taken off; `None` if there is none.
    pub(super) fn decoded(&self, facts: &Facts) -> Option<View<'static>> {
        let text: &str = &self.text;
        if !text.contains(['%', '&', '\\']) {
            return None;
        }
        let mut made = Made { facts, text: String::with_capacity(text.len()), places: Vec::with_capacity(text.len()) };
        let (mut at, mut changed) = (0, false);
        while let Some(char) = text.get(at..).and_then(|rest| rest.chars().next()) {
            let found = decode(text, at, facts);
            let length = found.as_ref().map_or(char.len_utf8(), |(_, length)| *length);
            let place = self.source(at, at + length);
            match found {
                None => made.put(char, place),
                Some((decoded, _)) => made.fold(decoded, place),
            }
            changed |= length != char.len_utf8();
            at += length;
        }
        changed.then(|| made.view())
    }

    /// Where a part of it stands in the source.
    pub(super) fn source(&self, start: usize, end: usize) -> (usize, usize) {
        let Some(places) = &self.places else { return (start, end) };
        let last = places.last().map_or(0, |(_, to)| *to);
        let from = places.get(start).map_or(last, |(from, _)| *from);
        let to = end.checked_sub(1).filter(|_| end > start).and_then(|before| places.get(before));
        (from, to.map_or(from, |(_, to)| *to))
    }
}

/// The plain form of a name or a part of a text; where it stood is forgotten.
pub(super) fn plain<'t>(text: &'t str, facts: &Facts) -> Cow<'t, str> {
    let mut view = View::new(text, facts);
    for _ in 0..facts.limits.levels {
        let Some(next) = view.decoded(facts) else { break };
        view = next;
    }
    view.text
}

struct Made<'f> {
    facts: &'f Facts,
    text: String,
    places: Vec<(usize, usize)>,
}

impl Made<'_> {
    fn put(&mut self, char: char, place: (usize, usize)) {
        self.text.push(char);
        self.places.resize(self.text.len(), place);
    }

    fn fold(&mut self, char: char, place: (usize, usize)) {
        if char.is_ascii() {
            return self.put(char, place);
        }
        let code = u32::from(char);
        if self.facts.ignored.iter().any(|(first, last)| (*first..=*last).contains(&code)) {
            return;
        }
        let digit = self.facts.zeros.iter().find_map(|zero| char::from_digit(code.checked_sub(*zero)?, 10));
        if let Some(digit) = digit {
            return self.put(digit, place);
        }
        if let Some(known) = self.facts.folds.get(&char) {
            return known.chars().for_each(|char| self.put(char, place));
        }
        for part in DecomposingNormalizerBorrowed::new_nfkd().normalize(char.encode_utf8(&mut [0; 4])).chars() {
            if matches!(part, '\u{300}'..='\u{36f}') {
                continue;
            }
            match self.facts.folds.get(&part) {
                Some(known) => known.chars().for_each(|char| self.put(char, place)),
                None => self.put(part, place),
            }
        }
    }

    fn view(self) -> View<'static> {
        View { text: Cow::Owned(self.text), places: Some(self.places) }
    }
}

/// What stands encoded at a place, and how long it is.
fn decode(text: &str, at: usize, facts: &Facts) -> Option<(char, usize)> {
    match text.as_bytes().get(at)? {
        b'%' => percent(text, at),
        b'&' => entity(text.get(at..)?, facts),
        b'\\' => escape(text, at),
        _ => None,
    }
}

/// `%XX`, as many of them as make one character of UTF-8; also `%uXXXX`.
fn percent(text: &str, at: usize) -> Option<(char, usize)> {
    if matches!(text.as_bytes().get(at + 1)?, b'u' | b'U') {
        return Some((from_code(hex(text, at + 2, 4)?), 6));
    }
    let first = hex(text, at + 1, 2)?;
    let (more, mut code) = match first {
        0xf0.. => (3, first & 0x07),
        0xe0.. => (2, first & 0x0f),
        0xc0.. => (1, first & 0x1f),
        _ => (0, first),
    };
    for part in 1..=more {
        let byte = text.as_bytes().get(at + 3 * part).filter(|byte| **byte == b'%');
        match byte.and_then(|_| hex(text, at + 3 * part + 1, 2)) {
            Some(byte) if byte >> 6 == 2 => code = (code << 6) | (byte & 0x3f),
            _ => return Some((char::REPLACEMENT_CHARACTER, 3)),
        }
    }
    Some((from_code(code), 3 * (more + 1)))
}

/// `&quot;`, `&#34;`, `&#x22;`; the semicolon may be missing.
fn entity(text: &str, facts: &Facts) -> Option<(char, usize)> {
    let run = |from: usize, most: usize, fits: fn(&u8) -> bool| {
        let length = text.as_bytes().iter().skip(from).take(most).take_while(|byte| fits(byte)).count();
        text.get(from..from + length).filter(|found| !found.is_empty())
    };
    let (char, length) = if text.starts_with("&#x") || text.starts_with("&#X") {
        let digits = run(3, 6, u8::is_ascii_hexdigit)?;
        (from_code(u32::from_str_radix(digits, 16).ok()?), 3 + digits.len())
    } else if text.starts_with("&#") {
        let digits = run(2, 7, u8::is_ascii_digit)?;
        (from_code(digits.parse().ok()?), 2 + digits.len())
    } else {
        let name = run(1, 8, u8::is_ascii_alphabetic).filter(|name| name.len() >= 2)?;
        (facts.entities.get(&name.to_ascii_lowercase())?.chars().next()?, 1 + name.len())
    };
    Some((char, length + usize::from(text.as_bytes().get(length) == Some(&b';'))))
}

/// As JSON and JavaScript escape.
fn escape(text: &str, at: usize) -> Option<(char, usize)> {
    let sign = *text.as_bytes().get(at + 1)?;
    let simple = match sign {
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'"' | b'\'' | b'`' | b'\\' | b'/' => char::from(sign),
        b'x' => return Some((from_code(hex(text, at + 2, 2)?), 4)),
        b'u' => {
            let Some(code) = hex(text, at + 2, 4) else { return braced(text, at) };
            return Some((from_code(code), 6));
        }
        _ => return None,
    };
    Some((simple, 2))
}

/// `\u{61}`
fn braced(text: &str, at: usize) -> Option<(char, usize)> {
    let inner = text.get(at..)?.strip_prefix("\\u{")?;
    let (digits, _) = inner.split_once('}')?;
    let fits = (1..=10).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| {
        Some((from_code(u32::from_str_radix(digits.trim_start_matches('0'), 16).unwrap_or(0)), digits.len() + 4))
    })?
}

fn hex(text: &str, at: usize, length: usize) -> Option<u32> {
    let digits = text.get(at..at + length)?;
    let fits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if fits { u32::from_str_radix(digits, 16).ok() } else { None }
}

fn from_code(code: u32) -> char {
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}
