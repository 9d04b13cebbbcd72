//! The key store: AWS's client and ours make and rotate branch keys in one table, and each opens what the other sealed with
//! them. Records that both made are compared attribute by attribute. `discovery.rs` reads them without a configured KMS key.
//!
//! ```text
//!  one makes a branch key ──> both seal ──> it rotates ──> both seal ──> the other rotates ──> both seal
//!                                                     both open all six items with fresh key rings
//! ```

mod discovery;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use dynaseal_item::{Action, SchemaSpec};
use dynaseal_keys::{CreateKey, KeyStoreTable, Provider};
use serde_json::Value;

use crate::aws::{KeyStore, KmsConfiguration};
use crate::mutate::HEAD;
use crate::ours::{self, block_on};
use crate::report::{Report, Section};
use crate::rings::{BY_AWS, BY_US};
use crate::run::Sides;
use crate::standin::{FOREIGN_ARN, KEY_STORE, KMS_ARN, MRK_ARN, REGION, REPLICA_ARN, put_branch_keys, settle};
use crate::values::Attributes;

/// Makes the table, the branch keys whose bytes are known, and those of the rings over the key store.
pub fn prepare(sides: &Sides) {
    let ready = block_on(ours::key_store(Keys::One.ours()).create_table(sides.ours.io())).expect("a table");
    assert!(ready.created);
    put_branch_keys(&sides.services);
    for (maker, id) in [(Side::Aws, BY_AWS), (Side::Us, BY_US)] {
        let store = maker.store(sides, Keys::One);
        store.create(Some(id)).expect("a branch key");
        store.rotate(id).expect("a new version");
    }
}

/// Runs the exchange and fails unless all of it ran.
pub fn exchange(sides: &Sides, report: &mut Report) {
    match sides.aws.run(sides.aws.key_store(Keys::One.aws(), REGION).create_key_store().send()) {
        Ok(_) => report.pass(Section::KeyStore, TABLE),
        Err(error) => report.fail(Section::KeyStore, TABLE, "CreateKeyStore", error),
    }
    let variants = [(Keys::One, true), (Keys::One, false), (Keys::MultiRegion, true)];
    for (keys, chosen) in variants {
        let [by_aws, by_us] = [Side::Aws, Side::Us].map(|maker| {
            let name = format!("{keys:?}, made by {maker:?}, {} id", if chosen { "chosen" } else { "random" });
            let mut place = Place { sides, keys, report: &mut *report, name: name.clone() };
            let shapes = place.run(maker, chosen.then(|| format!("{keys:?}-{maker:?}")));
            if let Err(error) = &shapes {
                place.check("it runs to its end", Err(error.clone()));
            }
            report.require(Section::KeyStore, &name, CHECKS);
            shapes.unwrap_or_default()
        });
        compare(&by_aws, &by_us, report);
    }
    report.require(Section::KeyStore, RECORDS, ATTRIBUTES);
    discovery::exchange(sides, report);
}

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Aws,
    Us,
}

/// Which KMS key protects the records. Of the multi-Region key each side has another replica.
#[derive(Clone, Copy, Debug)]
enum Keys {
    One,
    MultiRegion,
    /// One of another account.
    Foreign,
}

impl Keys {
    fn ours(self) -> dynaseal_keys::KmsConfiguration {
        match self {
            Keys::One => dynaseal_keys::KmsConfiguration::Key(KMS_ARN.to_owned()),
            Keys::MultiRegion => dynaseal_keys::KmsConfiguration::MultiRegionKey(REPLICA_ARN.to_owned()),
            Keys::Foreign => dynaseal_keys::KmsConfiguration::Key(FOREIGN_ARN.to_owned()),
        }
    }

    fn aws(self) -> KmsConfiguration {
        match self {
            Keys::One => KmsConfiguration::KmsKeyArn(KMS_ARN.to_owned()),
            Keys::MultiRegion => KmsConfiguration::KmsMrKeyArn(MRK_ARN.to_owned()),
            Keys::Foreign => KmsConfiguration::KmsKeyArn(FOREIGN_ARN.to_owned()),
        }
    }
}

impl Side {
    fn other(self) -> Self {
        if self == Side::Aws { Side::Us } else { Side::Aws }
    }

    /// Its client of the key store in the table that both use.
    fn store(self, sides: &Sides, keys: Keys) -> Store<'_> {
        let client = match self {
            Side::Aws => Client::Aws(sides.aws.key_store(keys.aws(), REGION)),
            Side::Us => Client::Us(Arc::new(ours::key_store(keys.ours()))),
        };
        Store { sides, client }
    }
}

/// The key store, as one side sees it.
struct Store<'a> {
    sides: &'a Sides,
    client: Client,
}

enum Client {
    Aws(KeyStore),
    Us(Arc<KeyStoreTable>),
}

impl Store<'_> {
    /// Makes a branch key; one with an id of its own has a custom context.
    fn create(&self, id: Option<&str>) -> Result<String, String> {
        let context = id.map(|_| ("tenant é".to_owned(), "of the interop tests".to_owned()));
        let id = match &self.client {
            Client::Aws(store) => {
                let call = store.create_key().set_branch_key_identifier(id.map(str::to_owned));
                let call = call.set_encryption_context(context.map(|pair| HashMap::from([pair])));
                self.sides.aws.run(call.send())?.branch_key_identifier.ok_or("no id")?
            }
            Client::Us(store) => {
                let new = CreateKey { id: id.map(str::to_owned), context: context.into_iter().collect() };
                block_on(store.create(new, self.sides.ours.io())).map_err(|error| error.to_string())?.id
            }
        };
        settle(&self.sides.services);
        Ok(id)
    }

    fn rotate(&self, id: &str) -> Result<(), String> {
        match &self.client {
            Client::Aws(store) => {
                self.sides.aws.run(store.version_key().branch_key_identifier(id).send())?;
            }
            Client::Us(store) => {
                block_on(store.rotate(id, self.sides.ours.io())).map_err(|error| error.to_string())?;
            }
        }
        settle(&self.sides.services);
        Ok(())
    }

    /// Seals with a key ring whose cache is empty.
    fn seal(&self, id: &str, item: &Attributes) -> Result<Attributes, String> {
        match &self.client {
            Client::Aws(store) => {
                let ring = self.sides.aws.hierarchical(store.clone(), id);
                self.sides.aws.encryptor_with(&table(), ring)?.seal(item)
            }
            Client::Us(store) => self.sides.ours.seal_with(&provider(store.clone(), id), &table(), item),
        }
    }

    /// Opens with a key ring whose cache is empty.
    fn open(&self, id: &str, item: &Attributes) -> Result<Attributes, String> {
        match &self.client {
            Client::Aws(store) => {
                let ring = self.sides.aws.hierarchical(store.clone(), id);
                self.sides.aws.encryptor_with(&table(), ring)?.open(item)
            }
            Client::Us(store) => self.sides.ours.open_with(&provider(store.clone(), id), &table(), item),
        }
    }
}

/// One branch key's course.
struct Place<'a> {
    sides: &'a Sides,
    keys: Keys,
    report: &'a mut Report,
    name: String,
}

impl Place<'_> {
    /// The shapes of the records, after the key was made and after it was rotated twice.
    fn run(&mut self, maker: Side, id: Option<String>) -> Result<[Vec<Shape>; 2], String> {
        let (sides, keys) = (self.sides, self.keys);
        let id = maker.store(sides, keys).create(id.as_deref())?;
        let made = shapes(sides, &id)?;
        let item = item();
        let mut sealed = self.seal_both(&id, &item)?;
        for rotating in [maker, maker.other()] {
            rotating.store(sides, keys).rotate(&id).map_err(|error| format!("{rotating:?} rotates: {error}"))?;
            sealed.extend(self.seal_both(&id, &item)?);
        }
        let rotated = shapes(sides, &id)?;
        for (number, sealed) in sealed.iter().enumerate() {
            for opening in BOTH {
                let opened = opening.store(sides, keys).open(&id, sealed);
                let same = opened.and_then(|opened| if opened == item { Ok(()) } else { Err("it differs".to_owned()) });
                self.check(format!("{opening:?} opens item {number}"), same);
            }
        }
        self.read_by_aws(&id);
        self.refuse_changed(&id, &item);
        Ok([made, rotated])
    }

    /// Both seal, under the version that is active.
    fn seal_both(&mut self, id: &str, item: &Attributes) -> Result<Vec<Attributes>, String> {
        let version = active_version(self.sides, id).ok_or("no active record")?;
        let mut all = Vec::new();
        for sealing in BOTH {
            let sealed = sealing.store(self.sides, self.keys).seal(id, item)?;
            let head = sealed.get(HEAD).and_then(|head| head.as_b().ok()).ok_or("no header")?;
            let raw = uuid_bytes(&version).ok_or("the active version is not a UUID")?;
            let named = head.as_ref().windows(raw.len()).any(|window| window == raw);
            let named = if named { Ok(()) } else { Err("the header does not name the active version".to_owned()) };
            self.check(format!("{sealing:?} seals under the active version"), named);
            all.push(sealed);
        }
        Ok(all)
    }

    /// AWS's client opens every record and finds the versions that we find.
    fn read_by_aws(&mut self, id: &str) {
        let store = self.sides.aws.key_store(self.keys.aws(), REGION);
        for version in versions(self.sides, id) {
            let call = store.get_branch_key_version().branch_key_identifier(id).branch_key_version(&version);
            let read = self.sides.aws.run(call.send()).and_then(|output| {
                let found = output.branch_key_materials.and_then(|found| found.branch_key_version);
                same(found.as_deref(), &version)
            });
            self.check("AWS's client reads a version", read);
        }
        let call = store.get_active_branch_key().branch_key_identifier(id);
        let read = self.sides.aws.run(call.send()).and_then(|output| {
            let found = output.branch_key_materials.and_then(|found| found.branch_key_version);
            same(found.as_deref(), &active_version(self.sides, id).unwrap_or_default())
        });
        self.check("AWS's client reads the active version", read);
        let call = store.get_beacon_key().branch_key_identifier(id);
        let read = self.sides.aws.run(call.send()).and_then(|output| {
            let key = output.beacon_key_materials.and_then(|found| found.beacon_key);
            let length = key.map_or(0, |key| key.as_ref().len());
            if length == KEY_BYTES { Ok(()) } else { Err(format!("a beacon key of {length} bytes")) }
        });
        self.check("AWS's client reads the beacon key", read);
    }

    /// A record that says anything else than when it was made seals nothing, on either side.
    fn refuse_changed(&mut self, id: &str, item: &Attributes) {
        self.sides.services.table.edit(KEY_STORE, |items| {
            for item in items.iter_mut().filter(|item| item["branch-key-id"]["S"] == id) {
                item["create-time"]["S"] = "2024-01-01T00:00:00.000000Z".into();
            }
        });
        settle(&self.sides.services);
        for sealing in BOTH {
            let refused = match sealing.store(self.sides, self.keys).seal(id, item) {
                Err(_) => Ok(()),
                Ok(_) => Err("it was sealed".to_owned()),
            };
            self.check(format!("{sealing:?} refuses a changed record"), refused);
        }
    }

    fn check(&mut self, what: impl std::fmt::Display, result: Result<(), String>) {
        match result {
            Ok(()) => self.report.pass(Section::KeyStore, &self.name),
            Err(error) => self.report.fail(Section::KeyStore, &self.name, what, error),
        }
    }
}

/// A record without what is random or of its time: each attribute's type, and the form or the text of its value.
type Shape = BTreeMap<String, String>;

/// The records of a branch key, the active one first.
fn shapes(sides: &Sides, id: &str) -> Result<Vec<Shape>, String> {
    let records = records(sides, id);
    let mut shapes = Vec::new();
    for record in &records {
        let mut shape = Shape::new();
        for (name, value) in record.as_object().ok_or("not an item")? {
            let (kind, text) = value.as_object().and_then(|value| value.iter().next()).ok_or("not a value")?;
            let text = text.as_str().ok_or("not a text")?;
            let form = match name.as_str() {
                "branch-key-id" => same(Some(text), id).map(|()| "the id".to_owned())?,
                "kms-arn" if [MRK_ARN, REPLICA_ARN].contains(&text) => "a replica".to_owned(),
                "create-time" => text.replace(|c: char| c.is_ascii_digit(), "0"),
                "enc" => format!("{} characters", text.len()),
                "type" | "version" => version_form(text),
                _ => text.to_owned(),
            };
            shape.insert(name.clone(), format!("{kind} {form}"));
        }
        if let Some(version) = record.get("version") {
            // The active record and the version record beside it were made at once.
            let beside = records.iter().find(|other| other["type"] == *version).ok_or("no such version")?;
            shape.insert("made at once".to_owned(), (beside["create-time"] == record["create-time"]).to_string());
        }
        shapes.push(shape);
    }
    Ok(shapes)
}

fn compare(by_aws: &[Vec<Shape>], by_us: &[Vec<Shape>], report: &mut Report) {
    for (theirs, ours) in by_aws.iter().zip(by_us) {
        if theirs.len() != ours.len() {
            report.fail(Section::KeyStore, RECORDS, "records", format!("{} and {}", theirs.len(), ours.len()));
        }
        for (theirs, ours) in theirs.iter().zip(ours) {
            let names: std::collections::BTreeSet<_> = theirs.keys().chain(ours.keys()).collect();
            for name in names {
                match (theirs.get(name), ours.get(name)) {
                    (Some(one), Some(two)) if one == two => report.pass(Section::KeyStore, RECORDS),
                    (one, two) => report.fail(Section::KeyStore, RECORDS, name, format!("AWS {one:?}; we {two:?}")),
                }
            }
        }
    }
}

fn records(sides: &Sides, id: &str) -> Vec<Value> {
    sides.services.table.items(KEY_STORE).into_iter().filter(|item| item["branch-key-id"]["S"] == id).collect()
}

fn versions(sides: &Sides, id: &str) -> Vec<String> {
    let version = |item: Value| Some(item["type"]["S"].as_str()?.strip_prefix(VERSION)?.to_owned());
    records(sides, id).into_iter().filter_map(version).collect()
}

fn active_version(sides: &Sides, id: &str) -> Option<String> {
    records(sides, id).iter().find_map(|item| Some(item["version"]["S"].as_str()?.strip_prefix(VERSION)?.to_owned()))
}

/// The type of a version record, its UUID reduced to its form; other types as they are.
fn version_form(text: &str) -> String {
    match text.strip_prefix(VERSION) {
        Some(uuid) => {
            let digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            format!("{VERSION}{} version {}", uuid.replace(digit, "x"), uuid.get(14..15).unwrap_or_default())
        }
        None => text.to_owned(),
    }
}

fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    u128::from_str_radix(&text.replace('-', ""), 16).ok().map(u128::to_be_bytes)
}

fn same(found: Option<&str>, wanted: &str) -> Result<(), String> {
    if found == Some(wanted) { Ok(()) } else { Err(format!("{found:?} instead of {wanted}")) }
}

fn provider(store: Arc<KeyStoreTable>, id: &str) -> Provider {
    Provider::new(ours::hierarchical(store, id))
}

fn table() -> SchemaSpec {
    SchemaSpec {
        logical_name: "Orders".to_owned(),
        partition_key: "pk".to_owned(),
        actions: vec![("pk".to_owned(), Action::SignOnly), ("secret".to_owned(), Action::EncryptAndSign)],
        ..SchemaSpec::default()
    }
}

fn item() -> Attributes {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    Attributes::from([("pk".to_owned(), text("order 7")), ("secret".to_owned(), text("for one tenant"))])
}

const BOTH: [Side; 2] = [Side::Aws, Side::Us];
const VERSION: &str = "branch:version:";
const KEY_BYTES: usize = 32;
const TABLE: &str = "AWS's client takes our table for one of its own";
const RECORDS: &str = "attributes of records, AWS's beside ours";
/// Of each branch key: six items sealed, each opened by both; three versions, the active one and the beacon key read by AWS's
/// client; a changed record refused by both.
const CHECKS: u64 = 6 + 12 + 5 + 2;
/// Three records at first and five at last, of seven attributes, or six without custom context; the active one has its
/// version and was made with it.
const ATTRIBUTES: u64 = 2 * (8 * 7 + 2 * 2) + (8 * 6 + 2 * 2);
