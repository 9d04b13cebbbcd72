//! Canonical paths (FORMAT 4): the name under which an attribute is signed and encrypted.
//!
//! | field            | bytes                                    |
//! |------------------|------------------------------------------|
//! | logical table    | UTF-8                                    |
//! | depth            | 8: always 1                              |
//! | `$`              | 1: a top-level name follows              |
//! | length of name   | 8: in UTF-16 code units (FORMAT T4)      |
//! | name             | UTF-8                                    |
//!
//! Spec: `specification/structured-encryption/header.md#canonical-path`.

use std::cmp::Ordering;

/// The path of an attribute of one table; the table's part is kept and the name's part replaced.
pub(crate) struct Path {
    bytes: Vec<u8>,
    prefix: usize,
}

impl Path {
    pub(crate) fn new(logical_table: &str) -> Self {
        // Room for most names at once.
        let mut bytes = Vec::with_capacity(logical_table.len() + 17 + 64);
        bytes.extend_from_slice(logical_table.as_bytes());
        bytes.extend_from_slice(&1_u64.to_be_bytes());
        bytes.push(b'$');
        Self { prefix: bytes.len(), bytes }
    }

    pub(crate) fn of(&mut self, name: &str) -> &[u8] {
        self.bytes.truncate(self.prefix);
        self.bytes.extend_from_slice(&utf16_len(name).to_be_bytes());
        self.bytes.extend_from_slice(name.as_bytes());
        &self.bytes
    }
}

/// The byte order of two paths of one table: by length of name first, then by bytes (FORMAT T5).
pub fn canonical_order(left: &str, right: &str) -> Ordering {
    utf16_len(left).cmp(&utf16_len(right)).then_with(|| left.as_bytes().cmp(right.as_bytes()))
}

fn utf16_len(name: &str) -> u64 {
    if name.is_ascii() { name.len() as u64 } else { name.encode_utf16().count() as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_the_byte_order_of_paths() {
        let names = ["zz", "aaa", "a", "é", "\u{1f511}", "ab", "\u{e000}b"];
        let mut by_order = names;
        by_order.sort_by(|left, right| canonical_order(left, right));
        let mut by_path = names;
        by_path.sort_by_key(|name| Path::new("t").of(name).to_vec());
        assert_eq!(by_order, by_path);
    }
}
