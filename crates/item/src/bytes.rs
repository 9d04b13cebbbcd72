//! The bounded reader and the writer's helpers: big-endian, checked lengths, no indexing.

/// Reads from the front of a slice; every method is `None` when the input is too short.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(input: &'a [u8]) -> Self {
        Self { rest: input }
    }

    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (head, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(head)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| *byte)
    }

    pub(crate) fn u16(&mut self) -> Option<usize> {
        self.array().map(|bytes| usize::from(u16::from_be_bytes(*bytes)))
    }

    pub(crate) fn u32(&mut self) -> Option<usize> {
        self.array().and_then(|bytes| usize::try_from(u32::from_be_bytes(*bytes)).ok())
    }

    /// A 16-bit length and that many bytes.
    pub(crate) fn u16_prefixed(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(length)
    }

    /// A 32-bit length and that many bytes.
    pub(crate) fn u32_prefixed(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.take(length)
    }

    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// `Some` only if everything was read.
    pub(crate) fn finish(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }
}

pub(crate) fn put_u16(out: &mut Vec<u8>, value: usize) -> Option<()> {
    out.extend_from_slice(&u16::try_from(value).ok()?.to_be_bytes());
    Some(())
}

pub(crate) fn put_u32(out: &mut Vec<u8>, value: usize) -> Option<()> {
    out.extend_from_slice(&u32::try_from(value).ok()?.to_be_bytes());
    Some(())
}

pub(crate) fn put_u16_prefixed(out: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    put_u16(out, bytes.len())?;
    out.extend_from_slice(bytes);
    Some(())
}

pub(crate) fn put_u32_prefixed(out: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    put_u32(out, bytes.len())?;
    out.extend_from_slice(bytes);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_input_reads_nothing() {
        let mut reader = Reader::new(&[0, 3, 1, 2]);
        assert_eq!(reader.u16_prefixed(), None);
        let mut reader = Reader::new(&[0xff, 0xff, 0xff, 0xff, 1]);
        assert_eq!(reader.u32_prefixed(), None);
    }

    #[test]
    fn trailing_bytes_are_seen() {
        let mut reader = Reader::new(&[0, 1, 7, 9]);
        assert_eq!(reader.u16_prefixed(), Some(&[7][..]));
        assert_eq!((reader.finish(), reader.left()), (None, 1));
    }
}
