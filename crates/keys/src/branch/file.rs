//! A key store in a file, for development, tests and machines without a network.
//!
//! One object, or an array of objects, one for each branch key:
//!
//! | field                       | holds                                                                    |
//! |-----------------------------|--------------------------------------------------------------------------|
//! | `branch_key_id`             | the id, stored with every item                                           |
//! | `active_version`            | the version that seals, a UUID                                           |
//! | `versions`                  | every version by its UUID: base64 of 32 bytes                            |
//! | `beacon_key`                | optional; base64 of 32 bytes                                             |
//! | `custom_encryption_context` | optional; an object of strings                                           |
//! | `about`, `source`           | optional; for the reader                                                 |

use std::collections::BTreeMap;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::branch::store::{BranchKey, KeyStore, KeyVersion};
use crate::error::{Error, KeyFileFault};
use crate::json::Node;
use crate::keyring::Io;
use crate::secret::Secret;
use crate::wire::BoxFuture;

/// Branch keys from a file. All are read at once, so a file that is replaced is not noticed.
#[derive(Debug)]
pub struct BranchKeyFile(BTreeMap<String, Stored>);

#[derive(Debug)]
struct Stored {
    active: Arc<BranchKey>,
    versions: BTreeMap<KeyVersion, Arc<BranchKey>>,
}

impl BranchKeyFile {
    /// Reads the text of a key file; wipe the caller's copy.
    ///
    /// # Errors
    /// Every fault of the file, none with text of it but the names of its fields.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let fault = |fault| Error::KeyFile { faults: vec![fault] };
        let root = Node::parse(text).map_err(|(line, column, what)| {
            fault(KeyFileFault { at: format!("line {line}, column {column}"), what: what.to_owned() })
        })?;
        let entries = match &root {
            Node::Array(entries) => entries.iter().zip(1..).map(|(entry, n)| (format!("entry {n}"), entry)).collect(),
            entry => vec![("the branch key".to_owned(), entry)],
        };
        let (mut faults, mut keys) = (Faults::default(), BTreeMap::new());
        if entries.is_empty() {
            faults.note("the file", "holds no branch key");
        }
        for (at, entry) in entries {
            let Some((id, stored)) = faults.entry(&at, entry) else { continue };
            if keys.insert(id, stored).is_some() {
                faults.note(&at, "repeats the branch_key_id of an entry before it");
            }
        }
        if faults.0.is_empty() { Ok(Self(keys)) } else { Err(Error::KeyFile { faults: faults.0 }) }
    }

    /// The ids of the branch keys, in byte order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn stored(&self, id: &str) -> Result<&Stored, Error> {
        self.0.get(id).ok_or_else(|| Error::NoBranchKey { id: id.to_owned() })
    }
}

impl KeyStore for BranchKeyFile {
    fn active<'a>(&'a self, id: &'a str, _: Io<'a>) -> BoxFuture<'a, Result<Arc<BranchKey>, Error>> {
        Box::pin(async move { self.stored(id).map(|stored| Arc::clone(&stored.active)) })
    }

    fn version<'a>(
        &'a self,
        id: &'a str,
        version: KeyVersion,
        _: Io<'a>,
    ) -> BoxFuture<'a, Result<Arc<BranchKey>, Error>> {
        Box::pin(async move {
            let missing = || Error::NoVersion { id: id.to_owned(), version: version.to_string() };
            self.stored(id)?.versions.get(&version).cloned().ok_or_else(missing)
        })
    }
}

/// Collects what is wrong; `None` from its methods means that something was.
#[derive(Default)]
struct Faults(Vec<KeyFileFault>);

impl Faults {
    fn note(&mut self, at: &str, what: &str) {
        self.0.push(KeyFileFault { at: at.to_owned(), what: what.to_owned() });
    }

    fn refuse<T>(&mut self, at: &str, what: &str) -> Option<T> {
        self.note(at, what);
        None
    }

    fn entry(&mut self, at: &str, entry: &Node) -> Option<(String, Stored)> {
        let Node::Object(fields) = entry else { return self.refuse(at, "must be an object") };
        let known = fields.iter().filter(|(name, _)| FIELDS.contains(&name.as_str()));
        if known.count() != fields.len() {
            self.note(
                at,
                "has a field that is not branch_key_id, active_version, versions, beacon_key, \
                custom_encryption_context, about or source",
            );
        }
        let repeated = FIELDS.iter().find(|field| fields.iter().filter(|(name, _)| name == *field).count() > 1);
        if let Some(field) = repeated {
            self.note(&format!("{at}, {field}"), "stands there twice");
        }
        let get = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, node)| node);
        let id = self.id(&format!("{at}, branch_key_id"), get("branch_key_id"));
        let active = self.uuid(&format!("{at}, active_version"), get("active_version"));
        let versions = self.versions(&format!("{at}, versions"), get("versions"));
        if let Some(node) = get("beacon_key") {
            self.key(&format!("{at}, beacon_key"), node);
        }
        if let Some(node) = get("custom_encryption_context") {
            let strings = |(_, node): &(String, Node)| matches!(node, Node::Text(_));
            if !matches!(node, Node::Object(pairs) if pairs.iter().all(strings)) {
                self.note(&format!("{at}, custom_encryption_context"), "must be an object of strings");
            }
        }
        let (id, active, versions) = (id?, active?, versions?);
        match versions.get(&active) {
            Some(key) => Some((id, Stored { active: Arc::clone(key), versions })),
            None => self.refuse(&format!("{at}, active_version"), "is not one of versions"),
        }
    }

    fn id(&mut self, at: &str, node: Option<&Node>) -> Option<String> {
        match node {
            Some(Node::Text(id)) if (1..=LONGEST_ID).contains(&id.len()) => Some(id.to_string()),
            Some(Node::Text(_)) => self.refuse(at, "must have 1 to 65,535 bytes"),
            Some(_) => self.refuse(at, "must be a string"),
            None => self.refuse(at, "is missing"),
        }
    }

    fn uuid(&mut self, at: &str, node: Option<&Node>) -> Option<KeyVersion> {
        match node {
            Some(Node::Text(text)) => match KeyVersion::parse(text) {
                Some(version) => Some(version),
                None => self.refuse(at, "must be a UUID such as 00000000-0000-4000-8000-000000000000"),
            },
            Some(_) => self.refuse(at, "must be a string"),
            None => self.refuse(at, "is missing"),
        }
    }

    fn versions(&mut self, at: &str, node: Option<&Node>) -> Option<BTreeMap<KeyVersion, Arc<BranchKey>>> {
        let pairs = match node {
            Some(Node::Object(pairs)) => pairs,
            Some(_) => return self.refuse(at, "must be an object"),
            None => return self.refuse(at, "is missing"),
        };
        let before = self.0.len();
        let mut versions = BTreeMap::new();
        for ((name, node), number) in pairs.iter().zip(1..) {
            let Some(version) = KeyVersion::parse(name) else {
                self.note(&format!("{at}, number {number}"), "must have a UUID as its name");
                continue;
            };
            let at = format!("{at}, {version}");
            let Some(key) = self.key(&at, node) else { continue };
            if versions.insert(version, Arc::new(BranchKey::new(version, key.expose()))).is_some() {
                self.note(&at, "stands there twice");
            }
        }
        (self.0.len() == before).then_some(versions)
    }

    fn key(&mut self, at: &str, node: &Node) -> Option<Secret<32>> {
        let Node::Text(text) = node else { return self.refuse(at, "must be a string") };
        let bytes = base64_simd::STANDARD.decode_to_vec(text.as_bytes()).map(Zeroizing::new);
        match bytes.ok().and_then(|bytes| Secret::from_slice(&bytes)) {
            Some(key) => Some(key),
            None => self.refuse(at, "must be base64 of 32 bytes"),
        }
    }
}

const FIELDS: [&str; 7] =
    ["branch_key_id", "active_version", "versions", "beacon_key", "custom_encryption_context", "about", "source"];

/// An id is a provider info, whose length the header writes in 16 bits.
const LONGEST_ID: usize = 65_535;

#[cfg(test)]
mod tests;
