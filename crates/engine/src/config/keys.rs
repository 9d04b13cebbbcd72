//! `[keys.NAME]`: names to key rings. A `multi` key is built from others, in any order of the file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use dynaseal_keys::{Error, KeyStoreTable, Keyring, KmsUse, Multi};

use super::explain::KeyExplanation;
use super::fault::{CONTRADICTION, CYCLE, Faults, MISSING, Span, TYPE, UNDEFINED, UNUSED, VALUE, shown};
use super::outside::Outside;
use super::rings::{self, Kms, Ring};
use super::section::{At, Section, word};
use crate::nearest::nearest;

/// Every key that the configuration defines.
pub(super) struct Keys<'r> {
    defined: BTreeMap<&'r str, Defined<'r>>,
    used: BTreeSet<&'r str>,
    made: Made,
}

/// What keys bring along beside their key rings.
#[derive(Default)]
pub(super) struct Made {
    pub(super) stores: KeyStores,
    /// What they ask of AWS KMS; those over branch keys that take only one name it.
    pub(super) kms: BTreeMap<String, (KmsUse, Option<String>)>,
}

/// The key stores of those keys that have one, by the keys' names.
pub(super) type KeyStores = BTreeMap<String, Arc<KeyStoreTable>>;

struct Defined<'r> {
    span: Span,
    state: State<'r>,
}

enum State<'r> {
    /// It has a fault that was reported.
    Faulty,
    /// Its members are names still.
    Multi {
        generator: Option<At<&'r str>>,
        children: Vec<At<&'r str>>,
    },
    Ready(Arc<dyn Keyring>, KeyExplanation),
}

impl<'r> Keys<'r> {
    pub(super) fn read(
        section: Option<&Section<'r, '_>>,
        folder: &Path,
        outside: &dyn Outside,
        faults: &mut Faults<'_>,
    ) -> Self {
        let mut keys = Self { defined: BTreeMap::new(), used: BTreeSet::new(), made: Made::default() };
        for (name, value) in section.into_iter().flat_map(Section::entries) {
            let span = name.span;
            let state = match value.get_ref().as_table() {
                Some(table) => {
                    let section = Section::new(format!("[keys.{}]", name.value), table, span.clone());
                    read_one(name.value, section, folder, outside, &mut keys.made, faults)
                }
                None => {
                    let message = format!("{} in [keys] is of type {}", name.value, value.get_ref().type_str());
                    faults.error(&value.span(), TYPE, message, "write a section [keys.NAME] for each key");
                    None
                }
            };
            keys.defined.insert(name.value, Defined { span, state: state.unwrap_or(State::Faulty) });
        }
        let mut names: Vec<_> = keys.defined.iter().map(|(name, key)| (key.span.start, *name)).collect();
        names.sort_unstable();
        for (_, name) in names {
            keys.resolve(name, &mut Vec::new(), faults);
        }
        keys
    }

    /// The key ring that a table names.
    pub(super) fn ring(
        &mut self,
        name: &At<&str>,
        by: &str,
        faults: &mut Faults<'_>,
    ) -> Option<(Arc<dyn Keyring>, KeyExplanation)> {
        let own = self.find(name, by, faults)?;
        self.used.insert(own);
        match &self.defined.get(own)?.state {
            State::Ready(ring, explained) => Some((ring.clone(), explained.clone())),
            _ => None,
        }
    }

    /// Warns of keys that nothing uses, and gives out what the keys brought along.
    pub(super) fn finish(self, faults: &mut Faults<'_>) -> Made {
        for (name, key) in self.defined {
            if !self.used.contains(name) {
                let message = format!("no table uses the key {name}");
                faults.warn(&key.span, UNUSED, message, "remove it, or name it in a table");
            }
        }
        self.made
    }

    fn resolve(
        &mut self,
        name: &'r str,
        path: &mut Vec<&'r str>,
        faults: &mut Faults<'_>,
    ) -> Option<(Arc<dyn Keyring>, KeyExplanation)> {
        let defined = self.defined.get_mut(name)?;
        let span = defined.span.clone();
        let (generator, children) = match std::mem::replace(&mut defined.state, State::Faulty) {
            State::Faulty => return None,
            State::Ready(ring, explained) => {
                defined.state = State::Ready(ring.clone(), explained.clone());
                return Some((ring, explained));
            }
            State::Multi { generator, children } => (generator, children),
        };
        let by = format!("[keys.{name}]");
        if path.len() >= DEEPEST {
            let message =
                format!("{by} stands {DEEPEST} multi keys deep in {}", path.first().copied().unwrap_or_default());
            faults.error(
                &span,
                VALUE,
                message,
                "list the keys in one multi key; a key inside it need not be a multi key",
            );
            return None;
        }
        path.push(name);
        let mut member = |member: &At<&'r str>, faults: &mut Faults<'_>| {
            let own = self.find(member, &by, faults)?;
            self.used.insert(own);
            if path.contains(&own) {
                let message = format!("{by} contains itself: {} -> {own}", path.join(" -> "));
                faults.error(
                    &member.span,
                    CYCLE,
                    message,
                    "a multi key may only hold keys that do not lead back to it",
                );
                return None;
            }
            self.resolve(own, path, faults)
        };
        // Every member is resolved before any failure ends it, so that all faults are found.
        let generator = generator.map(|at| member(&at, faults));
        let children: Vec<_> = children.iter().map(|at| member(at, faults)).collect();
        path.pop();
        let generator = match generator {
            Some(None) => return None,
            Some(resolved) => resolved,
            None => None,
        };
        let children = children.into_iter().collect::<Option<Vec<_>>>()?;
        let (generator, first) = generator.unzip();
        let (rings, rest): (Vec<_>, Vec<_>) = children.into_iter().unzip();
        let explained = KeyExplanation {
            name: name.to_owned(),
            r#type: "multi",
            detail: "sealed items can be opened with any of".to_owned(),
            branch_key_id_attribute: None,
            children: first.into_iter().chain(rest).collect(),
        };
        let ring = Multi::new(generator, rings);
        if let Err(error @ Error::Replicas { keys, places }) = &ring {
            let named = |(key, place): (_, &usize)| Some(format!("{}, {key}", explained.children.get(*place)?.name));
            let named: Vec<_> = keys.iter().zip(places).filter_map(named).collect();
            let message = format!("{by} holds a multi-Region key more than once: {}", named.join("; "));
            faults.error(&span, error.code(), message, error.hint());
            return None;
        }
        let ring: Arc<dyn Keyring> = Arc::new(rings::usable(ring, |_| span.clone(), faults)?);
        if let Some(defined) = self.defined.get_mut(name) {
            defined.state = State::Ready(ring.clone(), explained.clone());
        }
        Some((ring, explained))
    }

    fn find(&self, name: &At<&str>, by: &str, faults: &mut Faults<'_>) -> Option<&'r str> {
        if let Some((own, _)) = self.defined.get_key_value(name.value) {
            return Some(own);
        }
        let may_search = faults.may_search(self.defined.len());
        let known = may_search.then(|| nearest(name.value, self.defined.keys().copied())).flatten();
        let hint = match known {
            Some(word) => format!("did you mean \"{word}\"?"),
            None => "add a section [keys.NAME]".to_owned(),
        };
        faults.error(
            &name.span,
            UNDEFINED,
            format!("{by} names the key {}, which is not defined", shown(name.value)),
            hint,
        );
        None
    }
}

fn read_one<'r>(
    name: &str,
    mut section: Section<'r, '_>,
    folder: &Path,
    outside: &dyn Outside,
    made: &mut Made,
    faults: &mut Faults<'_>,
) -> Option<State<'r>> {
    let kind = section.required("type", "raw-aes", faults)?;
    let r#type = word(&kind, TYPES, &format!("type in {}", section.title), faults)?;
    let state = match r#type {
        Type::Multi => multi(&mut section, faults),
        Type::Ring(ring) => rings::read(ring, &mut section, folder, outside, faults).map(|built| {
            let rings::Built { ring, detail, branch_key_id, branch_key_id_attribute, key_store, kms } = built;
            made.kms.extend(kms.map(|used| (name.to_owned(), (used, branch_key_id))));
            made.stores.extend(key_store.map(|store| (name.to_owned(), store)));
            let (name, children) = (name.to_owned(), Vec::new());
            let explained =
                KeyExplanation { name, r#type: type_word(r#type), detail, branch_key_id_attribute, children };
            State::Ready(ring, explained)
        }),
    };
    section.finish(faults);
    state
}

fn multi<'r>(section: &mut Section<'r, '_>, faults: &mut Faults<'_>) -> Option<State<'r>> {
    let generator = section.name("generator", faults);
    let children = section.names("children", faults);
    if !section.has("generator") && !section.has("children") {
        let message = format!("{} has neither generator nor children", section.title);
        faults.error(&section.span, MISSING, message, "add generator = \"NAME\" or children = [\"NAME\", \"NAME\"]");
        return None;
    }
    let mut seen = BTreeSet::new();
    for member in generator.iter().chain(&children) {
        if !seen.insert(member.value) {
            let message = format!("{} names the key {} twice", section.title, shown(member.value));
            faults.error(&member.span, CONTRADICTION, message, "keep one of the two");
        }
    }
    Some(State::Multi { generator, children })
}

#[derive(Clone, Copy, PartialEq)]
enum Type {
    Ring(Ring),
    Multi,
}

fn type_word(r#type: Type) -> &'static str {
    TYPES.iter().find(|(_, other)| *other == r#type).map_or("", |(word, _)| word)
}

/// More than anybody nests, and few enough for any thread.
const DEEPEST: usize = 16;

const TYPES: &[(&str, Type)] = &[
    ("raw-aes", Type::Ring(Ring::RawAes)),
    ("raw-rsa", Type::Ring(Ring::RawRsa)),
    ("raw-ecdh", Type::Ring(Ring::RawEcdh)),
    ("aws-kms", Type::Ring(Ring::AwsKms(Kms::Single))),
    ("aws-kms-mrk", Type::Ring(Ring::AwsKms(Kms::MultiRegion))),
    ("aws-kms-discovery", Type::Ring(Ring::AwsKms(Kms::Discovery))),
    ("aws-kms-mrk-discovery", Type::Ring(Ring::AwsKms(Kms::MultiRegionDiscovery))),
    ("aws-kms-rsa", Type::Ring(Ring::AwsKmsRsa)),
    ("aws-kms-ecdh", Type::Ring(Ring::AwsKmsEcdh)),
    ("branch-key-file", Type::Ring(Ring::BranchKeyFile)),
    ("hierarchical", Type::Ring(Ring::Hierarchical)),
    ("multi", Type::Multi),
];
