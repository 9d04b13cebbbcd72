//! The canonical record (FORMAT 9.1), hashed as it is built.
//!
//! | field          | bytes                                                                           |
//! |----------------|---------------------------------------------------------------------------------|
//! | header         | all of it, commitment included                                                  |
//! | context        | u64 length, then the full encryption context                                    |
//! | per attribute, in canonical order:                                                               ||
//! | path           | see `path.rs`                                                                   |
//! | encrypted      | u64 length of what follows the type id, `ENCRYPTED`, type id, ciphertext and tag |
//! | or plain       | u64 length of value bytes, `PLAINTEXT`, type id, value bytes                    |
//!
//! Spec: `specification/structured-encryption/footer.md#canonical-record`.

use crate::context::Full;
use crate::error::ValueFault;
use crate::path::Path;
use crate::sign::{CanonicalHash, Hash};
use crate::terminal::{type_id, value_bytes};
use crate::value::Value;

const ENCRYPTED: &[u8] = b"ENCRYPTED";
const PLAINTEXT: &[u8] = b"PLAINTEXT";
/// The type id before the ciphertext; it counts towards the hash but not towards the length (FORMAT T11).
pub(crate) const TYPE_ID: usize = 2;

pub(crate) struct Record {
    hash: Hash,
    path: Path,
    scratch: Vec<u8>,
}

impl Record {
    pub(crate) fn new(header: &[u8], context: &Full, logical_table: &str) -> Self {
        let mut hash = Hash::new();
        hash.update(header);
        hash.update(&length(context.bytes().len()));
        hash.update(context.bytes());
        Self { hash, path: Path::new(logical_table), scratch: Vec::new() }
    }

    /// The path of an attribute, which is also the AAD of its encryption.
    pub(crate) fn path(&mut self, name: &str) -> &[u8] {
        self.path.of(name)
    }

    /// Adds an encrypted attribute as it is stored: type id, ciphertext and tag.
    pub(crate) fn encrypted(&mut self, name: &str, stored: &[u8]) {
        self.hash.update(self.path.of(name));
        self.hash.update(&length(stored.len().saturating_sub(TYPE_ID)));
        self.hash.update(ENCRYPTED);
        self.hash.update(stored);
    }

    /// Adds an attribute that is stored plainly.
    pub(crate) fn plain(&mut self, name: &str, value: &Value<'_>) -> Result<(), ValueFault> {
        let bytes = value_bytes(value, &mut self.scratch)?;
        self.hash.update(self.path.of(name));
        self.hash.update(&length(bytes.len()));
        self.hash.update(PLAINTEXT);
        self.hash.update(&type_id(value));
        self.hash.update(bytes);
        Ok(())
    }

    pub(crate) fn finish(self) -> CanonicalHash {
        self.hash.finish()
    }
}

fn length(bytes: usize) -> [u8; 8] {
    (bytes as u64).to_be_bytes()
}
