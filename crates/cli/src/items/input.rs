//! What comes in, as text: gzip is unpacked, as exports are packed, and the mark that some programs put before UTF-8 is
//! left out. Whatever it unpacks to, no more than a buffer of it is held here.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Cursor, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;

/// A form of input that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    Utf16,
    Ion,
    Gzip,
}

impl Unreadable {
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::Utf16 => "write it as UTF-8; Windows PowerShell's > does not, unless told by Out-File -Encoding utf8",
            Self::Ion => "export the table again with the format DYNAMODB_JSON",
            Self::Gzip => "fetch the file again and compare its checksum; what stood before the damage was worked on",
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf16 => "it is UTF-16",
            Self::Ion => "it is Amazon Ion",
            Self::Gzip => "its gzip data is damaged, or ends too soon",
        })
    }
}

impl std::error::Error for Unreadable {}

impl From<Unreadable> for io::Error {
    fn from(form: Unreadable) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, form)
    }
}

/// The text of an input. Its form is looked at with the first read.
pub(crate) struct Input {
    state: State,
    taken: Rc<Cell<u64>>,
}

enum State {
    Fresh(Box<dyn Read>),
    Open(Box<dyn Read>),
    Failed,
}

impl Input {
    pub(crate) fn new(raw: impl Read + 'static) -> Self {
        let taken = Rc::new(Cell::new(0));
        Self { state: State::Fresh(Box::new(Counted { raw, taken: taken.clone() })), taken }
    }

    /// How many bytes were read of what came in, since this was asked before.
    pub(crate) fn taken(&self) -> Rc<Cell<u64>> {
        self.taken.clone()
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let State::Fresh(_) = self.state
            && let State::Fresh(raw) = std::mem::replace(&mut self.state, State::Failed)
        {
            self.state = State::Open(opened(raw)?);
        }
        match &mut self.state {
            State::Open(text) => text.read(buffer),
            State::Fresh(_) | State::Failed => Ok(0),
        }
    }
}

fn opened(mut raw: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
    let first = start(&mut raw)?;
    if !first.starts_with(&GZIP) {
        return text(first, raw);
    }
    let packed = BufReader::new(Cursor::new(first).chain(raw));
    let mut unpacked: Box<dyn Read> = Box::new(Unpacked(MultiGzDecoder::new(packed)));
    let first = start(&mut unpacked)?;
    text(first, unpacked)
}

fn text(mut first: Vec<u8>, rest: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
    if first.starts_with(&UTF_8) {
        first.clear();
    }
    if UTF_16.iter().any(|mark| first.starts_with(mark)) {
        return Err(Unreadable::Utf16.into());
    }
    if first.starts_with(&ION) {
        return Err(Unreadable::Ion.into());
    }
    Ok(Box::new(Cursor::new(first).chain(rest)))
}

/// The bytes that tell a form. More than the first is waited for only where it is no JSON's.
fn start(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut found = Vec::with_capacity(ION.len());
    while FORMS.iter().any(|form| form.len() > found.len() && form.starts_with(&found)) {
        let mut byte = [0];
        match input.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => found.extend(byte),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

struct Counted<R> {
    raw: R,
    taken: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.raw.read(buffer)?;
        self.taken.set(self.taken.get().saturating_add(read as u64));
        Ok(read)
    }
}

/// What is packed, with errors that say so.
struct Unpacked<R>(R);

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                Unreadable::Gzip.into()
            }
            _ => error,
        })
    }
}

const GZIP: [u8; 2] = [0x1f, 0x8b];
const UTF_8: [u8; 3] = [0xef, 0xbb, 0xbf];
const UTF_16: [[u8; 2]; 2] = [[0xff, 0xfe], [0xfe, 0xff]];
/// How Ion begins in its binary form.
const ION: [u8; 4] = [0xe0, 0x01, 0x00, 0xea];
const FORMS: [&[u8]; 5] = [&GZIP, &UTF_8, &[0xff, 0xfe], &[0xfe, 0xff], &ION];

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Vec<u8>, Option<Unreadable>> {
        let mut text = Vec::new();
        match Input::new(Cursor::new(bytes.to_vec())).read_to_end(&mut text) {
            Ok(_) => Ok(text),
            Err(error) => Err(error.get_ref().and_then(|inner| inner.downcast_ref()).copied()),
        }
    }

    #[test]
    fn each_form_becomes_text() {
        let marked = [&UTF_8, b"{}\n".as_slice()].concat();
        for text in [b"".as_slice(), b"{", b"{}\n", b"\xef", b"\xef\xbb", b"\x1f", b"\xe0\x01\x00", b"\xffx"] {
            assert_eq!(read(text), Ok(text.to_vec()));
            if !text.is_empty() {
                assert_eq!(read(&packed(text)), Ok(text.to_vec()));
            }
        }
        assert_eq!(read(&marked), Ok(b"{}\n".to_vec()));
        assert_eq!(read(&packed(&marked)), Ok(b"{}\n".to_vec()));
        // Files that were put one behind the other.
        assert_eq!(read(&[packed(b"a\n"), packed(b""), packed(b"b\n")].concat()), Ok(b"a\nb\n".to_vec()));
        assert_eq!(read(&packed(b"")), Ok(Vec::new()));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let all = packed(&b"{\"id\":1}\n".repeat(1000));
        let mut damaged = all.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0xff;
        let last = all.len() - 5;
        let mut other_sum = all.clone();
        other_sum[last] ^= 1;
        for wrong in [&damaged, &other_sum, &all[..all.len() - 1], &all[..middle], &all[..2]] {
            assert_eq!(read(wrong), Err(Some(Unreadable::Gzip)));
        }
        assert_eq!(read(b"\xff\xfe{\0"), Err(Some(Unreadable::Utf16)));
        assert_eq!(read(b"\xfe\xff\0{"), Err(Some(Unreadable::Utf16)));
        assert_eq!(read(&packed(b"\xe0\x01\x00\xea\xee")), Err(Some(Unreadable::Ion)));
    }

    #[test]
    fn bytes_are_counted_as_they_came() {
        let bytes = packed(&b"{}\n".repeat(10_000));
        let (length, mut input) = (bytes.len() as u64, Input::new(Cursor::new(bytes)));
        let taken = input.taken();
        input.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(taken.get(), length);
    }
}
